/* What the modules of core/store share: connections, statements, transactions. */
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "core/store/store.h"
#include "core/store/tally_private.h"

/* -- statements ------------------------------------------------------------------------------ */

/* Whose list of statements; the number is its place in a connection. */
enum cf_module {
	CF_MODULE_SCHEMA,
	CF_MODULE_TRANSACTION,
	CF_MODULE_ROW,
	CF_MODULE_ROOT,
	CF_MODULE_SLOT,
	CF_MODULE_SERVER,
	CF_MODULE_CERTIFICATE,
	CF_MODULE_BLOB,
	CF_MODULE_ISSUER,
	CF_MODULE_SECRET,
	CF_MODULE_TRUST,
	CF_MODULE_SETTING,
	CF_MODULE_EVENT,
	CF_MODULE_FOUND,
	CF_MODULE_FOUND_UPDATE,
	CF_MODULE_FOUND_CHECK,
	CF_MODULE_VIEW_TIME,
	CF_MODULE_ENDING,
	CF_MODULE_TALLY,
	CF_MODULE_VERIFY,
	CF_MODULE_CHECK,
	CF_MODULE_PROGRESS,
	CF_MODULE_REKEY,
	CF_MODULE_DELETED,
	CF_MODULE_COUNT_,
};

#define CF_STMT_MAX 24 /* most statements of a module */

/* A module's statements, in one list. */
struct cf_sql {
	enum cf_module module;
	int count;
	const char *const *text;
};

/* -- transactions ---------------------------------------------------------------------------- */

/* How a server's tally changes at commit. */
struct cf_delta {
	int64_t server;
	struct cf_tally by;
	bool fresh;   /* the server is new: its tally begins here */
	bool dropped; /* the server was purged */
};

struct cf_conn;

struct cf_db {
	struct cf_store *store;
	struct cf_conn *conn;
	bool writes;
	int broken;      /* positive errno: SQLite may have rolled back, so nothing more is done */
	bool corrupt;    /* the last failure was a page that isn't one of SQLite's */
	bool frees;      /* it only deletes */
	int rows_before; /* sqlite3_total_changes() at the start */
	cf_time now;
	struct cf_changes changes;
	struct cf_delta *deltas;
	size_t n_deltas, cap_deltas;
	struct cf_root_record root; /* valid once root_loaded */
	bool root_loaded;
	bool root_made;           /* there is no row to update yet */
	cf_progress_fn *progress; /* who watches; NULL */
	void *progress_arg;
};

/* One connection; used by one thread at a time. Statements are prepared when first used. */
struct cf_conn {
	sqlite3 *sq;
	sqlite3_stmt *stmts[CF_MODULE_COUNT_][CF_STMT_MAX];
	struct cf_buf scratch; /* what a MAC is computed over */
	struct cf_db db;       /* its one transaction */
	struct cf_conn *next;  /* in the pool */
};

/* One thread that waits to write. */
struct cf_waiter {
	pthread_cond_t cond;
	struct cf_waiter *next;
	bool turn;
};

/* -- the store ------------------------------------------------------------------------------- */

#define CF_READERS_KEPT 16 /* idle reading connections that are not closed */

struct cf_store {
	char *path; /* absolute, no symbolic link in its folders */
	char *vfs;
	int dir_fd;
	int lock_fd;
	int reserve_fd;      /* -1: there is none */
	size_t reserve_size; /* bytes allocated in it */
	bool read_only;
	bool unsafe_fast;
	bool fresh; /* never got its wrapped keys */
	uint8_t uuid[CF_UUID_SIZE];

	struct cf_clock *clock;
	struct cf_clock own_clock;

	struct cf_store_keys keys; /* valid once have_keys */
	bool have_keys;

	pthread_mutex_t lock; /* of everything below */
	struct cf_conn *idle; /* readers without a transaction */
	size_t n_idle;
	bool writing;
	struct cf_waiter *first_waiter, **last_waiter;
	struct cf_damage damage;
	_Atomic bool any_damage; /* read without the lock */

	/* The writer's own; guarded by its turn. */
	struct cf_conn *writer;
	int64_t data_version; /* as of the last look: changes when somebody else wrote */
	int64_t root_version; /* of the root's tally: never falls */
	size_t n_verified;    /* how often the tallies were checked */
	bool doubtful;        /* a change that was refused may be in the WAL */
};

/* Errors of SQLite as errno and sentence. */
int cf_conn_fail(sqlite3 *sq, int rc, struct cf_err *err);

/* The same; a write transaction takes nothing more after it, since SQLite may have ended it. */
int cf_db_fail(struct cf_db *db, int rc, struct cf_err *err);

/* A statement, reset and unbound; goes back by itself with cf_auto(cf_stmt_done). */
int cf_stmt(struct cf_db *db, const struct cf_sql *sql, int which, sqlite3_stmt **ret,
	    struct cf_err *err);
void cf_stmt_done(sqlite3_stmt *stmt);
CF_DEFINE_AUTO(sqlite3_stmt, cf_stmt_done);

/* 1: a row; 0: none or done; negative: broken. */
int cf_step(struct cf_db *db, sqlite3_stmt *stmt, struct cf_err *err);

/* Run a statement without parameters and results. */
int cf_run(struct cf_db *db, const struct cf_sql *sql, int which, struct cf_err *err);

/* Bind what stays where it is until the statement is done. A misspelt parameter is an assertion. */
void cf_bind_int(sqlite3_stmt *stmt, const char *parameter, int64_t v);
void cf_bind_text(sqlite3_stmt *stmt, const char *parameter, const char *text);
void cf_bind_bytes(sqlite3_stmt *stmt, const char *parameter, struct cf_span bytes);
int cf_parameter(sqlite3_stmt *stmt, const char *name); /* its number */
void cf_bind_int_at(sqlite3_stmt *stmt, int i, int64_t v);
void cf_bind_text_at(sqlite3_stmt *stmt, int i, const char *text);
void cf_bind_bytes_at(sqlite3_stmt *stmt, int i, struct cf_span bytes);

/* Copy a blob column of exactly n bytes; false when it is something else. */
bool cf_column_bytes(sqlite3_stmt *stmt, int column, void *out, size_t n);
struct cf_span cf_column_span(sqlite3_stmt *stmt, int column); /* borrowed until the next step */
int cf_column_buf(sqlite3_stmt *stmt, int column, struct cf_buf *out, struct cf_err *err);

/* -- connection.c ---------------------------------------------------------------------------- */

int cf_conn_open(struct cf_store *store, bool writes, struct cf_conn **ret, struct cf_err *err);
void cf_conn_close(struct cf_conn *conn);
CF_DEFINE_AUTO(struct cf_conn, cf_conn_close);

/* A connection of the pool, or a new one; and back. */
int cf_reader_get(struct cf_store *store, struct cf_conn **ret, struct cf_err *err);
void cf_reader_put(struct cf_store *store, struct cf_conn *conn);

/* The writer's turn, in the order in which they came. */
void cf_writer_get(struct cf_store *store);
void cf_writer_put(struct cf_store *store);

/* -- file.c ---------------------------------------------------------------------------------- */

/* Split path into its folder, resolved and opened, and the absolute path of the file. */
int cf_file_place(struct cf_store *store, const char *path, struct cf_err *err);
int cf_file_lock(struct cf_store *store, const char *who, struct cf_err *err);
void cf_file_unlock(struct cf_store *store);

/* Make the database file, empty, 0600. *ret_made is false when an empty one was there. */
int cf_file_create(struct cf_store *store, bool *ret_made, struct cf_err *err);

/* True where nothing can change: a read-only file system, and no WAL left behind. */
bool cf_file_is_still(struct cf_store *store);

void cf_reserve_keep(struct cf_store *store);    /* make it if it isn't there and there is room */
void cf_reserve_give_up(struct cf_store *store); /* its bytes are free afterwards */
bool cf_space_low(struct cf_store *store);

/* -- backup.c -------------------------------------------------------------------------------- */

/* Copy what the connection sees to a new file (0600), durably. -EEXIST; removed again on failure. */
int cf_backup_to(struct cf_store *store, const char *path, struct cf_err *err);

/* -- schema.c -------------------------------------------------------------------------------- */

/* schema_steps.c: each takes a database from one version to the next. */
extern const char *const cf_schema_steps[];
extern const size_t cf_schema_n_steps;

/* Refuse what is no store or a newer one, migrate what is older; create: an empty one, too. */
int cf_schema_bring(struct cf_store *store, struct cf_conn *conn, bool create, struct cf_err *err);

/* Read the header into store: UUID, whether it was ever given keys. */
int cf_header_read(struct cf_store *store, struct cf_db *db, struct cf_err *err);

/* -- transaction.c --------------------------------------------------------------------------- */

/* cf_store_begin() without looking whether somebody else wrote. */
int cf_db_begin(struct cf_store *store, bool frees, struct cf_db **ret, struct cf_err *err);

/* A last attempt to take back a change that was refused, before the store is closed. */
void cf_store_settle(struct cf_store *store);

/* Record a change for the commit's list. */
int cf_db_changed(struct cf_db *db, enum cf_object object, int64_t id, int64_t parent,
		  unsigned what, struct cf_err *err);
int cf_db_gone(struct cf_db *db, enum cf_object object, int64_t id, int64_t parent,
	       const char *name, struct cf_err *err);

/* Room for n more, so that cf_changes_take() can't fail; move src's entries to the end of dst. */
int cf_changes_reserve(struct cf_changes *changes, size_t n, struct cf_err *err);
void cf_changes_take(struct cf_changes *dst, struct cf_changes *src);

/* The counts of one server in this transaction, made on first use. NULL: out of memory. */
struct cf_delta *cf_db_delta(struct cf_db *db, int64_t server, struct cf_err *err);

/* -- tally.c --------------------------------------------------------------------------------- */

/* A row of table came (sign 1) or went (-1). */
int cf_tally_count(struct cf_db *db, int64_t server, const char *table, int sign,
		   const struct cf_row_id *row, struct cf_err *err);

/* The root's record of this transaction, in db->root. -EIO when it isn't what certfs wrote. */
int cf_root_record(struct cf_db *db, struct cf_err *err);

/* Unseal a tally as stored. -EIO. */
int cf_tally_open(struct cf_db *db, int64_t server, int64_t version, struct cf_span sealed,
		  struct cf_tally *ret, struct cf_err *err);
int cf_root_open(struct cf_db *db, int64_t version, struct cf_span sealed,
		 struct cf_root_record *ret, struct cf_err *err);

/* A server's tally as a member of the root's. */
int cf_tally_member(struct cf_db *db, int64_t server, int64_t version, struct cf_span sealed,
		    uint8_t out[CF_SUM_SIZE], struct cf_err *err);

/* Write all that changed, last the root's. */
int cf_tally_write(struct cf_db *db, struct cf_err *err);

/* -- certificate.c --------------------------------------------------------------------------- */

struct cf_certificate;

/* The next of all rows by id, deleted ones too. 1 or 0. */
int cf_certificate_next_row(struct cf_db *db, int64_t after, struct cf_certificate *ret,
			    struct cf_err *err);

/* -- event.c --------------------------------------------------------------------------------- */

struct cf_event {
	int64_t seq;
	cf_time time;
	int64_t start;
	struct cf_span line; /* NUL-terminated */
	uint8_t mac[CF_SUM_SIZE];
};

/* The MAC of an event that follows the one with the MAC `before`. */
int cf_event_mac(struct cf_db *db, const struct cf_event *event, const uint8_t before[CF_SUM_SIZE],
		 uint8_t out[CF_SUM_SIZE], struct cf_err *err);

/* The next event: 1, with its line in a buffer that is used again, or 0. */
int cf_event_next(struct cf_db *db, int64_t after, struct cf_buf *line, struct cf_event *ret,
		  struct cf_err *err);

/* -- secret.c ----------------------------------------------------------------------------- */

/* Remove all secrets of an owner that is purged. */
int cf_store_secret_purge(struct cf_db *db, enum cf_object object, int64_t owner,
			  struct cf_err *err);

/* -- setting.c ------------------------------------------------------------------------------ */

/* Remove all settings of a server that is purged. */
int cf_store_setting_purge(struct cf_db *db, int64_t server, struct cf_err *err);

/* -- issuer.c -------------------------------------------------------------------------------- */

/* Remove all issuers of a server that is purged. */
int cf_store_issuer_purge(struct cf_db *db, int64_t server, struct cf_err *err);

/* -- root.c ---------------------------------------------------------------------------------- */

/* Give a store that never had keys its root row and the root's tally. */
int cf_root_create(struct cf_store *store, struct cf_err *err);

/* -- verify.c -------------------------------------------------------------------------------- */

typedef void cf_report_fn(void *arg, const char *sentence);

/* Count everything and compare: what does not add up is in ret. report may be NULL. */
int cf_tally_verify(struct cf_db *db, struct cf_damage *ret, cf_report_fn *report, void *arg,
		    struct cf_err *err);

/* The same, and remember it in the store. */
int cf_store_verify(struct cf_db *db, struct cf_err *err);
