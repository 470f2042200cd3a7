/*
 * The store: one SQLite database. This header has opening, transactions, changes, backup and
 * check; each table has a header of its own. Rows are read and written only inside a
 * transaction; what a procedure may rely on:
 *
 *   one connection writes and checkpoints (WAL, synchronous=FULL), the others only read;
 *   SQLITE_BUSY never comes out of here; a full disk is -ENOSPC, damage is -EIO;
 *   every row of a table that reaches the tree carries a MAC over its columns and version, and
 *   its server's tally (or the root's) counts it: cf_store_insert/update do both, nothing can
 *   bypass them.
 */
#pragma once

#include <stdbool.h>

#include "core/base/clock.h"
#include "core/base/pack.h"
#include "core/base/progress.h"

#define CF_SUM_SIZE 32 /* bytes of every MAC and digest */
#define CF_UUID_SIZE 16

struct cf_store; /* an open store, shared by all threads */
struct cf_db;    /* one transaction on it, owned by one thread */

/* What makes rows unforgeable; implemented by core/vault. All return 0 or a negative errno. */
struct cf_store_keys {
	int (*mac)(void *arg, const char *table, struct cf_span row, uint8_t out[CF_SUM_SIZE],
		   struct cf_err *err);
	/* A row's share of its tally: HMAC(K_set, table, id, version, mac). */
	int (*member)(void *arg, const char *table, int64_t id, int64_t version,
		      const uint8_t mac[CF_SUM_SIZE], uint8_t out[CF_SUM_SIZE], struct cf_err *err);
	/* Sealing of tallies; context is authenticated. unseal: -EBADMSG when it isn't ours. */
	int (*seal)(void *arg, struct cf_span context, struct cf_span plain, struct cf_buf *out,
		    struct cf_err *err);
	int (*unseal)(void *arg, struct cf_span context, struct cf_span sealed, struct cf_buf *out,
		      struct cf_err *err);
	int (*digest)(struct cf_span data, uint8_t out[CF_SUM_SIZE], struct cf_err *err);
	void *arg;
};

struct cf_store_options {
	const char *path;
	bool create;            /* make it where it does not exist: 0600, new UUID */
	bool read_only;         /* every connection only reads; no lock is taken */
	const char *who;        /* who holds the lock, for the sentence another opener gets */
	const char *vfs;        /* SQLite VFS; NULL: the default */
	struct cf_clock *clock; /* borrowed; its floor is raised to the last commit; NULL: own */
	bool unsafe_fast; /* synchronous=OFF: a power cut may lose or break the store (tests) */
};

/*
 * Open it. Takes flock(2) on PATH.lock unless read_only (-EBUSY with a sentence that names the
 * holder), migrates an older format, refuses a newer one or an unknown feature flag (-EINVAL),
 * what is no store (-EINVAL), keeps PATH.reserve (1 MiB) for deleting on a full disk.
 * *ret_created (may be NULL) tells whether it was made just now. -ENOENT where it doesn't
 * exist and create is not set. Only the header and slots can be read until cf_store_set_keys()
 * was called.
 */
int cf_store_open(const struct cf_store_options *options, struct cf_store **ret, bool *ret_created,
		  struct cf_err *err);
void cf_store_close(struct cf_store *store);
CF_DEFINE_AUTO(struct cf_store, cf_store_close);

const uint8_t *cf_store_uuid(const struct cf_store *store); /* CF_UUID_SIZE bytes */
cf_time cf_store_now(struct cf_store *store);               /* by its clock */

/*
 * Hand over the keys (keys->arg must outlive the store), and check the tallies of all servers:
 * a server whose tally does not add up is remembered as damaged. A fresh store gets its root
 * row here. *ret_damaged (may be NULL) counts them. 0, -EIO.
 */
int cf_store_set_keys(struct cf_store *store, const struct cf_store_keys *keys, size_t *ret_damaged,
		      struct cf_err *err);

/* Take the keys back, before what they point to goes while the store stays open. */
void cf_store_drop_keys(struct cf_store *store);

/* True when rows of this server (0: of the root) were deleted, added or replayed from outside. */
bool cf_store_damaged(struct cf_store *store, int64_t server);

/* -- transactions ---------------------------------------------------------------------------- */

/* A consistent view for reading. Never held across a reply. */
int cf_store_read(struct cf_store *store, struct cf_db **ret, struct cf_err *err);

/*
 * The one write transaction; waits for its turn. frees: it only deletes, so it may use the
 * reserve.
 */
int cf_store_begin(struct cf_store *store, bool frees, struct cf_db **ret, struct cf_err *err);

/* End either kind; an uncommitted write is rolled back. Accepts NULL. */
void cf_db_done(struct cf_db *db);
CF_DEFINE_AUTO(struct cf_db, cf_db_done);

cf_time cf_db_now(struct cf_db *db); /* one time for the whole transaction */

/* What about an object changed; a row of a directory table says on which of these it depends. */
enum cf_what {
	CF_WHAT_CONFIG = 1 << 0,    /* subject, domains, key type, exportable */
	CF_WHAT_FRIENDLY = 1 << 1,  /* friendly name */
	CF_WHAT_STATE = 1 << 2,     /* draft, pending, certificate: everything may have changed */
	CF_WHAT_CHAIN = 1 << 3,     /* issuers */
	CF_WHAT_VERDICT = 1 << 4,   /* status, reason, root CA type */
	CF_WHAT_SERVICES = 1 << 5,  /* of a certificate: its services; of a server: who serves */
	CF_WHAT_PASSWORD = 1 << 6,  /* export password here */
	CF_WHAT_NAME = 1 << 7,      /* renamed or moved */
	CF_WHAT_ACCESS = 1 << 8,    /* owner, group, mode */
	CF_WHAT_LISTING = 1 << 9,   /* entries of this directory */
	CF_WHAT_REFUSED = 1 << 10,  /* a refusal was remembered; not a row */
	CF_WHAT_IMPORT = 1 << 11,   /* import password here */
	CF_WHAT_SETTINGS = 1 << 12, /* of a server or the root: settings */
	CF_WHAT_DELETED = 1 << 13,  /* what lies in _deleted; of an object: it went or came back */
};

enum cf_object {
	CF_OBJECT_ROOT = 1, /* id 0 */
	CF_OBJECT_SERVER = 2,
	CF_OBJECT_CERTIFICATE = 3,
	CF_OBJECT_TRUST = 4, /* a file in _trust */
	CF_OBJECT_AUDIT = 5, /* the event table grew */
	/* Only as what is gone: the name in _deleted of a server, of a certificate of `parent`. */
	CF_OBJECT_DELETED_SERVER = 6,
	CF_OBJECT_DELETED_CERTIFICATE = 7,
	CF_OBJECT_VIEW = 8,  /* entries or content of a view; id: enum cf_view_kind */
	CF_OBJECT_FOUND = 9, /* what is found under a name on a server; parent: the server */
};

/*
 * A number that another one takes the place of with every commit that changed something of this
 * server; of 0, with every commit. 0, -EIO.
 */
int cf_store_version(struct cf_db *db, int64_t server, int64_t *ret, struct cf_err *err);

/* One changed row, as a commit reports it. */
struct cf_change {
	enum cf_object object;
	int64_t id;
	int64_t parent; /* server of a certificate; 0 */
	unsigned what;  /* cf_what bits */
	bool gone;      /* `name` in `parent` no longer leads to it: removed, renamed, moved */
	char *name;     /* the name that is gone, owned; NULL */
};

/* Zero-initialise; released with cf_changes_done(). */
struct cf_changes {
	struct cf_change *items;
	size_t n;
	size_t cap;
};

/* Add one (same object and id and not gone: merged into the one that is there). 0 or -ENOMEM. */
int cf_changes_add(struct cf_changes *changes, const struct cf_change *change, struct cf_err *err);
void cf_changes_done(struct cf_changes *changes);
CF_DEFINE_DONE(struct cf_changes, cf_changes_done);

/*
 * Write the tallies and the time of the commit, make it durable, and append to *changes what
 * changed (the table functions recorded it). db ends either way; *db is NULL afterwards. On
 * failure nothing happened. 0, -ENOSPC, -EIO, -ENOMEM.
 */
int cf_store_commit(struct cf_db **db, struct cf_changes *changes, struct cf_err *err);

/* -- for certfsctl and the control socket ---------------------------------------------------- */

/*
 * Have progress() hear how far something long in this transaction has come: cf_store_check_in(),
 * cf_store_event_check(), cf_store_rekey(). arg must outlive db.
 */
void cf_db_watch(struct cf_db *db, cf_progress_fn *progress, void *arg);

/*
 * Copy the whole store to a new file (0600), consistent, while others write. -EEXIST, -EIO,
 * -ENOSPC.
 */
int cf_store_backup(struct cf_store *store, const char *path, struct cf_err *err);

/*
 * Put a copy of the store `from`, which nobody is writing, in the place of the store `path`, which
 * nobody may have open (-EBUSY) and which may be missing or damaged. who as in cf_store_options.
 * Afterwards, or after a crash, either of both is there. -EINVAL when from is no store, -EIO, -ENOSPC.
 */
int cf_store_replace(const char *path, const char *from, const char *who, struct cf_err *err);

/*
 * Look for damage: SQLite's quick_check, every row MAC, every tally, the digests of all blobs,
 * the chain of the audit log. Each finding is a sentence to report(). Returns how many, or a
 * negative errno when the check itself failed.
 */
int cf_store_check(struct cf_store *store, void (*report)(void *arg, const char *sentence),
		   void *arg, struct cf_err *err);

/* The same in a transaction of the caller's. */
int cf_store_check_in(struct cf_db *db, void (*report)(void *arg, const char *sentence), void *arg,
		      struct cf_err *err);
