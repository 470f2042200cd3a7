/* A growing byte buffer that never leaves its contents behind in freed memory. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"

/*
 * Zero-initialise. data[len] is always a NUL once anything was appended, so text can be read as
 * a string. Growing copies and wipes: the old bytes may be a private key.
 */
struct cf_buf {
	char *data;
	size_t len; /* bytes in use, without the NUL */
	size_t cap; /* bytes allocated */
};

/* Append n bytes. 0 or -ENOMEM; unchanged on failure. */
int cf_buf_append(struct cf_buf *buf, const void *data, size_t n, struct cf_err *err);

/* Append a string without its NUL. 0 or -ENOMEM. */
int cf_buf_puts(struct cf_buf *buf, const char *text, struct cf_err *err);

/* Append formatted text. 0 or -ENOMEM; unchanged on failure. */
int cf_buf_printf(struct cf_buf *buf, struct cf_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Make room for n more bytes and return where they go; the caller adds to len what it wrote and
 * calls cf_buf_seal(). NULL when out of memory.
 */
void *cf_buf_room(struct cf_buf *buf, size_t n, struct cf_err *err);
void cf_buf_seal(struct cf_buf *buf, size_t n_written);

/* Contents as a string; "" when nothing was appended. Borrowed until the next change. */
const char *cf_buf_text(const struct cf_buf *buf);

/* Wipe the contents, keep the memory. */
void cf_buf_reset(struct cf_buf *buf);

/* Wipe and release; the struct may be used again. */
void cf_buf_done(struct cf_buf *buf);

/* Move src's contents into dst, releasing what dst held; src is empty afterwards. */
void cf_buf_move(struct cf_buf *dst, struct cf_buf *src);

CF_DEFINE_DONE(struct cf_buf, cf_buf_done);

/* free(3) for cf_auto on plain strings and arrays. */
void cf_free(void *p);

static inline void cf_free_p(void *slot)
{
	cf_free(*(void **)slot);
}
