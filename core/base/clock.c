/* The time of day; see clock.h. */
#include "core/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static cf_time system_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (cf_time)ts.tv_sec * CF_SECOND + ts.tv_nsec;
}

cf_time cf_clock_now(struct cf_clock *clock)
{
	cf_time now = system_now() + atomic_load(&clock->shift_ns);
	cf_time floor = atomic_load(&clock->floor_ns);

	return now > floor ? now : floor;
}

void cf_clock_commit(struct cf_clock *clock, cf_time t)
{
	int64_t floor = atomic_load(&clock->floor_ns);

	while (t > floor && !atomic_compare_exchange_weak(&clock->floor_ns, &floor, t))
		;
}

cf_time cf_clock_ticks(struct cf_clock *clock)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (cf_time)ts.tv_sec * CF_SECOND + ts.tv_nsec + atomic_load(&clock->skipped_ns);
}

void cf_clock_set(struct cf_clock *clock, cf_time t)
{
	int64_t shift = t - system_now();
	int64_t skipped = shift - atomic_exchange(&clock->shift_ns, shift);

	if (skipped > 0)
		atomic_fetch_add(&clock->skipped_ns, skipped);
}

const char *cf_time_text(cf_time t, char *text)
{
	time_t seconds = (time_t)(t / CF_SECOND - (t % CF_SECOND < 0));
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(text, CF_TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(text, "?");
	return text;
}

bool cf_time_parse(const char *text, cf_time *ret)
{
	struct tm tm = { 0 };
	char again[CF_TIME_TEXT_MAX];
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t seconds;

	if (!end || *end)
		return false;
	/* strptime() takes blanks, single digits and the 31st of February: writing it back shows. */
	seconds = timegm(&tm);
	if (!strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", &tm) || strcmp(again, text) != 0)
		return false;
	*ret = cf_time_from_seconds((int64_t)seconds);
	return true;
}

struct timespec cf_time_spec(cf_time t)
{
	int64_t seconds = t / CF_SECOND, ns = t % CF_SECOND;

	/* Division rounds towards zero, and a timespec counts up from its second. */
	if (ns < 0) {
		ns += CF_SECOND;
		seconds--;
	}
	return (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)ns };
}

cf_time cf_time_from_seconds(int64_t seconds)
{
	const int64_t most = INT64_MAX / CF_SECOND;

	if (seconds >= most)
		return CF_NEVER - 1;
	if (seconds <= -most)
		return -most * CF_SECOND;
	return seconds * CF_SECOND;
}
