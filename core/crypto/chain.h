/* Certification path validation (RFC 5280 section 6) and its verdict. */
#pragma once

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/pack.h"

/* What certfs(5) calls Status, for certificates. The numbers are stored. */
enum cf_verdict_status {
	CF_VERDICT_REVOKED = 3,
	CF_VERDICT_DATE_INVALID = 4,
	CF_VERDICT_INVALID = 5,
	CF_VERDICT_UNTRUSTED = 6,
	CF_VERDICT_REVOCATION_CHECK_FAILURE = 7,
	CF_VERDICT_UNKNOWN = 8,
	CF_VERDICT_VALID = 9,
};

/* RootCAType of Get-ExchangeCertificate. The numbers are stored. */
enum cf_root_ca {
	CF_ROOT_UNKNOWN = 0,     /* pending, or no anchor */
	CF_ROOT_NONE = 1,        /* self-signed */
	CF_ROOT_ENTERPRISE = 2,  /* an anchor from _trust */
	CF_ROOT_THIRD_PARTY = 3, /* the system store; it wins over _trust */
};

/* The system's trust anchors. Loaded in the process that forks decoders, inherited by them. */
struct cf_system_store;

/*
 * Load a bundle of PEM certificates. path NULL: an empty store. A missing file or one without a
 * certificate is an empty store too; *ret_n says how many there are. 0, -ENOMEM, -EIO.
 */
int cf_system_store_load(const char *path, struct cf_system_store **ret, size_t *ret_n,
			 struct cf_err *err);
void cf_system_store_free(struct cf_system_store *store);
CF_DEFINE_AUTO(struct cf_system_store, cf_system_store_free);

/* One batch: leaves to judge, and what may be used for it. All spans are certificate or CRL DER. */
struct cf_verify {
	const struct cf_span *leaves; /* certificates whose key lies in this store */
	size_t n_leaves;
	const struct cf_span *issuers; /* intermediates: the server's, and those of _trust */
	size_t n_issuers;
	const struct cf_span *anchors; /* self-signed CA certificates of _trust */
	size_t n_anchors;
	const struct cf_span *crls; /* of _trust */
	size_t n_crls;
	cf_time now;
};

struct cf_verdict {
	enum cf_verdict_status status;
	enum cf_root_ca root_ca;
	char *reason;          /* one sentence why it isn't Valid, safe to show; "" when Valid */
	cf_time next_change;   /* when a date makes another verdict possible; CF_NEVER */
	struct cf_buf issuers; /* packed DER of the job's, leaf's issuer first, without the root */
};

/*
 * Judge each leaf by OpenSSL's X509_verify_cert, purpose TLS server, at .now (RFC 5280 section 6);
 * the first that holds of Revoked, DateInvalid (leaf or issuer), Invalid (signature, constraint,
 * usage), Untrusted (names the missing issuer), RevocationCheckFailure (CRL past nextUpdate),
 * Unknown, Valid. Where there are several paths (a renewed or cross-signed CA), the best one
 * counts: one that ends in an anchor before one that does not, then the later word of that list. A
 * self-signed leaf is judged with itself as anchor. A CRL counts for the issuer whose key signed
 * it; an issuer without one is not checked. In the second of notAfter a certificate has expired.
 *
 * system  may be NULL: no anchors but the job's
 * ret     n_leaves verdicts, zeroed by the caller, released with cf_verdict_done()
 *
 * 0, -EBADMSG when a leaf does not parse, -ENOMEM; all verdicts are zero on failure. A broken
 * issuer, anchor or CRL is left out.
 */
int cf_chain_verify(const struct cf_system_store *system, const struct cf_verify *job,
		    struct cf_verdict *ret, struct cf_err *err);

void cf_verdict_done(struct cf_verdict *verdict);
CF_DEFINE_DONE(struct cf_verdict, cf_verdict_done);
