/* Completing a pending request; see complete.h. */
#include "core/procedures/complete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/pkcs12.h"
#include "core/procedures/status.h"

#define PFX_ITERATIONS 10000 /* of a new certificate's export.pfx */

/* What a dropped file turned out to be. */
struct answer {
	struct cf_decoded decoded;
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
	cf_decoded_done(&answer->decoded);
	cf_certificate_done(&answer->row);
	cf_buf_done(&answer->leaf_der);
	cf_pool_done(&answer->pool);
	cf_verdict_done(&answer->verdict);
}

CF_DEFINE_DONE(struct answer, answer_done);

static bool is_issuer(const struct cf_item *item)
{
	return item->kind == CF_ITEM_CERTIFICATE && item->info.is_ca && !item->info.self_signed;
}

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
	for (size_t i = 0; i < a->decoded.n; i++) {
		const struct cf_item *item = &a->decoded.items[i];
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

	for (size_t i = 0; i < a->decoded.n; i++) {
		const struct cf_item *item = &a->decoded.items[i];

		issuers += is_issuer(item);
		if (item->kind == CF_ITEM_CERTIFICATE && !item->info.is_ca && !first)
			first = item;
	}
	if (!first && issuers)
		return 0;
	if (!first && a->decoded.n && a->decoded.items[0].kind == CF_ITEM_CERTIFICATE)
		return cf_fail(err, EINVAL,
			       "'%s' is a root certificate; whoever trusts it puts it into _trust",
			       a->decoded.items[0].info.subject);
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
		a->leaf = find_leaf(&a->decoded, a->row.spki_sum);
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
	for (size_t i = 0; i < a->decoded.n && r == 0; i++)
		if (is_issuer(&a->decoded.items[i]))
			r = cf_pool_add_issuer(&a->pool, cf_span_buf(&a->decoded.items[i].der),
					       err);
	return r;
}

/* One name per line from the certificate's own list. */
static int set_domains(struct cf_certificate *row, const char *names, cf_time now,
		       struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf list = { 0 };
	int r = *names ? cf_buf_printf(&list, err, "%s\n", names) : 0;

	return r < 0 ? r
		     : cf_set_timed(&row->domains, cf_buf_text(&list), &row->t_domains, now, err);
}

/* Put what the decoder read from the certificate into the columns. */
static int fill(struct cf_certificate *row, const struct cf_item *leaf, cf_time now,
		struct cf_err *err)
{
	const struct cf_cert_info *info = &leaf->info;
	const struct {
		char **slot;
		const char *text;
	} texts[] = {
		{ &row->issuer, info->issuer },
		{ &row->serial, info->serial },
		{ &row->key_algorithm, info->key_algorithm },
		{ &row->signature_algorithm, info->signature_algorithm },
		{ &row->enhanced_key_usage, info->enhanced_key_usage },
		{ &row->key_usage, info->key_usage },
		{ &row->subject_key_id, info->subject_key_id },
	};
	int r = cf_set_timed(&row->subject, info->subject, &row->t_subject, now, err);

	if (r == 0)
		r = set_domains(row, info->domains, now, err);
	for (size_t i = 0; i < CF_COUNT(texts) && r == 0; i++)
		r = cf_set_text(texts[i].slot, texts[i].text, err);
	memcpy(row->sha1, info->sha1, sizeof(row->sha1));
	row->key_bits = info->key_bits;
	row->x509_version = info->version;
	row->self_signed = info->self_signed;
	row->not_before = info->not_before;
	row->not_after = info->not_after;
	row->leaf_len = (int64_t)leaf->der.len;
	row->state = CF_STATE_COMPLETE;
	row->pfx_encryption = CF_PFX_AES256_SHA256;
	row->pfx_iterations = PFX_ITERATIONS;
	row->t_complete = row->t_services = row->mtime = row->ctime = now;
	return r;
}

/* Keep the issuers that came along, for all chains of this server. */
static int keep_issuers(struct cf_db *db, struct answer *a, struct cf_err *err)
{
	for (size_t i = 0; i < a->decoded.n; i++) {
		bool fresh = false;
		int r;

		if (!is_issuer(&a->decoded.items[i]))
			continue;
		r = cf_store_issuer_add(db, a->server.id, cf_span_buf(&a->decoded.items[i].der),
					&fresh, err);
		if (r < 0)
			return r;
		a->fresh_issuers |= fresh;
	}
	return 0;
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
	unsigned what;
	int r = check_unchanged(db, a, err);

	if (r == 0)
		r = fill(row, a->leaf, cf_db_now(db), err);
	if (r == 0)
		r = cf_store_blob_put(db, row, CF_BLOB_LEAF, cf_span_buf(&a->leaf->der), err);
	if (r == 0)
		r = cf_verdict_apply(db, row, &a->verdict, cf_db_now(db), &what, err);
	if (r == 0)
		r = cf_store_certificate_update(db, row, CF_WHAT_STATE, err);
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
		r = keep_issuers(db, a, err);
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

static int has_no_key(const struct cf_decoded *decoded, struct cf_err *err)
{
	for (size_t i = 0; i < decoded->n; i++)
		if (decoded->items[i].kind == CF_ITEM_KEY)
			return cf_fail(err, EINVAL,
				       "the file has a private key in it; an answer has none, and "
				       "keys can't be imported");
	return 0;
}

int cf_complete(struct cf_ctx *ctx, const struct cf_drop *drop, struct cf_err *err)
{
	bool fresh_issuers = false;
	int64_t server = 0;
	int r;

	do {
		cf_auto(answer_done) struct answer a = { 0 };

		r = cf_decoder_decode(&ctx->core->decoder, drop->bytes, NULL, &a.decoded, err);
		if (r == 0)
			r = has_no_key(&a.decoded, err);
		if (r == 0)
			r = judge_and_store(ctx, drop, &a, err);
		fresh_issuers = a.fresh_issuers;
		server = a.server.id;
	} while (r == -EAGAIN);
	if (r == 0 && fresh_issuers)
		cf_status_refresh_after(ctx, server);
	return r;
}
