/* A private key that stands beside its certificate in a PEM file; see decode_private.h. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <string.h>

#include "core/crypto/certificate_private.h"
#include "core/crypto/decode_private.h"
#include "core/crypto/key.h"

CF_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free);

#define SIGNATURE_MAX 2048 /* bytes; a key of 16384 bits */

static bool has_explicit_curve(EVP_PKEY *key)
{
	int is_explicit = 0;

	return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				      &is_explicit) &&
	       is_explicit;
}

/*
 * Sign and verify once: in most encodings the public half is written beside the private one, and
 * a file can lie about it.
 */
static bool halves_match(EVP_PKEY *key)
{
	static const unsigned char text[] = "certfs";
	cf_auto(EVP_MD_CTX_free) EVP_MD_CTX *sign = EVP_MD_CTX_new();
	cf_auto(EVP_MD_CTX_free) EVP_MD_CTX *verify = EVP_MD_CTX_new();
	int kind = EVP_PKEY_get_base_id(key);
	const char *md = kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448 ? NULL : "SHA256";
	unsigned char signature[SIGNATURE_MAX];
	size_t len = sizeof(signature);

	return sign && verify &&
	       EVP_DigestSignInit_ex(sign, NULL, md, NULL, NULL, key, NULL) == 1 &&
	       EVP_DigestSign(sign, signature, &len, text, sizeof(text)) == 1 &&
	       EVP_DigestVerifyInit_ex(verify, NULL, md, NULL, NULL, key, NULL) == 1 &&
	       EVP_DigestVerify(verify, signature, len, text, sizeof(text)) == 1;
}

static int check(EVP_PKEY *key, struct cf_err *err)
{
	int r = cf_pkey_check(key, "the private key", err);

	if (r < 0)
		return r;
	if (has_explicit_curve(key))
		return cf_fail(err, EINVAL,
			       "the private key: an elliptic curve given by its parameters; only "
			       "named curves are accepted");
	if (!halves_match(key)) {
		ERR_clear_error();
		return cf_fail(
			err, EINVAL,
			"the private key: its private and public half don't belong together");
	}
	return 0;
}

int cf_walk_key(struct cf_walk *walk, struct cf_span der, const char *friendly_name,
		struct cf_err *err)
{
	cf_auto(cf_item_done) struct cf_item item = { .kind = CF_ITEM_KEY };
	cf_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	const unsigned char *p = der.data;
	struct cf_key key;
	int r;

	/* Looking at one of RSA-8192 takes a tenth of a second, and the watchdog is no judge. */
	if (walk->n_keys++ == CF_DROP_KEYS_MAX)
		return cf_fail(err, EFBIG, "more than %d private keys in one file",
			       CF_DROP_KEYS_MAX);
	pkey = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
	if (!pkey)
		return cf_ossl_fail(err, EBADMSG,
				    "the private key is damaged or of an unknown kind");
	if (p != (const unsigned char *)der.data + der.len)
		return cf_fail(err, EBADMSG, "there are bytes after the private key");
	/* Formats are tried one after the other; the failed ones leave notes. */
	ERR_clear_error();
	r = check(pkey, err);
	if (r < 0)
		return r;
	key.pkey = pkey;
	r = cf_key_to_pkcs8(&key, &item.der, err);
	if (r == 0)
		r = cf_key_spki_sum(&key, item.info.spki_sum, err);
	if (r < 0)
		return r == -EIO ? -EBADMSG : r;
	if (friendly_name && !(item.friendly_name = strdup(friendly_name)))
		return cf_fail_memory(err);
	return cf_walk_keep(walk, &item, err);
}
