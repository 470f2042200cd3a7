/*
 * export.pfx; see pkcs12.h. Building and sizing are one construction: the writer either keeps bytes
 * or counts them, and only where it keeps them is a key derived.
 */
#include "core/crypto/pkcs12.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/crypto/der_private.h"
#include "core/crypto/ossl_private.h"
#include "core/crypto/pkcs12_private.h"

#define CSP_NAME "Microsoft RSA SChannel Cryptographic Provider"
#define KEY_EX 0x10 /* AT_KEYEXCHANGE, as a KeyUsage */

/*
 * Whether the key is RSA has to be known from its length alone: as PKCS#8 the shortest RSA key
 * that certfs takes (2048 bits) has over 1,100 bytes, the longest EC key (P-521) under 300.
 */
#define RSA_MIN 600

/* Attribute ::= SEQUENCE { type, SET OF value }; start is where the one value began. */
static void wrap_attribute(struct cf_der *w, size_t start, size_t value)
{
	cf_der_wrap(w, value, CF_DER_SET);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
}

static int put_text_attribute(struct cf_pfx_build *b, int nid, const char *text)
{
	size_t start = b->w.len, value;
	unsigned char *bmp = NULL;
	int n;

	if (!OPENSSL_utf82uni(text, (int)strlen(text), &bmp, &n))
		return cf_ossl_fail(b->err, EIO, "writing a name into export.pfx");
	cf_der_oid(&b->w, nid);
	value = b->w.len;
	/* Without the final NUL that comes along. */
	cf_der_put(&b->w, CF_DER_BMP_STRING, cf_span(bmp, (size_t)n - 2));
	wrap_attribute(&b->w, start, value);
	OPENSSL_free(bmp);
	return 0;
}

/* The attributes of a bag; with what Windows wants to know of a key. */
static int put_attributes(struct cf_pfx_build *b, bool of_key)
{
	struct cf_der *w = &b->w;
	size_t set = w->len, start, value;
	int r = 0;

	start = w->len;
	cf_der_oid(w, NID_localKeyID);
	value = w->len;
	cf_der_put(w, CF_DER_OCTET_STRING, cf_span(b->pfx->local_key_id, CF_SHA1_SIZE));
	wrap_attribute(w, start, value);
	if (b->pfx->friendly_name[0])
		r = put_text_attribute(b, NID_friendlyName, b->pfx->friendly_name);
	if (r == 0 && of_key && b->pfx->key.len >= RSA_MIN)
		r = put_text_attribute(b, NID_ms_csp_name, CSP_NAME);
	if (of_key) {
		start = w->len;
		cf_der_oid(w, NID_LocalKeySet);
		/* It has no value: that it stands there is what it says. */
		wrap_attribute(w, start, w->len);
	}
	cf_der_wrap_set_of(w, set);
	return r;
}

static int put_cert_bag(struct cf_pfx_build *b, struct cf_span certificate, bool is_leaf)
{
	struct cf_der *w = &b->w;
	size_t start = w->len, bag, value;
	int r = 0;

	cf_der_oid(w, NID_certBag);
	bag = w->len;
	cf_der_oid(w, NID_x509Certificate);
	value = w->len;
	cf_der_put(w, CF_DER_OCTET_STRING, certificate);
	cf_der_wrap(w, value, CF_DER_CONTEXT_0_CONSTRUCTED);
	cf_der_wrap(w, bag, CF_DER_SEQUENCE);
	cf_der_wrap(w, bag, CF_DER_CONTEXT_0_CONSTRUCTED);
	if (is_leaf)
		r = put_attributes(b, false);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
	return r;
}

/* ContentInfo with the certificates in an EncryptedData (RFC 2315 section 13). */
static int put_certificates(struct cf_pfx_build *b)
{
	cf_auto(cf_pfx_box_done) struct cf_pfx_box box = { 0 };
	struct cf_der *w = &b->w;
	size_t start = w->len, data, content, text;
	int r;

	cf_der_oid(w, NID_pkcs7_encrypted);
	data = w->len;
	cf_der_int(w, 0);
	content = w->len;
	cf_der_oid(w, NID_pkcs7_data);
	r = cf_pfx_put_algorithm(b, "certificates", &box);
	text = w->len;
	if (r == 0)
		r = put_cert_bag(b, b->pfx->leaf, true);
	for (size_t i = 0; i < b->pfx->n_issuers && r == 0; i++)
		r = put_cert_bag(b, b->pfx->issuers[i], false);
	cf_der_wrap(w, text, CF_DER_SEQUENCE);
	if (r == 0)
		r = cf_pfx_encrypt(b, &box, text);
	cf_der_wrap(w, text, CF_DER_CONTEXT_0);
	cf_der_wrap(w, content, CF_DER_SEQUENCE);
	cf_der_wrap(w, data, CF_DER_SEQUENCE);
	cf_der_wrap(w, data, CF_DER_CONTEXT_0_CONSTRUCTED);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
	return r;
}

/* The content of a SEQUENCE that has total bytes with tag and length; 0 if there is no such. */
static size_t content_size(size_t total)
{
	for (size_t head = 2; head < 2 + sizeof(size_t) && head < total; head++)
		if (cf_der_header_size(total - head) == head)
			return total - head;
	return 0;
}

/* Step over one value with tag at the front of *in; false when another thing stands there. */
static bool skip_value(struct cf_span *in, unsigned char tag)
{
	const unsigned char *p = in->data;
	size_t head = 2, n = 0;

	if (in->len < head || p[0] != tag)
		return false;
	if (p[1] < 0x80) {
		n = p[1];
	} else {
		head += p[1] & 0x7fu;
		if (head > 4 || head > in->len)
			return false;
		for (size_t i = 2; i < head; i++)
			n = n << 8 | p[i];
	}
	if (n > in->len - head)
		return false;
	*in = cf_span(p + head + n, in->len - head - n);
	return true;
}

/* True for a PrivateKeyInfo without attributes, whose content starts after head bytes. */
static bool is_plain_key(struct cf_span der, size_t head)
{
	struct cf_span whole = der, rest;

	if (head >= der.len || !skip_value(&whole, CF_DER_SEQUENCE) || whole.len)
		return false;
	rest = cf_span((const uint8_t *)der.data + head, der.len - head);
	return skip_value(&rest, CF_DER_INTEGER) && skip_value(&rest, CF_DER_SEQUENCE) &&
	       skip_value(&rest, CF_DER_OCTET_STRING) && !rest.len;
}

/*
 * PrivateKeyInfo (RFC 5208 section 5) with one attribute more: the key is for exchange too. The
 * attributes are its last member, and cf_key_to_pkcs8() writes none.
 */
static int put_private_key(struct cf_pfx_build *b)
{
	static const uint8_t key_ex[] = { 4, KEY_EX }; /* four bits of the octet are unused */
	struct cf_span der = b->pfx->key;
	struct cf_der *w = &b->w;
	size_t n = content_size(der.len), head = der.len - n;
	size_t start = w->len, set, attribute, value;

	if (!w->counting && !is_plain_key(der, head))
		return cf_fail(b->err, EIO, "writing export.pfx: the key isn't plain PKCS#8");
	cf_der_raw(w, cf_span(w->counting ? NULL : (const uint8_t *)der.data + head, n));
	set = attribute = w->len;
	cf_der_oid(w, NID_key_usage);
	value = w->len;
	cf_der_put(w, CF_DER_BIT_STRING, cf_span(key_ex, sizeof(key_ex)));
	wrap_attribute(w, attribute, value);
	cf_der_wrap(w, set, CF_DER_CONTEXT_0_CONSTRUCTED);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
	return 0;
}

/* ContentInfo with the key in a PKCS8ShroudedKeyBag (RFC 7292 section 4.2.2). */
static int put_key(struct cf_pfx_build *b)
{
	cf_auto(cf_pfx_box_done) struct cf_pfx_box box = { 0 };
	struct cf_der *w = &b->w;
	size_t start = w->len, content, bag, shrouded, text;
	int r;

	cf_der_oid(w, NID_pkcs7_data);
	content = bag = w->len;
	cf_der_oid(w, NID_pkcs8ShroudedKeyBag);
	shrouded = w->len;
	r = cf_pfx_put_algorithm(b, "key", &box);
	text = w->len;
	if (r == 0)
		r = put_private_key(b);
	if (r == 0)
		r = cf_pfx_encrypt(b, &box, text);
	cf_der_wrap(w, text, CF_DER_OCTET_STRING);
	cf_der_wrap(w, shrouded, CF_DER_SEQUENCE);
	cf_der_wrap(w, shrouded, CF_DER_CONTEXT_0_CONSTRUCTED);
	if (r == 0)
		r = put_attributes(b, true);
	cf_der_wrap(w, bag, CF_DER_SEQUENCE);
	cf_der_wrap(w, content, CF_DER_SEQUENCE);
	cf_der_wrap(w, content, CF_DER_OCTET_STRING);
	cf_der_wrap(w, content, CF_DER_CONTEXT_0_CONSTRUCTED);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
	return r;
}

/* MacData (RFC 7292 section 4). */
static void put_mac(struct cf_pfx_build *b, const uint8_t *mac, const uint8_t *salt)
{
	struct cf_der *w = &b->w;
	size_t start = w->len;

	cf_der_algorithm(w, b->scheme->mac_nid);
	cf_der_put(w, CF_DER_OCTET_STRING, cf_span(mac, b->scheme->mac_size));
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
	cf_der_put(w, CF_DER_OCTET_STRING, cf_span(salt, b->scheme->salt_size));
	cf_der_int(w, (unsigned int)b->pfx->iterations);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
}

/* PFX (RFC 7292 section 4). */
static int put_pfx(struct cf_pfx_build *b)
{
	uint8_t mac[CF_SHA256_SIZE] = { 0 }, salt[CF_PFX_SALT_MAX] = { 0 };
	struct cf_der *w = &b->w;
	size_t start = w->len, safe, content;
	int r;

	cf_der_int(w, 3);
	safe = w->len;
	cf_der_oid(w, NID_pkcs7_data);
	content = w->len;
	r = put_certificates(b);
	if (r == 0)
		r = put_key(b);
	cf_der_wrap(w, content, CF_DER_SEQUENCE);
	if (r == 0)
		r = cf_pfx_mac(b, content, mac, salt);
	cf_der_wrap(w, content, CF_DER_OCTET_STRING);
	cf_der_wrap(w, content, CF_DER_CONTEXT_0_CONSTRUCTED);
	cf_der_wrap(w, safe, CF_DER_SEQUENCE);
	put_mac(b, mac, salt);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
	return r == 0 && w->failed ? cf_fail_memory(b->err) : r;
}

static int choose_scheme(struct cf_pfx_build *b)
{
	b->scheme = cf_pfx_scheme(b->pfx->encryption);
	if (!b->scheme || b->pfx->iterations < 1)
		return cf_fail(b->err, EIO, "writing export.pfx: encryption %d with %d iterations",
			       (int)b->pfx->encryption, b->pfx->iterations);
	return 0;
}

int cf_pfx_build(const struct cf_pfx *pfx, struct cf_span password,
		 const uint8_t stable_key[CF_KEY_SIZE], struct cf_buf *out, struct cf_err *err)
{
	struct cf_pfx_build b = {
		.pfx = pfx,
		.password = password,
		.stable_key = stable_key,
		.err = err,
	};
	int r = choose_scheme(&b);

	if (r == 0)
		r = cf_pfx_sum_inputs(&b);
	if (r == 0)
		r = put_pfx(&b);
	if (r == 0)
		r = cf_buf_append(out, b.w.buf.data, b.w.buf.len, err);
	cf_der_done(&b.w);
	OPENSSL_cleanse(b.inputs, sizeof(b.inputs));
	return r;
}

int cf_pfx_size(const struct cf_pfx *pfx, size_t *ret, struct cf_err *err)
{
	struct cf_pfx_build b = { .pfx = pfx, .w = { .counting = true }, .err = err };
	int r = choose_scheme(&b);

	if (r == 0)
		r = put_pfx(&b);
	if (r == 0)
		*ret = b.w.len;
	return r;
}
