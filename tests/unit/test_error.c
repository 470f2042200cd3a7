/* Errors: the first cause stays, strangers' text is made safe, what is too long ends visibly. */
#include "tests/support.h"

#include "core/base/error.h"

static void fail__records_code_and_words(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_fail(&err, EEXIST, "'%s' is %d", "mail", 3), -EEXIST);
	assert_int_equal(err.code, EEXIST);
	assert_string_equal(err.text, "'mail' is 3");
}

static void fail__first_cause_stays(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	cf_fail(&err, EIO, "first");
	assert_int_equal(cf_fail(&err, EINVAL, "second"), -EINVAL);
	assert_int_equal(err.code, EIO);
	assert_string_equal(err.text, "first");
	cf_err_reset(&err);
	cf_fail(&err, EINVAL, "second");
	assert_string_equal(err.text, "second");
}

static void fail__nobody_wants_the_words(void **state)
{
	(void)state;
	assert_int_equal(cf_fail(NULL, EIO, "x"), -EIO);
	assert_int_equal(cf_fail_memory(NULL), -ENOMEM);
	assert_int_equal(cf_note(NULL, -EIO, "x"), -EIO);
	cf_err_reset(NULL);
}

static void fail__control_and_bidi_characters_become_escapes(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	cf_fail(&err, EINVAL, "'%s'", "\x1b[2J\n\xe2\x80\xae\xff\xc3\xbc");
	assert_string_equal(err.text, "'\\x1b[2J\\n\\u202e\\xff\xc3\xbc'");
}

static void fail__text_that_does_not_fit_ends_in_an_ellipsis(void **state)
{
	struct cf_err err = { 0 };
	char text[CF_ERR_MAX * 3];
	size_t n;

	(void)state;
	/* Two bytes a character: the cut must not go through one. */
	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	text[sizeof(text) - 2] = '\0';
	cf_fail(&err, EINVAL, "x%s", text);
	n = strlen(err.text);
	assert_true(n < CF_ERR_MAX && n > CF_ERR_MAX - 8);
	assert_string_equal(err.text + n - 5, "\xc3\xbc\xe2\x80\xa6");
}

static void fail__text_that_fits_is_whole(void **state)
{
	struct cf_err err = { 0 };
	char text[CF_ERR_MAX - 12];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	cf_fail(&err, EINVAL, "%s", text);
	assert_string_equal(err.text, text);
}

static void note__puts_context_in_front(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	cf_fail(&err, EINVAL, "too long");
	assert_int_equal(cf_note(&err, -EINVAL, "EX01/%s", "mail\n"), -EINVAL);
	assert_int_equal(cf_note(&err, -EINVAL, "root"), -EINVAL);
	assert_string_equal(err.text, "root: EX01/mail\\n: too long");
	assert_int_equal(err.code, EINVAL);
}

static void note__leaves_success_and_silence_alone(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_note(&err, 0, "x"), 0);
	assert_int_equal(cf_note(&err, 3, "x"), 3);
	assert_int_equal(cf_note(&err, -EIO, "x"), -EIO);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "");
}

static void name__is_the_symbol(void **state)
{
	(void)state;
	assert_string_equal(cf_errno_name(EINVAL), "EINVAL");
	assert_string_equal(cf_errno_name(EKEYREJECTED), "EKEYREJECTED");
	assert_string_equal(cf_errno_name(EOPNOTSUPP), "EOPNOTSUPP");
	assert_string_equal(cf_errno_name(EXDEV), "errno");
	assert_string_equal(cf_errno_name(0), "errno");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail__records_code_and_words),
		cmocka_unit_test(fail__first_cause_stays),
		cmocka_unit_test(fail__nobody_wants_the_words),
		cmocka_unit_test(fail__control_and_bidi_characters_become_escapes),
		cmocka_unit_test(fail__text_that_does_not_fit_ends_in_an_ellipsis),
		cmocka_unit_test(fail__text_that_fits_is_whole),
		cmocka_unit_test(note__puts_context_in_front),
		cmocka_unit_test(note__leaves_success_and_silence_alone),
		cmocka_unit_test(name__is_the_symbol),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
