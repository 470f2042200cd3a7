/* Threads that run jobs; see jobs.h. */
#include "fs/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"

/* First in, first out. */
struct line {
	struct cf_fs_job *first;
	struct cf_fs_job **end;
};

struct cf_fs_pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct line lines[CF_FS_LATER + 1]; /* under lock */
	bool closed;                        /* under lock */
	bool express; /* a thread is still to become the one for CF_FS_FIRST; under lock */
	bool joined;
	size_t n_threads;
	pthread_t threads[];
};

static void append(struct line *line, struct cf_fs_job *job)
{
	job->next = NULL;
	*line->end = job;
	line->end = &job->next;
}

static struct cf_fs_job *take(struct line *line)
{
	struct cf_fs_job *job = line->first;

	if (!job)
		return NULL;
	line->first = job->next;
	if (!line->first)
		line->end = &line->first;
	return job;
}

/* The next job, or NULL when there will be none. Called with the lock held. */
static struct cf_fs_job *wait_for_job(struct cf_fs_pool *pool, bool express)
{
	for (;;) {
		struct cf_fs_job *job = take(&pool->lines[CF_FS_FIRST]);

		if (!job && !express)
			job = take(&pool->lines[CF_FS_NEXT]);
		if (!job && !express && !pool->closed)
			job = take(&pool->lines[CF_FS_LATER]);
		if (job || pool->closed)
			return job;
		pthread_cond_wait(&pool->more, &pool->lock);
	}
}

static void *thread(void *arg)
{
	struct cf_fs_pool *pool = arg;
	struct cf_fs_job *job;
	bool express;

	pthread_mutex_lock(&pool->lock);
	express = pool->express;
	pool->express = false;
	while ((job = wait_for_job(pool, express))) {
		pthread_mutex_unlock(&pool->lock);
		job->run(job);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

int cf_fs_pool_new(size_t n_threads, bool express, struct cf_fs_pool **ret, struct cf_err *err)
{
	struct cf_fs_pool *pool = calloc(1, sizeof(*pool) + n_threads * sizeof(pool->threads[0]));
	int code;

	if (!pool)
		return cf_fail_memory(err);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	for (size_t i = 0; i < CF_COUNT(pool->lines); i++)
		pool->lines[i].end = &pool->lines[i].first;
	pool->express = express;
	while (pool->n_threads < n_threads) {
		code = pthread_create(&pool->threads[pool->n_threads], NULL, thread, pool);
		if (code != 0) {
			cf_fs_pool_free(pool);
			return cf_fail(err, code, "a thread can't be started: %s", strerror(code));
		}
		pool->n_threads++;
	}
	*ret = pool;
	return 0;
}

bool cf_fs_pool_add(struct cf_fs_pool *pool, struct cf_fs_job *job, enum cf_fs_line line)
{
	bool open;

	pthread_mutex_lock(&pool->lock);
	open = !pool->closed;
	if (open) {
		append(&pool->lines[line], job);
		/* Not to one: it could be the one that takes only some. */
		pthread_cond_broadcast(&pool->more);
	}
	pthread_mutex_unlock(&pool->lock);
	return open;
}

void cf_fs_pool_close(struct cf_fs_pool *pool)
{
	if (!pool || pool->joined)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->closed = true;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pool->joined = true;
}

void cf_fs_pool_free(struct cf_fs_pool *pool)
{
	if (!pool)
		return;
	cf_fs_pool_close(pool);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
