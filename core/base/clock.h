/* The time of day, injectable for tests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CF_SECOND 1000000000LL /* cf_time units in a second */

/* Nanoseconds since 1970-01-01T00:00:00Z. INT64_MAX is "never"; 2262 is its end. */
typedef int64_t cf_time;

#define CF_NEVER INT64_MAX

/*
 * One clock a store. shift_ns is what a test adds to the system's clock; floor_ns is the time of
 * the last commit: "now" never lies before it, so that a clock set back cannot order changes
 * wrongly. All are changed with atomic operations.
 */
struct cf_clock {
	_Atomic int64_t shift_ns;
	_Atomic int64_t floor_ns;
	_Atomic int64_t skipped_ns; /* by how much a test moved the clock forward, in all */
};

/* The later of the (shifted) system clock and the last commit. */
cf_time cf_clock_now(struct cf_clock *clock);

/*
 * Nanoseconds since some moment, for "a minute later": they go on whatever becomes of the time of
 * day, through suspension too. What a test skips has passed.
 */
cf_time cf_clock_ticks(struct cf_clock *clock);

/* Raise the floor to t if it is lower. */
void cf_clock_commit(struct cf_clock *clock, cf_time t);

/* Make the clock show t from now on (tests). */
void cf_clock_set(struct cf_clock *clock, cf_time t);

#define CF_TIME_TEXT_MAX 32

/* "2026-11-21T10:00:00Z" into text (CF_TIME_TEXT_MAX bytes); returns text. */
const char *cf_time_text(cf_time t, char *text);

/* Parse that form. False when it is not of that form; *ret is untouched then. */
bool cf_time_parse(const char *text, cf_time *ret);

struct timespec cf_time_spec(cf_time t);

/* Seconds since the epoch to cf_time, clamped to what it can hold. */
cf_time cf_time_from_seconds(int64_t seconds);
