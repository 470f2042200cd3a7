/*
 * Making a key with a request or a self-signed certificate, in three steps: read what is asked for, sign
 * without a lock, and store it if nothing changed meanwhile (-EAGAIN: plan again, with the same key).
 */
#pragma once

#include "core/crypto/dn.h"
#include "core/procedures/ready.h"
#include "core/procedures/request.h"
#include "core/procedures/setting.h"
#include "core/procedures/status.h"

/* The key that was made or picked, kept from one attempt to the next. */
struct cf_plan_key {
	struct cf_key *key;
	int64_t type;
	struct cf_ready ready; /* it is this one, to be taken when it is stored */
};

void cf_plan_key_done(struct cf_plan_key *key);
CF_DEFINE_DONE(struct cf_plan_key, cf_plan_key_done);

struct cf_plan {
	bool self_signed;
	int64_t seen; /* version of the row that was read */
	struct cf_certificate row;
	struct cf_server server;
	struct cf_settings settings;
	struct cf_plan_key *key; /* it was signed with; borrowed */
	struct cf_dn subject;
	struct cf_buf domains;
	struct cf_buf subject_key_id; /* bytes; empty: of the key */
	struct cf_buf services;       /* assigned in the same transaction */
	struct cf_buf pkcs8;
	struct cf_buf der; /* the request, or the certificate */
	struct cf_decoded decoded;
	struct cf_pool pool;
	struct cf_verdict verdict;
};

void cf_plan_done(struct cf_plan *plan);
CF_DEFINE_DONE(struct cf_plan, cf_plan_done);

/* Make or pick the key unless there is one of the type, and what it signs. Slow. */
int cf_plan_sign(struct cf_ctx *ctx, struct cf_plan *plan, struct cf_plan_key *key,
		 struct cf_err *err);

/*
 * Store it in set's transaction: columns, key, request or certificate with its verdict, services, and the audit
 * record. plan->row is in the store already and becomes set->cert. The caller commits. -EAGAIN too when the
 * key was a ready one that somebody else has taken: the next attempt gets another.
 */
int cf_plan_put(struct cf_ctx *ctx, struct cf_plan *plan, struct cf_change_set *set,
		const char *operation, const char *detail, struct cf_err *err);

/* The server by its name and its fqdn, as domains. */
int cf_plan_server_domains(struct cf_plan *plan, struct cf_err *err);

/* -- request.c -------------------------------------------------------------------------------- */

/* cf_request_make() for either kind. */
int cf_draft_make(struct cf_ctx *ctx, int64_t certificate, bool self_signed,
		  const struct cf_assignment *lines, size_t n_lines, struct cf_err *err);

/* -- self_sign.c ------------------------------------------------------------------------------ */

/* True for the lines that only a self-signed certificate takes; take one. */
bool cf_self_signed_line_known(const char *name);
int cf_self_signed_line(struct cf_plan *plan, const struct cf_assignment *line, struct cf_err *err);

/* Sign plan->der with its own key, have it decoded like any other, and judge it. */
int cf_self_signed_sign(struct cf_ctx *ctx, struct cf_plan *plan, const struct cf_key *key,
			struct cf_err *err);
