/* Text from strangers: making it fit to be shown, and making sense of how it was saved. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/pack.h"

#define CF_TEXT_PIECE_MAX 16 /* most bytes that one character becomes */

/*
 * Take one character from *p (a NUL-terminated string, not at its end) and write what is shown
 * for it: itself, or `\n`, `\x1b`, `\u202e` for control characters, bidirectional controls and
 * bytes that are not UTF-8. Returns the bytes written to piece (no NUL); *p moves on.
 */
size_t cf_text_show_char(const char **p, char *piece);

/* Decode one UTF-8 character of n bytes at s: its length, 0 when it is not valid (RFC 3629). */
size_t cf_text_utf8(const char *s, size_t n, uint32_t *ret_code);

/* True when all n bytes are valid UTF-8 without NUL. */
bool cf_text_utf8_ok(const char *s, size_t n);

/* True for characters that must not be shown raw: C0, DEL, C1, bidi and line separators, BOM. */
bool cf_text_unsafe(uint32_t code);

/* The escapers: append `text` to out. 0 or -ENOMEM. */
int cf_text_show(struct cf_buf *out, const char *text, struct cf_err *err); /* for terminals */
int cf_text_json(struct cf_buf *out, const char *text, struct cf_err *err); /* with quotes */
int cf_text_html(struct cf_buf *out, const char *text, struct cf_err *err); /* text, attribute */
int cf_text_powershell(struct cf_buf *out, const char *text, struct cf_err *err); /* with quotes */

/*
 * Bring saved text to UTF-8 with LF: UTF-16 with a byte order mark is converted, a UTF-8 BOM and
 * a CR before LF are dropped. Bytes that are none of these pass unchanged (they may be DER).
 * Appends to out. 0, -ENOMEM, or -EBADMSG for UTF-16 that is broken.
 */
int cf_text_normalize(struct cf_span in, struct cf_buf *out, struct cf_err *err);

/* Strip blanks (space, tab) at both ends in place; returns where the text starts. */
char *cf_text_trim(char *text);

/* ASCII case folding of a NUL-terminated string in place. Other bytes stay. */
void cf_text_fold(char *text);

/* n bytes as upper-case hex digits and a NUL into out (2n + 1 bytes); returns out. */
char *cf_text_hex(const uint8_t *data, size_t n, char *out);
