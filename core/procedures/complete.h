/* Completing a pending request with the CA's answer: Import-ExchangeCertificate. */
#pragma once

#include "core/procedures/deliver.h"

/*
 * Do what a dropped file without a key is for. Slow: it is verified in another process.
 *
 * The certificate with the public key of a pending request completes it, wherever it was dropped
 * below; CA certificates that came along are kept for the chains of that server. CA certificates
 * alone are kept too. The same again succeeds and changes nothing.
 *
 * decoded  what is in the file; borrowed
 *
 * 0; nothing changed and
 *   -EACCES        the caller may not write where it belongs
 *   -EKEYREJECTED  dropped into a certificate directory whose key is another one
 *   -ENOKEY        no key here fits
 *   -EEXIST        the key has another certificate already
 *   -EINVAL        a root alone, a CRL, a request …
 *   -ESTALE, -ENOMEM, -EIO
 */
int cf_complete(struct cf_ctx *ctx, const struct cf_drop *drop, const struct cf_decoded *decoded,
		struct cf_err *err);
