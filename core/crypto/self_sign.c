/* Self-signed certificates; see self_sign.h. */
#include "core/crypto/self_sign.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "core/base/cleanup.h"
#include "core/crypto/profile_private.h"

#define SERIAL_SIZE 16 /* bytes */

CF_DEFINE_AUTO(BIGNUM, BN_free);
CF_DEFINE_AUTO(ASN1_TIME, ASN1_TIME_free);

static int set_name(X509 *x, struct cf_span der, struct cf_err *err)
{
	cf_auto(X509_NAME_free) X509_NAME *name = cf_profile_name(der);

	if (!name)
		return cf_ossl_fail(err, EIO, "setting the subject of a certificate");
	/* RFC 5280 section 4.1.2.4: an issuer has a name. */
	if (!X509_NAME_entry_count(name))
		return cf_fail(err, EINVAL,
			       "a self-signed certificate needs a name, and a CN of over 64 bytes "
			       "isn't in it; give a shorter one, or O=");
	if (X509_set_subject_name(x, name) != 1 || X509_set_issuer_name(x, name) != 1)
		return cf_ossl_fail(err, EIO, "setting the subject of a certificate");
	return 0;
}

/* Always 16 bytes and positive: the upper bit is clear, the next one set. */
static int set_serial(X509 *x, struct cf_err *err)
{
	cf_auto(BN_free) BIGNUM *number = NULL;
	unsigned char bytes[SERIAL_SIZE];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return cf_ossl_fail(err, EIO, "making a serial number");
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (!number || !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)))
		return cf_ossl_fail(err, EIO, "making a serial number");
	return 0;
}

/* The same day and time in five years; of a 29 February the day after. */
static int set_dates(X509 *x, cf_time now, struct cf_err *err)
{
	cf_auto(ASN1_TIME_free) ASN1_TIME *from = ASN1_TIME_new(), *to = ASN1_TIME_new();
	time_t seconds = (time_t)(now / CF_SECOND), end = -1;
	struct tm tm;

	if (gmtime_r(&seconds, &tm)) {
		tm.tm_year += CF_SELF_SIGNED_YEARS;
		end = timegm(&tm);
	}
	if (!from || !to || end == -1 || !ASN1_TIME_set(from, seconds) || !ASN1_TIME_set(to, end) ||
	    X509_set1_notBefore(x, from) != 1 || X509_set1_notAfter(x, to) != 1)
		return cf_ossl_fail(err, EIO, "setting the dates of a certificate");
	return 0;
}

static int add_key_id(X509 *x, struct cf_span given, struct cf_err *err)
{
	cf_auto(ASN1_OCTET_STRING_free) ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (!given.len && X509_pubkey_digest(x, EVP_sha1(), digest, &n) == 1)
		given = cf_span(digest, n);
	if (!id || !given.len || given.len > INT_MAX ||
	    ASN1_OCTET_STRING_set(id, given.data, (int)given.len) != 1 ||
	    X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, X509V3_ADD_APPEND) != 1)
		return cf_ossl_fail(err, EIO, "adding a key identifier to a certificate");
	return 0;
}

static int add_extensions(X509 *x, const char *domains, struct cf_err *err)
{
	cf_auto(cf_extensions_free) X509_EXTENSIONS *list = NULL;
	int r = cf_profile(domains, false, &list, err);

	for (int i = 0; r == 0 && i < sk_X509_EXTENSION_num(list); i++)
		if (X509_add_ext(x, sk_X509_EXTENSION_value(list, i), -1) != 1)
			r = cf_ossl_fail(err, EIO, "adding the extensions to a certificate");
	return r;
}

int cf_self_sign(const struct cf_key *key, const struct cf_self_sign *what, struct cf_buf *out,
		 struct cf_err *err)
{
	cf_auto(X509_free) X509 *x = X509_new();
	unsigned char *der = NULL;
	int n, r;

	if (!x || X509_set_version(x, X509_VERSION_3) != 1 || X509_set_pubkey(x, key->pkey) != 1)
		return cf_ossl_fail(err, EIO, "making a certificate");
	r = set_name(x, what->subject, err);
	if (r == 0)
		r = set_serial(x, err);
	if (r == 0)
		r = set_dates(x, what->now, err);
	if (r == 0)
		r = add_extensions(x, what->domains, err);
	if (r == 0)
		r = add_key_id(x, what->subject_key_id, err);
	if (r < 0)
		return r;
	if (X509_sign(x, key->pkey, EVP_sha256()) <= 0)
		return cf_ossl_fail(err, EIO, "signing a certificate");
	n = i2d_X509(x, &der);
	if (n < 0)
		return cf_ossl_fail(err, EIO, "encoding a certificate");
	r = cf_buf_append(out, der, (size_t)n, err);
	OPENSSL_free(der);
	cf_ossl_drain();
	return r;
}

int cf_subject_key_id_parse(const char *text, struct cf_buf *out, struct cf_err *err)
{
	uint8_t bytes[CF_SUBJECT_KEY_ID_MAX];
	size_t n = 0;

	for (const char *p = text; *p;) {
		char pair[3] = { p[0], p[1], 0 };

		if (*p == ' ' || *p == ':') {
			p++;
			continue;
		}
		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
			return cf_fail(err, EINVAL, "'%s': it is written as pairs of hex digits",
				       text);
		if (n == sizeof(bytes))
			return cf_fail(err, EINVAL, "a key identifier has at most %d bytes",
				       CF_SUBJECT_KEY_ID_MAX);
		bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
		p += 2;
	}
	if (!n)
		return cf_fail(err, EINVAL, "a key identifier has at least one byte");
	return cf_buf_append(out, bytes, n, err);
}
