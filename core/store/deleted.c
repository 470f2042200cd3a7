/* The rows behind _deleted; see deleted.h. Queries find ids, the tables' own modules read the rows. */
#include "core/store/deleted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/store/store_private.h"

#define NAME_MAX_BYTES 255

enum {
	SERVER,
	CERTIFICATE,
	NEXT_SERVER,
	NEXT,
	NEXT_WITH_KEY,
	NEXT_UNTIL,
	OLDEST,
	COUNT_,
};

static const char *const text[] = {
	[SERVER] = "SELECT id FROM server INDEXED BY server_deleted"
		   " WHERE deleted_name = :name COLLATE NOCASE AND deleted_name <> ''",
	[CERTIFICATE] = "SELECT id FROM certificate INDEXED BY certificate_deleted"
			" WHERE server = :server AND deleted_name = :name COLLATE NOCASE"
			" AND deleted <> 0",
	[NEXT_SERVER] = "SELECT id FROM server WHERE id > :after AND deleted_name <> ''"
			" ORDER BY id LIMIT 1",
	[NEXT] = "SELECT id FROM certificate INDEXED BY certificate_deleted_server"
		 " WHERE server = :server AND id > :after AND deleted <> 0 ORDER BY id LIMIT 1",
	[NEXT_WITH_KEY] = "SELECT id FROM certificate INDEXED BY certificate_deleted_key"
			  " WHERE spki_sum = :sum AND id > :after AND deleted <> 0"
			  " ORDER BY id LIMIT 1",
	[NEXT_UNTIL] = "SELECT id FROM certificate INDEXED BY certificate_deleted_time"
		       " WHERE (deleted, id) > (:time, :after) AND deleted <= :until"
		       " AND deleted <> 0 ORDER BY deleted, id LIMIT 1",
	[OLDEST] = "SELECT min(t) FROM (SELECT min(deleted) AS t FROM certificate"
		   " INDEXED BY certificate_deleted_time WHERE deleted <> 0"
		   " UNION ALL SELECT min(deleted) FROM server WHERE deleted <> 0)",
};

static const struct cf_sql sql = { CF_MODULE_DELETED, COUNT_, text };

/* Step a statement that yields an id. 1 or 0. */
static int step(struct cf_db *db, sqlite3_stmt *stmt, int64_t *ret, struct cf_err *err)
{
	int r = cf_step(db, stmt, err);

	if (r > 0)
		*ret = sqlite3_column_int64(stmt, 0);
	return r;
}

/* Ids by name, in whatever case. server 0: of a server. */
static int by_name(struct cf_db *db, int64_t server, const char *name, int64_t *ret,
		   struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, server ? CERTIFICATE : SERVER, &stmt, err);

	if (r < 0)
		return r;
	if (server)
		cf_bind_int(stmt, ":server", server);
	cf_bind_text(stmt, ":name", name);
	return step(db, stmt, ret, err);
}

static int nothing(const char *name, struct cf_err *err)
{
	return cf_fail(err, ENOENT, "no '%s' in _deleted", name);
}

int cf_store_deleted_server(struct cf_db *db, const char *name, struct cf_server *ret,
			    struct cf_err *err)
{
	struct cf_server row;
	int64_t id = 0;
	int r = by_name(db, 0, name, &id, err);

	if (r > 0)
		r = cf_store_server_get_any(db, id, &row, err) < 0 ? -EIO : 1;
	if (r < 0)
		return r;
	if (r == 0 || (!row.damaged && strcmp(row.deleted_name, name) != 0))
		return nothing(name, err);
	*ret = row;
	return 0;
}

/* The row of an id that an index led to. One that isn't deleted after all is damage. */
static int fetch(struct cf_db *db, int64_t id, int64_t server, struct cf_certificate *ret,
		 struct cf_err *err)
{
	int r = cf_store_certificate_get_any(db, id, ret, err);

	if (r < 0)
		return r;
	if (!ret->deleted || (server && ret->server != server))
		ret->damaged = true;
	return 1;
}

int cf_store_deleted_certificate(struct cf_db *db, int64_t server, const char *name,
				 struct cf_certificate *ret, struct cf_err *err)
{
	struct cf_certificate row;
	int64_t id = 0;
	int r = by_name(db, server, name, &id, err);

	if (r > 0)
		r = fetch(db, id, server, &row, err);
	if (r < 0)
		return r;
	if (r > 0 && (row.damaged || strcmp(row.deleted_name, name) == 0)) {
		*ret = row;
		return 0;
	}
	if (r > 0)
		cf_certificate_done(&row);
	return nothing(name, err);
}

int cf_store_deleted_next_server(struct cf_db *db, int64_t after, struct cf_server *ret,
				 struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int64_t id = 0;
	int r = cf_stmt(db, &sql, NEXT_SERVER, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", after);
	r = step(db, stmt, &id, err);
	if (r <= 0)
		return r;
	r = cf_store_server_get_any(db, id, ret, err);
	return r < 0 ? r : 1;
}

int cf_store_deleted_next(struct cf_db *db, int64_t server, int64_t after,
			  struct cf_certificate *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int64_t id = 0;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	cf_bind_int(stmt, ":after", after);
	r = step(db, stmt, &id, err);
	return r <= 0 ? r : fetch(db, id, server, ret, err);
}

int cf_store_deleted_next_with_key(struct cf_db *db, const uint8_t spki_sum[CF_SUM_SIZE],
				   int64_t after, struct cf_certificate *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int64_t id = 0;
	int r = cf_stmt(db, &sql, NEXT_WITH_KEY, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_bytes(stmt, ":sum", cf_span(spki_sum, CF_SUM_SIZE));
	cf_bind_int(stmt, ":after", after);
	r = step(db, stmt, &id, err);
	return r <= 0 ? r : fetch(db, id, 0, ret, err);
}

int cf_store_deleted_next_until(struct cf_db *db, cf_time time, int64_t id, cf_time until,
				struct cf_certificate *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int64_t found = 0;
	int r = cf_stmt(db, &sql, NEXT_UNTIL, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":time", time);
	cf_bind_int(stmt, ":after", id);
	cf_bind_int(stmt, ":until", until);
	r = step(db, stmt, &found, err);
	return r <= 0 ? r : fetch(db, found, 0, ret, err);
}

int cf_store_deleted_oldest(struct cf_db *db, cf_time *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, OLDEST, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = r && sqlite3_column_type(stmt, 0) != SQLITE_NULL ? sqlite3_column_int64(stmt, 0)
								: CF_NEVER;
	return 0;
}

/* Cut text to n bytes, not inside a character. */
static int cut(const char *name, int n)
{
	int len = (int)strlen(name);

	if (len <= n)
		return len;
	while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	return n;
}

int cf_store_deleted_name(struct cf_db *db, int64_t server, const char *name, int64_t own,
			  char out[256], struct cf_err *err)
{
	char suffix[24] = "";

	for (int64_t n = 2;; n++) {
		int64_t id = 0;
		int r;

		snprintf(out, NAME_MAX_BYTES + 1, "%.*s%s",
			 cut(name, NAME_MAX_BYTES - (int)strlen(suffix)), name, suffix);
		r = by_name(db, server, out, &id, err);
		if (r < 0)
			return r;
		if (r == 0 || id == own)
			return 0;
		snprintf(suffix, sizeof(suffix), "-%lld", (long long)n);
	}
}
