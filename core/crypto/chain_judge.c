/* Judging one path: OpenSSL verifies it, its complaints become a status and a sentence. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "core/crypto/chain_private.h"

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
	case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
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

/*
 * OpenSSL looks for the certificate in a CRL even after the complaint that this one is about
 * others, or that nobody may use it.
 */
static bool makes_useless(int error)
{
	return error == X509_V_ERR_DIFFERENT_CRL_SCOPE ||
	       error == X509_V_ERR_KEYUSAGE_NO_CRL_SIGN ||
	       error == X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION ||
	       error == X509_V_ERR_CRL_PATH_VALIDATION_ERROR ||
	       error == X509_V_ERR_CRL_SIGNATURE_FAILURE;
}

/* Remember an error of its kind. Nearest to the leaf: a certificate is blamed before its issuer. */
static void note(struct cf_hearing *h, enum cf_complaint_kind kind, int error, int depth)
{
	struct cf_complaint *first = &h->first[kind];

	h->complaints++;
	if (first->error == X509_V_OK || depth < first->depth)
		*first = (struct cf_complaint){ .error = error, .depth = depth };
}

/* Hear every complaint instead of stopping at the first: which one decides is the order of Status. */
static int hear(int ok, X509_STORE_CTX *ctx)
{
	X509_STORE_CTX *parent = X509_STORE_CTX_get0_parent_ctx(ctx);
	struct cf_hearing *h = X509_STORE_CTX_get_app_data(parent ? parent : ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	enum cf_complaint_kind kind = classify(error);

	if (ok)
		return ok;
	if (error == X509_V_ERR_OUT_OF_MEM)
		h->memory = true;
	if (makes_useless(error))
		h->useless[parent != NULL] = true;
	if (kind == CF_COMPLAINT_IGNORED ||
	    (error == X509_V_ERR_CERT_REVOKED && h->useless[parent != NULL]))
		return 1;
	/*
	 * Of a CRL's signer: what is wrong with it is wrong with the CRL, which OpenSSL then says.
	 * It doesn't look for the signers of the signer's CRLs.
	 */
	if (parent)
		return error == X509_V_ERR_CRL_PATH_VALIDATION_ERROR;
	/* The whole path has no policy; OpenSSL leaves the depth of something else. */
	note(h, kind, error,
	     error == X509_V_ERR_NO_EXPLICIT_POLICY ? 0 : X509_STORE_CTX_get_error_depth(ctx));
	return 1;
}

/*
 * OpenSSL's own, with the note that another CRL, or one with its delta, is looked at from here.
 * OpenSSL takes a delta for as good as its base, however old it is.
 */
static int check_crl(X509_STORE_CTX *ctx, X509_CRL *crl)
{
	X509_STORE_CTX *parent = X509_STORE_CTX_get0_parent_ctx(ctx);
	struct cf_hearing *h = X509_STORE_CTX_get_app_data(parent ? parent : ctx);

	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0)
		h->useless[parent != NULL] = false;
	else if (!parent && cf_asn1_time(X509_CRL_get0_nextUpdate(crl)) <= h->now)
		note(h, CF_COMPLAINT_CRL, X509_V_ERR_CRL_HAS_EXPIRED,
		     X509_STORE_CTX_get_error_depth(ctx));
	return h->check_crl(ctx, crl);
}

/*
 * The path was found already; names alone must not lead OpenSSL to another twin. What OpenSSL does
 * not take for self-signed (its own key, but another's key identifier) has no issuer, or it would
 * become its own and need to be a CA; as a trusted leaf it stands by itself.
 */
static int next_in_path(X509_STORE_CTX *ctx, X509 *x, X509 *issuer)
{
	X509_STORE_CTX *parent = X509_STORE_CTX_get0_parent_ctx(ctx);
	const struct cf_hearing *h = X509_STORE_CTX_get_app_data(parent ? parent : ctx);
	const struct cf_path *path = h->path;

	for (size_t i = 0; i < path->n; i++)
		if (path->certificates[i] == x)
			return i + 1 < path->n ? path->certificates[i + 1] == issuer
					       : x == issuer && X509_self_signed(x, 0) == 1;
	return parent && X509_check_issued(issuer, x) == X509_V_OK;
}

/* Into the store what is trusted, into between what is not: the path, and signers of CRLs. */
static bool fill(const struct cf_path *path, const struct cf_path_crls *crls, X509_STORE *store,
		 X509_list *between)
{
	bool ok = true;

	for (size_t i = 0; i < path->n && ok; i++) {
		bool anchor = i == path->n - 1 && path->end == CF_PATH_ANCHORED;

		if (anchor)
			ok = X509_STORE_add_cert(store, path->certificates[i]);
		else if (i > 0)
			ok = sk_X509_push(between, path->certificates[i]) > 0;
	}
	for (int i = 0; i < sk_X509_num(crls->signers) && ok; i++)
		ok = sk_X509_push(between, sk_X509_value(crls->signers, i)) > 0;
	return ok;
}

static bool set_rules(X509_STORE_CTX *ctx, cf_time now, const struct cf_path_crls *crls)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK;

	if (sk_X509_CRL_num(crls->crls)) {
		X509_STORE_CTX_set0_crls(ctx, crls->crls);
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
			 X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS;
	}
	X509_VERIFY_PARAM_set_flags(param, flags);
	X509_VERIFY_PARAM_set_time(param, (time_t)(now / CF_SECOND));
	X509_VERIFY_PARAM_set_depth(param, CF_PATH_MAX);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	/* Whichever policy: OpenSSL's "none given" would be none that may be required. */
	return X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy));
}

/* Verify the path; 0 when h holds every complaint, -ENOMEM. */
static int verify(const struct cf_pool *pool, const struct cf_path_crls *crls, struct cf_hearing *h)
{
	const struct cf_path *path = h->path;
	cf_auto(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	cf_auto(sk_X509_free) X509_list *between = sk_X509_new_null();
	cf_auto(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (!store || !ctx || !between || !fill(path, crls, store, between))
		return -ENOMEM;
	/* What OpenSSL would call is only told by a context that would call it. */
	if (!X509_STORE_CTX_init(ctx, store, path->certificates[0], between))
		return -ENOMEM;
	h->check_crl = X509_STORE_CTX_get_check_crl(ctx);
	X509_STORE_CTX_cleanup(ctx);
	X509_STORE_set_check_issued(store, next_in_path);
	X509_STORE_set_check_crl(store, check_crl);
	if (!X509_STORE_CTX_init(ctx, store, path->certificates[0], between))
		return -ENOMEM;
	X509_STORE_CTX_set_app_data(ctx, h);
	X509_STORE_CTX_set_verify_cb(ctx, hear);
	if (!set_rules(ctx, pool->now, crls))
		return -ENOMEM;
	/* Anything below 1 that the callback did not hear of is something else gone wrong. */
	if (X509_verify_cert(ctx) <= 0 && h->first[CF_COMPLAINT_UNKNOWN].error == X509_V_OK)
		h->first[CF_COMPLAINT_UNKNOWN].error = X509_V_ERR_UNSPECIFIED;
	ERR_clear_error();
	return h->memory ? -ENOMEM : 0;
}

void cf_sooner(cf_time *next, cf_time t, cf_time now)
{
	if (t > now && t < *next)
		*next = t;
}

/*
 * When a date makes another verdict possible. No date brings back what has expired or was
 * revoked; otherwise every date ahead counts.
 */
static cf_time next_change(const struct cf_pool *pool, const struct cf_path *path, cf_time of_crls,
			   enum cf_verdict_status status)
{
	cf_time next = of_crls;

	if (status == CF_VERDICT_REVOKED)
		return CF_NEVER;
	for (size_t i = 0; i < path->n; i++) {
		X509 *x = path->certificates[i];

		if (cf_asn1_time(X509_get0_notAfter(x)) <= pool->now)
			return CF_NEVER;
		cf_sooner(&next, cf_asn1_time(X509_get0_notBefore(x)), pool->now);
		cf_sooner(&next, cf_asn1_time(X509_get0_notAfter(x)), pool->now);
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
	cf_auto(sk_X509_CRL_free) X509_CRL_list *list = sk_X509_CRL_new_null();
	cf_auto(sk_X509_free) X509_list *signers = sk_X509_new_null();
	struct cf_path_crls crls = { .crls = list, .signers = signers, .next_change = CF_NEVER };
	struct cf_hearing h = { .path = path, .now = pool->now };

	if (!list || !signers || cf_path_crls(pool, path, &crls) < 0 || verify(pool, &crls, &h) < 0)
		return cf_fail_memory(err);
	ret->status = decide(&h);
	ret->complaints = h.complaints;
	ret->next_change = next_change(pool, path, crls.next_change, ret->status);
	return cf_path_reason(&h, ret->status, ret->reason, err);
}
