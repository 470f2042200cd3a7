/* Rows as structs: reading and MACs; see row_private.h. */
#include "core/store/certificate.h"
#include "core/store/row_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_COLUMN 4 /* after id, uuid, version, mac */

int64_t cf_row_id(const struct cf_table *table, const void *row)
{
	return *cf_row_int(row, table->id);
}

struct cf_row_id cf_row_member(const struct cf_table *table, const void *row)
{
	struct cf_row_id member = { .id = *cf_row_int(row, table->id),
				    .version = *cf_row_int(row, table->version) };

	memcpy(member.mac, cf_row_at(row, table->mac), sizeof(member.mac));
	return member;
}

/* -- the MAC --------------------------------------------------------------------------------- */

static int pack_column(struct cf_buf *out, const struct cf_column *column, const void *row,
		       struct cf_err *err)
{
	const void *p = cf_row_at(row, column->offset);

	switch (column->kind) {
	case CF_COLUMN_INT:
		return cf_pack_int(out, *(const int64_t *)p, err);
	case CF_COLUMN_BOOL:
		return cf_pack_int(out, *(const bool *)p, err);
	case CF_COLUMN_TEXT:
		return cf_pack_bytes(out, cf_span_text(*(char *const *)p), err);
	case CF_COLUMN_FIXED:
		return cf_pack_bytes(out, cf_span_text(p), err);
	case CF_COLUMN_BYTES:
		return cf_pack_bytes(out, cf_span(p, column->size), err);
	case CF_COLUMN_BUF:
		return cf_pack_bytes(out, cf_span_buf(p), err);
	}
	return 0;
}

/* What the MAC covers: format, id, UUID, version, then each column. Its form is fixed. */
int cf_row_mac(struct cf_db *db, const struct cf_table *table, const void *row,
	       uint8_t out[CF_SUM_SIZE], struct cf_err *err)
{
	struct cf_buf *scratch = &db->conn->scratch;
	const struct cf_store_keys *keys = &db->store->keys;
	int r;

	if (!db->store->have_keys)
		return cf_fail(err, EIO, "the store is not unlocked");
	scratch->len = 0;
	r = cf_pack_int(scratch, table->format, err);
	if (r == 0)
		r = cf_pack_int(scratch, *cf_row_int(row, table->id), err);
	if (r == 0)
		r = cf_pack_bytes(scratch, cf_span(cf_row_at(row, table->uuid), CF_UUID_SIZE), err);
	if (r == 0)
		r = cf_pack_int(scratch, *cf_row_int(row, table->version), err);
	for (size_t i = 0; i < table->n_columns && r == 0; i++)
		r = pack_column(scratch, &table->columns[i], row, err);
	if (r == 0)
		r = keys->mac(keys->arg, table->name, cf_span_buf(scratch), out, err);
	return r;
}

/* -- reading --------------------------------------------------------------------------------- */

/* One column into row. 1: as it should be; 0: no value certfs would write; negative: no memory. */
static int read_column(sqlite3_stmt *stmt, int i, const struct cf_column *column, void *row,
		       struct cf_err *err)
{
	void *p = cf_row_at(row, column->offset);
	const char *text;
	size_t n;

	switch (column->kind) {
	case CF_COLUMN_INT:
		*(int64_t *)p = sqlite3_column_int64(stmt, i);
		return 1; /* of whatever type: the MAC is over the number */
	case CF_COLUMN_BOOL:
		*(bool *)p = sqlite3_column_int64(stmt, i) == 1;
		return *(bool *)p || sqlite3_column_int64(stmt, i) == 0;
	case CF_COLUMN_BYTES:
		return cf_column_bytes(stmt, i, p, column->size);
	case CF_COLUMN_BUF:
		return cf_column_buf(stmt, i, p, err) < 0 ? -ENOMEM : 1;
	case CF_COLUMN_TEXT:
	case CF_COLUMN_FIXED:
		break;
	}
	text = (const char *)sqlite3_column_text(stmt, i);
	n = (size_t)sqlite3_column_bytes(stmt, i);
	if (!text && sqlite3_errcode(sqlite3_db_handle(stmt)) == SQLITE_NOMEM)
		return cf_fail_memory(err);
	if (!text)
		text = "";
	if (column->kind == CF_COLUMN_TEXT)
		return cf_set_text(p, text, err) < 0 ? -ENOMEM : strlen(text) == n;
	strncpy(p, text, column->size - 1);
	return strlen(text) == n && n < column->size;
}

/* Fill row, which is zero. 1: well-formed; 0: not; negative: no memory. */
static int read_columns(sqlite3_stmt *stmt, const struct cf_table *table, void *row,
			struct cf_err *err)
{
	int ok = 1;

	*cf_row_int(row, table->id) = sqlite3_column_int64(stmt, 0);
	ok &= cf_column_bytes(stmt, 1, cf_row_at(row, table->uuid), CF_UUID_SIZE);
	*cf_row_int(row, table->version) = sqlite3_column_int64(stmt, 2);
	ok &= cf_column_bytes(stmt, 3, cf_row_at(row, table->mac), CF_SUM_SIZE);
	for (size_t i = 0; i < table->n_columns; i++) {
		int r = read_column(stmt, FIRST_COLUMN + (int)i, &table->columns[i], row, err);

		if (r < 0)
			return r;
		ok &= r;
	}
	return ok;
}

int cf_row_step(struct cf_db *db, const struct cf_table *table, sqlite3_stmt *stmt, void *ret,
		bool *damaged, struct cf_err *err)
{
	/* Straight into *ret would overwrite the caller's row when memory runs out. */
	union {
		max_align_t align;
		char bytes[2048];
	} row;
	uint8_t mac[CF_SUM_SIZE];
	int r = cf_step(db, stmt, err);
	bool odd;

	if (r <= 0)
		return r;
	assert(table->size <= sizeof(row));
	memset(&row, 0, table->size);
	r = read_columns(stmt, table, &row, err);
	odd = r == 0;
	if (r >= 0)
		r = cf_row_mac(db, table, &row, mac, err);
	if (r < 0) {
		table->done(&row);
		return r;
	}
	*damaged = odd || memcmp(mac, cf_row_at(&row, table->mac), sizeof(mac)) != 0;
	memcpy(ret, &row, table->size);
	return 1;
}
