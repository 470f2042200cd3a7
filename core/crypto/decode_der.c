/* One object of DER in a dropped file: telling what it is and taking it in; see decode.h. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "core/crypto/certificate_private.h"
#include "core/crypto/decode_private.h"

CF_DEFINE_AUTO(PKCS7, PKCS7_free);
CF_DEFINE_AUTO(PKCS12, PKCS12_free);
CF_DEFINE_AUTO(X509_CRL, X509_CRL_free);

#define NOT_ONE "neither a certificate nor a bundle of some, or damaged"

int cf_walk_certificate(struct cf_walk *walk, struct cf_span der, const char *friendly_name,
			struct cf_err *err)
{
	cf_auto(cf_item_done) struct cf_item item = { .kind = CF_ITEM_CERTIFICATE };
	int r = cf_cert_parse(der, &item.info, &item.der, err);

	if (r == 0 && friendly_name && !(item.friendly_name = strdup(friendly_name)))
		r = cf_fail_memory(err);
	return r < 0 ? r : cf_walk_keep(walk, &item, err);
}

int cf_walk_crl(struct cf_walk *walk, X509_CRL *crl, struct cf_err *err)
{
	cf_auto(cf_item_done) struct cf_item item = { .kind = CF_ITEM_CRL };
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);
	int r;

	if (len <= 0)
		return cf_ossl_fail(err, EBADMSG, "encoding a CRL again");
	r = cf_buf_append(&item.der, der, (size_t)len, err);
	OPENSSL_free(der);
	return r < 0 ? r : cf_walk_keep(walk, &item, err);
}

/* The lists of a SignedData; what it signs and who signed it is of no interest. */
static int walk_signed(struct cf_walk *walk, const PKCS7_SIGNED *sign, struct cf_err *err)
{
	int r = 0;

	if (sk_X509_num(sign->cert) <= 0 && sk_X509_CRL_num(sign->crl) <= 0)
		return cf_fail(err, EBADMSG, "PKCS#7 without a certificate in it");
	for (int i = 0; r == 0 && i < sk_X509_num(sign->cert); i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(sk_X509_value(sign->cert, i), &der);

		if (len <= 0)
			return cf_ossl_fail(err, EBADMSG, "encoding a certificate again");
		r = cf_walk_certificate(walk, cf_span(der, (size_t)len), NULL, err);
		OPENSSL_free(der);
	}
	for (int i = 0; r == 0 && i < sk_X509_CRL_num(sign->crl); i++)
		r = cf_walk_crl(walk, sk_X509_CRL_value(sign->crl, i), err);
	return r;
}

static int walk_pkcs7(struct cf_walk *walk, struct cf_span der, struct cf_err *err)
{
	const unsigned char *p = der.data;
	cf_auto(PKCS7_free) PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)der.len);

	if (!p7)
		return cf_ossl_fail(err, EBADMSG, "PKCS#7");
	if (p != (const unsigned char *)der.data + der.len)
		return cf_fail(err, EBADMSG, "there are bytes after the PKCS#7");
	if (!PKCS7_type_is_signed(p7) || !p7->d.sign)
		return cf_fail(err, EBADMSG, "PKCS#7 of a kind that carries no certificates");
	return walk_signed(walk, p7->d.sign, err);
}

/* Starts with a number: PKCS#12 or a private key, and that is not taken alone. */
static int walk_numbered(struct cf_walk *walk, struct cf_span der, struct cf_err *err)
{
	cf_auto(PKCS12_free) PKCS12 *p12 = NULL;
	cf_auto(EVP_PKEY_free) EVP_PKEY *key = NULL;
	const unsigned char *p = der.data;
	const unsigned char *q = der.data;

	p12 = d2i_PKCS12(NULL, &p, (long)der.len);
	key = p12 ? NULL : d2i_AutoPrivateKey(NULL, &q, (long)der.len);
	ERR_clear_error();
	if (p12 && p != (const unsigned char *)der.data + der.len)
		return cf_fail(err, EBADMSG, "there are bytes after the PKCS#12");
	if (p12)
		return cf_walk_pkcs12(walk, p12, err);
	if (key)
		return cf_fail(err, EINVAL,
			       "a private key without its certificate; put "
			       "both into one PEM file, or into a PKCS#12");
	return cf_fail(err, EBADMSG, NOT_ONE);
}

static int walk_sealed(struct cf_walk *walk, const X509_SIG *sealed, struct cf_err *err)
{
	const X509_ALGOR *algorithm;
	int r;

	X509_SIG_get0(sealed, &algorithm, NULL);
	r = cf_walk_count_algorithm(walk, algorithm, err);
	return r < 0 ? r : cf_walk_sealed_key(walk, sealed, NULL, err);
}

/* Starts with a sequence: certificate, CRL, request or encrypted key. */
static int walk_sequence(struct cf_walk *walk, struct cf_span der, struct cf_err *err)
{
	cf_auto(X509_CRL_free) X509_CRL *crl = NULL;
	cf_auto(X509_REQ_free) X509_REQ *request = NULL;
	cf_auto(X509_SIG_free) X509_SIG *sealed = NULL;
	const unsigned char *p[] = { der.data, der.data, der.data };
	struct cf_err why = { 0 };
	int r = cf_walk_certificate(walk, der, NULL, &why);

	if (r != -EBADMSG)
		return r < 0 ? cf_fail(err, -r, "%s", why.text) : 0;
	crl = d2i_X509_CRL(NULL, &p[0], (long)der.len);
	request = crl ? NULL : d2i_X509_REQ(NULL, &p[1], (long)der.len);
	sealed = crl || request ? NULL : d2i_X509_SIG(NULL, &p[2], (long)der.len);
	ERR_clear_error();
	if (crl)
		return cf_walk_crl(walk, crl, err);
	if (request) {
		walk->saw_request = true;
		return 0;
	}
	if (sealed && p[2] == (const unsigned char *)der.data + der.len)
		return walk_sealed(walk, sealed, err);
	return cf_fail(err, EBADMSG, "%s", why.text);
}

/* One whole object and nothing after it, which OpenSSL would silently leave. */
static int check_frame(struct cf_span der, int *ret_first_tag, struct cf_err *err)
{
	const unsigned char *p = der.data;
	const unsigned char *end = p + der.len;
	int tag, class, form;
	long len;

	form = ASN1_get_object(&p, &len, &tag, &class, (long)der.len);
	if (form & 0x80) {
		ERR_clear_error();
		return cf_fail(err, EBADMSG, NOT_ONE " (it may have been cut off)");
	}
	if (tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL)
		return cf_fail(err, EBADMSG, NOT_ONE);
	/* Of the indefinite form, BER, only the parser knows the end. */
	if (!(form & 0x01) && p + len != end)
		return cf_fail(err, EBADMSG, "there are %td bytes after its end", end - (p + len));
	form = ASN1_get_object(&p, &len, &tag, &class, end - p);
	ERR_clear_error();
	if ((form & 0x80) || class != V_ASN1_UNIVERSAL)
		return cf_fail(err, EBADMSG, NOT_ONE);
	*ret_first_tag = tag;
	return 0;
}

int cf_walk_der(struct cf_walk *walk, struct cf_span der, struct cf_err *err)
{
	int tag = 0, r = check_frame(der, &tag, err);

	if (r < 0)
		return r;
	switch (tag) {
	case V_ASN1_OBJECT:
		return walk_pkcs7(walk, der, err);
	case V_ASN1_INTEGER:
		return walk_numbered(walk, der, err);
	case V_ASN1_SEQUENCE:
		return walk_sequence(walk, der, err);
	default:
		return cf_fail(err, EBADMSG, NOT_ONE);
	}
}
