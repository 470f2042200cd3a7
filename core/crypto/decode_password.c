/* Passwords for what is encrypted in a dropped file; see decode_private.h. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/decode_private.h"

CF_DEFINE_AUTO(PBE2PARAM, PBE2PARAM_free);
CF_DEFINE_AUTO(PBKDF2PARAM, PBKDF2PARAM_free);
CF_DEFINE_AUTO(PBEPARAM, PBEPARAM_free);
CF_DEFINE_AUTO(SCRYPT_PARAMS, SCRYPT_PARAMS_free);

/* -- what is tried ---------------------------------------------------------------------------- */

static void add(struct cf_walk *walk, const char *text, size_t len)
{
	walk->candidates[walk->n_candidates++] =
		(struct cf_candidate){ .text = text, .len = (int)len };
}

/*
 * OpenSSL before 1.1 took the bytes of UTF-8 for characters of Latin-1. Written as UTF-8 once more
 * they lead to the same key. Returns the end.
 */
static char *widen(struct cf_span text, char *to)
{
	const unsigned char *p = text.data;

	for (size_t i = 0; i < text.len; i++) {
		if (p[i] >= 0x80)
			*to++ = (char)(0xc0 | p[i] >> 6);
		*to++ = (char)(p[i] < 0x80 ? p[i] : 0x80 | (p[i] & 0x3f));
	}
	return to;
}

static bool is_ascii(struct cf_span text)
{
	const unsigned char *p = text.data;

	for (size_t i = 0; i < text.len; i++)
		if (p[i] >= 0x80)
			return false;
	return true;
}

int cf_walk_candidates(struct cf_walk *walk, const struct cf_passwords *passwords,
		       struct cf_err *err)
{
	size_t n = passwords ? passwords->n : 0, room = 1;
	char *to;

	if (n > CF_PASSWORDS_MAX)
		n = CF_PASSWORDS_MAX;
	for (size_t i = 0; i < n; i++)
		room += 2 * passwords->items[i].len;
	to = cf_buf_room(&walk->held, room, err);
	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct cf_span text = passwords->items[i];

		if (!text.len)
			continue;
		walk->given = true;
		add(walk, text.data, text.len);
		if (!is_ascii(text)) {
			char *end = widen(text, to);

			add(walk, to, (size_t)(end - to));
			to = end;
		}
	}
	cf_buf_seal(&walk->held, (size_t)(to - walk->held.data));
	/* As PKCS#12 counts, "" is a terminator alone, two bytes; none is not even that. */
	add(walk, "", 0);
	add(walk, NULL, 0);
	return 0;
}

int cf_walk_unlock(struct cf_walk *walk, cf_unlock_fn *try, void *arg, struct cf_err *err)
{
	for (size_t i = 0; i <= walk->n_candidates; i++) {
		size_t c = i ? i - 1 : walk->fits;
		bool fits;

		if (i && c == walk->fits)
			continue;
		fits = try(&walk->candidates[c], arg);
		if (cf_ossl_drain() && !fits)
			return cf_fail_memory(err);
		if (fits) {
			walk->fits = c;
			return 0;
		}
	}
	if (!walk->given)
		return cf_fail(err, ENOKEY,
			       "it is encrypted and no password for it is set; write the password "
			       "into _import.password of the server and drop it again");
	return cf_fail(err, EKEYREJECTED,
		       "no password that is set fits; write the right one into _import.password of "
		       "the server and drop it again");
}

/* -- what that may cost --------------------------------------------------------------------- */

static int count(struct cf_walk *walk, int64_t n, struct cf_err *err)
{
	if (n < 1)
		return cf_fail(err, EBADMSG, "a key derivation with %lld iterations", (long long)n);
	if (n > CF_ITERATIONS_MAX)
		return cf_fail(err, EINVAL,
			       "a key derivation with %lld iterations; at most %d are accepted",
			       (long long)n, CF_ITERATIONS_MAX);
	walk->iterations += n;
	if (walk->iterations > CF_ITERATIONS_SUM_MAX)
		return cf_fail(err, EINVAL,
			       "its key derivations have %lld iterations in all; at most %d are "
			       "accepted",
			       (long long)walk->iterations, CF_ITERATIONS_SUM_MAX);
	return 0;
}

/* A number; what does not fit is as bad as what is too large. */
static int64_t number(const ASN1_INTEGER *value)
{
	int64_t n;

	if (ASN1_INTEGER_get_int64(&n, value))
		return n;
	ERR_clear_error();
	return ASN1_STRING_type(value) == V_ASN1_NEG_INTEGER ? -1 : INT64_MAX;
}

int cf_walk_count(struct cf_walk *walk, const ASN1_INTEGER *iterations, struct cf_err *err)
{
	return count(walk, iterations ? number(iterations) : 1, err);
}

static int unknown(const char *name, struct cf_err *err)
{
	ERR_clear_error();
	return cf_fail(err, EINVAL, "it is encrypted with '%s', which can't be read here", name);
}

static int check_cipher(const char *name, struct cf_err *err)
{
	cf_auto(EVP_CIPHER_free) EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, CF_OSSL_ANY);

	return cipher ? 0 : unknown(name, err);
}

static int damaged(struct cf_err *err)
{
	return cf_ossl_fail(err, EBADMSG, "how it is encrypted");
}

/*
 * One step through the memory of scrypt (RFC 7914) takes about as long as two iterations of the
 * others; that it isn't too large, OpenSSL sees to.
 */
static int count_scrypt(struct cf_walk *walk, const X509_ALGOR *kdf, struct cf_err *err)
{
	cf_auto(SCRYPT_PARAMS_free) SCRYPT_PARAMS *params =
		ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), kdf->parameter);
	int64_t n, r, p, most = CF_ITERATIONS_MAX + 1;

	if (!params)
		return damaged(err);
	n = number(params->costParameter);
	r = number(params->blockSize);
	p = number(params->parallelizationParameter);
	if (n < 1 || r < 1 || p < 1)
		return count(walk, 0, err);
	if (n > most || r > most || p > most || n * r > most || n * r * p > most)
		return count(walk, most, err);
	return count(walk, 2 * n * r * p, err);
}

static int count_pbes2(struct cf_walk *walk, const X509_ALGOR *algorithm, struct cf_err *err)
{
	cf_auto(PBE2PARAM_free) PBE2PARAM *pbe2 = NULL;
	cf_auto(PBKDF2PARAM_free) PBKDF2PARAM *kdf = NULL;
	char name[80];
	int r;

	pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
	if (!pbe2)
		return damaged(err);
	OBJ_obj2txt(name, sizeof(name), pbe2->encryption->algorithm, 0);
	r = check_cipher(name, err);
	if (r < 0)
		return r;
	if (OBJ_obj2nid(pbe2->keyfunc->algorithm) == NID_id_scrypt)
		return count_scrypt(walk, pbe2->keyfunc, err);
	OBJ_obj2txt(name, sizeof(name), pbe2->keyfunc->algorithm, 0);
	if (OBJ_obj2nid(pbe2->keyfunc->algorithm) != NID_id_pbkdf2)
		return unknown(name, err);
	kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe2->keyfunc->parameter);
	return kdf ? cf_walk_count(walk, kdf->iter, err) : damaged(err);
}

int cf_walk_count_algorithm(struct cf_walk *walk, const X509_ALGOR *algorithm, struct cf_err *err)
{
	cf_auto(PBEPARAM_free) PBEPARAM *pbe = NULL;
	int nid = OBJ_obj2nid(algorithm->algorithm), cipher;
	char name[80];
	int r;

	if (nid == NID_pbes2)
		return count_pbes2(walk, algorithm, err);
	OBJ_obj2txt(name, sizeof(name), algorithm->algorithm, 0);
	if (nid == NID_undef || !EVP_PBE_find(EVP_PBE_TYPE_OUTER, nid, &cipher, NULL, NULL))
		return unknown(name, err);
	r = check_cipher(OBJ_nid2sn(cipher), err);
	if (r < 0)
		return r;
	pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
	return pbe ? cf_walk_count(walk, pbe->iter, err) : damaged(err);
}

/* -- opening ---------------------------------------------------------------------------------- */

struct sealed {
	const X509_ALGOR *algorithm;
	const ASN1_OCTET_STRING *bytes;
	const ASN1_ITEM *type;
	void *opened;
};

/* A wrong password leaves noise, which is no object of the type. */
static bool try_object(const struct cf_candidate *c, void *arg)
{
	struct sealed *s = arg;

	s->opened = PKCS12_item_decrypt_d2i_ex(s->algorithm, s->type, c->text, c->len, s->bytes, 1,
					       NULL, CF_OSSL_ANY);
	return s->opened != NULL;
}

int cf_walk_decrypt(struct cf_walk *walk, const X509_ALGOR *algorithm,
		    const ASN1_OCTET_STRING *bytes, const ASN1_ITEM *type, void *ret,
		    struct cf_err *err)
{
	struct sealed s = { .algorithm = algorithm, .bytes = bytes, .type = type };
	int r = cf_walk_unlock(walk, try_object, &s, err);

	if (r == 0)
		*(void **)ret = s.opened;
	return r;
}

int cf_walk_sealed_key(struct cf_walk *walk, const X509_SIG *sealed, const char *friendly_name,
		       struct cf_err *err)
{
	cf_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *p8 = NULL;
	const ASN1_OCTET_STRING *bytes;
	const X509_ALGOR *algorithm;
	unsigned char *der = NULL;
	int n, r;

	X509_SIG_get0(sealed, &algorithm, &bytes);
	r = cf_walk_decrypt(walk, algorithm, bytes, ASN1_ITEM_rptr(PKCS8_PRIV_KEY_INFO), &p8, err);
	if (r < 0)
		return r;
	n = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	if (n <= 0)
		return cf_ossl_fail(err, EBADMSG, "the private key");
	r = cf_walk_key(walk, cf_span(der, (size_t)n), friendly_name, err);
	OPENSSL_clear_free(der, (size_t)n);
	return r;
}

/* A traditional key: its key is made with MD5 in one step (EVP_BytesToKey(3)). */
struct old_key {
	EVP_CIPHER_INFO info;
	EVP_CIPHER *cipher;
	struct cf_span der;
	struct cf_buf opened;
};

/* Decrypt into k->opened, which has room. */
static bool decrypt_old(const struct cf_candidate *c, struct old_key *k)
{
	cf_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char key[EVP_MAX_KEY_LENGTH];
	unsigned char *to = (unsigned char *)k->opened.data;
	int n = 0, rest = 0;
	bool ok;

	ok = ctx &&
	     EVP_BytesToKey(k->cipher, EVP_md5(), k->info.iv, (const unsigned char *)c->text,
			    c->len, 1, key, NULL) > 0 &&
	     EVP_DecryptInit_ex2(ctx, k->cipher, key, k->info.iv, NULL) == 1 &&
	     EVP_DecryptUpdate(ctx, to, &n, k->der.data, (int)k->der.len) == 1 &&
	     EVP_DecryptFinal_ex(ctx, to + n, &rest) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	k->opened.len = ok ? (size_t)n + (size_t)rest : 0;
	return ok;
}

static bool try_old(const struct cf_candidate *c, void *arg)
{
	struct old_key *k = arg;
	cf_auto(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	const unsigned char *p = (unsigned char *)k->opened.data;

	if (!c->text || !decrypt_old(c, k))
		return false;
	pkey = d2i_AutoPrivateKey(NULL, &p, (long)k->opened.len);
	return pkey != NULL;
}

/* What the two lines Proc-Type and DEK-Info say. */
static int read_headers(struct cf_span headers, struct old_key *k, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	int r = cf_buf_append(&text, headers.data, headers.len, err);
	char *p;

	if (r == 0)
		r = cf_buf_puts(&text, "\n", err);
	if (r < 0)
		return r;
	for (p = text.data; *p; p++)
		if (*p == '\r')
			*p = '\n';
	p = text.data + strspn(text.data, " \t\n");
	if (!PEM_get_EVP_CIPHER_INFO(p, &k->info) || !k->info.cipher)
		return cf_ossl_fail(err, EINVAL, "how the private key is encrypted");
	k->cipher = EVP_CIPHER_fetch(NULL, EVP_CIPHER_get0_name(k->info.cipher), CF_OSSL_ANY);
	return k->cipher ? 0 : unknown(EVP_CIPHER_get0_name(k->info.cipher), err);
}

int cf_walk_old_key(struct cf_walk *walk, struct cf_span headers, struct cf_span der,
		    struct cf_err *err)
{
	struct old_key k = { .der = der };
	int r = read_headers(headers, &k, err);

	if (r == 0 && !cf_buf_room(&k.opened, der.len + EVP_MAX_BLOCK_LENGTH, err))
		r = -ENOMEM;
	if (r == 0)
		r = cf_walk_unlock(walk, try_old, &k, err);
	if (r == 0)
		r = cf_walk_key(walk, cf_span_buf(&k.opened), NULL, err);
	EVP_CIPHER_free(k.cipher);
	cf_buf_done(&k.opened);
	return r;
}
