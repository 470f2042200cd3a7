/* Connections: how one is opened, the pool of readers, the writers' queue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/store_private.h"

#define BUSY_MS 10000 /* longest wait for a lock that somebody outside holds */

static int exec(struct cf_conn *conn, const char *sql, struct cf_err *err)
{
	int rc = sqlite3_exec(conn->sq, sql, NULL, NULL, NULL);

	if (rc == SQLITE_NOTADB)
		return cf_fail(err, EINVAL, "%s is not a certfs store", conn->db.store->path);
	if (rc != SQLITE_OK)
		return cf_conn_fail(conn->sq, sqlite3_extended_errcode(conn->sq), err);
	return 0;
}

/* A store comes from strangers: no trigger, view or odd schema of theirs is run. */
static int harden(struct cf_conn *conn, struct cf_err *err)
{
	sqlite3 *sq = conn->sq;

	sqlite3_db_config(sq, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	sqlite3_db_config(sq, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
	sqlite3_db_config(sq, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)NULL);
	sqlite3_db_config(sq, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
	sqlite3_db_config(sq, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)NULL);
	return exec(conn,
		    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
		    "PRAGMA temp_store = MEMORY;",
		    err);
}

/* What the one connection needs that writes and checkpoints. */
static int pragmas_writer(struct cf_store *store, struct cf_conn *conn, struct cf_err *err)
{
	int r = exec(conn,
		     "PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;"
		     "PRAGMA journal_size_limit = 16777216;",
		     err);

	if (r == 0)
		r = exec(conn,
			 store->unsafe_fast ? "PRAGMA synchronous = OFF;"
					    : "PRAGMA synchronous = FULL;",
			 err);
	return r;
}

/* A reader never writes, not even a checkpoint: two connections doing that broke WALs. */
static int pragmas_reader(struct cf_conn *conn, struct cf_err *err)
{
	sqlite3_db_config(conn->sq, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	return exec(conn,
		    "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;"
		    "PRAGMA cache_size = -512;",
		    err);
}

/*
 * What SQLite opens. A WAL needs its index beside it, which can't be made on a file system that
 * is read-only; there nobody writes, and SQLite may take the file as it is.
 */
static int location(struct cf_store *store, struct cf_buf *out, struct cf_err *err)
{
	int r;

	if (!store->read_only || !cf_file_is_still(store))
		return cf_buf_puts(out, store->path, err);
	r = cf_buf_puts(out, "file:", err);
	for (const char *p = store->path; *p && r == 0; p++)
		r = strchr("%?#", *p) ? cf_buf_printf(out, err, "%%%02X", (unsigned char)*p)
				      : cf_buf_append(out, p, 1, err);
	return r < 0 ? r : cf_buf_puts(out, "?immutable=1", err);
}

int cf_conn_open(struct cf_store *store, bool writes, struct cf_conn **ret, struct cf_err *err)
{
	const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_URI |
			  (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	cf_auto(cf_conn_close) struct cf_conn *conn = calloc(1, sizeof(*conn));
	cf_auto(cf_buf_done) struct cf_buf name = { 0 };
	int rc, r;

	if (!conn)
		return cf_fail_memory(err);
	conn->db.store = store;
	conn->db.conn = conn;
	r = location(store, &name, err);
	if (r < 0)
		return r;
	rc = sqlite3_open_v2(name.data, &conn->sq, flags, store->vfs);
	if (rc != SQLITE_OK)
		return cf_conn_fail(conn->sq, rc, err);
	sqlite3_extended_result_codes(conn->sq, 0);
	sqlite3_busy_timeout(conn->sq, BUSY_MS);
	r = harden(conn, err);
	if (r == 0)
		r = writes ? pragmas_writer(store, conn, err) : pragmas_reader(conn, err);
	if (r == 0)
		*ret = cf_take(&conn);
	return r;
}

void cf_conn_close(struct cf_conn *conn)
{
	if (!conn)
		return;
	for (int m = 0; m < CF_MODULE_COUNT_; m++)
		for (int i = 0; i < CF_STMT_MAX; i++)
			sqlite3_finalize(conn->stmts[m][i]);
	sqlite3_close(conn->sq);
	cf_buf_done(&conn->scratch);
	free(conn);
}

/* -- the readers ----------------------------------------------------------------------------- */

int cf_reader_get(struct cf_store *store, struct cf_conn **ret, struct cf_err *err)
{
	struct cf_conn *conn;

	pthread_mutex_lock(&store->lock);
	conn = store->idle;
	if (conn) {
		store->idle = conn->next;
		store->n_idle--;
	}
	pthread_mutex_unlock(&store->lock);
	if (!conn)
		return cf_conn_open(store, false, ret, err);
	*ret = conn;
	return 0;
}

void cf_reader_put(struct cf_store *store, struct cf_conn *conn)
{
	pthread_mutex_lock(&store->lock);
	/* One whose transaction didn't end is of no use to anybody. */
	if (store->n_idle < CF_READERS_KEPT && sqlite3_get_autocommit(conn->sq)) {
		conn->next = store->idle;
		store->idle = conn;
		store->n_idle++;
		conn = NULL;
	}
	pthread_mutex_unlock(&store->lock);
	cf_conn_close(conn);
}

/* -- the writers' queue ---------------------------------------------------------------------- */

void cf_writer_get(struct cf_store *store)
{
	struct cf_waiter me = { .cond = PTHREAD_COND_INITIALIZER };

	pthread_mutex_lock(&store->lock);
	if (!store->writing) {
		store->writing = true;
	} else {
		*store->last_waiter = &me;
		store->last_waiter = &me.next;
		while (!me.turn)
			pthread_cond_wait(&me.cond, &store->lock);
	}
	pthread_mutex_unlock(&store->lock);
	pthread_cond_destroy(&me.cond);
}

void cf_writer_put(struct cf_store *store)
{
	struct cf_waiter *next;

	pthread_mutex_lock(&store->lock);
	next = store->first_waiter;
	if (next) {
		store->first_waiter = next->next;
		if (!store->first_waiter)
			store->last_waiter = &store->first_waiter;
		next->turn = true;
		pthread_cond_signal(&next->cond);
	} else {
		store->writing = false;
	}
	pthread_mutex_unlock(&store->lock);
}
