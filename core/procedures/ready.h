/*
 * Ready keys: RSA keys made in advance, since making one takes a tenth of a second to several. The setting
 * ready-keys says how many of each RSA key type that is some server's default. They lie sealed in
 * the store like any key, and belong to nothing until the transaction that stores a request or a certificate takes one.
 */
#pragma once

#include "core/crypto/key.h"
#include "core/procedures/common.h"

/* Which of them; a zeroed one is none. */
struct cf_ready {
	int64_t number;
	uint8_t uuid[CF_UUID_SIZE];
};

/*
 * Look at one of this type. It is still anybody's. 1 and *ret (owned), *ret_which; 0: there is
 * none, or none that can be read. -ENOMEM.
 */
int cf_ready_pick(struct cf_ctx *ctx, enum cf_key_type type, struct cf_key **ret,
		  struct cf_ready *ret_which, struct cf_err *err);

/*
 * Take it in the transaction that stores what it is for: nobody else gets it when that is
 * committed. 0; -EAGAIN: somebody else has it; -EIO, -ENOMEM.
 */
int cf_ready_take(struct cf_db *db, enum cf_key_type type, const struct cf_ready *which,
		  struct cf_err *err);

/*
 * Make one key that is lacking, or drop those that are too many. Slow. *ret_more: call again.
 * 0, -ENOSPC, -EIO, -ENOMEM.
 */
int cf_ready_refill(struct cf_ctx *ctx, bool *ret_more, struct cf_err *err);
