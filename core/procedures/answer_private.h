/* What a dropped file without a key answers: the rows its certificates belong to, and the servers. */
#pragma once

#include "core/procedures/deliver.h"
#include "core/procedures/status.h"

/* What a certificate in the file is to certfs. */
enum cf_fit {
	CF_FIT_STRANGER, /* for a key that isn't here */
	CF_FIT_THERE,    /* known already */
	CF_FIT_PENDING,  /* the answer to a request */
	CF_FIT_SHARES, /* another certificate for the key of one that is complete, or gets so now */
};

struct cf_target {
	const struct cf_item *leaf;
	enum cf_fit fit;
	struct cf_certificate row; /* that has the key, as read */
	size_t place;              /* where the certificate goes */
	struct cf_verdict verdict;
};

/* A server that gets something from the file. */
struct cf_place {
	struct cf_server server;
	struct cf_pool pool;
	bool fresh_issuers;
};

/* Zero-initialise all but drop and decoded, which are borrowed. */
struct cf_answer {
	const struct cf_drop *drop;
	const struct cf_decoded *decoded;
	bool without_pools;        /* nothing is to be judged */
	struct cf_target *targets; /* no strangers */
	size_t n_targets;
	struct cf_place *places; /* at least one when it was found */
	size_t n_places;
};

void cf_answer_done(struct cf_answer *answer);
CF_DEFINE_DONE(struct cf_answer, cf_answer_done);

/* Find out what the file is for, or why it is for nothing: 0 or what cf_complete() says. Reads only. */
int cf_answer_find(struct cf_ctx *ctx, struct cf_db *db, struct cf_answer *answer,
		   struct cf_err *err);

/* Is it still for the same, and are the pools as they were? 0 or -EAGAIN, -EIO, -ENOMEM. */
int cf_answer_check(struct cf_ctx *ctx, struct cf_db *db, const struct cf_answer *answer,
		    struct cf_err *err);
