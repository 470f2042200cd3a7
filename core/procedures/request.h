/* Making a certification request: New-ExchangeCertificate -GenerateRequest. */
#pragma once

#include "core/procedures/common.h"

/* One line `name = value` that came with the request. */
struct cf_assignment {
	const char *name;
	const char *value;
};

/* True for the name of a line: a property, or what only a self-signed certificate takes. */
bool cf_request_line_known(const char *name);

/*
 * Make the draft's key and request. The assignments are applied to the draft first, in order;
 * without a subject it is CN=<server>; a CN that is a domain name is put in front of the domains,
 * and without any they are the server's name and fqdn. Key, request and audit record are one transaction: when this
 * returns 0 the key is on disk, sealed. Slow: makes a key.
 *
 * 0; -EACCES: not a draft (any more); -EINVAL with the sentence of the property; -ESTALE, -ENOMEM, -EIO.
 * On failure the draft is as it was.
 */
int cf_request_make(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines,
		    size_t n_lines, struct cf_err *err);
