/*
 * A flat encoding of integers and byte strings: what travels between worker and decoder, and
 * what row MACs are computed over. Integers are 8 bytes, big-endian; byte strings carry their
 * length in front. Not a file format: both ends are always the same build, except for the MAC
 * input, whose form is fixed by tests/golden.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* Bytes that somebody else owns. data may be NULL only when len is 0. */
struct cf_span {
	const void *data;
	size_t len;
};

struct cf_span cf_span(const void *data, size_t len);
struct cf_span cf_span_text(const char *text); /* NULL counts as empty */
struct cf_span cf_span_buf(const struct cf_buf *buf);

/* Append to out. 0 or -ENOMEM. */
int cf_pack_int(struct cf_buf *out, int64_t v, struct cf_err *err);
int cf_pack_bytes(struct cf_buf *out, struct cf_span bytes, struct cf_err *err);

/*
 * Reading: start with in at the whole; each call takes one value from its front. A value that
 * is not there sets bad, and everything after that reads as 0 or empty, so a caller checks once.
 */
struct cf_unpack {
	struct cf_span in;
	bool bad;
};

int64_t cf_unpack_int(struct cf_unpack *u);
struct cf_span cf_unpack_bytes(struct cf_unpack *u);

/* A byte string as a new NUL-terminated string (free()); NULL and bad when out of memory. */
char *cf_unpack_text(struct cf_unpack *u);

/* A byte string into a new buffer's end. 0 or -ENOMEM. */
int cf_unpack_buf(struct cf_unpack *u, struct cf_buf *out, struct cf_err *err);
