/* Private keys; see key.h. */
#include "core/crypto/key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <strings.h>

#include "core/base/cleanup.h"
#include "core/crypto/ossl_private.h"

static const struct {
	enum cf_key_type type;
	const char *text;
	unsigned int rsa_bits; /* 0 for a curve */
	const char *curve;
} types[] = {
	{ CF_KEY_RSA2048, "rsa2048", 2048, NULL }, { CF_KEY_RSA3072, "rsa3072", 3072, NULL },
	{ CF_KEY_RSA4096, "rsa4096", 4096, NULL }, { CF_KEY_P256, "p256", 0, "P-256" },
	{ CF_KEY_P384, "p384", 0, "P-384" },
};

int cf_key_type_parse(const char *text, enum cf_key_type *ret, struct cf_err *err)
{
	for (size_t i = 0; i < CF_COUNT(types); i++)
		if (!strcasecmp(types[i].text, text)) {
			*ret = types[i].type;
			return 0;
		}
	if (!strcasecmp(text, "rsa1024") || !strcasecmp(text, "1024"))
		return cf_fail(err, EINVAL, "'%s': no CA signs a key of 1024 bits; take rsa2048",
			       text);
	return cf_fail(err, EINVAL, "'%s' is none of rsa2048, rsa3072, rsa4096, p256, p384", text);
}

const char *cf_key_type_text(int type)
{
	for (size_t i = 0; i < CF_COUNT(types); i++)
		if ((int)types[i].type == type)
			return types[i].text;
	return NULL;
}

int cf_key_type_of(const struct cf_key *key)
{
	bool rsa = EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA;
	unsigned int bits = (unsigned int)EVP_PKEY_get_bits(key->pkey);
	char group[64] = "";

	if (EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_EC)
		EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), NULL);
	cf_ossl_drain();
	for (size_t i = 0; i < CF_COUNT(types); i++)
		if (types[i].curve ? OBJ_sn2nid(group) != NID_undef &&
					     OBJ_sn2nid(group) == EC_curve_nist2nid(types[i].curve)
				   : rsa && bits == types[i].rsa_bits)
			return types[i].type;
	return 0;
}

/* Put an EVP_PKEY into a struct cf_key; pkey is released on failure too. */
static int wrap(EVP_PKEY *pkey, const char *what, struct cf_key **ret, struct cf_err *err)
{
	struct cf_key *key;

	if (!pkey)
		return cf_ossl_fail(err, EIO, what);
	key = calloc(1, sizeof(*key));
	if (!key) {
		EVP_PKEY_free(pkey);
		return cf_fail_memory(err);
	}
	key->pkey = pkey;
	/* Encoders and decoders that were tried in vain may leave their reasons behind. */
	cf_ossl_drain();
	*ret = key;
	return 0;
}

int cf_key_generate(enum cf_key_type type, struct cf_key **ret, struct cf_err *err)
{
	for (size_t i = 0; i < CF_COUNT(types); i++) {
		EVP_PKEY *pkey;

		if (types[i].type != type)
			continue;
		pkey = types[i].curve ? EVP_EC_gen(types[i].curve) : EVP_RSA_gen(types[i].rsa_bits);
		return wrap(pkey, "generating a key", ret, err);
	}
	return cf_fail(err, EIO, "there is no key type %d", (int)type);
}

int cf_key_to_pkcs8(const struct cf_key *key, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key->pkey);
	unsigned char *der = NULL;
	int n, r;

	n = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : -1;
	if (n < 0)
		return cf_ossl_fail(err, EIO, "encoding a private key");
	r = cf_buf_append(out, der, (size_t)n, err);
	OPENSSL_clear_free(der, (size_t)n);
	cf_ossl_drain();
	return r;
}

int cf_key_from_pkcs8(struct cf_span der, struct cf_key **ret, struct cf_err *err)
{
	cf_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *p8 = NULL;
	const unsigned char *p = der.data;

	if (der.len <= LONG_MAX)
		p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);
	if (!p8)
		return cf_ossl_fail(err, EIO, "reading a private key");
	if (p != (const unsigned char *)der.data + der.len)
		return cf_fail(err, EIO, "reading a private key: bytes follow it");
	return wrap(EVP_PKCS82PKEY(p8), "reading a private key", ret, err);
}

int cf_key_spki(const struct cf_key *key, struct cf_buf *out, struct cf_err *err)
{
	unsigned char *der = NULL;
	int r, n = i2d_PUBKEY(key->pkey, &der);

	if (n < 0)
		return cf_ossl_fail(err, EIO, "encoding a public key");
	r = cf_buf_append(out, der, (size_t)n, err);
	OPENSSL_free(der);
	cf_ossl_drain();
	return r;
}

int cf_key_spki_sum(const struct cf_key *key, uint8_t out[CF_SHA256_SIZE], struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	int r = cf_key_spki(key, &der, err);

	return r < 0 ? r : cf_sha256(cf_span_buf(&der), out, err);
}

void cf_key_free(struct cf_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}
