/* Transactions: a consistent view for readers, one writer, and what a commit tells. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/store/store_private.h"

enum {
	READ,
	WRITE,
	COMMIT,
	ROLLBACK,
	DATA_VERSION,
	STAMP,
	VERSION,
	NOTHING,
	COUNT_
};

static const char *const text[] = {
	[READ] = "BEGIN",
	[WRITE] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[DATA_VERSION] = "PRAGMA data_version",
	[STAMP] = "UPDATE header SET last_commit = :time",
	[VERSION] = "SELECT version FROM tally WHERE server = :server",
	/* The mark it has already: the first page is written, and no row changes. */
	[NOTHING] = "PRAGMA application_id = 0x63667331",
};

static const struct cf_sql sql = { CF_MODULE_TRANSACTION, COUNT_, text };

/* -- beginning and ending -------------------------------------------------------------------- */

static int begin(struct cf_conn *conn, bool writes, struct cf_err *err)
{
	struct cf_db *db = &conn->db;
	sqlite3_stmt *ending;
	int r;

	db->writes = writes;
	db->frees = false;
	db->progress = NULL;
	db->broken = 0;
	db->root_loaded = db->root_made = false;
	db->rows_before = sqlite3_total_changes(conn->sq);
	db->now = cf_clock_now(db->store->clock);
	/* Prepared beforehand: without memory, ending must still work. */
	r = cf_stmt(db, &sql, ROLLBACK, &ending, err);
	if (r == 0 && writes)
		r = cf_stmt(db, &sql, NOTHING, &ending, err);
	return r < 0 ? r : cf_run(db, &sql, writes ? WRITE : READ, err);
}

/* ROLLBACK ends a reader's, too, and works where a statement failed: broken is no obstacle. */
static void end(struct cf_db *db)
{
	db->broken = 0;
	if (!sqlite3_get_autocommit(db->conn->sq))
		cf_run(db, &sql, ROLLBACK, NULL);
	cf_changes_done(&db->changes);
	free(db->deltas);
	db->deltas = NULL;
	db->n_deltas = db->cap_deltas = 0;
}

int cf_store_read(struct cf_store *store, struct cf_db **ret, struct cf_err *err)
{
	struct cf_conn *conn;
	int r = cf_reader_get(store, &conn, err);

	if (r < 0)
		return r;
	r = begin(conn, false, err);
	if (r < 0) {
		cf_reader_put(store, conn);
		return r;
	}
	*ret = &conn->db;
	return 0;
}

/*
 * A commit can fail when its last frame is written already: while it is synced, or after that. Who
 * recovers the WAL after a crash would then find a change done that was refused. So another commit
 * that changes no row goes where the refused one begins, and before it is on the disk nobody is
 * answered. To sync once more would prove nothing, since Linux takes for clean what it failed to
 * write; here the same pages are written anew.
 */
static int take_back(struct cf_store *store, struct cf_err *err)
{
	struct cf_db *db = &store->writer->db;
	int r;

	db->broken = 0;
	if (!sqlite3_get_autocommit(db->conn->sq))
		cf_run(db, &sql, ROLLBACK, NULL);
	db->broken = 0;
	r = cf_run(db, &sql, NOTHING, err);
	db->broken = 0;
	store->doubtful = r < 0;
	return r;
}

/* Where the disk took nothing in place of a refused change, nothing may follow that either. */
static int clear_doubt(struct cf_store *store, bool frees, struct cf_err *err)
{
	struct cf_err why = { 0 };
	int r = store->doubtful ? take_back(store, &why) : 0;

	store->writer->db.frees = frees; /* what fails for want of space gets the reserve next */
	store->writer->db.broken = -r;
	return r < 0 ? cf_fail(err, -r,
			       "nothing can be changed, as a change that was refused may be on the "
			       "disk and can't be taken back: %s",
			       why.text)
		     : 0;
}

int cf_db_begin(struct cf_store *store, bool frees, struct cf_db **ret, struct cf_err *err)
{
	int r;

	if (store->read_only)
		return cf_fail(err, EROFS, "the store is open for reading only");
	cf_writer_get(store);
	/*
	 * SQLite can't go on after a full disk in the middle of a transaction, so what deletes
	 * gets the reserve before it starts.
	 */
	if (frees && store->reserve_size && cf_space_low(store))
		cf_reserve_give_up(store);
	r = clear_doubt(store, frees, err);
	if (r == 0)
		r = begin(store->writer, true, err);
	if (r < 0) {
		cf_db_done(&store->writer->db);
		return r;
	}
	store->writer->db.frees = frees;
	*ret = &store->writer->db;
	return 0;
}

/* SQLite's number for the database, which moves when somebody else commits. */
static int data_version(struct cf_db *db, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, DATA_VERSION, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

/* Check the tallies if somebody else wrote, or always. */
static int look(struct cf_db *db, bool always, struct cf_err *err)
{
	struct cf_store *store = db->store;
	int64_t version;
	int r = data_version(db, &version, err);

	if (r < 0 || (!always && version == store->data_version))
		return r;
	r = cf_store_verify(db, err);
	if (r == 0)
		store->data_version = version;
	return r;
}

int cf_store_begin(struct cf_store *store, bool frees, struct cf_db **ret, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r;

	if (!store->have_keys)
		return cf_fail(err, EIO, "the store is not unlocked");
	r = cf_db_begin(store, frees, &db, err);
	if (r == 0)
		r = look(db, false, err);
	if (r == 0)
		*ret = cf_take(&db);
	return r;
}

void cf_db_done(struct cf_db *db)
{
	struct cf_store *store;
	bool starved;

	if (!db)
		return;
	store = db->store;
	starved = db->frees && db->broken == ENOSPC;
	end(db);
	if (!db->writes) {
		cf_reader_put(store, db->conn);
		return;
	}
	/* A quota isn't seen beforehand: the next attempt finds the reserve's bytes free. */
	if (starved)
		cf_reserve_give_up(store);
	else
		cf_reserve_keep(store);
	cf_writer_put(store);
}

cf_time cf_db_now(struct cf_db *db)
{
	return db->now;
}

int cf_store_version(struct cf_db *db, int64_t server, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, VERSION, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = r ? sqlite3_column_int64(stmt, 0) : 0;
	return 0;
}

/* -- what changed ---------------------------------------------------------------------------- */

static int record(struct cf_db *db, const struct cf_change *change, struct cf_err *err)
{
	int r = cf_changes_add(&db->changes, change, err);

	/* The row is written already: without the record the kernel would keep the old one. */
	if (r < 0)
		db->broken = -r;
	return r;
}

int cf_db_changed(struct cf_db *db, enum cf_object object, int64_t id, int64_t parent,
		  unsigned what, struct cf_err *err)
{
	const struct cf_change change = {
		.object = object,
		.id = id,
		.parent = parent,
		.what = what,
	};

	return record(db, &change, err);
}

int cf_db_gone(struct cf_db *db, enum cf_object object, int64_t id, int64_t parent,
	       const char *name, struct cf_err *err)
{
	const struct cf_change change = {
		.object = object,
		.id = id,
		.parent = parent,
		.what = CF_WHAT_NAME,
		.gone = true,
		.name = (char *)name, /* copied */
	};

	return record(db, &change, err);
}

/* -- committing ------------------------------------------------------------------------------ */

static int stamp(struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, STAMP, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":time", db->now);
	return cf_step(db, stmt, err);
}

/* What is written comes before the last frame is whole: no other failure leaves the change out. */
static bool may_be_there(sqlite3 *sq)
{
	int rc = sqlite3_extended_errcode(sq);

	return rc != SQLITE_FULL && rc != SQLITE_IOERR_WRITE;
}

static int commit(struct cf_db *db, struct cf_err *err)
{
	struct cf_err why = { 0 };
	bool doubtful;
	int r = cf_run(db, &sql, COMMIT, &why);

	if (r == 0)
		return 0;
	doubtful = may_be_there(db->conn->sq) && take_back(db->store, NULL) < 0;
	db->broken = -r;
	return cf_fail(err, -r, "%s%s", why.text,
		       doubtful ? "; after a crash the change may be there all the same" : "");
}

int cf_store_commit(struct cf_db **slot, struct cf_changes *changes, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = cf_take(slot);
	struct cf_store *store = db->store;
	bool touched = sqlite3_total_changes(db->conn->sq) != db->rows_before;
	int r = 0;

	assert(db->writes);
	if (touched)
		r = cf_tally_write(db, err);
	if (r == 0 && touched)
		r = stamp(db, err);
	if (r == 0 && changes)
		r = cf_changes_reserve(changes, db->changes.n, err);
	if (r == 0)
		r = commit(db, err);
	if (r < 0)
		return r;
	if (touched) {
		store->root_version = db->root.version;
		cf_clock_commit(store->clock, db->now);
	}
	if (changes)
		cf_changes_take(changes, &db->changes);
	return 0;
}

void cf_store_settle(struct cf_store *store)
{
	if (store->doubtful)
		take_back(store, NULL);
}

/* -- handing over the keys ------------------------------------------------------------------- */

/* The first look, with the write lock, so that nobody slips in between. */
static int settle(struct cf_store *store, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = store->read_only ? cf_store_read(store, &db, err)
				 : cf_db_begin(store, false, &db, err);

	return r < 0 ? r : look(db, true, err);
}

int cf_store_set_keys(struct cf_store *store, const struct cf_store_keys *keys, size_t *ret_damaged,
		      struct cf_err *err)
{
	int r = 0;

	store->keys = *keys;
	store->have_keys = true;
	if (store->fresh && !store->read_only)
		r = cf_root_create(store, err);
	if (r == 0)
		r = settle(store, err);
	if (r < 0) {
		cf_store_drop_keys(store);
		return r;
	}
	if (ret_damaged)
		*ret_damaged = store->damage.n + store->damage.root;
	return 0;
}

void cf_store_drop_keys(struct cf_store *store)
{
	store->have_keys = false;
	store->keys = (struct cf_store_keys){ 0 };
}
