/*
 * certfsctl's restore, killed before any call that changes what is on the disk: the store in its place
 * is the old one, which opens with its own key, or the backup, which opens with the key of its time,
 * and the next restore works. For a power cut it counts in which order things were synced, and that is
 * looked at in the list of these calls.
 *
 * Usually some calls are tried; CERTFS_TEST_MORE=1 tries each.
 */
#include "tests/unit/tree_fixture.h"

#include <sqlite3.h>
#include <sys/wait.h>

#include "core/procedures/slots.h"
#include "core/procedures/upkeep.h"
#include "core/store/store_private.h"
#include "tests/faults/vfs.h"

#ifdef __SANITIZE_ADDRESS__
#define TRIES 12
#else
#define TRIES 40
#endif

#define KILLED 99

/* The calls so far; wrapped functions have no argument that could carry it. */
static struct {
	size_t n;
	size_t last;     /* the process ends before this one; 0: it doesn't */
	char list[4096]; /* what each was, see below */
} calls;

/* w: SQLite writes a database, s: it syncs one; c: the copy is synced, d: the folder is; u: the log
 * is unlinked, r: the copy takes the store's place; x: anything else. */
static void before_call(char what)
{
	if (++calls.n == calls.last)
		_exit(KILLED);
	assert_true(calls.n < sizeof(calls.list));
	calls.list[calls.n - 1] = what;
}

static bool ends_in(const char *path, const char *suffix)
{
	size_t len = strlen(path), n = strlen(suffix);

	return len >= n && strcmp(path + len - n, suffix) == 0;
}

/* The linker sends the calls of our own code here (--wrap). */
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_fsync(int fd);

int __wrap_rename(const char *from, const char *to)
{
	before_call('r');
	return __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
	before_call(ends_in(path, "-wal") ? 'u' : 'x');
	return __real_unlink(path);
}

int __wrap_fsync(int fd)
{
	char link[64], path[256];
	ssize_t n;
	struct stat st;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		before_call('d');
	else
		before_call(ends_in(path, ".restore") ? 'c' : 'x');
	return __real_fsync(fd);
}

static int ask(void *arg, const struct test_io *io)
{
	(void)arg;
	if (io->call == TEST_CALL_READ || io->call == TEST_CALL_LOCK || io->call == TEST_CALL_SHM)
		return SQLITE_OK;
	before_call(io->file != TEST_FILE_MAIN    ? 'x'
		    : io->call == TEST_CALL_WRITE ? 'w'
		    : io->call == TEST_CALL_SYNC  ? 's'
						  : 'x');
	return SQLITE_OK;
}

/* -- the stores ------------------------------------------------------------------------------ */

struct restoring {
	char dir[64];
	char store[96];            /* the place */
	char backup[96];           /* opens with keys[0] */
	char keys[2][96];          /* files; the old store opens with keys[1] */
	char clean[96];            /* the old store as it is when closed */
	char crashed[96], wal[96]; /* and as a crash leaves it */
};

static void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void hear(void *arg, const char *line)
{
	(void)arg;
	print_message("# %s\n", line);
}

static void write_key(const char *path, uint8_t first)
{
	const uint8_t key[CF_KEY_SIZE] = { first };
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(key, 1, sizeof(key), out), sizeof(key));
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

/* Another key takes the place of the first one. */
static void change_key(struct fixture *f)
{
	char hex[] = "02000000000000000000000000000000"
		     "00000000000000000000000000000000";
	char first[] = "1";
	char *words[] = { hex };
	struct cf_admin admin = { .ctx = &f->ctx, .n = 1, .words = words, .report = hear };

	fx_ok(f, cf_admin_slots_add_key(&admin, &f->err));
	words[0] = first;
	fx_ok(f, cf_admin_slots_remove(&admin, &f->err));
}

/* A backup with the server `both`; after it another key, and the server `later`. */
static void make_stores(struct restoring *t)
{
	char path[128];
	void *fixture;
	struct fixture *f;

	fx_setup(&fixture);
	f = fixture;
	fx_ok(f, fx_mkdir(f, "both"));
	fx_ok(f, cf_store_backup(f->core.store, t->backup, &f->err));
	change_key(f);
	fx_ok(f, fx_mkdir(f, "later"));
	copy_file(f->path, t->crashed);
	snprintf(path, sizeof(path), "%s-wal", f->path);
	copy_file(path, t->wal);
	fx_close(f);
	copy_file(f->path, t->clean);
	f->ctx = (struct cf_ctx){ 0 };
	f->tree = NULL;
	f->core = (struct cf_core){ 0 };
	fx_teardown(&fixture);
}

/* The old store in its place. */
static void put(const struct restoring *t, bool crashed)
{
	static const char *const beside[] = { "-shm", "-wal", "-journal", ".restore" };
	char path[128];

	for (size_t i = 0; i < CF_COUNT(beside); i++) {
		snprintf(path, sizeof(path), "%s%s", t->store, beside[i]);
		__real_unlink(path);
	}
	copy_file(crashed ? t->crashed : t->clean, t->store);
	snprintf(path, sizeof(path), "%s-wal", t->store);
	if (crashed)
		copy_file(t->wal, path);
}

static int restore(const struct restoring *t, struct cf_err *err)
{
	struct cf_clock clock = { 0 };
	const struct cf_unlock how = {
		.store = t->store, .key_file = t->keys[0], .who = "a test", .clock = &clock
	};

	return cf_restore(&how, t->backup, &(struct cf_admin){ .report = hear }, err);
}

/* Opens with this key, is sound, and has that many servers: true; a key that isn't its own: false. */
static bool opens(const struct restoring *t, int key, int64_t n_servers)
{
	struct cf_clock clock = { 0 };
	const struct cf_unlock how = {
		.store = t->store, .key_file = t->keys[key], .who = "a test", .clock = &clock
	};
	struct cf_core core = { 0 };
	struct cf_err err = { 0 };
	size_t damaged = 0;
	sqlite3_stmt *stmt;
	int r = cf_unlock(&how, &core, &damaged, &err);

	if (r == -EKEYREJECTED)
		return false;
	if (r < 0)
		fail_msg("%s", err.text);
	assert_int_equal(damaged, 0);
	assert_int_equal(cf_store_check(core.store, hear, NULL, &err), 0);
	assert_int_equal(sqlite3_prepare_v2(core.store->writer->sq, "SELECT count(*) FROM server",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(stmt, 0), n_servers);
	sqlite3_finalize(stmt);
	cf_unlock_close(&core);
	return true;
}

static bool is_old(const struct restoring *t)
{
	return opens(t, 1, 2);
}

static bool is_new(const struct restoring *t)
{
	return opens(t, 0, 1);
}

/* -- the tests ------------------------------------------------------------------------------- */

static bool every_one(void)
{
	const char *more = getenv("CERTFS_TEST_MORE");

	return more && *more && strcmp(more, "0") != 0;
}

static void name(const struct restoring *t, char out[96], const char *file)
{
	assert_in_range(snprintf(out, 96, "%s/%s", t->dir, file), 1, 95);
}

static int set_up(void **state)
{
	struct restoring *t = calloc(1, sizeof(*t));
	struct cf_err err = { 0 };

	assert_non_null(t);
	assert_int_equal(cf_ossl_init(&err), 0);
	make_private_folder(t->dir, sizeof(t->dir));
	name(t, t->store, "store");
	name(t, t->backup, "backup");
	name(t, t->keys[0], "key-0");
	name(t, t->keys[1], "key-1");
	name(t, t->clean, "clean");
	name(t, t->crashed, "crashed");
	name(t, t->wal, "crashed-wal");
	write_key(t->keys[0], 1);
	write_key(t->keys[1], 2);
	make_stores(t);
	assert_int_equal(test_vfs_register("restore", 1, ask, NULL), SQLITE_OK);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct restoring *t = *state;
	char command[128];

	test_vfs_unregister("restore");
	snprintf(command, sizeof(command), "rm -rf '%s'", t->dir);
	assert_int_equal(system(command), 0);
	free(t);
	return 0;
}

/* In a process that ends before the n-th call. True: it was done before that. */
static bool restore_until(const struct restoring *t, size_t n)
{
	struct cf_err err = { 0 };
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		calls.n = 0;
		calls.last = n;
		_exit(restore(t, &err) < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == KILLED)
		return false;
	assert_int_equal(WEXITSTATUS(status), 0);
	return true;
}

static void kill_everywhere(struct restoring *t, bool crashed)
{
	size_t total, step, n, n_old = 0, n_new = 0;
	struct cf_err err = { 0 };

	put(t, crashed);
	assert_true(is_old(t));
	assert_false(is_new(t));
	put(t, crashed);
	calls.n = 0;
	if (restore(t, &err) < 0)
		fail_msg("%s", err.text);
	total = calls.n;
	step = every_one() ? 1 : total / TRIES + 1;
	for (n = 1; n <= total; n += step) {
		put(t, crashed);
		assert_false(restore_until(t, n));
		if (is_old(t)) {
			n_old++;
			assert_false(is_new(t));
		} else {
			n_new++;
			assert_true(is_new(t));
		}
		/* Nothing that was left is in the way of the next attempt. */
		calls.n = 0;
		if (restore(t, &err) < 0)
			fail_msg("again after %zu of %zu: %s", n, total, err.text);
		assert_true(is_new(t));
		assert_false(is_old(t));
	}
	put(t, crashed);
	assert_true(restore_until(t, total + 1));
	print_message(
		"# %zu calls; killed before one of them: %zu times the old store is left, %zu "
		"times the backup\n",
		total, n_old, n_new);
	assert_true(n_old > 0);
	assert_true(n_new > 0);
}

static void restore__that_is_killed_leaves_the_old_store_or_the_backup(void **state)
{
	kill_everywhere(*state, false);
}

static void restore__over_what_a_crash_left_loses_nothing_of_that_when_killed(void **state)
{
	kill_everywhere(*state, true);
}

/* Of what may be missing after a power cut nothing is needed any more when it is, or it is there. */
static void
restore__syncs_in_an_order_that_a_power_cut_leaves_the_old_store_or_the_backup(void **state)
{
	struct restoring *t = *state;
	struct cf_err err = { 0 };
	char *rename, *copied, *gone;

	put(t, true);
	calls.n = 0;
	if (restore(t, &err) < 0)
		fail_msg("%s", err.text);
	calls.list[calls.n] = '\0';
	print_message("# %s\n", calls.list);
	rename = strchr(calls.list, 'r');
	assert_non_null(rename);
	assert_null(strchr(rename + 1, 'r'));
	*rename = '\0';
	/* The copy is whole on the disk, and so is its name, before it takes the place. */
	copied = strrchr(calls.list, 'c');
	assert_non_null(copied);
	assert_null(strchr(copied, 'w'));
	assert_non_null(strchr(copied, 'd'));
	/* The old log's end is on the disk before, for SQLite would take it for the new store's. */
	gone = strrchr(calls.list, 'u');
	assert_non_null(gone);
	assert_non_null(strchr(gone, 'd'));
	/* What the log had is in the old store by then: written, and synced. */
	*copied = '\0';
	assert_non_null(strchr(calls.list, 'w'));
	assert_non_null(strchr(strrchr(calls.list, 'w'), 's'));
	/* The new name is on the disk before anything is written by it. */
	assert_int_equal(rename[1], 'd');
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(restore__that_is_killed_leaves_the_old_store_or_the_backup),
		T(restore__over_what_a_crash_left_loses_nothing_of_that_when_killed),
		T(restore__syncs_in_an_order_that_a_power_cut_leaves_the_old_store_or_the_backup),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
