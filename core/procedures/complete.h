/* Completing pending requests with the CA's answer: Import-ExchangeCertificate. */
#pragma once

#include "core/procedures/deliver.h"

/*
 * Do what a dropped file without a key is for. Slow: it is verified in another process.
 *
 * A certificate with the public key of a pending request completes it, wherever it was dropped;
 * a file that answers several requests completes all of them or none. CA certificates that came
 * along are kept for the chains of those servers. CA certificates alone are kept too. Certificates
 * for keys that aren't here are strangers as long as one fits. The same again succeeds and changes
 * nothing.
 *
 * Dropped into a server, another certificate for a key that is complete becomes a new certificate
 * there, named as cf_import() names them, with the key sealed for it too, as exportable as before.
 *
 * decoded  what is in the file; borrowed
 *
 * 0; nothing changed and
 *   -EACCES        the caller may not write where the request or the shared key is
 *   -EKEYREJECTED  dropped into a certificate directory whose key is another one
 *   -ENOKEY        no key here fits
 *   -EEXIST        the key has another certificate already and it wasn't dropped into a server; the
 *                  name of the new certificate is taken
 *   -EINVAL        a root alone, a CRL, a request …
 *   -ESTALE, -ENOMEM, -EIO
 */
int cf_complete(struct cf_ctx *ctx, const struct cf_drop *drop, const struct cf_decoded *decoded,
		struct cf_err *err);
