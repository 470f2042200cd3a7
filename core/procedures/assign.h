/* Assigning a certificate to services: Enable-ExchangeCertificate. Additive only. */
#pragma once

#include "core/procedures/common.h"

/*
 * Assign to the services that text names: words in any case, separated by newlines, commas or
 * blanks; blank lines add nothing. All of them or none. Assigning again adds nothing, but the
 * service uses this certificate from now on. The first SMTP of a server makes its default.
 *
 * 0, or cf_service_allowed()'s and cf_service_parse()'s errors; nothing changed then.
 */
int cf_assign(struct cf_ctx *ctx, int64_t certificate, const char *text, struct cf_err *err);

/* The same for set->cert, which is stored already, in set's transaction. The caller commits. */
int cf_assign_within(struct cf_ctx *ctx, struct cf_change_set *set, const char *text,
		     struct cf_err *err);
