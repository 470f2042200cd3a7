/*
 * Power cuts: work is done on a store through the tree while all that SQLite writes is recorded; then
 * the power is cut after every single operation, many times over, each time with another part of what
 * wasn't synced on the disk. Each store that is left must open, be sound, and hold exactly what it
 * held after some commit: the last acknowledged one or a later one.
 *
 * CERTFS_TEST_STATES is how many stores are looked at, CERTFS_TEST_SEED another course of events.
 */
#include "tests/unit/tree_fixture.h"

#include "core/procedures/unlock.h"
#include "tests/faults/left.h"

#ifdef __SANITIZE_ADDRESS__
#define STATES 200
#define STATES_MADE 2 /* for each operation that makes a store */
#else
#define STATES 2000
#define STATES_MADE 8
#endif

struct power {
	struct fixture *f;
	struct disk_log log;
	size_t *acked; /* how much of the log there was when a change was acknowledged */
	size_t n_acked;
	struct left *moments; /* in the order of the commits */
	size_t n_moments;
	size_t *reached; /* for each length of the log: how many moments there were */
	char dir[64];    /* where stores are rebuilt */
	char path[96];
	size_t looked, lost, half, corrupt; /* what was found */
	char first[CF_ERR_MAX + 64];        /* about the first that was wrong */
};

/* -- the work -------------------------------------------------------------------------------- */

/* What returned 0 by now must be there from now on. */
static void acknowledged(struct power *p, int r)
{
	fx_ok(p->f, r);
	p->acked[p->n_acked++] = p->log.n;
	assert_in_range(p->n_acked, 1, 999);
}

static void drop(struct power *p, const char *path, const struct made *m)
{
	acknowledged(p, fx_drop(p->f, path, m));
}

/* One certificate's life. */
static void life(struct power *p, const char *server, const char *name)
{
	struct fixture *f = p->f;
	char dir[512], path[512];
	struct made m;

	fx_path(dir, "%s/%s", server, name);
	acknowledged(p, fx_mkdir(f, dir));
	fx_path(path, "%s/%s/domains", server, name);
	acknowledged(p, fx_write(f, path, "a.contoso.com\nb.contoso.com\n"));
	fx_path(path, "%s/%s/request.csr", server, name);
	acknowledged(p, fx_write(f, path, "key-type = p256\nCN=mail.contoso.com\n"));
	m = fx_answer(f, dir, (struct spec){ 0 });
	fx_path(path, "%s/%s/answer.cer", server, name);
	drop(p, path, &m);
	made_done(&m);
	fx_path(path, "%s/%s/services", server, name);
	acknowledged(p, fx_append(f, path, "SMTP\n"));
	acknowledged(p, fx_append(f, path, "IIS\n"));
	fx_path(path, "%s/%s/friendly-name", server, name);
	acknowledged(p, fx_write(f, path, "A friendly name\n"));
	fx_path(path, "%s/%s/export.password", server, name);
	acknowledged(p, fx_write(f, path, "secret\n"));
}

static void work(struct power *p)
{
	struct fixture *f = p->f;
	char name[32], path[512];
	uint64_t parent = 0;
	struct cf_attr attr;

	drop(p, "_trust/root.cer", &f->root);
	drop(p, "_trust/intermediate.cer", &f->intermediate);
	acknowledged(p, fx_mkdir(f, "EX01"));
	acknowledged(p, fx_write(f, "EX01/_settings/fqdn", "ex01.contoso.com\n"));
	acknowledged(p, fx_write(f, "EX01/_settings/key-type", "p256\n"));
	acknowledged(p, fx_write(f, "_export.password", "everywhere\n"));
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "mail-%d", i);
		life(p, "EX01", name);
	}
	acknowledged(p, fx_mkdir(f, "EX01/own"));
	acknowledged(p, fx_write(f, "EX01/own/self-signed", "CN=own.contoso.com\n"));
	acknowledged(p, fx_write(f, "EX01/own/renew", "own-2\n"));
	acknowledged(p, fx_write(f, "EX01/mail-0/renew", "mail-3\n"));
	fx_path(path, "%s/%s", "EX01", "mail-0");
	assert_int_equal(fx_lookup(f, path, &parent, &attr), 0);
	acknowledged(p,
		     cf_tree_rename(f->tree, &f->ctx, parent, "mail-0", parent, "web", 0, &f->err));
	acknowledged(p, cf_tree_rmdir(f->tree, &f->ctx, parent, "mail-1", &f->err));
	acknowledged(p, fx_write(f, "_export.password", "\n"));
	for (int i = 0; i < 12; i++) {
		snprintf(path, sizeof(path), "write %d\n", i);
		acknowledged(p, fx_write(f, "EX01/web/friendly-name", path));
	}
}

/* -- what it held when ----------------------------------------------------------------------- */

/* The header of a WAL frame that ends a transaction: SQLite writes it by itself, 24 bytes. */
static bool ends_commit(const struct disk_op *op)
{
	return op->call == TEST_CALL_WRITE && op->file == TEST_FILE_WAL && op->len == 24 &&
	       memcmp(op->data + 4, "\0\0\0\0", 4) != 0;
}

static ssize_t find(const struct power *p, uint64_t sum)
{
	for (size_t i = p->n_moments; i-- > 0;)
		if (p->moments[i].sum == sum)
			return (ssize_t)i;
	return -1;
}

static void add_moment(struct power *p, const struct disk *disk)
{
	uint64_t seed = 0;
	struct left now;
	struct cf_err err = { 0 };

	if (left_by_cut(p->path, disk, DISK_EVERYTHING, &seed, &now, &err) < 0)
		fail_msg("without a power cut, after %zu operations: %s", disk->at, err.text);
	if (find(p, now.sum) < 0)
		p->moments[p->n_moments++] = now;
}

/* Replay without a cut: the list of moments. From the first acknowledgement on. */
static void remember_moments(struct power *p)
{
	struct disk disk;
	bool commit = false;
	size_t a = 0;

	p->moments = calloc(p->log.n + 2, sizeof(*p->moments));
	p->reached = calloc(p->log.n + 2, sizeof(*p->reached));
	assert_non_null(p->moments);
	assert_non_null(p->reached);
	disk_start(&disk, &p->log, 0);
	for (;;) {
		bool acked = a < p->n_acked && p->acked[a] == disk.at;

		if (acked || (commit && a > 0))
			add_moment(p, &disk);
		p->reached[disk.at] = p->n_moments;
		if (acked) {
			/* Every change has its line in the audit log. */
			if (a > 0 && p->n_moments > 1)
				assert_true(p->moments[p->n_moments - 1].events >
					    p->moments[p->reached[p->acked[a - 1]] - 1].events);
			while (a < p->n_acked && p->acked[a] == disk.at)
				a++;
		}
		if (disk.at == p->log.n)
			break;
		/* The page follows its header. */
		commit = disk.at > 0 && ends_commit(&p->log.ops[disk.at - 1]);
		disk_step(&disk);
	}
	disk_done(&disk);
}

/* -- cutting --------------------------------------------------------------------------------- */

static void wrong(struct power *p, size_t *count, const struct disk *disk, size_t state,
		  const char *why)
{
	if (!*p->first)
		snprintf(p->first, sizeof(p->first), "state %zu, after %zu operations: %s", state,
			 disk->at, why);
	++*count;
}

/* Everything and nothing are few states; most of the time anything goes. */
static enum disk_luck luck_of(size_t state)
{
	return state % 8 < 3 ? (enum disk_luck)(state % 8) : DISK_ANYTHING;
}

static void cut(struct power *p, const struct disk *disk, size_t state, size_t acked)
{
	const char *other = getenv("CERTFS_TEST_SEED");
	uint64_t seed = state + (other ? strtoull(other, NULL, 10) << 32 : 0);
	struct cf_err err = { 0 };
	struct left found;
	ssize_t i;

	p->looked++;
	if (left_by_cut(p->path, disk, luck_of(state), &seed, &found, &err) < 0) {
		wrong(p, &p->corrupt, disk, state, err.text);
		return;
	}
	i = find(p, found.sum);
	if (i < 0 || (size_t)i >= p->reached[disk->at])
		wrong(p, &p->half, disk, state, "it never held that");
	else if ((size_t)i + 1 < p->reached[acked])
		wrong(p, &p->lost, disk, state, "an acknowledged change is lost");
}

/* Cut after each operation since the first acknowledgement, as often as there are states for it. */
static void cut_everywhere(struct power *p, size_t states)
{
	const size_t first = p->acked[0], n = p->log.n - first + 1;
	struct disk disk;
	size_t a = 0, state = 0;

	disk_start(&disk, &p->log, 0);
	while (disk.at < first)
		disk_step(&disk);
	for (size_t i = 0;; i++) {
		while (a + 1 < p->n_acked && p->acked[a + 1] <= disk.at)
			a++;
		for (; state * n < (i + 1) * states && state < states; state++)
			cut(p, &disk, state, p->acked[a]);
		if (disk.at == p->log.n)
			break;
		disk_step(&disk);
	}
	disk_done(&disk);
	print_message("# %zu operations, %zu changes, %zu commits; %zu stores: %zu lost, %zu half "
		      "done, %zu corrupt\n",
		      p->log.n, p->n_acked, p->n_moments, p->looked, p->lost, p->half, p->corrupt);
	if (*p->first)
		print_message("# %s\n", p->first);
}

/* -- the tests ------------------------------------------------------------------------------- */

static size_t states(size_t usually)
{
	const char *wanted = getenv("CERTFS_TEST_STATES");

	return wanted && *wanted ? (size_t)strtoull(wanted, NULL, 10) : usually;
}

static int set_up(void **state)
{
	struct power *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->acked = calloc(1000, sizeof(*p->acked));
	assert_non_null(p->acked);
	assert_int_equal(test_vfs_register("power", 0, disk_record, &p->log), SQLITE_OK);
	make_private_folder(p->dir, sizeof(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/store", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct power *p = *state;

	left_remove(p->path);
	assert_int_equal(rmdir(p->dir), 0);
	test_vfs_unregister("power");
	disk_log_done(&p->log);
	free(p->acked);
	free(p->moments);
	free(p->reached);
	free(p);
	return 0;
}

/*
 * Do the work with one way to sync, and checkpoints far oftener than usual, so that the cuts meet
 * many of them and files that are written again from their beginning.
 */
static void record(struct power *p, const char *pragma)
{
	void *fixture;

	fx_setup_on(&fixture, "power");
	p->f = fixture;
	if (pragma)
		assert_int_equal(
			sqlite3_exec(p->f->core.store->writer->sq, pragma, NULL, NULL, NULL),
			SQLITE_OK);
	assert_int_equal(sqlite3_exec(p->f->core.store->writer->sq,
				      "PRAGMA wal_autocheckpoint = 40", NULL, NULL, NULL),
			 SQLITE_OK);
	acknowledged(p, 0); /* the new store itself */
	work(p);
	fx_teardown(&fixture);
	remember_moments(p);
}

static void power_cut__loses_nothing_acknowledged_and_leaves_nothing_half_done(void **state)
{
	struct power *p = *state;

	record(p, NULL);
	cut_everywhere(p, states(STATES));
	assert_int_equal(p->lost, 0);
	assert_int_equal(p->half, 0);
	assert_int_equal(p->corrupt, 0);
}

/* The proof that the test above can fail. */
static void power_cut__with_synchronous_normal_loses_some(void **state)
{
	struct power *p = *state;

	record(p, "PRAGMA synchronous = NORMAL");
	cut_everywhere(p, states(STATES) / 4);
	assert_true(p->lost > 0);
	assert_int_equal(p->half, 0);
	assert_int_equal(p->corrupt, 0);
}

static void power_cut__without_any_sync_corrupts_some(void **state)
{
	struct power *p = *state;

	record(p, "PRAGMA synchronous = OFF");
	cut_everywhere(p, states(STATES) / 8);
	assert_true(p->corrupt > 0);
}

/* Make or open the store as mounting does, and see that it is sound. */
static int mount_anew(const char *store, const char *key_file, struct cf_err *err)
{
	struct cf_clock clock = { 0 };
	const struct cf_unlock how = {
		.store = store,
		.key_file = key_file,
		.create = true,
		.who = "a test",
		.clock = &clock,
	};
	struct cf_core core = { 0 };
	char finding[CF_ERR_MAX] = "";
	int r = cf_unlock(&how, &core, NULL, err);

	if (r == 0)
		r = cf_store_check(core.store, left_keep, finding, err);
	if (r > 0)
		r = cf_fail(err, EIO, "%s", finding);
	cf_unlock_close(&core);
	return r;
}

/* The key file is synced before the store is begun, so it is there. */
static void power_cut__while_a_store_is_made_leaves_one_that_the_next_mount_finishes(void **state)
{
	struct power *p = *state;
	sqlite3_vfs *layer = sqlite3_vfs_find("power");
	char key_file[80], other[128];
	struct cf_err err = { 0 };
	struct disk disk;
	size_t n = 0;

	snprintf(key_file, sizeof(key_file), "%s/key", p->dir);
	snprintf(other, sizeof(other), "%s/recorded", p->dir);
	assert_int_equal(cf_ossl_init(&err), 0);
	sqlite3_vfs_register(layer, 1);
	if (mount_anew(other, key_file, &err) < 0)
		fail_msg("%s", err.text);
	sqlite3_vfs_unregister(layer); /* the next one is the default again */
	sqlite3_vfs_register(layer, 0);
	disk_start(&disk, &p->log, 0);
	for (;;) {
		for (size_t i = 0; i < STATES_MADE; i++, n++) {
			uint64_t seed = n;

			left_put(p->path, &disk, luck_of(n), &seed);
			if (mount_anew(p->path, key_file, &err) < 0)
				fail_msg("state %zu, after %zu operations: %s", n, disk.at,
					 err.text);
		}
		if (disk.at == p->log.n)
			break;
		disk_step(&disk);
	}
	disk_done(&disk);
	print_message("# %zu operations, %zu stores\n", p->log.n, n);
	unlink(key_file);
	unlink(other);
	snprintf(other, sizeof(other), "%s/recorded.lock", p->dir);
	unlink(other);
	snprintf(other, sizeof(other), "%s/recorded.reserve", p->dir);
	unlink(other);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(power_cut__loses_nothing_acknowledged_and_leaves_nothing_half_done),
		T(power_cut__while_a_store_is_made_leaves_one_that_the_next_mount_finishes),
		T(power_cut__with_synchronous_normal_loses_some),
		T(power_cut__without_any_sync_corrupts_some),
	};

	return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
