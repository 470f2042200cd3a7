/* What every test includes, in place of cmocka.h. */
#pragma once

/* A test whose assertions were compiled out would pass. */
#undef NDEBUG

/* cmocka.h needs these first, in this order; a formatter would sort them. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
/* clang-format on */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A folder of the test's own: in TMPDIR, else in memory where that is allowed. */
static inline void make_private_folder(char *out, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !*tmp)
		tmp = access("/dev/shm", R_OK | W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	assert_in_range(snprintf(out, size, "%s/certfs-XXXXXX", tmp), 1, size - 1);
	assert_non_null(mkdtemp(out));
}

/*
 * End a test that can't run here, and say so. cmocka's own skip() is printed as "not ok # SKIP",
 * which a TAP reader takes for a failure.
 */
#define leave_out()                                                                                \
	do {                                                                                       \
		print_message("# left out on this machine or in this build: %s\n", __func__);      \
		return;                                                                            \
	} while (0)
