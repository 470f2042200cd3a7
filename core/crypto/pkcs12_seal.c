/* Salts, keys, encryption and MAC of export.pfx; see pkcs12_private.h. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/crypto/ossl_private.h"
#include "core/crypto/pkcs12_private.h"

const struct cf_pfx_scheme *cf_pfx_scheme(enum cf_pfx_encryption encryption)
{
	static const struct cf_pfx_scheme aes256_sha256 = { 16, 32, 16, 32, NID_sha256, true };
	static const struct cf_pfx_scheme triple_des_sha1 = { 8, 24, 8, 20, NID_sha1, false };

	switch (encryption) {
	case CF_PFX_AES256_SHA256:
		return &aes256_sha256;
	case CF_PFX_3DES_SHA1:
		return &triple_des_sha1;
	}
	return NULL;
}

static const EVP_MD *digest_of(const struct cf_pfx_scheme *scheme)
{
	return scheme->pbes2 ? EVP_sha256() : EVP_sha1();
}

/* Every input, each with its length, so that no two sets of inputs look alike. */
int cf_pfx_sum_inputs(struct cf_pfx_build *b)
{
	const struct cf_pfx *pfx = b->pfx;
	cf_auto(cf_buf_done) struct cf_buf all = { 0 };
	struct cf_span whole;
	int r = cf_pack_bytes(&all, cf_span_text("certfs export.pfx"), b->err);

	if (r == 0)
		r = cf_pack_int(&all, pfx->encryption, b->err);
	if (r == 0)
		r = cf_pack_int(&all, pfx->iterations, b->err);
	if (r == 0)
		r = cf_pack_bytes(&all, b->password, b->err);
	if (r == 0)
		r = cf_pack_bytes(&all, pfx->key, b->err);
	if (r == 0)
		r = cf_pack_bytes(&all, cf_span_text(pfx->friendly_name), b->err);
	if (r == 0)
		r = cf_pack_bytes(&all, cf_span(pfx->local_key_id, CF_SHA1_SIZE), b->err);
	if (r == 0)
		r = cf_pack_bytes(&all, pfx->leaf, b->err);
	for (size_t i = 0; i < pfx->n_issuers && r == 0; i++)
		r = cf_pack_bytes(&all, pfx->issuers[i], b->err);
	if (r < 0)
		return r;
	whole = cf_span_buf(&all);
	return cf_hmac(b->stable_key, &whole, 1, b->inputs, b->err);
}

/* A salt or IV: n bytes (32 at most) that depend on purpose, what they are, and all inputs. */
static int stable_bytes(struct cf_pfx_build *b, const char *purpose, const char *what, uint8_t *out,
			size_t n)
{
	/* The inputs' sum has a fixed length and goes first: what follows can't be mistaken. */
	const struct cf_span parts[] = {
		cf_span(b->inputs, sizeof(b->inputs)),
		cf_span_text(purpose),
		cf_span_text(" "),
		cf_span_text(what),
	};
	uint8_t sum[CF_SHA256_SIZE];
	int r;

	if (b->w.counting) {
		memset(out, 0, n);
		return 0;
	}
	r = cf_hmac(b->stable_key, parts, CF_COUNT(parts), sum, b->err);
	if (r == 0)
		memcpy(out, sum, n);
	return r;
}

/* RFC 7292 appendix B.2; the password becomes a BMPString there. */
static int pkcs12_kdf(struct cf_pfx_build *b, uint8_t *salt, int id, size_t n, uint8_t *out)
{
	const char *password = b->password.len ? b->password.data : "";

	if (PKCS12_key_gen_utf8_ex(password, (int)b->password.len, salt, (int)b->scheme->salt_size,
				   id, b->pfx->iterations, (int)n, out, digest_of(b->scheme), NULL,
				   NULL) != 1)
		return cf_ossl_fail(b->err, EIO, "deriving a key for export.pfx");
	return 0;
}

void cf_pfx_box_done(struct cf_pfx_box *box)
{
	OPENSSL_cleanse(box, sizeof(*box));
}

static int derive(struct cf_pfx_build *b, struct cf_pfx_box *box)
{
	const struct cf_pfx_scheme *scheme = b->scheme;
	int r;

	if (!scheme->pbes2) {
		r = pkcs12_kdf(b, box->salt, PKCS12_KEY_ID, scheme->key_size, box->key);
		if (r == 0)
			r = pkcs12_kdf(b, box->salt, PKCS12_IV_ID, scheme->block_size, box->iv);
		return r;
	}
	if (PKCS5_PBKDF2_HMAC(b->password.len ? b->password.data : "", (int)b->password.len,
			      box->salt, (int)scheme->salt_size, b->pfx->iterations, EVP_sha256(),
			      (int)scheme->key_size, box->key) != 1)
		return cf_ossl_fail(b->err, EIO, "deriving a key for export.pfx");
	return 0;
}

/* AlgorithmIdentifier of PBES2: RFC 8018 appendix A.4. */
static void put_pbes2(struct cf_pfx_build *b, const struct cf_pfx_box *box)
{
	struct cf_der *w = &b->w;
	size_t start = w->len, params, part, inner;

	cf_der_oid(w, NID_pbes2);
	params = part = w->len;
	cf_der_oid(w, NID_id_pbkdf2);
	inner = w->len;
	cf_der_put(w, CF_DER_OCTET_STRING, cf_span(box->salt, b->scheme->salt_size));
	cf_der_int(w, (unsigned int)b->pfx->iterations);
	cf_der_algorithm(w, NID_hmacWithSHA256);
	cf_der_wrap(w, inner, CF_DER_SEQUENCE);
	cf_der_wrap(w, part, CF_DER_SEQUENCE);
	part = w->len;
	cf_der_oid(w, NID_aes_256_cbc);
	cf_der_put(w, CF_DER_OCTET_STRING, cf_span(box->iv, b->scheme->block_size));
	cf_der_wrap(w, part, CF_DER_SEQUENCE);
	cf_der_wrap(w, params, CF_DER_SEQUENCE);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
}

/* AlgorithmIdentifier of pbeWithSHAAnd3-KeyTripleDES-CBC: RFC 7292 appendix C. */
static void put_3des(struct cf_pfx_build *b, const struct cf_pfx_box *box)
{
	struct cf_der *w = &b->w;
	size_t start = w->len, params;

	cf_der_oid(w, NID_pbe_WithSHA1And3_Key_TripleDES_CBC);
	params = w->len;
	cf_der_put(w, CF_DER_OCTET_STRING, cf_span(box->salt, b->scheme->salt_size));
	cf_der_int(w, (unsigned int)b->pfx->iterations);
	cf_der_wrap(w, params, CF_DER_SEQUENCE);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
}

int cf_pfx_put_algorithm(struct cf_pfx_build *b, const char *purpose, struct cf_pfx_box *box)
{
	int r = stable_bytes(b, purpose, "salt", box->salt, b->scheme->salt_size);

	if (r == 0)
		r = stable_bytes(b, purpose, "iv", box->iv, b->scheme->block_size);
	if (r < 0)
		return r;
	if (b->scheme->pbes2)
		put_pbes2(b, box);
	else
		put_3des(b, box);
	return 0;
}

/* In place: no plaintext stays behind. */
int cf_pfx_encrypt(struct cf_pfx_build *b, struct cf_pfx_box *box, size_t start)
{
	static const uint8_t padding[CF_PFX_BLOCK_MAX];
	cf_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = NULL;
	const EVP_CIPHER *cipher = b->scheme->pbes2 ? EVP_aes_256_cbc() : EVP_des_ede3_cbc();
	size_t n = b->w.len - start;
	uint8_t *text;
	int done, rest, r;

	cf_der_raw(&b->w, cf_span(padding, b->scheme->block_size - n % b->scheme->block_size));
	if (b->w.counting)
		return 0;
	if (b->w.failed)
		return cf_fail_memory(b->err);
	r = derive(b, box);
	if (r < 0)
		return r;
	text = (uint8_t *)b->w.buf.data + start;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || EVP_EncryptInit_ex2(ctx, cipher, box->key, box->iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, text, &done, text, (int)n) != 1 ||
	    EVP_EncryptFinal_ex(ctx, text + done, &rest) != 1)
		return cf_ossl_fail(b->err, EIO, "encrypting export.pfx");
	return 0;
}

int cf_pfx_mac(struct cf_pfx_build *b, size_t start, uint8_t mac[CF_SHA256_SIZE],
	       uint8_t salt[CF_PFX_SALT_MAX])
{
	size_t n = b->scheme->mac_size;
	uint8_t key[CF_SHA256_SIZE];
	int r = stable_bytes(b, "mac", "salt", salt, b->scheme->salt_size);

	if (r < 0 || b->w.counting)
		return r;
	if (b->w.failed)
		return cf_fail_memory(b->err);
	r = pkcs12_kdf(b, salt, PKCS12_MAC_ID, n, key);
	if (r == 0 && !HMAC(digest_of(b->scheme), key, (int)n, (uint8_t *)b->w.buf.data + start,
			    b->w.len - start, mac, NULL))
		r = cf_ossl_fail(b->err, EIO, "computing the MAC of export.pfx");
	OPENSSL_cleanse(key, sizeof(key));
	return r;
}
