/* Bringing back; see undelete.h. */
#include "core/procedures/undelete.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/name.h"
#include "core/procedures/create.h"
#include "core/procedures/deleted.h"
#include "core/procedures/setting.h"
#include "core/procedures/status.h"

/* It is no longer deleted. The time its verdict was kept away from dates and trust is over. */
static int unmark(struct cf_db *db, struct cf_certificate *row, struct cf_err *err)
{
	const cf_time now = cf_db_now(db);

	row->deleted = 0;
	row->with_server = 0;
	row->deleted_name[0] = '\0';
	row->ctime = now;
	if (row->state == CF_STATE_COMPLETE && row->next_change > now)
		row->next_change = now;
	return cf_store_certificate_update(db, row, CF_WHAT_NAME | CF_WHAT_DELETED, err);
}

/* What its server's settings became in the meantime. */
static int settle(struct cf_db *db, const struct cf_server *server, struct cf_certificate *row,
		  struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	bool resized;
	int r;

	if (row->state != CF_STATE_COMPLETE)
		return 0;
	r = cf_settings_load(db, server, &settings, err);
	return r < 0 ? r : cf_setting_apply(db, &settings, row, &resized, err);
}

/* Into its own server, or into another one, which takes what a move takes. */
static int place(struct cf_change_set *set, int64_t server, struct cf_err *err)
{
	if (server != set->server.id)
		return cf_certificate_move(set, server, err);
	if (set->server.deleted)
		return cf_fail(err, ENOENT, "server '%s' is deleted too; bring it back first",
			       set->server.name);
	set->server.mtime = set->server.ctime = cf_db_now(set->db);
	return settle(set->db, &set->server, &set->cert, err);
}

static int undelete(struct cf_ctx *ctx, struct cf_change_set *set, int64_t server, const char *name,
		    struct cf_err *err)
{
	char old[sizeof(set->cert.name)];
	int r = place(set, server, err);

	if (r == 0)
		r = cf_certificate_name_free(set->db, server, name, 0, err);
	if (r < 0)
		return r;
	memcpy(old, set->cert.name, sizeof(old));
	snprintf(set->cert.name, sizeof(set->cert.name), "%s", name);
	r = unmark(set->db, &set->cert, err);
	if (r == 0)
		r = cf_touch_deleted(set->db, &set->server, CF_WHAT_LISTING, err);
	memcpy(set->cert.name, old, sizeof(old));
	if (r == 0)
		r = cf_audit_place(ctx, set, "undelete", name, err);
	return r < 0 ? r : cf_store_commit(&set->db, &ctx->changes, err);
}

/* Where no system store is known (certfsctl) the next mount does it: next_change has come. */
static void judge(struct cf_ctx *ctx, int64_t server)
{
	if (ctx->core->decoder.system_id)
		cf_status_refresh_after(ctx, server);
}

int cf_certificate_undelete(struct cf_ctx *ctx, int64_t certificate, int64_t server,
			    const char *name, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_name_certificate(name, err);

	if (r == 0)
		r = cf_store_begin(ctx->core->store, false, &set.db, err);
	if (r == 0)
		r = cf_load_deleted(set.db, certificate, &set.cert, &set.server, err);
	if (r == 0)
		r = undelete(ctx, &set, server, name, err);
	if (r == 0 && set.cert.state == CF_STATE_COMPLETE)
		judge(ctx, server);
	return r;
}

/* What was deleted together with the server. Nothing else can have got its names since. */
static int unmark_all(struct cf_ctx *ctx, struct cf_change_set *set, struct cf_err *err)
{
	for (int64_t after = 0;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		int r = cf_store_deleted_next(set->db, set->server.id, after, &row, err);

		if (r <= 0)
			return r;
		after = row.id;
		if (row.damaged)
			return cf_fail_damaged(err, row.name);
		if (!row.with_server)
			continue;
		r = unmark(set->db, &row, err);
		if (r == 0)
			r = cf_audit(ctx, set->db, "undelete", set->server.name, &row,
				     "with its server", err);
		if (r < 0)
			return r;
	}
}

static int undelete_server(struct cf_ctx *ctx, struct cf_change_set *set, const char *name,
			   struct cf_err *err)
{
	struct cf_server *server = &set->server;
	const bool renamed = strcmp(server->name, name) != 0;
	char old[sizeof(server->name)];
	int r;

	memcpy(old, server->name, sizeof(old));
	snprintf(server->name, sizeof(server->name), "%s", name);
	server->deleted = 0;
	server->ctime = cf_db_now(set->db);
	if (renamed) {
		server->t_name = server->ctime;
		server->deleted_name[0] = '\0';
	}
	r = unmark_all(ctx, set, err);
	if (r == 0)
		r = cf_touch_deleted(set->db, server, CF_WHAT_NAME | CF_WHAT_STATE, err);
	if (r == 0 && renamed)
		r = cf_setting_renamed(set->db, server, err);
	if (r == 0)
		r = cf_touch_root(set->db, err);
	if (r == 0)
		r = cf_audit(ctx, set->db, "undelete-server", old, NULL, name, err);
	return r < 0 ? r : cf_store_commit(&set->db, &ctx->changes, err);
}

int cf_server_undelete(struct cf_ctx *ctx, int64_t server, const char *name, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_name_server(name, err);

	if (r == 0)
		r = cf_store_begin(ctx->core->store, false, &set.db, err);
	if (r == 0)
		r = cf_load_deleted_server(set.db, server, &set.server, err);
	if (r == 0 && !set.server.deleted)
		r = cf_fail(err, EPERM,
			    "server '%s' is there; only certificates of it lie in _deleted/%s, and "
			    "are brought back one by one",
			    set.server.name, set.server.deleted_name);
	if (r == 0)
		r = cf_server_name_free(set.db, name, server, err);
	if (r == 0)
		r = undelete_server(ctx, &set, name, err);
	if (r == 0)
		judge(ctx, server);
	return r;
}
