/* Operations on files: fetch what was asked, call core/tree, reply once. */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* -- attributes -------------------------------------------------------------------------------- */

static void run_getattr(struct cf_fs_call *call)
{
	call->r = cf_tree_getattr(call->fs->tree, &call->ctx, call->ino, call->open, &call->attr,
				  &call->err);
}

void cf_fs_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_getattr,
		.reply = cf_fs_reply_attr,
		.wait = CF_FS_WAIT_NONE, /* the kernel may ask with a page locked */
		.probes = true,
	};
	struct cf_fs_call *call = cf_fs_call_open(req, &op, fi);

	if (!call)
		return;
	call->ino = ino;
	cf_fs_call_go(call, cf_tree_look_pace(call->fs->tree, ino, ""));
}

/* Outside what cf_time can hold, the nearest that it can. */
static cf_time time_of(struct timespec ts)
{
	cf_time t = cf_time_from_seconds(ts.tv_sec);

	return __builtin_add_overflow(t, ts.tv_nsec, &t) ? CF_NEVER : t;
}

static void run_setattr(struct cf_fs_call *call)
{
	call->r = cf_tree_setattr(call->fs->tree, &call->ctx, call->ino, call->open, &call->set,
				  &call->attr, &call->err);
}

void cf_fs_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
		      struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_setattr,
		.reply = cf_fs_reply_attr,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);
	struct cf_fs_handle *handle = fi ? (struct cf_fs_handle *)(uintptr_t)fi->fh : NULL;

	if (!call)
		return;
	call->ino = ino;
	call->open = handle ? handle->open : NULL;
	call->set = (struct cf_setattr){
		.has_mode = to_set & FUSE_SET_ATTR_MODE,
		.has_uid = to_set & FUSE_SET_ATTR_UID,
		.has_gid = to_set & FUSE_SET_ATTR_GID,
		.has_size = to_set & FUSE_SET_ATTR_SIZE,
		.has_atime = to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW),
		.has_mtime = to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW),
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = (uint64_t)st->st_size,
		.mtime = to_set & FUSE_SET_ATTR_MTIME_NOW ? cf_clock_now(call->fs->core->clock)
							  : time_of(st->st_mtim),
	};
	cf_fs_call_go(call, cf_tree_pace(call->fs->tree, CF_REQUEST_SETATTR, ino, 0, call->open));
}

/* -- opening ----------------------------------------------------------------------------------- */

/* What READ renders from the store needs nothing that is kept. */
static void keep_open(struct cf_fs_call *call)
{
	if (call->r < 0 || (!call->open && !call->hints.secret))
		return;
	call->r = cf_fs_handle_new(call);
	if (call->r < 0 && call->open)
		cf_tree_release(call->fs->tree, call->open);
}

static void give_hints(struct cf_fs_call *call)
{
	const bool read_only = call->fs->options->read_only; /* nothing is remembered */

	call->fi.fh = (uint64_t)(uintptr_t)call->handle;
	call->fi.direct_io = call->hints.direct_io || read_only;
	call->fi.keep_cache = call->hints.keep_cache && !read_only;
	call->fi.noflush = call->hints.no_flush;
}

/* The caller was interrupted: there will be no RELEASE. */
static void lose_open(struct cf_fs_call *call)
{
	cf_fs_handle_free(call->fs, call->handle);
}

static void run_open(struct cf_fs_call *call)
{
	call->r = cf_tree_open(call->fs->tree, &call->ctx, call->ino, call->fi.flags, &call->open,
			       &call->hints, &call->err);
	keep_open(call);
}

static int reply_open(struct cf_fs_call *call)
{
	give_hints(call);
	return fuse_reply_open(call->req, &call->fi);
}

void cf_fs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	static const struct cf_fs_op to_read = {
		.run = run_open,
		.reply = reply_open,
		.lost = lose_open,
		.wait = CF_FS_WAIT_INODES,
	};
	static const struct cf_fs_op to_write = {
		.run = run_open,
		.reply = reply_open,
		.lost = lose_open,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	struct cf_fs_call *call = cf_fs_call_new(req, writes ? &to_write : &to_read);

	if (!call)
		return;
	call->ino = ino;
	call->fi = *fi;
	cf_fs_call_go(call, cf_tree_pace(call->fs->tree, CF_REQUEST_OPEN, ino, 0, NULL));
}

static void run_create(struct cf_fs_call *call)
{
	call->r =
		cf_tree_create(call->fs->tree, &call->ctx, call->ino, call->name, call->mode,
			       call->fi.flags, &call->attr, &call->open, &call->hints, &call->err);
	keep_open(call);
}

static int reply_create(struct cf_fs_call *call)
{
	struct fuse_entry_param entry;

	cf_fs_entry(call, &call->attr, &entry);
	give_hints(call);
	return fuse_reply_create(call->req, &entry, &call->fi);
}

void cf_fs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		     struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_create,
		.reply = reply_create,
		.lost = lose_open,
		.wait = CF_FS_WAIT_INODES,
		.changes = true,
	};
	struct cf_fs_call *call = cf_fs_call_new(req, &op);

	if (!call)
		return;
	call->ino = parent;
	call->name = name;
	call->mode = mode;
	call->fi = *fi;
	cf_fs_call_go(call, CF_QUICK);
}

/* -- content ----------------------------------------------------------------------------------- */

static void run_read(struct cf_fs_call *call)
{
	call->r = cf_tree_read(call->fs->tree, &call->ctx, call->ino, call->open, call->offset,
			       call->size, &call->bytes, &call->err);
}

static int reply_read(struct cf_fs_call *call)
{
	return fuse_reply_buf(call->req, call->bytes.data, call->bytes.len);
}

void cf_fs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_read,
		.reply = reply_read,
		/* Pages are locked until it is answered; sendfile(2) takes some for direct_io too. */
		.wait = CF_FS_WAIT_NONE,
	};
	struct cf_fs_call *call = cf_fs_call_open(req, &op, fi);

	if (!call)
		return;
	call->ino = ino;
	call->size = size;
	call->offset = (uint64_t)off;
	cf_fs_call_go(call, cf_tree_pace(call->fs->tree, CF_REQUEST_READ, ino, 0, call->open));
}

static void run_write(struct cf_fs_call *call)
{
	if (!call->open)
		call->r = cf_fail(&call->err, EBADF, "this file isn't open for writing");
	else
		call->r = cf_tree_write(call->fs->tree, &call->ctx, call->open, call->offset,
					call->data, &call->err);
}

static int reply_write(struct cf_fs_call *call)
{
	return fuse_reply_write(call->req, call->size);
}

void cf_fs_op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_write,
		.reply = reply_write,
		/*
		 * Not for entries: the kernel holds the file's lock, unlink(2) of it waits for that
		 * with the directory's, which forgetting an entry waits for.
		 */
		.wait = CF_FS_WAIT_INODES,
	};
	struct cf_fs_call *call = cf_fs_call_open(req, &op, fi);

	if (!call)
		return;
	call->ino = ino;
	call->size = size;
	call->offset = (uint64_t)off;
	call->data = cf_span(data, size);
	cf_fs_call_go(call, cf_tree_pace(call->fs->tree, CF_REQUEST_WRITE, ino, 0, call->open));
	/* It may have been a password, and libfuse keeps its buffers for as long as it runs. */
	explicit_bzero((void *)(uintptr_t)data, size);
}

static void run_flush(struct cf_fs_call *call)
{
	call->r = cf_tree_flush(call->fs->tree, &call->ctx, call->open, &call->err);
}

void cf_fs_op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_flush,
		.reply = cf_fs_reply_done,
		.wait = CF_FS_WAIT_ENTRIES,
	};
	struct cf_fs_call *call = cf_fs_call_open(req, &op, fi);

	if (!call)
		return;
	call->ino = ino;
	if (call->open) {
		cf_fs_call_go(call,
			      cf_tree_pace(call->fs->tree, CF_REQUEST_FLUSH, ino, 0, call->open));
		return;
	}
	cf_fs_call_reply(call);
	cf_fs_call_free(call);
}

static void run_release(struct cf_fs_call *call)
{
	struct cf_fs_handle *handle = call->handle;
	bool writes = handle && handle->writes;

	if (handle && handle->secret)
		call->forget_ino = call->ino; /* sendfile(2) caches even what is direct_io */
	cf_fs_handle_free(call->fs, handle);
	if (writes)
		cf_fs_timer_wake(call->fs); /* a staged file's time begins */
}

void cf_fs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	static const struct cf_fs_op op = {
		.run = run_release,
		.reply = cf_fs_reply_done,
		.wait = CF_FS_WAIT_NONE,
	};
	struct cf_fs_call *call = cf_fs_call_open(req, &op, fi);

	if (!call)
		return;
	call->ino = ino;
	cf_fs_call_go(call, CF_QUICK);
}
