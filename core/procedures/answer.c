/* What a dropped file answers; see answer_private.h. */
#include "core/procedures/answer_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/procedures/arrive.h"
#include "core/procedures/deleted.h"

static void target_done(struct cf_target *target)
{
	cf_certificate_done(&target->row);
	cf_verdict_done(&target->verdict);
}

CF_DEFINE_DONE(struct cf_target, target_done);

void cf_answer_done(struct cf_answer *answer)
{
	for (size_t i = 0; i < answer->n_targets; i++)
		target_done(&answer->targets[i]);
	for (size_t i = 0; i < answer->n_places; i++)
		cf_pool_done(&answer->places[i].pool);
	free(answer->targets);
	free(answer->places);
}

/* -- one certificate -------------------------------------------------------------------------- */

static int same_leaf(struct cf_db *db, const struct cf_certificate *row, const struct cf_item *leaf,
		     struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	int r = cf_store_blob_get(db, row, CF_BLOB_LEAF, &der, err);

	if (r < 0)
		return r;
	return der.len == leaf->der.len && !memcmp(der.data, leaf->der.data, der.len);
}

/* What the leaf is to a row that has its key. 0, -EIO, -ENOMEM. */
static int fit_of(struct cf_db *db, const struct cf_certificate *row, const struct cf_item *leaf,
		  enum cf_fit *ret, struct cf_err *err)
{
	int r = 0;

	*ret = CF_FIT_PENDING;
	if (row->state == CF_STATE_PENDING)
		return 0;
	r = same_leaf(db, row, leaf, err);
	*ret = r > 0 ? CF_FIT_THERE : CF_FIT_SHARES;
	return r < 0 ? r : 0;
}

/* 1 or 0: the rule of cf_may_write(). */
static int may_write(struct cf_ctx *ctx, struct cf_db *db, const struct cf_certificate *row,
		     struct cf_err *err)
{
	struct cf_server server;
	int r = cf_load_server(db, row->server, &server, err);

	return r < 0 ? r : cf_may_write(ctx, &server, row);
}

/*
 * The best row for a leaf among those with its key: a request that waits for it, else one that has
 * it, else one whose key it shares, where the caller may write if there is such a one.
 */
static int find_row(struct cf_ctx *ctx, struct cf_db *db, struct cf_target *target,
		    struct cf_err *err)
{
	int64_t after = 0;
	int best = 0;

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		enum cf_fit fit = CF_FIT_STRANGER;
		int rank, r;

		r = cf_store_certificate_next_with_key(db, target->leaf->info.spki_sum, after, &row,
						       err);
		if (r <= 0)
			return r;
		after = row.id;
		if (row.damaged || cf_store_damaged(ctx->core->store, row.server))
			continue;
		r = fit_of(db, &row, target->leaf, &fit, err);
		if (r == 0)
			r = may_write(ctx, db, &row, err);
		if (r < 0)
			return r;
		rank = 2 * (fit == CF_FIT_PENDING ? 3 : fit == CF_FIT_THERE ? 2 : 1) + r;
		if (rank <= best)
			continue;
		best = rank;
		target->fit = fit;
		cf_certificate_done(&target->row);
		target->row = row;
		row = (struct cf_certificate){ 0 };
	}
}

/* -- the file --------------------------------------------------------------------------------- */

static int find_place(struct cf_db *db, struct cf_answer *a, int64_t server, size_t *ret,
		      struct cf_err *err)
{
	struct cf_place *more, *place;
	int r;

	for (*ret = 0; *ret < a->n_places; ++*ret)
		if (a->places[*ret].server.id == server)
			return 0;
	more = realloc(a->places, (a->n_places + 1) * sizeof(*more));
	if (!more)
		return cf_fail_memory(err);
	a->places = more;
	place = &more[a->n_places++];
	*place = (struct cf_place){ 0 };
	r = cf_load_server(db, server, &place->server, err);
	if (r < 0 || a->without_pools)
		return r;
	r = cf_pool_load(db, server, &place->pool, err);
	return r < 0 ? r : cf_issuers_offer(&place->pool, a->decoded, err);
}

/* A second certificate for one request shares its key. */
static void settle_second(const struct cf_answer *a, struct cf_target *target)
{
	for (size_t i = 0; i < a->n_targets; i++)
		if (target->fit == CF_FIT_PENDING && a->targets[i].row.id == target->row.id)
			target->fit = CF_FIT_SHARES;
}

static int refuse_second(struct cf_db *db, const struct cf_certificate *row, struct cf_err *err)
{
	struct cf_server server;
	int r = cf_load_server(db, row->server, &server, err);

	return r < 0 ? r
		     : cf_fail(err, EEXIST,
			       "%s/%s has another certificate for this key; dropped into a server "
			       "this one gets a directory of its own",
			       server.name, row->name);
}

/* Add it unless it is a stranger here. */
static int take(struct cf_ctx *ctx, struct cf_db *db, struct cf_answer *a, struct cf_target *target,
		struct cf_err *err)
{
	int64_t own = a->drop->certificate;
	bool shares;
	int r;

	settle_second(a, target);
	shares = target->fit == CF_FIT_SHARES;
	/* In a certificate only requests are answered elsewhere. */
	if (target->fit == CF_FIT_STRANGER ||
	    (own && target->row.id != own && target->fit != CF_FIT_PENDING))
		return 0;
	if (shares && !(a->drop->server && !own))
		return refuse_second(db, &target->row, err);
	r = target->row.id == own ? 1 : may_write(ctx, db, &target->row, err);
	if (r == 0)
		r = cf_fail(err, EACCES, "the certificate '%s' is for %s that you may not write to",
			    target->leaf->info.subject,
			    target->row.state == CF_STATE_PENDING ? "a request" : "a key");
	if (r < 0)
		return r;
	r = find_place(db, a, shares ? a->drop->server : target->row.server, &target->place, err);
	if (r < 0)
		return r;
	a->targets[a->n_targets++] = *target;
	*target = (struct cf_target){ 0 };
	return 0;
}

static bool has_key_of(const struct cf_item *item, const struct cf_certificate *row)
{
	return item->kind == CF_ITEM_CERTIFICATE && row->state != CF_STATE_DRAFT &&
	       !memcmp(item->info.spki_sum, row->spki_sum, CF_SUM_SIZE);
}

/* In its directory a certificate for its key comes before every other row that has the key. */
static int find_own(struct cf_db *db, struct cf_target *target, int64_t own, struct cf_err *err)
{
	int r = cf_load_certificate(db, own, &target->row, NULL, err);

	return r < 0 ? r : fit_of(db, &target->row, target->leaf, &target->fit, err);
}

static int find_targets(struct cf_ctx *ctx, struct cf_db *db, struct cf_answer *a,
			const struct cf_certificate *own, struct cf_err *err)
{
	int r = 0;

	a->targets = calloc(a->decoded->n + 1, sizeof(*a->targets));
	if (!a->targets)
		return cf_fail_memory(err);
	for (size_t i = 0; i < a->decoded->n && r == 0; i++) {
		cf_auto(target_done) struct cf_target target = { .leaf = &a->decoded->items[i] };

		if (target.leaf->kind != CF_ITEM_CERTIFICATE)
			continue;
		if (own && has_key_of(target.leaf, own))
			r = find_own(db, &target, own->id, err);
		else
			r = find_row(ctx, db, &target, err);
		if (r == 0)
			r = take(ctx, db, a, &target, err);
	}
	return r;
}

/* -- what is for nothing ----------------------------------------------------------------------- */

/* The leaf that comes first in the file; NULL. *issuers counts those of CAs. */
static const struct cf_item *first_leaf(const struct cf_decoded *decoded, size_t *issuers)
{
	const struct cf_item *first = NULL;

	*issuers = 0;
	for (size_t i = 0; i < decoded->n; i++) {
		const struct cf_item *item = &decoded->items[i];

		*issuers += cf_is_issuer(item);
		if (item->kind == CF_ITEM_CERTIFICATE && !item->info.is_ca && !first)
			first = item;
	}
	return first;
}

/* It has a key here all the same: name the directory. 1 when the sentence is written. */
static int name_right_one(struct cf_ctx *ctx, struct cf_db *db, const struct cf_decoded *decoded,
			  struct cf_err *err)
{
	for (size_t i = 0; i < decoded->n; i++) {
		cf_auto(target_done) struct cf_target target = { .leaf = &decoded->items[i] };
		struct cf_server server;
		int r;

		if (target.leaf->kind != CF_ITEM_CERTIFICATE)
			continue;
		r = find_row(ctx, db, &target, err);
		if (r < 0 || target.fit == CF_FIT_STRANGER) {
			if (r < 0)
				return r;
			continue;
		}
		r = cf_load_server(db, target.row.server, &server, err);
		if (r < 0)
			return r;
		cf_fail(err, EKEYREJECTED,
			"the certificate '%s' is not for this key but for the one of %s/%s; drop "
			"it there",
			target.leaf->info.subject, server.name, target.row.name);
		return 1;
	}
	return 0;
}

/* No certificate for a key of ours: issuers alone (0), or the reason why not. */
static int without_leaf(struct cf_ctx *ctx, struct cf_db *db, const struct cf_answer *a,
			const struct cf_certificate *own, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf place = { 0 };
	size_t issuers;
	const struct cf_decoded *decoded = a->decoded;
	const struct cf_item *first = first_leaf(decoded, &issuers);
	bool has_key = own && own->state != CF_STATE_DRAFT;
	int r;

	if (!first && issuers && !own && !a->drop->server)
		return cf_fail(err, EINVAL,
			       "a CA's certificate alone belongs into a server, or into _trust");
	if (!first && issuers)
		return 0;
	if (!first && decoded->n && decoded->items[0].kind == CF_ITEM_CERTIFICATE)
		return cf_fail(err, EINVAL,
			       "'%s' is a root certificate; whoever trusts it puts it into _trust",
			       decoded->items[0].info.subject);
	if (!first)
		return cf_fail(err, EINVAL, "the file has no certificate; CRLs belong in _trust");
	r = own ? name_right_one(ctx, db, decoded, err) : 0;
	if (r != 0)
		return r < 0 ? r : -EKEYREJECTED;
	r = cf_deleted_with_key(db, first->info.spki_sum, &place, err);
	if (r < 0)
		return r;
	if (r > 0)
		return cf_fail(err, has_key ? EKEYREJECTED : ENOKEY,
			       "the certificate '%s' is for the key of %s; mv that back first",
			       first->info.subject, place.data);
	return cf_fail(err, has_key ? EKEYREJECTED : ENOKEY,
		       "the certificate '%s' is for a key that isn't here%s", first->info.subject,
		       has_key ? ": it answers another request" : "");
}

/* Dropped into a certificate directory it must be that one's, or bring issuers alone. */
static int find_in_certificate(struct cf_ctx *ctx, struct cf_db *db, struct cf_answer *a,
			       struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate own = { 0 };
	size_t place;
	int r = cf_load_certificate(db, a->drop->certificate, &own, NULL, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < a->decoded->n; i++)
		if (has_key_of(&a->decoded->items[i], &own))
			return find_targets(ctx, db, a, &own, err);
	r = cf_note(err, without_leaf(ctx, db, a, &own, err), "%s", own.name);
	return r < 0 ? r : find_place(db, a, own.server, &place, err);
}

int cf_answer_find(struct cf_ctx *ctx, struct cf_db *db, struct cf_answer *a, struct cf_err *err)
{
	size_t place;
	int r;

	if (a->drop->certificate)
		return find_in_certificate(ctx, db, a, err);
	r = find_targets(ctx, db, a, NULL, err);
	if (r < 0 || a->n_targets)
		return r;
	r = without_leaf(ctx, db, a, NULL, err);
	return r < 0 ? r : find_place(db, a, a->drop->server, &place, err);
}

int cf_answer_check(struct cf_ctx *ctx, struct cf_db *db, const struct cf_answer *answer,
		    struct cf_err *err)
{
	cf_auto(cf_answer_done) struct cf_answer now = { .drop = answer->drop,
							 .decoded = answer->decoded,
							 .without_pools = true };
	int r = cf_answer_find(ctx, db, &now, NULL);

	if (r < 0)
		return r == -ENOMEM ? cf_fail_memory(err) : -EAGAIN;
	if (now.n_targets != answer->n_targets || now.n_places != answer->n_places)
		return -EAGAIN;
	for (size_t i = 0; i < now.n_targets; i++)
		if (now.targets[i].fit != answer->targets[i].fit ||
		    now.targets[i].row.id != answer->targets[i].row.id ||
		    now.targets[i].row.version != answer->targets[i].row.version)
			return -EAGAIN;
	for (size_t i = 0; i < answer->n_places && r == 0; i++)
		r = cf_pool_check(db, &answer->places[i].pool, err);
	return r;
}
