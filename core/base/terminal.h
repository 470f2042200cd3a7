/* One line that is a secret: from a descriptor, or asked for on the terminal without echo. */
#pragma once

#include "core/base/buf.h"

/*
 * Append the first line of fd, without its newline, to out: at most max bytes (-EINVAL), no NUL
 * (-EINVAL). Reads byte by byte, so that what follows is there for the next. -ENODATA when there is
 * nothing at all.
 */
int cf_line_read(int fd, size_t max, struct cf_buf *out, struct cf_err *err);

/*
 * Ask on the controlling terminal, whatever standard input is, and append the line to out. The
 * echo is off meanwhile and on again whatever ends it; a signal that ends the program does so after
 * that. -ENOTTY without a terminal.
 */
int cf_terminal_ask(const char *prompt, size_t max, struct cf_buf *out, struct cf_err *err);

/* The same twice, until both are the same; three tries. -EINVAL with a sentence. */
int cf_terminal_ask_new(const char *prompt, size_t max, struct cf_buf *out, struct cf_err *err);
