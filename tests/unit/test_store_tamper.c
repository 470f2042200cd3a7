/* core/store and core/vault: whatever is done to the file behind their back is noticed. */
#include "tests/unit/store_fixture.h"

#define NOT_WRITTEN "its record isn't what certfs wrote; restore a backup"
#define NOT_STORED "a sealed value isn't what certfs stored; restore a backup"
#define REFUSED_SERVER                                                                             \
	"records of the server were changed by something other than certfs, so its keys are "      \
	"refused; restore a backup"
#define REFUSED_STORE                                                                              \
	"records of the store were changed by something other than certfs, so its keys are "       \
	"refused; restore a backup"

/* -- helpers --------------------------------------------------------------------------------- */

/* Servers 1 and 2 with certificates 1 and 2, each with a key and a leaf. */
static int setup_two(void **state)
{
	static const char *const servers[] = { "EX01", "EX02" };
	static const char *const names[] = { "mail", "owa" };
	struct fixture *f;

	setup_store(state);
	f = *state;
	for (int64_t i = 0; i < 2; i++) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		int64_t server = add_server(f, servers[i]);
		int64_t id = add_certificate(f, server, names[i]);

		put_key(f, id, server, i ? "second key" : "first key");
		row = get_certificate(f, id);
		begin(f);
		assert_ok(f, cf_store_blob_put(f->db, &row, CF_BLOB_LEAF,
					       cf_span_text(i ? "leaf two" : "leaf one"), &f->err));
		assert_ok(f, cf_set_text(&row.services, "SMTP\n", &f->err));
		assert_ok(f, cf_store_certificate_update(f->db, &row, CF_WHAT_STATE, &f->err));
		assert_ok(f, cf_store_event_add(f->db, "{\"op\":\"add\"}\n", &f->err));
		commit(f);
	}
	return 0;
}

/* Close, change, open again. */
static void tamper_closed(struct fixture *f, const char *sql)
{
	close_store(f);
	tamper(f, sql);
	assert_ok(f, reopen(f));
}

/* Keep a copy of the file as it is now, to take rows from with old.TABLE. */
static void keep(struct fixture *f)
{
	char path[200];

	snprintf(path, sizeof(path), "%s.old", f->path);
	unlink(path);
	assert_ok(f, cf_store_backup(f->store, path, &f->err));
}

static void put_back(struct fixture *f, const char *sql)
{
	char text[1024];

	snprintf(text, sizeof(text), "ATTACH '%s.old' AS old; PRAGMA foreign_keys = OFF; %s",
		 f->path, sql);
	tamper(f, text);
}

static void put_back_closed(struct fixture *f, const char *sql)
{
	close_store(f);
	put_back(f, sql);
	assert_ok(f, reopen(f));
}

/* Any change of a certificate, to have an older state of it. */
static int touch(struct fixture *f, int64_t id)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);
	int r;

	begin(f);
	row.mtime++;
	r = cf_store_certificate_update(f->db, &row, CF_WHAT_ACCESS, &f->err);
	if (r == 0)
		r = cf_store_commit(&f->db, NULL, &f->err);
	done(f);
	return r;
}

/* The row shows as damaged and takes no change. */
static void assert_damaged(struct fixture *f, int64_t id)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_true(row.damaged);
	start_reading(f);
	assert_refused(f, EIO, NOT_WRITTEN,
		       cf_store_blob_get(f->db, &row, CF_BLOB_LEAF, &out, &f->err));
	done(f);
	assert_refused(f, EIO, NOT_WRITTEN, touch(f, id));
}

static void assert_intact(struct fixture *f, int64_t id)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);

	assert_false(row.damaged);
}

/* Exactly server 1, so that 2 is served as before. */
static void assert_only_server_1(struct fixture *f)
{
	assert_int_equal(f->damaged, 1);
	assert_true(cf_store_damaged(f->store, 1));
	assert_false(cf_store_damaged(f->store, 2));
	assert_false(cf_store_damaged(f->store, 0));
	assert_no_key(f, 1, EIO, REFUSED_SERVER);
	assert_key(f, 2, "second key");
	assert_intact(f, 2);
}

/* -- one row --------------------------------------------------------------------------------- */

static void row__every_edited_column_is_noticed(void **state)
{
	struct fixture *f = *state;
	char sql[256], column[64];
	int64_t n = look_up(f, "SELECT count(*) FROM pragma_table_info('certificate')");

	for (int64_t i = 1; i < n; i++) { /* 0 is the id */
		sqlite3_stmt *stmt;
		sqlite3 *sq;
		bool is_server, is_mac;

		keep(f);
		close_store(f);
		snprintf(sql, sizeof(sql),
			 "SELECT name, type FROM pragma_table_info('certificate') WHERE cid = %d",
			 (int)i);
		assert_int_equal(sqlite3_open(f->path, &sq), SQLITE_OK);
		assert_int_equal(sqlite3_prepare_v2(sq, sql, -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		snprintf(column, sizeof(column), "%s", (const char *)sqlite3_column_text(stmt, 0));
		snprintf(
			sql, sizeof(sql),
			sqlite3_column_text(stmt, 1)[0] == 'I'
				? "UPDATE certificate SET %s = %s - 1 WHERE id = 1"
			: sqlite3_column_text(stmt, 1)[0] == 'T'
				? "UPDATE certificate SET %s = %s || 'x' WHERE id = 1"
				: "UPDATE certificate SET %s = randomblob(length(%s)) WHERE id = 1",
			column, column);
		sqlite3_finalize(stmt);
		sqlite3_close(sq);
		tamper(f, sql);
		assert_ok(f, reopen(f));
		assert_damaged(f, 1);
		assert_intact(f, 2);
		/* Only what the tally counts makes it add up to something else. */
		is_server = strcmp(column, "server") == 0;
		is_mac = strcmp(column, "mac") == 0 || strcmp(column, "version") == 0;
		assert_int_equal(f->damaged, is_server ? 2 : is_mac ? 1 : 0);
		put_back_closed(f, "REPLACE INTO certificate SELECT * FROM old.certificate;");
		assert_int_equal(f->damaged, 0);
		assert_intact(f, 1);
	}
}

static void row__every_edited_column_of_the_other_tables_is_noticed(void **state)
{
	static const char *const edits[] = {
		"UPDATE server SET use_smtp = 2 WHERE id = 1",
		"UPDATE server SET use_smtp_default = 2 WHERE id = 1",
		"UPDATE server SET mode = 511 WHERE id = 1",
		"UPDATE server SET has_export_password = 1 WHERE id = 1",
		"UPDATE server SET has_export_password = 2 WHERE id = 1",
		"UPDATE server SET name = 'EX01' || char(0) || 'x' WHERE id = 1",
		"UPDATE server SET deleted = 1 WHERE id = 1",
	};
	struct fixture *f = *state;
	struct cf_server row;

	for (size_t i = 0; i < CF_COUNT(edits); i++) {
		keep(f);
		tamper_closed(f, edits[i]);
		start_reading(f);
		assert_ok(f, cf_store_server_get(f->db, 1, &row, &f->err));
		done(f);
		assert_true(row.damaged);
		begin(f);
		assert_refused(f, EIO, NOT_WRITTEN,
			       cf_store_server_update(f->db, &row, CF_WHAT_ACCESS, &f->err));
		put_back_closed(f, "REPLACE INTO server SELECT * FROM old.server;");
	}
	start_reading(f);
	assert_ok(f, cf_store_server_get(f->db, 1, &row, &f->err));
	assert_false(row.damaged);
}

static void row__the_sizes_of_bytes_are_noticed(void **state)
{
	static const char *const edits[] = {
		"UPDATE certificate SET uuid = x'' WHERE id = 1",
		"UPDATE certificate SET mac = x'00' WHERE id = 1",
		"UPDATE certificate SET mac = CAST(mac || x'00' AS BLOB) WHERE id = 1",
		"UPDATE certificate SET spki_sum = CAST(spki_sum || x'00' AS BLOB) WHERE id = 1",
		"UPDATE certificate SET name = printf('%.300c', 'x') WHERE id = 1",
		"UPDATE certificate SET subject = subject || char(0) || 'x' WHERE id = 1",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(edits); i++) {
		keep(f);
		tamper_closed(f, edits[i]);
		assert_damaged(f, 1);
		put_back_closed(f, "REPLACE INTO certificate SELECT * FROM old.certificate;");
		assert_intact(f, 1);
	}
}

static void row__swapped_between_servers_is_noticed(void **state)
{
	struct fixture *f = *state;

	tamper_closed(f, "UPDATE certificate SET id = 3 WHERE id = 1;"
			 "UPDATE certificate SET id = 1 WHERE id = 2;"
			 "UPDATE certificate SET id = 2 WHERE id = 3;");
	assert_damaged(f, 1);
	assert_damaged(f, 2);
	assert_int_equal(f->damaged, 2);
}

static void index__that_leads_elsewhere_is_noticed(void **state)
{
	static const char *const lie =
		"PRAGMA writable_schema = ON;"
		"UPDATE sqlite_schema SET sql ="
		" 'CREATE UNIQUE INDEX certificate_name ON certificate"
		" (server, iif(id = 1, ''web'', iif(name = ''web'', ''mail'', name))"
		" COLLATE NOCASE)"
		" WHERE deleted = 0' WHERE name = 'certificate_name'";
	static const char *const truth = "PRAGMA writable_schema = ON;"
					 "UPDATE sqlite_schema SET sql ="
					 " 'CREATE UNIQUE INDEX certificate_name ON certificate"
					 " (server, name COLLATE NOCASE)  WHERE deleted = 0'"
					 " WHERE name = 'certificate_name'";
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	struct fixture *f = *state;

	add_certificate(f, 1, "web");
	close_store(f);
	tamper(f, lie);
	tamper(f, "REINDEX");
	tamper(f, truth);
	assert_ok(f, reopen(f));
	start_reading(f);
	assert_ok(f, cf_store_certificate_find(f->db, 1, "mail", &row, &f->err));
	assert_int_equal(row.id,
			 3); /* SQLite takes the name from the index, the rest from the row */
	assert_true(row.damaged);
}

/* -- sealed values --------------------------------------------------------------------------- */

static void secret__every_bit_is_noticed(void **state)
{
	static const char *const columns[] = { "sealed", "mac", "uuid" };
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(columns); i++) {
		char sql[128];
		int64_t bits;

		snprintf(sql, sizeof(sql), "SELECT 8 * length(%s) FROM secret WHERE id = 1",
			 columns[i]);
		bits = look_up(f, sql);
		assert_true(bits >= 128);
		for (int64_t bit = 0; bit < bits; bit++) {
			flip(f, "secret", columns[i], bit);
			assert_no_key(f, 1, EIO, NOT_STORED);
			flip(f, "secret", columns[i], bit);
		}
	}
	assert_key(f, 1, "first key");
	assert_key(f, 2, "second key");
}

static void secret__swapped_is_noticed(void **state)
{
	static const char *const swaps[] = {
		/* the sealed bytes, the MAC with them, everything but whose it is, the owner */
		"UPDATE secret SET sealed ="
		" (SELECT sealed FROM old.secret WHERE id = 3 - main.secret.id)",
		"UPDATE secret SET (sealed, mac, version) ="
		" (SELECT sealed, mac, version FROM old.secret WHERE id = 3 - main.secret.id)",
		"UPDATE secret SET (uuid, sealed, mac, version) ="
		" (SELECT uuid, sealed, mac, version FROM old.secret"
		"  WHERE id = 3 - main.secret.id)",
		"UPDATE secret SET owner = 5 WHERE id = 1;"
		"UPDATE secret SET owner = 1 WHERE id = 2;"
		"UPDATE secret SET owner = 2 WHERE id = 1",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(swaps); i++) {
		keep(f);
		close_store(f);
		put_back(f, swaps[i]);
		assert_ok(f, reopen(f));
		assert_no_key(f, 1, EIO, NOT_STORED);
		assert_no_key(f, 2, EIO, NOT_STORED);
		put_back_closed(f,
				"DELETE FROM secret; INSERT INTO secret SELECT * FROM old.secret;");
		assert_key(f, 1, "first key");
	}
}

static void secret__for_another_public_key_is_refused(void **state)
{
	struct fixture *f = *state;
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };
	uint8_t sum[CF_SUM_SIZE] = { 1 };
	struct cf_owner owner = { CF_OBJECT_CERTIFICATE, 1, 1, sum };

	begin(f);
	assert_ok(f, cf_vault_put(f->vault, f->db, &owner, CF_SECRET_KEY, cf_span_text("bound"),
				  &f->err));
	commit(f);
	start_reading(f);
	assert_ok(f, cf_vault_get(f->vault, f->db, &owner, CF_SECRET_KEY, &out, &f->err));
	assert_string_equal(cf_buf_text(&out), "bound");
	sum[31] = 1;
	assert_refused(f, EIO, NOT_STORED,
		       cf_vault_get(f->vault, f->db, &owner, CF_SECRET_KEY, &out, &f->err));
	owner.spki_sum = NULL;
	assert_refused(f, EIO, NOT_STORED,
		       cf_vault_get(f->vault, f->db, &owner, CF_SECRET_KEY, &out, &f->err));
	assert_string_equal(cf_buf_text(&out), "bound");
}

/* -- blobs ----------------------------------------------------------------------------------- */

static void assert_no_leaf(struct fixture *f, int64_t id, const char *sentence)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_false(row.damaged);
	start_reading(f);
	assert_refused(f, EIO, sentence,
		       cf_store_blob_get(f->db, &row, CF_BLOB_LEAF, &out, &f->err));
	done(f);
}

static void blob__swapped_edited_or_deleted_is_noticed(void **state)
{
	struct fixture *f = *state;

	tamper(f, "UPDATE blob SET certificate = 3 - certificate, kind = 9 WHERE certificate = 1;"
		  "UPDATE blob SET certificate = 1 WHERE certificate = 2 AND kind = 2;"
		  "UPDATE blob SET kind = 2");
	assert_no_leaf(f, 1, "its content isn't what certfs stored; restore a backup");
	assert_no_leaf(f, 2, "its content isn't what certfs stored; restore a backup");
	assert_findings(
		f, "certificate 1 (mail): its content isn't what certfs stored; restore a backup\n"
		   "certificate 2 (owa): its content isn't what certfs stored; restore a backup\n");
	tamper(f, "DELETE FROM blob WHERE certificate = 1");
	assert_no_leaf(f, 1, "its content is missing from the store; restore a backup");
	assert_key(f, 1, "first key");
}

/* -- sets of rows ---------------------------------------------------------------------------- */

static void tally__a_row_put_back_is_noticed(void **state)
{
	struct fixture *f = *state;

	keep(f);
	assert_ok(f, touch(f, 1));
	put_back_closed(f, "REPLACE INTO certificate SELECT * FROM old.certificate WHERE id = 1;");
	assert_intact(f, 1); /* it was authentic once */
	assert_only_server_1(f);
	assert_findings(f, "server 1: rows were replaced from outside\n");
	/* Going on there doesn't hide it. */
	assert_ok(f, touch(f, 1));
	assert_ok(f, reopen(f));
	assert_only_server_1(f);
}

static void tally__a_deleted_row_is_noticed(void **state)
{
	struct fixture *f = *state;

	add_certificate(f, 1, "web");
	tamper_closed(f, "DELETE FROM certificate WHERE name = 'web'");
	assert_only_server_1(f);
	assert_findings(f, "server 1: rows were deleted from outside\n");
}

static void tally__a_deleted_secret_is_noticed(void **state)
{
	struct fixture *f = *state;

	tamper_closed(f, "DELETE FROM secret WHERE owner = 1");
	assert_int_equal(f->damaged, 1);
	assert_true(cf_store_damaged(f->store, 1));
	assert_no_key(f, 1, ENOENT, "no such secret");
	assert_key(f, 2, "second key");
}

static void tally__a_row_that_was_removed_and_comes_back_is_noticed(void **state)
{
	struct fixture *f = *state;
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

	row = get_certificate(f, add_certificate(f, 1, "web"));
	keep(f);
	begin(f);
	assert_ok(f, cf_store_certificate_purge(f->db, &row, &f->err));
	commit(f);
	put_back_closed(f, "INSERT INTO certificate SELECT * FROM old.certificate WHERE id = 3;");
	assert_only_server_1(f);
	assert_findings(f, "server 1: rows were added or put back from outside\n");
}

static void tally__rows_put_back_with_their_tally_are_noticed(void **state)
{
	struct fixture *f = *state;

	keep(f);
	assert_ok(f, touch(f, 1));
	put_back_closed(f, "REPLACE INTO certificate SELECT * FROM old.certificate WHERE id = 1;"
			   "REPLACE INTO tally SELECT * FROM old.tally WHERE server = 1;");
	/* Each server's rows add up; which one is old can't be told. */
	assert_true(cf_store_damaged(f->store, 0));
	assert_no_key(f, 1, EIO, REFUSED_SERVER);
	assert_no_key(f, 2, EIO, REFUSED_SERVER);
	assert_int_equal(f->damaged, 3);
	assert_findings(f, "the root: the tallies of the servers aren't those certfs wrote\n");
	assert_intact(f, 1);
	assert_intact(f, 2);
}

static void tally__every_bit_of_a_server_s_is_noticed(void **state)
{
	struct fixture *f = *state;
	int64_t bits;

	close_store(f);
	tamper(f, "DELETE FROM tally WHERE server = 2");
	assert_ok(f, reopen(f));
	assert_findings(f, "server 2: its tally is missing\n"
			   "the root: the tallies of the servers aren't those certfs wrote\n");
	bits = look_up(f, "SELECT 8 * length(sealed) FROM tally WHERE server = 0");
	for (int64_t bit = 0; bit < bits; bit += 5) {
		close_store(f);
		flip(f, "tally", "sealed", bit); /* the root's */
		assert_ok(f, reopen(f));
		assert_true(cf_store_damaged(f->store, 1));
		assert_refused(f, EIO, "a tally of the store isn't what certfs wrote", touch(f, 1));
		flip(f, "tally", "sealed", bit);
	}
}

static void tally__a_broken_one_of_a_server_stops_changes_there_only(void **state)
{
	struct fixture *f = *state;

	tamper_closed(f, "UPDATE tally SET sealed = randomblob(length(sealed)) WHERE server = 1");
	assert_true(cf_store_damaged(f->store, 1));
	assert_refused(f, EIO, "a tally of the store isn't what certfs wrote", touch(f, 1));
	assert_intact(f, 1);
	assert_ok(f, touch(f, 2));
}

/* -- the root -------------------------------------------------------------------------------- */

static void put_root_password(struct fixture *f, const char *word)
{
	const struct cf_owner owner = { CF_OBJECT_ROOT, 0, 0, NULL };

	begin(f);
	assert_ok(f, cf_vault_put(f->vault, f->db, &owner, CF_SECRET_EXPORT_PASSWORD,
				  cf_span_text(word), &f->err));
	commit(f);
}

static int get_root_password(struct fixture *f, struct cf_buf *out)
{
	const struct cf_owner owner = { CF_OBJECT_ROOT, 0, 0, NULL };
	int r;

	start_reading(f);
	r = cf_vault_get(f->vault, f->db, &owner, CF_SECRET_EXPORT_PASSWORD, out, &f->err);
	done(f);
	return r;
}

static void root__its_rows_are_counted_apart_from_the_servers(void **state)
{
	static const char *const edits[] = {
		"DELETE FROM trust",
		"REPLACE INTO root SELECT * FROM old.root",
		"REPLACE INTO server SELECT * FROM old.server",
		"REPLACE INTO secret SELECT * FROM old.secret",
	};
	struct fixture *f = *state;
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };
	cf_auto(cf_trust_done) struct cf_trust trust = { .name = "root.cer" };
	struct cf_server server;
	struct cf_root root;

	begin(f);
	assert_ok(f, cf_store_trust_insert(f->db, &trust, &f->err));
	commit(f);
	put_root_password(f, "old word");
	for (size_t i = 0; i < CF_COUNT(edits); i++) {
		keep(f);
		put_root_password(f, "new word");
		begin(f);
		assert_ok(f, cf_store_root_get(f->db, &root, &f->err));
		assert_ok(f, cf_store_root_update(f->db, &root, 0, &f->err));
		assert_ok(f, cf_store_server_get(f->db, 2, &server, &f->err));
		assert_ok(f, cf_store_server_update(f->db, &server, 0, &f->err));
		commit(f);
		close_store(f);
		put_back(f, edits[i]);
		assert_ok(f, reopen(f));
		assert_int_equal(f->damaged, 1);
		assert_true(cf_store_damaged(f->store, 0));
		assert_refused(f, EIO, REFUSED_STORE, get_root_password(f, &out));
		assert_key(f, 1, "first key");
		assert_findings(f, "the root: rows were deleted, added or put back from outside\n");
		/* All as it was, for the next. */
		close_store(f);
		teardown(state);
		setup_two(state);
		f = *state;
		begin(f);
		assert_ok(f, cf_store_trust_insert(f->db, &trust, &f->err));
		commit(f);
		put_root_password(f, "old word");
	}
}

static void root__the_time_of_the_last_commit_is_sealed(void **state)
{
	struct fixture *f = *state;
	char year[CF_TIME_TEXT_MAX];

	tamper_closed(f, "UPDATE header SET last_commit = 9000000000000000000");
	assert_int_equal(f->damaged, 1);
	assert_findings(f, "the root: the time of the last commit isn't what certfs wrote\n");
	/* And nobody is put into the year 2255. */
	cf_time_text(cf_clock_now(&f->clock), year);
	assert_true(strcmp(year, "2200") < 0);
}

static void root__a_missing_tally_damages_all(void **state)
{
	struct fixture *f = *state;

	tamper_closed(f, "DELETE FROM tally WHERE server = 0");
	assert_no_key(f, 1, EIO, REFUSED_SERVER);
	assert_no_key(f, 2, EIO, REFUSED_SERVER);
	assert_refused(f, EIO, "the root's tally is missing; restore a backup", touch(f, 1));
}

/* -- while it is open ------------------------------------------------------------------------ */

static void open__a_change_from_outside_is_noticed_at_the_next_change(void **state)
{
	struct fixture *f = *state;

	keep(f);
	assert_ok(f, touch(f, 1));
	put_back(f, "REPLACE INTO certificate SELECT * FROM old.certificate WHERE id = 1;");
	assert_false(cf_store_damaged(f->store, 1));
	begin(f);
	done(f);
	f->damaged = 1;
	assert_only_server_1(f);
}

static void open__a_harmless_change_from_outside_damages_nothing(void **state)
{
	struct fixture *f = *state;

	tamper(f, "ANALYZE");
	assert_ok(f, touch(f, 1));
	assert_false(cf_store_damaged(f->store, 1));
	assert_key(f, 1, "first key");
}

static void open__an_older_state_of_everything_is_noticed(void **state)
{
	struct fixture *f = *state;

	keep(f);
	assert_ok(f, touch(f, 1));
	put_back(f, "REPLACE INTO certificate SELECT * FROM old.certificate;"
		    "REPLACE INTO tally SELECT * FROM old.tally;"
		    "REPLACE INTO header SELECT * FROM old.header;");
	begin(f);
	done(f);
	assert_true(cf_store_damaged(f->store, 1));
	assert_no_key(f, 2, EIO, REFUSED_SERVER);
	/* Later it looks like any other state; only a head of the log kept elsewhere tells. */
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
}

static void ids__a_tampered_counter_gives_no_id_twice(void **state)
{
	struct fixture *f = *state;
	struct cf_certificate row = new_certificate(1, "web");

	tamper(f, "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'certificate'");
	begin(f);
	assert_refused(f, EIO, "the store's database: UNIQUE constraint failed: certificate.id",
		       cf_store_certificate_insert(f->db, &row, &f->err));
	/* The transaction is lost then. */
	assert_refused(f, EIO, "an earlier step of this change failed",
		       cf_store_commit(&f->db, NULL, &f->err));
	tamper(f, "UPDATE sqlite_sequence SET seq = 281474976710655 WHERE name = 'certificate'");
	begin(f);
	assert_refused(f, EIO, "the store's counter of ids isn't what certfs wrote",
		       cf_store_certificate_insert(f->db, &row, &f->err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_two, teardown)
		WITH(row__every_edited_column_is_noticed),
		WITH(row__every_edited_column_of_the_other_tables_is_noticed),
		WITH(row__the_sizes_of_bytes_are_noticed),
		WITH(row__swapped_between_servers_is_noticed),
		WITH(index__that_leads_elsewhere_is_noticed),
		WITH(secret__every_bit_is_noticed),
		WITH(secret__swapped_is_noticed),
		WITH(secret__for_another_public_key_is_refused),
		WITH(blob__swapped_edited_or_deleted_is_noticed),
		WITH(tally__a_row_put_back_is_noticed),
		WITH(tally__a_deleted_row_is_noticed),
		WITH(tally__a_deleted_secret_is_noticed),
		WITH(tally__a_row_that_was_removed_and_comes_back_is_noticed),
		WITH(tally__rows_put_back_with_their_tally_are_noticed),
		WITH(tally__every_bit_of_a_server_s_is_noticed),
		WITH(tally__a_broken_one_of_a_server_stops_changes_there_only),
		WITH(root__its_rows_are_counted_apart_from_the_servers),
		WITH(root__the_time_of_the_last_commit_is_sealed),
		WITH(root__a_missing_tally_damages_all),
		WITH(open__a_change_from_outside_is_noticed_at_the_next_change),
		WITH(open__a_harmless_change_from_outside_damages_nothing),
		WITH(open__an_older_state_of_everything_is_noticed),
		WITH(ids__a_tampered_counter_gives_no_id_twice),
	};

	return cmocka_run_group_tests_name("store_tamper", tests, NULL, NULL);
}
