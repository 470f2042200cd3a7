/* What the rest of this folder reads from a parsed certificate. */
#pragma once

#include "core/crypto/certificate.h"
#include "core/crypto/ossl_private.h"

/* Parse one whole DER certificate. NULL with -EBADMSG or -ENOMEM recorded in err. */
X509 *cf_x509_parse(struct cf_span der, struct cf_err *err);

/* cf_dn_show() or cf_dn_common_name(). */
typedef int cf_show_fn(struct cf_span der, struct cf_buf *out, struct cf_err *err);

/* A name through one of them as a new string (free()). 0, -ENOMEM, -EBADMSG. */
int cf_x509_name_text(const X509_NAME *name, cf_show_fn *show, char **ret, struct cf_err *err);

/* A date in cf_time; false, with notes in OpenSSL's queue, when it makes no sense. */
bool cf_x509_time(const ASN1_TIME *t, cf_time *ret);

/* Subject and issuer are the same name. */
bool cf_x509_self_issued(X509 *x);

/* The signature of x verifies with the key of issuer; names are not looked at. */
bool cf_x509_signed_by(X509 *x, X509 *issuer);

/*
 * Refuse keys that certfs does not take: RSA under 2048 or over 8192 bits, curves under 224, other
 * kinds. whose starts the sentence. 0 or -EINVAL.
 */
int cf_pkey_check(EVP_PKEY *key, const char *whose, struct cf_err *err);

/* SHA-256 of the SubjectPublicKeyInfo. 0, -EBADMSG, -EIO. */
int cf_x509_spki_sum(X509 *x, uint8_t out[CF_SHA256_SIZE], struct cf_err *err);

/* Append the DNS names and addresses among names, a newline between each two. 0, -ENOMEM. */
int cf_domains_text(const GENERAL_NAMES *names, struct cf_buf *out, struct cf_err *err);

/*
 * Append the fields of struct cf_cert_info of the same names; nothing when the extension is
 * absent. 0, -ENOMEM, or -EBADMSG when the extension is damaged or there twice.
 */
int cf_x509_domains(X509 *x, struct cf_buf *out, struct cf_err *err);
int cf_x509_key_algorithm(X509 *x, struct cf_buf *out, struct cf_err *err);
int cf_x509_signature_algorithm(X509 *x, struct cf_buf *out, struct cf_err *err);
int cf_x509_enhanced_key_usage(X509 *x, struct cf_buf *out, struct cf_err *err);
int cf_x509_key_usage(X509 *x, struct cf_buf *out, struct cf_err *err);
