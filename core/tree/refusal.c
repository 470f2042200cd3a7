/* What was refused lately: kept in memory, shown in `why` and `_errors`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/tree/node_private.h"

#define KEPT 256 /* refusals in _errors, and certificates whose last one is known */

struct refusal {
	cf_time time;        /* 0: this place is free */
	int64_t certificate; /* 0: it concerned none */
	int code;
	char path[512]; /* cut, escaped */
	char text[CF_ERR_MAX];
};

struct cf_refusals {
	pthread_mutex_t lock;
	struct refusal ring[KEPT]; /* guarded by lock, like next */
	size_t next;
};

struct cf_refusals *cf_refusals_new(void)
{
	struct cf_refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals)
		pthread_mutex_init(&refusals->lock, NULL);
	return refusals;
}

void cf_refusals_free(struct cf_refusals *refusals)
{
	if (!refusals)
		return;
	pthread_mutex_destroy(&refusals->lock);
	free(refusals);
}

/* Which certificate an inode belongs to, and its path. What can't be found is left empty. */
static void describe(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, const char *name,
		     struct refusal *ret)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	cf_auto(cf_buf_done) struct cf_buf path = { 0 }, shown = { 0 };
	struct cf_staged *staged = cf_staged_get(tree, ino);

	if (staged) {
		cf_staged_place(tree, staged, &ino, &path, NULL);
		cf_staged_put(tree, staged);
		name = cf_buf_text(&path);
	}
	if (cf_at_load(tree, ctx, ino, &at, NULL) == 0) {
		ret->certificate = at.dir->kind == CF_KIND_CERTIFICATE ? at.id : 0;
		cf_at_path(&at, name, &shown, NULL);
	}
	cf_buf_reset(&path);
	cf_text_show(&path, cf_buf_text(&shown), NULL);
	snprintf(ret->path, sizeof(ret->path), "%s", cf_buf_text(&path));
}

int cf_refuse(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, const char *name, int r,
	      struct cf_err *err)
{
	struct refusal refusal = { .time = cf_clock_now(ctx->core->clock), .code = -r };
	struct cf_change change = { .object = CF_OBJECT_CERTIFICATE, .what = CF_WHAT_REFUSED };
	struct cf_change evicted = change;
	struct cf_refusals *refusals = tree->refusals;

	describe(tree, ctx, ino, name, &refusal);
	snprintf(refusal.text, sizeof(refusal.text), "%s",
		 err && err->code ? err->text : strerror(-r));
	pthread_mutex_lock(&refusals->lock);
	evicted.id = refusals->ring[refusals->next].certificate;
	refusals->ring[refusals->next] = refusal;
	refusals->next = (refusals->next + 1) % KEPT;
	pthread_mutex_unlock(&refusals->lock);
	change.id = refusal.certificate;
	if (change.id)
		cf_changes_add(&ctx->changes, &change, NULL);
	if (evicted.id) /* its `why` is shorter now */
		cf_changes_add(&ctx->changes, &evicted, NULL);
	return refusal.path[0] ? cf_note(err, r, "%s", refusal.path) : r;
}

static int put(const struct refusal *refusal, struct cf_buf *out, struct cf_err *err)
{
	char time[CF_TIME_TEXT_MAX];

	return cf_buf_printf(out, err, "%s %s %s: %s\n", cf_time_text(refusal->time, time),
			     cf_errno_name(refusal->code), refusal->path, refusal->text);
}

/* The last one of a certificate (0: of all); NULL. The caller has the lock. */
static const struct refusal *last(const struct cf_refusals *refusals, int64_t certificate)
{
	for (size_t i = 1; i <= KEPT; i++) {
		const struct refusal *refusal = &refusals->ring[(refusals->next + KEPT - i) % KEPT];

		if (!refusal->time)
			return NULL;
		if (!certificate || refusal->certificate == certificate)
			return refusal;
	}
	return NULL;
}

int cf_refusals_last(struct cf_tree *tree, int64_t certificate, struct cf_buf *out,
		     struct cf_err *err)
{
	const struct refusal *refusal;
	int r = 0;

	pthread_mutex_lock(&tree->refusals->lock);
	refusal = last(tree->refusals, certificate);
	if (refusal)
		r = cf_buf_puts(out, "last refused: ", err);
	if (refusal && r == 0)
		r = put(refusal, out, err);
	pthread_mutex_unlock(&tree->refusals->lock);
	return r;
}

int cf_refusals_all(struct cf_tree *tree, struct cf_buf *out, struct cf_err *err)
{
	struct cf_refusals *refusals = tree->refusals;
	int r = 0;

	pthread_mutex_lock(&refusals->lock);
	for (size_t i = 0; i < KEPT && r == 0; i++) {
		const struct refusal *refusal = &refusals->ring[(refusals->next + i) % KEPT];

		if (refusal->time)
			r = put(refusal, out, err);
	}
	pthread_mutex_unlock(&refusals->lock);
	return r;
}

cf_time cf_refusals_time(struct cf_tree *tree, int64_t certificate)
{
	const struct refusal *refusal;
	cf_time time;

	pthread_mutex_lock(&tree->refusals->lock);
	refusal = last(tree->refusals, certificate);
	time = refusal ? refusal->time : 0;
	pthread_mutex_unlock(&tree->refusals->lock);
	return time;
}
