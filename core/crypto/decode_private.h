/* What decode.c keeps while it walks through a file. */
#pragma once

#include <openssl/pkcs12.h>

#include "core/crypto/armor_private.h"
#include "core/crypto/decode.h"
#include "core/crypto/ossl_private.h"

/* A password as OpenSSL takes it. */
struct cf_candidate {
	const char *text; /* NULL: none at all, which PKCS#12 tells from the empty one */
	int len;
};

struct cf_walk {
	struct cf_decoded out;
	size_t n_items, n_certificates, n_keys; /* that were looked at, the same again among them */
	bool saw_request;                       /* refused only when nothing else is there */

	struct cf_candidate candidates[2 * CF_PASSWORDS_MAX + 2];
	size_t n_candidates;
	size_t fits;        /* the candidate that opened something last */
	bool given;         /* a password was given */
	struct cf_buf held; /* the candidates that are not the caller's bytes */
	int64_t iterations; /* of all key derivations so far */
};

void cf_item_done(struct cf_item *item);
CF_DEFINE_DONE(struct cf_item, cf_item_done);

/*
 * Move an item into the walk, unless the same is there already; *item is empty or still to be
 * released afterwards. 0, -EFBIG, -ENOMEM.
 */
int cf_walk_keep(struct cf_walk *walk, struct cf_item *item, struct cf_err *err);

/* Add one object of DER; what it is, its structure says. 0 or an errno of cf_decode(). */
int cf_walk_der(struct cf_walk *walk, struct cf_span der, struct cf_err *err);

/* Add one certificate, one CRL. friendly_name may be NULL. 0 or an errno of cf_decode(). */
int cf_walk_certificate(struct cf_walk *walk, struct cf_span der, const char *friendly_name,
			struct cf_err *err);
int cf_walk_crl(struct cf_walk *walk, X509_CRL *crl, struct cf_err *err);

/*
 * Add a private key: PKCS#8 or the traditional forms of RSA (RFC 8017) and EC (RFC 5915) keys. Its
 * halves must belong together. friendly_name may be NULL. 0, -ENOMEM, -EBADMSG, -EINVAL.
 */
int cf_walk_key(struct cf_walk *walk, struct cf_span der, const char *friendly_name,
		struct cf_err *err);

/* Add all that is in a PKCS#12. 0 or an errno of cf_decode(). */
int cf_walk_pkcs12(struct cf_walk *walk, PKCS12 *p12, struct cf_err *err);

/* -- decode_password.c ------------------------------------------------------------------------ */

/* Set what is to be tried. passwords may be NULL. 0 or -ENOMEM. */
int cf_walk_candidates(struct cf_walk *walk, const struct cf_passwords *passwords,
		       struct cf_err *err);

/* Whether a candidate fits. */
typedef bool cf_unlock_fn(const struct cf_candidate *candidate, void *arg);

/* Try all, the one that fitted last first. 0, -ENOKEY, -EKEYREJECTED, -ENOMEM. */
int cf_walk_unlock(struct cf_walk *walk, cf_unlock_fn *try, void *arg, struct cf_err *err);

/* Count the iterations of a key derivation that is to come. 0, -EINVAL, -EBADMSG. */
int cf_walk_count(struct cf_walk *walk, const ASN1_INTEGER *iterations, struct cf_err *err);

/* The same for what an algorithm says; refuses those that OpenSSL can't do. */
int cf_walk_count_algorithm(struct cf_walk *walk, const X509_ALGOR *algorithm, struct cf_err *err);

/*
 * Decrypt bytes that are one object of an ASN.1 type; to be released with that type's function.
 * The algorithm was counted. 0, -ENOKEY, -EKEYREJECTED, -ENOMEM.
 */
int cf_walk_decrypt(struct cf_walk *walk, const X509_ALGOR *algorithm,
		    const ASN1_OCTET_STRING *bytes, const ASN1_ITEM *type, void *ret,
		    struct cf_err *err);

/* Add an encrypted PKCS#8 key (RFC 5958 section 3), already counted. 0 or as cf_walk_key(). */
int cf_walk_sealed_key(struct cf_walk *walk, const X509_SIG *sealed, const char *friendly_name,
		       struct cf_err *err);

/* Add a traditional key that is encrypted as RFC 1421 headers say. 0 or an errno of cf_decode(). */
int cf_walk_old_key(struct cf_walk *walk, struct cf_span headers, struct cf_span der,
		    struct cf_err *err);

CF_DEFINE_AUTO(X509_SIG, X509_SIG_free);
