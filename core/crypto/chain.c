/* Judging a batch of leaves; see chain.h. Paths are found and judged in chain_path, chain_judge. */
#include "core/crypto/chain.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/chain_private.h"

static void pool_done(struct cf_pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		X509_free(pool->items[i].x);
	for (size_t i = 0; i < pool->n_crls; i++)
		X509_CRL_free(pool->crls[i].crl);
	free(pool->items);
	free(pool->crls);
}

CF_DEFINE_DONE(struct cf_pool, pool_done);

/* Take x over, unless the pool has it: an anchor stays one when it is sent as issuer too. */
static void pool_add(struct cf_pool *pool, X509 *x, enum cf_pool_kind kind, struct cf_span der)
{
	for (size_t i = 0; i < pool->n; i++)
		if (!X509_cmp(pool->items[i].x, x)) {
			X509_free(x);
			return;
		}
	pool->items[pool->n++] = (struct cf_pool_item){ .x = x, .kind = kind, .der = der };
}

static void pool_parse(struct cf_pool *pool, const struct cf_span *ders, size_t n,
		       enum cf_pool_kind kind)
{
	for (size_t i = 0; i < n; i++) {
		X509 *x = cf_x509_parse(ders[i], NULL);

		if (x)
			pool_add(pool, x, kind, ders[i]);
	}
}

static void pool_crls(struct cf_pool *pool, const struct cf_span *ders, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = ders[i].data;
		X509_CRL *crl =
			ders[i].len <= LONG_MAX ? d2i_X509_CRL(NULL, &p, (long)ders[i].len) : NULL;

		if (crl)
			pool->crls[pool->n_crls++].crl = crl;
	}
	ERR_clear_error();
}

static int pool_fill(struct cf_pool *pool, const struct cf_system_store *system,
		     const struct cf_verify *job, struct cf_err *err)
{
	size_t n_system = system ? system->n : 0;
	size_t n = n_system + job->n_anchors + job->n_issuers;

	pool->now = job->now;
	pool->items = calloc(n + 1, sizeof(*pool->items));
	pool->crls = calloc(job->n_crls + 1, sizeof(*pool->crls));
	if (!pool->items || !pool->crls)
		return cf_fail_memory(err);
	for (size_t i = 0; i < n_system; i++) {
		X509 *x = system->certificates[i];

		X509_up_ref(x);
		pool->items[pool->n++] = (struct cf_pool_item){ .x = x, .kind = CF_POOL_SYSTEM };
	}
	pool_parse(pool, job->anchors, job->n_anchors, CF_POOL_TRUST);
	pool_parse(pool, job->issuers, job->n_issuers, CF_POOL_ISSUER);
	pool_crls(pool, job->crls, job->n_crls);
	cf_pool_prepare_crls(pool);
	return 0;
}

/* The best path of a leaf so far. */
struct choice {
	const struct cf_pool *pool;
	struct cf_path path;
	struct cf_judgement judgement;
	bool any;
	cf_time next_change; /* the earliest of all paths */
	int r;
	struct cf_err *err;
};

static bool better(const struct choice *c, const struct cf_path *path,
		   const struct cf_judgement *judgement)
{
	bool anchored = path->end == CF_PATH_ANCHORED;

	if (!c->any || anchored != (c->path.end == CF_PATH_ANCHORED))
		return !c->any || anchored;
	/* The numbers rise from Revoked to Valid. */
	if (judgement->status != c->judgement.status)
		return judgement->status > c->judgement.status;
	/* When the leaf expires, its chain must not change to a CA certificate that has expired too. */
	return judgement->complaints < c->judgement.complaints;
}

static bool choose(const struct cf_path *path, void *arg)
{
	struct choice *c = arg;
	struct cf_judgement judgement;

	c->r = cf_path_judge(c->pool, path, &judgement, c->err);
	if (c->r < 0)
		return true;
	if (judgement.next_change < c->next_change)
		c->next_change = judgement.next_change;
	if (better(c, path, &judgement)) {
		c->path = *path;
		c->judgement = judgement;
		c->any = true;
	}
	return judgement.status == CF_VERDICT_VALID;
}

static enum cf_root_ca root_of(const struct cf_path *path)
{
	const struct cf_pool_item *top = path->items[path->n - 1];

	if (path->end != CF_PATH_ANCHORED)
		return CF_ROOT_UNKNOWN;
	if (!top)
		return CF_ROOT_NONE;
	return top->kind == CF_POOL_SYSTEM ? CF_ROOT_THIRD_PARTY : CF_ROOT_ENTERPRISE;
}

static int put_issuers(const struct cf_path *path, struct cf_buf *out, struct cf_err *err)
{
	for (size_t i = 1; i < path->n; i++) {
		const struct cf_pool_item *item = path->items[i];
		int r;

		if (item->kind != CF_POOL_ISSUER ||
		    (cf_x509_self_issued(item->x) && cf_x509_signed_by(item->x, item->x)))
			break;
		r = cf_pack_bytes(out, item->der, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int judge(const struct cf_pool *pool, struct cf_span der, struct cf_verdict *ret,
		 struct cf_err *err)
{
	cf_auto(X509_free) X509 *leaf = NULL;
	struct cf_err why = { 0 };
	struct choice c = { .pool = pool, .next_change = CF_NEVER, .err = err };
	int r;

	leaf = cf_x509_parse(der, &why);
	if (!leaf)
		return cf_fail(err, why.code, "%s", why.text);
	cf_path_search(pool, leaf, choose, &c);
	if (c.r < 0)
		return c.r;
	r = put_issuers(&c.path, &ret->issuers, err);
	if (r < 0)
		return r;
	ret->reason = strdup(c.judgement.reason);
	if (!ret->reason)
		return cf_fail_memory(err);
	ret->status = c.judgement.status;
	ret->root_ca = root_of(&c.path);
	/* A valid path stays until its own dates; else any path's date may bring another verdict. */
	ret->next_change =
		ret->status == CF_VERDICT_VALID ? c.judgement.next_change : c.next_change;
	return 0;
}

int cf_chain_verify(const struct cf_system_store *system, const struct cf_verify *job,
		    struct cf_verdict *ret, struct cf_err *err)
{
	cf_auto(pool_done) struct cf_pool pool = { 0 };
	int r = pool_fill(&pool, system, job, err);

	for (size_t i = 0; r == 0 && i < job->n_leaves; i++)
		r = judge(&pool, job->leaves[i], &ret[i], err);
	/* Comparing keys of different kinds leaves notes. */
	ERR_clear_error();
	if (r < 0)
		for (size_t i = 0; i < job->n_leaves; i++)
			cf_verdict_done(&ret[i]);
	return r;
}

void cf_verdict_done(struct cf_verdict *verdict)
{
	free(verdict->reason);
	cf_buf_done(&verdict->issuers);
	*verdict = (struct cf_verdict){ 0 };
}
