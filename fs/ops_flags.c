/* The flags of lsattr(1) and chattr(1), by which the kernel asks for the append-only files. */
#include "fs/fs.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>

static void run_get_flags(struct cf_fs_call *call)
{
	call->r =
		cf_tree_get_flags(call->fs->tree, &call->ctx, call->ino, &call->flags, &call->err);
}

static int reply_get_flags(struct cf_fs_call *call)
{
	/* FS_IOC_GETFLAGS says long and means 4 bytes. */
	return fuse_reply_ioctl(call->req, 0, &call->flags, sizeof(call->flags));
}

/* The kernel asks in this form for the old flags before it sets new ones. */
static int reply_get_xflags(struct cf_fs_call *call)
{
	const struct fsxattr x = {
		.fsx_xflags = call->flags & FS_APPEND_FL ? FS_XFLAG_APPEND : 0,
	};

	return fuse_reply_ioctl(call->req, 0, &x, sizeof(x));
}

static void run_set_flags(struct cf_fs_call *call)
{
	call->r = cf_tree_set_flags(call->fs->tree, &call->ctx, call->ino, call->flags, &call->err);
}

static int reply_set_flags(struct cf_fs_call *call)
{
	return fuse_reply_ioctl(call->req, 0, NULL, 0);
}

void cf_fs_op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
		    struct fuse_file_info *fi, unsigned flags, const void *in_buf, size_t in_size,
		    size_t out_size)
{
	static const struct cf_fs_op get = {
		.run = run_get_flags,
		.reply = reply_get_flags,
		.wait = CF_FS_WAIT_INODES,
	};
	static const struct cf_fs_op get_x = {
		.run = run_get_flags,
		.reply = reply_get_xflags,
		.wait = CF_FS_WAIT_INODES,
	};
	static const struct cf_fs_op set = {
		.run = run_set_flags,
		.reply = reply_set_flags,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	const struct cf_fs_op *op = NULL;
	struct cf_fs_call *call;

	(void)arg;
	(void)fi;
	(void)flags;
	if (cmd == FS_IOC_GETFLAGS && out_size >= sizeof(call->flags))
		op = &get;
	else if (cmd == FS_IOC_FSGETXATTR && out_size >= sizeof(struct fsxattr))
		op = &get_x;
	else if (cmd == FS_IOC_SETFLAGS && in_size >= sizeof(call->flags))
		op = &set;
	if (!op) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	call = cf_fs_call_new(req, op);
	if (!call)
		return;
	call->ino = ino;
	if (op == &set)
		memcpy(&call->flags, in_buf, sizeof(call->flags));
	cf_fs_call_go(call, CF_QUICK);
}
