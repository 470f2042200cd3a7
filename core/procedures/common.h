/* What the procedures share: loading what they act on inside a transaction, and the audit record. */
#pragma once

#include "core/procedures/context.h"
#include "core/store/certificate.h"
#include "core/store/root.h"
#include "core/store/server.h"

/* A file that is made of many rows, as it reads now. */
struct cf_page {
	struct cf_buf *out; /* its text is appended here; borrowed */
	cf_time time;       /* when it last changed; a date that passed counts as its change */
	cf_time until;      /* the next date that changes it; CF_NEVER */
};

/* One write transaction on a server or a certificate. Zero-initialise. */
struct cf_change_set {
	bool frees; /* set by the caller: it only deletes, and may do so on a full disk */
	struct cf_db *db;
	struct cf_server server;
	struct cf_certificate cert; /* of cf_change_certificate() */
};

/*
 * Begin a write transaction and load the object. 0; -ESTALE: it is gone; -EIO: it is not what
 * certfs wrote. cf_change_set_done() rolls back what was not committed. ESTALE is what a file
 * gets whose certificate was deleted while it was open.
 */
int cf_change_server(struct cf_ctx *ctx, int64_t server, struct cf_change_set *ret,
		     struct cf_err *err);
int cf_change_certificate(struct cf_ctx *ctx, int64_t certificate, struct cf_change_set *ret,
			  struct cf_err *err);
void cf_change_set_done(struct cf_change_set *set);
CF_DEFINE_DONE(struct cf_change_set, cf_change_set_done);

/* The same for reading, in a transaction that the caller has. server may be NULL. */
int cf_load_certificate(struct cf_db *db, int64_t certificate, struct cf_certificate *ret,
			struct cf_server *server, struct cf_err *err);
int cf_load_server(struct cf_db *db, int64_t server, struct cf_server *ret, struct cf_err *err);
int cf_load_root(struct cf_db *db, struct cf_root *ret, struct cf_err *err);

/*
 * Record what is being done, in the transaction that does it.
 *
 * operation  one word: "request", "assign", "read-key" …
 * server     its name, or NULL
 * cert       the row concerned, or NULL
 * detail     what exactly, any text without a secret, or NULL
 */
int cf_audit(struct cf_ctx *ctx, struct cf_db *db, const char *operation, const char *server,
	     const struct cf_certificate *cert, const char *detail, struct cf_err *err);

/*
 * Whose a directory is, and its permission bits: what chown(1) and chmod(1) gave it, else of a
 * certificate what its server has, else what the mount says. The mount's umask is not applied.
 */
struct cf_owns {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

struct cf_owns cf_server_owns(const struct cf_core *core, const struct cf_server *server);
struct cf_owns cf_certificate_owns(const struct cf_core *core, const struct cf_server *server,
				   const struct cf_certificate *cert);

/*
 * May the caller write in the directory of this certificate of this server? The kernel asks for
 * the directory a file is dropped into; an answer that was dropped elsewhere is asked for here, by
 * the same rules: POSIX.1-2017 section 4.5, without capabilities.
 */
bool cf_may_write(const struct cf_ctx *ctx, const struct cf_server *server,
		  const struct cf_certificate *cert);

/* Replace a text of a row, and its time where it is another one. 0 or -ENOMEM. */
int cf_set_timed(char **slot, const char *text, cf_time *t, cf_time now, struct cf_err *err);

/* The listing of / changes with its servers: move its times. */
int cf_touch_root(struct cf_db *db, struct cf_err *err);

/* -EIO with the sentence for an object that was changed outside certfs. */
int cf_fail_damaged(struct cf_err *err, const char *name);
