/* Sealed values; see secret.h. */
#include "core/store/secret.h"

#include <errno.h>
#include <string.h>

#include "core/store/row_private.h"

#define ROW struct cf_secret
#define COLUMNS(X)                                                                                 \
	X(server, INT, server)                                                                     \
	X(object, INT, object)                                                                     \
	X(owner, INT, owner)                                                                       \
	X(kind, INT, kind)                                                                         \
	X(sealed, BUF, sealed)

enum {
	GET,
	FIND,
	NEXT_OF,
	NEXT_KIND,
	NEXT_ROW,
	INSERT,
	UPDATE,
	DELETE,
	COUNT_
};

static const char *const text[] = {
	[GET] = CF_SELECT("secret", COLUMNS) "WHERE id = :id",
	[FIND] = CF_SELECT("secret", COLUMNS) "WHERE object = :object AND owner = :owner"
					      " AND kind = :kind",
	[NEXT_OF] = CF_SELECT("secret", COLUMNS) "WHERE object = :object AND owner = :owner"
						 " AND kind > :after ORDER BY kind LIMIT 1",
	[NEXT_KIND] = CF_SELECT("secret", COLUMNS) "WHERE object = :object AND kind = :kind"
						   " AND owner > :after ORDER BY owner LIMIT 1",
	[NEXT_ROW] = CF_SELECT("secret", COLUMNS) "WHERE id > :after ORDER BY id LIMIT 1",
	[INSERT] = CF_INSERT("secret", COLUMNS),
	[UPDATE] = CF_UPDATE("secret", COLUMNS),
	[DELETE] = "DELETE FROM secret WHERE id = :id",
};

static const struct cf_sql sql = { CF_MODULE_SECRET, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

static void done(void *row)
{
	cf_secret_done(row);
}

const struct cf_table cf_table_secret = {
	.name = "secret",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.size = sizeof(struct cf_secret),
	.id = offsetof(struct cf_secret, id),
	.uuid = offsetof(struct cf_secret, uuid),
	.version = offsetof(struct cf_secret, version),
	.mac = offsetof(struct cf_secret, mac),
	.sql = &sql,
	.next = NEXT_ROW,
	.insert = INSERT,
	.update = UPDATE,
	.delete = DELETE,
	.done = done,
};

void cf_secret_done(struct cf_secret *secret)
{
	cf_buf_done(&secret->sealed);
}

/* 1 and *ret, or 0. -EIO when it can't be trusted. */
static int step(struct cf_db *db, sqlite3_stmt *stmt, struct cf_secret *ret, struct cf_err *err)
{
	struct cf_secret row;
	bool damaged;
	int r = cf_row_step(db, &cf_table_secret, stmt, &row, &damaged, err);

	if (r <= 0)
		return r;
	if (!damaged && !cf_store_damaged(db->store, row.server)) {
		*ret = row;
		return 1;
	}
	cf_secret_done(&row);
	if (damaged)
		return cf_fail(err, EIO,
			       "a sealed value isn't what certfs stored; restore a backup");
	return cf_fail(err, EIO,
		       "records %s were changed by something other than certfs, so its keys are "
		       "refused; restore a backup",
		       row.server ? "of the server" : "of the store");
}

int cf_store_secret_get(struct cf_db *db, enum cf_object object, int64_t owner,
			enum cf_secret_kind kind, struct cf_secret *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_secret row;
	int r = cf_stmt(db, &sql, FIND, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":object", object);
	cf_bind_int(stmt, ":owner", owner);
	cf_bind_int(stmt, ":kind", kind);
	r = step(db, stmt, &row, err);
	if (r == 0)
		return cf_fail(err, ENOENT, "no such secret");
	if (r < 0)
		return r;
	/* An index that leads elsewhere would hand out somebody else's value. */
	if (row.object != (int64_t)object || row.owner != owner || row.kind != (int64_t)kind) {
		cf_secret_done(&row);
		return cf_fail(err, EIO,
			       "a sealed value isn't what certfs stored; restore a backup");
	}
	*ret = row;
	return 0;
}

int cf_store_secret_next(struct cf_db *db, enum cf_object object, enum cf_secret_kind kind,
			 int64_t after, struct cf_secret *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_secret row;
	int r = cf_stmt(db, &sql, NEXT_KIND, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":object", object);
	cf_bind_int(stmt, ":kind", kind);
	cf_bind_int(stmt, ":after", after);
	r = step(db, stmt, &row, err);
	if (r <= 0)
		return r;
	if (row.object != (int64_t)object || row.kind != (int64_t)kind || row.owner <= after) {
		cf_secret_done(&row);
		return cf_fail(err, EIO,
			       "a sealed value isn't what certfs stored; restore a backup");
	}
	*ret = row;
	return 1;
}

/* The stored row with the id of row, checked to be the one that row was read from. */
static int current(struct cf_db *db, const struct cf_secret *row, struct cf_secret *ret,
		   struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", row->id);
	r = step(db, stmt, ret, err);
	if (r < 0)
		return r;
	if (r == 0)
		return cf_fail(err, EAGAIN, "it was changed by somebody else in the meantime");
	return cf_row_current(&cf_table_secret, row, ret, false, err);
}

int cf_store_secret_put(struct cf_db *db, struct cf_secret *row, struct cf_err *err)
{
	cf_auto(cf_secret_done) struct cf_secret old = { 0 };
	int r;

	if (row->id == 0) {
		r = cf_row_insert(db, &cf_table_secret, row, row->server, err);
		if (r == -EEXIST)
			return cf_fail(err, EEXIST, "there is such a secret already");
		return r;
	}
	r = current(db, row, &old, err);
	if (r < 0)
		return r;
	return cf_row_update(db, &cf_table_secret, row, &old,
			     (struct cf_row_place){ old.server, row->server }, err);
}

int cf_store_secret_delete(struct cf_db *db, const struct cf_secret *row, struct cf_err *err)
{
	cf_auto(cf_secret_done) struct cf_secret old = { 0 };
	int r = current(db, row, &old, err);

	return r < 0 ? r : cf_row_delete(db, &cf_table_secret, &old, old.server, err);
}

/* The owner's next by kind. */
static int next_of(struct cf_db *db, const struct cf_secret *of, struct cf_secret *ret,
		   struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT_OF, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":object", of->object);
	cf_bind_int(stmt, ":owner", of->owner);
	cf_bind_int(stmt, ":after", of->kind);
	return step(db, stmt, ret, err);
}

int cf_store_secret_move(struct cf_db *db, enum cf_object object, int64_t owner, int64_t server,
			 struct cf_err *err)
{
	struct cf_secret of = { .object = object, .owner = owner };

	for (;;) {
		cf_auto(cf_secret_done) struct cf_secret row = { 0 };
		int r = next_of(db, &of, &row, err);

		if (r <= 0)
			return r;
		of.kind = row.kind;
		row.server = server;
		r = cf_store_secret_put(db, &row, err);
		if (r < 0)
			return r;
	}
}

int cf_store_secret_purge(struct cf_db *db, enum cf_object object, int64_t owner,
			  struct cf_err *err)
{
	struct cf_secret of = { .object = object, .owner = owner };

	for (;;) {
		cf_auto(cf_secret_done) struct cf_secret row = { 0 };
		int r = next_of(db, &of, &row, err);

		if (r <= 0)
			return r;
		of.kind = row.kind;
		r = cf_store_secret_delete(db, &row, err);
		if (r < 0)
			return r;
	}
}
