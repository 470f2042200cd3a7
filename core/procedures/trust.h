/* The files of _trust: anchors, intermediates and CRLs that all servers share. */
#pragma once

#include "core/procedures/common.h"
#include "core/store/trust.h"

#define CF_TRUST_MAX (8 * 1024 * 1024) /* bytes of all its files */

/*
 * Put a file into _trust, replacing one of that name, and judge all certificates anew. Slow.
 *
 * name   ends in .cer .crt .der .pem .p7b .p7c or .crl
 * bytes  the file as dropped; kept as it is
 * mode   its permission bits
 * mtime  its time, 0: now
 *
 * 0 (also for the same bytes again); -EINVAL: a certificate that is no CA's; -EPERM: the name;
 * -EEXIST: one that differs only in case; -ENOSPC: more than CF_TRUST_MAX in all; -EBADMSG, -EFBIG as cf_decode(). Nothing changed then.
 */
int cf_trust_put(struct cf_ctx *ctx, const char *name, struct cf_span bytes, mode_t mode,
		 cf_time mtime, struct cf_err *err);

/* Take it out, and judge all certificates anew. Slow. */
int cf_trust_remove(struct cf_ctx *ctx, const char *name, struct cf_err *err);

int cf_trust_rename(struct cf_ctx *ctx, const char *name, const char *new_name, struct cf_err *err);

/* chmod and utimes of such a file. mode -1, mtime 0: leave it. */
int cf_trust_attr(struct cf_ctx *ctx, int64_t id, int64_t mode, cf_time mtime, struct cf_err *err);
