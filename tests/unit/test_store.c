/* core/store: opening, locking, transactions, changes, backup, check. */
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

/* -- helpers --------------------------------------------------------------------------------- */

static const char *say(struct fixture *f, const char *fmt)
{
	static char sentence[CF_ERR_MAX];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sentence, sizeof(sentence), fmt, f->path);
#pragma GCC diagnostic pop
	return sentence;
}

static bool exists(struct fixture *f, const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", f->path, suffix);
	return access(path, F_OK) == 0;
}

static unsigned mode_of(struct fixture *f, const char *suffix)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", f->path, suffix);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void write_file(struct fixture *f, const char *text)
{
	int fd = open(f->path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int64_t count_servers(struct fixture *f)
{
	int64_t n;

	start_reading(f);
	assert_ok(f, cf_store_server_count(f->db, &n, &f->err));
	done(f);
	return n;
}

/* -- opening --------------------------------------------------------------------------------- */

static void open__missing_without_create_is_ENOENT_and_makes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, ENOENT, say(f, "there is no store %s"),
		       open_store(f, (struct cf_store_options){ 0 }));
	assert_refused(f, ENOENT, say(f, "there is no store %s"),
		       open_store(f, (struct cf_store_options){ .read_only = true }));
	assert_false(exists(f, "") || exists(f, ".lock") || exists(f, ".reserve"));
}

static void open__a_missing_folder_is_ENOENT(void **state)
{
	struct fixture *f = *state;
	const struct cf_store_options options = { .path = "/dev/shm/not/here/store",
						  .create = true };

	assert_int_equal(cf_store_open(&options, &f->store, NULL, &f->err), -ENOENT);
	assert_string_equal(f->err.text, "/dev/shm/not/here/store: No such file or directory");
}

static void open__makes_files_for_the_owner_only_whatever_the_umask(void **state)
{
	struct fixture *f = *state;
	mode_t before = umask(0);

	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	umask(before);
	assert_int_equal(mode_of(f, ""), 0600);
	assert_int_equal(mode_of(f, "-wal"), 0600);
	assert_int_equal(mode_of(f, "-shm"), 0600);
	assert_int_equal(mode_of(f, ".lock"), 0600);
	assert_int_equal(mode_of(f, ".reserve"), 0600);
}

static void open__tells_whether_it_made_the_store(void **state)
{
	struct fixture *f = *state;
	const struct cf_store_options options = { .path = f->path,
						  .create = true,
						  .unsafe_fast = true };
	bool created = false;

	assert_ok(f, cf_store_open(&options, &f->store, &created, &f->err));
	assert_true(created);
	close_store(f);
	assert_ok(f, cf_store_open(&options, &f->store, &created, &f->err));
	assert_false(created);
}

static void open__an_empty_file_becomes_a_store_only_with_create(void **state)
{
	struct fixture *f = *state;

	write_file(f, "");
	assert_refused(f, EINVAL, say(f, "%s is not a certfs store"),
		       open_store(f, (struct cf_store_options){ 0 }));
	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
}

static void open__other_files_are_EINVAL_and_untouched(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;

	write_file(f, "This is a shopping list, not a store. Milk, bread, and a certificate.\n");
	stat(f->path, &before);
	assert_refused(f, EINVAL, say(f, "%s is not a certfs store"),
		       open_store(f, (struct cf_store_options){ .create = true }));
	stat(f->path, &after);
	assert_int_equal(before.st_size, after.st_size);
	unlink(f->path);
	tamper(f, "CREATE TABLE t (x)");
	assert_refused(f, EINVAL, say(f, "%s is not a certfs store"),
		       open_store(f, (struct cf_store_options){ .create = true }));
	unlink(f->path);
	assert_int_equal(symlink("/etc/passwd", f->path), 0);
	assert_refused(f, EINVAL, say(f, "%s is not a certfs store"),
		       open_store(f, (struct cf_store_options){ .create = true }));
}

static void open__a_newer_version_is_EINVAL(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	tamper(f, "PRAGMA user_version = 7");
	assert_refused(f, EINVAL,
		       say(f, "%s was written by a newer certfs (version 7; this one knows 1)"),
		       open_store(f, (struct cf_store_options){ 0 }));
	tamper(f, "PRAGMA user_version = 1");
	assert_ok(f, reopen(f));
}

static void open__an_unknown_flag_or_format_is_EINVAL(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	tamper(f, "UPDATE header SET flags = 4");
	assert_refused(f, EINVAL,
		       say(f, "%s uses a feature that this certfs doesn't know (flags 0x4)"),
		       open_store(f, (struct cf_store_options){ 0 }));
	tamper(f, "UPDATE header SET flags = 0, format = 2");
	assert_refused(f, EINVAL, say(f, "%s is of format 2; this certfs knows 1"),
		       open_store(f, (struct cf_store_options){ 0 }));
	tamper(f, "UPDATE header SET format = 1");
	assert_ok(f, reopen(f));
}

static void open__strange_tables_are_EINVAL(void **state)
{
	static const char *const strange[] = {
		"CREATE TRIGGER t AFTER UPDATE ON certificate BEGIN DELETE FROM event; END",
		"CREATE TABLE more (x)",
		"DROP INDEX server_name",
		"CREATE VIEW v AS SELECT 1",
	};
	static const char *const undo[] = {
		"DROP TRIGGER t",
		"DROP TABLE more",
		"CREATE UNIQUE INDEX server_name ON server (name COLLATE NOCASE) WHERE deleted = 0",
		"DROP VIEW v",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(strange); i++) {
		close_store(f);
		tamper(f, strange[i]);
		assert_refused(f, EINVAL, say(f, "the tables of %s are not those certfs makes"),
			       open_store(f, (struct cf_store_options){ 0 }));
		tamper(f, undo[i]);
		assert_ok(f, reopen(f));
	}
	/* What ANALYZE leaves is harmless. */
	close_store(f);
	tamper(f, "ANALYZE");
	assert_ok(f, reopen(f));
}

static void open__a_store_that_never_got_its_keys_is_finished_later(void **state)
{
	struct fixture *f = *state;

	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	close_store(f);
	assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
	assert_refused(f, EKEYREJECTED, "the key isn't this store's",
		       cf_vault_unlock(f->store, CF_SLOT_KEY(f->key), &f->vault, NULL, &f->err));
	assert_ok(f, cf_vault_create(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->err));
	/* The power goes after the root row and before the slot. */
	close_store(f);
	tamper(f, "DELETE FROM slot; UPDATE header SET wrapped = x''");
	assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
	assert_ok(f, cf_vault_create(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->err));
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_findings(f, "");
}

/* -- the lock -------------------------------------------------------------------------------- */

static void lock__a_second_writer_is_EBUSY_and_hears_who(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;

	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true,
							      .who = "pid 123, mounted on /mnt" }));
	assert_refused(&other, EBUSY, say(f, "the store %s is in use by pid 123, mounted on /mnt"),
		       open_store(&other, (struct cf_store_options){ 0 }));
	close_store(f);
	assert_ok(&other, open_store(&other, (struct cf_store_options){ 0 }));
	assert_refused(f, EBUSY, say(f, "the store %s is in use by another program"),
		       open_store(f, (struct cf_store_options){ 0 }));
	close_store(&other);
}

static void lock__what_the_holder_wrote_is_escaped(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;

	assert_ok(f,
		  open_store(f, (struct cf_store_options){ .create = true, .who = "a\x1b[31mb" }));
	assert_refused(&other, EBUSY, say(f, "the store %s is in use by a\\x1b[31mb"),
		       open_store(&other, (struct cf_store_options){ 0 }));
}

static void lock__readers_need_none(void **state)
{
	struct fixture *f = *state;
	struct fixture other = { .clock = { 0 } };
	size_t damaged = 1;

	add_server(f, "EX01");
	strcpy(other.path, f->path);
	assert_ok(&other, open_store(&other, (struct cf_store_options){ .read_only = true }));
	assert_ok(&other, cf_vault_unlock(other.store, CF_SLOT_KEY(f->key), &other.vault, &damaged,
					  &other.err));
	assert_int_equal(damaged, 0);
	assert_int_equal(count_servers(&other), 1);
	add_server(f, "EX02");
	assert_int_equal(count_servers(&other), 2);
	assert_refused(&other, EROFS, "the store is open for reading only",
		       cf_store_begin(other.store, false, &other.db, &other.err));
	close_store(&other);
	assert_int_equal(count_servers(f), 2);
}

/* -- transactions ---------------------------------------------------------------------------- */

static void begin__without_keys_is_EIO(void **state)
{
	struct fixture *f = *state;

	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	assert_refused(f, EIO, "the store is not unlocked",
		       cf_store_begin(f->store, false, &f->db, &f->err));
}

static void read__sees_one_state_until_it_ends(void **state)
{
	struct fixture *f = *state;
	struct cf_db *reader;
	int64_t n;

	add_server(f, "EX01");
	assert_ok(f, cf_store_read(f->store, &reader, &f->err));
	assert_ok(f, cf_store_server_count(reader, &n, &f->err));
	assert_int_equal(n, 1);
	add_server(f, "EX02");
	assert_ok(f, cf_store_server_count(reader, &n, &f->err));
	assert_int_equal(n, 1);
	cf_db_done(reader);
	assert_int_equal(count_servers(f), 2);
}

static void read__more_than_are_kept_at_once(void **state)
{
	struct fixture *f = *state;
	struct cf_db *readers[40];
	int64_t n;

	for (size_t i = 0; i < CF_COUNT(readers); i++) {
		assert_ok(f, cf_store_read(f->store, &readers[i], &f->err));
		assert_ok(f, cf_store_server_count(readers[i], &n, &f->err));
	}
	for (size_t i = 0; i < CF_COUNT(readers); i++)
		cf_db_done(readers[i]);
	assert_int_equal(count_servers(f), 0);
}

static void done__without_commit_changes_and_tells_nothing(void **state)
{
	struct fixture *f = *state;
	struct cf_server row = { .name = "EX01" };

	begin(f);
	assert_ok(f, cf_store_server_insert(f->db, &row, &f->err));
	assert_ok(f, cf_store_event_add(f->db, "{}\n", &f->err));
	done(f);
	assert_int_equal(count_servers(f), 0);
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_int_equal(count_servers(f), 0);
	/* An id that was never committed may be given again; nobody saw it. */
	assert_int_equal(add_server(f, "EX01"), 1);
}

static void commit__of_nothing_writes_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t before = look_up(f, "SELECT version FROM tally WHERE server = 0");

	begin(f);
	commit(f);
	assert_int_equal(look_up(f, "SELECT version FROM tally WHERE server = 0"), before);
	assert_int_equal(f->changes.n, 0);
}

static void commit__appends_what_changed(void **state)
{
	struct fixture *f = *state;
	struct cf_change mine = { .object = CF_OBJECT_ROOT, .what = CF_WHAT_REFUSED };

	assert_ok(f, cf_changes_add(&f->changes, &mine, &f->err));
	begin(f);
	assert_ok(f, cf_store_server_insert(f->db, &(struct cf_server){ .name = "EX01" }, &f->err));
	assert_ok(f, cf_store_commit(&f->db, &f->changes, &f->err));
	assert_int_equal(f->changes.n, 2);
	assert_int_equal(f->changes.items[0].object, CF_OBJECT_ROOT);
	assert_int_equal(f->changes.items[0].what, CF_WHAT_REFUSED | CF_WHAT_LISTING);
	assert_int_equal(f->changes.items[1].object, CF_OBJECT_SERVER);
	assert_int_equal(f->changes.items[1].id, 1);
}

static void commit__the_store_remembers_how_late_it_is(void **state)
{
	struct fixture *f = *state;
	const cf_time t = 4000000000 * CF_SECOND;

	cf_clock_set(&f->clock, t);
	add_server(f, "EX01");
	assert_ok(f, reopen(f)); /* with a clock that is set right */
	assert_true(cf_clock_now(&f->clock) >= t);
	begin(f);
	assert_true(cf_db_now(f->db) >= t);
	done(f);
	assert_true(look_up(f, "SELECT last_commit FROM header") >= t);
}

static void changes__of_one_object_are_told_once_and_names_that_went_each(void **state)
{
	struct fixture *f = *state;
	struct cf_change a = { .object = CF_OBJECT_CERTIFICATE, .id = 1, .parent = 1, .what = 1 };
	struct cf_change b = { .object = CF_OBJECT_CERTIFICATE, .id = 1, .parent = 2, .what = 4 };
	struct cf_change gone = { .object = CF_OBJECT_CERTIFICATE,
				  .id = 1,
				  .parent = 1,
				  .gone = true,
				  .name = (char *)"mail" };

	assert_ok(f, cf_changes_add(&f->changes, &a, &f->err));
	assert_ok(f, cf_changes_add(&f->changes, &gone, &f->err));
	assert_ok(f, cf_changes_add(&f->changes, &b, &f->err));
	gone.name = (char *)"web";
	assert_ok(f, cf_changes_add(&f->changes, &gone, &f->err));
	assert_int_equal(f->changes.n, 3);
	assert_int_equal(f->changes.items[0].what, 5);
	assert_int_equal(f->changes.items[0].parent, 2);
	assert_string_equal(f->changes.items[1].name, "mail");
	assert_string_equal(f->changes.items[2].name, "web");
}

/* -- threads --------------------------------------------------------------------------------- */

#define ROUNDS 40

/* Read, then write with the version check, again where somebody else was faster. */
static void *add_one_each(void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i < ROUNDS;) {
		struct cf_db *db = NULL;
		struct cf_server row;
		int r;

		if (cf_store_read(f->store, &db, NULL) < 0 ||
		    cf_store_server_get(db, 1, &row, NULL) < 0)
			return f;
		cf_db_done(cf_take(&db));
		row.mtime++;
		if (cf_store_begin(f->store, false, &db, NULL) < 0)
			return f;
		r = cf_store_server_update(db, &row, CF_WHAT_LISTING, NULL);
		if (r == 0 && cf_store_commit(&db, NULL, NULL) < 0)
			return f;
		cf_db_done(db);
		if (r < 0 && r != -EAGAIN)
			return f;
		i += r == 0;
	}
	return NULL;
}

static void threads__lose_no_change_and_are_never_refused(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[8];
	struct cf_server row;
	void *bad;

	add_server(f, "EX01");
	for (size_t i = 0; i < CF_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_one_each, f), 0);
	for (size_t i = 0; i < CF_COUNT(threads); i++) {
		pthread_join(threads[i], &bad);
		assert_null(bad);
	}
	start_reading(f);
	assert_ok(f, cf_store_server_get(f->db, 1, &row, &f->err));
	done(f);
	assert_int_equal(row.mtime, ROUNDS * CF_COUNT(threads));
	assert_findings(f, "");
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
}

struct turn {
	struct fixture *f;
	int64_t *order;
	int64_t me;
	_Atomic int *n;
};

static void *take_turn(void *arg)
{
	struct turn *turn = arg;
	struct cf_db *db = NULL;

	if (cf_store_begin(turn->f->store, false, &db, NULL) == 0)
		turn->order[(*turn->n)++] = turn->me;
	cf_db_done(db);
	return NULL;
}

/* How many threads wait, seen from outside: each is asleep in its condition. */
static void wait_until_asleep(pid_t tid)
{
	char path[64], stat[256];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	for (;;) {
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, stat, sizeof(stat) - 1);
		char *state;

		close(fd);
		stat[n > 0 ? n : 0] = '\0';
		state = strrchr(stat, ')');
		if (state && state[2] == 'S')
			return;
		sched_yield();
	}
}

struct told {
	struct turn turn;
	_Atomic pid_t tid;
};

static void *tell_and_take_turn(void *arg)
{
	struct told *told = arg;

	told->tid = gettid();
	return take_turn(&told->turn);
}

static void threads__write_in_the_order_in_which_they_came(void **state)
{
	struct fixture *f = *state;
	struct told told[6] = { 0 };
	pthread_t threads[6];
	int64_t order[6];
	_Atomic int n = 0;

	begin(f);
	for (size_t i = 0; i < CF_COUNT(threads); i++) {
		told[i].turn = (struct turn){ f, order, (int64_t)i, &n };
		pthread_create(&threads[i], NULL, tell_and_take_turn, &told[i]);
		while (!told[i].tid)
			sched_yield();
		wait_until_asleep(told[i].tid);
	}
	done(f);
	for (size_t i = 0; i < CF_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < CF_COUNT(threads); i++)
		assert_int_equal(order[i], i);
}

/* -- backup ---------------------------------------------------------------------------------- */

struct writer {
	struct fixture *f;
	_Atomic bool stop;
	int64_t n;
};

static void *keep_writing(void *arg)
{
	struct writer *w = arg;

	while (!w->stop) {
		struct cf_db *db = NULL;
		struct cf_server row = { 0 };

		snprintf(row.name, sizeof(row.name), "S%lld", (long long)w->n);
		if (cf_store_begin(w->f->store, false, &db, NULL) < 0 ||
		    cf_store_server_insert(db, &row, NULL) < 0 ||
		    cf_store_event_add(db, "{}\n", NULL) < 0 ||
		    cf_store_commit(&db, NULL, NULL) < 0)
			return w;
		w->n++;
	}
	return NULL;
}

static void backup__while_others_write_is_a_whole_store(void **state)
{
	struct fixture *f = *state;
	struct writer w = { .f = f };
	char copy[200];
	pthread_t thread;
	void *bad;

	snprintf(copy, sizeof(copy), "%s/copy", f->dir);
	pthread_create(&thread, NULL, keep_writing, &w);
	for (int i = 0; i < 5; i++) {
		unlink(copy);
		assert_ok(f, cf_store_backup(f->store, copy, &f->err));
	}
	w.stop = true;
	pthread_join(thread, &bad);
	assert_null(bad);
	close_store(f);
	strcpy(f->path, copy);
	assert_int_equal(mode_of(f, ""), 0600);
	assert_false(exists(f, "-wal") || exists(f, "-shm"));
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_findings(f, "");
	add_server(f, "after");
}

static void backup__never_overwrites(void **state)
{
	struct fixture *f = *state;
	char copy[200], sentence[300];

	snprintf(copy, sizeof(copy), "%s/copy", f->dir);
	assert_ok(f, cf_store_backup(f->store, copy, &f->err));
	snprintf(sentence, sizeof(sentence), "backup: %s is there already", copy);
	assert_refused(f, EEXIST, sentence, cf_store_backup(f->store, copy, &f->err));
	snprintf(sentence, sizeof(sentence), "backup: %s is there already", f->path);
	assert_refused(f, EEXIST, sentence, cf_store_backup(f->store, f->path, &f->err));
	assert_refused(f, EIO,
		       "backup: /dev/shm/not/here/copy can't be made: No such file or directory",
		       cf_store_backup(f->store, "/dev/shm/not/here/copy", &f->err));
}

/* -- deleted bytes --------------------------------------------------------------------------- */

static void delete__leaves_no_bytes_behind(void **state)
{
	struct fixture *f = *state;
	struct cf_trust row = { .name = "corporate-root.cer" };
	char *bytes;
	struct stat st;
	int fd;

	begin(f);
	assert_ok(f, cf_buf_puts(&row.data, "a very particular text", &f->err));
	assert_ok(f, cf_store_trust_insert(f->db, &row, &f->err));
	commit(f);
	begin(f);
	assert_ok(f, cf_store_trust_delete(f->db, &row, &f->err));
	commit(f);
	cf_trust_done(&row);
	close_store(f);
	fd = open(f->path, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	assert_null(memmem(bytes, (size_t)st.st_size, "a very particular text", 22));
	assert_non_null(memmem(bytes, (size_t)st.st_size, "CREATE TABLE", 12));
	free(bytes);
}

/* -- a full disk ----------------------------------------------------------------------------- */

static void fill_disk(struct fixture *f)
{
	char path[200], block[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/other", f->dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	memset(block, 'x', sizeof(block));
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

/* Write until the store says that it can't. */
static int write_until_full(struct fixture *f, int64_t server)
{
	for (int i = 0;; i++) {
		struct cf_certificate row = new_certificate(server, "");
		int r;

		snprintf(row.name, sizeof(row.name), "filler-%d", i);
		begin(f);
		r = cf_store_certificate_insert(f->db, &row, &f->err);
		if (r == 0)
			r = cf_store_commit(&f->db, NULL, &f->err);
		done(f);
		if (r < 0)
			return r;
	}
}

static int delete_certificate(struct fixture *f, int64_t id, bool frees)
{
	struct cf_certificate row = get_certificate(f, id);
	int r = cf_store_begin(f->store, frees, &f->db, &f->err);

	row.deleted = cf_clock_now(&f->clock);
	if (r == 0)
		r = cf_store_certificate_update(f->db, &row, CF_WHAT_STATE, &f->err);
	if (r == 0)
		r = cf_store_commit(&f->db, NULL, &f->err);
	done(f);
	cf_certificate_done(&row);
	return r;
}

static void full_disk__refuses_writing_and_lets_delete(void **state)
{
	struct fixture *f = *state;
	int64_t server, id;

	if (mount("tmpfs", f->dir, "tmpfs", 0, "size=6m") < 0)
		leave_out();
	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	assert_ok(f, cf_vault_create(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->err));
	assert_int_equal(mode_of(f, ".reserve"), 0600);
	server = add_server(f, "EX01");
	id = add_certificate(f, server, "mail");
	fill_disk(f);
	assert_int_equal(write_until_full(f, server), -ENOSPC);
	assert_string_equal(f->err.text, "no space left for the store");
	cf_err_reset(&f->err);
	assert_refused(f, ENOSPC, "no space left for the store", delete_certificate(f, id, false));
	assert_ok(f, delete_certificate(f, id, true));
	assert_findings(f, "");
	unlink(strcat(strcpy((char[200]){ 0 }, f->dir), "/other"));
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	close_store(f);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
}

static void open__on_a_read_only_file_system(void **state)
{
	struct fixture *f = *state;

	if (mount("tmpfs", f->dir, "tmpfs", 0, "size=6m") < 0)
		leave_out();
	snprintf(f->path, sizeof(f->path), "%s/what? 100%% #1", f->dir);
	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	assert_ok(f, cf_vault_create(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->err));
	add_server(f, "EX01");
	close_store(f);
	assert_int_equal(mount("tmpfs", f->dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_refused(f, EROFS,
		       say(f, "the lock file %s.lock can't be opened: Read-only file system"),
		       open_store(f, (struct cf_store_options){ 0 }));
	assert_ok(f, open_store(f, (struct cf_store_options){ .read_only = true }));
	assert_ok(f,
		  cf_vault_unlock(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->damaged, &f->err));
	assert_int_equal(f->damaged, 0);
	assert_int_equal(count_servers(f), 1);
	close_store(f);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
}

/* -- checking -------------------------------------------------------------------------------- */

static void check__a_broken_page_is_found_and_the_rest_is_served(void **state)
{
	struct fixture *f = *state;
	struct report report = { "" };
	int64_t server = add_server(f, "EX01"), page, size;
	char name[32];
	int fd;

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		add_certificate(f, server, name);
	}
	page = look_up(f, "SELECT rootpage FROM sqlite_schema WHERE name = 'certificate'");
	size = look_up(f, "PRAGMA page_size");
	close_store(f);
	fd = open(f->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "garbage", 7, (page - 1) * size), 7);
	close(fd);
	assert_ok(f, reopen(f));
	assert_true(f->damaged >= 1);
	assert_true(cf_store_damaged(f->store, server));
	assert_int_equal(count_servers(f), 1);
	assert_ok(f, cf_store_check(f->store, collect, &report, &f->err));
	assert_non_null(strstr(report.text, "the database: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITHOUT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
		WITHOUT(open__missing_without_create_is_ENOENT_and_makes_nothing),
		WITHOUT(open__a_missing_folder_is_ENOENT),
		WITHOUT(open__makes_files_for_the_owner_only_whatever_the_umask),
		WITHOUT(open__tells_whether_it_made_the_store),
		WITHOUT(open__an_empty_file_becomes_a_store_only_with_create),
		WITHOUT(open__other_files_are_EINVAL_and_untouched),
		WITH(open__a_newer_version_is_EINVAL),
		WITH(open__an_unknown_flag_or_format_is_EINVAL),
		WITH(open__strange_tables_are_EINVAL),
		WITHOUT(open__a_store_that_never_got_its_keys_is_finished_later),
		WITHOUT(lock__a_second_writer_is_EBUSY_and_hears_who),
		WITHOUT(lock__what_the_holder_wrote_is_escaped),
		WITH(lock__readers_need_none),
		WITHOUT(begin__without_keys_is_EIO),
		WITH(read__sees_one_state_until_it_ends),
		WITH(read__more_than_are_kept_at_once),
		WITH(done__without_commit_changes_and_tells_nothing),
		WITH(commit__of_nothing_writes_nothing),
		WITH(commit__appends_what_changed),
		WITH(commit__the_store_remembers_how_late_it_is),
		WITHOUT(changes__of_one_object_are_told_once_and_names_that_went_each),
		WITH(threads__lose_no_change_and_are_never_refused),
		WITH(threads__write_in_the_order_in_which_they_came),
		WITH(backup__while_others_write_is_a_whole_store),
		WITH(backup__never_overwrites),
		WITH(delete__leaves_no_bytes_behind),
		WITHOUT(open__on_a_read_only_file_system),
		WITHOUT(full_disk__refuses_writing_and_lets_delete),
		WITH(check__a_broken_page_is_found_and_the_rest_is_served),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
