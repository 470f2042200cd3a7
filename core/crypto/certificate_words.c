/* A certificate's algorithms and extensions in the words Windows has for them. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/certificate_private.h"

CF_DEFINE_AUTO(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);
CF_DEFINE_AUTO(ASN1_BIT_STRING, ASN1_BIT_STRING_free);

#define OID_TEXT_MAX 256 /* a longer one is cut: it is shown, never compared */

struct word {
	const char *key;
	const char *text;
};

static const char *find(const struct word *words, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i].key, key))
			return words[i].text;
	return NULL;
}

static const char *oid_text(const ASN1_OBJECT *oid, char *text)
{
	if (OBJ_obj2txt(text, OID_TEXT_MAX, oid, 1) <= 0) {
		ERR_clear_error();
		strcpy(text, "?");
	}
	return text;
}

/* OpenSSL's name for an algorithm, or the dotted OID of one that it does not know. */
static int put_oid_name(const ASN1_OBJECT *oid, struct cf_buf *out, struct cf_err *err)
{
	char text[OID_TEXT_MAX];
	int nid = OBJ_obj2nid(oid);

	return cf_buf_puts(out, nid == NID_undef ? oid_text(oid, text) : OBJ_nid2ln(nid), err);
}

/*
 * An extension by NID as OpenSSL's object for it, NULL when absent. Damaged or repeated ones set
 * *ret_r, since what cannot be read must not count as absent.
 */
static void *get_extension(X509 *x, int nid, const char *what, int *ret_r, struct cf_err *err)
{
	int critical;
	void *object = X509_get_ext_d2i(x, nid, &critical, NULL);

	ERR_clear_error();
	*ret_r = 0;
	if (!object && critical != -1)
		*ret_r = cf_fail(err, EBADMSG, "its %s is damaged or there twice", what);
	return object;
}

static int put_line(struct cf_buf *out, const char *text, struct cf_err *err)
{
	int r = out->len ? cf_buf_puts(out, "\n", err) : 0;

	return r < 0 ? r : cf_buf_puts(out, text, err);
}

/*
 * A dNSName may hold anything that fits in a byte (RFC 5280 section 4.2.1.6 only says what it
 * should): every character that would break the line or the terminal is escaped, NUL too.
 */
static int put_dns(const ASN1_IA5STRING *name, struct cf_buf *out, struct cf_err *err)
{
	const char *p = (const char *)ASN1_STRING_get0_data(name);
	const char *end = p + ASN1_STRING_length(name);
	int r = p == end ? 0 : put_line(out, "", err);

	while (r == 0 && p < end) {
		/* ASN1_STRING keeps a NUL behind its bytes, so this stops at end at the latest. */
		r = cf_text_show(out, p, err);
		p += strlen(p);
		if (r == 0 && p < end) {
			r = cf_buf_puts(out, "\\x00", err);
			p++;
		}
	}
	return r;
}

static int put_ip(const ASN1_OCTET_STRING *ip, struct cf_buf *out, struct cf_err *err)
{
	int len = ASN1_STRING_length(ip);
	int family = len == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if (len != 4 && len != 16)
		return 0;
	if (!inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof(text)))
		return 0;
	return put_line(out, text, err);
}

int cf_domains_text(const GENERAL_NAMES *names, struct cf_buf *out, struct cf_err *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < sk_GENERAL_NAME_num(names); i++) {
		int type;
		const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);

		if (type == GEN_DNS)
			r = put_dns(value, out, err);
		else if (type == GEN_IPADD)
			r = put_ip(value, out, err);
	}
	return r;
}

int cf_x509_domains(X509 *x, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(GENERAL_NAMES_free) GENERAL_NAMES *names = NULL;
	int r;

	names = get_extension(x, NID_subject_alt_name, "subjectAltName", &r, err);
	return r < 0 ? r : cf_domains_text(names, out, err);
}

int cf_x509_key_algorithm(X509 *x, struct cf_buf *out, struct cf_err *err)
{
	ASN1_OBJECT *oid;

	if (!X509_PUBKEY_get0_param(&oid, NULL, NULL, NULL, X509_get_X509_PUBKEY(x)))
		return cf_ossl_fail(err, EBADMSG, "the public key");
	switch (OBJ_obj2nid(oid)) {
	case NID_rsaEncryption:
		return cf_buf_puts(out, "RSA", err);
	case NID_X9_62_id_ecPublicKey:
		return cf_buf_puts(out, "ECC", err);
	default:
		return put_oid_name(oid, out, err);
	}
}

int cf_x509_signature_algorithm(X509 *x, struct cf_buf *out, struct cf_err *err)
{
	static const struct word words[] = {
		{ SN_md5WithRSAEncryption, "md5RSA" },
		{ SN_sha1WithRSAEncryption, "sha1RSA" },
		{ SN_sha224WithRSAEncryption, "sha224RSA" },
		{ SN_sha256WithRSAEncryption, "sha256RSA" },
		{ SN_sha384WithRSAEncryption, "sha384RSA" },
		{ SN_sha512WithRSAEncryption, "sha512RSA" },
		{ SN_rsassaPss, "RSASSA-PSS" },
		{ SN_ecdsa_with_SHA1, "sha1ECDSA" },
		{ SN_ecdsa_with_SHA224, "sha224ECDSA" },
		{ SN_ecdsa_with_SHA256, "sha256ECDSA" },
		{ SN_ecdsa_with_SHA384, "sha384ECDSA" },
		{ SN_ecdsa_with_SHA512, "sha512ECDSA" },
		{ SN_dsaWithSHA1, "sha1DSA" },
	};
	const ASN1_OBJECT *oid;
	const char *text;
	int nid;

	X509_ALGOR_get0(&oid, NULL, NULL, X509_get0_tbs_sigalg(x));
	nid = OBJ_obj2nid(oid);
	text = nid == NID_undef ? NULL : find(words, CF_COUNT(words), OBJ_nid2sn(nid));
	return text ? cf_buf_puts(out, text, err) : put_oid_name(oid, out, err);
}

int cf_x509_enhanced_key_usage(X509 *x, struct cf_buf *out, struct cf_err *err)
{
	static const struct word words[] = {
		{ "1.3.6.1.5.5.7.3.1", "Server Authentication" },
		{ "1.3.6.1.5.5.7.3.2", "Client Authentication" },
		{ "1.3.6.1.5.5.7.3.3", "Code Signing" },
		{ "1.3.6.1.5.5.7.3.4", "Secure Email" },
		{ "1.3.6.1.5.5.7.3.5", "IP security end system" },
		{ "1.3.6.1.5.5.7.3.6", "IP security tunnel termination" },
		{ "1.3.6.1.5.5.7.3.7", "IP security user" },
		{ "1.3.6.1.5.5.7.3.8", "Time Stamping" },
		{ "1.3.6.1.5.5.7.3.9", "OCSP Signing" },
		{ "1.3.6.1.5.5.8.2.2", "IP security IKE intermediate" },
		{ "1.3.6.1.5.2.3.5", "KDC Authentication" },
		{ "1.3.6.1.4.1.311.10.3.4", "Encrypting File System" },
		{ "1.3.6.1.4.1.311.20.2.2", "Smart Card Logon" },
		{ "1.3.6.1.4.1.311.54.1.2", "Remote Desktop Authentication" },
		{ "2.5.29.37.0", "Any Purpose" },
	};
	cf_auto(EXTENDED_KEY_USAGE_free) EXTENDED_KEY_USAGE *usage = NULL;
	int r;

	usage = get_extension(x, NID_ext_key_usage, "extKeyUsage", &r, err);
	for (int i = 0; r == 0 && i < sk_ASN1_OBJECT_num(usage); i++) {
		char oid[OID_TEXT_MAX];
		const char *text;

		oid_text(sk_ASN1_OBJECT_value(usage, i), oid);
		text = find(words, CF_COUNT(words), oid);
		r = put_line(out, text ? text : "Unknown Key Usage", err);
		if (r == 0)
			r = cf_buf_printf(out, err, " (%s)", oid);
	}
	return r;
}

int cf_x509_key_usage(X509 *x, struct cf_buf *out, struct cf_err *err)
{
	/* RFC 5280 section 4.2.1.3, bits 0 to 8, as .NET's X509KeyUsageFlags spells them. */
	static const char *const bits[] = {
		"DigitalSignature", "NonRepudiation", "KeyEncipherment",
		"DataEncipherment", "KeyAgreement",   "KeyCertSign",
		"CrlSign",          "EncipherOnly",   "DecipherOnly",
	};
	cf_auto(ASN1_BIT_STRING_free) ASN1_BIT_STRING *usage = NULL;
	int r;

	usage = get_extension(x, NID_key_usage, "keyUsage", &r, err);
	for (int i = 0; r == 0 && usage && i < (int)CF_COUNT(bits); i++) {
		if (!ASN1_BIT_STRING_get_bit(usage, i))
			continue;
		r = out->len ? cf_buf_puts(out, ", ", err) : 0;
		if (r == 0)
			r = cf_buf_puts(out, bits[i], err);
	}
	return r;
}
