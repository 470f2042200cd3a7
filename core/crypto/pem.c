/* PEM and certs-only PKCS#7; see pem.h. */
#include "core/crypto/pem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/crypto/der_private.h"
#include "core/crypto/ossl_private.h"

#define LINE_BYTES 48 /* 64 characters of Base64 */

size_t cf_pem_size(const char *label, size_t der_len)
{
	size_t ends = strlen("-----BEGIN -----\n") + strlen("-----END -----\n") + 2 * strlen(label);
	size_t lines = (der_len + LINE_BYTES - 1) / LINE_BYTES;

	return ends + (der_len + 2) / 3 * 4 + lines;
}

int cf_pem_write(const char *label, struct cf_span der, struct cf_buf *out, struct cf_err *err)
{
	const unsigned char *in = der.data;
	size_t size = cf_pem_size(label, der.len);
	char *start = cf_buf_room(out, size, err);
	char *p = start;

	if (!start)
		return -ENOMEM;
	p += sprintf(p, "-----BEGIN %s-----\n", label);
	for (size_t at = 0; at < der.len; at += LINE_BYTES) {
		size_t n = der.len - at < LINE_BYTES ? der.len - at : LINE_BYTES;

		/* EVP_EncodeBlock keeps no state: der may be a private key. */
		p += EVP_EncodeBlock((unsigned char *)p, in + at, (int)n);
		*p++ = '\n';
	}
	sprintf(p, "-----END %s-----\n", label);
	cf_buf_seal(out, size);
	return 0;
}

int cf_base64(struct cf_span in, struct cf_buf *out, struct cf_err *err)
{
	size_t size = (in.len + 2) / 3 * 4;
	unsigned char *to = cf_buf_room(out, size + 1, err); /* and the NUL it writes */

	if (!to)
		return -ENOMEM;
	EVP_EncodeBlock(to, in.data, (int)in.len);
	cf_buf_seal(out, size);
	return 0;
}

/*
 * ContentInfo (RFC 2315 section 7) around SignedData (9.1) with empty sets of digest algorithms
 * and signers. The certificates keep their order, leaf first, as every .p7b has them.
 */
static void put_p7b(struct cf_der *w, const struct cf_span *certificates, size_t n)
{
	size_t start = w->len, signed_data, part;

	cf_der_oid(w, NID_pkcs7_signed);
	signed_data = w->len;
	cf_der_int(w, 1);
	cf_der_put(w, CF_DER_SET, cf_span(NULL, 0));
	part = w->len;
	cf_der_oid(w, NID_pkcs7_data);
	cf_der_wrap(w, part, CF_DER_SEQUENCE);
	part = w->len;
	for (size_t i = 0; i < n; i++)
		cf_der_raw(w, certificates[i]);
	cf_der_wrap(w, part, CF_DER_CONTEXT_0_CONSTRUCTED);
	cf_der_put(w, CF_DER_SET, cf_span(NULL, 0));
	cf_der_wrap(w, signed_data, CF_DER_SEQUENCE);
	cf_der_wrap(w, signed_data, CF_DER_CONTEXT_0_CONSTRUCTED);
	cf_der_wrap(w, start, CF_DER_SEQUENCE);
}

int cf_p7b_write(const struct cf_span *certificates, size_t n, struct cf_buf *out,
		 struct cf_err *err)
{
	cf_auto(cf_der_done) struct cf_der w = { 0 };

	put_p7b(&w, certificates, n);
	if (w.failed)
		return cf_fail_memory(err);
	return cf_buf_append(out, w.buf.data, w.buf.len, err);
}

size_t cf_p7b_size(const struct cf_span *certificates, size_t n)
{
	struct cf_der w = { .counting = true };

	put_p7b(&w, certificates, n);
	return w.len;
}
