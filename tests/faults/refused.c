/*
 * A change that was refused must not come back: syncs of the store's files fail while changes are made,
 * all is recorded, and afterwards the power is cut, or the daemon killed, after any single operation.
 * The store that is left holds every change that was acknowledged, and none that was refused. Only
 * where the disk took nothing in place of a refused change, which its sentence tells, may that be
 * there, and only until the next change is made.
 *
 * Usually only some operations are cut after; CERTFS_TEST_MORE=1 cuts after each, and loses many
 * parts of what wasn't synced.
 */
#include "tests/faults/left.h"

#ifdef __SANITIZE_ADDRESS__
#define PASSES 2
#define STRIDE 12
#else
#define PASSES 4
#define STRIDE 5
#endif
#define PASSES_MORE 12

/* One change, and what came of it. */
struct step {
	size_t from, to; /* operations when it began and when it was answered */
	int r;
	bool doubtful;   /* afterwards */
	uint64_t before; /* what the store held */
	uint64_t tried;  /* with the change in it, as far as that was written */
};

#define N_STEPS 44
#define N_DOUBTS 8

struct refused {
	struct fixture *f;
	struct disk_log log;
	struct step steps[N_STEPS];
	char dir[64]; /* where stores are rebuilt */
	char path[96];
	size_t looked;
};

/* How many syncs fail from each change on: of the WAL, of the database. */
static const struct {
	int wal, main;
} plan[] = {
	{ 1, 0 }, { 0, 0 }, { 2, 0 }, { 0, 0 }, { 1, 0 }, { 0, 1 }, { 3, 0 }, { 0, 0 },
	{ 0, 0 }, { 1, 1 }, { 1, 0 }, { 0, 3 }, { 0, 0 }, { 5, 0 }, { 0, 0 }, { 0, 0 },
	{ 0, 0 }, { 0, 2 }, { 1, 0 }, { 0, 0 }, { 2, 2 }, { 0, 0 },
};

static bool every_one(void)
{
	const char *more = getenv("CERTFS_TEST_MORE");

	return more && *more && strcmp(more, "0") != 0;
}

/* -- the work -------------------------------------------------------------------------------- */

static int change(struct fixture *f, int i)
{
	char path[512], text[64];

	switch (i % 3) {
	case 0:
		fx_path(path, "EX01/draft-%d", i);
		return fx_mkdir(f, path);
	case 1:
		snprintf(text, sizeof(text), "write %d\n", i);
		return fx_write(f, "EX01/mail/friendly-name", text);
	default:
		return fx_write(f, "EX01/_export.password", "secret\n");
	}
}

static void work(struct refused *t)
{
	struct fixture *f = t->f;

	for (int i = 0; i < N_STEPS; i++) {
		struct step *step = &t->steps[i];

		t->log.failing[TEST_FILE_WAL] += plan[(size_t)i % CF_COUNT(plan)].wal;
		t->log.failing[TEST_FILE_MAIN] += plan[(size_t)i % CF_COUNT(plan)].main;
		step->from = t->log.n;
		cf_err_reset(&f->err);
		step->r = change(f, i);
		step->to = t->log.n;
		step->doubtful = f->core.store->doubtful;
		if (step->r < 0)
			assert_int_equal(step->r, -EIO);
		else
			assert_false(step->doubtful);
		/* The one that is told of it first, and those that may not follow it. */
		if (step->doubtful)
			assert_non_null(strstr(f->err.text, i > 0 && step[-1].doubtful
								    ? "nothing can be changed"
								    : "may be there all the same"));
	}
	assert_false(t->steps[N_STEPS - 1].doubtful);
}

/* -- what was refused ------------------------------------------------------------------------ */

static uint64_t sum_now(struct refused *t, const struct disk *disk)
{
	struct cf_err err = { 0 };
	struct left left;
	uint64_t seed = 0;

	if (left_by_cut(t->path, disk, DISK_EVERYTHING, &seed, &left, &err) < 0)
		fail_msg("after %zu operations: %s", disk->at, err.text);
	return left.sum;
}

/* As a kill leaves it, when the first sync of the change fails: all of the change is there. */
static void remember(struct refused *t)
{
	size_t n_refused = 0, n_written = 0, n_doubtful = 0;
	struct disk disk;

	disk_start(&disk, &t->log, 0);
	for (int i = 0; i < N_STEPS; i++) {
		struct step *step = &t->steps[i];

		while (disk.at < step->from)
			disk_step(&disk);
		/* While there is doubt the store itself can't tell. */
		step->before = i == 0            ? sum_now(t, &disk)
			       : step[-1].r == 0 ? step[-1].tried
						 : step[-1].before;
		step->tried = step->before;
		while (disk.at < step->to) {
			const struct disk_op *op = &t->log.ops[disk.at];

			if (op->failed && op->file == TEST_FILE_WAL &&
			    step->tried == step->before && !(i > 0 && step[-1].doubtful))
				step->tried = sum_now(t, &disk);
			disk_step(&disk);
		}
		if (step->r == 0)
			step->tried = sum_now(t, &disk);
		n_refused += step->r < 0;
		n_written += step->r < 0 && step->tried != step->before;
		n_doubtful += step->doubtful;
	}
	disk_done(&disk);
	print_message("# %d changes, %zu refused, %zu of these were written, %zu times in doubt\n",
		      N_STEPS, n_refused, n_written, n_doubtful);
	/* Else this test would try nothing. */
	assert_true(n_written >= 8);
	assert_true(n_doubtful >= 4);
}

/* -- cutting --------------------------------------------------------------------------------- */

struct allowed {
	uint64_t sums[N_DOUBTS];
	size_t n;
};

static void allow(struct allowed *allowed, uint64_t sum)
{
	assert_true(allowed->n < N_DOUBTS);
	allowed->sums[allowed->n++] = sum;
}

static void cut(struct refused *t, const struct disk *disk, uint64_t *seed, int i,
		const struct allowed *allowed)
{
	enum disk_luck luck = disk->loses ? (enum disk_luck)(t->looked % 4) : DISK_EVERYTHING;
	struct cf_err err = { 0 };
	struct left left;

	t->looked++;
	if (left_by_cut(t->path, disk, luck, seed, &left, &err) < 0)
		fail_msg("change %d, after %zu operations: %s", i, disk->at, err.text);
	for (size_t k = 0; k < allowed->n; k++)
		if (allowed->sums[k] == left.sum)
			return;
	fail_msg("change %d, answered %d, after %zu of %zu to %zu operations: %s", i, t->steps[i].r,
		 disk->at, t->steps[i].from, t->steps[i].to,
		 left.sum == t->steps[i].tried ? "what was refused is there"
					       : "it never held that");
}

/* loses: what failed syncs lose, see disk.h; 0: kills, which lose nothing. */
static void cut_everywhere(struct refused *t, uint64_t loses)
{
	struct allowed doubts = { 0 };
	const size_t stride = every_one() ? 1 : STRIDE;
	uint64_t seed = loses;
	struct disk disk;

	disk_start(&disk, &t->log, loses);
	for (int i = 0; i < N_STEPS; i++) {
		const struct step *step = &t->steps[i];
		struct allowed during;

		while (disk.at < step->from)
			disk_step(&disk);
		during = doubts;
		allow(&during, step->before);
		if (step->tried != step->before)
			allow(&during, step->tried);
		while (disk.at < step->to) {
			if ((disk.at + loses) % stride == 0)
				cut(t, &disk, &seed, i, &during);
			disk_step(&disk);
		}
		if (step->doubtful) {
			doubts = during;
		} else {
			doubts.n = 0;
			during.n = 0;
			allow(&during, step->r == 0 ? step->tried : step->before);
		}
		cut(t, &disk, &seed, i, &during);
	}
	disk_done(&disk);
}

/* -- the test -------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct refused *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_int_equal(test_vfs_register("refused", 0, disk_record, &t->log), SQLITE_OK);
	make_private_folder(t->dir, sizeof(t->dir));
	snprintf(t->path, sizeof(t->path), "%s/store", t->dir);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct refused *t = *state;

	left_remove(t->path);
	assert_int_equal(rmdir(t->dir), 0);
	test_vfs_unregister("refused");
	disk_log_done(&t->log);
	free(t);
	return 0;
}

/* Checkpoints far oftener than usual, so that syncs of every kind fail. */
static void record(struct refused *t)
{
	void *fixture;

	fx_setup_on(&fixture, "refused");
	t->f = fixture;
	fx_request(t->f, "EX01", "mail");
	assert_int_equal(sqlite3_exec(t->f->core.store->writer->sq,
				      "PRAGMA wal_autocheckpoint = 12", NULL, NULL, NULL),
			 SQLITE_OK);
	work(t);
	fx_teardown(&fixture);
}

static void refused_change__is_not_there_after_a_kill_or_a_power_cut(void **state)
{
	struct refused *t = *state;

	record(t);
	remember(t);
	for (size_t i = 0; i <= (every_one() ? PASSES_MORE : PASSES); i++)
		cut_everywhere(t, i);
	print_message("# %zu operations, %zu stores\n", t->log.n, t->looked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			refused_change__is_not_there_after_a_kill_or_a_power_cut, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("refused", tests, NULL, NULL);
}
