/* The service table: which services there are, and which certificate may carry which. */
#pragma once

#include "core/procedures/setting.h"

/* The word of a service: "IMAP", "SMTP-default". */
const char *cf_service_text(enum cf_service service);

/* The service that a word names, in any case. 0, or -EINVAL with a sentence that lists them. */
int cf_service_parse(const char *word, enum cf_service *ret, struct cf_err *err);

/* Append the services of the server that use a certificate now, ", " between them. 0 or -ENOMEM. */
int cf_service_uses(const struct cf_server *server, int64_t certificate, struct cf_buf *out,
		    struct cf_err *err);

/*
 * Whether this certificate may be assigned to this service of the server with these settings
 * now. 0; -EKEYEXPIRED,
 * -EKEYREVOKED, -EINVAL (status isn't Valid; a wildcard where none is allowed), -EOPNOTSUPP (the
 * service isn't there), -ENOKEY; each with its reason and what to do.
 */
int cf_service_allowed(const struct cf_settings *settings, const struct cf_certificate *cert,
		       enum cf_service service, cf_time now, struct cf_err *err);
