/* Servers; see server.h. */
#include "core/store/server.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/store/found.h"
#include "core/store/row_private.h"

#define ROW struct cf_server
/* What indexes are made of; and the rest. */
#define KEYS(X)                                                                                    \
	X(name, FIXED, name)                                                                       \
	X(deleted, INT, deleted)                                                                   \
	X(deleted_name, FIXED, deleted_name)
#define PLAIN(X)                                                                                   \
	X(uid, INT, uid)                                                                           \
	X(gid, INT, gid)                                                                           \
	X(mode, INT, mode)                                                                         \
	X(created, INT, created)                                                                   \
	X(mtime, INT, mtime)                                                                       \
	X(ctime, INT, ctime)                                                                       \
	X(use_imap, INT, use[CF_SERVICE_IMAP])                                                     \
	X(use_pop, INT, use[CF_SERVICE_POP])                                                       \
	X(use_um, INT, use[CF_SERVICE_UM])                                                         \
	X(use_iis, INT, use[CF_SERVICE_IIS])                                                       \
	X(use_smtp, INT, use[CF_SERVICE_SMTP])                                                     \
	X(use_um_call_router, INT, use[CF_SERVICE_UM_CALL_ROUTER])                                 \
	X(use_smtp_default, INT, use[CF_SERVICE_SMTP_DEFAULT])                                     \
	X(t_name, INT, t_name)                                                                     \
	X(t_access, INT, t_access)                                                                 \
	X(t_use, INT, t_use)                                                                       \
	X(t_deleted, INT, t_deleted)                                                               \
	X(has_export_password, BOOL, has_export_password)                                          \
	X(has_import_password, BOOL, has_import_password)                                          \
	X(t_export_password, INT, t_export_password)                                               \
	X(t_import_password, INT, t_import_password)
#define COLUMNS(X) KEYS(X) PLAIN(X)

enum {
	GET,
	FIND,
	NEXT,
	NEXT_DELETED,
	NEXT_ANY,
	SIZE,
	INSERT,
	UPDATE,
	UPDATE_PLAIN,
	HOLDS,
	DELETE,
	COUNT_
};

static const char *const text[] = {
	[GET] = CF_SELECT("server", COLUMNS) "WHERE id = :id",
	[FIND] = CF_SELECT("server", COLUMNS) "WHERE name = :name COLLATE NOCASE AND deleted = 0",
	[NEXT] = CF_SELECT("server", COLUMNS) "WHERE id > :after AND deleted = 0"
					      " ORDER BY id LIMIT 1",
	[NEXT_DELETED] = CF_SELECT("server", COLUMNS) "WHERE id > :after AND deleted <> 0"
						      " ORDER BY id LIMIT 1",
	[NEXT_ANY] = CF_SELECT("server", COLUMNS) "WHERE id > :after ORDER BY id LIMIT 1",
	[SIZE] = "SELECT count(*) FROM server WHERE deleted = 0",
	[INSERT] = CF_INSERT("server", COLUMNS),
	[UPDATE] = CF_UPDATE("server", COLUMNS),
	[UPDATE_PLAIN] = CF_UPDATE("server", PLAIN),
	[HOLDS] = "SELECT EXISTS (SELECT 1 FROM certificate WHERE server = :id)",
	[DELETE] = "DELETE FROM server WHERE id = :id",
};

static const struct cf_sql sql = { CF_MODULE_SERVER, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

#define ONE(column, kind, member) +1

static void done(void *row)
{
	(void)row;
}

const struct cf_table cf_table_server = {
	.name = "server",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.n_keys = 0 KEYS(ONE),
	.size = sizeof(struct cf_server),
	.id = offsetof(struct cf_server, id),
	.uuid = offsetof(struct cf_server, uuid),
	.version = offsetof(struct cf_server, version),
	.mac = offsetof(struct cf_server, mac),
	.sql = &sql,
	.next = NEXT_ANY,
	.insert = INSERT,
	.update = UPDATE,
	.update_plain = UPDATE_PLAIN,
	.delete = DELETE,
	.done = done,
};

/* -- reading --------------------------------------------------------------------------------- */

/* 1 and *ret, or 0. A row that an index led to, though it isn't the one asked for, is damage. */
static int step(struct cf_db *db, sqlite3_stmt *stmt, struct cf_server *ret, struct cf_err *err)
{
	bool damaged;
	int r = cf_row_step(db, &cf_table_server, stmt, ret, &damaged, err);

	if (r > 0)
		ret->damaged = damaged;
	return r;
}

int cf_store_server_get_any(struct cf_db *db, int64_t id, struct cf_server *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	r = step(db, stmt, ret, err);
	if (r == 0)
		return cf_fail(err, ENOENT, "the server is gone");
	return r < 0 ? r : 0;
}

int cf_store_server_get(struct cf_db *db, int64_t id, struct cf_server *ret, struct cf_err *err)
{
	struct cf_server row;
	int r = cf_store_server_get_any(db, id, &row, err);

	/* Of a damaged row nothing is believed, not even that it was deleted. */
	if (r == 0 && row.deleted && !row.damaged)
		return cf_fail(err, ENOENT, "the server is gone");
	if (r == 0)
		*ret = row;
	return r;
}

/* 1 and *ret, or 0; without regard to case. */
static int by_name(struct cf_db *db, const char *name, struct cf_server *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, FIND, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_text(stmt, ":name", name);
	r = step(db, stmt, ret, err);
	if (r > 0 && (strcasecmp(ret->name, name) != 0 || ret->deleted))
		ret->damaged = true;
	return r;
}

int cf_store_server_find(struct cf_db *db, const char *name, struct cf_server *ret,
			 struct cf_err *err)
{
	struct cf_server row;
	int r = by_name(db, name, &row, err);

	if (r < 0)
		return r;
	if (r == 0 || (!row.damaged && strcmp(row.name, name) != 0))
		return cf_fail(err, ENOENT, "no server '%s'", name);
	*ret = row;
	return 0;
}

int cf_store_server_find_folded(struct cf_db *db, const char *name, struct cf_server *ret,
				struct cf_err *err)
{
	int r = by_name(db, name, ret, err);

	if (r == 0)
		return cf_fail(err, ENOENT, "no server '%s'", name);
	return r < 0 ? r : 0;
}

static int next(struct cf_db *db, int which, int64_t after, struct cf_server *ret,
		struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, which, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", after);
	return step(db, stmt, ret, err);
}

int cf_store_server_next(struct cf_db *db, int64_t after, struct cf_server *ret, struct cf_err *err)
{
	return next(db, NEXT, after, ret, err);
}

int cf_store_server_next_deleted(struct cf_db *db, int64_t after, struct cf_server *ret,
				 struct cf_err *err)
{
	return next(db, NEXT_DELETED, after, ret, err);
}

int cf_store_server_count(struct cf_db *db, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, SIZE, &stmt, err);

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
		return cf_fail(err, EEXIST, "there is already a server '%s'", name);
	return r;
}

int cf_store_server_insert(struct cf_db *db, struct cf_server *row, struct cf_err *err)
{
	struct cf_delta *delta;
	int r = cf_row_insert(db, &cf_table_server, row, 0, err);

	if (r < 0)
		return taken(r, row->name, err);
	delta = cf_db_delta(db, row->id, err);
	if (!delta)
		return -ENOMEM;
	delta->fresh = true;
	r = cf_db_changed(db, CF_OBJECT_SERVER, row->id, 0, CF_WHAT_STATE, err);
	if (r == 0)
		r = cf_db_changed(db, CF_OBJECT_ROOT, 0, 0, CF_WHAT_LISTING, err);
	return r;
}

int cf_store_server_update(struct cf_db *db, struct cf_server *row, unsigned what,
			   struct cf_err *err)
{
	struct cf_server old;
	bool moved;
	int r = cf_store_server_get_any(db, row->id, &old, err);

	if (r == 0)
		r = cf_row_current(&cf_table_server, row, &old, old.damaged, err);
	if (r == 0)
		r = taken(cf_row_update(db, &cf_table_server, row, &old,
					(struct cf_row_place){ 0, 0 }, err),
			  row->name, err);
	if (r < 0)
		return r;
	moved = strcmp(old.name, row->name) != 0 || !old.deleted != !row->deleted;
	r = cf_found_server_update(db, &old, row, err);
	if (r == 0)
		r = cf_db_changed(db, CF_OBJECT_SERVER, row->id, 0, what, err);
	if (r == 0 && old.deleted_name[0] && strcmp(old.deleted_name, row->deleted_name) != 0)
		r = cf_db_gone(db, CF_OBJECT_DELETED_SERVER, row->id, 0, old.deleted_name, err);
	if (r == 0 && moved && !old.deleted)
		r = cf_db_gone(db, CF_OBJECT_SERVER, row->id, 0, old.name, err);
	if (r == 0 && moved)
		r = cf_db_changed(db, CF_OBJECT_ROOT, 0, 0, CF_WHAT_LISTING, err);
	return r;
}

int cf_store_server_purge(struct cf_db *db, const struct cf_server *row, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_delta *delta;
	struct cf_server old;
	int r = cf_store_server_get_any(db, row->id, &old, err);

	if (r == 0)
		r = cf_row_current(&cf_table_server, row, &old, old.damaged, err);
	if (r == 0)
		r = cf_store_issuer_purge(db, row->id, err);
	if (r == 0)
		r = cf_store_secret_purge(db, CF_OBJECT_SERVER, row->id, err);
	if (r == 0)
		r = cf_store_setting_purge(db, row->id, err);
	if (r == 0)
		r = cf_stmt(db, &sql, HOLDS, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", row->id);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	if (sqlite3_column_int64(stmt, 0))
		return cf_fail(err, ENOTEMPTY, "server '%s' isn't empty", old.name);
	delta = cf_db_delta(db, row->id, err);
	if (!delta)
		return -ENOMEM;
	delta->dropped = true;
	r = cf_row_delete(db, &cf_table_server, &old, 0, err);
	if (r == 0 && old.deleted_name[0])
		r = cf_db_gone(db, CF_OBJECT_DELETED_SERVER, row->id, 0, old.deleted_name, err);
	if (r == 0)
		r = cf_db_changed(db, CF_OBJECT_ROOT, 0, 0, CF_WHAT_LISTING, err);
	return r;
}
