/* Every verdict anew when _trust or the system store became another one; see status.h. */
#include <errno.h>
#include <string.h>

#include "core/procedures/status.h"

static int system_id(struct cf_ctx *ctx, uint8_t ret[CF_SUM_SIZE], struct cf_err *err)
{
	const struct cf_decoder *decoder = &ctx->core->decoder;

	memset(ret, 0xff, CF_SUM_SIZE); /* never the zeros that mean "not judged yet" */
	return decoder->system_id ? decoder->system_id(decoder->arg, ret, err) : 0;
}

int cf_status_is_stale(struct cf_ctx *ctx, bool *ret, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	uint8_t id[CF_SUM_SIZE];
	struct cf_root root;
	int r = system_id(ctx, id, err);

	if (r == 0)
		r = cf_store_read(ctx->core->store, &db, err);
	if (r == 0)
		r = cf_load_root(db, &root, err);
	if (r == 0)
		*ret = memcmp(root.system_sum, id, sizeof(id)) != 0;
	return r;
}

/* Every verdict is of this trust_epoch and this system store. -EAGAIN: trust changed meanwhile. */
static int mark_fresh(struct cf_ctx *ctx, int64_t trust_epoch, const uint8_t id[CF_SUM_SIZE],
		      struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_root root;
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_load_root(db, &root, err);
	if (r < 0)
		return r;
	if (root.trust_epoch != trust_epoch)
		return -EAGAIN;
	memcpy(root.system_sum, id, CF_SUM_SIZE);
	r = cf_store_root_update(db, &root, 0, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

/* The next server's id and the trust epoch it is judged under. 1, or 0 at the end. */
static int next_server(struct cf_ctx *ctx, int64_t *id, int64_t *trust_epoch, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_server server;
	struct cf_root root;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_load_root(db, &root, err);
	if (r < 0)
		return r;
	if (!*id)
		*trust_epoch = root.trust_epoch;
	r = cf_store_server_next(db, *id, &server, err);
	if (r > 0)
		*id = server.id;
	return r;
}

static void tell(struct cf_ctx *ctx, int64_t done, bool over)
{
	const struct cf_judging *judging = ctx->core->judging;
	const struct cf_progress progress = { .what = "certificates",
					      .done = done,
					      .all = over ? done + !done : 0 };

	if (judging && judging->progress)
		judging->progress(judging->arg, &progress);
}

/* All servers, also those after one that failed. */
static int refresh_servers(struct cf_ctx *ctx, int64_t *trust_epoch, struct cf_err *err)
{
	int64_t server = 0, judged = 0;
	int failed = 0, r;

	tell(ctx, 0, false);
	while ((r = next_server(ctx, &server, trust_epoch, err)) > 0) {
		r = cf_status_judge_server(ctx, server, &judged, failed ? NULL : err);
		failed = failed ? failed : r;
		tell(ctx, judged, false);
	}
	tell(ctx, judged, true);
	return r < 0 ? r : failed;
}

static int refresh_stale(struct cf_ctx *ctx, struct cf_err *err)
{
	uint8_t id[CF_SUM_SIZE];
	bool stale = false;
	int r;

	/* Who waited may find that it was done for him. */
	while ((r = cf_status_is_stale(ctx, &stale, err)) == 0 && stale) {
		int64_t trust_epoch = 0;

		r = system_id(ctx, id, err);
		if (r == 0)
			r = refresh_servers(ctx, &trust_epoch, err);
		if (r == 0)
			r = mark_fresh(ctx, trust_epoch, id, err);
		if (r < 0 && r != -EAGAIN)
			return r;
	}
	return r;
}

int cf_status_refresh_all(struct cf_ctx *ctx, bool later, struct cf_err *err)
{
	struct cf_judging *judging = ctx->core->judging;
	int r;

	if (!judging)
		return refresh_stale(ctx, err);
	if (!later)
		pthread_mutex_lock(&judging->lock);
	else if (pthread_mutex_trylock(&judging->lock) != 0)
		return 0;
	r = refresh_stale(ctx, err);
	pthread_mutex_unlock(&judging->lock);
	return r;
}

void cf_status_refresh_after(struct cf_ctx *ctx, int64_t server)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_root root;
	int r = server ? cf_status_refresh_server(ctx, server, NULL)
		       : cf_status_refresh_all(ctx, false, NULL);

	if (r == 0 || cf_store_begin(ctx->core->store, false, &db, NULL) < 0 ||
	    cf_load_root(db, &root, NULL) < 0)
		return;
	memset(root.system_sum, 0, sizeof(root.system_sum));
	if (cf_store_root_update(db, &root, 0, NULL) == 0)
		cf_store_commit(&db, &ctx->changes, NULL);
}
