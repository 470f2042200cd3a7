/*
 * What completing and importing share: a certificate that arrives goes into a row, its issuers into
 * the server.
 */
#pragma once

#include "core/procedures/status.h"

/* True for the certificate of a CA that is not a root. */
bool cf_is_issuer(const struct cf_item *item);

/* Let the issuers in a file help to judge. 0 or -ENOMEM. */
int cf_issuers_offer(struct cf_pool *pool, const struct cf_decoded *decoded, struct cf_err *err);

/* Keep them for all chains of a server; *ret_fresh gets true when one is new. 0, -EIO, -ENOMEM. */
int cf_issuers_keep(struct cf_db *db, int64_t server, const struct cf_decoded *decoded,
		    bool *ret_fresh, struct cf_err *err);

/*
 * Put a certificate and its verdict into a row that has its key, and store both: the row is
 * complete then. 0, -EAGAIN, -EIO, -ENOMEM.
 */
int cf_leaf_store(struct cf_db *db, struct cf_certificate *row, const struct cf_item *leaf,
		  const struct cf_verdict *verdict, struct cf_err *err);
