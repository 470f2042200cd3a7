/* What every procedure gets: the store and its keys, and who is asking. */
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include "core/decoder/decoder.h"
#include "core/store/store.h"
#include "core/vault/vault.h"

/* Making every verdict anew. */
struct cf_judging {
	pthread_mutex_t lock; /* held meanwhile, so that one thread does it for all */
	/* Hears how many certificates it was by now; .all isn't 0 at the end. NULL: nobody does. */
	cf_progress_fn *progress;
	void *arg;
};

/* Shared by all threads, owned by main(). */
struct cf_core {
	struct cf_store *store;
	struct cf_vault *vault;
	struct cf_clock *clock;
	struct cf_decoder decoder;
	struct cf_judging *judging; /* NULL: there is one thread only */
	uid_t uid;                  /* who owns what has no owner of its own */
	gid_t gid;
	mode_t umask; /* of all modes */
};

/* Who is asking, captured when the file was opened. uid is authoritative, pid and comm are hints. */
struct cf_caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char comm[16];       /* "" when it isn't known */
	const gid_t *groups; /* supplementary ones; borrowed; none when they aren't known */
	size_t n_groups;
};

/* One request. Zero-initialise the rest; cf_ctx_done() releases changes. */
struct cf_ctx {
	const struct cf_core *core;
	struct cf_caller caller;
	struct cf_changes changes; /* what the procedures committed, for the kernel's memory */
	bool held_key;             /* the file that cf_deliver() took has a private key in it */
};

void cf_ctx_done(struct cf_ctx *ctx);
CF_DEFINE_DONE(struct cf_ctx, cf_ctx_done);
