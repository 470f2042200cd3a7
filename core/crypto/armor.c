/* Blocks between BEGIN and END lines, and the Base64 in them; see armor_private.h. */
#include "core/crypto/armor_private.h"

#include <errno.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define DASHES "-----"

static struct cf_span after(struct cf_span whole, const char *p)
{
	return cf_span(p, (size_t)((const char *)whole.data + whole.len - p));
}

/*
 * RFC 1421 headers come before the Base64, which has no colon; an empty line ends them. Only
 * encrypted keys of old OpenSSL have some.
 */
static void skip_headers(struct cf_armor *block)
{
	const char *body = block->body.data;
	size_t i = block->body.len;

	block->headers = cf_span(body, 0);
	if (!i || !memchr(body, ':', i))
		return;
	block->encrypted = memmem(body, i, "ENCRYPTED", 9) != NULL;
	while (i && body[i - 1] != ':')
		i--;
	while (i < block->body.len && body[i] != '\n' && body[i] != '\r')
		i++;
	block->headers = cf_span(body, i);
	block->body = after(block->body, body + i);
}

/* The label that starts at p, up to its dashes on the same line; NULL when this is just text. */
static const char *take_label(const char *p, const char *end, char *label)
{
	size_t n = 0;

	while (p + n < end && n < CF_ARMOR_LABEL_MAX && p[n] != '-' && p[n] != '\n' && p[n] != '\r')
		n++;
	if (!n || n == CF_ARMOR_LABEL_MAX || (size_t)(end - p) - n < strlen(DASHES) ||
	    memcmp(p + n, DASHES, strlen(DASHES)) != 0)
		return NULL;
	memcpy(label, p, n);
	label[n] = '\0';
	return p + n + strlen(DASHES);
}

int cf_armor_next(struct cf_span *rest, struct cf_armor *ret, struct cf_err *err)
{
	const char *end, *p;

	if (!rest->len)
		return 0;
	end = (const char *)rest->data + rest->len;
	while ((p = memmem(rest->data, rest->len, BEGIN, strlen(BEGIN)))) {
		char closing[sizeof("-----END -----") + CF_ARMOR_LABEL_MAX];
		const char *body = take_label(p + strlen(BEGIN), end, ret->label);
		const char *close;

		*rest = after(*rest, p + strlen(BEGIN));
		if (!body)
			continue;
		stpcpy(stpcpy(stpcpy(closing, "-----END "), ret->label), DASHES);
		close = memmem(body, (size_t)(end - body), closing, strlen(closing));
		if (!close)
			return cf_fail(err, EBADMSG, "its block '%s' has no END line", ret->label);
		ret->encrypted = false;
		ret->body = cf_span(body, (size_t)(close - body));
		skip_headers(ret);
		*rest = after(*rest, close + strlen(closing));
		return 1;
	}
	return 0;
}

/* The six bits of a Base64 character, -1 for any other. */
static int six_bits(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int cf_armor_decode(struct cf_span body, struct cf_buf *out, struct cf_err *err)
{
	const char *p = body.data;
	unsigned char *to = cf_buf_room(out, body.len / 4 * 3 + 3, err);
	size_t n = 0, digits = 0, padding = 0;
	unsigned int bits = 0;

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < body.len; i++) {
		int six = six_bits(p[i]);

		if (strchr(" \t\r\n", p[i]) && p[i])
			continue;
		if (p[i] == '=' && digits % 4 >= 2 && padding < 2) {
			padding++;
			continue;
		}
		if (six < 0 || padding)
			return cf_fail(err, EBADMSG, "its Base64 is damaged");
		bits = bits << 6 | (unsigned int)six;
		if (++digits % 4 != 1)
			to[n++] = (unsigned char)(bits >> (2 * (3 - (digits - 1) % 4)));
	}
	if (digits % 4 == 1 || (padding && (digits + padding) % 4 != 0))
		return cf_fail(err, EBADMSG, "its Base64 is damaged");
	cf_buf_seal(out, n);
	return 0;
}
