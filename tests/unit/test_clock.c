/* Time: the floor, the shift, and the one text form. */
#include "tests/support.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"

#define AT(seconds) ((cf_time)(seconds)*CF_SECOND)

static void now__is_the_systems_time(void **state)
{
	struct cf_clock clock = { 0 };
	time_t before = time(NULL);
	cf_time now = cf_clock_now(&clock);

	(void)state;
	assert_true(now >= AT(before));
	assert_true(now <= AT(time(NULL) + 2)); /* time(2) lags by a tick */
}

static void now__is_never_before_the_last_commit(void **state)
{
	struct cf_clock clock = { 0 };
	cf_time future = cf_clock_now(&clock) + AT(1000);

	(void)state;
	cf_clock_commit(&clock, future);
	assert_true(cf_clock_now(&clock) == future);
	cf_clock_commit(&clock, future - 1);
	assert_true(cf_clock_now(&clock) == future);
	cf_clock_set(&clock, AT(5));
	assert_true(cf_clock_now(&clock) == future);
}

static void set__moves_the_clock_which_goes_on(void **state)
{
	struct cf_clock clock = { 0 };
	cf_time now;

	(void)state;
	cf_clock_set(&clock, AT(1000000000));
	now = cf_clock_now(&clock);
	assert_true(now >= AT(1000000000) && now < AT(1000000060));
	assert_true(cf_clock_now(&clock) >= now);
}

static void assert_both_ways(cf_time t, const char *text)
{
	char shown[CF_TIME_TEXT_MAX];
	cf_time again = 1;

	assert_string_equal(cf_time_text(t, shown), text);
	assert_true(cf_time_parse(text, &again));
	assert_true(again == t);
}

static void text__and_parse_are_inverse(void **state)
{
	(void)state;
	assert_both_ways(0, "1970-01-01T00:00:00Z");
	assert_both_ways(AT(1795255200), "2026-11-21T10:00:00Z");
	assert_both_ways(AT(951782400), "2000-02-29T00:00:00Z");
	assert_both_ways(AT(-1), "1969-12-31T23:59:59Z");
}

static void text__rounds_down(void **state)
{
	char text[CF_TIME_TEXT_MAX];

	(void)state;
	assert_string_equal(cf_time_text(AT(1) - 1, text), "1970-01-01T00:00:00Z");
	assert_string_equal(cf_time_text(-1, text), "1969-12-31T23:59:59Z");
	assert_string_equal(cf_time_text(CF_NEVER, text), "2262-04-11T23:47:16Z");
	assert_string_equal(cf_time_text(INT64_MIN, text), "1677-09-21T00:12:43Z");
}

static void parse__other_forms_are_refused_and_change_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"2026-11-21",
		"2026-11-21T10:00:00",
		"2026-11-21T10:00:00Zx",
		"2026-11-21 10:00:00Z",
		"2026-11-21T10:00:00z",
		" 2026-11-21T10:00:00Z",
		"2026-1-1T1:1:1Z",
		"2026-02-30T00:00:00Z",
		"2025-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-11-21T24:00:00Z",
		"2026-11-21T10:00:60Z",
	};

	(void)state;
	for (size_t i = 0; i < CF_COUNT(texts); i++) {
		cf_time t = 7;

		assert_false(cf_time_parse(texts[i], &t));
		assert_true(t == 7);
	}
}

static void parse__beyond_2262_is_the_last_moment_before_never(void **state)
{
	cf_time t;

	(void)state;
	assert_true(cf_time_parse("9999-12-31T23:59:59Z", &t));
	assert_true(t == CF_NEVER - 1);
}

static void from_seconds__is_clamped(void **state)
{
	(void)state;
	assert_true(cf_time_from_seconds(5) == AT(5));
	assert_true(cf_time_from_seconds(-5) == AT(-5));
	assert_true(cf_time_from_seconds(INT64_MAX) == CF_NEVER - 1);
	assert_true(cf_time_from_seconds(INT64_MIN) < AT(-9000000000));
}

static void spec__of_a_negative_time_has_nanoseconds_from_zero(void **state)
{
	struct timespec ts = cf_time_spec(AT(3) + 4);

	(void)state;
	assert_int_equal(ts.tv_sec, 3);
	assert_int_equal(ts.tv_nsec, 4);
	ts = cf_time_spec(-1);
	assert_int_equal(ts.tv_sec, -1);
	assert_int_equal(ts.tv_nsec, CF_SECOND - 1);
	ts = cf_time_spec(INT64_MIN);
	assert_true(ts.tv_nsec >= 0 && ts.tv_nsec < CF_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(now__is_the_systems_time),
		cmocka_unit_test(now__is_never_before_the_last_commit),
		cmocka_unit_test(set__moves_the_clock_which_goes_on),
		cmocka_unit_test(text__and_parse_are_inverse),
		cmocka_unit_test(text__rounds_down),
		cmocka_unit_test(parse__other_forms_are_refused_and_change_nothing),
		cmocka_unit_test(parse__beyond_2262_is_the_last_moment_before_never),
		cmocka_unit_test(from_seconds__is_clamped),
		cmocka_unit_test(spec__of_a_negative_time_has_nanoseconds_from_zero),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
