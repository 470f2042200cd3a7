/* A certificate's verdict and issuers: putting what a decoder found into the columns. */
#pragma once

#include "core/crypto/chain.h"
#include "core/procedures/common.h"

/* The issuers of a certificate as stored: leaf's issuer first, without the root. */
struct cf_issuers {
	struct cf_span *items; /* into packed */
	size_t n;
	struct cf_buf packed;
};

int cf_issuers_load(struct cf_db *db, const struct cf_certificate *row, struct cf_issuers *ret,
		    struct cf_err *err);
void cf_issuers_done(struct cf_issuers *issuers);
CF_DEFINE_DONE(struct cf_issuers, cf_issuers_done);

/*
 * Put a verdict into a complete row: status, reason, root CA type, dates, and where they
 * changed the issuers with every size that follows from them. The caller updates the row.
 *
 * since      what verdict_since becomes when the verdict is another one
 * *ret_what  gets the cf_what bits of what changed; 0: nothing
 */
int cf_verdict_apply(struct cf_db *db, struct cf_certificate *row, const struct cf_verdict *verdict,
		     cf_time since, unsigned *ret_what, struct cf_err *err);

/* The words of certfs(5): "Draft", "PendingRequest", "Valid" …; "None", "Enterprise" … */
const char *cf_status_text(const struct cf_certificate *row);
const char *cf_root_ca_text(const struct cf_certificate *row);
