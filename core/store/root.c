/* The root row and the store's own wrapped keys; see root.h. */
#include "core/store/root.h"

#include <errno.h>
#include <string.h>

#include "core/store/row_private.h"

/* The root as a row like any other; its id is 1. */
struct row {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	struct cf_root root;
};

#define ROW struct row
#define COLUMNS(X)                                                                                 \
	X(mtime, INT, root.mtime)                                                                  \
	X(ctime, INT, root.ctime)                                                                  \
	X(t_export_password, INT, root.t_export_password)                                          \
	X(t_import_password, INT, root.t_import_password)                                          \
	X(has_export_password, BOOL, root.has_export_password)                                     \
	X(has_import_password, BOOL, root.has_import_password)                                     \
	X(trust_epoch, INT, root.trust_epoch)                                                      \
	X(t_trust, INT, root.t_trust)                                                              \
	X(t_deleted, INT, root.t_deleted)                                                          \
	X(system_sum, BYTES, root.system_sum)

enum {
	NEXT,
	INSERT,
	UPDATE,
	CLEAR_ROOT,
	CLEAR_ID,
	CLEAR_TALLY,
	WRAPPED_GET,
	WRAPPED_PUT,
	COUNT_,
};

static const char *const text[] = {
	[NEXT] = CF_SELECT("root", COLUMNS) "WHERE id > :after",
	[INSERT] = CF_INSERT("root", COLUMNS),
	[UPDATE] = CF_UPDATE("root", COLUMNS),
	[CLEAR_ROOT] = "DELETE FROM root",
	[CLEAR_ID] = "DELETE FROM sqlite_sequence WHERE name = 'root'",
	[CLEAR_TALLY] = "DELETE FROM tally",
	[WRAPPED_GET] = "SELECT wrapped FROM header",
	[WRAPPED_PUT] = "UPDATE header SET wrapped = :wrapped",
};

static const struct cf_sql sql = { CF_MODULE_ROOT, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

static void done(void *row)
{
	(void)row;
}

const struct cf_table cf_table_root = {
	.name = "root",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.size = sizeof(struct row),
	.id = offsetof(struct row, id),
	.uuid = offsetof(struct row, uuid),
	.version = offsetof(struct row, root.version),
	.mac = offsetof(struct row, root.mac),
	.sql = &sql,
	.next = NEXT,
	.insert = INSERT,
	.update = UPDATE,
	.done = done,
};

static int get(struct cf_db *db, struct row *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	bool damaged;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", 0);
	r = cf_row_step(db, &cf_table_root, stmt, ret, &damaged, err);
	if (r < 0)
		return r;
	if (r == 0)
		return cf_fail(err, EIO, "the root's record is missing; restore a backup");
	ret->root.damaged = damaged;
	return 0;
}

int cf_store_root_get(struct cf_db *db, struct cf_root *ret, struct cf_err *err)
{
	struct row row;
	int r = get(db, &row, err);

	if (r == 0)
		*ret = row.root;
	return r;
}

int cf_store_root_update(struct cf_db *db, struct cf_root *row, unsigned what, struct cf_err *err)
{
	struct row old, new;
	int r = get(db, &old, err);

	if (r < 0)
		return r;
	new = old;
	new.root = *row;
	r = cf_row_current(&cf_table_root, &new, &old, old.root.damaged, err);
	if (r == 0)
		r = cf_row_update(db, &cf_table_root, &new, &old, (struct cf_row_place){ 0, 0 },
				  err);
	if (r == 0)
		r = cf_db_changed(db, CF_OBJECT_ROOT, 0, 0, what, err);
	if (r == 0)
		*row = new.root;
	return r;
}

int cf_root_create(struct cf_store *store, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct row row = { 0 };
	int r = cf_db_begin(store, false, &db, err);

	/* What an earlier attempt left, under keys that nobody has. */
	for (int i = CLEAR_ROOT; i <= CLEAR_TALLY && r == 0; i++)
		r = cf_run(db, &sql, i, err);
	if (r < 0)
		return r;
	row.root.mtime = row.root.ctime = row.root.t_trust = db->now;
	db->root = (struct cf_root_record){ 0 };
	db->root_loaded = db->root_made = true;
	r = cf_row_insert(db, &cf_table_root, &row, 0, err);
	if (r == 0)
		r = cf_store_commit(&db, NULL, err);
	return r;
}

/* -- the store's own keys -------------------------------------------------------------------- */

int cf_store_wrapped_get(struct cf_db *db, struct cf_buf *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, WRAPPED_GET, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	return r < 0 ? r : cf_column_buf(stmt, 0, ret, err);
}

int cf_store_wrapped_put(struct cf_db *db, struct cf_span sealed, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, WRAPPED_PUT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_bytes(stmt, ":wrapped", sealed);
	return cf_step(db, stmt, err);
}
