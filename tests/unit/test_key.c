/* Keys: kinds, encoding and loading. */
#include "tests/support.h"

#include <openssl/err.h>

#include "core/crypto/key.h"
#include "core/crypto/ossl_private.h"

static void parse__every_type_in_any_case(void **state)
{
	static const char *const texts[] = { "rsa2048", "rsa3072", "rsa4096", "p256", "p384" };
	enum cf_key_type type;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(cf_key_type_parse(texts[i], &type, NULL), 0);
		assert_int_equal(type, i + 1);
		assert_string_equal(cf_key_type_text(i + 1), texts[i]);
	}
	assert_int_equal(cf_key_type_parse("P256", &type, NULL), 0);
	assert_int_equal(type, CF_KEY_P256);
}

static void assert_type_refused(const char *text, const char *sentence)
{
	enum cf_key_type type = CF_KEY_P384;
	struct cf_err err = { 0 };

	assert_int_equal(cf_key_type_parse(text, &type, &err), -EINVAL);
	assert_string_equal(err.text, sentence);
	assert_int_equal(type, CF_KEY_P384);
}

static void parse__1024_has_a_sentence_of_its_own(void **state)
{
	(void)state;
	assert_type_refused("rsa1024", "'rsa1024': no CA signs a key of 1024 bits; take rsa2048");
	assert_type_refused("1024", "'1024': no CA signs a key of 1024 bits; take rsa2048");
}

static void parse__other_words_are_EINVAL_and_change_nothing(void **state)
{
	(void)state;
	assert_type_refused("dsa", "'dsa' is none of rsa2048, rsa3072, rsa4096, p256, p384");
	assert_type_refused("", "'' is none of rsa2048, rsa3072, rsa4096, p256, p384");
	assert_type_refused("rsa20480",
			    "'rsa20480' is none of rsa2048, rsa3072, rsa4096, p256, p384");
}

static void text__of_other_numbers_is_NULL(void **state)
{
	(void)state;
	assert_null(cf_key_type_text(0));
	assert_null(cf_key_type_text(6));
}

static void generate__unknown_type_is_EIO(void **state)
{
	struct cf_key *key = NULL;
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_key_generate((enum cf_key_type)9, &key, &err), -EIO);
	assert_string_equal(err.text, "there is no key type 9");
	assert_null(key);
}

static void assert_same_public(const struct cf_key *a, const struct cf_key *b)
{
	uint8_t sum_a[CF_SHA256_SIZE], sum_b[CF_SHA256_SIZE];

	assert_int_equal(cf_key_spki_sum(a, sum_a, NULL), 0);
	assert_int_equal(cf_key_spki_sum(b, sum_b, NULL), 0);
	assert_memory_equal(sum_a, sum_b, sizeof(sum_a));
}

static void round_trip(enum cf_key_type type, const char *algorithm, int bits)
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	cf_auto(cf_key_free) struct cf_key *again = NULL;
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	cf_auto(cf_buf_done) struct cf_buf der_again = { 0 };

	assert_int_equal(cf_key_generate(type, &key, NULL), 0);
	assert_true(EVP_PKEY_is_a(key->pkey, algorithm));
	assert_int_equal(EVP_PKEY_get_bits(key->pkey), bits);
	assert_int_equal(cf_key_to_pkcs8(key, &der, NULL), 0);
	assert_int_equal(cf_key_from_pkcs8(cf_span_buf(&der), &again, NULL), 0);
	assert_same_public(key, again);
	assert_int_equal(cf_key_to_pkcs8(again, &der_again, NULL), 0);
	assert_int_equal(der.len, der_again.len);
	assert_memory_equal(der.data, der_again.data, der.len);
	assert_int_equal(ERR_peek_error(), 0);
}

static void pkcs8__gives_back_the_same_key(void **state)
{
	(void)state;
	round_trip(CF_KEY_RSA2048, "RSA", 2048);
	round_trip(CF_KEY_P256, "EC", 256);
	round_trip(CF_KEY_P384, "EC", 384);
}

static void spki__is_what_OpenSSL_reads_as_public_key(void **state)
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	cf_auto(EVP_PKEY_free) EVP_PKEY *public = NULL;
	uint8_t sum[CF_SHA256_SIZE], expected[CF_SHA256_SIZE];
	const unsigned char *p;

	(void)state;
	assert_int_equal(cf_key_generate(CF_KEY_P256, &key, NULL), 0);
	assert_int_equal(cf_key_spki(key, &der, NULL), 0);
	p = (const unsigned char *)der.data;
	public = d2i_PUBKEY(NULL, &p, (long)der.len);
	assert_int_equal(EVP_PKEY_eq(public, key->pkey), 1);
	assert_int_equal(cf_sha256(cf_span_buf(&der), expected, NULL), 0);
	assert_int_equal(cf_key_spki_sum(key, sum, NULL), 0);
	assert_memory_equal(sum, expected, sizeof(sum));
}

static void from_pkcs8__anything_else_is_EIO_and_leaves_nothing(void **state)
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	struct cf_key *ret = NULL;
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_key_from_pkcs8(cf_span_text("no key"), &ret, &err), -EIO);
	assert_memory_equal(err.text, "reading a private key: ", 23);
	assert_int_equal(cf_key_from_pkcs8(cf_span(NULL, 0), &ret, NULL), -EIO);
	assert_int_equal(cf_key_generate(CF_KEY_P256, &key, NULL), 0);
	assert_int_equal(cf_key_to_pkcs8(key, &der, NULL), 0);
	for (size_t n = 0; n < der.len; n++)
		assert_int_equal(cf_key_from_pkcs8(cf_span(der.data, n), &ret, NULL), -EIO);
	assert_int_equal(cf_buf_append(&der, "", 1, NULL), 0);
	cf_err_reset(&err);
	assert_int_equal(cf_key_from_pkcs8(cf_span_buf(&der), &ret, &err), -EIO);
	assert_string_equal(err.text, "reading a private key: bytes follow it");
	assert_null(ret);
	assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse__every_type_in_any_case),
		cmocka_unit_test(parse__1024_has_a_sentence_of_its_own),
		cmocka_unit_test(parse__other_words_are_EINVAL_and_change_nothing),
		cmocka_unit_test(text__of_other_numbers_is_NULL),
		cmocka_unit_test(generate__unknown_type_is_EIO),
		cmocka_unit_test(pkcs8__gives_back_the_same_key),
		cmocka_unit_test(spki__is_what_OpenSSL_reads_as_public_key),
		cmocka_unit_test(from_pkcs8__anything_else_is_EIO_and_leaves_nothing),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
