/* Keeping keys ready, on the pool when it has nothing else to do: one key at a time. */
#include "fs/fs.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/procedures/ready.h"

static void add(struct cf_fs *fs)
{
	if (!cf_fs_pool_add(fs->pool, &fs->refill.job, CF_FS_LATER))
		atomic_store(&fs->refill.running, false); /* the mount is about to end */
}

static void run_refill(struct cf_fs_call *call)
{
	bool more = false;

	call->r = cf_ready_refill(&call->ctx, &more, &call->err);
	if (call->r < 0) /* a full disk: the next change or date tries again */
		cf_fs_log_refusal(call->fs->log, call->r, &call->err);
	else if (more)
		atomic_store(&call->fs->refill.wanted, true);
}

static void run(struct cf_fs_job *job)
{
	static const struct cf_fs_op op = { .run = run_refill, .wait = CF_FS_WAIT_INODES };
	struct cf_fs *fs = (struct cf_fs *)((char *)job - offsetof(struct cf_fs, refill.job));
	struct cf_fs_call *call = calloc(1, sizeof(*call));

	atomic_store(&fs->refill.wanted, false);
	if (call) {
		call->fs = fs;
		call->op = &op;
		cf_fs_ask_as_certfs(fs, &call->ctx);
		op.run(call);
		cf_fs_invalidate(call);
	}
	if (atomic_load(&fs->refill.wanted)) {
		add(fs);
		return;
	}
	atomic_store(&fs->refill.running, false);
	/* Asked for between the two lines above. */
	if (atomic_load(&fs->refill.wanted))
		cf_fs_refill(fs);
}

void cf_fs_refill(struct cf_fs *fs)
{
	atomic_store(&fs->refill.wanted, true);
	if (atomic_exchange(&fs->refill.running, true))
		return;
	fs->refill.job.run = run;
	add(fs);
}
