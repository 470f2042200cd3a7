/* Renewing: Get-ExchangeCertificate | New-ExchangeCertificate. */
#pragma once

#include "core/procedures/request.h"

/*
 * Make a new certificate beside a complete one, with the same subject, domains, key type, exportable,
 * friendly name and access, and a new key: a pending request where a CA issued the old one, at once a certificate
 * where it was self-signed. The old one is not touched; it may have expired. Slow.
 *
 * lines  one, whose value is the name. Empty: the old one's without a year at its end, and the
 *        present year (mail-2027), then -2, -3 …
 *
 * 0; -EACCES: there is no certificate; -EEXIST; what cf_name_certificate() says; -EINVAL: what the old
 * one says can't be asked for any more, such as a name with an underscore; -ESTALE, -ENOMEM, -EIO.
 * Nothing changed then.
 */
int cf_renew(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines, size_t n,
	     struct cf_err *err);
