/* What certificates are judged with: anchors, issuers and CRLs of the store. */
#pragma once

#include "core/procedures/common.h"

/* All that may be used to judge certificates of one server, loaded from the store. */
struct cf_pool {
	struct cf_span *issuers, *anchors, *crls; /* DER, into held */
	size_t n_issuers, n_anchors, n_crls;
	struct cf_buf *held;
	size_t n_held;
	int64_t trust_epoch;         /* of the root row when it was read */
	int64_t server, last_issuer; /* the newest issuer of that server */
};

/* server 0: only what _trust has. 0, -ENOMEM, -EIO. */
int cf_pool_load(struct cf_db *db, int64_t server, struct cf_pool *ret, struct cf_err *err);
/* Add one more issuer (copied). 0 or -ENOMEM. */
int cf_pool_add_issuer(struct cf_pool *pool, struct cf_span der, struct cf_err *err);
/* Has the server another issuer, or _trust changed, since? 0 or -EAGAIN. */
int cf_pool_check(struct cf_db *db, const struct cf_pool *pool, struct cf_err *err);
void cf_pool_done(struct cf_pool *pool);
CF_DEFINE_DONE(struct cf_pool, cf_pool_done);
