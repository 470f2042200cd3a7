/* Making sense of a dropped file: DER or PEM, one certificate or a bundle, PKCS#7, PKCS#12. */
#pragma once

#include "core/crypto/certificate.h"

#define CF_DROP_MAX (1024 * 1024) /* bytes of a dropped file */
#define CF_DROP_CERTS_MAX 100     /* certificates in it */
#define CF_DROP_ITEMS_MAX 128     /* with keys and CRLs */
#define CF_DROP_KEYS_MAX 16       /* private keys */
#define CF_PASSWORDS_MAX 16       /* passwords that are tried */

/* A key derivation may take this long, and all of a file together. */
#define CF_ITERATIONS_MAX 5000000
#define CF_ITERATIONS_SUM_MAX 6000000

/* What may open what is encrypted in a file, in the order to try; borrowed, UTF-8. */
struct cf_passwords {
	const struct cf_span *items;
	size_t n; /* at most CF_PASSWORDS_MAX */
};

enum cf_item_kind {
	CF_ITEM_CERTIFICATE = 1,
	CF_ITEM_CRL = 2,
	CF_ITEM_KEY = 3, /* PKCS#8 DER, decrypted: secret; beside a certificate only */
};

struct cf_item {
	enum cf_item_kind kind;
	struct cf_buf der;        /* as re-encoded */
	struct cf_cert_info info; /* of a certificate; of a key only spki_sum, the rest is zero */
	char *friendly_name; /* of a key or certificate in a PKCS#12, safe to show; NULL: none */
};

/* Zero-initialise; duplicates are dropped, the order is the file's. */
struct cf_decoded {
	struct cf_item *items;
	size_t n;
};

/*
 * Decode bytes of a file: DER certificate, PEM with any text around and any number of blocks
 * (CERTIFICATE, X509 CERTIFICATE, PKCS7, PKCS #7 SIGNED DATA, CMS, X509 CRL: the content decides
 * which of them it is; PRIVATE KEY, RSA and EC PRIVATE KEY, encrypted or not, beside a
 * certificate; others are text), PKCS#7 DER, PKCS#12 (RFC 7292) with everything in it, CRL DER,
 * bare Base64 of one of these; LF, CRLF or CR, lines of any length, BOM, UTF-16 with BOM.
 * RFC 5280, RFC 7468, RFC 2315 section 9.1.
 *
 * bytes      of the file; borrowed
 * passwords  tried in their order on all that is encrypted, and then the empty password and none;
 *            NULL: only these two
 * ret        filled on success, released with cf_decoded_done(); untouched on failure
 *
 * 0; -EBADMSG: nothing of that is in it, or it is damaged (bytes after DER too); -EINVAL: a
 * request, a bare key, TRUSTED CERTIFICATE, keys that cf_cert_parse() does not take, key
 * derivations over CF_ITERATIONS_MAX (checked before any is begun) or of an unknown kind, each with
 * its sentence; -ENOKEY: it needs a password, and none was given; -EKEYREJECTED: none of them
 * fits; -EFBIG: over CF_DROP_MAX bytes, CF_DROP_CERTS_MAX certificates, CF_DROP_KEYS_MAX keys
 * or CF_DROP_ITEMS_MAX items, each counted as often as it is there;
 * -ENOMEM.
 */
int cf_decode(struct cf_span bytes, const struct cf_passwords *passwords, struct cf_decoded *ret,
	      struct cf_err *err);

void cf_decoded_done(struct cf_decoded *decoded);
CF_DEFINE_DONE(struct cf_decoded, cf_decoded_done);
