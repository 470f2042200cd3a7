/*
 * Telling the kernel what it must forget, by two threads.
 *
 * One is for inodes: it waits for pages that a READ has locked, so the replies of what reads
 * pages never wait for it; all others do. One is for names: it waits for the lock of the
 * directory, which MKDIR, RMDIR, CREATE, RENAME, UNLINK and SETATTR hold until they are answered,
 * so only WRITE and FLUSH wait for it. A request moves from thread to thread as a job and is
 * answered by the one that it waited for.
 */
#include "fs/fs.h"

#include <string.h>

int cf_fs_invalidate_start(struct cf_fs *fs, struct cf_err *err)
{
	int r = cf_fs_pool_new(1, false, &fs->tell_inodes, err);

	return r < 0 ? r : cf_fs_pool_new(1, false, &fs->tell_entries, err);
}

/* In this order: the first hands on to the second. */
void cf_fs_invalidate_stop(struct cf_fs *fs)
{
	cf_fs_pool_close(fs->tell_inodes);
	cf_fs_pool_close(fs->tell_entries);
}

/* -- the two kinds of notices ------------------------------------------------------------------ */

/* What there is of the other kind is counted while one kind is told. */
struct round {
	struct cf_fs *fs;
	size_t others;
};

static void tell_inode(void *arg, uint64_t ino)
{
	struct round *round = arg;

	/* An inode that the kernel doesn't know is none of its concern. */
	fuse_lowlevel_notify_inval_inode(round->fs->session, ino, 0, 0);
}

static void count_inode(void *arg, uint64_t ino)
{
	struct round *round = arg;

	(void)ino;
	round->others++;
}

static void tell_entry(void *arg, uint64_t parent, const char *name)
{
	struct round *round = arg;

	fuse_lowlevel_notify_inval_entry(round->fs->session, parent, name, strlen(name));
}

static void count_entry(void *arg, uint64_t parent, const char *name)
{
	struct round *round = arg;

	(void)parent;
	(void)name;
	round->others++;
}

/* Returns whether there are names to forget too. own (or NULL): the epoch of who caused this. */
static bool tell_inodes(struct cf_fs *fs, const struct cf_changes *changes, uint64_t *own)
{
	uint64_t epoch;
	struct round round = { .fs = fs };
	const struct cf_notices notices = {
		.inode = tell_inode,
		.entry = count_entry,
		.arg = &round,
	};

	/* First, so that what is being answered from older rows is not remembered. */
	epoch = atomic_fetch_add(&fs->epoch, 1);
	if (own && *own == epoch)
		*own = epoch + 1;
	cf_tree_notices(fs->tree, changes, &notices);
	return round.others > 0;
}

static void tell_entries(struct cf_fs *fs, const struct cf_changes *changes)
{
	struct round round = { .fs = fs };
	const struct cf_notices notices = {
		.inode = count_inode,
		.entry = tell_entry,
		.arg = &round,
	};

	cf_tree_notices(fs->tree, changes, &notices);
}

/* -- a request on its way ---------------------------------------------------------------------- */

static void run_entries(struct cf_fs_job *job)
{
	struct cf_fs_call *call = (struct cf_fs_call *)job;

	tell_entries(call->fs, &call->ctx.changes);
	cf_fs_call_reply(call);
	cf_fs_call_free(call);
}

static void run_inodes(struct cf_fs_job *job)
{
	struct cf_fs_call *call = (struct cf_fs_call *)job;
	struct round round = { .fs = call->fs };
	bool more = tell_inodes(call->fs, &call->ctx.changes, &call->epoch);

	if (call->forget_ino != 0)
		tell_inode(&round, call->forget_ino);
	if (!more || call->op->wait < CF_FS_WAIT_ENTRIES)
		cf_fs_call_reply(call);
	call->job.run = run_entries;
	if (more && cf_fs_pool_add(call->fs->tell_entries, &call->job, CF_FS_FIRST))
		return;
	cf_fs_call_reply(call);
	cf_fs_call_free(call);
}

void cf_fs_invalidate(struct cf_fs_call *call)
{
	if (call->op->wait == CF_FS_WAIT_NONE)
		cf_fs_call_reply(call);
	call->job.run = run_inodes;
	if (cf_fs_pool_add(call->fs->tell_inodes, &call->job, CF_FS_FIRST))
		return;
	/* The mount is about to end, and with it what the kernel remembers. */
	cf_fs_call_reply(call);
	cf_fs_call_free(call);
}

void cf_fs_invalidate_now(struct cf_fs *fs, const struct cf_ctx *ctx)
{
	if (ctx->changes.n > 0 && tell_inodes(fs, &ctx->changes, NULL))
		tell_entries(fs, &ctx->changes);
}
