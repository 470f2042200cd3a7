/* Parsing one certificate and refusing what certfs does not take; see certificate.h. */
#include "core/crypto/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/certificate_private.h"
#include "core/crypto/dn.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define EC_BITS_MIN 224

/* Give buf's bytes away as a string; an empty buffer is an empty string. */
static int to_text(struct cf_buf *buf, char **ret, struct cf_err *err)
{
	/* The buffer keeps a NUL behind its bytes only once something was appended. */
	int r = cf_buf_append(buf, "", 0, err);

	if (r < 0)
		return r;
	*ret = buf->data;
	*buf = (struct cf_buf){ 0 };
	return 0;
}

int cf_x509_name_text(const X509_NAME *name, cf_show_fn *show, char **ret, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	const unsigned char *der;
	size_t len;
	int r;

	if (!X509_NAME_get0_der(name, &der, &len))
		return cf_ossl_fail(err, EBADMSG, "a certificate's name");
	r = show(cf_span(der, len), &text, err);
	return r < 0 ? r : to_text(&text, ret, err);
}

/* Curves must come by name (RFC 5480 section 2.1.1): parameters may describe a weak one. */
static bool has_explicit_curve(X509 *x)
{
	const ASN1_OBJECT *oid;
	X509_ALGOR *algorithm;
	int type;

	if (!X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(x)))
		return false;
	X509_ALGOR_get0(&oid, &type, NULL, algorithm);
	return OBJ_obj2nid(oid) == NID_X9_62_id_ecPublicKey && type != V_ASN1_OBJECT;
}

int cf_pkey_check(EVP_PKEY *key, const char *whose, struct cf_err *err)
{
	int bits = EVP_PKEY_get_bits(key);

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
			return 0;
		return cf_fail(err, EINVAL, "%s: an RSA key of %d bits; %d to %d are accepted",
			       whose, bits, RSA_BITS_MIN, RSA_BITS_MAX);
	case EVP_PKEY_EC:
		if (bits >= EC_BITS_MIN)
			return 0;
		return cf_fail(err, EINVAL,
			       "%s: an elliptic curve of %d bits; at least %d are accepted", whose,
			       bits, EC_BITS_MIN);
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return 0;
	default:
		return cf_fail(err, EINVAL, "%s: only RSA and elliptic curve keys are accepted",
			       whose);
	}
}

static int check_key(X509 *x, const char *subject, struct cf_err *err)
{
	EVP_PKEY *key;

	if (has_explicit_curve(x))
		return cf_fail(err, EINVAL,
			       "%s: an elliptic curve given by its parameters; only named curves "
			       "are accepted",
			       subject);
	key = X509_get0_pubkey(x);
	if (!key) {
		ERR_clear_error();
		return cf_fail(err, EINVAL, "%s: a public key of an unknown kind, or a damaged one",
			       subject);
	}
	return cf_pkey_check(key, subject, err);
}

bool cf_x509_time(const ASN1_TIME *t, cf_time *ret)
{
	const struct tm epoch = { .tm_year = 70, .tm_mday = 1 };
	struct tm tm = { 0 };
	int days, seconds;

	/* Not timegm(): it reads the time zone's file, and a decoder may not open any. */
	if (!ASN1_TIME_to_tm(t, &tm) || !OPENSSL_gmtime_diff(&days, &seconds, &epoch, &tm))
		return false;
	*ret = cf_time_from_seconds((int64_t)days * 86400 + seconds);
	return true;
}

static int get_time(const ASN1_TIME *t, cf_time *ret, struct cf_err *err)
{
	return cf_x509_time(t, ret) ? 0 : cf_ossl_fail(err, EBADMSG, "a date of the certificate");
}

/* The INTEGER's content bytes as they stand in the DER, without a zero that only shows the sign. */
static int get_serial(X509 *x, char **ret, struct cf_err *err)
{
	unsigned char *der = NULL;
	const unsigned char *p;
	int tag, class, len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);
	long n;

	if (len <= 0)
		return cf_ossl_fail(err, EBADMSG, "the certificate's serial number");
	p = der;
	ASN1_get_object(&p, &n, &tag, &class, len);
	if (n > 1 && p[0] == 0) {
		p++;
		n--;
	}
	*ret = malloc(2 * (size_t)n + 1);
	if (*ret)
		cf_text_hex(p, (size_t)n, *ret);
	OPENSSL_free(der);
	return *ret ? 0 : cf_fail_memory(err);
}

static int get_key_id(X509 *x, char **ret, struct cf_err *err)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(x);
	size_t n = id ? (size_t)ASN1_STRING_length(id) : 0;

	*ret = malloc(2 * n + 1);
	if (!*ret)
		return cf_fail_memory(err);
	cf_text_hex(id ? ASN1_STRING_get0_data(id) : NULL, n, *ret);
	return 0;
}

int cf_x509_spki_sum(X509 *x, uint8_t out[CF_SHA256_SIZE], struct cf_err *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	int r;

	if (len <= 0)
		return cf_ossl_fail(err, EBADMSG, "the certificate's public key");
	r = cf_sha256(cf_span(der, (size_t)len), out, err);
	OPENSSL_free(der);
	return r;
}

bool cf_x509_self_issued(X509 *x)
{
	return !X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x));
}

bool cf_x509_signed_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool ok = key && X509_verify(x, key) == 1;

	ERR_clear_error();
	return ok;
}

/* Everything that is a number, a date or a flag. */
static int fill_facts(X509 *x, struct cf_cert_info *info, struct cf_err *err)
{
	long version = X509_get_version(x) + 1;
	uint32_t flags = X509_get_extension_flags(x);
	int r;

	if (version < 1 || version > 3)
		return cf_fail(err, EBADMSG, "%s: a certificate of an unknown version",
			       info->subject);
	info->version = (int)version;
	info->key_bits = EVP_PKEY_get_bits(X509_get0_pubkey(x));
	info->self_issued = cf_x509_self_issued(x);
	info->self_signed = info->self_issued && cf_x509_signed_by(x, x);
	info->is_ca = (flags & EXFLAG_CA) || (version == 1 && info->self_signed);
	ERR_clear_error();
	r = get_time(X509_get0_notBefore(x), &info->not_before, err);
	return r < 0 ? r : get_time(X509_get0_notAfter(x), &info->not_after, err);
}

/* Lists and words from algorithms and extensions. */
static int fill_texts(X509 *x, struct cf_cert_info *info, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	const struct {
		int (*put)(X509 *x, struct cf_buf *out, struct cf_err *err);
		char **ret;
	} parts[] = {
		{ cf_x509_domains, &info->domains },
		{ cf_x509_key_algorithm, &info->key_algorithm },
		{ cf_x509_signature_algorithm, &info->signature_algorithm },
		{ cf_x509_enhanced_key_usage, &info->enhanced_key_usage },
		{ cf_x509_key_usage, &info->key_usage },
	};
	int r;

	for (size_t i = 0; i < CF_COUNT(parts); i++) {
		r = parts[i].put(x, &text, err);
		if (r == 0 && parts[i].ret == &info->domains && !text.len)
			r = cf_buf_puts(&text, info->common_name, err);
		if (r == 0)
			r = to_text(&text, parts[i].ret, err);
		if (r < 0)
			return cf_note(err, r, "%s", info->subject);
	}
	r = get_serial(x, &info->serial, err);
	return r < 0 ? r : get_key_id(x, &info->subject_key_id, err);
}

static int fill(X509 *x, struct cf_span der, struct cf_cert_info *info, struct cf_err *err)
{
	int r = cf_x509_name_text(X509_get_subject_name(x), cf_dn_show, &info->subject, err);

	if (r == 0)
		r = cf_x509_name_text(X509_get_issuer_name(x), cf_dn_show, &info->issuer, err);
	if (r == 0)
		r = cf_x509_name_text(X509_get_subject_name(x), cf_dn_common_name,
				      &info->common_name, err);
	if (r == 0)
		r = check_key(x, info->subject, err);
	if (r == 0)
		r = fill_facts(x, info, err);
	if (r == 0)
		r = fill_texts(x, info, err);
	if (r == 0)
		r = cf_sha1(der, info->sha1, err);
	if (r == 0)
		r = cf_sha256(der, info->sha256, err);
	return r < 0 ? r : cf_x509_spki_sum(x, info->spki_sum, err);
}

X509 *cf_x509_parse(struct cf_span der, struct cf_err *err)
{
	const unsigned char *p = der.data;
	X509 *x = der.len <= INT_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;

	if (!x) {
		cf_ossl_fail(err, EBADMSG, "not a certificate");
		return NULL;
	}
	if (p != (const unsigned char *)der.data + der.len) {
		cf_fail(err, EBADMSG, "there are bytes after the certificate");
		X509_free(x);
		return NULL;
	}
	return x;
}

int cf_cert_parse(struct cf_span der, struct cf_cert_info *ret, struct cf_buf *canonical,
		  struct cf_err *err)
{
	cf_auto(cf_cert_info_done) struct cf_cert_info info = { 0 };
	cf_auto(X509_free) X509 *x = NULL;
	struct cf_err why = { 0 };
	unsigned char *again = NULL;
	int len, r;

	x = cf_x509_parse(der, &why);
	if (!x)
		return cf_fail(err, why.code, "%s", why.text);
	len = i2d_X509(x, &again);
	if (len <= 0)
		return cf_ossl_fail(err, EBADMSG, "encoding the certificate again");
	r = fill(x, cf_span(again, (size_t)len), &info, err);
	if (r == 0 && canonical)
		r = cf_buf_append(canonical, again, (size_t)len, err);
	OPENSSL_free(again);
	/* Odd extensions that were looked at leave notes that concern nobody. */
	ERR_clear_error();
	if (r < 0)
		return r == -EIO ? -EBADMSG : r;
	*ret = info;
	info = (struct cf_cert_info){ 0 };
	return 0;
}

void cf_cert_info_done(struct cf_cert_info *info)
{
	free(info->subject);
	free(info->issuer);
	free(info->common_name);
	free(info->domains);
	free(info->serial);
	free(info->key_algorithm);
	free(info->signature_algorithm);
	free(info->enhanced_key_usage);
	free(info->key_usage);
	free(info->subject_key_id);
	*info = (struct cf_cert_info){ 0 };
}
