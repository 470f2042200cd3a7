/* How far something long has come: the words, how often they are said, and who counts. */
#include "tests/unit/store_fixture.h"

#include "core/base/progress.h"

static void text__has_grouped_numbers(void **state)
{
	char text[CF_PROGRESS_MAX];

	(void)state;
	assert_string_equal(
		cf_progress_text(&(struct cf_progress){ "certificates", 34000, 100000 }, text),
		"34,000 of 100,000 certificates");
	assert_string_equal(cf_progress_text(&(struct cf_progress){ "servers", 0, 1 }, text),
			    "0 of 1 servers");
	assert_string_equal(
		cf_progress_text(&(struct cf_progress){ "lines", 999, 1234567890 }, text),
		"999 of 1,234,567,890 lines");
	assert_string_equal(cf_progress_text(&(struct cf_progress){ "the database", 0, 0 }, text),
			    "the database");
	assert_string_equal(
		cf_progress_text(&(struct cf_progress){ "x", INT64_MAX, INT64_MAX }, text),
		"9,223,372,036,854,775,807 of 9,223,372,036,854,775,807 x");
}

static void pace__is_late_at_first_and_then_even(void **state)
{
	struct cf_beat beat = { 0 }, at_once = { 0 };

	(void)state;
	assert_false(cf_beat_due_at(&beat, 5000, 1000, 250));
	assert_false(cf_beat_due_at(&beat, 5999, 1000, 250));
	assert_true(cf_beat_due_at(&beat, 6000, 1000, 250));
	assert_false(cf_beat_due_at(&beat, 6249, 1000, 250));
	assert_true(cf_beat_due_at(&beat, 6251, 1000, 250));
	assert_false(cf_beat_due_at(&beat, 6499, 1000, 250));
	assert_true(cf_beat_due_at(&at_once, 0, 0, 250));
	assert_false(cf_beat_due_at(&at_once, 249, 0, 250));
	assert_true(cf_beat_due_at(&at_once, 250, 0, 250));
}

/* What was heard: of each kind the last count, in the order of the kinds. */
struct heard {
	char text[1024];
	const char *what;
	int64_t done;
	int calls;
};

static void hear(void *arg, const struct cf_progress *progress)
{
	struct heard *heard = arg;
	size_t len = strlen(heard->text);

	heard->calls++;
	if (heard->what == progress->what)
		assert_true(progress->done == heard->done + 1);
	heard->what = progress->what;
	heard->done = progress->done;
	assert_true(progress->done <= progress->all);
	if (progress->done == progress->all)
		snprintf(heard->text + len, sizeof(heard->text) - len, "%lld %s\n",
			 (long long)progress->done, progress->what);
}

static void fill(struct fixture *f, int n)
{
	int64_t server = add_server(f, "EX01");
	char name[32];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		put_key(f, add_certificate(f, server, name), server, "key");
	}
}

static void ignore(void *arg, const char *sentence)
{
	(void)arg;
	(void)sentence;
}

static void check__counts_all_that_it_looks_at(void **state)
{
	struct fixture *f = *state;
	struct heard heard = { .text = "" };

	fill(f, 30);
	start_reading(f);
	cf_db_watch(f->db, hear, &heard);
	assert_int_equal(cf_store_check_in(f->db, ignore, NULL, &f->err), 0);
	done(f);
	assert_string_equal(heard.text, "0 the database\n"
					"1 servers\n"
					"30 certificates\n"
					"30 secrets\n"
					"1 key slots\n"
					"0 whether rows are missing\n"
					"30 certificates with their contents\n"
					"0 what the views say\n");
}

/* A connection is used again; who watched its last transaction must not hear of the next. */
static void watching__ends_with_the_transaction(void **state)
{
	struct fixture *f = *state;
	struct heard heard = { .text = "" };

	fill(f, 3);
	start_reading(f);
	cf_db_watch(f->db, hear, &heard);
	done(f);
	assert_int_equal(cf_store_check(f->store, ignore, NULL, &f->err), 0);
	begin(f);
	assert_int_equal(cf_store_check_in(f->db, ignore, NULL, &f->err), 0);
	done(f);
	assert_int_equal(heard.calls, 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__has_grouped_numbers),
		cmocka_unit_test(pace__is_late_at_first_and_then_even),
		WITH(check__counts_all_that_it_looks_at),
		WITH(watching__ends_with_the_transaction),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
