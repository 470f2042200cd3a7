/* A growing byte buffer that wipes; see buf.h. */
#include "core/base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void discard(struct cf_buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	free(buf->data);
}

void *cf_buf_room(struct cf_buf *buf, size_t n, struct cf_err *err)
{
	size_t need, cap;
	char *data;

	if (n >= SIZE_MAX / 4 - buf->len) {
		cf_fail_memory(err);
		return NULL;
	}
	need = buf->len + n + 1;
	if (need <= buf->cap)
		return buf->data + buf->len;
	cap = buf->cap ? buf->cap * 2 : 64;
	if (cap < need)
		cap = need;
	data = malloc(cap);
	if (!data) {
		cf_fail_memory(err);
		return NULL;
	}
	if (buf->len)
		memcpy(data, buf->data, buf->len);
	data[buf->len] = '\0';
	discard(buf);
	buf->data = data;
	buf->cap = cap;
	return data + buf->len;
}

void cf_buf_seal(struct cf_buf *buf, size_t n_written)
{
	buf->len += n_written;
	buf->data[buf->len] = '\0';
}

int cf_buf_append(struct cf_buf *buf, const void *data, size_t n, struct cf_err *err)
{
	void *room = cf_buf_room(buf, n, err);

	if (!room)
		return -ENOMEM;
	if (n)
		memcpy(room, data, n);
	cf_buf_seal(buf, n);
	return 0;
}

int cf_buf_puts(struct cf_buf *buf, const char *text, struct cf_err *err)
{
	return cf_buf_append(buf, text, strlen(text), err);
}

int cf_buf_printf(struct cf_buf *buf, struct cf_err *err, const char *fmt, ...)
{
	va_list ap;
	char *room;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	room = n < 0 ? NULL : cf_buf_room(buf, (size_t)n, err);
	if (!room)
		return cf_fail_memory(err);
	va_start(ap, fmt);
	vsnprintf(room, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)n;
	return 0;
}

const char *cf_buf_text(const struct cf_buf *buf)
{
	return buf->data ? buf->data : "";
}

void cf_buf_reset(struct cf_buf *buf)
{
	if (!buf->data)
		return;
	explicit_bzero(buf->data, buf->cap);
	buf->len = 0;
}

void cf_buf_done(struct cf_buf *buf)
{
	discard(buf);
	*buf = (struct cf_buf){ 0 };
}

void cf_buf_move(struct cf_buf *dst, struct cf_buf *src)
{
	discard(dst);
	*dst = *src;
	*src = (struct cf_buf){ 0 };
}

void cf_free(void *p)
{
	free(p);
}
