/* The files of _trust; see trust.h. */
#include "core/store/trust.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/store/row_private.h"

#define ROW struct cf_trust
#define COLUMNS(X)                                                                                 \
	X(name, FIXED, name)                                                                       \
	X(data, BUF, data)                                                                         \
	X(items, BUF, items)                                                                       \
	X(mode, INT, mode)                                                                         \
	X(mtime, INT, mtime)                                                                       \
	X(ctime, INT, ctime)

enum {
	GET,
	FIND,
	NEXT,
	INSERT,
	UPDATE,
	DELETE,
	BYTES,
	COUNT_
};

static const char *const text[] = {
	[GET] = CF_SELECT("trust", COLUMNS) "WHERE id = :id",
	[FIND] = CF_SELECT("trust", COLUMNS) "WHERE name = :name COLLATE NOCASE",
	[NEXT] = CF_SELECT("trust", COLUMNS) "WHERE id > :after ORDER BY id LIMIT 1",
	[INSERT] = CF_INSERT("trust", COLUMNS),
	[UPDATE] = CF_UPDATE("trust", COLUMNS),
	[DELETE] = "DELETE FROM trust WHERE id = :id",
	[BYTES] = "SELECT coalesce(sum(length(data)), 0) FROM trust",
};

static const struct cf_sql sql = { CF_MODULE_TRUST, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

static void done(void *row)
{
	cf_trust_done(row);
}

const struct cf_table cf_table_trust = {
	.name = "trust",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.size = sizeof(struct cf_trust),
	.id = offsetof(struct cf_trust, id),
	.uuid = offsetof(struct cf_trust, uuid),
	.version = offsetof(struct cf_trust, version),
	.mac = offsetof(struct cf_trust, mac),
	.sql = &sql,
	.next = NEXT,
	.insert = INSERT,
	.update = UPDATE,
	.delete = DELETE,
	.done = done,
};

void cf_trust_done(struct cf_trust *row)
{
	cf_buf_done(&row->data);
	cf_buf_done(&row->items);
}

/* -- reading --------------------------------------------------------------------------------- */

static int step(struct cf_db *db, sqlite3_stmt *stmt, struct cf_trust *ret, struct cf_err *err)
{
	bool damaged;
	int r = cf_row_step(db, &cf_table_trust, stmt, ret, &damaged, err);

	if (r > 0)
		ret->damaged = damaged;
	return r;
}

int cf_store_trust_get(struct cf_db *db, int64_t id, struct cf_trust *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	r = step(db, stmt, ret, err);
	if (r == 0)
		return cf_fail(err, ENOENT, "the file is gone from _trust");
	return r < 0 ? r : 0;
}

/* 1 and *ret, or 0. A row the index led to, though it isn't the one asked for, is damage. */
static int by_name(struct cf_db *db, const char *name, struct cf_trust *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, FIND, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_text(stmt, ":name", name);
	r = step(db, stmt, ret, err);
	if (r > 0 && strcasecmp(ret->name, name) != 0)
		ret->damaged = true;
	return r;
}

int cf_store_trust_find(struct cf_db *db, const char *name, struct cf_trust *ret,
			struct cf_err *err)
{
	struct cf_trust row;
	int r = by_name(db, name, &row, err);

	if (r < 0)
		return r;
	if (r > 0 && !row.damaged && strcmp(row.name, name) != 0) {
		cf_trust_done(&row);
		r = 0;
	}
	if (r == 0)
		return cf_fail(err, ENOENT, "no file '%s' in _trust", name);
	*ret = row;
	return 0;
}

int cf_store_trust_find_folded(struct cf_db *db, const char *name, struct cf_trust *ret,
			       struct cf_err *err)
{
	int r = by_name(db, name, ret, err);

	if (r == 0)
		return cf_fail(err, ENOENT, "no file '%s' in _trust", name);
	return r < 0 ? r : 0;
}

int cf_store_trust_next(struct cf_db *db, int64_t after, struct cf_trust *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", after);
	return step(db, stmt, ret, err);
}

int cf_store_trust_bytes(struct cf_db *db, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, BYTES, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

/* -- writing --------------------------------------------------------------------------------- */

static int taken(int r, const char *name, struct cf_err *err)
{
	if (r == -EEXIST)
		return cf_fail(err, EEXIST, "there is already a file '%s' in _trust", name);
	return r;
}

int cf_store_trust_insert(struct cf_db *db, struct cf_trust *row, struct cf_err *err)
{
	int r = taken(cf_row_insert(db, &cf_table_trust, row, 0, err), row->name, err);

	if (r < 0)
		return r;
	return cf_db_changed(db, CF_OBJECT_TRUST, row->id, 0, CF_WHAT_STATE | CF_WHAT_LISTING, err);
}

int cf_store_trust_update(struct cf_db *db, struct cf_trust *row, struct cf_err *err)
{
	cf_auto(cf_trust_done) struct cf_trust old = { 0 };
	unsigned what = CF_WHAT_STATE;
	int r = cf_store_trust_get(db, row->id, &old, err);

	if (r == 0)
		r = cf_row_current(&cf_table_trust, row, &old, old.damaged, err);
	if (r == 0)
		r = taken(cf_row_update(db, &cf_table_trust, row, &old,
					(struct cf_row_place){ 0, 0 }, err),
			  row->name, err);
	if (r == 0 && strcmp(old.name, row->name) != 0) {
		what |= CF_WHAT_NAME | CF_WHAT_LISTING;
		r = cf_db_gone(db, CF_OBJECT_TRUST, row->id, 0, old.name, err);
	}
	return r < 0 ? r : cf_db_changed(db, CF_OBJECT_TRUST, row->id, 0, what, err);
}

int cf_store_trust_delete(struct cf_db *db, const struct cf_trust *row, struct cf_err *err)
{
	cf_auto(cf_trust_done) struct cf_trust old = { 0 };
	int r = cf_store_trust_get(db, row->id, &old, err);

	if (r == 0)
		r = cf_row_current(&cf_table_trust, row, &old, old.damaged, err);
	if (r == 0)
		r = cf_row_delete(db, &cf_table_trust, &old, 0, err);
	if (r == 0)
		r = cf_db_gone(db, CF_OBJECT_TRUST, row->id, 0, old.name, err);
	return r;
}
