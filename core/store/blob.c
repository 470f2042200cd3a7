/* The DER of requests, certificates and issuers, under the digests of their row. */
#include <errno.h>
#include <string.h>

#include "core/store/certificate.h"
#include "core/store/store_private.h"

enum {
	GET,
	SET,
	DELETE,
	COUNT_
};

static const char *const text[] = {
	[GET] = "SELECT data FROM blob WHERE certificate = :certificate AND kind = :kind",
	[SET] = ("INSERT INTO blob (certificate, kind, data) VALUES (:certificate, :kind, :data)"
		 " ON CONFLICT (certificate, kind) DO UPDATE SET data = excluded.data"),
	[DELETE] = "DELETE FROM blob WHERE certificate = :certificate AND kind = :kind",
};

static const struct cf_sql sql = { CF_MODULE_BLOB, COUNT_, text };

static const uint8_t none[CF_SUM_SIZE];

static size_t sum_offset(enum cf_blob kind)
{
	switch (kind) {
	case CF_BLOB_REQUEST:
		return offsetof(struct cf_certificate, request_sum);
	case CF_BLOB_LEAF:
		return offsetof(struct cf_certificate, leaf_sum);
	case CF_BLOB_CHAIN:
		break;
	}
	return offsetof(struct cf_certificate, chain_sum);
}

int cf_store_blob_put(struct cf_db *db, struct cf_certificate *row, enum cf_blob kind,
		      struct cf_span data, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	uint8_t sum[CF_SUM_SIZE] = { 0 };
	int r = data.len ? db->store->keys.digest(data, sum, err) : 0;

	if (r == 0)
		r = cf_stmt(db, &sql, data.len ? SET : DELETE, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":certificate", row->id);
	cf_bind_int(stmt, ":kind", kind);
	if (data.len)
		cf_bind_bytes(stmt, ":data", data);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	memcpy((uint8_t *)row + sum_offset(kind), sum, sizeof(sum));
	return 0;
}

int cf_store_blob_get(struct cf_db *db, const struct cf_certificate *row, enum cf_blob kind,
		      struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	const uint8_t *expected = (const uint8_t *)row + sum_offset(kind);
	uint8_t sum[CF_SUM_SIZE];
	int r;

	if (row->damaged)
		return cf_fail(err, EIO, "its record isn't what certfs wrote; restore a backup");
	if (memcmp(expected, none, sizeof(none)) == 0)
		return cf_fail(err, ENOENT, "it has none");
	r = cf_stmt(db, &sql, GET, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":certificate", row->id);
	cf_bind_int(stmt, ":kind", kind);
	r = cf_step(db, stmt, err);
	if (r == 0)
		return cf_fail(err, EIO, "its content is missing from the store; restore a backup");
	if (r > 0)
		r = db->store->keys.digest(cf_column_span(stmt, 0), sum, err);
	if (r < 0)
		return r;
	if (memcmp(sum, expected, sizeof(sum)) != 0)
		return cf_fail(err, EIO, "its content isn't what certfs stored; restore a backup");
	return cf_column_buf(stmt, 0, out, err);
}
