/* A flat encoding of integers and byte strings; see pack.h. */
#include "core/base/pack.h"

#include <stdlib.h>
#include <string.h>

struct cf_span cf_span(const void *data, size_t len)
{
	return (struct cf_span){ .data = data, .len = len };
}

struct cf_span cf_span_text(const char *text)
{
	return cf_span(text, text ? strlen(text) : 0);
}

struct cf_span cf_span_buf(const struct cf_buf *buf)
{
	return cf_span(buf->data, buf->len);
}

static void put_be64(unsigned char *out, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		out[i] = (unsigned char)v;
}

static uint64_t get_be64(const unsigned char *in)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | in[i];
	return v;
}

int cf_pack_int(struct cf_buf *out, int64_t v, struct cf_err *err)
{
	unsigned char raw[8];

	put_be64(raw, (uint64_t)v);
	return cf_buf_append(out, raw, sizeof(raw), err);
}

int cf_pack_bytes(struct cf_buf *out, struct cf_span bytes, struct cf_err *err)
{
	int r = cf_pack_int(out, (int64_t)bytes.len, err);

	return r < 0 ? r : cf_buf_append(out, bytes.data, bytes.len, err);
}

static const void *take(struct cf_unpack *u, size_t n)
{
	const unsigned char *p = u->in.data;

	if (u->bad || n > u->in.len) {
		u->bad = true;
		return NULL;
	}
	u->in = cf_span(n == u->in.len ? NULL : p + n, u->in.len - n);
	return p;
}

int64_t cf_unpack_int(struct cf_unpack *u)
{
	const void *p = take(u, 8);

	return p ? (int64_t)get_be64(p) : 0;
}

struct cf_span cf_unpack_bytes(struct cf_unpack *u)
{
	uint64_t n = (uint64_t)cf_unpack_int(u);
	const void *p;

	if (u->bad || n > u->in.len) {
		u->bad = true;
		return cf_span(NULL, 0);
	}
	p = n ? take(u, (size_t)n) : NULL;
	return cf_span(p, (size_t)n);
}

char *cf_unpack_text(struct cf_unpack *u)
{
	struct cf_span bytes = cf_unpack_bytes(u);
	char *text = u->bad ? NULL : malloc(bytes.len + 1);

	if (!text) {
		u->bad = true;
		return NULL;
	}
	if (bytes.len)
		memcpy(text, bytes.data, bytes.len);
	text[bytes.len] = '\0';
	return text;
}

int cf_unpack_buf(struct cf_unpack *u, struct cf_buf *out, struct cf_err *err)
{
	struct cf_span bytes = cf_unpack_bytes(u);

	return cf_buf_append(out, bytes.data, bytes.len, err);
}
