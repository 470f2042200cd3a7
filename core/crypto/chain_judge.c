/* Judging one path: OpenSSL verifies it, its complaints become a status and a sentence. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "core/crypto/chain_private.h"

typedef STACK_OF(X509) X509_list;
typedef STACK_OF(X509_CRL) X509_CRL_list;

CF_DEFINE_AUTO(X509_STORE, X509_STORE_free);
CF_DEFINE_AUTO(X509_STORE_CTX, X509_STORE_CTX_free);
CF_DEFINE_AUTO(X509_list, sk_X509_free);
CF_DEFINE_AUTO(X509_CRL_list, sk_X509_CRL_free);

static enum cf_complaint_kind classify(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_REVOKED:
		return CF_COMPLAINT_REVOKED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CF_COMPLAINT_DATE;
	/* Why a path does not end in an anchor is known from cf_path_end. */
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return CF_COMPLAINT_UNTRUSTED;
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
		return CF_COMPLAINT_CRL;
	/* An issuer without a CRL, or with one for other certificates, is not checked. */
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
		return CF_COMPLAINT_IGNORED;
	case X509_V_ERR_UNSPECIFIED:
	case X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM:
	case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
	case X509_V_ERR_SUBTREE_MINMAX:
		return CF_COMPLAINT_UNKNOWN;
	default:
		return CF_COMPLAINT_INVALID;
	}
}

/* Hear every complaint instead of stopping at the first: which one decides is section 5's order. */
static int hear(int ok, X509_STORE_CTX *ctx)
{
	struct cf_hearing *h = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);
	struct cf_complaint *first;
	enum cf_complaint_kind kind;

	if (ok)
		return ok;
	if (error == X509_V_ERR_OUT_OF_MEM)
		h->memory = true;
	kind = classify(error);
	if (kind == CF_COMPLAINT_IGNORED)
		return 1;
	/* Nearest to the leaf: a certificate is blamed before its issuer. */
	first = &h->first[kind];
	if (first->error == X509_V_OK || depth < first->depth)
		*first = (struct cf_complaint){ .error = error, .depth = depth };
	return 1;
}

/*
 * The path was found already; names alone must not lead OpenSSL to another twin. What OpenSSL does
 * not take for self-signed (its own key, but another's key identifier) has no issuer, or it would
 * become its own and need to be a CA; as a trusted leaf it stands by itself.
 */
static int next_in_path(X509_STORE_CTX *ctx, X509 *x, X509 *issuer)
{
	const struct cf_hearing *h = X509_STORE_CTX_get_app_data(ctx);
	const struct cf_path *path = h->path;

	for (size_t i = 0; i < path->n; i++)
		if (path->certificates[i] == x)
			return i + 1 < path->n ? path->certificates[i + 1] == issuer
					       : x == issuer && X509_self_signed(x, 0) == 1;
	return 0;
}

/* A CRL counts for the path when one of its issuers really signed it. */
static bool crl_counts(X509_CRL *crl, const struct cf_path *path)
{
	for (size_t i = 1; i < path->n; i++) {
		X509 *issuer = path->certificates[i];
		bool ok;

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)))
			continue;
		ok = X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
		ERR_clear_error();
		if (ok)
			return true;
	}
	return false;
}

/* Verify the path; 0 when h holds every complaint, -ENOMEM. */
static int verify(const struct cf_pool *pool, X509_CRL_list *crls, struct cf_hearing *h)
{
	const struct cf_path *path = h->path;
	size_t last = path->n - 1;
	cf_auto(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	cf_auto(sk_X509_free) X509_list *between = sk_X509_new_null();
	cf_auto(sk_X509_free) X509_list *trusted = sk_X509_new_null();
	cf_auto(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
	X509_VERIFY_PARAM *param;

	if (!store || !ctx || !between || !trusted)
		return -ENOMEM;
	for (size_t i = 0; i < path->n; i++) {
		bool anchor = i == last && path->end == CF_PATH_ANCHORED;

		if ((anchor || i > 0) &&
		    !sk_X509_push(anchor ? trusted : between, path->certificates[i]))
			return -ENOMEM;
	}
	X509_STORE_set_check_issued(store, next_in_path);
	if (!X509_STORE_CTX_init(ctx, store, path->certificates[0], between))
		return -ENOMEM;
	X509_STORE_CTX_set_app_data(ctx, h);
	X509_STORE_CTX_set_verify_cb(ctx, hear);
	X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
	if (sk_X509_CRL_num(crls)) {
		X509_STORE_CTX_set0_crls(ctx, crls);
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	}
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, flags);
	X509_VERIFY_PARAM_set_time(param, (time_t)(pool->now / CF_SECOND));
	X509_VERIFY_PARAM_set_depth(param, CF_PATH_MAX);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	/* Anything below 1 that the callback did not hear of is something else gone wrong. */
	if (X509_verify_cert(ctx) <= 0 && h->first[CF_COMPLAINT_UNKNOWN].error == X509_V_OK)
		h->first[CF_COMPLAINT_UNKNOWN].error = X509_V_ERR_UNSPECIFIED;
	ERR_clear_error();
	return h->memory ? -ENOMEM : 0;
}

static void sooner(cf_time *next, cf_time t, cf_time now)
{
	if (t > now && t < *next)
		*next = t;
}

/*
 * When a date makes another verdict possible. No date brings back what has expired or was
 * revoked; otherwise every date ahead counts.
 */
static cf_time next_change(const struct cf_pool *pool, const struct cf_path *path,
			   X509_CRL_list *crls, enum cf_verdict_status status)
{
	cf_time next = CF_NEVER;

	if (status == CF_VERDICT_REVOKED)
		return CF_NEVER;
	for (size_t i = 0; i < path->n; i++) {
		X509 *x = path->certificates[i];

		if (cf_asn1_time(X509_get0_notAfter(x)) <= pool->now)
			return CF_NEVER;
		sooner(&next, cf_asn1_time(X509_get0_notBefore(x)), pool->now);
		sooner(&next, cf_asn1_time(X509_get0_notAfter(x)), pool->now);
	}
	for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i);

		sooner(&next, cf_asn1_time(X509_CRL_get0_lastUpdate(crl)), pool->now);
		sooner(&next, cf_asn1_time(X509_CRL_get0_nextUpdate(crl)), pool->now);
	}
	return next;
}

static enum cf_verdict_status decide(const struct cf_hearing *h)
{
	enum cf_path_end end = h->path->end;
	const struct cf_complaint *first = h->first;

	if (first[CF_COMPLAINT_REVOKED].error)
		return CF_VERDICT_REVOKED;
	if (first[CF_COMPLAINT_DATE].error)
		return CF_VERDICT_DATE_INVALID;
	if (first[CF_COMPLAINT_INVALID].error || end == CF_PATH_BAD_SIGNATURE ||
	    end == CF_PATH_MAY_NOT_SIGN || end == CF_PATH_TOO_LONG)
		return CF_VERDICT_INVALID;
	if (first[CF_COMPLAINT_UNTRUSTED].error || end != CF_PATH_ANCHORED)
		return CF_VERDICT_UNTRUSTED;
	if (first[CF_COMPLAINT_CRL].error)
		return CF_VERDICT_REVOCATION_CHECK_FAILURE;
	return first[CF_COMPLAINT_UNKNOWN].error ? CF_VERDICT_UNKNOWN : CF_VERDICT_VALID;
}

int cf_path_judge(const struct cf_pool *pool, const struct cf_path *path, struct cf_judgement *ret,
		  struct cf_err *err)
{
	cf_auto(sk_X509_CRL_free) X509_CRL_list *crls = sk_X509_CRL_new_null();
	struct cf_hearing h = { .path = path };

	if (!crls)
		return cf_fail_memory(err);
	for (size_t i = 0; i < pool->n_crls; i++)
		if (crl_counts(pool->crls[i], path) && !sk_X509_CRL_push(crls, pool->crls[i]))
			return cf_fail_memory(err);
	if (verify(pool, crls, &h) < 0)
		return cf_fail_memory(err);
	ret->status = decide(&h);
	ret->next_change = next_change(pool, path, crls, ret->status);
	return cf_path_reason(&h, ret->status, ret->reason, err);
}
