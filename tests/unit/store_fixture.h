/* What the tests of core/store and core/vault share: a store on tmpfs, unlocked. */
#pragma once

#include "tests/support.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/certificate.h"
#include "core/store/event.h"
#include "core/store/root.h"
#include "core/store/secret.h"
#include "core/store/server.h"
#include "core/store/trust.h"
#include "core/vault/vault.h"

struct fixture {
	char dir[128];
	char path[160];
	uint8_t key[CF_KEY_SIZE];
	struct cf_clock clock;
	struct cf_store *store;
	struct cf_vault *vault;
	struct cf_db *db; /* the test's transaction, if it holds one */
	struct cf_changes changes;
	struct cf_err err;
	size_t damaged; /* as unlocking reported */
};

#define assert_ok(f, call)                                                                         \
	do {                                                                                       \
		int ok_r_ = (call);                                                                \
		if (ok_r_ < 0)                                                                     \
			fail_msg("%s: %d: %s", #call, ok_r_, (f)->err.text);                       \
	} while (0)

#define assert_refused(f, expected, sentence, call)                                                \
	do {                                                                                       \
		cf_err_reset(&(f)->err);                                                           \
		assert_int_equal(call, -(expected));                                               \
		assert_string_equal((f)->err.text, sentence);                                      \
		assert_int_equal((f)->err.code, expected);                                         \
		cf_err_reset(&(f)->err);                                                           \
	} while (0)

static inline int open_store(struct fixture *f, struct cf_store_options options)
{
	options.path = f->path;
	options.unsafe_fast = true;
	options.clock = &f->clock;
	return cf_store_open(&options, &f->store, NULL, &f->err);
}

static inline void close_store(struct fixture *f)
{
	cf_db_done(cf_take(&f->db));
	cf_store_close(cf_take(&f->store));
	cf_vault_close(cf_take(&f->vault));
}

/* Open it again and unlock; how many servers are damaged is in f->damaged. */
static inline int reopen(struct fixture *f)
{
	int r;

	close_store(f);
	f->clock = (struct cf_clock){ 0 };
	r = open_store(f, (struct cf_store_options){ 0 });
	return r < 0 ? r
		     : cf_vault_unlock(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->damaged,
				       &f->err);
}

static inline void make_folder(struct fixture *f)
{
	make_private_folder(f->dir, sizeof(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/store", f->dir);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	make_folder(f);
	memset(f->key, 'k', sizeof(f->key));
	*state = f;
	return 0;
}

/* With a store that is open and unlocked. */
static inline int setup_store(void **state)
{
	struct fixture *f;

	setup(state);
	f = *state;
	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	assert_ok(f, cf_vault_create(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->err));
	return 0;
}

static inline int teardown(void **state)
{
	static const char *const files[] = { "store",      "store-wal",     "store-shm",
					     "store.lock", "store.reserve", "copy",
					     "copy.lock",  "copy.reserve",  "copy-wal",
					     "copy-shm",   "key",           "other",
					     "old",        "store.old",     NULL };
	struct fixture *f = *state;
	char path[256];

	close_store(f);
	cf_changes_done(&f->changes);
	for (size_t i = 0; files[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static inline void begin(struct fixture *f)
{
	assert_ok(f, cf_store_begin(f->store, false, &f->db, &f->err));
}

static inline void commit(struct fixture *f)
{
	cf_changes_done(&f->changes);
	assert_ok(f, cf_store_commit(&f->db, &f->changes, &f->err));
	assert_null(f->db);
}

static inline void start_reading(struct fixture *f)
{
	assert_ok(f, cf_store_read(f->store, &f->db, &f->err));
}

static inline void done(struct fixture *f)
{
	cf_db_done(cf_take(&f->db));
}

/* Change the file behind certfs's back. */
static inline void tamper(struct fixture *f, const char *sql)
{
	sqlite3 *sq;
	char *why = NULL;

	assert_int_equal(sqlite3_open(f->path, &sq), SQLITE_OK);
	sqlite3_busy_timeout(sq, 5000);
	if (sqlite3_exec(sq, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(sq);
}

/* One number out of the file, as an outsider sees it. */
static inline int64_t look_up(struct fixture *f, const char *sql)
{
	sqlite3 *sq;
	sqlite3_stmt *stmt;
	int64_t v;

	assert_int_equal(sqlite3_open(f->path, &sq), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(sq, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	v = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(sq);
	return v;
}

/* Flip one bit of a column of bytes in a table's first row. */
static inline void flip(struct fixture *f, const char *table, const char *column, int64_t bit)
{
	uint8_t bytes[2048];
	char sql[256];
	sqlite3_stmt *stmt;
	sqlite3 *sq;
	int n;

	snprintf(sql, sizeof(sql), "SELECT %s FROM %s ORDER BY rowid LIMIT 1", column, table);
	assert_int_equal(sqlite3_open(f->path, &sq), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(sq, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_bytes(stmt, 0);
	assert_in_range(n, bit / 8 + 1, sizeof(bytes));
	memcpy(bytes, sqlite3_column_blob(stmt, 0), (size_t)n);
	sqlite3_finalize(stmt);
	bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	snprintf(sql, sizeof(sql), "UPDATE %s SET %s = ? WHERE rowid = (SELECT min(rowid) FROM %s)",
		 table, column, table);
	assert_int_equal(sqlite3_prepare_v2(sq, sql, -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_blob(stmt, 1, bytes, n, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(sq);
}

static inline int64_t add_server(struct fixture *f, const char *name)
{
	struct cf_server row = { .uid = -1, .gid = -1, .mode = -1 };

	snprintf(row.name, sizeof(row.name), "%s", name);
	begin(f);
	assert_ok(f, cf_store_server_insert(f->db, &row, &f->err));
	commit(f);
	return row.id;
}

static inline struct cf_certificate new_certificate(int64_t server, const char *name)
{
	struct cf_certificate row = { .server = server,
				      .uid = -1,
				      .gid = -1,
				      .mode = -1,
				      .state = CF_STATE_DRAFT,
				      .next_change = CF_NEVER };

	snprintf(row.name, sizeof(row.name), "%s", name);
	return row;
}

static inline int64_t add_certificate(struct fixture *f, int64_t server, const char *name)
{
	struct cf_certificate row = new_certificate(server, name);

	begin(f);
	assert_ok(f, cf_store_certificate_insert(f->db, &row, &f->err));
	commit(f);
	return row.id;
}

static inline struct cf_certificate get_certificate(struct fixture *f, int64_t id)
{
	struct cf_certificate row;

	start_reading(f);
	assert_ok(f, cf_store_certificate_get(f->db, id, &row, &f->err));
	done(f);
	return row;
}

/* Seal text as the key of a certificate. */
static inline void put_key(struct fixture *f, int64_t id, int64_t server, const char *text)
{
	const struct cf_owner owner = { CF_OBJECT_CERTIFICATE, id, server, NULL };

	begin(f);
	assert_ok(f, cf_vault_put(f->vault, f->db, &owner, CF_SECRET_KEY, cf_span_text(text),
				  &f->err));
	commit(f);
}

static inline int get_key(struct fixture *f, int64_t id, struct cf_buf *out)
{
	const struct cf_owner owner = { CF_OBJECT_CERTIFICATE, id, 0, NULL };
	int r;

	start_reading(f);
	r = cf_vault_get(f->vault, f->db, &owner, CF_SECRET_KEY, out, &f->err);
	done(f);
	return r;
}

static inline void assert_key(struct fixture *f, int64_t id, const char *text)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_ok(f, get_key(f, id, &out));
	assert_string_equal(cf_buf_text(&out), text);
}

static inline void assert_no_key(struct fixture *f, int64_t id, int code, const char *sentence)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_refused(f, code, sentence, get_key(f, id, &out));
	assert_int_equal(out.len, 0);
}

/* -- the findings of a check ----------------------------------------------------------------- */

struct report {
	char text[4096];
};

static inline void collect(void *arg, const char *sentence)
{
	struct report *report = arg;
	size_t len = strlen(report->text);

	snprintf(report->text + len, sizeof(report->text) - len, "%s\n", sentence);
}

/* What certfsctl check would say. */
static inline void assert_findings(struct fixture *f, const char *lines)
{
	struct report report = { "" };
	int n = 0;

	for (const char *p = lines; *p; p++)
		n += *p == '\n';
	assert_int_equal(cf_store_check(f->store, collect, &report, &f->err), n);
	assert_string_equal(report.text, lines);
}
