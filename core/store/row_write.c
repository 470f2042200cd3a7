/* Inserting, updating and deleting rows, each with its MAC and count; see row_private.h. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/store/row_private.h"

#define ID_END ((int64_t)1 << 48) /* st_ino has 48 bits for it */

static void bind_column(sqlite3_stmt *stmt, int i, const struct cf_column *column, const void *row)
{
	const void *p = cf_row_at(row, column->offset);

	switch (column->kind) {
	case CF_COLUMN_INT:
		cf_bind_int_at(stmt, i, *(const int64_t *)p);
		break;
	case CF_COLUMN_BOOL:
		cf_bind_int_at(stmt, i, *(const bool *)p);
		break;
	case CF_COLUMN_TEXT:
		cf_bind_text_at(stmt, i, *(char *const *)p);
		break;
	case CF_COLUMN_FIXED:
		cf_bind_text_at(stmt, i, p);
		break;
	case CF_COLUMN_BYTES:
		cf_bind_bytes_at(stmt, i, cf_span(p, column->size));
		break;
	case CF_COLUMN_BUF:
		cf_bind_bytes_at(stmt, i, cf_span_buf(p));
		break;
	}
}

/*
 * Bind the columns from the n-th on. They follow each other in the statement: looking each up by
 * name would be quadratic, so only the ends are checked.
 */
static void bind_columns(sqlite3_stmt *stmt, const struct cf_table *table, size_t n,
			 const void *row)
{
	const int first = cf_parameter(stmt, table->columns[n].parameter);
	const int last = cf_parameter(stmt, table->columns[table->n_columns - 1].parameter);

	assert(last - first == (int)(table->n_columns - 1 - n));
	for (size_t i = n; i < table->n_columns; i++)
		bind_column(stmt, first + (int)(i - n), &table->columns[i], row);
	(void)last;
}

/* Bind row from its n-th column on and run the statement. -EEXIST has no words yet. */
static int write_row(struct cf_db *db, const struct cf_table *table, int which, size_t n,
		     const void *row, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, table->sql, which, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", *cf_row_int(row, table->id));
	cf_bind_bytes(stmt, ":uuid", cf_span(cf_row_at(row, table->uuid), CF_UUID_SIZE));
	cf_bind_int(stmt, ":version", *cf_row_int(row, table->version));
	cf_bind_bytes(stmt, ":mac", cf_span(cf_row_at(row, table->mac), CF_SUM_SIZE));
	bind_columns(stmt, table, n, row);
	r = sqlite3_step(stmt);
	switch (r) {
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		if (sqlite3_extended_errcode(db->conn->sq) == SQLITE_CONSTRAINT_UNIQUE)
			return -EEXIST;
		if (sqlite3_extended_errcode(db->conn->sq) == SQLITE_CONSTRAINT_FOREIGNKEY)
			return cf_fail(err, ENOENT, "the server is gone");
		/* fall through */
	default:
		return cf_db_fail(db, sqlite3_extended_errcode(db->conn->sq), err);
	}
}

/* The next id of a table. AUTOINCREMENT keeps it above every id there ever was. */
static int next_id(struct cf_db *db, const struct cf_table *table, int64_t *ret, struct cf_err *err)
{
	enum {
		NEXT_ID
	};
	static const char *const text[] = {
		[NEXT_ID] = "SELECT seq FROM sqlite_sequence WHERE name = :name",
	};
	static const struct cf_sql sql = { CF_MODULE_ROW, CF_COUNT(text), text };
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT_ID, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_text(stmt, ":name", table->name);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = r ? sqlite3_column_int64(stmt, 0) + 1 : 1;
	if (*ret < 1 || *ret >= ID_END)
		return cf_fail(err, EIO, "the store's counter of ids isn't what certfs wrote");
	return 0;
}

static int fill_uuid(uint8_t *uuid, struct cf_err *err)
{
	static const uint8_t zero[CF_UUID_SIZE];

	if (memcmp(uuid, zero, sizeof(zero)) != 0)
		return 0;
	if (getrandom(uuid, CF_UUID_SIZE, 0) != CF_UUID_SIZE)
		return cf_fail(err, EIO, "no random bytes: %s", strerror(errno));
	return 0;
}

/* The members that a write changes, to be put back when it fails. */
struct head {
	struct cf_row_id member;
	uint8_t uuid[CF_UUID_SIZE];
};

static struct head head_of(const struct cf_table *table, const void *row)
{
	struct head head = { .member = cf_row_member(table, row) };

	memcpy(head.uuid, cf_row_at(row, table->uuid), sizeof(head.uuid));
	return head;
}

static void put_head(const struct cf_table *table, void *row, const struct head *head)
{
	*cf_row_int(row, table->id) = head->member.id;
	*cf_row_int(row, table->version) = head->member.version;
	memcpy(cf_row_at(row, table->mac), head->member.mac, CF_SUM_SIZE);
	memcpy(cf_row_at(row, table->uuid), head->uuid, CF_UUID_SIZE);
}

/* MAC it, write it from its n-th column on, count it. */
static int seal_and_write(struct cf_db *db, const struct cf_table *table, int stmt, size_t n,
			  void *row, int64_t server, struct cf_err *err)
{
	struct cf_row_id member;
	int r = cf_row_mac(db, table, row, cf_row_at(row, table->mac), err);

	if (r == 0)
		r = write_row(db, table, stmt, n, row, err);
	if (r < 0)
		return r;
	member = cf_row_member(table, row);
	return cf_tally_count(db, server, table->name, 1, &member, err);
}

int cf_row_insert(struct cf_db *db, const struct cf_table *table, void *row, int64_t server,
		  struct cf_err *err)
{
	const struct head before = head_of(table, row);
	int64_t id;
	int r = next_id(db, table, &id, err);

	assert(db->writes);
	if (r == 0)
		r = fill_uuid(cf_row_at(row, table->uuid), err);
	if (r == 0) {
		*cf_row_int(row, table->id) = id;
		*cf_row_int(row, table->version) = 1;
		r = seal_and_write(db, table, table->insert, 0, row, server, err);
	}
	if (r < 0)
		put_head(table, row, &before);
	return r;
}

int cf_row_current(const struct cf_table *table, const void *row, const void *old, bool damaged,
		   struct cf_err *err)
{
	const struct cf_row_id stored = cf_row_member(table, old);
	const struct cf_row_id seen = cf_row_member(table, row);

	if (damaged)
		return cf_fail(err, EIO, "its record isn't what certfs wrote; restore a backup");
	if (stored.version != seen.version)
		return cf_fail(err, EAGAIN, "it was changed by somebody else in the meantime");
	if (memcmp(stored.mac, seen.mac, sizeof(seen.mac)) != 0)
		return cf_fail(err, EIO, "its record isn't what certfs wrote; restore a backup");
	return 0;
}

/* Of the kinds that keys have: numbers, names and digests. */
static bool same_keys(const struct cf_table *table, const void *a, const void *b)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct cf_column *column = &table->columns[i];
		const void *x = cf_row_at(a, column->offset), *y = cf_row_at(b, column->offset);

		assert(column->kind == CF_COLUMN_INT || column->kind == CF_COLUMN_FIXED ||
		       column->kind == CF_COLUMN_BYTES);
		if (column->kind == CF_COLUMN_FIXED ? strcmp(x, y) != 0
						    : memcmp(x, y, column->size) != 0)
			return false;
	}
	return true;
}

int cf_row_update(struct cf_db *db, const struct cf_table *table, void *row, const void *old,
		  struct cf_row_place place, struct cf_err *err)
{
	const struct head before = head_of(table, row);
	const struct head stored = head_of(table, old);
	int r;

	assert(db->writes && before.member.id == stored.member.id);
	memcpy(cf_row_at(row, table->uuid), stored.uuid, sizeof(stored.uuid));
	*cf_row_int(row, table->version) = stored.member.version + 1;
	/* SQLite rewrites each index of a column that is named, changed or not. */
	if (table->n_keys && same_keys(table, row, old))
		r = seal_and_write(db, table, table->update_plain, table->n_keys, row, place.to,
				   err);
	else
		r = seal_and_write(db, table, table->update, 0, row, place.to, err);
	if (r == 0)
		r = cf_tally_count(db, place.from, table->name, -1, &stored.member, err);
	if (r < 0)
		put_head(table, row, &before);
	return r;
}

int cf_row_delete(struct cf_db *db, const struct cf_table *table, const void *row, int64_t server,
		  struct cf_err *err)
{
	const struct cf_row_id member = cf_row_member(table, row);
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, table->sql, table->delete, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", member.id);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	return cf_tally_count(db, server, table->name, -1, &member, err);
}
