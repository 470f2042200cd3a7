/* Key slots; see slot.h. */
#include "core/store/slot.h"

#include <errno.h>
#include <string.h>

#include "core/store/row_private.h"

#define ROW struct cf_slot
#define COLUMNS(X)                                                                                 \
	X(type, INT, type)                                                                         \
	X(params, BUF, params)                                                                     \
	X(wrapped, BUF, wrapped)

enum {
	GET,
	NEXT,
	INSERT,
	UPDATE,
	DELETE,
	COUNT_
};

static const char *const text[] = {
	[GET] = CF_SELECT("slot", COLUMNS) "WHERE id = :id",
	[NEXT] = CF_SELECT("slot", COLUMNS) "WHERE id > :after ORDER BY id LIMIT 1",
	[INSERT] = CF_INSERT("slot", COLUMNS),
	[UPDATE] = CF_UPDATE("slot", COLUMNS),
	[DELETE] = "DELETE FROM slot WHERE id = :id",
};

static const struct cf_sql sql = { CF_MODULE_SLOT, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

static void done(void *row)
{
	cf_slot_done(row);
}

const struct cf_table cf_table_slot = {
	.name = "slot",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.size = sizeof(struct cf_slot),
	.id = offsetof(struct cf_slot, id),
	.uuid = offsetof(struct cf_slot, uuid),
	.version = offsetof(struct cf_slot, version),
	.mac = offsetof(struct cf_slot, mac),
	.sql = &sql,
	.next = NEXT,
	.insert = INSERT,
	.update = UPDATE,
	.delete = DELETE,
	.done = done,
};

void cf_slot_done(struct cf_slot *slot)
{
	cf_buf_done(&slot->params);
	cf_buf_done(&slot->wrapped);
}

/* Without cf_row_step(): the MAC needs the key that is in here. */
int cf_store_slot_next(struct cf_db *db, int64_t after, struct cf_slot *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", after);
	r = cf_step(db, stmt, err);
	if (r <= 0)
		return r;
	slot.id = sqlite3_column_int64(stmt, 0);
	cf_column_bytes(stmt, 1, slot.uuid, sizeof(slot.uuid)); /* else zero, which opens nothing */
	slot.version = sqlite3_column_int64(stmt, 2);
	cf_column_bytes(stmt, 3, slot.mac, sizeof(slot.mac));
	slot.type = sqlite3_column_int64(stmt, 4);
	r = cf_column_buf(stmt, 5, &slot.params, err);
	if (r == 0)
		r = cf_column_buf(stmt, 6, &slot.wrapped, err);
	if (r < 0)
		return r;
	*ret = slot;
	slot = (struct cf_slot){ 0 };
	return 1;
}

int cf_store_slot_get(struct cf_db *db, int64_t id, struct cf_slot *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_slot row;
	bool damaged;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	r = cf_row_step(db, &cf_table_slot, stmt, &row, &damaged, err);
	if (r < 0)
		return r;
	if (r == 0)
		return cf_fail(err, ENOENT, "there is no key slot %lld", (long long)id);
	if (damaged) {
		cf_slot_done(&row);
		return cf_fail(err, EIO, "key slot %lld isn't what certfs wrote; restore a backup",
			       (long long)id);
	}
	*ret = row;
	return 0;
}

int cf_store_slot_add(struct cf_db *db, struct cf_slot *slot, struct cf_err *err)
{
	return cf_row_insert(db, &cf_table_slot, slot, 0, err);
}

/* The stored row, checked to be the one that slot was read from. */
static int current(struct cf_db *db, const struct cf_slot *slot, struct cf_slot *ret,
		   struct cf_err *err)
{
	int r = cf_store_slot_get(db, slot->id, ret, err);

	return r < 0 ? r : cf_row_current(&cf_table_slot, slot, ret, false, err);
}

int cf_store_slot_update(struct cf_db *db, struct cf_slot *slot, struct cf_err *err)
{
	cf_auto(cf_slot_done) struct cf_slot old = { 0 };
	int r = current(db, slot, &old, err);

	if (r < 0)
		return r;
	return cf_row_update(db, &cf_table_slot, slot, &old, (struct cf_row_place){ 0, 0 }, err);
}

int cf_store_slot_remove(struct cf_db *db, const struct cf_slot *slot, struct cf_err *err)
{
	cf_auto(cf_slot_done) struct cf_slot old = { 0 };
	int r = current(db, slot, &old, err);

	return r < 0 ? r : cf_row_delete(db, &cf_table_slot, &old, 0, err);
}
