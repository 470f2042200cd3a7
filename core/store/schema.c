/* What the database looks like, how an older one is brought up to date, and what is refused. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/store/store_private.h"

#define APPLICATION_ID 0x63667331 /* "cfs1": the mark of a store */
#define FORMAT 1                  /* of sealed values and MACs */
#define KNOWN_FLAGS 0             /* features a store can't be used without knowing */

#define VERSION ((int64_t)cf_schema_n_steps)

enum {
	HEADER_ADD,
	HEADER_READ,
	IS_EMPTY,
	COUNT_
};

static const char *const text[] = {
	[HEADER_ADD] = "INSERT INTO header (id, uuid, format, flags, created, last_commit, wrapped)"
		       " VALUES (1, :uuid, :format, :flags, :created, 0, :wrapped)",
	[HEADER_READ] = "SELECT uuid, format, flags, length(wrapped) FROM header",
	[IS_EMPTY] = "SELECT NOT EXISTS (SELECT 1 FROM slot) AND NOT EXISTS (SELECT 1 FROM server)"
		     " AND NOT EXISTS (SELECT 1 FROM secret)"
		     " AND NOT EXISTS (SELECT 1 FROM trust) AND NOT EXISTS (SELECT 1 FROM event)",
};

static const struct cf_sql sql = { CF_MODULE_SCHEMA, COUNT_, text };

/* Run text of ours outside the prepared statements. */
static int run(sqlite3 *sq, const char *statements, struct cf_err *err)
{
	int rc = sqlite3_exec(sq, statements, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : cf_conn_fail(sq, sqlite3_extended_errcode(sq), err);
}

/* A pragma's number. */
static int number(sqlite3 *sq, const char *pragma, int64_t *ret, struct cf_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(sq, pragma, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : cf_conn_fail(sq, rc, err);
}

static int header_add(struct cf_store *store, struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	uint8_t uuid[CF_UUID_SIZE];
	int r = cf_stmt(db, &sql, HEADER_ADD, &stmt, err);

	if (r < 0)
		return r;
	if (getrandom(uuid, sizeof(uuid), 0) != sizeof(uuid))
		return cf_fail(err, EIO, "no random bytes: %s", strerror(errno));
	cf_bind_bytes(stmt, ":uuid", cf_span(uuid, sizeof(uuid)));
	cf_bind_int(stmt, ":format", FORMAT);
	cf_bind_int(stmt, ":flags", KNOWN_FLAGS);
	cf_bind_int(stmt, ":created", cf_clock_now(store->clock));
	cf_bind_bytes(stmt, ":wrapped", cf_span(NULL, 0));
	return cf_step(db, stmt, err);
}

/* One step, one transaction. */
static int migrate(struct cf_store *store, struct cf_conn *conn, int64_t from, struct cf_err *err)
{
	int r = run(conn->sq, "BEGIN IMMEDIATE", err);

	if (r == 0)
		r = run(conn->sq, cf_schema_steps[from], err);
	if (r == 0 && from == 0)
		r = header_add(store, &conn->db, err);
	if (r == 0)
		r = run(conn->sq, "COMMIT", err);
	if (r < 0)
		run(conn->sq, "ROLLBACK", NULL);
	return r;
}

/* All of a schema as one text. */
static int describe(sqlite3 *sq, struct cf_buf *out, struct cf_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r = 0, rc = sqlite3_prepare_v2(sq,
					   "SELECT type || ' ' || name || ' ' || tbl_name || ' ' ||"
					   "  coalesce(sql, '') FROM sqlite_schema"
					   " WHERE name NOT IN ('sqlite_stat1', 'sqlite_stat4')"
					   " ORDER BY type, name",
					   -1, &stmt, NULL);

	while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		r = cf_buf_append(out, sqlite3_column_text(stmt, 0),
				  (size_t)sqlite3_column_bytes(stmt, 0), err);
		if (r == 0)
			r = cf_buf_append(out, "\n", 1, err);
	}
	sqlite3_finalize(stmt);
	if (r == 0 && rc != SQLITE_DONE)
		r = cf_conn_fail(sq, rc, err);
	return r;
}

/* Tables that aren't the steps' own could make a statement of ours mean something else. */
static int compare(struct cf_store *store, sqlite3 *sq, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf here = { 0 }, ours = { 0 };
	sqlite3 *memory = NULL;
	int rc = sqlite3_open(":memory:", &memory);
	int r = rc == SQLITE_OK ? 0 : cf_conn_fail(memory, rc, err);

	for (size_t i = 0; i < cf_schema_n_steps && r == 0; i++)
		r = run(memory, cf_schema_steps[i], err);
	if (r == 0)
		r = describe(memory, &ours, err);
	if (r == 0)
		r = describe(sq, &here, err);
	sqlite3_close(memory);
	if (r == 0 && (here.len != ours.len || memcmp(here.data, ours.data, here.len) != 0))
		r = cf_fail(err, EINVAL, "the tables of %s are not those certfs makes",
			    store->path);
	return r;
}

int cf_header_read(struct cf_store *store, struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *header = NULL, *empty = NULL;
	int64_t format, flags;
	int r = cf_stmt(db, &sql, HEADER_READ, &header, err);

	if (r == 0)
		r = cf_stmt(db, &sql, IS_EMPTY, &empty, err);
	if (r == 0)
		r = cf_step(db, header, err);
	if (r < 0)
		return r;
	if (r == 0 || !cf_column_bytes(header, 0, store->uuid, sizeof(store->uuid)))
		return cf_fail(err, EINVAL, "%s has no header", store->path);
	format = sqlite3_column_int64(header, 1);
	flags = sqlite3_column_int64(header, 2);
	if (format != FORMAT)
		return cf_fail(err, EINVAL, "%s is of format %lld; this certfs knows %d",
			       store->path, (long long)format, FORMAT);
	if (flags & ~(int64_t)KNOWN_FLAGS)
		return cf_fail(err, EINVAL,
			       "%s uses a feature that this certfs doesn't know (flags %#llx)",
			       store->path, (unsigned long long)flags);
	store->fresh = false;
	if (sqlite3_column_int64(header, 3) != 0)
		return 0;
	r = cf_step(db, empty, err);
	store->fresh = r > 0 && sqlite3_column_int64(empty, 0);
	return r < 0 ? r : 0;
}

int cf_schema_bring(struct cf_store *store, struct cf_conn *conn, bool create, struct cf_err *err)
{
	int64_t id = 0, version = 0, n_tables = -1;
	int r = number(conn->sq, "PRAGMA application_id", &id, err);

	if (r == 0)
		r = number(conn->sq, "PRAGMA user_version", &version, err);
	if (r < 0)
		return r;
	if (id == 0 && version == 0 && create)
		r = number(conn->sq, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
	if (r < 0)
		return r;
	if (n_tables != 0 && (id != APPLICATION_ID || version < 1))
		return cf_fail(err, EINVAL, "%s is not a certfs store", store->path);
	if (version > VERSION)
		return cf_fail(
			err, EINVAL,
			"%s was written by a newer certfs (version %lld; this one knows %lld)",
			store->path, (long long)version, (long long)VERSION);
	if (store->read_only && version < VERSION)
		return cf_fail(err, EINVAL, "%s is of an older version; mount it for writing once",
			       store->path);
	if (!store->read_only)
		r = run(conn->sq, "PRAGMA journal_mode = WAL", err);
	while (r == 0 && version < VERSION)
		r = migrate(store, conn, version++, err);
	if (r == 0)
		r = compare(store, conn->sq, err);
	return r;
}
