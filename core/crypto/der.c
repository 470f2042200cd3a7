/* Writing DER; see der_private.h. */
#include "core/crypto/der_private.h"

#include <openssl/objects.h>
#include <string.h>

#define HEADER_MAX (2 + sizeof(size_t)) /* tag, how many octets the length has, they */

/* Tag and length in front of n bytes; returns how many bytes that is. */
static size_t header(unsigned char out[HEADER_MAX], unsigned char tag, size_t n)
{
	size_t octets = 0;

	out[0] = tag;
	if (n < 0x80) {
		out[1] = (unsigned char)n;
		return 2;
	}
	for (size_t rest = n; rest; rest >>= 8)
		octets++;
	out[1] = (unsigned char)(0x80 | octets);
	for (size_t i = 0; i < octets; i++)
		out[2 + i] = (unsigned char)(n >> 8 * (octets - 1 - i));
	return 2 + octets;
}

size_t cf_der_header_size(size_t n)
{
	unsigned char scratch[HEADER_MAX];

	return header(scratch, 0, n);
}

void cf_der_raw(struct cf_der *w, struct cf_span bytes)
{
	if (w->failed)
		return;
	w->len += bytes.len;
	if (w->counting)
		return;
	w->failed = cf_buf_append(&w->buf, bytes.data, bytes.len, NULL) < 0;
}

void cf_der_put(struct cf_der *w, unsigned char tag, struct cf_span value)
{
	unsigned char head[HEADER_MAX];

	cf_der_raw(w, cf_span(head, header(head, tag, value.len)));
	cf_der_raw(w, value);
}

void cf_der_int(struct cf_der *w, unsigned int value)
{
	unsigned char octets[1 + sizeof(value)] = { 0 };
	size_t n = sizeof(octets), skip = 0;

	for (size_t i = n - 1; i; i--, value >>= 8)
		octets[i] = (unsigned char)value;
	while (skip < n - 1 && !octets[skip] && !(octets[skip + 1] & 0x80))
		skip++;
	cf_der_put(w, CF_DER_INTEGER, cf_span(octets + skip, n - skip));
}

void cf_der_oid(struct cf_der *w, int nid)
{
	const ASN1_OBJECT *oid = OBJ_nid2obj(nid);

	cf_der_put(w, V_ASN1_OBJECT, cf_span(OBJ_get0_data(oid), OBJ_length(oid)));
}

void cf_der_algorithm(struct cf_der *w, int nid)
{
	size_t start = w->len;

	cf_der_oid(w, nid);
	cf_der_put(w, V_ASN1_NULL, cf_span(NULL, 0));
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
}

void cf_der_wrap(struct cf_der *w, size_t start, unsigned char tag)
{
	unsigned char head[HEADER_MAX];
	size_t n = w->len - start;
	size_t size = header(head, tag, n);

	cf_der_raw(w, cf_span(head, size));
	if (w->failed || w->counting)
		return;
	memmove(w->buf.data + start + size, w->buf.data + start, n);
	memcpy(w->buf.data + start, head, size);
}

/* The length of the value at p, which was written by this file: tag, length, content. */
static size_t value_size(const unsigned char *p)
{
	size_t n = 0;

	if (p[1] < 0x80)
		return 2 + (size_t)p[1];
	for (size_t i = 0; i < (p[1] & 0x7fu); i++)
		n = n << 8 | p[2 + i];
	return 2 + (p[1] & 0x7fu) + n;
}

static bool in_order(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
	int cmp = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return cmp ? cmp < 0 : a_len <= b_len;
}

/* Two neighbours change places until all are in order; there are four at most. */
static void sort_members(unsigned char *start, const unsigned char *end)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (unsigned char *p = start; p < end;) {
			size_t first = value_size(p);
			unsigned char *next = p + first;
			size_t second = next < end ? value_size(next) : 0;

			if (second && !in_order(p, first, next, second)) {
				for (size_t i = 0; i < second; i++) {
					unsigned char byte = next[i];

					memmove(p + i + 1, p + i, first);
					p[i] = byte;
				}
				moved = true;
				next = p + second;
			}
			p = next;
		}
	}
}

void cf_der_wrap_set_of(struct cf_der *w, size_t start)
{
	if (!w->failed && !w->counting && w->len > start) {
		unsigned char *data = (unsigned char *)w->buf.data;

		sort_members(data + start, data + w->len);
	}
	cf_der_wrap(w, start, CF_DER_SET);
}

void cf_der_done(struct cf_der *w)
{
	cf_buf_done(&w->buf);
	*w = (struct cf_der){ 0 };
}
