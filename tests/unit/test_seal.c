/* Random bytes, digests, HMAC, HKDF and sealing against published vectors and bent bits. */
#include "tests/support.h"

#include <openssl/err.h>

#include "core/crypto/seal.h"

static const uint8_t key[CF_KEY_SIZE] = { 1, 2, 3 };
static const uint8_t other_key[CF_KEY_SIZE] = { 1, 2, 4 };

struct fixture {
	struct cf_buf sealed;
	struct cf_buf out;
	struct cf_err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return f ? cf_seal(key, cf_span_text("row 1"), cf_span_text("a private key"), &f->sealed,
			   &f->err)
		 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cf_buf_done(&f->sealed);
	cf_buf_done(&f->out);
	free(f);
	return 0;
}

static void assert_hex(const uint8_t *data, size_t n, const char *hex)
{
	for (size_t i = 0; i < n; i++) {
		char two[3];

		snprintf(two, sizeof(two), "%02x", data[i]);
		assert_memory_equal(two, hex + 2 * i, 2);
	}
	assert_int_equal(strlen(hex), 2 * n);
}

static int unseal(struct fixture *f, const uint8_t *with, const char *aad)
{
	return cf_unseal(with, cf_span_text(aad), cf_span_buf(&f->sealed), &f->out, &f->err);
}

static void assert_refused(struct fixture *f, int r)
{
	assert_int_equal(r, -EBADMSG);
	assert_string_equal(f->err.text,
			    "a sealed value is damaged or was sealed with another key");
	assert_string_equal(cf_buf_text(&f->out), "");
	assert_int_equal(f->out.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
	cf_err_reset(&f->err);
}

static void unseal__gives_back_what_was_sealed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->sealed.len, strlen("a private key") + CF_SEAL_OVERHEAD);
	assert_int_equal(cf_buf_puts(&f->out, "kept,", NULL), 0);
	assert_int_equal(unseal(f, key, "row 1"), 0);
	assert_string_equal(cf_buf_text(&f->out), "kept,a private key");
}

static void unseal__other_key_is_EBADMSG_and_adds_nothing(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, unseal(f, other_key, "row 1"));
}

static void unseal__other_row_is_EBADMSG_and_adds_nothing(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, unseal(f, key, "row 2"));
	assert_refused(f, unseal(f, key, ""));
}

static void unseal__any_flipped_bit_is_EBADMSG(void **state)
{
	struct fixture *f = *state;

	for (size_t bit = 0; bit < f->sealed.len * 8; bit++) {
		f->sealed.data[bit / 8] ^= (char)(1 << bit % 8);
		assert_refused(f, unseal(f, key, "row 1"));
		f->sealed.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(unseal(f, key, "row 1"), 0);
}

static void unseal__any_missing_end_is_EBADMSG(void **state)
{
	struct fixture *f = *state;

	for (size_t n = 0; n < f->sealed.len; n++) {
		int r = cf_unseal(key, cf_span_text("row 1"), cf_span(f->sealed.data, n), &f->out,
				  &f->err);

		assert_int_equal(r, -EBADMSG);
		assert_int_equal(f->out.len, 0);
	}
	assert_string_equal(f->err.text, "a sealed value is damaged: too short");
}

static void seal__empty_value_and_no_aad_are_fine(void **state)
{
	struct fixture *f = *state;

	cf_buf_reset(&f->sealed);
	assert_int_equal(cf_seal(key, cf_span(NULL, 0), cf_span(NULL, 0), &f->sealed, &f->err), 0);
	assert_int_equal(f->sealed.len, CF_SEAL_OVERHEAD);
	assert_int_equal(unseal(f, key, ""), 0);
	assert_int_equal(f->out.len, 0);
}

static void seal__twice_gives_different_bytes_and_appends(void **state)
{
	struct fixture *f = *state;
	size_t n = f->sealed.len;

	assert_int_equal(cf_seal(key, cf_span_text("row 1"), cf_span_text("a private key"),
				 &f->sealed, &f->err),
			 0);
	assert_int_equal(f->sealed.len, 2 * n);
	assert_memory_not_equal(f->sealed.data, f->sealed.data + n, n);
}

static void digests__of_abc_are_those_of_FIPS_180(void **state)
{
	uint8_t sum[CF_SHA256_SIZE];

	(void)state;
	assert_int_equal(cf_sha1(cf_span_text("abc"), sum, NULL), 0);
	assert_hex(sum, CF_SHA1_SIZE, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(cf_sha256(cf_span_text("abc"), sum, NULL), 0);
	assert_hex(sum, CF_SHA256_SIZE,
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(cf_sha256(cf_span(NULL, 0), sum, NULL), 0);
	assert_hex(sum, CF_SHA256_SIZE,
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231 test case 1; a shorter key is the same as one padded with zeros (RFC 2104). */
static void hmac__of_parts_is_that_of_RFC_4231(void **state)
{
	uint8_t padded[CF_KEY_SIZE] = { 0 }, sum[CF_SHA256_SIZE];
	const struct cf_span parts[] = { cf_span_text("Hi "), cf_span(NULL, 0),
					 cf_span_text("There") };

	(void)state;
	memset(padded, 0x0b, 20);
	assert_int_equal(cf_hmac(padded, parts, 3, sum, NULL), 0);
	assert_hex(sum, sizeof(sum),
		   "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

/* Computed apart from OpenSSL's KDF: extract and expand are two HMACs (RFC 5869 section 2). */
static void hkdf__is_extract_and_expand(void **state)
{
	static const uint8_t salt[CF_KEY_SIZE] = { 9 };
	const struct cf_span ikm = cf_span(key, sizeof(key));
	const struct cf_span info[] = { cf_span_text("table,row"), cf_span("\x01", 1) };
	uint8_t prk[CF_SHA256_SIZE], expected[CF_SHA256_SIZE], derived[CF_KEY_SIZE];

	(void)state;
	assert_int_equal(cf_hmac(salt, &ikm, 1, prk, NULL), 0);
	assert_int_equal(cf_hmac(prk, info, 2, expected, NULL), 0);
	assert_int_equal(cf_hkdf(key, cf_span(salt, sizeof(salt)), info[0], derived, NULL), 0);
	assert_memory_equal(derived, expected, sizeof(expected));
}

static void hkdf__salt_info_and_key_all_count(void **state)
{
	uint8_t a[CF_KEY_SIZE], b[CF_KEY_SIZE];
	const struct cf_span none = cf_span(NULL, 0);

	(void)state;
	assert_int_equal(cf_hkdf(key, none, none, a, NULL), 0);
	assert_int_equal(cf_hkdf(key, none, cf_span_text("x"), b, NULL), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(cf_hkdf(key, cf_span_text("x"), none, b, NULL), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(cf_hkdf(other_key, none, none, b, NULL), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(cf_hkdf(key, none, none, b, NULL), 0);
	assert_memory_equal(a, b, sizeof(a));
}

static void random__draws_differ(void **state)
{
	uint8_t a[CF_KEY_SIZE] = { 0 }, b[CF_KEY_SIZE] = { 0 };

	(void)state;
	assert_int_equal(cf_random(a, sizeof(a), NULL), 0);
	assert_int_equal(cf_random(b, sizeof(b), NULL), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void equal__sees_every_byte(void **state)
{
	(void)state;
	assert_true(cf_equal("abc", "abc", 3));
	assert_true(cf_equal("abc", "abd", 2));
	assert_false(cf_equal("abc", "abd", 3));
	assert_true(cf_equal(NULL, NULL, 0));
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(unseal__gives_back_what_was_sealed),
		WITH_FIXTURE(unseal__other_key_is_EBADMSG_and_adds_nothing),
		WITH_FIXTURE(unseal__other_row_is_EBADMSG_and_adds_nothing),
		WITH_FIXTURE(unseal__any_flipped_bit_is_EBADMSG),
		WITH_FIXTURE(unseal__any_missing_end_is_EBADMSG),
		WITH_FIXTURE(seal__empty_value_and_no_aad_are_fine),
		WITH_FIXTURE(seal__twice_gives_different_bytes_and_appends),
		cmocka_unit_test(digests__of_abc_are_those_of_FIPS_180),
		cmocka_unit_test(hmac__of_parts_is_that_of_RFC_4231),
		cmocka_unit_test(hkdf__is_extract_and_expand),
		cmocka_unit_test(hkdf__salt_info_and_key_all_count),
		cmocka_unit_test(random__draws_differ),
		cmocka_unit_test(equal__sees_every_byte),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
