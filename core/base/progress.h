/* How far something long has come, for people who wait for it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* So many of all; what names them, in the plural. all 0: how many isn't known, or one thing only. */
struct cf_progress {
	const char *what; /* borrowed */
	int64_t done, all;
};

/* Hears of it, however often; cheap, as it is called for every row. */
typedef void cf_progress_fn(void *arg, const struct cf_progress *progress);

#define CF_PROGRESS_MAX 96

/* "34,000 of 100,000 certificates", or only what. Returns text. */
char *cf_progress_text(const struct cf_progress *progress, char text[CF_PROGRESS_MAX]);

/* When something is to be said again. Zero-initialise; counts from the first call. */
struct cf_beat {
	int64_t start_ms, last_ms;
	bool started, said;
};

/* True after after_ms at first, and then every every_ms, which begin anew with true. */
bool cf_beat_due(struct cf_beat *beat, int64_t after_ms, int64_t every_ms);

/* The same at a time that the caller knows. */
bool cf_beat_due_at(struct cf_beat *beat, int64_t now_ms, int64_t after_ms, int64_t every_ms);
