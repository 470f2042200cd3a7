/* A new master key, a backup's return, and the head of the audit log. */
#include "tests/unit/store_fixture.h"

#include "core/procedures/upkeep.h"
#include "core/store/event.h"
#include "core/vault/vault_private.h"

struct said {
	char last[200];
	int n;
};

static void hear(void *arg, const char *line)
{
	struct said *said = arg;

	snprintf(said->last, sizeof(said->last), "%s", line);
	said->n++;
}

static int run(struct fixture *f, int (*command)(const struct cf_admin *admin, struct cf_err *err),
	       const char *word, struct said *said)
{
	struct cf_core core = { .store = f->store, .vault = f->vault, .clock = &f->clock };
	struct cf_ctx ctx = { .core = &core, .caller = { .comm = "test" } };
	char *words[] = { (char *)word };
	const struct cf_admin admin = {
		.ctx = &ctx, .n = word ? 1 : 0, .words = words, .report = hear, .arg = said
	};
	int r;

	memset(said, 0, sizeof(*said));
	cf_err_reset(&f->err);
	r = command(&admin, &f->err);
	cf_ctx_done(&ctx);
	return r;
}

static void put(struct fixture *f, const struct cf_owner *owner, enum cf_secret_kind kind,
		const char *text)
{
	begin(f);
	assert_ok(f, cf_vault_put(f->vault, f->db, owner, kind, cf_span_text(text), &f->err));
	assert_ok(f, cf_store_event_add(f->db, "{\"operation\":\"put\"}\n", &f->err));
	commit(f);
}

static void assert_value(struct fixture *f, const struct cf_owner *owner, enum cf_secret_kind kind,
			 const char *text)
{
	cf_auto(cf_buf_done) struct cf_buf got = { 0 };

	start_reading(f);
	assert_ok(f, cf_vault_get(f->vault, f->db, owner, kind, &got, &f->err));
	done(f);
	assert_string_equal(cf_buf_text(&got), text);
}

static void assert_sound(struct fixture *f)
{
	struct said said = { 0 };

	assert_int_equal(cf_store_check(f->store, hear, &said, &f->err), 0);
	assert_string_equal(said.last, "");
}

/* Two servers, a certificate's key, passwords, lines in the log. */
struct contents {
	struct cf_owner root, server, key;
	uint8_t spki[CF_SUM_SIZE];
};

static void fill(struct fixture *f, struct contents *c)
{
	int64_t server = add_server(f, "EX01");
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

	add_server(f, "EX02");
	memset(c->spki, 0x5a, sizeof(c->spki));
	memcpy(row.spki_sum, c->spki, sizeof(c->spki));
	row.server = server;
	row.state = CF_STATE_PENDING;
	row.uid = row.gid = row.mode = -1;
	strcpy(row.name, "mail");
	begin(f);
	assert_ok(f, cf_store_certificate_insert(f->db, &row, &f->err));
	commit(f);
	c->root = (struct cf_owner){ .object = CF_OBJECT_ROOT };
	c->server = (struct cf_owner){ .object = CF_OBJECT_SERVER, .id = server, .server = server };
	c->key = (struct cf_owner){
		.object = CF_OBJECT_CERTIFICATE, .id = row.id, .server = server, .spki_sum = c->spki
	};
	put(f, &c->root, CF_SECRET_EXPORT_PASSWORD, "of the root");
	put(f, &c->server, CF_SECRET_IMPORT_PASSWORD, "of the server");
	put(f, &c->key, CF_SECRET_KEY, "a private key");
}

static void assert_filled(struct fixture *f, const struct contents *c)
{
	assert_value(f, &c->root, CF_SECRET_EXPORT_PASSWORD, "of the root");
	assert_value(f, &c->server, CF_SECRET_IMPORT_PASSWORD, "of the server");
	assert_value(f, &c->key, CF_SECRET_KEY, "a private key");
	assert_sound(f);
}

static void rekey__changes_every_key_but_those_that_exports_and_tallies_need(void **state)
{
	struct fixture *f = *state;
	struct cf_vault before;
	struct contents c;
	struct said said;

	fill(f, &c);
	assert_ok(f, reopen(f));
	before = *f->vault;
	assert_ok(f, run(f, cf_admin_rekey, NULL, &said));
	assert_int_equal(said.n, 1); /* the new head */
	assert_memory_not_equal(before.master, f->vault->master, CF_KEY_SIZE);
	assert_memory_not_equal(before.row_key, f->vault->row_key, CF_KEY_SIZE);
	assert_memory_not_equal(before.event_key, f->vault->event_key, CF_KEY_SIZE);
	assert_memory_equal(before.pfx_key, f->vault->pfx_key, CF_KEY_SIZE);
	assert_memory_equal(before.set_key, f->vault->set_key, CF_KEY_SIZE);
	assert_filled(f, &c);
	add_server(f, "EX03"); /* in the same process, under the new keys */
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_memory_not_equal(before.master, f->vault->master, CF_KEY_SIZE);
	assert_filled(f, &c);
	assert_int_equal(look_up(f, "SELECT count(*) FROM event WHERE instr(line, 'rekey')"), 1);
	explicit_bzero(&before, sizeof(before));
}

static void rekey__with_other_slots_wants_to_drop_them(void **state)
{
	struct fixture *f = *state;
	uint8_t other[CF_KEY_SIZE] = { 1 }, master[CF_KEY_SIZE];
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	struct contents c;
	struct said said;

	fill(f, &c);
	assert_ok(f, reopen(f));
	assert_ok(f, cf_vault_slot_make(f->vault, CF_SLOT_KEY(other), 1, &slot, &f->err));
	begin(f);
	assert_ok(f, cf_store_slot_add(f->db, &slot, &f->err));
	commit(f);
	memcpy(master, f->vault->master, sizeof(master));
	assert_refused(f, EBUSY,
		       "key slot 2 (key-file) would open nothing any more, since its secret isn't "
		       "known here; --drop-slots removes all slots but the one that unlocked the "
		       "store",
		       run(f, cf_admin_rekey, NULL, &said));
	assert_memory_equal(master, f->vault->master, sizeof(master));
	assert_filled(f, &c);
	assert_int_equal(look_up(f, "SELECT count(*) FROM slot"), 2);
	assert_int_equal(run(f, cf_admin_rekey, "--all", &said), -EINVAL);
	assert_ok(f, run(f, cf_admin_rekey, "--drop-slots", &said));
	assert_filled(f, &c);
	assert_int_equal(look_up(f, "SELECT count(*) FROM slot"), 1);
	assert_ok(f, reopen(f));
	assert_filled(f, &c);
	close_store(f);
	assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
	assert_int_equal(
		cf_vault_unlock(f->store, CF_SLOT_KEY(other), &f->vault, &f->damaged, &f->err),
		-EKEYREJECTED);
}

static void rekey__of_a_damaged_store_is_refused_and_changes_nothing(void **state)
{
	static const char *const damages[] = {
		"UPDATE certificate SET exportable = 1 - exportable",
		"UPDATE event SET line = replace(line, 'put', 'get') WHERE seq = 1",
		"DELETE FROM secret WHERE kind = 1",
		"UPDATE slot SET mac = zeroblob(32)",
	};
	struct fixture *f = *state;
	struct contents c;
	struct said said;
	char sql[300];

	fill(f, &c);
	close_store(f);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s/old'", f->dir);
	tamper(f, sql);
	for (size_t i = 0; i < CF_COUNT(damages); i++) {
		char copy[300];

		tamper(f, damages[i]);
		reopen(f);
		assert_int_equal(run(f, cf_admin_rekey, NULL, &said), -EIO);
		assert_true(said.n > 0);
		assert_int_equal(
			look_up(f, "SELECT count(*) FROM event WHERE instr(line, 'rekey')"), 0);
		close_store(f);
		snprintf(copy, sizeof(copy), "cp %s/old %s", f->dir, f->path);
		assert_int_equal(system(copy), 0);
	}
	assert_ok(f, reopen(f));
	assert_filled(f, &c);
}

/* -- restoring ------------------------------------------------------------------------------- */

static const char *path_of(struct fixture *f, const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static int restore(struct fixture *f, const char *file, struct said *said)
{
	struct cf_clock clock = { 0 };
	char key[200], from[200];
	const struct cf_unlock how = {
		.store = f->path, .key_file = key, .who = "a test", .clock = &clock
	};
	FILE *stream;

	snprintf(key, sizeof(key), "%s", path_of(f, "key"));
	snprintf(from, sizeof(from), "%s", path_of(f, file));
	umask(077);
	stream = fopen(key, "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(f->key, sizeof(f->key), 1, stream), 1);
	fclose(stream);
	memset(said, 0, sizeof(*said));
	cf_err_reset(&f->err);
	return cf_restore(&how, from, &(struct cf_admin){ .report = hear, .arg = said }, &f->err);
}

static void restore__puts_back_what_a_backup_holds_and_records_it(void **state)
{
	struct fixture *f = *state;
	struct contents c;
	struct said said;

	fill(f, &c);
	assert_ok(f, cf_store_backup(f->store, path_of(f, "copy"), &f->err));
	put(f, &c.root, CF_SECRET_EXPORT_PASSWORD, "newer");
	add_server(f, "EX03");
	close_store(f);
	assert_ok(f, restore(f, "copy", &said));
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_filled(f, &c);
	assert_int_equal(look_up(f, "SELECT count(*) FROM server"), 2);
	assert_int_equal(look_up(f, "SELECT count(*) FROM event WHERE instr(line, 'restore')"), 1);
}

static void restore__of_a_damaged_backup_or_another_stores_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct contents c;
	struct said said;
	char sql[300];

	fill(f, &c);
	assert_ok(f, cf_store_backup(f->store, path_of(f, "copy"), &f->err));
	close_store(f);
	snprintf(sql, sizeof(sql),
		 "ATTACH '%s' AS c; UPDATE c.server SET name = 'EX09' WHERE id = 1",
		 path_of(f, "copy"));
	tamper(f, sql);
	assert_int_equal(restore(f, "copy", &said), -EIO);
	assert_true(said.n > 0);
	assert_int_equal(restore(f, "missing", &said), -ENOENT);
	assert_int_equal(restore(f, "key", &said), -EINVAL);
	assert_ok(f, reopen(f));
	assert_filled(f, &c);
}

static void restore__into_a_store_in_use_is_EBUSY(void **state)
{
	struct fixture *f = *state;
	struct contents c;
	struct said said;

	fill(f, &c);
	assert_ok(f, cf_store_backup(f->store, path_of(f, "copy"), &f->err));
	assert_int_equal(restore(f, "copy", &said), -EBUSY);
	assert_filled(f, &c);
}

/* What SQLite would take for the new file's log, and a file that is no database any more. */
static void restore__over_a_broken_store_with_a_log_left_behind(void **state)
{
	struct fixture *f = *state;
	struct contents c;
	struct said said;
	char command[600];

	fill(f, &c);
	assert_ok(f, cf_store_backup(f->store, path_of(f, "copy"), &f->err));
	add_server(f, "EX03");
	snprintf(command, sizeof(command), "cp %s-wal %s/other", f->path, f->dir);
	assert_int_equal(system(command), 0);
	close_store(f);
	snprintf(command, sizeof(command), "cp %s/other %s-wal && echo broken >%s", f->dir, f->path,
		 f->path);
	assert_int_equal(system(command), 0);
	assert_ok(f, restore(f, "copy", &said));
	assert_ok(f, reopen(f));
	assert_filled(f, &c);
	close_store(f);
	unlink(f->path);
	assert_ok(f, restore(f, "copy", &said));
	assert_ok(f, reopen(f));
	assert_filled(f, &c);
}

/* -- the head -------------------------------------------------------------------------------- */

static void head__fits_for_ever_and_only_where_it_was_taken(void **state)
{
	struct fixture *f = *state;
	struct contents c;
	struct said said;
	char first[200];

	assert_ok(f, run(f, cf_admin_audit_head, NULL, &said));
	assert_memory_equal(said.last, "0:", 2);
	snprintf(first, sizeof(first), "%s", said.last);
	fill(f, &c);
	assert_ok(f, run(f, cf_admin_audit_verify, first, &said));
	assert_ok(f, run(f, cf_admin_audit_head, NULL, &said));
	assert_memory_equal(said.last, "3:", 2);
	snprintf(first, sizeof(first), "%s", said.last);
	put(f, &c.root, CF_SECRET_EXPORT_PASSWORD, "more");
	assert_ok(f, run(f, cf_admin_audit_verify, first, &said));
	assert_int_equal(said.n, 0);
	first[10] = first[10] == 'A' ? 'B' : 'A';
	assert_int_equal(run(f, cf_admin_audit_verify, first, &said), 1);
	assert_string_equal(said.last,
			    "the audit log: line 3 isn't the one with which it ended then");
	first[0] = '9';
	assert_int_equal(run(f, cf_admin_audit_verify, first, &said), 1);
	assert_string_equal(said.last,
			    "the audit log: line 9, with which it ended then, is missing");
	first[2] = 'x';
	assert_int_equal(run(f, cf_admin_audit_verify, first, &said), -EINVAL);
	cf_err_reset(&f->err);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH(rekey__changes_every_key_but_those_that_exports_and_tallies_need),
		WITH(rekey__with_other_slots_wants_to_drop_them),
		WITH(rekey__of_a_damaged_store_is_refused_and_changes_nothing),
		WITH(restore__puts_back_what_a_backup_holds_and_records_it),
		WITH(restore__of_a_damaged_backup_or_another_stores_changes_nothing),
		WITH(restore__into_a_store_in_use_is_EBUSY),
		WITH(restore__over_a_broken_store_with_a_log_left_behind),
		WITH(head__fits_for_ever_and_only_where_it_was_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
