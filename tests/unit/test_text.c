/* Text from strangers: decoding, escaping for each language, bringing it to UTF-8. */
#include "tests/support.h"

#include "core/base/text.h"

typedef int escaper_fn(struct cf_buf *out, const char *text, struct cf_err *err);

static void assert_escaped(escaper_fn *escape, const char *text, const char *expected)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_int_equal(escape(&out, text, NULL), 0);
	assert_string_equal(cf_buf_text(&out), expected);
}

static void utf8__shortest_forms_up_to_10FFFF(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
	} valid[] = {
		{ "a", 'a' },
		{ "\x7f", 0x7f },
		{ "\xc2\x80", 0x80 },
		{ "\xdf\xbf", 0x7ff },
		{ "\xe0\xa0\x80", 0x800 },
		{ "\xed\x9f\xbf", 0xd7ff },
		{ "\xee\x80\x80", 0xe000 },
		{ "\xef\xbf\xbf", 0xffff },
		{ "\xf0\x90\x80\x80", 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 0x10ffff },
	};

	(void)state;
	for (size_t i = 0; i < CF_COUNT(valid); i++) {
		uint32_t code = 0;
		size_t n = strlen(valid[i].text);

		assert_int_equal(cf_text_utf8(valid[i].text, n, &code), n);
		assert_int_equal(code, valid[i].code);
		assert_int_equal(cf_text_utf8(valid[i].text, n - 1, &code), 0);
		assert_true(cf_text_utf8_ok(valid[i].text, n));
	}
}

static void utf8__overlong_surrogates_and_strays_are_none(void **state)
{
	static const char *const invalid[] = { "\x80",
					       "\xc0\x80",
					       "\xc1\xbf",
					       "\xe0\x9f\xbf",
					       "\xed\xa0\x80",
					       "\xed\xbf\xbf",
					       "\xf0\x8f\xbf\xbf",
					       "\xf4\x90\x80\x80",
					       "\xf5\x80\x80\x80",
					       "\xff",
					       "\xc3"
					       "a",
					       "\xe2\x80"
					       "a" };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(invalid); i++) {
		uint32_t code = 7;

		assert_int_equal(cf_text_utf8(invalid[i], strlen(invalid[i]), &code), 0);
		assert_int_equal(code, 7);
		assert_false(cf_text_utf8_ok(invalid[i], strlen(invalid[i])));
	}
	assert_false(cf_text_utf8_ok("a\0b", 3));
	assert_true(cf_text_utf8_ok(NULL, 0));
}

static void unsafe__what_moves_a_cursor_or_hides(void **state)
{
	static const uint32_t unsafe[] = {
		0x00,   0x09,   0x0a,   0x1b,   0x7f,   0x85,   0x9b,
		0xad,   0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
		0x202e, 0x2066, 0x2069, 0xfeff, 0x61c,  0xfff9, 0xe0001
	};
	static const uint32_t safe[] = {
		' ', 'a', '~', 0xa0, 0xfc, 0x2010, 0x2026, 0x20ac, 0x1f511
	};

	(void)state;
	for (size_t i = 0; i < CF_COUNT(unsafe); i++)
		assert_true(cf_text_unsafe(unsafe[i]));
	for (size_t i = 0; i < CF_COUNT(safe); i++)
		assert_false(cf_text_unsafe(safe[i]));
}

static void show__escapes_what_is_unsafe_and_nothing_else(void **state)
{
	(void)state;
	assert_escaped(cf_text_show, "m\xc3\xbcller <\"'&\\>", "m\xc3\xbcller <\"'&\\>");
	assert_escaped(cf_text_show, "\x1b[31m\n\t\r", "\\x1b[31m\\n\\x09\\x0d");
	assert_escaped(cf_text_show,
		       "a\xe2\x80\xae"
		       "b\xc2\x9b",
		       "a\\u202eb\\x9b");
	assert_escaped(cf_text_show, "\xff\xc3", "\\xff\\xc3");
	assert_escaped(cf_text_show, "\xf3\xa0\x80\x81", "\\ue0001");
	assert_escaped(cf_text_show, "", "");
}

static void json__is_a_string_of_RFC_8259(void **state)
{
	(void)state;
	assert_escaped(cf_text_json, "a\"\\/\n\r\t\x01", "\"a\\\"\\\\/\\n\\r\\t\\u0001\"");
	assert_escaped(cf_text_json, "\xc3\xbc\xe2\x80\xa8\xff", "\"\xc3\xbc\\u2028\xef\xbf\xbd\"");
	assert_escaped(cf_text_json, "\xf3\xa0\x80\x81", "\"\\udb40\\udc01\"");
	assert_escaped(cf_text_json, "", "\"\"");
}

static void html__has_no_markup(void **state)
{
	(void)state;
	assert_escaped(cf_text_html, "<script a=\"b\" c='d'>&amp;",
		       "&lt;script a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;amp;");
	assert_escaped(cf_text_html, "\x1b\xe2\x80\xae\xff", "\\u001b\\u202e\xef\xbf\xbd");
}

static void powershell__doubles_all_its_quotes(void **state)
{
	(void)state;
	assert_escaped(cf_text_powershell, "a'; rm $x `n \"b\"", "'a''; rm $x `n \"b\"'");
	assert_escaped(cf_text_powershell, "\xe2\x80\x98\xe2\x80\x99\xe2\x80\x9a\xe2\x80\x9b",
		       "'\xe2\x80\x98\xe2\x80\x98\xe2\x80\x99\xe2\x80\x99\xe2\x80\x9a\xe2\x80\x9a"
		       "\xe2\x80\x9b\xe2\x80\x9b'");
	assert_escaped(cf_text_powershell, "a\nb\xe2\x80\xae", "'a?b?'");
}

static void assert_normal(const char *in, size_t n, const char *expected)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_int_equal(cf_buf_puts(&out, "x\r", NULL), 0);
	assert_int_equal(cf_text_normalize(cf_span(in, n), &out, NULL), 0);
	assert_memory_equal(out.data, "x\r", 2);
	assert_string_equal(out.data + 2, expected);
}

static void normalize__drops_BOM_and_CR_before_LF(void **state)
{
	(void)state;
	assert_normal("a\r\nb\n", 5, "a\nb\n");
	assert_normal("\xef\xbb\xbf"
		      "a\r\n",
		      6, "a\n");
	assert_normal("a\rb\r", 4, "a\rb\r");
	assert_normal("a\r\r\n", 4, "a\r\n");
	assert_normal("0.contoso.com\r\n", 15, "0.contoso.com\n");
	assert_normal("30\r\n", 4, "30\n");
	assert_normal("", 0, "");
}

static void normalize__converts_UTF16_of_both_orders(void **state)
{
	(void)state;
	assert_normal("\xff\xfe"
		      "a\0\xfc\0\r\0\n\0",
		      10, "a\xc3\xbc\n");
	assert_normal("\xfe\xff\0a\0\xfc\x20\xac", 8, "a\xc3\xbc\xe2\x82\xac");
	assert_normal("\xff\xfe\x3d\xd8\x11\xdd", 6, "\xf0\x9f\x94\x91");
	assert_normal("\xff\xfe", 2, "");
}

static void normalize__broken_UTF16_is_EBADMSG(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *sentence;
	} broken[] = {
		{ "\xff\xfe"
		  "a",
		  3, "UTF-16 text with an odd number of bytes" },
		{ "\xff\xfe\x3d\xd8", 4, "broken UTF-16 text" },
		{ "\xff\xfe\x3d\xd8"
		  "a\0",
		  6, "broken UTF-16 text" },
		{ "\xff\xfe\x11\xdd", 4, "broken UTF-16 text" },
		{ "\xff\xfe\x3d\xd8\x3d\xd8", 6, "broken UTF-16 text" },
	};

	(void)state;
	for (size_t i = 0; i < CF_COUNT(broken); i++) {
		cf_auto(cf_buf_done) struct cf_buf out = { 0 };
		struct cf_err err = { 0 };

		assert_int_equal(cf_text_normalize(cf_span(broken[i].in, broken[i].n), &out, &err),
				 -EBADMSG);
		assert_string_equal(err.text, broken[i].sentence);
	}
}

static void normalize__DER_keeps_every_byte(void **state)
{
	static const char der[] = "\x30\x82\x01\x00\r\n\r\n";
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	(void)state;
	assert_int_equal(cf_text_normalize(cf_span(der, sizeof(der)), &out, NULL), 0);
	assert_int_equal(out.len, sizeof(der));
	assert_memory_equal(out.data, der, sizeof(der));
}

static void trim__takes_blanks_from_both_ends(void **state)
{
	char text[] = " \ta b\t ", blanks[] = " \t ", nothing[] = "";

	(void)state;
	assert_string_equal(cf_text_trim(text), "a b");
	assert_string_equal(cf_text_trim(blanks), "");
	assert_string_equal(cf_text_trim(nothing), "");
}

static void fold__lowers_ASCII_only(void **state)
{
	char text[] = "AZaz09[@\xc3\x9c";

	(void)state;
	cf_text_fold(text);
	assert_string_equal(text, "azaz09[@\xc3\x9c");
}

static void hex__is_upper_case(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x0a, 0xff };
	char text[7];

	(void)state;
	assert_string_equal(cf_text_hex(bytes, 3, text), "000AFF");
	assert_string_equal(cf_text_hex(bytes, 0, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8__shortest_forms_up_to_10FFFF),
		cmocka_unit_test(utf8__overlong_surrogates_and_strays_are_none),
		cmocka_unit_test(unsafe__what_moves_a_cursor_or_hides),
		cmocka_unit_test(show__escapes_what_is_unsafe_and_nothing_else),
		cmocka_unit_test(json__is_a_string_of_RFC_8259),
		cmocka_unit_test(html__has_no_markup),
		cmocka_unit_test(powershell__doubles_all_its_quotes),
		cmocka_unit_test(normalize__drops_BOM_and_CR_before_LF),
		cmocka_unit_test(normalize__converts_UTF16_of_both_orders),
		cmocka_unit_test(normalize__broken_UTF16_is_EBADMSG),
		cmocka_unit_test(normalize__DER_keeps_every_byte),
		cmocka_unit_test(trim__takes_blanks_from_both_ends),
		cmocka_unit_test(fold__lowers_ASCII_only),
		cmocka_unit_test(hex__is_upper_case),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
