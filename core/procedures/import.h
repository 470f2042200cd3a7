/* Importing certificates with their keys: Import-ExchangeCertificate -PrivateKeyExportable. */
#pragma once

#include "core/procedures/deliver.h"

/*
 * Do what a dropped file with private keys is for. Slow: keys are loaded, and certificates verified
 * in another process.
 *
 * In a server every certificate in it whose key is in it too becomes a certificate there: the
 * first one named after the file (export, certificate, combined: after its friendly name, else its
 * CN), the others after their friendly name or CN, with -2 … where that is taken. In a draft the
 * one certificate fills the draft. CA certificates that came along are kept for the chains of the
 * server. The same again succeeds and changes nothing.
 *
 * decoded  what is in the file; borrowed
 *
 * 0; nothing changed and
 *   -EINVAL  in the root; in a draft more than one
 *   -ENOKEY  no certificate in it has its key with it
 *   -EEXIST  the name is taken; in the directory of a request or of another certificate
 *   -ESTALE, -ENOMEM, -EIO
 */
int cf_import(struct cf_ctx *ctx, const struct cf_drop *drop, const struct cf_decoded *decoded,
	      struct cf_err *err);

/* -EINVAL with the sentence for what is dropped into the root. */
int cf_import_refuse_root(struct cf_err *err);
