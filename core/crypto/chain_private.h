/* Between finding paths and judging them. */
#pragma once

#include <openssl/x509_vfy.h>

#include "core/crypto/certificate_private.h"
#include "core/crypto/chain.h"

#define CF_PATH_MAX 12     /* certificates in a path, leaf and anchor among them */
#define CF_PATHS_TRIED 32  /* paths of one leaf that are judged */
#define CF_EDGES_TRIED 512 /* signatures that are verified while looking for them */

struct cf_system_store {
	X509 **certificates;
	size_t n;
};

enum cf_pool_kind {
	CF_POOL_SYSTEM, /* anchor */
	CF_POOL_TRUST,  /* anchor */
	CF_POOL_ISSUER,
};

struct cf_pool_item {
	X509 *x; /* one reference */
	enum cf_pool_kind kind;
	struct cf_span der; /* an issuer's, as the job has it */
};

struct cf_pool_crl {
	X509_CRL *crl; /* one reference */
	X509 *signer;  /* of the pool, borrowed: whose key signed it; NULL: nobody's */
};

/* What every leaf of a batch is judged with. Anchors stand first, the system's before others. */
struct cf_pool {
	struct cf_pool_item *items;
	size_t n;
	struct cf_pool_crl *crls;
	size_t n_crls;
	cf_time now;
};

typedef STACK_OF(X509) X509_list;
typedef STACK_OF(X509_CRL) X509_CRL_list;

/* Why a path goes no further. */
enum cf_path_end {
	CF_PATH_ANCHORED,
	CF_PATH_MISSING,       /* nobody has the name of the next issuer */
	CF_PATH_ROOT,          /* self-signed, and not an anchor */
	CF_PATH_BAD_SIGNATURE, /* somebody has that name, but did not sign this */
	CF_PATH_MAY_NOT_SIGN,  /* signed, by one whose key usage forbids it */
	CF_PATH_TOO_LONG,
};

struct cf_path {
	X509 *certificates[CF_PATH_MAX];               /* borrowed; [0] is the leaf */
	const struct cf_pool_item *items[CF_PATH_MAX]; /* [0] is NULL */
	size_t n;
	enum cf_path_end end;
};

/*
 * Walk through the paths of a leaf, anchored ones first where both exist from the same
 * certificate. Each edge is a matching name, key identifier and signature. A self-signed leaf has
 * one path: itself, anchored. visit() returns true to stop.
 */
typedef bool cf_path_fn(const struct cf_path *path, void *arg);
void cf_path_search(const struct cf_pool *pool, X509 *leaf, cf_path_fn *visit, void *arg);

/* Fill in who signed each CRL of the pool, and put the latest first, once for all leaves. */
void cf_pool_prepare_crls(struct cf_pool *pool);

/* The CRLs that count for a path; the caller makes and frees the stacks, which own nothing. */
struct cf_path_crls {
	X509_CRL_list *crls;
	X509_list *signers;  /* who signed some of them and is not in the path */
	cf_time next_change; /* the next date of one of them; CF_NEVER */
};

/* Append to ret. 0, or -1 without memory. */
int cf_path_crls(const struct cf_pool *pool, const struct cf_path *path, struct cf_path_crls *ret);

/* OpenSSL's errors, in the order in which they decide. */
enum cf_complaint_kind {
	CF_COMPLAINT_REVOKED,
	CF_COMPLAINT_DATE,
	CF_COMPLAINT_INVALID,
	CF_COMPLAINT_UNTRUSTED,
	CF_COMPLAINT_CRL,
	CF_COMPLAINT_UNKNOWN,
	CF_COMPLAINT_KINDS,
	CF_COMPLAINT_IGNORED,
};

/* An error of each kind, nearest to the leaf; X509_V_OK is 0. depth is an index into the path. */
struct cf_hearing {
	const struct cf_path *path;
	cf_time now;
	struct cf_complaint {
		int error;
		int depth;
	} first[CF_COMPLAINT_KINDS];
	X509_STORE_CTX_check_crl_fn check_crl; /* OpenSSL's own */
	/* The present CRL can't tell, though OpenSSL reads on: of the path's, of a CRL's signer's. */
	bool useless[2];
	int complaints;
	bool memory;
};

struct cf_judgement {
	enum cf_verdict_status status;
	char reason[CF_ERR_MAX];
	cf_time next_change;
	int complaints; /* of OpenSSL, to tell paths of the same status apart */
};

/* Judge one path. 0 or -ENOMEM. */
int cf_path_judge(const struct cf_pool *pool, const struct cf_path *path, struct cf_judgement *ret,
		  struct cf_err *err);

/* The sentence for a status that was decided from h, "" for Valid. 0 or -ENOMEM. */
int cf_path_reason(const struct cf_hearing *h, enum cf_verdict_status status, char text[CF_ERR_MAX],
		   struct cf_err *err);

/* A date of ASN.1; CF_NEVER for one that is absent or makes no sense. */
cf_time cf_asn1_time(const ASN1_TIME *t);

/* Move *next to t when that lies before it and after now. */
void cf_sooner(cf_time *next, cf_time t, cf_time now);
