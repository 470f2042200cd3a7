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

/*
 * End a test that can't run here, and say so. cmocka's own skip() is printed as "not ok # SKIP",
 * which a TAP reader takes for a failure.
 */
#define leave_out()                                                                                \
	do {                                                                                       \
		print_message("# left out on this machine or in this build: %s\n", __func__);      \
		return;                                                                            \
	} while (0)
