/* Random bytes, digests, HMAC, HKDF and AES-256-GCM; see seal.h. */
#include "core/crypto/seal.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "core/crypto/ossl_private.h"

#define NONCE_SIZE 12
#define TAG_SIZE 16

int cf_random(void *out, size_t n, struct cf_err *err)
{
	if (n > INT_MAX || RAND_priv_bytes(out, (int)n) != 1)
		return cf_ossl_fail(err, EIO, "drawing random bytes");
	return 0;
}

static int digest(const EVP_MD *md, struct cf_span in, uint8_t *out, struct cf_err *err)
{
	if (EVP_Digest(in.data, in.len, out, NULL, md, NULL) != 1)
		return cf_ossl_fail(err, EIO, "computing a digest");
	return 0;
}

int cf_sha1(struct cf_span in, uint8_t out[CF_SHA1_SIZE], struct cf_err *err)
{
	return digest(EVP_sha1(), in, out, err);
}

int cf_sha256(struct cf_span in, uint8_t out[CF_SHA256_SIZE], struct cf_err *err)
{
	return digest(EVP_sha256(), in, out, err);
}

/* OSSL_PARAM has no const; nothing is written through it. */
static OSSL_PARAM bytes_param(const char *name, const void *data, size_t n)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)data, n);
}

static OSSL_PARAM sha256_param(void)
{
	return OSSL_PARAM_construct_utf8_string(OSSL_ALG_PARAM_DIGEST, (char *)"SHA256", 0);
}

int cf_hmac(const uint8_t key[CF_KEY_SIZE], const struct cf_span *parts, size_t n,
	    uint8_t out[CF_SHA256_SIZE], struct cf_err *err)
{
	OSSL_PARAM params[] = { sha256_param(), OSSL_PARAM_construct_end() };
	cf_auto(EVP_MAC_free) EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	cf_auto(EVP_MAC_CTX_free) EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	uint8_t sum[CF_SHA256_SIZE];
	size_t len;

	if (!ctx || EVP_MAC_init(ctx, key, CF_KEY_SIZE, params) != 1)
		return cf_ossl_fail(err, EIO, "computing an HMAC");
	for (size_t i = 0; i < n; i++)
		if (parts[i].len && EVP_MAC_update(ctx, parts[i].data, parts[i].len) != 1)
			return cf_ossl_fail(err, EIO, "computing an HMAC");
	if (EVP_MAC_final(ctx, sum, &len, sizeof(sum)) != 1 || len != sizeof(sum))
		return cf_ossl_fail(err, EIO, "computing an HMAC");
	memcpy(out, sum, sizeof(sum));
	OPENSSL_cleanse(sum, sizeof(sum));
	return 0;
}

int cf_hkdf(const uint8_t key[CF_KEY_SIZE], struct cf_span salt, struct cf_span info,
	    uint8_t out[CF_KEY_SIZE], struct cf_err *err)
{
	cf_auto(EVP_KDF_free) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	cf_auto(EVP_KDF_CTX_free) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[5], *p = params;
	uint8_t derived[CF_KEY_SIZE];

	*p++ = sha256_param();
	*p++ = bytes_param(OSSL_KDF_PARAM_KEY, key, CF_KEY_SIZE);
	if (salt.len)
		*p++ = bytes_param(OSSL_KDF_PARAM_SALT, salt.data, salt.len);
	if (info.len)
		*p++ = bytes_param(OSSL_KDF_PARAM_INFO, info.data, info.len);
	*p = OSSL_PARAM_construct_end();
	if (!ctx || EVP_KDF_derive(ctx, derived, sizeof(derived), params) != 1)
		return cf_ossl_fail(err, EIO, "deriving a key");
	memcpy(out, derived, sizeof(derived));
	OPENSSL_cleanse(derived, sizeof(derived));
	return 0;
}

/* What scrypt takes, with a margin: OpenSSL's own limit of 32 MiB fails from N = 2^15. */
static uint64_t scrypt_memory(int log_n, uint32_t r)
{
	return (128ULL * r << log_n) + 4ULL * 1024 * 1024;
}

int cf_scrypt(struct cf_span passphrase, struct cf_span salt, int log_n, uint8_t out[CF_KEY_SIZE],
	      struct cf_err *err)
{
	cf_auto(EVP_KDF_free) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	cf_auto(EVP_KDF_CTX_free) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	uint64_t n = 1ULL << log_n, memory = scrypt_memory(log_n, 8);
	uint32_t r = 8, p = 1;
	OSSL_PARAM params[] = {
		bytes_param(OSSL_KDF_PARAM_PASSWORD, passphrase.data, passphrase.len),
		bytes_param(OSSL_KDF_PARAM_SALT, salt.data, salt.len),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_construct_end(),
	};
	uint8_t derived[CF_KEY_SIZE];

	if (!ctx || EVP_KDF_derive(ctx, derived, sizeof(derived), params) != 1)
		return cf_ossl_fail(err, EIO, "deriving a key from a passphrase");
	memcpy(out, derived, sizeof(derived));
	OPENSSL_cleanse(derived, sizeof(derived));
	return 0;
}

/* GCM in either direction: aad, then n bytes from in to out. */
static bool transform(EVP_CIPHER_CTX *ctx, struct cf_span aad, struct cf_span in, uint8_t *out)
{
	int n;

	if (aad.len > INT_MAX || in.len > INT_MAX)
		return false;
	if (aad.len && EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len) != 1)
		return false;
	return !in.len ||
	       (EVP_CipherUpdate(ctx, out, &n, in.data, (int)in.len) == 1 && (size_t)n == in.len);
}

int cf_seal(const uint8_t key[CF_KEY_SIZE], struct cf_span aad, struct cf_span plain,
	    struct cf_buf *out, struct cf_err *err)
{
	cf_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *nonce = cf_buf_room(out, plain.len + CF_SEAL_OVERHEAD, err);
	uint8_t *text, *tag;
	int n;

	if (!nonce)
		return -ENOMEM;
	text = nonce + NONCE_SIZE;
	tag = text + plain.len;
	if (!ctx || RAND_bytes(nonce, NONCE_SIZE) != 1 ||
	    EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, 1, NULL) != 1 ||
	    !transform(ctx, aad, plain, text) || EVP_CipherFinal_ex(ctx, tag, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) != 1) {
		OPENSSL_cleanse(nonce, plain.len + CF_SEAL_OVERHEAD);
		return cf_ossl_fail(err, EIO, "sealing");
	}
	cf_buf_seal(out, plain.len + CF_SEAL_OVERHEAD);
	return 0;
}

int cf_unseal(const uint8_t key[CF_KEY_SIZE], struct cf_span aad, struct cf_span sealed,
	      struct cf_buf *out, struct cf_err *err)
{
	cf_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = NULL;
	const uint8_t *nonce = sealed.data;
	uint8_t tag[TAG_SIZE];
	struct cf_span text;
	uint8_t *room;
	int n;

	if (sealed.len < CF_SEAL_OVERHEAD)
		return cf_fail(err, EBADMSG, "a sealed value is damaged: too short");
	text = cf_span(nonce + NONCE_SIZE, sealed.len - CF_SEAL_OVERHEAD);
	memcpy(tag, nonce + NONCE_SIZE + text.len, sizeof(tag));
	room = cf_buf_room(out, text.len, err);
	if (!room)
		return -ENOMEM;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, 0, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) != 1)
		return cf_ossl_fail(err, EIO, "unsealing");
	if (!transform(ctx, aad, text, room) || EVP_CipherFinal_ex(ctx, room + text.len, &n) != 1) {
		/* What was decrypted under a wrong key or tag is nobody's to see. */
		OPENSSL_cleanse(room, text.len);
		ERR_clear_error();
		return cf_fail(err, EBADMSG,
			       "a sealed value is damaged or was sealed with another key");
	}
	cf_buf_seal(out, text.len);
	return 0;
}

bool cf_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
