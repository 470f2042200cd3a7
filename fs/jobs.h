/* Threads that run jobs: the pool for slow requests, and with one thread each, the notifiers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

/* Embedded in what it is about; nothing is allocated to queue it. */
struct cf_fs_job {
	struct cf_fs_job *next;
	void (*run)(struct cf_fs_job *job); /* may free the job */
};

/* Which jobs come first; among equals, who came first. */
enum cf_fs_line {
	CF_FS_FIRST, /* milliseconds: building an export, judging a dropped file */
	CF_FS_NEXT,  /* seconds: making a key */
	CF_FS_LATER, /* what nobody waits for; dropped when the pool is closed */
};

struct cf_fs_pool;

/* express: one of the threads takes CF_FS_FIRST only. 0, -ENOMEM or -EAGAIN. */
int cf_fs_pool_new(size_t n_threads, bool express, struct cf_fs_pool **ret, struct cf_err *err);

/* Queue a job. False: the pool is closed. */
bool cf_fs_pool_add(struct cf_fs_pool *pool, struct cf_fs_job *job, enum cf_fs_line line);

/* Take no more, finish what was queued, end the threads. Again: nothing. */
void cf_fs_pool_close(struct cf_fs_pool *pool);
void cf_fs_pool_free(struct cf_fs_pool *pool);
