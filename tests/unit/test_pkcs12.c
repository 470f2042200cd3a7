/* export.pfx, read back with OpenSSL: content, attributes, stable bytes, exact size. */
#include "tests/support.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "core/crypto/key.h"
#include "core/crypto/ossl_private.h"
#include "core/crypto/pkcs12.h"

#define PASSWORD "p\xc3\xa4ss \xe2\x82\xac \xf0\x9f\x94\x91" /* two, three and four bytes */
#define FRIENDLY "Microsoft Exchange \xc3\xbc \xf0\x9f\x94\x91"

static const uint8_t stable_key[CF_KEY_SIZE] = { 1, 2, 3 };
static const enum cf_pfx_encryption both[] = { CF_PFX_AES256_SHA256, CF_PFX_3DES_SHA1 };

struct fixture {
	struct cf_key *key;
	struct cf_buf key_der;
	struct cf_buf certs[3];
	struct cf_span issuers[2];
	uint8_t thumbprint[CF_SHA1_SIZE];
	struct cf_pfx pfx;
	struct cf_buf out;
	struct cf_err err;
};

static int make_certificate(const struct cf_key *key, long serial, struct cf_buf *out)
{
	cf_auto(X509_free) X509 *cert = X509_new();
	unsigned char *der = NULL;
	int n, r;

	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 1000);
	X509_set_pubkey(cert, key->pkey);
	X509_sign(cert, key->pkey, EVP_sha256());
	n = i2d_X509(cert, &der);
	r = n < 0 ? -1 : cf_buf_append(out, der, (size_t)n, NULL);
	OPENSSL_free(der);
	return r;
}

static int setup_with(void **state, enum cf_key_type type)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f || cf_key_generate(type, &f->key, NULL) < 0 ||
	    cf_key_to_pkcs8(f->key, &f->key_der, NULL) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (make_certificate(f->key, i + 1, &f->certs[i]) < 0)
			return -1;
	f->issuers[0] = cf_span_buf(&f->certs[1]);
	f->issuers[1] = cf_span_buf(&f->certs[2]);
	f->pfx = (struct cf_pfx){
		.key = cf_span_buf(&f->key_der),
		.leaf = cf_span_buf(&f->certs[0]),
		.issuers = f->issuers,
		.n_issuers = 2,
		.local_key_id = f->thumbprint,
		.friendly_name = FRIENDLY,
		.encryption = CF_PFX_AES256_SHA256,
		.iterations = CF_PFX_ITERATIONS_MIN,
	};
	return cf_sha1(f->pfx.leaf, f->thumbprint, NULL);
}

static int setup_rsa(void **state)
{
	return setup_with(state, CF_KEY_RSA2048);
}

static int setup_ec(void **state)
{
	return setup_with(state, CF_KEY_P256);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cf_key_free(f->key);
	cf_buf_done(&f->key_der);
	for (int i = 0; i < 3; i++)
		cf_buf_done(&f->certs[i]);
	cf_buf_done(&f->out);
	free(f);
	return 0;
}

static int build(struct fixture *f, const char *password)
{
	cf_buf_reset(&f->out);
	return cf_pfx_build(&f->pfx, cf_span_text(password), stable_key, &f->out, &f->err);
}

/* Built, read, and the same bytes when OpenSSL writes it: sets are in DER's order. */
static PKCS12 *built(struct fixture *f, const char *password)
{
	unsigned char *again = NULL;
	const unsigned char *p;
	PKCS12 *p12;
	size_t size;

	assert_int_equal(build(f, password), 0);
	assert_int_equal(cf_pfx_size(&f->pfx, &size, NULL), 0);
	assert_int_equal(size, f->out.len);
	p = (const unsigned char *)f->out.data;
	p12 = d2i_PKCS12(NULL, &p, (long)f->out.len);
	assert_non_null(p12);
	assert_int_equal(i2d_PKCS12(p12, &again), f->out.len);
	assert_memory_equal(again, f->out.data, f->out.len);
	OPENSSL_free(again);
	return p12;
}

static void assert_certificate(const X509 *cert, const struct cf_buf *der)
{
	unsigned char *got = NULL;

	assert_int_equal(i2d_X509(cert, &got), der->len);
	assert_memory_equal(got, der->data, der->len);
	OPENSSL_free(got);
}

static void assert_readable(struct fixture *f, const char *password)
{
	PKCS12 *p12 = built(f, password);
	EVP_PKEY *key = NULL;
	X509 *leaf = NULL;
	STACK_OF(X509) *issuers = NULL;

	assert_int_equal(PKCS12_verify_mac(p12, "wrong", -1), 0);
	assert_int_equal(PKCS12_parse(p12, password, &key, &leaf, &issuers), 1);
	assert_int_equal(EVP_PKEY_eq(key, f->key->pkey), 1);
	assert_certificate(leaf, &f->certs[0]);
	assert_int_equal(sk_X509_num(issuers), 2);
	assert_certificate(sk_X509_value(issuers, 0), &f->certs[1]);
	assert_certificate(sk_X509_value(issuers, 1), &f->certs[2]);
	EVP_PKEY_free(key);
	X509_free(leaf);
	sk_X509_pop_free(issuers, X509_free);
	PKCS12_free(p12);
	ERR_clear_error();
}

static void build__is_read_by_OpenSSL_with_its_password_only(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		f->pfx.encryption = both[i];
		assert_readable(f, PASSWORD);
		assert_readable(f, "");
		assert_readable(f, "plain");
	}
}

static void build__MAC_follows_the_encryption(void **state)
{
	static const int digests[] = { NID_sha256, NID_sha1 };
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		const X509_ALGOR *algorithm;
		const ASN1_OBJECT *digest;
		const ASN1_INTEGER *iterations;
		PKCS12 *p12;

		f->pfx.encryption = both[i];
		f->pfx.iterations = 2001;
		p12 = built(f, PASSWORD);
		PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations, p12);
		X509_ALGOR_get0(&digest, NULL, NULL, algorithm);
		assert_int_equal(OBJ_obj2nid(digest), digests[i]);
		assert_int_equal(ASN1_INTEGER_get(iterations), 2001);
		PKCS12_free(p12);
	}
}

static void assert_bmp(const ASN1_TYPE *value, const char *text)
{
	unsigned char *utf8 = NULL;
	int n;

	assert_non_null(value);
	assert_int_equal(value->type, V_ASN1_BMPSTRING);
	utf8 = (unsigned char *)OPENSSL_uni2utf8(value->value.bmpstring->data,
						 value->value.bmpstring->length);
	n = (int)strlen((char *)utf8);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(utf8, text, (size_t)n);
	OPENSSL_free(utf8);
}

static void assert_local_key_id(struct fixture *f, const PKCS12_SAFEBAG *bag)
{
	const ASN1_TYPE *id = PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID);

	assert_non_null(id);
	assert_int_equal(id->value.octet_string->length, CF_SHA1_SIZE);
	assert_memory_equal(id->value.octet_string->data, f->thumbprint, CF_SHA1_SIZE);
}

static void assert_key_bag(struct fixture *f, const PKCS12_SAFEBAG *bag, bool rsa)
{
	const STACK_OF(X509_ATTRIBUTE) *attributes = PKCS12_SAFEBAG_get0_attrs(bag);
	PKCS8_PRIV_KEY_INFO *p8 = PKCS12_decrypt_skey(bag, PASSWORD, (int)strlen(PASSWORD));
	X509_ATTRIBUTE *usage;

	assert_int_equal(PKCS12_SAFEBAG_get_nid(bag), NID_pkcs8ShroudedKeyBag);
	assert_bmp(PKCS12_SAFEBAG_get0_attr(bag, NID_friendlyName), FRIENDLY);
	assert_local_key_id(f, bag);
	assert_true(X509at_get_attr_by_NID(attributes, NID_LocalKeySet, -1) >= 0);
	assert_int_equal(X509at_get_attr_count(attributes), rsa ? 4 : 3);
	if (rsa)
		assert_bmp(PKCS12_SAFEBAG_get0_attr(bag, NID_ms_csp_name),
			   "Microsoft RSA SChannel Cryptographic Provider");
	assert_non_null(p8);
	assert_int_equal(X509at_get_attr_count(PKCS8_pkey_get0_attrs(p8)), 1);
	usage = X509at_get_attr(PKCS8_pkey_get0_attrs(p8), 0);
	assert_int_equal(OBJ_obj2nid(X509_ATTRIBUTE_get0_object(usage)), NID_key_usage);
	assert_int_equal(X509_ATTRIBUTE_get0_type(usage, 0)->value.bit_string->data[0], 0x10);
	PKCS8_PRIV_KEY_INFO_free(p8);
}

static void assert_bags(struct fixture *f, bool rsa)
{
	PKCS12 *p12 = built(f, PASSWORD);
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	STACK_OF(PKCS12_SAFEBAG) * certs, *keys;

	assert_int_equal(sk_PKCS7_num(safes), 2);
	certs = PKCS12_unpack_p7encdata(sk_PKCS7_value(safes, 0), PASSWORD, (int)strlen(PASSWORD));
	assert_int_equal(sk_PKCS12_SAFEBAG_num(certs), 3);
	assert_bmp(PKCS12_SAFEBAG_get0_attr(sk_PKCS12_SAFEBAG_value(certs, 0), NID_friendlyName),
		   FRIENDLY);
	assert_local_key_id(f, sk_PKCS12_SAFEBAG_value(certs, 0));
	assert_null(PKCS12_SAFEBAG_get0_attrs(sk_PKCS12_SAFEBAG_value(certs, 1)));
	assert_null(PKCS12_SAFEBAG_get0_attrs(sk_PKCS12_SAFEBAG_value(certs, 2)));
	keys = PKCS12_unpack_p7data(sk_PKCS7_value(safes, 1));
	assert_int_equal(sk_PKCS12_SAFEBAG_num(keys), 1);
	assert_key_bag(f, sk_PKCS12_SAFEBAG_value(keys, 0), rsa);
	sk_PKCS12_SAFEBAG_pop_free(certs, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(keys, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
}

static void build__RSA_key_carries_what_Windows_wants(void **state)
{
	assert_bags(*state, true);
}

static void build__EC_key_has_no_CSP(void **state)
{
	assert_bags(*state, false);
}

static void build__without_friendly_name_has_none(void **state)
{
	struct fixture *f = *state;
	STACK_OF(PKCS7) * safes;
	STACK_OF(PKCS12_SAFEBAG) * keys;
	PKCS12 *p12;

	f->pfx.friendly_name = "";
	p12 = built(f, PASSWORD);
	safes = PKCS12_unpack_authsafes(p12);
	keys = PKCS12_unpack_p7data(sk_PKCS7_value(safes, 1));
	assert_null(PKCS12_SAFEBAG_get0_attr(sk_PKCS12_SAFEBAG_value(keys, 0), NID_friendlyName));
	assert_local_key_id(f, sk_PKCS12_SAFEBAG_value(keys, 0));
	sk_PKCS12_SAFEBAG_pop_free(keys, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
}

static void build__same_inputs_give_the_same_bytes(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		cf_auto(cf_buf_done) struct cf_buf first = { 0 };

		f->pfx.encryption = both[i];
		assert_int_equal(build(f, PASSWORD), 0);
		cf_buf_move(&first, &f->out);
		assert_int_equal(build(f, PASSWORD), 0);
		assert_int_equal(f->out.len, first.len);
		assert_memory_equal(f->out.data, first.data, first.len);
	}
}

#define N_SALTS 5 /* salt and IV of certificates and of the key, salt of the MAC */

/* Salt and IV out of a PBES2 AlgorithmIdentifier. */
static void take_pbes2(const X509_ALGOR *algorithm, uint8_t salt[16], uint8_t iv[16])
{
	PBE2PARAM *pbes2 =
		ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
	PBKDF2PARAM *kdf =
		ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbes2->keyfunc->parameter);

	assert_int_equal(kdf->salt->value.octet_string->length, 16);
	memcpy(salt, kdf->salt->value.octet_string->data, 16);
	assert_int_equal(pbes2->encryption->parameter->value.octet_string->length, 16);
	memcpy(iv, pbes2->encryption->parameter->value.octet_string->data, 16);
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(pbes2);
}

static void take_salts(struct fixture *f, const char *password, const uint8_t *with,
		       uint8_t salts[N_SALTS][16])
{
	const ASN1_OCTET_STRING *mac_salt;
	const X509_ALGOR *algorithm;
	STACK_OF(PKCS7) * safes;
	STACK_OF(PKCS12_SAFEBAG) * keys;
	const unsigned char *p;
	PKCS12 *p12;

	cf_buf_reset(&f->out);
	assert_int_equal(cf_pfx_build(&f->pfx, cf_span_text(password), with, &f->out, NULL), 0);
	p = (const unsigned char *)f->out.data;
	p12 = d2i_PKCS12(NULL, &p, (long)f->out.len);
	safes = PKCS12_unpack_authsafes(p12);
	algorithm = sk_PKCS7_value(safes, 0)->d.encrypted->enc_data->algorithm;
	take_pbes2(algorithm, salts[0], salts[1]);
	keys = PKCS12_unpack_p7data(sk_PKCS7_value(safes, 1));
	X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(sk_PKCS12_SAFEBAG_value(keys, 0)), &algorithm,
		      NULL);
	take_pbes2(algorithm, salts[2], salts[3]);
	PKCS12_get0_mac(NULL, NULL, &mac_salt, NULL, p12);
	assert_int_equal(mac_salt->length, 16);
	memcpy(salts[4], mac_salt->data, 16);
	sk_PKCS12_SAFEBAG_pop_free(keys, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
}

static void assert_other_salts(struct fixture *f, const char *password, const uint8_t *with,
			       uint8_t base[N_SALTS][16])
{
	uint8_t salts[N_SALTS][16];

	take_salts(f, password, with, salts);
	for (int i = 0; i < N_SALTS; i++)
		for (int j = 0; j < N_SALTS; j++)
			assert_memory_not_equal(salts[i], base[j], 16);
}

static void build__any_other_input_gives_other_salts(void **state)
{
	struct fixture *f = *state;
	const struct cf_pfx pfx = f->pfx;
	uint8_t other_key[CF_KEY_SIZE] = { 9 }, other_id[CF_SHA1_SIZE] = { 9 };
	uint8_t base[N_SALTS][16];

	take_salts(f, PASSWORD, stable_key, base);
	for (int i = 0; i < N_SALTS; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(base[i], base[j], 16);
	assert_other_salts(f, PASSWORD "x", stable_key, base);
	assert_other_salts(f, PASSWORD, other_key, base);
	f->pfx.iterations++;
	assert_other_salts(f, PASSWORD, stable_key, base);
	f->pfx = pfx;
	f->pfx.friendly_name = "other";
	assert_other_salts(f, PASSWORD, stable_key, base);
	f->pfx = pfx;
	f->pfx.n_issuers = 1;
	assert_other_salts(f, PASSWORD, stable_key, base);
	f->pfx = pfx;
	f->pfx.leaf = f->issuers[0];
	assert_other_salts(f, PASSWORD, stable_key, base);
	f->pfx = pfx;
	f->pfx.local_key_id = other_id;
	assert_other_salts(f, PASSWORD, stable_key, base);
	f->pfx = pfx;
	/* The same bytes, divided otherwise. */
	f->issuers[0].len--;
	assert_other_salts(f, PASSWORD, stable_key, base);
}

static void build__key_is_nowhere_in_clear(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		f->pfx.encryption = both[i];
		assert_int_equal(build(f, PASSWORD), 0);
		for (size_t at = 40; at + 8 < f->key_der.len; at += 8)
			assert_null(memmem(f->out.data, f->out.cap, f->key_der.data + at, 8));
	}
}

/* Nothing looks into a certificate, so any bytes do. */
static void size__is_exact_for_every_length(void **state)
{
	struct fixture *f = *state;
	char name[64] = "";
	char bytes[700] = "";

	f->pfx.iterations = 1;
	for (size_t n = 0; n < sizeof(bytes); n += 3) {
		const struct cf_span issuer = cf_span(bytes, n);
		const struct cf_span counted = cf_span(NULL, n);
		struct cf_pfx pfx = f->pfx;
		size_t size = 0;

		memset(name, 'x', n % sizeof(name));
		name[n % sizeof(name)] = '\0';
		f->pfx.encryption = both[n % 2];
		f->pfx.friendly_name = name;
		f->pfx.issuers = &issuer;
		f->pfx.n_issuers = n % 3 != 0;
		assert_int_equal(build(f, "x"), 0);
		pfx = f->pfx;
		pfx.key.data = pfx.leaf.data = pfx.local_key_id = NULL;
		pfx.issuers = &counted;
		assert_int_equal(cf_pfx_size(&pfx, &size, NULL), 0);
		assert_int_equal(size, f->out.len);
	}
}

static void assert_build_refused(struct fixture *f, const char *sentence)
{
	assert_int_equal(build(f, PASSWORD), -EIO);
	assert_string_equal(f->err.text, sentence);
	assert_int_equal(f->out.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
	cf_err_reset(&f->err);
}

static void build__key_that_is_not_plain_PKCS8_is_EIO_and_adds_nothing(void **state)
{
	static const char sentence[] = "writing export.pfx: the key isn't plain PKCS#8";
	struct fixture *f = *state;
	cf_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(f->key->pkey);
	cf_auto(cf_buf_done) struct cf_buf with_attribute = { 0 };
	unsigned char *der = NULL;
	int n;

	assert_int_equal(PKCS8_add_keyusage(p8, 0x80), 1);
	n = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	assert_int_equal(cf_buf_append(&with_attribute, der, (size_t)n, NULL), 0);
	OPENSSL_clear_free(der, (size_t)n);
	f->pfx.key = cf_span_buf(&with_attribute);
	assert_build_refused(f, sentence);
	for (size_t len = 0; len < f->key_der.len; len++) {
		f->pfx.key = cf_span(f->key_der.data, len);
		assert_build_refused(f, sentence);
	}
	f->pfx.key = cf_span_text("-----BEGIN PRIVATE KEY-----");
	assert_build_refused(f, sentence);
}

static void build__unknown_encryption_is_EIO_and_adds_nothing(void **state)
{
	struct fixture *f = *state;
	size_t size = 7;

	f->pfx.encryption = (enum cf_pfx_encryption)3;
	assert_build_refused(f, "writing export.pfx: encryption 3 with 2000 iterations");
	assert_int_equal(cf_pfx_size(&f->pfx, &size, NULL), -EIO);
	assert_int_equal(size, 7);
	f->pfx.encryption = CF_PFX_AES256_SHA256;
	f->pfx.iterations = 0;
	assert_build_refused(f, "writing export.pfx: encryption 1 with 0 iterations");
}

#define WITH_RSA(test) cmocka_unit_test_setup_teardown(test, setup_rsa, teardown)
#define WITH_EC(test) cmocka_unit_test_setup_teardown(test, setup_ec, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RSA(build__is_read_by_OpenSSL_with_its_password_only),
		WITH_RSA(build__MAC_follows_the_encryption),
		WITH_RSA(build__RSA_key_carries_what_Windows_wants),
		WITH_EC(build__EC_key_has_no_CSP),
		WITH_EC(build__without_friendly_name_has_none),
		WITH_EC(build__same_inputs_give_the_same_bytes),
		WITH_EC(build__any_other_input_gives_other_salts),
		WITH_EC(build__key_is_nowhere_in_clear),
		WITH_EC(build__key_that_is_not_plain_PKCS8_is_EIO_and_adds_nothing),
		WITH_EC(build__unknown_encryption_is_EIO_and_adds_nothing),
		WITH_EC(size__is_exact_for_every_length),
	};

	return cmocka_run_group_tests_name("pkcs12", tests, NULL, NULL);
}
