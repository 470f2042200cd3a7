/* Completing a pending request; see complete.h. */
#include "core/procedures/complete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/procedures/arrive.h"

/* What a dropped file turned out to be. */
struct answer {
	const struct cf_decoded *decoded;
	const struct cf_item *leaf; /* the certificate that one of our keys fits; NULL */
	struct cf_certificate row;  /* whose key that is, as read */
	struct cf_server server;    /* where issuers are kept */
	struct cf_buf leaf_der;     /* the row's certificate, when it has one */
	struct cf_pool pool;
	bool fresh_issuers;
	struct cf_verdict verdict;
};

static void answer_done(struct answer *answer)
{
	cf_certificate_done(&answer->row);
	cf_buf_done(&answer->leaf_der);
	cf_pool_done(&answer->pool);
	cf_verdict_done(&answer->verdict);
}

CF_DEFINE_DONE(struct answer, answer_done);

/* The certificate in the file whose key is this one. */
static const struct cf_item *find_leaf(const struct cf_decoded *decoded,
				       const uint8_t spki_sum[CF_SUM_SIZE])
{
	for (size_t i = 0; i < decoded->n; i++)
		if (decoded->items[i].kind == CF_ITEM_CERTIFICATE &&
		    !memcmp(decoded->items[i].info.spki_sum, spki_sum, CF_SUM_SIZE))
			return &decoded->items[i];
	return NULL;
}

/*
 * The request or certificate that has an item's key: a pending one before a complete one. 1 and
 * *ret, or 0.
 */
static int find_row(struct cf_db *db, const struct cf_item *item, struct cf_certificate *ret,
		    struct cf_err *err)
{
	int64_t after = 0;
	int found = 0, r;

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		r = cf_store_certificate_next_with_key(db, item->info.spki_sum, after, &row, err);
		if (r < 0)
			return r;
		if (r == 0)
			return found;
		after = row.id;
		if (row.damaged || (found && row.state != CF_STATE_PENDING))
			continue;
		cf_certificate_done(ret);
		*ret = row;
		row = (struct cf_certificate){ 0 };
		if (ret->state == CF_STATE_PENDING)
			return 1;
		found = 1;
	}
}

/* Any certificate of the file that has a key here. */
static int find_anywhere(struct cf_db *db, struct answer *a, struct cf_certificate *ret,
			 const struct cf_item **ret_leaf, struct cf_err *err)
{
	for (size_t i = 0; i < a->decoded->n; i++) {
		const struct cf_item *item = &a->decoded->items[i];
		int r;

		if (item->kind != CF_ITEM_CERTIFICATE)
			continue;
		r = find_row(db, item, ret, err);
		if (r != 0) {
			*ret_leaf = item;
			return r;
		}
	}
	return 0;
}

/* The file has no certificate for a key of ours: issuers alone, or the reason why not. */
static int without_leaf(struct cf_db *db, struct answer *a, bool in_certificate, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate other = { 0 };
	const struct cf_item *first = NULL, *leaf = NULL;
	struct cf_server server;
	size_t issuers = 0;
	int r;

	for (size_t i = 0; i < a->decoded->n; i++) {
		const struct cf_item *item = &a->decoded->items[i];

		issuers += cf_is_issuer(item);
		if (item->kind == CF_ITEM_CERTIFICATE && !item->info.is_ca && !first)
			first = item;
	}
	if (!first && issuers)
		return 0;
	if (!first && a->decoded->n && a->decoded->items[0].kind == CF_ITEM_CERTIFICATE)
		return cf_fail(err, EINVAL,
			       "'%s' is a root certificate; whoever trusts it puts it into _trust",
			       a->decoded->items[0].info.subject);
	if (!first)
		return cf_fail(err, EINVAL, "the file has no certificate; CRLs belong in _trust");
	r = find_anywhere(db, a, &other, &leaf, err);
	if (r < 0)
		return r;
	if (r > 0) {
		r = cf_load_server(db, other.server, &server, err);
		return r < 0 ? r
			     : cf_fail(err, EKEYREJECTED,
				       "the certificate '%s' is not for this key but for the one "
				       "of %s/%s; drop it there",
				       leaf->info.subject, server.name, other.name);
	}
	return cf_fail(err, in_certificate ? EKEYREJECTED : ENOKEY,
		       "the certificate '%s' is for a key that isn't here%s", first->info.subject,
		       in_certificate ? ": it answers another request" : "");
}

/* Dropped into a certificate directory: it must be that one's. */
static int find_in_certificate(struct cf_db *db, int64_t certificate, struct answer *a,
			       struct cf_err *err)
{
	int r = cf_load_certificate(db, certificate, &a->row, &a->server, err);

	if (r < 0)
		return r;
	if (a->row.state != CF_STATE_DRAFT)
		a->leaf = find_leaf(a->decoded, a->row.spki_sum);
	if (a->leaf)
		return 0;
	r = without_leaf(db, a, a->row.state != CF_STATE_DRAFT, err);
	return cf_note(err, r, "%s", a->row.name);
}

static int find_in_server(struct cf_ctx *ctx, struct cf_db *db, int64_t server, struct answer *a,
			  struct cf_err *err)
{
	int r = find_anywhere(db, a, &a->row, &a->leaf, err);

	if (r > 0 && !cf_may_write(ctx, &a->row))
		return cf_fail(err, EACCES,
			       "the certificate '%s' is for a request that you may not write to",
			       a->leaf->info.subject);
	if (r > 0)
		return cf_load_server(db, a->row.server, &a->server, err);
	if (r == 0)
		r = without_leaf(db, a, false, err);
	if (r == 0 && !server)
		r = cf_fail(err, EINVAL,
			    "a CA's certificate alone belongs into a server, or into _trust");
	return r < 0 ? r : cf_load_server(db, server, &a->server, err);
}

/* The row has a certificate already: the same one again, or another one for its key. */
static int check_again(struct cf_db *db, struct answer *a, struct cf_err *err)
{
	int r = cf_store_blob_get(db, &a->row, CF_BLOB_LEAF, &a->leaf_der, err);

	if (r < 0)
		return r;
	if (a->leaf_der.len == a->leaf->der.len &&
	    !memcmp(a->leaf_der.data, a->leaf->der.data, a->leaf_der.len))
		return 0;
	return cf_fail(err, EEXIST,
		       "%s/%s has another certificate for this key already; renew it instead",
		       a->server.name, a->row.name);
}

/* Find out what the file is for. Reads only. */
static int find_target(struct cf_ctx *ctx, const struct cf_drop *drop, struct answer *a,
		       struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r < 0)
		return r;
	r = drop->certificate ? find_in_certificate(db, drop->certificate, a, err)
			      : find_in_server(ctx, db, drop->server, a, err);
	if (r == 0 && a->leaf && a->row.state == CF_STATE_COMPLETE)
		r = check_again(db, a, err);
	if (r == 0)
		r = cf_pool_load(db, a->server.id, &a->pool, err);
	return r < 0 ? r : cf_issuers_offer(&a->pool, a->decoded, err);
}

/* -EAGAIN: what the verdict stood on has changed. */
static int check_unchanged(struct cf_db *db, const struct answer *a, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate now = { 0 };
	int r = cf_pool_check(db, &a->pool, err);

	if (r == 0)
		r = cf_load_certificate(db, a->row.id, &now, NULL, err);
	return r == 0 && now.version != a->row.version ? -EAGAIN : r;
}

static int complete_row(struct cf_ctx *ctx, struct cf_db *db, struct answer *a, struct cf_err *err)
{
	struct cf_certificate *row = &a->row;
	int r = check_unchanged(db, a, err);

	if (r == 0)
		r = cf_leaf_store(db, row, a->leaf, &a->verdict, err);
	return r < 0 ? r : cf_audit(ctx, db, "complete", a->server.name, row, row->subject, err);
}

static int store_answer(struct cf_ctx *ctx, struct answer *a, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	bool pending = a->leaf && a->row.state == CF_STATE_PENDING;
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_load_server(db, a->server.id, &a->server, err);
	if (r == 0 && pending)
		r = complete_row(ctx, db, a, err);
	if (r == 0)
		r = cf_issuers_keep(db, a->server.id, a->decoded, &a->fresh_issuers, err);
	if (r < 0 || (!pending && !a->fresh_issuers))
		return r;
	if (r == 0 && a->fresh_issuers)
		r = cf_audit(ctx, db, "keep-issuers", a->server.name, NULL, NULL, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

static int judge_and_store(struct cf_ctx *ctx, const struct cf_drop *drop, struct answer *a,
			   struct cf_err *err)
{
	struct cf_span leaf;
	int r = find_target(ctx, drop, a, err);

	if (r == 0 && a->leaf && a->row.state == CF_STATE_PENDING) {
		leaf = cf_span_buf(&a->leaf->der);
		r = cf_judge(ctx, &a->pool, &leaf, 1, &a->verdict, err);
	}
	return r < 0 ? r : store_answer(ctx, a, err);
}

int cf_complete(struct cf_ctx *ctx, const struct cf_drop *drop, const struct cf_decoded *decoded,
		struct cf_err *err)
{
	bool fresh_issuers = false;
	int64_t server = 0;
	int r;

	do {
		cf_auto(answer_done) struct answer a = { .decoded = decoded };

		r = judge_and_store(ctx, drop, &a, err);
		fresh_issuers = a.fresh_issuers;
		server = a.server.id;
	} while (r == -EAGAIN);
	if (r == 0 && fresh_issuers)
		cf_status_refresh_after(ctx, server);
	return r;
}
