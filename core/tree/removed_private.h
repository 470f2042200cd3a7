/* A file that was removed and is made anew. See removed.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cf_at;
struct cf_file;

/* The file of a table that was removed last, see removed.c. */
struct cf_removed {
	const struct cf_file *file; /* NULL: none */
	int64_t parent;             /* row id of its directory */
	pid_t pid;                  /* who removed it */
	bool looked;                /* it was told since that it is gone */
	bool made;                  /* it has made it anew */
};

/* A file of this directory was removed by the caller, which reset it. */
void cf_removed_set(struct cf_at *at, const struct cf_file *file);

/* Whether the caller removed it just now: then its next look finds nothing, but only that one. */
bool cf_removed_look(struct cf_at *at, const struct cf_file *file);

/* Whether the caller may make it as if it were not there, once. */
bool cf_removed_make(struct cf_at *at, const struct cf_file *file);

/* Whether the caller made it so. */
bool cf_removed_made(struct cf_at *at, const struct cf_file *file);
