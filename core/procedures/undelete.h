/* Bringing back what was deleted, with its key and as it was. */
#pragma once

#include "core/procedures/common.h"

/*
 * Bring a draft, request or certificate back, into `server` under `name`. Into another server than
 * its own only with an empty `services` (-EBUSY). -EEXIST when the name is taken there, in whatever
 * case; -ESTALE when it doesn't lie in _deleted. Its status is judged anew. Slow.
 */
int cf_certificate_undelete(struct cf_ctx *ctx, int64_t certificate, int64_t server,
			    const char *name, struct cf_err *err);

/*
 * Bring a server back under `name`, with its settings, passwords, services and what was deleted
 * together with it. -EPERM when only some of its certificates were deleted; -EEXIST, -ESTALE. Slow.
 */
int cf_server_undelete(struct cf_ctx *ctx, int64_t server, const char *name, struct cf_err *err);
