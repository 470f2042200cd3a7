/* A dropped file: making sense of it, with a password where it needs one, and doing what it is for. */
#pragma once

#include "core/procedures/common.h"

/* Where a file was dropped. */
struct cf_drop {
	int64_t certificate; /* in this certificate's directory; 0: not in one */
	int64_t server;      /* in this server; 0: in the root */
	const char *name;    /* of the file */
	struct cf_span bytes;
};

/*
 * Judge a dropped file and do what it is for: what has a private key is imported (import.h), all
 * else completes requests and chains (complete.h). Slow: it is decoded and verified in other
 * processes. ctx->held_key tells whether it had a key.
 *
 * A file that is encrypted is tried with the import passwords of server and root, the export
 * passwords of certificates whose thumbprint it names (a PKCS#12 does so in the clear, as
 * localKeyID), of server and root; and with the empty one and none before all of these, so that no
 * password leaves the store for a file that needs none.
 *
 * 0; nothing changed and
 *   -EBADMSG       not a certificate at all, or damaged
 *   -EFBIG         too large, or too many certificates
 *   -EINVAL        it is encrypted, and dropped into the root
 *   -ENOKEY        a password is needed and none is set
 *   -EKEYREJECTED  none of those that are set fits
 *   or what cf_complete() and cf_import() say
 */
int cf_deliver(struct cf_ctx *ctx, const struct cf_drop *drop, struct cf_err *err);
