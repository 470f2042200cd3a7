/* Completing a pending request with the CA's answer: Import-ExchangeCertificate. */
#pragma once

#include "core/procedures/common.h"

/* Where a file was dropped. */
struct cf_drop {
	int64_t certificate; /* in this certificate's directory; 0: not in one */
	int64_t server;      /* in this server; 0: in the root */
	struct cf_span bytes;
};

/*
 * Judge a dropped file and do what it is for. Slow: it is decoded and verified in other processes.
 *
 * The certificate with the public key of a pending request completes it, wherever it was dropped
 * below; CA certificates that came along are kept for the chains of that server. CA certificates
 * alone are kept too. The same again succeeds and changes nothing.
 *
 * 0; nothing changed and
 *   -EBADMSG       not a certificate at all
 *   -EFBIG         too large, or too many certificates
 *   -EACCES        the caller may not write where it belongs
 *   -EKEYREJECTED  dropped into a certificate directory whose key is another one
 *   -ENOKEY        no key here fits
 *   -EEXIST        the key has another certificate already
 *   -EINVAL        a root alone, a CRL, a request …
 *   -ESTALE, -ENOMEM, -EIO
 */
int cf_complete(struct cf_ctx *ctx, const struct cf_drop *drop, struct cf_err *err);
