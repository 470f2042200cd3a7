/*
 * PKCS#12 (RFC 7292) in a dropped file; see decode.h. All key derivations that can be seen are
 * counted before the first one begins; those in encrypted parts when these are open.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/decode_private.h"

#define DEPTH_MAX 8  /* of bags in bags; nobody nests any */
#define NAME_MAX 255 /* bytes of a friendly name */

typedef STACK_OF(PKCS7) safes;
typedef STACK_OF(PKCS12_SAFEBAG) bags;

static void safes_free(safes *list)
{
	sk_PKCS7_pop_free(list, PKCS7_free);
}

static void bags_free(bags *list)
{
	sk_PKCS12_SAFEBAG_pop_free(list, PKCS12_SAFEBAG_free);
}

CF_DEFINE_AUTO(safes, safes_free);
CF_DEFINE_AUTO(bags, bags_free);
CF_DEFINE_AUTO(X509_CRL, X509_CRL_free);

/* -- counting --------------------------------------------------------------------------------- */

static int count_bags(struct cf_walk *walk, const bags *list, int depth, struct cf_err *err)
{
	int r = 0;

	if (depth > DEPTH_MAX)
		return cf_fail(err, EBADMSG, "PKCS#12 with more than %d bags in each other",
			       DEPTH_MAX);
	for (int i = 0; r == 0 && i < sk_PKCS12_SAFEBAG_num(list); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(list, i);
		const X509_ALGOR *algorithm;

		switch (PKCS12_SAFEBAG_get_nid(bag)) {
		case NID_pkcs8ShroudedKeyBag:
			X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
			r = cf_walk_count_algorithm(walk, algorithm, err);
			break;
		case NID_safeContentsBag:
			r = count_bags(walk, PKCS12_SAFEBAG_get0_safes(bag), depth + 1, err);
			break;
		default:
			break;
		}
	}
	return r;
}

static const PKCS7_ENC_CONTENT *encrypted_part(const PKCS7 *safe)
{
	const PKCS7_ENC_CONTENT *part = safe->d.encrypted ? safe->d.encrypted->enc_data : NULL;

	return part && part->algorithm && part->enc_data ? part : NULL;
}

static int count_safe(struct cf_walk *walk, PKCS7 *safe, struct cf_err *err)
{
	cf_auto(bags_free) bags *list = NULL;

	if (PKCS7_type_is_encrypted(safe) && encrypted_part(safe))
		return cf_walk_count_algorithm(walk, encrypted_part(safe)->algorithm, err);
	if (PKCS7_type_is_enveloped(safe))
		return cf_fail(err, EINVAL,
			       "PKCS#12 that is encrypted for a certificate, not with a password");
	if (!PKCS7_type_is_data(safe))
		return cf_fail(err, EBADMSG, "PKCS#12 with a part of an unknown kind");
	list = PKCS12_unpack_p7data(safe);
	if (!list)
		return cf_ossl_fail(err, EBADMSG, "PKCS#12");
	return count_bags(walk, list, 0, err);
}

static int count_all(struct cf_walk *walk, const PKCS12 *p12, const safes *list, struct cf_err *err)
{
	const X509_ALGOR *digest;
	const ASN1_INTEGER *iterations;
	char name[80];
	int r = 0;

	if (PKCS12_mac_present(p12)) {
		PKCS12_get0_mac(NULL, &digest, NULL, &iterations, p12);
		OBJ_obj2txt(name, sizeof(name), digest->algorithm, 0);
		if (!EVP_get_digestbyobj(digest->algorithm))
			return cf_fail(err, EINVAL, "a MAC of the kind '%s' can't be checked here",
				       name);
		r = cf_walk_count(walk, iterations, err);
	}
	for (int i = 0; r == 0 && i < sk_PKCS7_num(list); i++)
		r = count_safe(walk, sk_PKCS7_value(list, i), err);
	return r;
}

/* -- what is in it ---------------------------------------------------------------------------- */

/*
 * The bag's friendly name, appended as it can be shown; nothing when it has none that is UTF-16.
 * Not by PKCS12_get_friendlyname(): OpenSSL 3.0.19 returns none with a character of three bytes.
 */
static int take_name(const PKCS12_SAFEBAG *bag, struct cf_buf *out, struct cf_err *err)
{
	const ASN1_TYPE *attribute = PKCS12_SAFEBAG_get0_attr(bag, NID_friendlyName);
	cf_auto(cf_buf_done) struct cf_buf utf16 = { 0 }, utf8 = { 0 };
	const ASN1_STRING *bmp;
	size_t n;
	int r;

	if (!attribute || attribute->type != V_ASN1_BMPSTRING)
		return 0;
	bmp = attribute->value.bmpstring;
	r = cf_buf_puts(&utf16, "\xfe\xff", err);
	if (r == 0)
		r = cf_buf_append(&utf16, ASN1_STRING_get0_data(bmp),
				  (size_t)ASN1_STRING_length(bmp), err);
	if (r == 0)
		r = cf_text_normalize(cf_span(utf16.data, utf16.len), &utf8, NULL);
	if (r < 0)
		return r == -EBADMSG ? 0 : cf_fail_memory(err);
	n = strlen(cf_buf_text(&utf8));
	if (n > NAME_MAX) {
		for (n = NAME_MAX; (utf8.data[n] & 0xc0) == 0x80;)
			n--;
		utf8.data[n] = '\0';
	}
	return n ? cf_text_show(out, utf8.data, err) : 0;
}

static int walk_cert_bag(struct cf_walk *walk, const PKCS12_SAFEBAG *bag, const char *name,
			 struct cf_err *err)
{
	cf_auto(X509_free) X509 *x = NULL;
	unsigned char *der = NULL;
	int n, r;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return 0;
	x = PKCS12_SAFEBAG_get1_cert(bag);
	n = x ? i2d_X509(x, &der) : -1;
	if (n <= 0)
		return cf_ossl_fail(err, EBADMSG, "a certificate in the PKCS#12");
	r = cf_walk_certificate(walk, cf_span(der, (size_t)n), name, err);
	OPENSSL_free(der);
	return r;
}

static int walk_crl_bag(struct cf_walk *walk, const PKCS12_SAFEBAG *bag, struct cf_err *err)
{
	cf_auto(X509_CRL_free) X509_CRL *crl = NULL;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Crl)
		return 0;
	crl = PKCS12_SAFEBAG_get1_crl(bag);
	return crl ? cf_walk_crl(walk, crl, err)
		   : cf_ossl_fail(err, EBADMSG, "a CRL in the PKCS#12");
}

static int walk_plain_key(struct cf_walk *walk, const PKCS12_SAFEBAG *bag, const char *name,
			  struct cf_err *err)
{
	unsigned char *der = NULL;
	int n = i2d_PKCS8_PRIV_KEY_INFO(PKCS12_SAFEBAG_get0_p8inf(bag), &der);
	int r;

	if (n <= 0)
		return cf_ossl_fail(err, EBADMSG, "a private key in the PKCS#12");
	r = cf_walk_key(walk, cf_span(der, (size_t)n), name, err);
	OPENSSL_clear_free(der, (size_t)n);
	return r;
}

static int walk_bags(struct cf_walk *walk, const bags *list, struct cf_err *err);

static int walk_bag(struct cf_walk *walk, PKCS12_SAFEBAG *bag, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	int r = take_name(bag, &text, err);
	const char *name = text.len ? text.data : NULL;

	if (r < 0)
		return r;
	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_keyBag:
		return walk_plain_key(walk, bag, name, err);
	case NID_pkcs8ShroudedKeyBag:
		return cf_walk_sealed_key(walk, PKCS12_SAFEBAG_get0_pkcs8(bag), name, err);
	case NID_certBag:
		return walk_cert_bag(walk, bag, name, err);
	case NID_crlBag:
		return walk_crl_bag(walk, bag, err);
	case NID_safeContentsBag:
		return walk_bags(walk, PKCS12_SAFEBAG_get0_safes(bag), err);
	default: /* secrets of other programs */
		return 0;
	}
}

/* How deep they are nested was looked at when they were counted. */
static int walk_bags(struct cf_walk *walk, const bags *list, struct cf_err *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < sk_PKCS12_SAFEBAG_num(list); i++)
		r = walk_bag(walk, sk_PKCS12_SAFEBAG_value(list, i), err);
	return r;
}

static int walk_safe(struct cf_walk *walk, PKCS7 *safe, struct cf_err *err)
{
	cf_auto(bags_free) bags *list = NULL;
	const PKCS7_ENC_CONTENT *part;
	int r;

	if (PKCS7_type_is_data(safe)) {
		list = PKCS12_unpack_p7data(safe);
		return list ? walk_bags(walk, list, err) : cf_ossl_fail(err, EBADMSG, "PKCS#12");
	}
	part = encrypted_part(safe);
	if (!part)
		return cf_fail(err, EBADMSG, "PKCS#12 with a part that is empty");
	r = cf_walk_decrypt(walk, part->algorithm, part->enc_data, ASN1_ITEM_rptr(PKCS12_SAFEBAGS),
			    &list, err);
	if (r == 0)
		r = count_bags(walk, list, 0, err);
	return r < 0 ? r : walk_bags(walk, list, err);
}

static bool try_mac(const struct cf_candidate *c, void *arg)
{
	return PKCS12_verify_mac(arg, c->text, c->len) == 1;
}

int cf_walk_pkcs12(struct cf_walk *walk, PKCS12 *p12, struct cf_err *err)
{
	cf_auto(safes_free) safes *list = PKCS12_unpack_authsafes(p12);
	int r;

	if (!list)
		return cf_ossl_fail(err, EBADMSG, "PKCS#12");
	r = count_all(walk, p12, list, err);
	if (r == 0 && PKCS12_mac_present(p12))
		r = cf_walk_unlock(walk, try_mac, p12, err);
	for (int i = 0; r == 0 && i < sk_PKCS7_num(list); i++)
		r = walk_safe(walk, sk_PKCS7_value(list, i), err);
	return r;
}
