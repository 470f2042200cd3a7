/* What certfs keeps of a certificate (RFC 5280) besides its DER. Only decoders parse. */
#pragma once

#include <stdbool.h>

#include "core/base/clock.h"
#include "core/crypto/seal.h"

/* Texts are UTF-8, safe to show, never NULL, owned; lists have one entry per line, no final LF. */
struct cf_cert_info {
	char *subject; /* as cf_dn_show() */
	char *issuer;
	char *common_name;   /* "" when there is none */
	char *domains;       /* dNSName and iPAddress of subjectAltName; without any, the CN */
	char *serial;        /* upper-case hex of the INTEGER's bytes, without sign padding */
	char *key_algorithm; /* "RSA", "ECC", else OpenSSL's long name */
	char *signature_algorithm; /* Windows' names: "sha256RSA", "sha384ECDSA", else OpenSSL's */
	char *enhanced_key_usage;  /* "Server Authentication (1.3.6.1.5.5.7.3.1)" a line */
	char *key_usage;      /* "DigitalSignature, KeyEncipherment" (one line); "" if absent */
	char *subject_key_id; /* hex, upper case; "" when absent */
	uint8_t sha1[CF_SHA1_SIZE];       /* thumbprint: of the DER */
	uint8_t sha256[CF_SHA256_SIZE];   /* of the DER */
	uint8_t spki_sum[CF_SHA256_SIZE]; /* of the SubjectPublicKeyInfo DER */
	cf_time not_before;
	cf_time not_after;
	int version;      /* 1 to 3 */
	int key_bits;     /* modulus or field size */
	bool is_ca;       /* basicConstraints cA, or v1 and self-signed */
	bool self_issued; /* subject and issuer are the same name */
	bool self_signed; /* and its signature verifies with its own key */
};

/*
 * Parse one certificate's DER (RFC 5280 section 4.1), refuse what certfs does not take, and fill
 * ret. Taken are RSA keys of 2048 to 8192 bits, named curves of 224 bits and more, Ed25519, Ed448.
 *
 * der        borrowed
 * ret        filled on success, released with cf_cert_info_done(); untouched on failure
 * canonical  gets the DER as re-encoded appended, which is what the digests are of; or NULL
 *
 * 0, -ENOMEM, -EBADMSG (not a certificate, a damaged one, bytes after it), -EINVAL (its key is one
 * that certfs does not take; the sentence starts with the subject).
 */
int cf_cert_parse(struct cf_span der, struct cf_cert_info *ret, struct cf_buf *canonical,
		  struct cf_err *err);

void cf_cert_info_done(struct cf_cert_info *info);
CF_DEFINE_DONE(struct cf_cert_info, cf_cert_info_done);
