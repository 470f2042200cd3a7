/* What lies in _deleted: how it gets there, comes back, and goes for good. */
#include "tests/unit/tree_fixture.h"

#include <sqlite3.h>

#include "core/procedures/admin_deleted.h"
#include "core/procedures/deleted.h"
#include "core/procedures/purge.h"
#include "core/store/secret.h"
#include "core/tree/node_private.h"

#define DAY (86400 * (cf_time)CF_SECOND)

/* -- helpers --------------------------------------------------------------------------------------- */

static int rename_path(struct fixture *f, const char *from, const char *to)
{
	uint64_t parent = CF_TREE_ROOT, new_parent = CF_TREE_ROOT;
	struct cf_attr attr;

	fx_lookup(f, from, &parent, &attr);
	fx_lookup(f, to, &new_parent, &attr);
	cf_err_reset(&f->err);
	return cf_tree_rename(f->tree, &f->ctx, parent, fx_name(from), new_parent, fx_name(to), 0,
			      &f->err);
}

static int rmdir_path(struct fixture *f, const char *path)
{
	uint64_t parent = CF_TREE_ROOT;
	struct cf_attr attr;

	fx_lookup(f, path, &parent, &attr);
	cf_err_reset(&f->err);
	return cf_tree_rmdir(f->tree, &f->ctx, parent, fx_name(path), &f->err);
}

static struct cf_certificate row_of(struct fixture *f, int64_t id)
{
	struct cf_certificate row;
	struct cf_db *db;

	fx_ok(f, cf_store_read(f->core.store, &db, &f->err));
	fx_ok(f, cf_store_certificate_get_any(db, id, &row, &f->err));
	cf_db_done(db);
	return row;
}

static int64_t number(struct fixture *f, const char *sql)
{
	sqlite3 *sq;
	sqlite3_stmt *stmt;
	int64_t n;

	assert_int_equal(sqlite3_open(f->path, &sq), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(sq, sql, -1, &stmt, NULL), SQLITE_OK);
	n = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
	sqlite3_finalize(stmt);
	sqlite3_close(sq);
	return n;
}

static void finding(void *arg, const char *sentence)
{
	(void)arg;
	print_message("%s\n", sentence);
}

static void assert_sound(struct fixture *f)
{
	assert_int_equal(cf_store_check(f->core.store, finding, NULL, &f->err), 0);
}

static int64_t id_of(struct fixture *f, const char *path)
{
	return (int64_t)(fx_stat(f, path).ino & ((UINT64_C(1) << 48) - 1));
}

/* -- going and coming back -------------------------------------------------------------------------- */

static void undelete__gives_back_the_row_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct cf_certificate before, after;
	uint64_t ino;
	int64_t id;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "word\n"));
	ino = fx_stat(f, "EX01/mail").ino;
	id = id_of(f, "EX01/mail");
	before = row_of(f, id);
	fx_ok(f, rmdir_path(f, "EX01/mail"));
	assert_false(fx_exists(f, "EX01/mail"));
	assert_true(fx_exists(f, "_deleted/EX01/mail/certificate.cer"));
	assert_false(fx_exists(f, "_deleted/EX01/mail/export.pfx"));
	assert_false(fx_exists(f, "_deleted/EX01/mail/export.password"));
	fx_ok(f, rename_path(f, "_deleted/EX01/mail", "EX01/mail"));
	assert_false(fx_exists(f, "_deleted/EX01"));
	assert_int_equal(fx_stat(f, "EX01/mail").ino, ino);
	{
		cf_time next;

		fx_ok(f, cf_tree_tick(f->tree, &f->ctx, &next, &f->err));
	}
	after = row_of(f, id);
	assert_int_equal(after.deleted, 0);
	assert_string_equal(after.deleted_name, "");
	assert_int_equal(after.mtime, before.mtime);
	assert_int_equal(after.t_pfx, before.t_pfx);
	assert_int_equal(after.pfx_len, before.pfx_len);
	assert_int_equal(after.verdict_since, before.verdict_since);
	assert_int_equal(after.next_change, before.next_change);
	assert_int_equal(after.status, before.status);
	assert_string_equal(after.services, before.services);
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	assert_sound(f);
	cf_certificate_done(&before);
	cf_certificate_done(&after);
}

static void server__comes_back_with_what_went_with_it_and_no_more(void **state)
{
	struct fixture *f = *state;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	fx_ok(f, fx_mkdir(f, "EX01/old"));
	fx_ok(f, rmdir_path(f, "EX01/old"));
	fx_ok(f, fx_mkdir(f, "EX01/old"));
	fx_assert_refused(f, rmdir_path(f, "EX01/mail"), EBUSY, "used by SMTP");
	fx_assert_refused(f, rmdir_path(f, "EX01"), ENOTEMPTY, "move the whole server");
	fx_ok(f, rename_path(f, "EX01", "_deleted/EX01"));
	assert_true(fx_exists(f, "_deleted/EX01/mail"));
	assert_true(fx_exists(f, "_deleted/EX01/old"));
	assert_true(fx_exists(f, "_deleted/EX01/old-2"));
	fx_assert_refused(f, rename_path(f, "_deleted/EX01/mail", "EX02/mail"), EPERM, "server");
	fx_ok(f, rename_path(f, "_deleted/EX01", "EX05"));
	assert_true(fx_exists(f, "EX05/_services/SMTP"));
	assert_true(fx_exists(f, "EX05/old"));
	assert_true(fx_exists(f, "_deleted/EX05/old"));
	assert_false(fx_exists(f, "_deleted/EX05/old-2"));
	assert_false(fx_exists(f, "_deleted/EX01"));
	assert_sound(f);
}

static void purge__of_a_deleted_servers_certificate_frees_its_services(void **state)
{
	struct fixture *f = *state;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	fx_ok(f, rename_path(f, "EX01", "_deleted/EX01"));
	fx_ok(f, cf_certificate_purge(&f->ctx, id_of(f, "_deleted/EX01/mail"), &f->err));
	assert_int_equal(number(f, "SELECT count(*) FROM secret"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM blob"), 0);
	fx_ok(f, rename_path(f, "_deleted/EX01", "EX01"));
	assert_false(fx_exists(f, "EX01/_services/SMTP"));
	assert_sound(f);
}

/* -- names ------------------------------------------------------------------------------------------ */

static void names__are_cut_to_what_a_name_can_have(void **state)
{
	struct fixture *f = *state;
	char server[256], path[512];

	memset(server, 'a', 255);
	server[255] = '\0';
	for (int i = 0; i < 3; i++) {
		fx_ok(f, fx_mkdir(f, server));
		fx_ok(f, rmdir_path(f, server));
	}
	server[253] = '-';
	server[254] = '3';
	fx_path(path, "_deleted/%s", server);
	assert_true(fx_exists(f, path));
	assert_sound(f);
}

static void names__of_a_server_stay_while_it_has_one(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, rmdir_path(f, "EX01"));
	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, fx_mkdir(f, "EX01/a"));
	fx_ok(f, rmdir_path(f, "EX01/a"));
	assert_true(fx_exists(f, "_deleted/EX01-2/a"));
	fx_ok(f, cf_server_purge(&f->ctx, id_of(f, "_deleted/EX01"), &f->err));
	fx_ok(f, fx_mkdir(f, "EX01/b"));
	fx_ok(f, rmdir_path(f, "EX01/b"));
	assert_true(fx_exists(f, "_deleted/EX01-2/b"));
	fx_ok(f, rename_path(f, "EX01", "EX03"));
	assert_true(fx_exists(f, "_deleted/EX03/b"));
	assert_sound(f);
}

/* -- time ------------------------------------------------------------------------------------------- */

static void purge_due__waits_30_days_and_says_for_whom(void **state)
{
	struct fixture *f = *state;
	cf_time now, next, deleted;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, cf_purge_due(&f->ctx, &next, &f->err));
	assert_true(next == CF_NEVER);
	fx_ok(f, rmdir_path(f, "EX01/mail"));
	{
		cf_auto(cf_certificate_done) struct cf_certificate row =
			row_of(f, id_of(f, "_deleted/EX01/mail"));

		deleted = row.deleted;
	}
	fx_ok(f, cf_purge_due(&f->ctx, &next, &f->err));
	assert_int_equal(next, deleted + CF_DELETED_KEPT);
	cf_clock_set(&f->clock, deleted + 29 * DAY);
	fx_ok(f, rmdir_path(f, "EX01"));
	cf_clock_set(&f->clock, deleted + 30 * DAY - 60 * (cf_time)CF_SECOND);
	fx_ok(f, cf_purge_due(&f->ctx, &next, &f->err));
	assert_true(fx_exists(f, "_deleted/EX01/mail"));
	cf_clock_set(&f->clock, deleted + 30 * DAY);
	fx_ok(f, cf_tree_tick(f->tree, &f->ctx, &now, &f->err));
	assert_false(fx_exists(f, "_deleted/EX01/mail"));
	assert_true(fx_exists(f, "_deleted/EX01"));
	assert_int_equal(number(f, "SELECT count(*) FROM secret"), 0);
	cf_clock_set(&f->clock, deleted + 60 * DAY);
	fx_ok(f, cf_purge_due(&f->ctx, &next, &f->err));
	assert_true(next == CF_NEVER);
	assert_false(fx_exists(f, "_deleted/EX01"));
	assert_int_equal(number(f, "SELECT count(*) FROM server"), 0);
	assert_sound(f);
}

/* More than one transaction takes. */
static void purge_all__takes_everything(void **state)
{
	struct fixture *f = *state;
	char path[512];

	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, fx_mkdir(f, "EX02"));
	for (int i = 0; i < 150; i++) {
		fx_path(path, "EX0%d/c%d", 1 + i % 2, i);
		fx_ok(f, fx_mkdir(f, path));
	}
	fx_ok(f, rename_path(f, "EX01", "_deleted/EX01"));
	for (int i = 1; i < 150; i += 2) {
		fx_path(path, "EX02/c%d", i);
		fx_ok(f, rmdir_path(f, path));
	}
	fx_ok(f, fx_mkdir(f, "EX02/stays"));
	fx_ok(f, cf_purge_all(&f->ctx, &f->err));
	assert_false(fx_exists(f, "_deleted/EX01"));
	assert_false(fx_exists(f, "_deleted/EX02"));
	assert_true(fx_exists(f, "EX02/stays"));
	assert_int_equal(number(f, "SELECT count(*) FROM certificate"), 1);
	assert_sound(f);
}

/* What was changed outside certfs stays for a look, and keeps nothing else from going. */
static void purge_all__leaves_what_is_damaged(void **state)
{
	struct fixture *f = *state;
	cf_time next;

	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, fx_mkdir(f, "EX01/a"));
	fx_ok(f, fx_mkdir(f, "EX01/b"));
	fx_ok(f, rmdir_path(f, "EX01/a"));
	fx_ok(f, rmdir_path(f, "EX01/b"));
	number(f, "UPDATE certificate SET subject = 'CN=x' WHERE name = 'a'");
	fx_ok(f, cf_purge_all(&f->ctx, &f->err));
	assert_int_equal(number(f, "SELECT count(*) FROM certificate WHERE name = 'b'"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM certificate WHERE name = 'a'"), 1);
	fx_ok(f, cf_purge_due(&f->ctx, &next, &f->err));
	assert_true(next < CF_NEVER);
	fx_assert_refused(f, rename_path(f, "_deleted/EX01/a", "EX01/a"), EIO, "outside certfs");
}

/* -- what the kernel must forget ---------------------------------------------------------------------- */

struct told {
	uint64_t inodes[4096];
	struct {
		uint64_t parent;
		char name[64];
	} entries[256];
	size_t n_inodes, n_entries;
};

static void told_inode(void *arg, uint64_t ino)
{
	struct told *told = arg;

	assert_in_range(told->n_inodes, 0, CF_COUNT(told->inodes) - 1);
	told->inodes[told->n_inodes++] = ino;
}

static void told_entry(void *arg, uint64_t parent, const char *name)
{
	struct told *told = arg;

	assert_in_range(told->n_entries, 0, CF_COUNT(told->entries) - 1);
	told->entries[told->n_entries].parent = parent;
	snprintf(told->entries[told->n_entries++].name, 64, "%s", name);
}

/* What the changes since the last time amount to. */
static struct told *tell(struct fixture *f)
{
	struct told *told = calloc(1, sizeof(*told));
	const struct cf_notices notices = { told_inode, told_entry, told };

	assert_non_null(told);
	cf_tree_notices(f->tree, &f->ctx.changes, &notices);
	cf_changes_done(&f->ctx.changes);
	return told;
}

static bool has_inode(const struct told *told, uint64_t ino)
{
	for (size_t i = 0; i < told->n_inodes; i++)
		if (told->inodes[i] == ino)
			return true;
	return false;
}

static bool has_entry(const struct told *told, uint64_t parent, const char *name)
{
	for (size_t i = 0; i < told->n_entries; i++)
		if (told->entries[i].parent == parent && !strcmp(told->entries[i].name, name))
			return true;
	return false;
}

static void notices__tell_of_both_places(void **state)
{
	struct fixture *f = *state;
	uint64_t deleted = fx_stat(f, "_deleted").ino, server, place, status;
	struct cf_attr attr;
	struct told *told;
	int64_t id;

	fx_valid(f, "EX01", "mail");
	server = fx_stat(f, "EX01").ino;
	id = id_of(f, "EX01/mail");
	status = fx_stat(f, "EX01/mail/status").ino;
	free(tell(f));

	fx_ok(f, rename_path(f, "EX01/mail", "_deleted/mail"));
	place = fx_stat(f, "_deleted/EX01").ino;
	told = tell(f);
	assert_true(has_entry(told, server, "mail"));
	assert_true(has_entry(told, deleted, "mail"));
	assert_true(has_inode(told, server));
	assert_true(has_inode(told, deleted));
	assert_true(has_inode(told, place));
	assert_true(has_inode(told, status));
	free(told);

	fx_ok(f, rename_path(f, "_deleted/EX01/mail", "EX01/web"));
	told = tell(f);
	assert_true(has_entry(told, place, "mail"));
	assert_true(has_entry(told, deleted, "EX01"));
	assert_true(has_entry(told, server, "web"));
	assert_true(has_inode(told, server));
	assert_true(has_inode(told, deleted));
	assert_true(has_inode(told, cf_ino(CF_KIND_DELETED_CERTIFICATE, 0, id)));
	assert_true(has_inode(told, cf_ino(CF_KIND_DELETED_CERTIFICATE, 1, id)));
	assert_true(has_inode(told, status));
	free(told);

	fx_ok(f, rmdir_path(f, "EX01/web"));
	free(tell(f));
	fx_ok(f, cf_certificate_purge(&f->ctx, id, &f->err));
	told = tell(f);
	assert_true(has_entry(told, place, "web"));
	assert_true(has_inode(told, place));
	assert_true(has_inode(told, deleted));
	free(told);

	fx_ok(f, rename_path(f, "EX01", "_deleted/EX01"));
	told = tell(f);
	assert_true(has_entry(told, CF_TREE_ROOT, "EX01"));
	assert_true(has_entry(told, deleted, "EX01"));
	assert_true(has_inode(told, CF_TREE_ROOT));
	assert_true(has_inode(told, server));
	free(told);
	fx_ok(f, rename_path(f, "_deleted/EX01", "EX02"));
	told = tell(f);
	assert_true(has_entry(told, deleted, "EX01"));
	assert_true(has_entry(told, CF_TREE_ROOT, "EX02"));
	assert_true(has_inode(told, deleted));
	free(told);

	/* rename(2) left the name of what is no longer there; the part that is has another inode. */
	fx_ok(f, fx_mkdir(f, "EX02/y"));
	fx_ok(f, rmdir_path(f, "EX02/y"));
	place = fx_stat(f, "_deleted/EX02").ino;
	fx_ok(f, rename_path(f, "EX02", "_deleted/EX02"));
	told = tell(f);
	assert_true(has_entry(told, deleted, "EX02"));
	assert_true(has_inode(told, place));
	assert_int_not_equal(fx_stat(f, "_deleted/EX02").ino, place);
	assert_int_equal(cf_tree_getattr(f->tree, &f->ctx, place, NULL, &attr, &f->err), -ESTALE);
	assert_int_equal(cf_tree_getattr(f->tree, &f->ctx, server, NULL, &attr, &f->err), -ESTALE);
	free(told);
	place = fx_stat(f, "_deleted/EX02").ino;
	fx_ok(f, rename_path(f, "_deleted/EX02", "EX02"));
	told = tell(f);
	assert_true(has_entry(told, CF_TREE_ROOT, "EX02"));
	assert_true(has_entry(told, deleted, "EX02"));
	assert_true(fx_exists(f, "_deleted/EX02/y"));
	assert_int_equal(cf_tree_getattr(f->tree, &f->ctx, place, NULL, &attr, &f->err), -ESTALE);
	free(told);

	/* A server that only gets another name stays where its name is. */
	fx_ok(f, fx_mkdir(f, "EX02/x"));
	fx_ok(f, rmdir_path(f, "EX02/x"));
	free(tell(f));
	fx_ok(f, rename_path(f, "EX02", "EX03"));
	told = tell(f);
	assert_true(has_entry(told, deleted, "EX02"));
	assert_false(has_entry(told, CF_TREE_ROOT, "EX03"));
	free(told);
}

/* -- certfsctl --------------------------------------------------------------------------------------- */

static void take_line(void *arg, const char *line)
{
	struct fixture *f = arg;

	fx_ok(f, cf_buf_printf(&f->text, &f->err, "%s\n", line));
}

static int admin(struct fixture *f, int (*run)(const struct cf_admin *, struct cf_err *),
		 const char *first, const char *second)
{
	char *words[] = { (char *)first, (char *)second };
	const struct cf_admin admin = {
		.ctx = &f->ctx,
		.n = second  ? 2
		     : first ? 1
			     : 0,
		.words = words,
		.report = take_line,
		.arg = f,
	};

	cf_err_reset(&f->err);
	cf_buf_reset(&f->text);
	return run(&admin, &f->err);
}

static void admin__names_what_lies_in_deleted(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = { "", "/", "/EX01", "EX01/a/b", "_deleted/" };

	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, fx_mkdir(f, "EX01/a"));
	fx_ok(f, rmdir_path(f, "EX01/a"));
	for (size_t i = 0; i < CF_COUNT(bad); i++) {
		fx_assert_refused(f, admin(f, cf_admin_undelete, bad[i], NULL), EINVAL, "no name");
		fx_assert_refused(f, admin(f, cf_admin_purge, bad[i], NULL), EINVAL, "no name");
	}
	fx_assert_refused(f, admin(f, cf_admin_undelete, "EX01", NULL), EPERM, "one by one");
	fx_assert_refused(f, admin(f, cf_admin_undelete, "EX01/b", NULL), ENOENT, "no 'b'");
	fx_assert_refused(f, admin(f, cf_admin_undelete, "EX01/a", "EX07/a"), ENOENT, "EX07");
	fx_ok(f, admin(f, cf_admin_deleted, NULL, NULL));
	assert_non_null(strstr(cf_buf_text(&f->text), " EX01/a\n"));
	fx_ok(f, admin(f, cf_admin_undelete, "_deleted/EX01/a/", "EX01/b"));
	assert_true(fx_exists(f, "EX01/b"));
	fx_ok(f, admin(f, cf_admin_deleted, NULL, NULL));
	assert_string_equal(cf_buf_text(&f->text), "");
	fx_ok(f, rename_path(f, "EX01", "_deleted/EX01"));
	fx_assert_refused(f, admin(f, cf_admin_undelete, "EX01", "EX02/b"), EINVAL, "can't become");
	fx_assert_refused(f, admin(f, cf_admin_undelete, "EX01/b", NULL), ENOENT, "deleted too");
	fx_ok(f, admin(f, cf_admin_undelete, "EX01", "EX02"));
	assert_true(fx_exists(f, "EX02/b"));
	assert_sound(f);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		WITH(undelete__gives_back_the_row_as_it_was),
		WITH(server__comes_back_with_what_went_with_it_and_no_more),
		WITH(purge__of_a_deleted_servers_certificate_frees_its_services),
		WITH(names__are_cut_to_what_a_name_can_have),
		WITH(names__of_a_server_stay_while_it_has_one),
		WITH(purge_due__waits_30_days_and_says_for_whom),
		WITH(purge_all__takes_everything),
		WITH(purge_all__leaves_what_is_damaged),
		WITH(notices__tell_of_both_places),
		WITH(admin__names_what_lies_in_deleted),
	};

	return cmocka_run_group_tests_name("deleted", tests, NULL, NULL);
}
