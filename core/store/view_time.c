/* When each view last changed, and which writes change one; see found.h. */
#include <string.h>

#include "core/store/found_private.h"

enum {
	GET,
	TOUCH,
	SET_HORIZON,
	CONCERNS_SERVER,
	CONCERNS_ONE,
	COUNT_
};

/* As concern() below says. */
#define CONCERN                                                                                    \
	"deleted = 0 AND (state = 2 OR (state = 3 AND (status <> 9 OR not_after <= :until))))"

static const char *const text[] = {
	[GET] = "SELECT time, horizon FROM view_time WHERE kind = :kind",
	[TOUCH] = "INSERT INTO view_time (kind, time, horizon) VALUES (:kind, :time, :horizon)"
		  " ON CONFLICT (kind) DO UPDATE SET time = max(time, excluded.time)",
	[SET_HORIZON] = "UPDATE view_time SET horizon = :horizon WHERE kind = :kind",
	[CONCERNS_SERVER] = "SELECT EXISTS (SELECT 1 FROM certificate INDEXED BY certificate_server"
			    " WHERE server = :id AND " CONCERN,
	[CONCERNS_ONE] = "SELECT EXISTS (SELECT 1 FROM certificate WHERE id = :id AND " CONCERN,
};

static const struct cf_sql sql = { CF_MODULE_VIEW_TIME, COUNT_, text };

static int get(struct cf_db *db, enum cf_view_kind kind, cf_time *ret_time, cf_time *ret_horizon,
	       struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":kind", kind);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret_time = r ? sqlite3_column_int64(stmt, 0) : 0;
	*ret_horizon = r ? sqlite3_column_int64(stmt, 1) : CF_VIEW_HORIZON;
	return 0;
}

int cf_store_view_time(struct cf_db *db, enum cf_view_kind kind, cf_time *ret, struct cf_err *err)
{
	cf_time horizon;

	return get(db, kind, ret, &horizon, err);
}

int cf_store_view_touch(struct cf_db *db, enum cf_view_kind kind, cf_time t, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, TOUCH, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":kind", kind);
	cf_bind_int(stmt, ":time", t);
	cf_bind_int(stmt, ":horizon", CF_VIEW_HORIZON);
	r = cf_step(db, stmt, err);
	return r < 0 ? r : cf_db_changed(db, CF_OBJECT_VIEW, kind, 0, CF_WHAT_LISTING, err);
}

/* Both of the views that are about dates. */
static int touch_both(struct cf_db *db, cf_time t, struct cf_err *err)
{
	int r = cf_store_view_touch(db, CF_VIEW_EXPIRING, t, err);

	return r < 0 ? r : cf_store_view_touch(db, CF_VIEW_NOTICES, t, err);
}

int cf_store_view_horizon(struct cf_db *db, cf_time horizon, struct cf_err *err)
{
	int r = touch_both(db, cf_db_now(db), err);

	for (int kind = CF_VIEW_EXPIRING; kind <= CF_VIEW_NOTICES && r == 0; kind++) {
		cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;

		r = cf_stmt(db, &sql, SET_HORIZON, &stmt, err);
		if (r < 0)
			return r;
		cf_bind_int(stmt, ":kind", kind);
		cf_bind_int(stmt, ":horizon", horizon);
		r = cf_step(db, stmt, err);
	}
	return r;
}

/* -- which writes ---------------------------------------------------------------------------- */

/* Of two states of a certificate. NULL, a draft and a deleted one are in no view. */
struct concern {
	bool ends;    /* it ends within the horizon */
	bool noticed; /* that, or it waits, or something is wrong with it */
};

static struct concern concern(const struct cf_certificate *row, cf_time until)
{
	struct concern c = { 0 };

	if (!row || row->deleted || row->state == CF_STATE_DRAFT)
		return c;
	c.ends = row->state == CF_STATE_COMPLETE && row->not_after <= until;
	c.noticed = c.ends || row->state == CF_STATE_PENDING || row->status != CF_FOUND_VALID;
	return c;
}

/* A text that was never set is an empty one. */
static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* What both views show of a certificate is the same. */
static bool same(const struct cf_certificate *old, const struct cf_certificate *row)
{
	return old && row && !strcmp(old->name, row->name) && old->server == row->server &&
	       !old->deleted == !row->deleted && old->state == row->state &&
	       old->status == row->status && same_text(old->reason, row->reason) &&
	       old->not_after == row->not_after && same_text(old->services, row->services);
}

/* Only the verdict is another one: it may be of a date that passed. */
static bool only_verdict(const struct cf_certificate *old, const struct cf_certificate *row)
{
	return old && row && !strcmp(old->name, row->name) && old->server == row->server &&
	       !old->deleted == !row->deleted && old->state == row->state &&
	       same_text(old->services, row->services);
}

/* The overview shows all of them, drafts too, with a little more of each. */
static bool same_on_overview(const struct cf_certificate *old, const struct cf_certificate *row)
{
	bool was = old && !old->deleted, is = row && !row->deleted;

	if (!was || !is)
		return was == is;
	return same(old, row) && old->not_before == row->not_before &&
	       same_text(old->domains, row->domains);
}

int cf_found_update(struct cf_db *db, const struct cf_certificate *old,
		    const struct cf_certificate *row, struct cf_err *err)
{
	cf_time t =
		only_verdict(old, row) && row->verdict_since ? row->verdict_since : cf_db_now(db);
	struct concern before, after;
	cf_time ignored, horizon;
	int r = cf_found_entries(db, old, row, t, err);

	if (r == 0 && !same_on_overview(old, row))
		r = cf_store_view_touch(db, CF_VIEW_OVERVIEW, t, err);
	if (r < 0 || same(old, row))
		return r;
	r = get(db, CF_VIEW_EXPIRING, &ignored, &horizon, err);
	if (r < 0)
		return r;
	before = concern(old, cf_db_now(db) + horizon);
	after = concern(row, cf_db_now(db) + horizon);
	if (before.ends || after.ends)
		r = cf_store_view_touch(db, CF_VIEW_EXPIRING, t, err);
	if (r == 0 && (before.noticed || after.noticed))
		r = cf_store_view_touch(db, CF_VIEW_NOTICES, t, err);
	return r;
}

/* 1 when a certificate, or one of a server, is in one of the two views, 0 when not. */
static int concerns(struct cf_db *db, int which, int64_t id, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	cf_time ignored, horizon;
	int r = get(db, CF_VIEW_EXPIRING, &ignored, &horizon, err);

	if (r == 0)
		r = cf_stmt(db, &sql, which, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	cf_bind_int(stmt, ":until", cf_db_now(db) + horizon);
	r = cf_step(db, stmt, err);
	return r <= 0 ? r : sqlite3_column_int64(stmt, 0) != 0;
}

int cf_found_server_update(struct cf_db *db, const struct cf_server *old,
			   const struct cf_server *row, struct cf_err *err)
{
	bool renamed = strcmp(old->name, row->name) != 0 || !old->deleted != !row->deleted;
	bool shown = renamed || memcmp(old->use, row->use, sizeof(old->use)) != 0;
	int r = shown ? cf_store_view_touch(db, CF_VIEW_OVERVIEW, cf_db_now(db), err) : 0;

	if (r == 0 && renamed) {
		r = cf_found_rename(db, row->id, err);
		if (r == 0)
			r = concerns(db, CONCERNS_SERVER, row->id, err);
	}
	for (size_t i = 0; i < CF_SERVICE_COUNT_ && r == 0; i++) {
		if (old->use[i] == row->use[i])
			continue;
		r = concerns(db, CONCERNS_ONE, old->use[i], err);
		if (r == 0)
			r = concerns(db, CONCERNS_ONE, row->use[i], err);
	}
	return r <= 0 ? r : touch_both(db, cf_db_now(db), err);
}
