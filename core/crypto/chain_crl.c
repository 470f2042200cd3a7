/*
 * Which CRLs count for a path (RFC 5280 section 6.3.3). OpenSSL chooses among those it is given by
 * name, scope and date; here it is given only those that really come from the CA: signed by an
 * issuer of the path, or by another key that the path's anchor vouches for.
 */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "core/crypto/chain_private.h"

CF_DEFINE_AUTO(X509_STORE, X509_STORE_free);
CF_DEFINE_AUTO(X509_STORE_CTX, X509_STORE_CTX_free);
CF_DEFINE_AUTO(X509_list, sk_X509_free);

static bool issues(X509 *x, X509_CRL *crl)
{
	return !X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(x));
}

/* Certificates for one CA: another date, another issuer, the same name and key. */
static bool same_ca(X509 *a, X509 *b)
{
	return !X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) &&
	       EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

static int latest_first(const void *a, const void *b)
{
	cf_time x = cf_asn1_time(X509_CRL_get0_lastUpdate(((const struct cf_pool_crl *)a)->crl));
	cf_time y = cf_asn1_time(X509_CRL_get0_lastUpdate(((const struct cf_pool_crl *)b)->crl));

	return (x < y) - (x > y);
}

void cf_pool_prepare_crls(struct cf_pool *pool)
{
	/* Of several deltas OpenSSL takes the first. */
	qsort(pool->crls, pool->n_crls, sizeof(*pool->crls), latest_first);
	for (size_t c = 0; c < pool->n_crls; c++) {
		struct cf_pool_crl *item = &pool->crls[c];

		for (size_t i = 0; i < pool->n && !item->signer; i++) {
			X509 *x = pool->items[i].x;

			if (issues(x, item->crl) &&
			    X509_CRL_verify(item->crl, X509_get0_pubkey(x)) == 1)
				item->signer = x;
		}
	}
	ERR_clear_error();
}

/* Does the path's anchor vouch for x as a signer of CRLs, through certificates of the path? */
static bool vouched(const struct cf_pool *pool, const struct cf_path *path, X509 *x)
{
	cf_auto(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	cf_auto(sk_X509_free) X509_list *between = sk_X509_new_null();
	cf_auto(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	bool ok;

	if (!store || !between || !ctx || path->end != CF_PATH_ANCHORED)
		return false;
	ok = X509_STORE_add_cert(store, path->certificates[path->n - 1]);
	for (size_t i = 1; i + 1 < path->n && ok; i++)
		ok = sk_X509_push(between, path->certificates[i]) > 0;
	ok = ok && X509_STORE_CTX_init(ctx, store, x, between);
	if (ok) {
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_time(param, (time_t)(pool->now / CF_SECOND));
		ok = X509_get_key_usage(x) & KU_CRL_SIGN && X509_verify_cert(ctx) == 1;
	}
	ERR_clear_error();
	return ok;
}

/* A CRL by somebody who is not in the path: 1 when it counts, 0, -1 without memory. */
static int by_another(const struct cf_pool *pool, const struct cf_path *path,
		      const struct cf_pool_crl *item, struct cf_path_crls *ret)
{
	for (size_t i = 0; i < pool->n; i++) {
		X509 *x = pool->items[i].x;

		if (!same_ca(x, item->signer))
			continue;
		/* Whatever comes of it now, these dates may bring another answer. */
		cf_sooner(&ret->next_change, cf_asn1_time(X509_get0_notBefore(x)), pool->now);
		cf_sooner(&ret->next_change, cf_asn1_time(X509_get0_notAfter(x)), pool->now);
		if (!vouched(pool, path, x))
			continue;
		return sk_X509_push(ret->signers, x) > 0 ? 1 : -1;
	}
	return 0;
}

static bool names(const GENERAL_NAMES *names, const X509_NAME *wanted)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DIRNAME && !X509_NAME_cmp(name->d.directoryName, wanted))
			return true;
	}
	return false;
}

/* Does x say that this one lists it in an indirect CRL (RFC 5280 section 4.2.1.13, cRLIssuer)? */
static bool refers_to(X509 *x, X509_CRL *crl)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_DIST_POINT_num(points) && !found; i++)
		found = names(sk_DIST_POINT_value(points, i)->CRLissuer, X509_CRL_get_issuer(crl));
	CRL_DIST_POINTS_free(points);
	return found;
}

/*
 * A CRL of another name than that of any issuer in the path is about others, unless indirect.
 * OpenSSL might prefer one that is about others to the right one with a flaw.
 */
static bool concerns(X509_CRL *crl, const struct cf_path *path)
{
	for (size_t i = 1; i < path->n; i++)
		if (issues(path->certificates[i], crl) || refers_to(path->certificates[i - 1], crl))
			return true;
	return false;
}

int cf_path_crls(const struct cf_pool *pool, const struct cf_path *path, struct cf_path_crls *ret)
{
	for (size_t c = 0; c < pool->n_crls; c++) {
		const struct cf_pool_crl *item = &pool->crls[c];
		int r = 0;

		if (!item->signer || !concerns(item->crl, path))
			continue;
		for (size_t i = 1; i < path->n && r == 0; i++)
			r = same_ca(path->certificates[i], item->signer);
		if (r == 0)
			r = by_another(pool, path, item, ret);
		if (r < 0 || (r > 0 && !sk_X509_CRL_push(ret->crls, item->crl)))
			return -1;
		if (r == 0)
			continue;
		cf_sooner(&ret->next_change, cf_asn1_time(X509_CRL_get0_lastUpdate(item->crl)),
			  pool->now);
		cf_sooner(&ret->next_change, cf_asn1_time(X509_CRL_get0_nextUpdate(item->crl)),
			  pool->now);
	}
	return 0;
}
