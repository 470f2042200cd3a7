/* Removing for good; see purge.h. */
#include "core/procedures/purge.h"

#include <errno.h>

#include "core/procedures/deleted.h"

#define BATCH 64 /* rows in one transaction: other writers wait no longer than that */

/* A deleted server may still say that its services use the certificate. */
static void unuse(struct cf_server *server, int64_t certificate, cf_time now)
{
	for (size_t i = 0; i < CF_SERVICE_COUNT_; i++) {
		if (server->use[i] != certificate)
			continue;
		server->use[i] = 0;
		server->t_use = now;
	}
}

static int purge(struct cf_ctx *ctx, struct cf_db *db, const struct cf_certificate *row,
		 struct cf_err *err)
{
	struct cf_server server;
	int r = cf_load_deleted_server(db, row->server, &server, err);

	if (r == 0)
		r = cf_store_certificate_purge(db, row, err);
	if (r < 0)
		return r;
	unuse(&server, row->id, cf_db_now(db));
	r = cf_touch_deleted(db, &server, CF_WHAT_SERVICES, err);
	return r < 0 ? r : cf_audit(ctx, db, "purge", server.name, row, NULL, err);
}

int cf_certificate_purge(struct cf_ctx *ctx, int64_t certificate, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { .frees = true };
	int r = cf_store_begin(ctx->core->store, true, &set.db, err);

	if (r == 0)
		r = cf_load_deleted(set.db, certificate, &set.cert, NULL, err);
	if (r == 0)
		r = purge(ctx, set.db, &set.cert, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

/* The certificates are gone already. */
static int purge_server(struct cf_ctx *ctx, int64_t server, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { .frees = true };
	struct cf_root root;
	int r = cf_store_begin(ctx->core->store, true, &set.db, err);

	if (r == 0)
		r = cf_load_deleted_server(set.db, server, &set.server, err);
	if (r == 0)
		r = cf_store_server_purge(set.db, &set.server, err);
	if (r == 0)
		r = cf_load_root(set.db, &root, err);
	if (r < 0)
		return r;
	root.t_deleted = cf_db_now(set.db);
	r = cf_store_root_update(set.db, &root, CF_WHAT_DELETED, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "purge-server", set.server.name, NULL, NULL, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

/* Certificates: a server's, or all that were deleted until a time. */
struct sweep {
	int64_t server; /* 0: whatever server */
	cf_time until;
	cf_time time; /* where it is */
	int64_t id;
};

/* The next one. 1 or 0. */
static int sweep_next(struct cf_db *db, struct sweep *sweep, struct cf_certificate *ret,
		      struct cf_err *err)
{
	int r = sweep->server ? cf_store_deleted_next(db, sweep->server, sweep->id, ret, err)
			      : cf_store_deleted_next_until(db, sweep->time, sweep->id,
							    sweep->until, ret, err);

	if (r > 0) {
		sweep->time = ret->deleted;
		sweep->id = ret->id;
	}
	return r;
}

/* 1; 0: it or its server was changed outside certfs, and stays for a look. */
static int may_go(struct cf_ctx *ctx, struct cf_db *db, const struct cf_certificate *row,
		  struct cf_err *err)
{
	struct cf_server server;
	int r;

	if (row->damaged || cf_store_damaged(ctx->core->store, row->server))
		return 0;
	r = cf_store_server_get_any(db, row->server, &server, err);
	return r < 0 ? r : !server.damaged;
}

/* Up to BATCH of them. 1: there may be more. */
static int sweep_some(struct cf_ctx *ctx, struct sweep *sweep, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_begin(ctx->core->store, true, &db, err), n = 0;

	if (r < 0)
		return r;
	for (r = 0; n < BATCH; n++) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		r = sweep_next(db, sweep, &row, err);
		if (r == 0)
			break;
		if (r > 0)
			r = may_go(ctx, db, &row, err);
		if (r > 0)
			r = purge(ctx, db, &row, err);
		if (r < 0)
			return r;
	}
	if (n > 0)
		r = cf_store_commit(&db, &ctx->changes, err);
	return r < 0 ? r : n == BATCH;
}

static int sweep_all(struct cf_ctx *ctx, struct sweep sweep, struct cf_err *err)
{
	int r;

	do
		r = sweep_some(ctx, &sweep, err);
	while (r > 0);
	return r;
}

int cf_server_purge(struct cf_ctx *ctx, int64_t server, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_server row;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_load_deleted_server(db, server, &row, err);
	cf_db_done(cf_take(&db));
	if (r == 0)
		r = sweep_all(ctx, (struct sweep){ .server = server }, err);
	return r < 0 || !row.deleted ? r : purge_server(ctx, server, err);
}

/* The deleted servers that were so until a time. One that isn't empty yet has a damaged certificate. */
static int purge_servers(struct cf_ctx *ctx, cf_time until, struct cf_err *err)
{
	for (int64_t after = 0;;) {
		cf_auto(cf_db_done) struct cf_db *db = NULL;
		struct cf_server row;
		int r = cf_store_read(ctx->core->store, &db, err);

		if (r == 0)
			r = cf_store_server_next_deleted(db, after, &row, err);
		cf_db_done(cf_take(&db));
		if (r <= 0)
			return r;
		after = row.id;
		if (row.damaged || row.deleted > until ||
		    cf_store_damaged(ctx->core->store, row.id))
			continue;
		r = purge_server(ctx, row.id, err);
		if (r < 0 && r != -ENOTEMPTY && r != -ESTALE)
			return r;
		cf_err_reset(err);
	}
}

static int purge_until(struct cf_ctx *ctx, cf_time until, struct cf_err *err)
{
	int r = sweep_all(ctx, (struct sweep){ .until = until }, err);

	return r < 0 ? r : purge_servers(ctx, until, err);
}

int cf_purge_all(struct cf_ctx *ctx, struct cf_err *err)
{
	return purge_until(ctx, CF_NEVER, err);
}

int cf_purge_due(struct cf_ctx *ctx, cf_time *ret_next, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	const cf_time until = cf_clock_now(ctx->core->clock) - CF_DELETED_KEPT;
	cf_time oldest = CF_NEVER;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_store_deleted_oldest(db, &oldest, err);
	cf_db_done(cf_take(&db));
	if (r == 0 && oldest <= until) {
		r = purge_until(ctx, until, err);
		if (r == 0)
			r = cf_store_read(ctx->core->store, &db, err);
		if (r == 0)
			r = cf_store_deleted_oldest(db, &oldest, err);
	}
	if (r < 0)
		return r;
	*ret_next = oldest > CF_NEVER - CF_DELETED_KEPT ? CF_NEVER : oldest + CF_DELETED_KEPT;
	return 0;
}
