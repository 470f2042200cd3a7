/* Verdicts kept true; see status.h. */
#include "core/procedures/status.h"

#include <errno.h>
#include <string.h>

#define BATCH 128 /* certificates judged by one decoder */
#define SPLITS 16 /* of a batch that no decoder survives, in search of the one to blame */
#define RETRY (600 * CF_SECOND) /* for one that could not be judged */

int cf_judge(struct cf_ctx *ctx, const struct cf_pool *pool, const struct cf_span *leaves, size_t n,
	     struct cf_verdict *ret, struct cf_err *err)
{
	struct cf_verify job = {
		.leaves = leaves,
		.n_leaves = n,
		.issuers = pool->issuers,
		.n_issuers = pool->n_issuers,
		.anchors = pool->anchors,
		.n_anchors = pool->n_anchors,
		.crls = pool->crls,
		.n_crls = pool->n_crls,
		.now = cf_clock_now(ctx->core->clock),
	};

	return cf_decoder_verify(&ctx->core->decoder, &job, ret, err);
}

/* The certificates that one decoder judges. */
struct batch {
	int64_t ids[BATCH];
	struct cf_buf ders[BATCH];
	struct cf_span leaves[BATCH];
	struct cf_verdict verdicts[BATCH];
	bool given_up[BATCH];
	size_t n;
};

static void batch_done(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		cf_buf_done(&batch->ders[i]);
		cf_verdict_done(&batch->verdicts[i]);
	}
	batch->n = 0;
}

CF_DEFINE_DONE(struct batch, batch_done);

/* What was changed outside certfs is left out: it must not keep the others from their verdicts. */
static bool is_damage(int r, struct cf_err *err)
{
	if (r != -EIO && r != -ENOENT && r != -ESTALE)
		return false;
	cf_err_reset(err);
	return true;
}

/* The next complete certificates of a server after *after. A damaged one is left out. */
static int batch_load(struct cf_db *db, int64_t server, int64_t *after, struct batch *batch,
		      struct cf_err *err)
{
	int r = 1;

	while (batch->n < BATCH) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		size_t i = batch->n;

		r = cf_store_certificate_next(db, server, *after, &row, err);
		if (r <= 0)
			return r;
		*after = row.id;
		if (row.damaged || row.state != CF_STATE_COMPLETE)
			continue;
		r = cf_store_blob_get(db, &row, CF_BLOB_LEAF, &batch->ders[i], err);
		if (is_damage(r, err))
			continue;
		if (r < 0)
			return r;
		batch->n++;
		batch->ids[i] = row.id;
		batch->leaves[i] = cf_span_buf(&batch->ders[i]);
	}
	return 0;
}

static int give_up(struct cf_ctx *ctx, struct batch *batch, size_t from, size_t n,
		   const struct cf_err *why, struct cf_err *err)
{
	for (size_t i = from; i < from + n; i++) {
		struct cf_verdict *verdict = &batch->verdicts[i];
		struct cf_err reason = { 0 };

		cf_fail(&reason, EINVAL, "it can't be judged: %s", why->text);
		batch->given_up[i] = true;
		verdict->status = CF_VERDICT_UNKNOWN;
		verdict->root_ca = CF_ROOT_UNKNOWN;
		verdict->next_change = cf_clock_now(ctx->core->clock) + RETRY;
		verdict->reason = strdup(reason.text);
		if (!verdict->reason)
			return cf_fail_memory(err);
	}
	return 0;
}

/* Judge n of a batch. One that kills its decoder is Unknown, and takes no other with it. */
static int judge_part(struct cf_ctx *ctx, const struct cf_pool *pool, struct batch *batch,
		      size_t from, size_t n, int *splits, struct cf_err *err)
{
	struct cf_err why = { 0 };
	int r = cf_judge(ctx, pool, batch->leaves + from, n, batch->verdicts + from, &why);

	if (r == 0)
		return 0;
	if (r != -EBADMSG && r != -EFBIG)
		return cf_fail(err, -r, "%s", why.text);
	if (n == 1 || --*splits < 0)
		return give_up(ctx, batch, from, n, &why, err);
	r = judge_part(ctx, pool, batch, from, n / 2, splits, err);
	if (r == 0)
		r = judge_part(ctx, pool, batch, from + n / 2, n - n / 2, splits, err);
	return r;
}

/*
 * Since when a verdict holds that date brought about. Where several dates passed while nobody
 * looked, the certificate's own is the one that its reason names.
 */
static cf_time since_when(const struct cf_certificate *row, const struct cf_verdict *verdict,
			  cf_time now)
{
	const cf_time own[] = { row->not_before, row->not_after };
	cf_time since = row->next_change;

	if (since > now)
		return now;
	for (size_t i = 0; i < CF_COUNT(own); i++)
		if (own[i] > since && own[i] <= now &&
		    (i == 0 || verdict->status == CF_VERDICT_DATE_INVALID))
			since = own[i];
	return since;
}

/* Store one verdict. The row may have changed since: a verdict depends on the leaf only. */
static int store_verdict(struct cf_ctx *ctx, struct cf_db *db, const struct batch *batch, size_t i,
			 struct cf_err *err)
{
	cf_auto(cf_issuers_done) struct cf_issuers old = { 0 };
	struct cf_verdict verdict = batch->verdicts[i]; /* borrowed */
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	struct cf_server server;
	cf_time now = cf_db_now(db), was_since, was_due;
	unsigned what = 0;
	int r = cf_load_certificate(db, batch->ids[i], &row, &server, err);

	if (is_damage(r, err))
		return 0;
	if (r < 0)
		return r;
	if (batch->given_up[i]) {
		r = cf_issuers_load(db, &row, &old, err);
		verdict.issuers = old.packed;
	}
	if (r < 0)
		return is_damage(r, err) ? 0 : r;
	was_since = row.verdict_since;
	was_due = row.next_change;
	r = cf_verdict_apply(db, &row, &verdict, since_when(&row, &verdict, now), &what, err);
	if (r < 0 || !what)
		return r;
	if (what & CF_WHAT_CHAIN)
		row.mtime = row.ctime = now;
	else if (row.verdict_since > row.mtime)
		row.mtime = row.ctime = row.verdict_since;
	else if (was_due <= now && was_due == row.not_after && was_due > row.mtime)
		row.mtime = row.ctime = was_due; /* export.pfx went, the verdict stayed */
	r = cf_store_certificate_update(db, &row, what, err);
	/* When to look again is no news. */
	if (r == 0 && row.verdict_since != was_since)
		r = cf_audit(ctx, db, "status", server.name, &row, cf_status_text(&row), err);
	return r;
}

/* -EAGAIN: _trust changed while the batch was judged. */
static int batch_store(struct cf_ctx *ctx, const struct batch *batch, const struct cf_pool *pool,
		       struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_pool_check(db, pool, err);
	for (size_t i = 0; i < batch->n && r == 0; i++)
		r = store_verdict(ctx, db, batch, i, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

/* Judge the certificates of a server after *after; *after is 0 when all are done. */
static int refresh_batch(struct cf_ctx *ctx, int64_t server, int64_t *after, int64_t *judged,
			 struct cf_err *err)
{
	cf_auto(batch_done) struct batch batch = { 0 };
	cf_auto(cf_pool_done) struct cf_pool pool = { 0 };
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int64_t from = *after;
	int splits = SPLITS;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_pool_load(db, server, &pool, err);
	if (r == 0)
		r = batch_load(db, server, after, &batch, err);
	cf_db_done(cf_take(&db));
	if (r < 0)
		return r;
	if (batch.n < BATCH)
		*after = 0;
	if (!batch.n)
		return 0;
	r = judge_part(ctx, &pool, &batch, 0, batch.n, &splits, err);
	if (r == 0)
		r = batch_store(ctx, &batch, &pool, err);
	if (r == -EAGAIN) {
		*after = from;
		return from ? 0 : 1;
	}
	if (r == 0)
		*judged += (int64_t)batch.n;
	return r;
}

int cf_status_judge_server(struct cf_ctx *ctx, int64_t server, int64_t *judged, struct cf_err *err)
{
	int64_t after = 0;
	int r;

	do
		r = refresh_batch(ctx, server, &after, judged, err);
	while (r == 1 || (r == 0 && after));
	return r;
}

int cf_status_refresh_server(struct cf_ctx *ctx, int64_t server, struct cf_err *err)
{
	int64_t judged = 0;

	return cf_status_judge_server(ctx, server, &judged, err);
}

int cf_status_refresh_due(struct cf_ctx *ctx, cf_time *ret_next, struct cf_err *err)
{
	int64_t after = 0;
	int r;

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		cf_auto(cf_db_done) struct cf_db *db = NULL;

		r = cf_store_read(ctx->core->store, &db, err);
		if (r == 0)
			r = cf_store_certificate_next_due(db, cf_clock_now(ctx->core->clock), after,
							  &row, err);
		if (r == 0)
			return cf_store_certificate_earliest(db, ret_next, err);
		cf_db_done(cf_take(&db));
		if (r < 0)
			return r;
		after = row.id;
		r = cf_status_refresh_server(ctx, row.server, err);
		if (r < 0)
			return r;
	}
}
