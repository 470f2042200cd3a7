/*
 * The operations that there are. One that is absent is answered ENOSYS by libfuse, and the kernel
 * never asks again: extended attributes, poll, fsync (what was acknowledged is on disk), lseek,
 * fallocate, copy_file_range; locks are then the kernel's own. FORGET has no work: inode numbers
 * are computed.
 */
#include "fs/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

static void want(struct fuse_conn_info *conn, unsigned flags)
{
	conn->want |= conn->capable & flags;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct cf_fs *fs = userdata;

	/* Saving requests is everything: attributes come with every listing. */
	want(conn, FUSE_CAP_READDIRPLUS | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_CACHE_SYMLINKS |
			   FUSE_CAP_ATOMIC_O_TRUNC);
	conn->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO;
	/* Pages that hold a key or a password must not be shared with pipes. */
	conn->want &=
		~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	conn->want &= ~(unsigned)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_POSIX_ACL);
	conn->time_gran = 1;
	fs->no_opendir = (conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT) && !fs->options->read_only;
	if (fs->options->read_only)
		conn->want &= ~(unsigned)FUSE_CAP_CACHE_SYMLINKS;
}

/* There is as much room as where the store lies; programs that copy ask first. */
static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct cf_fs *fs = fuse_req_userdata(req);
	struct statvfs st = { 0 };

	(void)ino;
	if (statvfs(fs->options->store, &st) < 0)
		memset(&st, 0, sizeof(st));
	if (st.f_frsize == 0)
		st.f_bsize = st.f_frsize = 4096;
	st.f_namemax = CF_TREE_NAME_MAX;
	fuse_reply_statfs(req, &st);
}

const struct fuse_lowlevel_ops cf_fs_ops = {
	.init = op_init,
	.lookup = cf_fs_op_lookup,
	.getattr = cf_fs_op_getattr,
	.setattr = cf_fs_op_setattr,
	.readlink = cf_fs_op_readlink,
	.mknod = cf_fs_op_mknod,
	.mkdir = cf_fs_op_mkdir,
	.unlink = cf_fs_op_unlink,
	.rmdir = cf_fs_op_rmdir,
	.symlink = cf_fs_op_symlink,
	.rename = cf_fs_op_rename,
	.link = cf_fs_op_link,
	.open = cf_fs_op_open,
	.read = cf_fs_op_read,
	.write = cf_fs_op_write,
	.flush = cf_fs_op_flush,
	.release = cf_fs_op_release,
	.opendir = cf_fs_op_opendir,
	.readdir = cf_fs_op_readdir,
	.statfs = op_statfs,
	.create = cf_fs_op_create,
	.ioctl = cf_fs_op_ioctl,
	.readdirplus = cf_fs_op_readdirplus,
};
