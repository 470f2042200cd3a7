/* Removing: Remove-ExchangeCertificate, and servers. What was removed lies in _deleted. */
#pragma once

#include "core/procedures/common.h"

/*
 * Delete a draft, request or certificate. -EBUSY while a service uses it; the sentence names the
 * services and the way out. Its row and sealed key stay in the store, marked as deleted.
 */
int cf_certificate_delete(struct cf_ctx *ctx, int64_t certificate, struct cf_err *err);

/* Delete a server. -ENOTEMPTY while it has certificates, requests or drafts. */
int cf_server_delete(struct cf_ctx *ctx, int64_t server, struct cf_err *err);

/*
 * Delete a server with everything in it, used by its services or not: they come back with it.
 * One audit record for each certificate, too.
 */
int cf_server_delete_all(struct cf_ctx *ctx, int64_t server, struct cf_err *err);
