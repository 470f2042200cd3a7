/* Issuer certificates that came along to a server; see certificate.h. */
#include <errno.h>
#include <string.h>

#include "core/store/certificate.h"
#include "core/store/row_private.h"

struct row {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	int64_t server;
	uint8_t sum[CF_SUM_SIZE]; /* SHA-256 of der */
	struct cf_buf der;
};

#define ROW struct row
#define COLUMNS(X)                                                                                 \
	X(server, INT, server)                                                                     \
	X(sum, BYTES, sum)                                                                         \
	X(der, BUF, der)

enum {
	NEXT,
	NEXT_ROW,
	KNOWN,
	INSERT,
	DELETE,
	COUNT_
};

static const char *const text[] = {
	[NEXT] = CF_SELECT("issuer", COLUMNS) "INDEXED BY issuer_server"
					      " WHERE server = :server AND id > :after"
					      " ORDER BY id LIMIT 1",
	[NEXT_ROW] = CF_SELECT("issuer", COLUMNS) "WHERE id > :after ORDER BY id LIMIT 1",
	[KNOWN] = "SELECT 1 FROM issuer WHERE server = :server AND sum = :sum",
	[INSERT] = CF_INSERT("issuer", COLUMNS),
	[DELETE] = "DELETE FROM issuer WHERE id = :id",
};

static const struct cf_sql sql = { CF_MODULE_ISSUER, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

static void row_done(struct row *row)
{
	cf_buf_done(&row->der);
}
CF_DEFINE_DONE(struct row, row_done);

static void done(void *row)
{
	row_done(row);
}

const struct cf_table cf_table_issuer = {
	.name = "issuer",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.size = sizeof(struct row),
	.id = offsetof(struct row, id),
	.uuid = offsetof(struct row, uuid),
	.version = offsetof(struct row, version),
	.mac = offsetof(struct row, mac),
	.sql = &sql,
	.next = NEXT_ROW,
	.insert = INSERT,
	.delete = DELETE,
	.done = done,
};

static int known(struct cf_db *db, const struct row *row, bool *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, KNOWN, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", row->server);
	cf_bind_bytes(stmt, ":sum", cf_span(row->sum, sizeof(row->sum)));
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = r > 0;
	return 0;
}

int cf_store_issuer_add(struct cf_db *db, int64_t server, struct cf_span der, bool *ret_new,
			struct cf_err *err)
{
	cf_auto(row_done) struct row row = { .server = server };
	bool is_known;
	int r = db->store->keys.digest(der, row.sum, err);

	if (r == 0)
		r = known(db, &row, &is_known, err);
	if (r == 0 && !is_known) {
		r = cf_buf_append(&row.der, der.data, der.len, err);
		if (r == 0)
			r = cf_row_insert(db, &cf_table_issuer, &row, server, err);
	}
	if (r == 0)
		*ret_new = !is_known;
	return r;
}

/* 1 and *ret, or 0. A damaged one is -EIO. */
static int next(struct cf_db *db, int64_t server, int64_t after, struct row *ret,
		struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	bool damaged;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	cf_bind_int(stmt, ":after", after);
	r = cf_row_step(db, &cf_table_issuer, stmt, ret, &damaged, err);
	if (r > 0 && (damaged || ret->server != server)) {
		row_done(ret);
		return cf_fail(
			err, EIO,
			"an issuer of this server isn't what certfs stored; restore a backup");
	}
	return r;
}

int cf_store_issuer_next(struct cf_db *db, int64_t server, int64_t after, int64_t *ret_id,
			 struct cf_buf *der, struct cf_err *err)
{
	cf_auto(row_done) struct row row = { 0 };
	int r = next(db, server, after, &row, err);

	if (r <= 0)
		return r;
	*ret_id = row.id;
	cf_buf_move(der, &row.der);
	return 1;
}

int cf_store_issuer_purge(struct cf_db *db, int64_t server, struct cf_err *err)
{
	int r;

	for (;;) {
		cf_auto(row_done) struct row row = { 0 };

		r = next(db, server, 0, &row, err);
		if (r > 0)
			r = cf_row_delete(db, &cf_table_issuer, &row, server, err);
		else
			return r;
		if (r < 0)
			return r;
	}
}
