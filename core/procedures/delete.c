/* Removing; see delete.h. */
#include "core/procedures/delete.h"

#include <errno.h>

#include "core/procedures/rules.h"

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
	set.cert.deleted = set.cert.ctime = cf_db_now(set.db);
	set.server.mtime = set.server.ctime = set.cert.deleted;
	r = cf_store_certificate_update(set.db, &set.cert, CF_WHAT_NAME, err);
	if (r == 0)
		r = cf_store_server_update(set.db, &set.server, CF_WHAT_LISTING, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "delete", set.server.name, &set.cert, NULL, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
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
			       "them first",
			       set.server.name, (long long)n);
	set.server.deleted = set.server.ctime = cf_db_now(set.db);
	r = cf_store_server_update(set.db, &set.server, CF_WHAT_NAME, err);
	if (r == 0)
		r = cf_touch_root(set.db, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "delete-server", set.server.name, NULL, NULL, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}
