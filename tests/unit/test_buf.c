/* The byte buffer: growing, resetting, moving. */
#include "tests/support.h"

#include "core/base/buf.h"

static void append__grows_and_ends_in_NUL(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(cf_buf_append(&buf, "ab", 2, NULL), 0);
		assert_int_equal(buf.len, 2 * i + 2);
		assert_int_equal(buf.data[buf.len], '\0');
		assert_true(buf.cap > buf.len);
	}
	for (size_t i = 0; i < buf.len; i++)
		assert_int_equal(buf.data[i], "ab"[i % 2]);
}

static void append__nothing_is_an_empty_string(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf buf = { 0 };

	(void)state;
	assert_string_equal(cf_buf_text(&buf), "");
	assert_int_equal(cf_buf_append(&buf, NULL, 0, NULL), 0);
	assert_non_null(buf.data);
	assert_string_equal(cf_buf_text(&buf), "");
}

static void append__more_than_memory_is_ENOMEM_and_changes_nothing(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf buf = { 0 };
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_buf_puts(&buf, "kept", NULL), 0);
	assert_int_equal(cf_buf_append(&buf, "x", SIZE_MAX, &err), -ENOMEM);
	assert_string_equal(err.text, "out of memory");
	assert_null(cf_buf_room(&buf, SIZE_MAX / 4, NULL));
	assert_string_equal(buf.data, "kept");
	assert_int_equal(buf.len, 4);
}

static void printf__appends_text_of_any_length(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf buf = { 0 };
	char text[301];

	(void)state;
	memset(text, 'x', 300);
	text[300] = '\0';
	assert_int_equal(cf_buf_printf(&buf, NULL, "%d,", 7), 0);
	assert_int_equal(cf_buf_printf(&buf, NULL, "%s", ""), 0);
	assert_int_equal(cf_buf_printf(&buf, NULL, "%s", text), 0);
	assert_int_equal(buf.len, 302);
	assert_memory_equal(buf.data, "7,", 2);
	assert_string_equal(buf.data + 2, text);
}

static void room__is_taken_by_seal(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf buf = { 0 };
	char *room;

	(void)state;
	assert_int_equal(cf_buf_puts(&buf, "a", NULL), 0);
	room = cf_buf_room(&buf, 500, NULL);
	assert_ptr_equal(room, buf.data + 1);
	memset(room, 'b', 500);
	cf_buf_seal(&buf, 2);
	assert_string_equal(buf.data, "abb");
	assert_int_equal(buf.len, 3);
}

static void reset__wipes_and_keeps_the_memory(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf buf = { 0 };
	const char *before;

	(void)state;
	cf_buf_reset(&buf);
	assert_null(buf.data);
	assert_int_equal(cf_buf_puts(&buf, "secret", NULL), 0);
	before = buf.data;
	cf_buf_reset(&buf);
	assert_ptr_equal(buf.data, before);
	assert_int_equal(buf.len, 0);
	for (size_t i = 0; i < buf.cap; i++)
		assert_int_equal(buf.data[i], 0);
}

static void done__leaves_a_buffer_that_can_be_used_again(void **state)
{
	struct cf_buf buf = { 0 };

	(void)state;
	assert_int_equal(cf_buf_puts(&buf, "a", NULL), 0);
	cf_buf_done(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.len + buf.cap, 0);
	assert_int_equal(cf_buf_puts(&buf, "b", NULL), 0);
	assert_string_equal(buf.data, "b");
	cf_buf_done(&buf);
	cf_buf_done(&buf);
}

static void move__replaces_and_empties_the_source(void **state)
{
	cf_auto(cf_buf_done) struct cf_buf from = { 0 };
	cf_auto(cf_buf_done) struct cf_buf to = { 0 };

	(void)state;
	assert_int_equal(cf_buf_puts(&from, "new", NULL), 0);
	assert_int_equal(cf_buf_puts(&to, "old", NULL), 0);
	cf_buf_move(&to, &from);
	assert_string_equal(to.data, "new");
	assert_null(from.data);
	assert_int_equal(from.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append__grows_and_ends_in_NUL),
		cmocka_unit_test(append__nothing_is_an_empty_string),
		cmocka_unit_test(append__more_than_memory_is_ENOMEM_and_changes_nothing),
		cmocka_unit_test(printf__appends_text_of_any_length),
		cmocka_unit_test(room__is_taken_by_seal),
		cmocka_unit_test(reset__wipes_and_keeps_the_memory),
		cmocka_unit_test(done__leaves_a_buffer_that_can_be_used_again),
		cmocka_unit_test(move__replaces_and_empties_the_source),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
