/* Self-signed certificates (RFC 5280) with the profile of Exchange's own. */
#pragma once

#include "core/base/clock.h"
#include "core/crypto/key.h"

#define CF_SELF_SIGNED_YEARS 5
#define CF_SUBJECT_KEY_ID_MAX 64 /* bytes: no digest is longer */

struct cf_self_sign {
	struct cf_span subject; /* Name as DER, not empty: it is the issuer too */
	const char *domains;    /* as for cf_request_build() */
	struct cf_span
		subject_key_id; /* empty: SHA-1 of the public key, RFC 5280 section 4.2.1.2 */
	cf_time now;            /* notBefore, without its fraction of a second */
};

/*
 * Make a certificate and sign it with its own key, SHA-256: serial of 16 random bytes, five years by the
 * calendar, the extensions of cf_request_build() and a subjectKeyIdentifier.
 *
 * key   borrowed
 * what  borrowed
 * out   the certificate's DER is appended; unchanged on failure
 *
 * 0; -EINVAL: an empty subject, or a name that cf_name_domain() refuses; -ENOMEM, -EIO.
 */
int cf_self_sign(const struct cf_key *key, const struct cf_self_sign *what, struct cf_buf *out,
		 struct cf_err *err);

/*
 * The bytes of a key identifier that was written as hex digits; blanks and colons between them don't
 * count. Appended to out. 0; -EINVAL: not that, or over CF_SUBJECT_KEY_ID_MAX bytes; -ENOMEM.
 */
int cf_subject_key_id_parse(const char *text, struct cf_buf *out, struct cf_err *err);
