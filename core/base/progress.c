/* How far something long has come; see progress.h. */
#include "core/base/progress.h"

#include <stdio.h>
#include <time.h>

#define DIGITS 32

/* 1234567 as 1,234,567. */
static const char *grouped(int64_t n, char text[DIGITS])
{
	char *p = text + DIGITS - 1;
	int digits = 0;

	*p = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + n % 10);
		n /= 10;
		digits++;
	} while (n > 0);
	return p;
}

char *cf_progress_text(const struct cf_progress *progress, char text[CF_PROGRESS_MAX])
{
	char done[DIGITS], all[DIGITS];

	if (progress->all > 0)
		snprintf(text, CF_PROGRESS_MAX, "%s of %s %s", grouped(progress->done, done),
			 grouped(progress->all, all), progress->what);
	else
		snprintf(text, CF_PROGRESS_MAX, "%s", progress->what);
	return text;
}

bool cf_beat_due_at(struct cf_beat *beat, int64_t now_ms, int64_t after_ms, int64_t every_ms)
{
	if (!beat->started)
		beat->start_ms = now_ms;
	beat->started = true;
	if (now_ms - (beat->said ? beat->last_ms : beat->start_ms) <
	    (beat->said ? every_ms : after_ms))
		return false;
	beat->said = true;
	beat->last_ms = now_ms;
	return true;
}

bool cf_beat_due(struct cf_beat *beat, int64_t after_ms, int64_t every_ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return cf_beat_due_at(beat, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, after_ms,
			      every_ms);
}
