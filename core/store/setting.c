/* Settings; see setting.h. */
#include "core/store/setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/row_private.h"

#define ROW struct cf_setting
#define COLUMNS(X)                                                                                 \
	X(server, INT, server)                                                                     \
	X(name, FIXED, name)                                                                       \
	X(value, TEXT, value)                                                                      \
	X(time, INT, time)

enum {
	FIND,
	NEXT,
	NEXT_ROW,
	INSERT,
	UPDATE,
	DELETE,
	COUNT_
};

static const char *const text[] = {
	[FIND] = CF_SELECT("setting", COLUMNS) "WHERE server = :server AND name = :name",
	[NEXT] = CF_SELECT("setting", COLUMNS) "INDEXED BY setting_server"
					       " WHERE server = :server AND id > :after"
					       " ORDER BY id LIMIT 1",
	[NEXT_ROW] = CF_SELECT("setting", COLUMNS) "WHERE id > :after ORDER BY id LIMIT 1",
	[INSERT] = CF_INSERT("setting", COLUMNS),
	[UPDATE] = CF_UPDATE("setting", COLUMNS),
	[DELETE] = "DELETE FROM setting WHERE id = :id",
};

static const struct cf_sql sql = { CF_MODULE_SETTING, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

static void done(void *row)
{
	cf_setting_done(row);
}

const struct cf_table cf_table_setting = {
	.name = "setting",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.size = sizeof(struct cf_setting),
	.id = offsetof(struct cf_setting, id),
	.uuid = offsetof(struct cf_setting, uuid),
	.version = offsetof(struct cf_setting, version),
	.mac = offsetof(struct cf_setting, mac),
	.sql = &sql,
	.next = NEXT_ROW,
	.insert = INSERT,
	.update = UPDATE,
	.delete = DELETE,
	.done = done,
};

void cf_setting_done(struct cf_setting *row)
{
	free(row->value);
	row->value = NULL;
}

/* 1 and *ret, or 0. A damaged one is -EIO, and so is one the index led to for somebody else. */
static int step(struct cf_db *db, sqlite3_stmt *stmt, int64_t server, struct cf_setting *ret,
		struct cf_err *err)
{
	cf_auto(cf_setting_done) struct cf_setting row = { 0 };
	bool damaged = false;
	int r = cf_row_step(db, &cf_table_setting, stmt, &row, &damaged, err);

	if (r <= 0)
		return r;
	if (damaged || row.server != server)
		return cf_fail(err, EIO, "a setting isn't what certfs stored; restore a backup");
	*ret = row;
	row = (struct cf_setting){ 0 };
	return 1;
}

int cf_store_setting_next(struct cf_db *db, int64_t server, int64_t after, struct cf_setting *ret,
			  struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	cf_bind_int(stmt, ":after", after);
	return step(db, stmt, server, ret, err);
}

static int find(struct cf_db *db, const struct cf_setting *row, struct cf_setting *ret,
		struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, FIND, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", row->server);
	cf_bind_text(stmt, ":name", row->name);
	r = step(db, stmt, row->server, ret, err);
	if (r > 0 && strcmp(ret->name, row->name) != 0) {
		cf_setting_done(ret);
		return cf_fail(err, EIO, "a setting isn't what certfs stored; restore a backup");
	}
	return r;
}

int cf_store_setting_put(struct cf_db *db, struct cf_setting *row, struct cf_err *err)
{
	cf_auto(cf_setting_done) struct cf_setting old = { 0 };
	int r = find(db, row, &old, err);

	if (r == 0)
		r = cf_row_insert(db, &cf_table_setting, row, row->server, err);
	else if (r > 0) {
		row->id = old.id;
		r = cf_row_update(db, &cf_table_setting, row, &old,
				  (struct cf_row_place){ row->server, row->server }, err);
	}
	if (r < 0)
		return r;
	return cf_db_changed(db, row->server ? CF_OBJECT_SERVER : CF_OBJECT_ROOT, row->server, 0,
			     CF_WHAT_SETTINGS, err);
}

int cf_store_setting_purge(struct cf_db *db, int64_t server, struct cf_err *err)
{
	int r;

	for (;;) {
		cf_auto(cf_setting_done) struct cf_setting row = { 0 };

		r = cf_store_setting_next(db, server, 0, &row, err);
		if (r > 0)
			r = cf_row_delete(db, &cf_table_setting, &row, server, err);
		else
			return r;
		if (r < 0)
			return r;
	}
}
