/* Why an operation failed: an errno for programs, a sentence for people. */
#pragma once

#include <stdbool.h>

#define CF_ERR_MAX 512

/*
 * The caller owns it, usually on the stack, and passes NULL when it does not want the
 * words. Nothing here allocates, so running out of memory can be reported like anything else.
 */
struct cf_err {
	int code; /* positive errno value, 0 while unset */
	char text
		[CF_ERR_MAX]; /* one line of UTF-8, no final newline, no secret, no control character */
};

/*
 * Record the first cause and return -code, ready for `return`. Arguments may be text from
 * strangers: control and bidirectional characters are written as escapes, and a text that does
 * not fit ends in an ellipsis. A cause that is already there stays; only -code is returned.
 */
int cf_fail(struct cf_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* cf_fail() for running out of memory. */
int cf_fail_memory(struct cf_err *err);

/* Put a context in front of the words already there ("context: words"); returns r unchanged. */
int cf_note(struct cf_err *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Forget the words, for a second attempt. */
void cf_err_reset(struct cf_err *err);

/* The symbol of a positive errno value, "EINVAL"; "errno" for one that certfs never returns. */
const char *cf_errno_name(int code);
