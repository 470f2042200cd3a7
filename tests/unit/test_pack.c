/* The flat encoding: what goes in comes out, and what is not there is bad once and for all. */
#include "tests/support.h"

#include "core/base/pack.h"

static void pack__is_eight_bytes_big_endian_and_length_in_front(void **state)
{
	static const unsigned char expected[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
						  0xff, 0xfe, 0,    0,    0,    0,
						  0,    0,    0,    2,    'a',  'b' };
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	(void)state;
	assert_int_equal(cf_pack_int(&out, -2, NULL), 0);
	assert_int_equal(cf_pack_bytes(&out, cf_span_text("ab"), NULL), 0);
	assert_int_equal(out.len, sizeof(expected));
	assert_memory_equal(out.data, expected, sizeof(expected));
}

static void unpack__gives_back_every_kind(void **state)
{
	static const int64_t values[] = { 0, 1, -1, INT64_MAX, INT64_MIN };
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };
	cf_auto(cf_buf_done) struct cf_buf copy = { 0 };
	struct cf_unpack u = { 0 };
	struct cf_span bytes;
	char *text;

	(void)state;
	for (size_t i = 0; i < CF_COUNT(values); i++)
		assert_int_equal(cf_pack_int(&out, values[i], NULL), 0);
	assert_int_equal(cf_pack_bytes(&out, cf_span("a\0b", 3), NULL), 0);
	assert_int_equal(cf_pack_bytes(&out, cf_span_text(NULL), NULL), 0);
	assert_int_equal(cf_pack_bytes(&out, cf_span_text("text"), NULL), 0);
	assert_int_equal(cf_pack_bytes(&out, cf_span_text("copy"), NULL), 0);
	u.in = cf_span_buf(&out);
	for (size_t i = 0; i < CF_COUNT(values); i++)
		assert_true(cf_unpack_int(&u) == values[i]);
	bytes = cf_unpack_bytes(&u);
	assert_int_equal(bytes.len, 3);
	assert_memory_equal(bytes.data, "a\0b", 3);
	assert_int_equal(cf_unpack_bytes(&u).len, 0);
	text = cf_unpack_text(&u);
	assert_string_equal(text, "text");
	free(text);
	assert_int_equal(cf_unpack_buf(&u, &copy, NULL), 0);
	assert_string_equal(cf_buf_text(&copy), "copy");
	assert_false(u.bad);
	assert_int_equal(u.in.len, 0);
}

static void unpack__cut_anywhere_is_bad_and_empty(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	(void)state;
	assert_int_equal(cf_pack_int(&out, 7, NULL), 0);
	assert_int_equal(cf_pack_bytes(&out, cf_span_text("abc"), NULL), 0);
	for (size_t n = 0; n < out.len; n++) {
		struct cf_unpack u = { .in = cf_span(out.data, n) };

		cf_unpack_int(&u);
		assert_int_equal(cf_unpack_bytes(&u).len, 0);
		assert_true(u.bad);
	}
}

static void unpack__length_beyond_the_end_is_bad(void **state)
{
	static const int64_t lengths[] = { 1, -1, INT64_MAX, INT64_MIN, 1LL << 32 };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(lengths); i++) {
		cf_auto(cf_buf_done) struct cf_buf out = { 0 };
		cf_auto(cf_buf_done) struct cf_buf copy = { 0 };
		struct cf_unpack u = { 0 };

		assert_int_equal(cf_pack_int(&out, lengths[i], NULL), 0);
		u.in = cf_span_buf(&out);
		assert_int_equal(cf_unpack_buf(&u, &copy, NULL), 0);
		assert_int_equal(copy.len, 0);
		assert_true(u.bad);
	}
}

static void unpack__bad_stays_bad(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };
	struct cf_unpack u = { .bad = true };

	(void)state;
	assert_int_equal(cf_pack_int(&out, 7, NULL), 0);
	u.in = cf_span_buf(&out);
	assert_int_equal(cf_unpack_int(&u), 0);
	assert_null(cf_unpack_text(&u));
	assert_true(u.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pack__is_eight_bytes_big_endian_and_length_in_front),
		cmocka_unit_test(unpack__gives_back_every_kind),
		cmocka_unit_test(unpack__cut_anywhere_is_bad_and_empty),
		cmocka_unit_test(unpack__length_beyond_the_end_is_bad),
		cmocka_unit_test(unpack__bad_stays_bad),
	};

	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
