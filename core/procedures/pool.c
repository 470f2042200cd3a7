/* What certificates are judged with; see pool.h. */
#include "core/procedures/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "core/crypto/decode.h"
#include "core/store/trust.h"

/* Grow an array of spans by one. */
static int push(struct cf_span **items, size_t *n, struct cf_span span, struct cf_err *err)
{
	struct cf_span *more = realloc(*items, (*n + 1) * sizeof(*more));

	if (!more)
		return cf_fail_memory(err);
	*items = more;
	more[(*n)++] = span;
	return 0;
}

/* Keep a copy of bytes as long as the pool lives. */
static int hold(struct cf_pool *pool, struct cf_span bytes, struct cf_span *ret, struct cf_err *err)
{
	struct cf_buf *more = realloc(pool->held, (pool->n_held + 1) * sizeof(*more));
	int r;

	if (!more)
		return cf_fail_memory(err);
	pool->held = more;
	more[pool->n_held] = (struct cf_buf){ 0 };
	r = cf_buf_append(&more[pool->n_held], bytes.data, bytes.len, err);
	*ret = cf_span_buf(&more[pool->n_held]);
	pool->n_held++;
	return r;
}

int cf_pool_add_issuer(struct cf_pool *pool, struct cf_span der, struct cf_err *err)
{
	struct cf_span copy;
	int r = hold(pool, der, &copy, err);

	return r < 0 ? r : push(&pool->issuers, &pool->n_issuers, copy, err);
}

/* One file of _trust: anchors, intermediates, CRLs. */
static int load_items(struct cf_pool *pool, struct cf_span packed, struct cf_err *err)
{
	struct cf_unpack u = { 0 };
	int r = hold(pool, packed, &u.in, err);

	while (r == 0 && u.in.len && !u.bad) {
		int64_t kind = cf_unpack_int(&u);
		bool anchor = cf_unpack_int(&u);
		struct cf_span der = cf_unpack_bytes(&u);

		if (u.bad)
			return cf_fail(err, EIO, "a file in _trust can't be read back");
		if (kind == CF_ITEM_CRL)
			r = push(&pool->crls, &pool->n_crls, der, err);
		else if (anchor)
			r = push(&pool->anchors, &pool->n_anchors, der, err);
		else
			r = push(&pool->issuers, &pool->n_issuers, der, err);
	}
	return r;
}

static int load_trust(struct cf_db *db, struct cf_pool *pool, struct cf_err *err)
{
	int64_t after = 0;
	int r;

	for (;;) {
		cf_auto(cf_trust_done) struct cf_trust row = { 0 };

		r = cf_store_trust_next(db, after, &row, err);
		if (r <= 0)
			return r;
		after = row.id;
		if (row.damaged) /* it vouches for nobody */
			continue;
		r = load_items(pool, cf_span_buf(&row.items), err);
		if (r < 0)
			return r;
	}
}

static int load_issuers(struct cf_db *db, int64_t server, struct cf_pool *pool, struct cf_err *err)
{
	int r;

	for (;;) {
		cf_auto(cf_buf_done) struct cf_buf der = { 0 };

		r = cf_store_issuer_next(db, server, pool->last_issuer, &pool->last_issuer, &der,
					 err);
		if (r <= 0)
			return r;
		r = cf_pool_add_issuer(pool, cf_span_buf(&der), err);
		if (r < 0)
			return r;
	}
}

int cf_pool_load(struct cf_db *db, int64_t server, struct cf_pool *ret, struct cf_err *err)
{
	cf_auto(cf_pool_done) struct cf_pool pool = { 0 };
	struct cf_root root;
	int r = cf_load_root(db, &root, err);

	if (r == 0)
		r = load_trust(db, &pool, err);
	if (r == 0 && server)
		r = load_issuers(db, server, &pool, err);
	if (r < 0)
		return r;
	pool.trust_epoch = root.trust_epoch;
	pool.server = server;
	*ret = pool;
	pool = (struct cf_pool){ 0 };
	return 0;
}

int cf_pool_check(struct cf_db *db, const struct cf_pool *pool, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	struct cf_root root;
	int64_t id;
	int r = cf_load_root(db, &root, err);

	if (r == 0 && root.trust_epoch != pool->trust_epoch)
		return -EAGAIN;
	if (r == 0 && pool->server)
		r = cf_store_issuer_next(db, pool->server, pool->last_issuer, &id, &der, err);
	return r > 0 ? -EAGAIN : r;
}

void cf_pool_done(struct cf_pool *pool)
{
	free(pool->issuers);
	free(pool->anchors);
	free(pool->crls);
	for (size_t i = 0; i < pool->n_held; i++)
		cf_buf_done(&pool->held[i]);
	free(pool->held);
	*pool = (struct cf_pool){ 0 };
}
