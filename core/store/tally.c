/* Tallies: counting a transaction's changes and writing them at commit; see tally_private.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/store_private.h"

#define FORMAT 1 /* of what is sealed */

enum {
	GET,
	ADD,
	SET,
	DROP,
	COUNT_
};

static const char *const text[] = {
	[GET] = "SELECT version, sealed FROM tally WHERE server = :server",
	[ADD] = "INSERT INTO tally (server, version, sealed) VALUES (:server, :version, :sealed)",
	[SET] = "UPDATE tally SET version = :version, sealed = :sealed WHERE server = :server",
	[DROP] = "DELETE FROM tally WHERE server = :server",
};

static const struct cf_sql sql = { CF_MODULE_TALLY, COUNT_, text };

/* -- sums modulo 2^256 ----------------------------------------------------------------------- */

static void sum_add(struct cf_sum *sum, const struct cf_sum *x)
{
	unsigned __int128 carry = 0;

	for (int i = 0; i < 4; i++) {
		carry += (unsigned __int128)sum->limb[i] + x->limb[i];
		sum->limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

/* -x modulo 2^256. */
static struct cf_sum sum_negative(const struct cf_sum *x)
{
	const struct cf_sum one = { { 1 } };
	struct cf_sum n;

	for (int i = 0; i < 4; i++)
		n.limb[i] = ~x->limb[i];
	sum_add(&n, &one);
	return n;
}

static struct cf_sum sum_load(const uint8_t bytes[CF_SUM_SIZE])
{
	struct cf_sum sum = { { 0 } };

	for (int i = 0; i < CF_SUM_SIZE; i++)
		sum.limb[3 - i / 8] = sum.limb[3 - i / 8] << 8 | bytes[i];
	return sum;
}

static void sum_store(const struct cf_sum *sum, uint8_t bytes[CF_SUM_SIZE])
{
	for (int i = 0; i < CF_SUM_SIZE; i++)
		bytes[i] = (uint8_t)(sum->limb[3 - i / 8] >> (56 - 8 * (i % 8)));
}

void cf_tally_member_add(struct cf_tally *tally, const uint8_t member[CF_SUM_SIZE], int sign)
{
	struct cf_sum sum = sum_load(member);

	if (sign < 0)
		sum = sum_negative(&sum);
	sum_add(&tally->sum, &sum);
	tally->count += sign;
}

void cf_tally_add(struct cf_tally *tally, const struct cf_tally *other)
{
	sum_add(&tally->sum, &other->sum);
	tally->count += other->count;
}

bool cf_tally_equal(const struct cf_tally *a, const struct cf_tally *b)
{
	return a->count == b->count && memcmp(&a->sum, &b->sum, sizeof(a->sum)) == 0;
}

/* -- what is sealed -------------------------------------------------------------------------- */

static int pack_tally(struct cf_buf *out, const struct cf_tally *tally, struct cf_err *err)
{
	uint8_t sum[CF_SUM_SIZE];
	int r = cf_pack_int(out, tally->count, err);

	sum_store(&tally->sum, sum);
	return r < 0 ? r : cf_pack_bytes(out, cf_span(sum, sizeof(sum)), err);
}

static void unpack_sum(struct cf_unpack *u, uint8_t out[CF_SUM_SIZE])
{
	struct cf_span bytes = cf_unpack_bytes(u);

	if (bytes.len != CF_SUM_SIZE)
		u->bad = true;
	else
		memcpy(out, bytes.data, CF_SUM_SIZE);
}

static void unpack_tally(struct cf_unpack *u, struct cf_tally *ret)
{
	uint8_t sum[CF_SUM_SIZE] = { 0 };

	ret->count = cf_unpack_int(u);
	unpack_sum(u, sum);
	ret->sum = sum_load(sum);
}

/* What a tally is bound to: this store, this server, this version. */
static int context(struct cf_db *db, int64_t server, int64_t version, struct cf_buf *out,
		   struct cf_err *err)
{
	int r = cf_pack_bytes(out, cf_span(db->store->uuid, CF_UUID_SIZE), err);

	if (r == 0)
		r = cf_pack_bytes(out, cf_span_text("tally"), err);
	if (r == 0)
		r = cf_pack_int(out, server, err);
	if (r == 0)
		r = cf_pack_int(out, version, err);
	if (r == 0)
		r = cf_pack_int(out, FORMAT, err);
	return r;
}

static int unseal(struct cf_db *db, int64_t server, int64_t version, struct cf_span sealed,
		  struct cf_buf *out, struct cf_err *err)
{
	const struct cf_store_keys *keys = &db->store->keys;
	cf_auto(cf_buf_done) struct cf_buf bound = { 0 };
	int r = context(db, server, version, &bound, err);

	if (r == 0)
		r = keys->unseal(keys->arg, cf_span_buf(&bound), sealed, out, NULL);
	if (r == -ENOMEM)
		return cf_fail_memory(err);
	if (r < 0)
		return cf_fail(err, EIO, "a tally of the store isn't what certfs wrote");
	return 0;
}

int cf_tally_open(struct cf_db *db, int64_t server, int64_t version, struct cf_span sealed,
		  struct cf_tally *ret, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf plain = { 0 };
	struct cf_unpack u;
	int r = unseal(db, server, version, sealed, &plain, err);

	if (r < 0)
		return r;
	u = (struct cf_unpack){ .in = cf_span_buf(&plain) };
	unpack_tally(&u, ret);
	return u.bad ? cf_fail(err, EIO, "a tally of the store isn't what certfs wrote") : 0;
}

int cf_root_open(struct cf_db *db, int64_t version, struct cf_span sealed,
		 struct cf_root_record *ret, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf plain = { 0 };
	struct cf_root_record record = { .version = version };
	struct cf_unpack u;
	int r = unseal(db, 0, version, sealed, &plain, err);

	if (r < 0)
		return r;
	u = (struct cf_unpack){ .in = cf_span_buf(&plain) };
	unpack_tally(&u, &record.rows);
	unpack_tally(&u, &record.tallies);
	record.event_seq = cf_unpack_int(&u);
	unpack_sum(&u, record.event_mac);
	record.event_end = cf_unpack_int(&u);
	record.last_commit = cf_unpack_int(&u);
	if (u.bad)
		return cf_fail(err, EIO, "a tally of the store isn't what certfs wrote");
	*ret = record;
	return 0;
}

static int pack_root(struct cf_buf *out, const struct cf_root_record *record, struct cf_err *err)
{
	int r = pack_tally(out, &record->rows, err);

	if (r == 0)
		r = pack_tally(out, &record->tallies, err);
	if (r == 0)
		r = cf_pack_int(out, record->event_seq, err);
	if (r == 0)
		r = cf_pack_bytes(out, cf_span(record->event_mac, CF_SUM_SIZE), err);
	if (r == 0)
		r = cf_pack_int(out, record->event_end, err);
	if (r == 0)
		r = cf_pack_int(out, record->last_commit, err);
	return r;
}

int cf_tally_member(struct cf_db *db, int64_t server, int64_t version, struct cf_span sealed,
		    uint8_t out[CF_SUM_SIZE], struct cf_err *err)
{
	const struct cf_store_keys *keys = &db->store->keys;
	uint8_t digest[CF_SUM_SIZE];
	int r = keys->digest(sealed, digest, err);

	if (r == 0)
		r = keys->member(keys->arg, "tally", server, version, digest, out, err);
	return r;
}

int cf_root_record(struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_span sealed;
	int r;

	if (db->root_loaded)
		return 0;
	r = cf_stmt(db, &sql, GET, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", 0);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	if (r == 0)
		return cf_fail(err, EIO, "the root's tally is missing; restore a backup");
	sealed = cf_column_span(stmt, 1);
	r = cf_root_open(db, sqlite3_column_int64(stmt, 0), sealed, &db->root, err);
	db->root_loaded = r == 0;
	return r;
}

/* -- a transaction's changes ----------------------------------------------------------------- */

struct cf_delta *cf_db_delta(struct cf_db *db, int64_t server, struct cf_err *err)
{
	for (size_t i = db->n_deltas; i-- > 0;)
		if (db->deltas[i].server == server)
			return &db->deltas[i];
	if (db->n_deltas == db->cap_deltas) {
		size_t cap = db->cap_deltas ? db->cap_deltas * 2 : 4;
		struct cf_delta *deltas = realloc(db->deltas, cap * sizeof(*deltas));

		if (!deltas) {
			db->broken = ENOMEM;
			cf_fail_memory(err);
			return NULL;
		}
		db->deltas = deltas;
		db->cap_deltas = cap;
	}
	db->deltas[db->n_deltas] = (struct cf_delta){ .server = server };
	return &db->deltas[db->n_deltas++];
}

int cf_tally_count(struct cf_db *db, int64_t server, const char *table, int sign,
		   const struct cf_row_id *row, struct cf_err *err)
{
	const struct cf_store_keys *keys = &db->store->keys;
	struct cf_delta *delta = cf_db_delta(db, server, err);
	uint8_t member[CF_SUM_SIZE];
	int r;

	if (!delta)
		return -ENOMEM;
	r = keys->member(keys->arg, table, row->id, row->version, row->mac, member, err);
	/* The row is written already; uncounted it must not stay. */
	if (r < 0)
		db->broken = -r;
	else
		cf_tally_member_add(&delta->by, member, sign);
	return r;
}

/* -- writing them ---------------------------------------------------------------------------- */

static int write_row(struct cf_db *db, int which, int64_t server, int64_t version,
		     const struct cf_buf *plain, struct cf_buf *sealed, struct cf_err *err)
{
	const struct cf_store_keys *keys = &db->store->keys;
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	cf_auto(cf_buf_done) struct cf_buf bound = { 0 };
	int r = context(db, server, version, &bound, err);

	if (r == 0)
		r = keys->seal(keys->arg, cf_span_buf(&bound), cf_span_buf(plain), sealed, err);
	if (r == 0)
		r = cf_stmt(db, &sql, which, &stmt, err);
	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	cf_bind_int(stmt, ":version", version);
	cf_bind_bytes(stmt, ":sealed", cf_span_buf(sealed));
	return cf_step(db, stmt, err);
}

/* A server's tally as stored, and taken out of the root's. */
static int take_old(struct cf_db *db, int64_t server, struct cf_tally *tally, int64_t *version,
		    struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	uint8_t member[CF_SUM_SIZE];
	struct cf_span sealed;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	if (r == 0)
		return cf_fail(err, EIO, "a server's tally is missing; restore a backup");
	*version = sqlite3_column_int64(stmt, 0);
	sealed = cf_column_span(stmt, 1);
	r = cf_tally_open(db, server, *version, sealed, tally, err);
	if (r == 0)
		r = cf_tally_member(db, server, *version, sealed, member, err);
	if (r == 0)
		cf_tally_member_add(&db->root.tallies, member, -1);
	return r;
}

static int drop(struct cf_db *db, int64_t server, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, DROP, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	return cf_step(db, stmt, err);
}

static int write_server(struct cf_db *db, const struct cf_delta *delta, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf plain = { 0 }, sealed = { 0 };
	struct cf_tally tally = { 0 };
	uint8_t member[CF_SUM_SIZE];
	int64_t version = 0;
	int r = 0;

	if (delta->fresh && delta->dropped)
		return 0;
	if (!delta->fresh)
		r = take_old(db, delta->server, &tally, &version, err);
	if (r < 0 || delta->dropped)
		return r < 0 ? r : drop(db, delta->server, err);
	cf_tally_add(&tally, &delta->by);
	version++;
	r = pack_tally(&plain, &tally, err);
	if (r == 0)
		r = write_row(db, delta->fresh ? ADD : SET, delta->server, version, &plain, &sealed,
			      err);
	if (r == 0)
		r = cf_tally_member(db, delta->server, version, cf_span_buf(&sealed), member, err);
	if (r == 0)
		cf_tally_member_add(&db->root.tallies, member, 1);
	return r;
}

int cf_tally_write(struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf plain = { 0 }, sealed = { 0 };
	int r = cf_root_record(db, err);

	for (size_t i = 0; i < db->n_deltas && r == 0; i++)
		if (db->deltas[i].server == 0)
			cf_tally_add(&db->root.rows, &db->deltas[i].by);
		else
			r = write_server(db, &db->deltas[i], err);
	if (r < 0)
		return r;
	db->root.version++;
	db->root.last_commit = db->now;
	r = pack_root(&plain, &db->root, err);
	if (r == 0)
		r = write_row(db, db->root_made ? ADD : SET, 0, db->root.version, &plain, &sealed,
			      err);
	return r;
}
