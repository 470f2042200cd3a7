/* Removing; see delete.h. */
#include "core/procedures/delete.h"

#include <errno.h>
#include <stdio.h>

#include "core/procedures/deleted.h"
#include "core/procedures/rules.h"

/* Mark it; from here on it has its name in _deleted only. */
static int mark(struct cf_db *db, struct cf_certificate *row, bool with_server, struct cf_err *err)
{
	int r = cf_store_deleted_name(db, row->server, row->name, 0, row->deleted_name, err);

	if (r < 0)
		return r;
	row->deleted = row->ctime = cf_db_now(db);
	row->with_server = with_server;
	return cf_store_certificate_update(db, row, CF_WHAT_NAME | CF_WHAT_DELETED, err);
}

int cf_certificate_delete(struct cf_ctx *ctx, int64_t certificate, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { .frees = true };
	cf_auto(cf_buf_done) struct cf_buf uses = { 0 };
	int r = cf_change_certificate(ctx, certificate, &set, err);

	if (r == 0)
		r = cf_service_uses(&set.server, certificate, &uses, err);
	if (r < 0)
		return r;
	if (uses.len)
		return cf_fail(err, EBUSY,
			       "'%s' is used by %s on %s; assign these to another certificate "
			       "first (echo %s >> OTHER/services)",
			       set.cert.name, uses.data, set.server.name, uses.data);
	r = mark(set.db, &set.cert, false, err);
	set.server.mtime = set.server.ctime = cf_db_now(set.db);
	if (r == 0)
		r = cf_touch_deleted(set.db, &set.server, CF_WHAT_LISTING, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "delete", set.server.name, &set.cert, NULL, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

/* All of a server's certificates, requests and drafts. */
static int mark_all(struct cf_ctx *ctx, struct cf_change_set *set, struct cf_err *err)
{
	for (int64_t after = 0;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		int r = cf_store_certificate_next(set->db, set->server.id, after, &row, err);

		if (r <= 0)
			return r;
		after = row.id;
		r = row.damaged ? cf_fail_damaged(err, row.name) : mark(set->db, &row, true, err);
		if (r == 0)
			r = cf_audit(ctx, set->db, "delete", set->server.name, &row,
				     "with its server", err);
		if (r < 0)
			return r;
	}
}

static int delete_server(struct cf_ctx *ctx, struct cf_change_set *set, struct cf_err *err)
{
	int r;

	set->server.deleted = set->server.ctime = cf_db_now(set->db);
	r = cf_touch_deleted(set->db, &set->server, CF_WHAT_NAME | CF_WHAT_STATE, err);
	if (r == 0)
		r = cf_touch_root(set->db, err);
	if (r == 0)
		r = cf_audit(ctx, set->db, "delete-server", set->server.name, NULL, NULL, err);
	return r < 0 ? r : cf_store_commit(&set->db, &ctx->changes, err);
}

int cf_server_delete(struct cf_ctx *ctx, int64_t server, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { .frees = true };
	int64_t n = 0;
	int r = cf_change_server(ctx, server, &set, err);

	if (r == 0)
		r = cf_store_certificate_count(set.db, server, &n, err);
	if (r < 0)
		return r;
	if (n)
		return cf_fail(err, ENOTEMPTY,
			       "server '%s' has %lld certificates, requests or drafts; remove "
			       "them first, or move the whole server into _deleted",
			       set.server.name, (long long)n);
	return delete_server(ctx, &set, err);
}

int cf_server_delete_all(struct cf_ctx *ctx, int64_t server, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { .frees = true };
	int r = cf_change_server(ctx, server, &set, err);

	if (r == 0)
		r = mark_all(ctx, &set, err);
	return r < 0 ? r : delete_server(ctx, &set, err);
}
