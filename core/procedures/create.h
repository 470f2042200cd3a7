/* Servers and drafts: making, naming, and what a draft asks for. */
#pragma once

#include "core/procedures/common.h"

/* Add a server. 0 and *ret_id; -EINVAL, -EPERM, -ENAMETOOLONG, -EEXIST (ASCII case ignored). */
int cf_server_create(struct cf_ctx *ctx, const char *name, int64_t *ret_id, struct cf_err *err);

/* A name that differs only in case from its own is allowed. */
int cf_server_rename(struct cf_ctx *ctx, int64_t server, const char *name, struct cf_err *err);

/* An empty draft: key type and exportable as the settings say, no subject, no domains. 0 and *ret_id, or as above. */
int cf_draft_create(struct cf_ctx *ctx, int64_t server, const char *name, int64_t *ret_id,
		    struct cf_err *err);

/*
 * 0, or -EEXIST: another server than `own` (0: any) has the name in some case; the sentence has its
 * spelling.
 */
int cf_server_name_free(struct cf_db *db, const char *name, int64_t own, struct cf_err *err);

/* 0, or -EEXIST: another certificate than `own` (0: any) has the name in some case. */
int cf_certificate_name_free(struct cf_db *db, int64_t server, const char *name, int64_t own,
			     struct cf_err *err);

/*
 * Inside a transaction, without an audit record: insert a draft whose name (a valid one), access,
 * key type and exportable are filled in. Fills the rest. 0, -EEXIST, -EIO.
 */
int cf_certificate_add(struct cf_db *db, struct cf_server *server, struct cf_certificate *row,
		       struct cf_err *err);

/*
 * The same for a draft as the server's settings want it. *ret is released with
 * cf_certificate_done(). 0, -EEXIST, -EIO, -ENOMEM.
 */
int cf_draft_insert(struct cf_db *db, struct cf_server *server, const char *name,
		    struct cf_certificate *ret, struct cf_err *err);

/*
 * Give a draft, request or certificate another name, or another server. Moving needs an empty
 * `services` (-EBUSY). -EEXIST when the name is taken there.
 */
int cf_certificate_rename(struct cf_ctx *ctx, int64_t certificate, int64_t server, const char *name,
			  struct cf_err *err);

/*
 * Inside a transaction: what goes with the loaded set->cert to another server (secrets, issuers,
 * settings), whose listing changes; the caller writes the row. -EBUSY unless `services` is empty.
 */
int cf_certificate_move(struct cf_change_set *set, int64_t server, struct cf_err *err);

/* cf_audit() of set->cert, which has come from set->server to where it is now, as `name`. */
int cf_audit_place(struct cf_ctx *ctx, struct cf_change_set *set, const char *operation,
		   const char *name, struct cf_err *err);

/* chown, chgrp, chmod of a server or certificate directory; -1 leaves a value alone. */
struct cf_access {
	int64_t uid, gid, mode;
};

int cf_server_access(struct cf_ctx *ctx, int64_t server, const struct cf_access *access,
		     struct cf_err *err);
int cf_certificate_access(struct cf_ctx *ctx, int64_t certificate, const struct cf_access *access,
			  struct cf_err *err);
