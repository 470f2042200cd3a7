/*
 * A request from its start to its only reply. A reply that has to wait for the kernel to forget
 * something travels through the threads of invalidate.c; nobody waits for it.
 */
#include "fs/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cf_fs_call *cf_fs_call_new(fuse_req_t req, const struct cf_fs_op *op)
{
	struct cf_fs_call *call = calloc(1, sizeof(*call));
	const struct fuse_ctx *from = fuse_req_ctx(req);

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	call->fs = fuse_req_userdata(req);
	call->op = op;
	call->req = req;
	call->epoch = atomic_load(&call->fs->epoch);
	call->ctx.core = call->fs->core;
	call->ctx.caller.uid = from->uid;
	call->ctx.caller.gid = from->gid;
	call->ctx.caller.pid = from->pid;
	if (op->changes) {
		cf_fs_caller_name(&call->ctx.caller);
		call->groups = cf_fs_caller_groups(&call->ctx.caller);
	}
	return call;
}

struct cf_fs_call *cf_fs_call_open(fuse_req_t req, const struct cf_fs_op *op,
				   const struct fuse_file_info *fi)
{
	struct cf_fs_call *call = cf_fs_call_new(req, op);

	if (!call || !fi)
		return call;
	call->fi = *fi;
	call->handle = (struct cf_fs_handle *)(uintptr_t)fi->fh;
	if (call->handle) {
		call->open = call->handle->open;
		call->ctx.caller = call->handle->caller;
	}
	return call;
}

void cf_fs_call_free(struct cf_fs_call *call)
{
	cf_ctx_done(&call->ctx);
	cf_buf_done(&call->bytes);
	free(call->kept[0]);
	free(call->kept[1]);
	free(call->groups);
	free(call);
}

void cf_fs_call_reply(struct cf_fs_call *call)
{
	fuse_req_t req = call->req;

	if (!req)
		return;
	if (call->r < 0)
		fuse_reply_err(req, -call->r);
	else if (call->op->reply(call) == -ENOENT && call->op->lost)
		call->op->lost(call);
	call->req = NULL;
}

/* After the tree has done its part. */
static void finish(struct cf_fs_call *call)
{
	const struct cf_changes *changes = &call->ctx.changes;
	bool absent = call->r == -ENOENT || call->r == -ESTALE;

	if (call->r < 0 && !(absent && call->op->probes))
		cf_fs_log_refusal(call->fs->log, call->r, &call->err);
	for (size_t i = 0; i < changes->n; i++) {
		if (changes->items[i].what & ~(unsigned)CF_WHAT_REFUSED) {
			cf_fs_timer_wake(call->fs);
			break;
		}
	}
	if (changes->n > 0 || call->forget_ino != 0) {
		cf_fs_invalidate(call);
	} else {
		cf_fs_call_reply(call);
		cf_fs_call_free(call);
	}
}

static void run_on_pool(struct cf_fs_job *job)
{
	struct cf_fs_call *call = (struct cf_fs_call *)job;

	call->op->run(call);
	finish(call);
}

static void run_slowest(struct cf_fs_job *job)
{
	cf_fs_testing_fault(((struct cf_fs_call *)job)->fs, "make");
	run_on_pool(job);
}

/* What belongs to libfuse is gone when the operation returns. */
static int keep(struct cf_fs_call *call)
{
	int r = 0;

	if (call->data.len > 0) {
		r = cf_buf_append(&call->bytes, call->data.data, call->data.len, &call->err);
		call->data = cf_span_buf(&call->bytes);
	}
	if (r == 0 && call->name) {
		call->name = call->kept[0] = strdup(call->name);
		if (!call->name)
			r = cf_fail_memory(&call->err);
	}
	if (r == 0 && call->new_name) {
		call->new_name = call->kept[1] = strdup(call->new_name);
		if (!call->new_name)
			r = cf_fail_memory(&call->err);
	}
	return r;
}

/* The kernel refuses changes of such a mount by itself, until root mounts it again with rw. */
static bool refuse_change(struct cf_fs_call *call)
{
	if (!call->op->changes || !call->fs->options->read_only)
		return false;
	call->r = cf_fail(&call->err, EROFS,
			  "this mount only reads; change the store where it is mounted for "
			  "writing, or unmount this and mount it without ro");
	finish(call);
	return true;
}

void cf_fs_call_go(struct cf_fs_call *call, enum cf_pace pace)
{
	if (refuse_change(call))
		return;
	if (pace != CF_QUICK) {
		struct cf_fs_pool *pool = pace == CF_PAGE ? call->fs->pages : call->fs->pool;
		enum cf_fs_line line = pace == CF_SLOWEST ? CF_FS_NEXT : CF_FS_FIRST;

		call->r = keep(call);
		call->job.run = pace == CF_SLOWEST ? run_slowest : run_on_pool;
		if (call->r == 0 && cf_fs_pool_add(pool, &call->job, line))
			return;
		if (call->r < 0) {
			finish(call);
			return;
		}
	}
	/* A closed pool: the mount is about to end, and the request is served nevertheless. */
	call->op->run(call);
	finish(call);
}

/* -- what the kernel may remember -------------------------------------------------------------- */

/* A notice that went out since the request began may have been about what it is going to say. */
static bool outdated(const struct cf_fs_call *call)
{
	return atomic_load(&call->fs->epoch) != call->epoch;
}

double cf_fs_timeout(const struct cf_fs_call *call, bool forget)
{
	/* What another mount changes isn't heard of. */
	if (call->fs->options->read_only)
		return 0.0;
	return forget || outdated(call) ? 0.0 : CF_FS_REMEMBER;
}

void cf_fs_stat(const struct cf_attr *attr, struct stat *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->st_ino = attr->ino;
	ret->st_mode = attr->mode;
	ret->st_nlink = attr->nlink;
	ret->st_uid = attr->uid;
	ret->st_gid = attr->gid;
	ret->st_size = (off_t)attr->size;
	ret->st_blocks = (blkcnt_t)((attr->size + 511) / 512); /* tar -S takes 0 for a hole */
	ret->st_blksize = 4096;
	ret->st_mtim = cf_time_spec(attr->mtime);
	ret->st_atim = ret->st_mtim;
	ret->st_ctim = cf_time_spec(attr->ctime);
}

void cf_fs_entry(const struct cf_fs_call *call, const struct cf_attr *attr,
		 struct fuse_entry_param *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->ino = attr->ino;
	ret->attr_timeout = cf_fs_timeout(call, attr->forget_attr);
	ret->entry_timeout = cf_fs_timeout(call, attr->forget_entry);
	cf_fs_stat(attr, &ret->attr);
}

int cf_fs_reply_done(struct cf_fs_call *call)
{
	return fuse_reply_err(call->req, 0);
}

int cf_fs_reply_entry(struct cf_fs_call *call)
{
	struct fuse_entry_param entry;

	cf_fs_entry(call, &call->attr, &entry);
	return fuse_reply_entry(call->req, &entry);
}

int cf_fs_reply_attr(struct cf_fs_call *call)
{
	struct stat st;

	cf_fs_stat(&call->attr, &st);
	return fuse_reply_attr(call->req, &st, cf_fs_timeout(call, call->attr.forget_attr));
}
