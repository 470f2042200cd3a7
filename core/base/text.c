/* Text from strangers; see text.h. */
#include "core/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t cf_text_utf8(const char *s, size_t n, uint32_t *ret_code)
{
	const unsigned char *p = (const unsigned char *)s;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;
	size_t len;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		len = 1, code = p[0];
	else if (p[0] >= 0xc2 && p[0] < 0xe0)
		len = 2, code = p[0] & 0x1f;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		len = 3, code = p[0] & 0x0f;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		len = 4, code = p[0] & 0x07;
	else
		return 0;
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return len;
}

bool cf_text_utf8_ok(const char *s, size_t n)
{
	while (n) {
		uint32_t code;
		size_t len = cf_text_utf8(s, n, &code);

		if (!len || !code)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

bool cf_text_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe007f);
}

size_t cf_text_show_char(const char **p, char *piece)
{
	uint32_t code;
	size_t len = cf_text_utf8(*p, strnlen(*p, 4), &code);

	if (!len) {
		int n = snprintf(piece, CF_TEXT_PIECE_MAX, "\\x%02x", (unsigned char)**p);

		(*p)++;
		return (size_t)n;
	}
	if (!cf_text_unsafe(code)) {
		memcpy(piece, *p, len);
		*p += len;
		return len;
	}
	*p += len;
	if (code == '\n')
		return (size_t)snprintf(piece, CF_TEXT_PIECE_MAX, "\\n");
	return (size_t)snprintf(piece, CF_TEXT_PIECE_MAX, code < 0x100 ? "\\x%02x" : "\\u%04x",
				(unsigned)code);
}

int cf_text_show(struct cf_buf *out, const char *text, struct cf_err *err)
{
	while (*text) {
		char piece[CF_TEXT_PIECE_MAX];
		size_t n = cf_text_show_char(&text, piece);
		int r = cf_buf_append(out, piece, n, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* How one special character is written in a language; NULL for one that stays itself. */
typedef const char *special_fn(uint32_t code, char *piece);

static int escape(struct cf_buf *out, const char *text, special_fn *special, struct cf_err *err)
{
	while (*text) {
		char piece[CF_TEXT_PIECE_MAX];
		uint32_t code = 0;
		size_t len = cf_text_utf8(text, strnlen(text, 4), &code);
		const char *as;
		int r;

		if (!len)
			code = 0xfffd;
		as = special(code, piece);
		if (as)
			r = cf_buf_puts(out, as, err);
		else if (!len)
			r = cf_buf_puts(out, "\xef\xbf\xbd", err);
		else
			r = cf_buf_append(out, text, len, err);
		if (r < 0)
			return r;
		text += len ? len : 1;
	}
	return 0;
}

static int quoted(struct cf_buf *out, const char *text, const char *quote, special_fn *special,
		  struct cf_err *err)
{
	int r = cf_buf_puts(out, quote, err);

	if (r == 0)
		r = escape(out, text, special, err);
	return r < 0 ? r : cf_buf_puts(out, quote, err);
}

/* RFC 8259 section 7; what would move a terminal's cursor is escaped beyond its demands. */
static const char *json_special(uint32_t code, char *piece)
{
	switch (code) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		break;
	}
	if (!cf_text_unsafe(code))
		return NULL;
	if (code < 0x10000) {
		snprintf(piece, CF_TEXT_PIECE_MAX, "\\u%04x", (unsigned)code);
		return piece;
	}
	code -= 0x10000;
	snprintf(piece, CF_TEXT_PIECE_MAX, "\\u%04x\\u%04x", 0xd800 + (unsigned)(code >> 10),
		 0xdc00 + (unsigned)(code & 0x3ff));
	return piece;
}

static const char *html_special(uint32_t code, char *piece)
{
	switch (code) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		break;
	}
	if (!cf_text_unsafe(code))
		return NULL;
	snprintf(piece, CF_TEXT_PIECE_MAX, "\\u%04x", (unsigned)code);
	return piece;
}

/* PowerShell takes four more characters for a single quote; each is doubled (about_Quoting_Rules). */
static const char *powershell_special(uint32_t code, char *piece)
{
	switch (code) {
	case '\'':
		return "''";
	case 0x2018:
		return "\xe2\x80\x98\xe2\x80\x98";
	case 0x2019:
		return "\xe2\x80\x99\xe2\x80\x99";
	case 0x201a:
		return "\xe2\x80\x9a\xe2\x80\x9a";
	case 0x201b:
		return "\xe2\x80\x9b\xe2\x80\x9b";
	default:
		break;
	}
	if (!cf_text_unsafe(code))
		return NULL;
	snprintf(piece, CF_TEXT_PIECE_MAX, "?");
	return piece;
}

int cf_text_json(struct cf_buf *out, const char *text, struct cf_err *err)
{
	return quoted(out, text, "\"", json_special, err);
}

int cf_text_html(struct cf_buf *out, const char *text, struct cf_err *err)
{
	return escape(out, text, html_special, err);
}

int cf_text_powershell(struct cf_buf *out, const char *text, struct cf_err *err)
{
	return quoted(out, text, "'", powershell_special, err);
}

static int put_utf8(struct cf_buf *out, uint32_t code, struct cf_err *err)
{
	char s[4];
	size_t n;

	if (code < 0x80) {
		s[0] = (char)code;
		n = 1;
	} else if (code < 0x800) {
		s[0] = (char)(0xc0 | code >> 6);
		s[1] = (char)(0x80 | (code & 0x3f));
		n = 2;
	} else if (code < 0x10000) {
		s[0] = (char)(0xe0 | code >> 12);
		s[1] = (char)(0x80 | (code >> 6 & 0x3f));
		s[2] = (char)(0x80 | (code & 0x3f));
		n = 3;
	} else {
		s[0] = (char)(0xf0 | code >> 18);
		s[1] = (char)(0x80 | (code >> 12 & 0x3f));
		s[2] = (char)(0x80 | (code >> 6 & 0x3f));
		s[3] = (char)(0x80 | (code & 0x3f));
		n = 4;
	}
	return cf_buf_append(out, s, n, err);
}

static int from_utf16(const unsigned char *p, size_t n, bool big, struct cf_buf *out,
		      struct cf_err *err)
{
	uint32_t high = 0;

	if (n % 2)
		return cf_fail(err, EBADMSG, "UTF-16 text with an odd number of bytes");
	for (size_t i = 0; i < n; i += 2) {
		uint32_t unit =
			big ? (uint32_t)(p[i] << 8 | p[i + 1]) : (uint32_t)(p[i + 1] << 8 | p[i]);
		int r;

		if ((unit & 0xfc00) == 0xdc00 ? !high : high != 0)
			return cf_fail(err, EBADMSG, "broken UTF-16 text");
		if ((unit & 0xfc00) == 0xd800) {
			high = unit;
			continue;
		}
		if (high)
			unit = 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff);
		high = 0;
		r = put_utf8(out, unit, err);
		if (r < 0)
			return r;
	}
	return high ? cf_fail(err, EBADMSG, "broken UTF-16 text") : 0;
}

/* Drop CR before LF from the bytes of out that start at from. */
static void drop_cr(struct cf_buf *out, size_t from)
{
	size_t to = from;

	for (size_t i = from; i < out->len; i++)
		if (out->data[i] != '\r' || i + 1 == out->len || out->data[i + 1] != '\n')
			out->data[to++] = out->data[i];
	if (out->data) {
		out->len = to;
		out->data[to] = '\0';
	}
}

int cf_text_normalize(struct cf_span in, struct cf_buf *out, struct cf_err *err)
{
	const unsigned char *p = in.data;
	size_t from = out->len;
	int r;

	/* DER with a long length: any byte may be content. As text that would be broken UTF-8. */
	if (in.len >= 2 && p[0] == 0x30 && (p[1] & 0xf0) == 0x80)
		return cf_buf_append(out, p, in.len, err);
	if (in.len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		r = from_utf16(p + 2, in.len - 2, p[0] == 0xfe, out, err);
	else if (in.len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		r = cf_buf_append(out, p + 3, in.len - 3, err);
	else
		r = cf_buf_append(out, p, in.len, err);
	if (r == 0)
		drop_cr(out, from);
	return r;
}

char *cf_text_trim(char *text)
{
	size_t n;

	while (*text == ' ' || *text == '\t')
		text++;
	n = strlen(text);
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	text[n] = '\0';
	return text;
}

void cf_text_fold(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

char *cf_text_hex(const uint8_t *data, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02X", data[i]);
	out[2 * n] = '\0';
	return out;
}
