/* DER in the forms that are handed out: PEM (RFC 7468) and certs-only PKCS#7 (RFC 2315). */
#pragma once

#include "core/base/buf.h"
#include "core/base/pack.h"

/* Append der between BEGIN and END lines with label, 64 characters a line. 0 or -ENOMEM. */
int cf_pem_write(const char *label, struct cf_span der, struct cf_buf *out, struct cf_err *err);

/* Append it as Base64 without line breaks (RFC 4648 section 4). 0 or -ENOMEM. */
int cf_base64(struct cf_span in, struct cf_buf *out, struct cf_err *err);

/* How many bytes cf_pem_write() appends. */
size_t cf_pem_size(const char *label, size_t der_len);

/*
 * Append a degenerate SignedData that only carries the n certificates (RFC 2315 section 9.1, as
 * every .p7b is), DER. The certificates are not parsed. 0 or -ENOMEM.
 */
int cf_p7b_write(const struct cf_span *certificates, size_t n, struct cf_buf *out,
		 struct cf_err *err);
size_t cf_p7b_size(const struct cf_span *certificates, size_t n); /* only .len is looked at */
