/* Operations on names and directories: fetch what was asked, call core/tree, reply once. */
#include "fs/fs.h"

#include <errno.h>
#include <string.h>

/* -- looking ----------------------------------------------------------------------------------- */

static void run_lookup(struct cf_fs_call *call)
{
	call->r = cf_tree_lookup(call->fs->tree, &call->ctx, call->ino, call->name, &call->attr,
				 &call->remember, &call->err);
	call->remember = call->remember && call->r == -ENOENT;
	if (call->remember)
		call->r = 0;
}

/* A name that is absent and may be remembered as that is an entry without an inode. */
static int reply_lookup(struct cf_fs_call *call)
{
	struct fuse_entry_param entry = { 0 };

	if (!call->remember)
		return cf_fs_reply_entry(call);
	entry.entry_timeout = cf_fs_timeout(call, false);
	return fuse_reply_entry(call->req, &entry);
}

void cf_fs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct cf_fs_op op = {
		.run = run_lookup,
		.reply = reply_lookup,
		.wait = CF_FS_WAIT_INODES,
		.probes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = parent;
	call->name = name;
	cf_fs_call_go(call, cf_tree_look_pace(call->fs->tree, parent, name));
}

static void run_readlink(struct cf_fs_call *call)
{
	call->r = cf_tree_readlink(call->fs->tree, &call->ctx, call->ino, &call->bytes, &call->err);
}

static int reply_readlink(struct cf_fs_call *call)
{
	return fuse_reply_readlink(call->req, cf_buf_text(&call->bytes));
}

void cf_fs_op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	static const struct cf_fs_op op = {
		.run = run_readlink,
		.reply = reply_readlink,
		.wait = CF_FS_WAIT_NONE, /* the kernel reads a link into a locked page */
		.probes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = ino;
	cf_fs_call_go(call, CF_QUICK);
}

/* -- making and removing ----------------------------------------------------------------------- */

static void run_special(struct cf_fs_call *call)
{
	call->r = cf_tree_special(call->fs->tree, &call->ctx, call->ino, call->name, call->new_name,
				  &call->err);
}

/* what: the kind of thing, in new_name. */
static void special(fuse_req_t req, fuse_ino_t parent, const char *name, const char *what)
{
	static const struct cf_fs_op op = {
		.run = run_special,
		.reply = cf_fs_reply_done,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = parent;
	call->name = name;
	call->new_name = what;
	cf_fs_call_go(call, CF_QUICK);
}

void cf_fs_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	(void)dev;
	special(req, parent, name, S_ISREG(mode) ? "file made by mknod" : "special file");
}

void cf_fs_op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	(void)link;
	special(req, parent, name, "symbolic link");
}

void cf_fs_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	(void)ino;
	special(req, new_parent, new_name, "hard link");
}

static void run_mkdir(struct cf_fs_call *call)
{
	call->r = cf_tree_mkdir(call->fs->tree, &call->ctx, call->ino, call->name, call->mode,
				&call->attr, &call->err);
}

void cf_fs_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	static const struct cf_fs_op op = {
		.run = run_mkdir,
		.reply = cf_fs_reply_entry,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = parent;
	call->name = name;
	call->mode = mode;
	cf_fs_call_go(call, CF_QUICK);
}

static void run_rmdir(struct cf_fs_call *call)
{
	call->r = cf_tree_rmdir(call->fs->tree, &call->ctx, call->ino, call->name, &call->err);
}

void cf_fs_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct cf_fs_op op = {
		.run = run_rmdir,
		.reply = cf_fs_reply_done,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = parent;
	call->name = name;
	cf_fs_call_go(call, CF_QUICK);
}

static void run_unlink(struct cf_fs_call *call)
{
	call->r = cf_tree_unlink(call->fs->tree, &call->ctx, call->ino, call->name, &call->err);
}

void cf_fs_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct cf_fs_op op = {
		.run = run_unlink,
		.reply = cf_fs_reply_done,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = parent;
	call->name = name;
	cf_fs_call_go(call, cf_tree_pace(call->fs->tree, CF_REQUEST_UNLINK, parent, 0, NULL));
}

static void run_rename(struct cf_fs_call *call)
{
	call->r = cf_tree_rename(call->fs->tree, &call->ctx, call->ino, call->name, call->other,
				 call->new_name, call->flags, &call->err);
}

void cf_fs_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		     const char *new_name, unsigned flags)
{
	static const struct cf_fs_op op = {
		.run = run_rename,
		.reply = cf_fs_reply_done,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = parent;
	call->name = name;
	call->other = new_parent;
	call->new_name = new_name;
	call->flags = flags;
	cf_fs_call_go(call,
		      cf_tree_pace(call->fs->tree, CF_REQUEST_RENAME, parent, new_parent, NULL));
}

/* -- listing ----------------------------------------------------------------------------------- */

/*
 * ENOSYS once, and the kernel opens and closes directories by itself for the rest of the mount,
 * and keeps their listings until a notice about the directory's inode.
 */
void cf_fs_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct cf_fs *fs = fuse_req_userdata(req);

	(void)ino;
	if (fs->no_opendir) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->cache_readdir = fi->keep_cache = !fs->options->read_only;
	fuse_reply_open(req, fi);
}

/* An entry into the room behind bytes, which is call->size in all. False when it doesn't fit. */
static bool add_entry(void *arg, const char *name, const struct cf_attr *attr, uint64_t cookie)
{
	struct cf_fs_call *call = arg;
	struct cf_buf *out = &call->bytes;
	size_t rest = call->size - out->len;
	struct stat st;
	size_t n;

	cf_fs_stat(attr, &st);
	n = fuse_add_direntry(call->req, out->data + out->len, rest, name, &st, (off_t)cookie);
	if (n > rest)
		return false;
	out->len += n;
	return true;
}

static bool add_entry_plus(void *arg, const char *name, const struct cf_attr *attr, uint64_t cookie)
{
	struct cf_fs_call *call = arg;
	struct cf_buf *out = &call->bytes;
	size_t rest = call->size - out->len;
	struct fuse_entry_param entry;
	size_t n;

	cf_fs_entry(call, attr, &entry);
	n = fuse_add_direntry_plus(call->req, out->data + out->len, rest, name, &entry,
				   (off_t)cookie);
	if (n > rest)
		return false;
	out->len += n;
	return true;
}

static void list(struct cf_fs_call *call, cf_tree_entry_fn *add)
{
	if (!cf_buf_room(&call->bytes, call->size, &call->err)) {
		call->r = -ENOMEM;
		return;
	}
	call->r = cf_tree_list(call->fs->tree, &call->ctx, call->ino, call->offset, add, call,
			       &call->err);
	/* What was listed counts; the kernel asks again behind it and hears of the failure then. */
	if (call->bytes.len > 0)
		call->r = 0;
}

static void run_readdir(struct cf_fs_call *call)
{
	list(call, add_entry);
}

static void run_readdirplus(struct cf_fs_call *call)
{
	list(call, add_entry_plus);
}

static int reply_listing(struct cf_fs_call *call)
{
	return fuse_reply_buf(call->req, call->bytes.data, call->bytes.len);
}

static void start_listing(fuse_req_t req, const struct cf_fs_op *op, fuse_ino_t ino, size_t size,
			  off_t off)
{
	struct cf_fs_call *call = cf_fs_call_new(req, op);

	if (!call)
		return;
	call->ino = ino;
	call->size = size;
	call->offset = (uint64_t)off;
	cf_fs_call_go(call, cf_tree_look_pace(call->fs->tree, ino, NULL));
}

void cf_fs_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_readdir,
		.reply = reply_listing,
		.wait = CF_FS_WAIT_NONE,
		.probes = true,
	};

	(void)fi;
	start_listing(req, &op, ino, size, off);
}

void cf_fs_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			  struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_readdirplus,
		.reply = reply_listing,
		.wait = CF_FS_WAIT_NONE,
		.probes = true,
	};

	(void)fi;
	start_listing(req, &op, ino, size, off);
}
