/* Removing for good what lies in _deleted: on command, and after its time. */
#pragma once

#include "core/procedures/common.h"

/* One draft, request or certificate that lies in _deleted, with its key. -ESTALE, -EIO. */
int cf_certificate_purge(struct cf_ctx *ctx, int64_t certificate, struct cf_err *err);

/*
 * All that lies in the server's directory in _deleted; a server that is deleted itself goes too,
 * with its settings and passwords. -ESTALE, -EIO.
 */
int cf_server_purge(struct cf_ctx *ctx, int64_t server, struct cf_err *err);

/* Everything in _deleted. What was changed outside certfs is left. */
int cf_purge_all(struct cf_ctx *ctx, struct cf_err *err);

/* What was deleted 30 days ago or earlier. *ret_next: when more of it will be due; CF_NEVER. */
int cf_purge_due(struct cf_ctx *ctx, cf_time *ret_next, struct cf_err *err);
