/* Statements: prepared once per connection, bound by name; errors of SQLite as sentences. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/store/store_private.h"

int cf_conn_fail(sqlite3 *sq, int rc, struct cf_err *err)
{
	int os = sq ? sqlite3_system_errno(sq) : 0;

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return cf_fail_memory(err);
	case SQLITE_FULL:
		return cf_fail(err, ENOSPC, "no space left for the store");
	case SQLITE_READONLY:
		return cf_fail(err, EROFS, "the store can't be written: %s", sqlite3_errmsg(sq));
	case SQLITE_CANTOPEN:
		return cf_fail(err, os == EACCES || os == EPERM ? EACCES : EIO,
			       "the store can't be opened: %s",
			       os ? strerror(os) : "unknown reason");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return cf_fail(err, EIO, "another program keeps the store's database locked");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return cf_fail(err, EIO, "the store is damaged (%s); restore a backup",
			       sqlite3_errmsg(sq));
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return cf_fail_memory(err);
		if (os == ENOSPC || os == EDQUOT)
			return cf_fail(err, ENOSPC, "no space left for the store");
		return cf_fail(err, EIO, "the store can't be read or written: %s (%s)",
			       sqlite3_errmsg(sq), strerror(os));
	default:
		return cf_fail(err, EIO, "the store's database: %s",
			       sq ? sqlite3_errmsg(sq) : sqlite3_errstr(rc));
	}
}

int cf_db_fail(struct cf_db *db, int rc, struct cf_err *err)
{
	int r = cf_conn_fail(db->conn->sq, rc, err);

	if (!db->broken)
		db->broken = -r;
	db->corrupt = (rc & 0xff) == SQLITE_CORRUPT;
	return r;
}

int cf_stmt(struct cf_db *db, const struct cf_sql *sql, int which, sqlite3_stmt **ret,
	    struct cf_err *err)
{
	sqlite3_stmt **slot = &db->conn->stmts[sql->module][which];
	int rc;

	assert(which >= 0 && which < sql->count && sql->count <= CF_STMT_MAX);
	if (db->broken)
		return cf_fail(err, db->broken, "an earlier step of this change failed");
	if (!*slot) {
		rc = sqlite3_prepare_v3(db->conn->sq, sql->text[which], -1,
					SQLITE_PREPARE_PERSISTENT, slot, NULL);
		if (rc != SQLITE_OK)
			return cf_db_fail(db, rc, err);
	}
	assert(!sqlite3_stmt_busy(*slot));
	*ret = *slot;
	return 0;
}

void cf_stmt_done(sqlite3_stmt *stmt)
{
	if (!stmt)
		return;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

int cf_step(struct cf_db *db, sqlite3_stmt *stmt, struct cf_err *err)
{
	int rc = sqlite3_step(stmt);

	switch (rc) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return cf_db_fail(db, sqlite3_extended_errcode(db->conn->sq), err);
	}
}

int cf_run(struct cf_db *db, const struct cf_sql *sql, int which, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, sql, which, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	return r < 0 ? r : 0;
}

int cf_parameter(sqlite3_stmt *stmt, const char *name)
{
	int i = sqlite3_bind_parameter_index(stmt, name);

	assert(i > 0);
	return i;
}

void cf_bind_int_at(sqlite3_stmt *stmt, int i, int64_t v)
{
	int rc = sqlite3_bind_int64(stmt, i, v);

	assert(rc == SQLITE_OK);
	(void)rc;
}

/* SQLITE_STATIC copies nothing, so that binding can't fail. */
void cf_bind_text_at(sqlite3_stmt *stmt, int i, const char *text)
{
	int rc = sqlite3_bind_text(stmt, i, text ? text : "", -1, SQLITE_STATIC);

	assert(rc == SQLITE_OK);
	(void)rc;
}

void cf_bind_bytes_at(sqlite3_stmt *stmt, int i, struct cf_span bytes)
{
	/* A NULL pointer would bind NULL, which no column takes. */
	int rc =
		sqlite3_bind_blob64(stmt, i, bytes.len ? bytes.data : "", bytes.len, SQLITE_STATIC);

	assert(rc == SQLITE_OK);
	(void)rc;
}

void cf_bind_int(sqlite3_stmt *stmt, const char *parameter, int64_t v)
{
	cf_bind_int_at(stmt, cf_parameter(stmt, parameter), v);
}

void cf_bind_text(sqlite3_stmt *stmt, const char *parameter, const char *text)
{
	cf_bind_text_at(stmt, cf_parameter(stmt, parameter), text);
}

void cf_bind_bytes(sqlite3_stmt *stmt, const char *parameter, struct cf_span bytes)
{
	cf_bind_bytes_at(stmt, cf_parameter(stmt, parameter), bytes);
}

bool cf_column_bytes(sqlite3_stmt *stmt, int column, void *out, size_t n)
{
	const void *data = sqlite3_column_blob(stmt, column);

	if (!data || (size_t)sqlite3_column_bytes(stmt, column) != n)
		return false;
	memcpy(out, data, n);
	return true;
}

int cf_column_buf(sqlite3_stmt *stmt, int column, struct cf_buf *out, struct cf_err *err)
{
	const void *data = sqlite3_column_blob(stmt, column);

	return cf_buf_append(out, data, (size_t)sqlite3_column_bytes(stmt, column), err);
}

struct cf_span cf_column_span(sqlite3_stmt *stmt, int column)
{
	const void *data = sqlite3_column_blob(stmt, column);

	return cf_span(data, (size_t)sqlite3_column_bytes(stmt, column));
}
