/* Importing certificates with their keys; see import.h. */
#include "core/procedures/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/key.h"
#include "core/procedures/arrive.h"
#include "core/procedures/import_name.h"
#include "core/procedures/property.h"
#include "core/procedures/setting.h"

/* A certificate and its key. */
struct pair {
	const struct cf_item *leaf, *key;
	struct cf_buf pkcs8; /* the key as it is stored */
	int key_type;
	bool there; /* the server has this certificate already */
	struct cf_verdict verdict;
};

struct import {
	const struct cf_drop *drop;
	const struct cf_decoded *decoded;
	struct pair *pairs;
	size_t n;
	/* of one attempt */
	struct cf_server server;
	struct cf_certificate draft; /* that is filled */
	struct cf_pool pool;
	bool fresh_issuers;
};

static void attempt_done(struct import *im)
{
	for (size_t i = 0; i < im->n; i++) {
		cf_verdict_done(&im->pairs[i].verdict);
		im->pairs[i].verdict = (struct cf_verdict){ 0 };
	}
	cf_certificate_done(&im->draft);
	im->draft = (struct cf_certificate){ 0 };
	cf_pool_done(&im->pool);
	im->pool = (struct cf_pool){ 0 };
}

static void import_done(struct import *im)
{
	attempt_done(im);
	for (size_t i = 0; i < im->n; i++)
		cf_buf_done(&im->pairs[i].pkcs8);
	free(im->pairs);
}

CF_DEFINE_DONE(struct import, import_done);

/* -- what is in the file ---------------------------------------------------------------------- */

static const struct cf_item *find_key(const struct cf_decoded *decoded, const struct cf_item *leaf)
{
	for (size_t i = 0; i < decoded->n; i++)
		if (decoded->items[i].kind == CF_ITEM_KEY &&
		    !memcmp(decoded->items[i].info.spki_sum, leaf->info.spki_sum, CF_SUM_SIZE))
			return &decoded->items[i];
	return NULL;
}

static int load_key(struct pair *pair, struct cf_err *err)
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	uint8_t sum[CF_SUM_SIZE];
	int r = cf_key_from_pkcs8(cf_span_buf(&pair->key->der), &key, err);

	if (r == 0)
		r = cf_key_spki_sum(key, sum, err);
	if (r == 0 && memcmp(sum, pair->leaf->info.spki_sum, sizeof(sum)))
		r = cf_fail(err, EBADMSG, "its decoder answered nonsense");
	if (r < 0)
		return r;
	pair->key_type = cf_key_type_of(key);
	return cf_key_to_pkcs8(key, &pair->pkcs8, err);
}

/* Certificates whose key isn't there are strangers as long as one has its key. */
static int find_pairs(struct import *im, struct cf_err *err)
{
	const struct cf_decoded *decoded = im->decoded;
	const struct cf_item *first = NULL;
	int r = 0;

	im->pairs = calloc(decoded->n, sizeof(*im->pairs));
	if (!im->pairs)
		return cf_fail_memory(err);
	for (size_t i = 0; i < decoded->n && r == 0; i++) {
		struct pair *pair = &im->pairs[im->n];

		if (decoded->items[i].kind != CF_ITEM_CERTIFICATE)
			continue;
		pair->leaf = &decoded->items[i];
		pair->key = find_key(decoded, pair->leaf);
		if (!first || (first->info.is_ca && !pair->leaf->info.is_ca))
			first = pair->leaf;
		if (!pair->key)
			continue;
		im->n++;
		r = load_key(pair, err);
	}
	if (r == 0 && !im->n)
		r = cf_fail(err, ENOKEY, "the key in the file is not the one of '%s'",
			    first ? first->info.subject : "");
	return r;
}

/* -- where it goes ---------------------------------------------------------------------------- */

static int same_leaf(struct cf_db *db, const struct cf_certificate *row, const struct pair *pair,
		     struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	int r = cf_store_blob_get(db, row, CF_BLOB_LEAF, &der, err);

	if (r < 0)
		return r;
	return der.len == pair->leaf->der.len && !memcmp(der.data, pair->leaf->der.data, der.len);
}

static int find_there(struct cf_db *db, int64_t server, struct pair *pair, struct cf_err *err)
{
	int64_t after = 0;
	int r = 0;

	while (r == 0) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		r = cf_store_certificate_next_with_thumbprint(db, pair->leaf->info.sha1, after,
							      &row, err);
		if (r <= 0)
			return r;
		after = row.id;
		r = row.damaged || row.server != server ? 0 : same_leaf(db, &row, pair, err);
	}
	pair->there = r > 0;
	return r < 0 ? r : 0;
}

static int find_in_certificate(struct cf_db *db, struct import *im, struct cf_err *err)
{
	struct cf_certificate *row = &im->draft;
	int r = cf_load_certificate(db, im->drop->certificate, row, &im->server, err);

	if (r < 0)
		return r;
	if (row->state == CF_STATE_PENDING)
		return cf_fail(err, EEXIST,
			       "%s has a key and a request already; drop the file into the server",
			       row->name);
	if (im->n > 1)
		return cf_fail(err, EINVAL,
			       "%s: the file has %zu certificates with their keys; drop it into "
			       "the server",
			       row->name, im->n);
	if (row->state == CF_STATE_DRAFT)
		return 0;
	r = same_leaf(db, row, &im->pairs[0], err);
	im->pairs[0].there = r > 0;
	if (r == 0)
		r = cf_fail(err, EEXIST,
			    "%s has another certificate already; drop the file into the server",
			    row->name);
	return r < 0 ? r : 0;
}

/* Find out what is to be done. Reads only. */
static int plan(struct cf_ctx *ctx, struct import *im, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r < 0)
		return r;
	if (im->drop->certificate)
		r = find_in_certificate(db, im, err);
	else
		r = cf_load_server(db, im->drop->server, &im->server, err);
	for (size_t i = 0; i < im->n && r == 0 && !im->drop->certificate; i++) {
		im->pairs[i].there = false;
		r = find_there(db, im->server.id, &im->pairs[i], err);
	}
	if (r == 0)
		r = cf_pool_load(db, im->server.id, &im->pool, err);
	return r < 0 ? r : cf_issuers_offer(&im->pool, im->decoded, err);
}

static int judge(struct cf_ctx *ctx, struct import *im, struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; i < im->n && r == 0; i++) {
		struct cf_span leaf = cf_span_buf(&im->pairs[i].leaf->der);

		if (!im->pairs[i].there)
			r = cf_judge(ctx, &im->pool, &leaf, 1, &im->pairs[i].verdict, err);
	}
	return r;
}

/* -- names ------------------------------------------------------------------------------------ */

static const char *friendly_name(const struct pair *pair)
{
	if (pair->key->friendly_name)
		return pair->key->friendly_name;
	return pair->leaf->friendly_name ? pair->leaf->friendly_name : "";
}

/* -- storing ---------------------------------------------------------------------------------- */

/* The first characters of it, as many as one may have. */
static int set_friendly_name(const struct pair *pair, const struct cf_settings *settings,
			     struct cf_certificate *row, cf_time now, struct cf_err *err)
{
	const char *name = friendly_name(pair), *p = name;
	char text[4 * CF_FRIENDLY_NAME_MAX + 1];
	uint32_t code;

	if (!*name)
		return 0;
	for (int i = 0; i < CF_FRIENDLY_NAME_MAX && *p; i++)
		p += cf_text_utf8(p, strnlen(p, 4), &code);
	snprintf(text, sizeof(text), "%.*s", (int)(p - name), name);
	row->t_friendly = now;
	return cf_property_set(row, settings, "friendly-name", text, err);
}

static int store_pair(struct cf_ctx *ctx, struct cf_db *db, struct import *im,
		      const struct pair *pair, struct cf_certificate *row, struct cf_err *err)
{
	struct cf_owner owner = { .object = CF_OBJECT_CERTIFICATE,
				  .id = row->id,
				  .server = row->server,
				  .spki_sum = row->spki_sum };
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	cf_time now = cf_db_now(db);
	int r = cf_settings_load(db, &im->server, &settings, err);

	if (r == 0)
		r = set_friendly_name(pair, &settings, row, now, err);
	if (r < 0)
		return r;

	/* In a draft, what was written there says otherwise. */
	if (!row->exportable_given)
		row->exportable = cf_setting_yes(&settings, CF_SETTING_EXPORTABLE_IMPORTS);
	memcpy(row->spki_sum, pair->leaf->info.spki_sum, sizeof(row->spki_sum));
	row->key_type = pair->key_type;
	row->key_len = (int64_t)pair->pkcs8.len;
	row->t_key_type = row->t_exportable = row->t_request = now;
	r = cf_vault_put(ctx->core->vault, db, &owner, CF_SECRET_KEY, cf_span_buf(&pair->pkcs8),
			 err);
	if (r == 0)
		r = cf_leaf_store(db, row, pair->leaf, &pair->verdict, err);
	return r < 0 ? r : cf_audit(ctx, db, "import", im->server.name, row, row->subject, err);
}

static int store_new(struct cf_ctx *ctx, struct cf_db *db, struct import *im, size_t i,
		     struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	const struct pair *pair = &im->pairs[i];
	int r = cf_import_insert(db, &im->server, i ? NULL : im->drop->name, friendly_name(pair),
				 pair->leaf->info.common_name, &row, err);

	return r < 0 ? r : store_pair(ctx, db, im, pair, &row, err);
}

/* -EAGAIN: what was planned and judged is no longer so. */
static int check_unchanged(struct cf_db *db, const struct import *im, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate now = { 0 };
	int r = cf_pool_check(db, &im->pool, err);

	if (r == 0 && im->drop->certificate)
		r = cf_load_certificate(db, im->draft.id, &now, NULL, err);
	if (r == 0 && im->drop->certificate && now.version != im->draft.version)
		return -EAGAIN;
	for (size_t i = 0; i < im->n && r == 0; i++) {
		struct pair again = im->pairs[i];

		if (im->drop->certificate || again.there)
			continue;
		r = find_there(db, im->server.id, &again, err);
		if (r == 0 && again.there)
			return -EAGAIN;
	}
	return r;
}

static int store(struct cf_ctx *ctx, struct import *im, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	size_t stored = 0;
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_load_server(db, im->server.id, &im->server, err);
	if (r == 0)
		r = check_unchanged(db, im, err);
	if (r == 0)
		r = cf_issuers_keep(db, im->server.id, im->decoded, &im->fresh_issuers, err);
	for (size_t i = 0; i < im->n && r == 0; i++) {
		if (im->pairs[i].there)
			continue;
		stored++;
		if (im->drop->certificate)
			r = store_pair(ctx, db, im, &im->pairs[i], &im->draft, err);
		else
			r = store_new(ctx, db, im, i, err);
	}
	if (r < 0 || (!stored && !im->fresh_issuers))
		return r;
	if (im->fresh_issuers)
		r = cf_audit(ctx, db, "keep-issuers", im->server.name, NULL, NULL, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

int cf_import_refuse_root(struct cf_err *err)
{
	return cf_fail(err, EINVAL,
		       "a certificate with its key is imported into a server, not into the root");
}

int cf_import(struct cf_ctx *ctx, const struct cf_drop *drop, const struct cf_decoded *decoded,
	      struct cf_err *err)
{
	cf_auto(import_done) struct import im = { .drop = drop, .decoded = decoded };
	int r;

	if (!drop->certificate && !drop->server)
		return cf_import_refuse_root(err);
	r = find_pairs(&im, err);
	if (r < 0)
		return r;
	do {
		attempt_done(&im);
		im.fresh_issuers = false;
		r = plan(ctx, &im, err);
		if (r == 0)
			r = judge(ctx, &im, err);
		if (r == 0)
			r = store(ctx, &im, err);
	} while (r == -EAGAIN);
	if (r == 0 && im.fresh_issuers)
		cf_status_refresh_after(ctx, im.server.id);
	return r;
}
