/* What certificates are found by: kept right by every write; see found.h. */
#include <string.h>

#include "core/base/text.h"
#include "core/store/found_private.h"

enum {
	NEXT_OF_CERTIFICATE,
	NEXT_OF_SERVER,
	HAS,
	ADD,
	ADD_IN,
	REMOVE,
	REMOVE_IN,
	TOUCH,
	TOUCH_IN,
	TOUCH_SIBLINGS,
	TOUCH_BELOW,
	COUNT_
};

#define ENTRY "SELECT id, found, server FROM found_in "

static const char *const text[] = {
	[NEXT_OF_CERTIFICATE] = ENTRY "INDEXED BY found_in_certificate"
				      " WHERE certificate = :of AND id > :after"
				      " ORDER BY id LIMIT 1",
	[NEXT_OF_SERVER] = ENTRY "INDEXED BY found_in_server WHERE server = :of AND id > :after"
				 " ORDER BY id LIMIT 1",
	[HAS] = "SELECT 1 FROM found_in WHERE found = :found AND certificate = :certificate",
	[ADD] = "INSERT INTO found (kind, name, parent, time)"
		" VALUES (:kind, :name, :parent, :time)",
	[ADD_IN] = "INSERT INTO found_in"
		   " (found, server, certificate, self_signed, not_before, time)"
		   " VALUES (:found, :server, :certificate, :self_signed, :not_before, :time)",
	[REMOVE] = "DELETE FROM found WHERE id = :found"
		   " AND NOT EXISTS (SELECT 1 FROM found_in WHERE found = :found)",
	[REMOVE_IN] = "DELETE FROM found_in WHERE id = :id",
	[TOUCH] = "UPDATE found SET time = max(time, :time) WHERE id = :id",
	[TOUCH_IN] = "UPDATE found_in SET time = max(time, :time) WHERE id = :id",
	[TOUCH_SIBLINGS] = "UPDATE found_in SET time = max(time, :time)"
			   " WHERE found = :found AND server = :server",
	[TOUCH_BELOW] = "UPDATE found SET time = max(time, :time)"
			" WHERE kind = 2 AND parent = :parent",
};

static const struct cf_sql sql = { CF_MODULE_FOUND_UPDATE, COUNT_, text };

/* -- statements ------------------------------------------------------------------------------ */

/* Run one that takes an id and a time. */
static int touch(struct cf_db *db, int which, int64_t id, cf_time t, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, which, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	cf_bind_int(stmt, ":time", t);
	return cf_step(db, stmt, err);
}

static int touch_siblings(struct cf_db *db, const struct cf_found_in *in, cf_time t,
			  struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, TOUCH_SIBLINGS, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":found", in->found);
	cf_bind_int(stmt, ":server", in->server);
	cf_bind_int(stmt, ":time", t);
	return cf_step(db, stmt, err);
}

static int next_of(struct cf_db *db, int which, int64_t of, int64_t after, struct cf_found_in *ret,
		   struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, which, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":of", of);
	cf_bind_int(stmt, ":after", after);
	r = cf_step(db, stmt, err);
	if (r <= 0)
		return r;
	ret->id = sqlite3_column_int64(stmt, 0);
	ret->found = sqlite3_column_int64(stmt, 1);
	ret->server = sqlite3_column_int64(stmt, 2);
	return 1;
}

/* -- one name -------------------------------------------------------------------------------- */

/* The last certificate of a name is gone: so is the name, and what a wildcard showed below it. */
static int drop_empty(struct cf_db *db, const struct cf_found *found, int64_t server, cf_time t,
		      struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL, *below = NULL;
	int r = cf_stmt(db, &sql, REMOVE, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":found", found->id);
	r = cf_step(db, stmt, err);
	if (r < 0 || !sqlite3_changes(db->conn->sq))
		return r;
	r = cf_store_view_touch(db, (enum cf_view_kind)found->kind, t, err);
	if (r == 0)
		r = cf_db_gone(db, CF_OBJECT_FOUND, found->id, server, found->name, err);
	if (r == 0 && !strncmp(found->name, "*.", 2))
		r = cf_stmt(db, &sql, TOUCH_BELOW, &below, err);
	if (r < 0 || !below)
		return r;
	cf_bind_text(below, ":parent", found->name + 2);
	cf_bind_int(below, ":time", t);
	return cf_step(db, below, err);
}

/* Another certificate is selected under a name: it is since t, also where a wildcard steps in. */
static int touch_pick(struct cf_db *db, const struct cf_found *found, int64_t server, cf_time t,
		      struct cf_err *err)
{
	struct cf_found_in pick;
	struct cf_found wild;
	char name[256];
	int r = cf_store_found_pick(db, found->id, server, &pick, err);

	if (r == 0 && cf_found_wildcard(found->name, name)) {
		r = cf_store_found_find(db, CF_VIEW_DOMAIN, name, &wild, err);
		if (r > 0)
			r = cf_store_found_pick(db, wild.id, server, &pick, err);
	}
	return r <= 0 ? r : touch(db, TOUCH_IN, pick.id, t, err);
}

/* What is shown under a name on a server changed at t. */
static int shown(struct cf_db *db, const struct cf_found *found, const struct cf_found_in *in,
		 cf_time t, struct cf_err *err)
{
	int r = found->kind == CF_VIEW_DOMAIN ? touch_pick(db, found, in->server, t, err)
					      : touch_siblings(db, in, t, err);

	if (r == 0)
		r = touch(db, TOUCH, found->id, t, err);
	return r < 0 ? r
		     : cf_db_changed(db, CF_OBJECT_FOUND, found->id, in->server, CF_WHAT_LISTING,
				     err);
}

/* Whether this one is seen: of a domain only the one that is selected is. */
static int is_seen(struct cf_db *db, const struct cf_found *found, const struct cf_found_in *in,
		   struct cf_err *err)
{
	struct cf_found_in pick;
	int r = found->kind == CF_VIEW_DOMAIN
			? cf_store_found_pick(db, in->found, in->server, &pick, err)
			: 0;

	if (r < 0 || found->kind != CF_VIEW_DOMAIN)
		return r < 0 ? r : 1;
	return r && pick.id == in->id;
}

static int remove_entry(struct cf_db *db, const struct cf_found_in *in, cf_time t,
			struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_found found;
	int seen, r = cf_store_found_get(db, in->found, &found, err);

	if (r <= 0)
		return r;
	seen = is_seen(db, &found, in, err);
	r = seen < 0 ? seen : cf_stmt(db, &sql, REMOVE_IN, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", in->id);
	r = cf_step(db, stmt, err);
	if (r == 0 && seen)
		r = shown(db, &found, in, t, err);
	return r < 0 ? r : drop_empty(db, &found, in->server, t, err);
}

/* The certificate or its server has another name. */
static int rename_entry(struct cf_db *db, const struct cf_found_in *in, cf_time t,
			struct cf_err *err)
{
	struct cf_found found;
	int r = cf_store_found_get(db, in->found, &found, err);

	if (r > 0)
		r = is_seen(db, &found, in, err);
	return r <= 0 ? r : shown(db, &found, in, t, err);
}

static int find_or_add(struct cf_db *db, enum cf_view_kind kind, const char *name, cf_time t,
		       struct cf_found *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	char wild[256] = "*.";
	int r = cf_store_found_find(db, kind, name, ret, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (kind != CF_VIEW_DOMAIN || !cf_found_wildcard(name, wild))
		strcpy(wild, "*.");
	r = cf_stmt(db, &sql, ADD, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":kind", kind);
	cf_bind_text(stmt, ":name", name);
	cf_bind_text(stmt, ":parent", wild + 2);
	cf_bind_int(stmt, ":time", t);
	r = cf_step(db, stmt, err);
	if (r == 0)
		r = cf_store_view_touch(db, kind, t, err);
	if (r == 0)
		r = cf_store_found_find(db, kind, name, ret, err);
	return r < 0 ? r : 0;
}

static int add_entry(struct cf_db *db, const struct cf_certificate *row, enum cf_view_kind kind,
		     const char *name, cf_time t, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *has = NULL, *add = NULL;
	struct cf_found_in in = { .server = row->server };
	struct cf_found found;
	int r = find_or_add(db, kind, name, t, &found, err);

	if (r == 0)
		r = cf_stmt(db, &sql, HAS, &has, err);
	if (r < 0)
		return r;
	cf_bind_int(has, ":found", found.id);
	cf_bind_int(has, ":certificate", row->id);
	r = cf_step(db, has, err);
	if (r != 0) /* the same name twice */
		return r < 0 ? r : 0;
	r = cf_stmt(db, &sql, ADD_IN, &add, err);
	if (r < 0)
		return r;
	cf_bind_int(add, ":found", found.id);
	cf_bind_int(add, ":server", row->server);
	cf_bind_int(add, ":certificate", row->id);
	cf_bind_int(add, ":self_signed", row->self_signed);
	cf_bind_int(add, ":not_before", row->not_before);
	cf_bind_int(add, ":time", t);
	r = cf_step(db, add, err);
	if (r < 0)
		return r;
	in.id = sqlite3_last_insert_rowid(db->conn->sq);
	in.found = found.id;
	r = is_seen(db, &found, &in, err);
	return r <= 0 ? r : shown(db, &found, &in, t, err);
}

/* -- one certificate ------------------------------------------------------------------------- */

static bool is_there(const struct cf_certificate *row)
{
	return row && row->state == CF_STATE_COMPLETE && !row->deleted;
}

static bool is_valid(const struct cf_certificate *row)
{
	return is_there(row) && row->status == CF_FOUND_VALID;
}

static int add_all(struct cf_db *db, const struct cf_certificate *row, cf_time t,
		   struct cf_err *err)
{
	const char *line = row->domains ? row->domains : "";
	char name[256];
	int r = 0;

	while (r == 0 && cf_found_next_domain(&line, name))
		r = add_entry(db, row, CF_VIEW_DOMAIN, name, t, err);
	return r;
}

/* What of old is still as it is in row. */
struct kept {
	bool thumbprint, domains, name;
};

static struct kept compare(const struct cf_certificate *old, const struct cf_certificate *row)
{
	const bool same = is_there(old) && is_there(row) && old->server == row->server;

	return (struct kept){
		.thumbprint = same && !memcmp(old->sha1, row->sha1, sizeof(row->sha1)),
		.domains = same && is_valid(old) && is_valid(row) &&
			   !strcmp(old->domains, row->domains ? row->domains : "") &&
			   old->self_signed == row->self_signed &&
			   old->not_before == row->not_before,
		.name = same && !strcmp(old->name, row->name),
	};
}

static int update_entries(struct cf_db *db, const struct kept *kept, int64_t id, cf_time t,
			  struct cf_err *err)
{
	struct cf_found_in in = { 0 };
	int r;

	while ((r = next_of(db, NEXT_OF_CERTIFICATE, id, in.id, &in, err)) > 0) {
		struct cf_found found;
		bool keep;

		r = cf_store_found_get(db, in.found, &found, err);
		if (r <= 0)
			return r;
		keep = found.kind == CF_VIEW_DOMAIN ? kept->domains : kept->thumbprint;
		r = keep ? kept->name ? 0 : rename_entry(db, &in, t, err)
			 : remove_entry(db, &in, t, err);
		if (r < 0)
			return r;
	}
	return r;
}

int cf_found_entries(struct cf_db *db, const struct cf_certificate *old,
		     const struct cf_certificate *row, cf_time t, struct cf_err *err)
{
	const struct kept kept = compare(old, row);
	char hex[41];
	int r = 0;

	if (is_there(old) && !(kept.thumbprint && kept.name && (kept.domains || !is_valid(old))))
		r = update_entries(db, &kept, old->id, t, err);
	if (r == 0 && is_there(row) && !kept.thumbprint)
		r = add_entry(db, row, CF_VIEW_THUMBPRINT, cf_text_hex(row->sha1, 20, hex), t, err);
	if (r == 0 && is_valid(row) && !kept.domains)
		r = add_all(db, row, t, err);
	return r;
}

int cf_found_rename(struct cf_db *db, int64_t server, struct cf_err *err)
{
	struct cf_found_in in = { 0 };
	int r;

	while ((r = next_of(db, NEXT_OF_SERVER, server, in.id, &in, err)) > 0) {
		r = rename_entry(db, &in, cf_db_now(db), err);
		if (r < 0)
			return r;
	}
	return r;
}
