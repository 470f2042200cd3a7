/*
 * Power cuts while the store's secrets are changed: certfsctl's passwd, slots and rekey are run on a
 * store, all is recorded, and the power is cut, or the process killed, after any operation. The store
 * that is left is the one before or the one after, whole: it opens with what opened that one, and
 * what was answered stays.
 *
 * CERTFS_TEST_MORE=1 cuts each time in many ways.
 */
#include "tests/faults/left.h"

#include "core/procedures/admin.h"

#ifdef __SANITIZE_ADDRESS__
#define STRIDE 8
#else
#define STRIDE 1
#endif
#define TIMES_MORE 20

#define N_SECRETS 4

/* What may open a store. */
struct secret {
	enum cf_slot_type type;
	char text[64]; /* NUL-terminated; of a key its bytes */
};

struct rekeying {
	struct fixture *f;
	struct disk_log log;
	struct secret secrets[N_SECRETS];
	char dir[64]; /* where stores are rebuilt */
	char path[96];
	size_t looked;
};

static bool every_one(void)
{
	const char *more = getenv("CERTFS_TEST_MORE");

	return more && *more && strcmp(more, "0") != 0;
}

/* -- the commands ---------------------------------------------------------------------------- */

static void keep_line(void *arg, const char *line)
{
	snprintf(arg, CF_RECOVERY_TEXT_MAX, "%s", line);
}

/* A command as certfsctl has it run; the line that it said last is in said. */
static void run(struct fixture *f, const char *command, char said[CF_RECOVERY_TEXT_MAX])
{
	struct cf_admin admin = { .ctx = &f->ctx, .report = keep_line, .arg = said };
	const struct cf_admin_command *row;
	char copy[200], *words[8];
	int n = 0, n_name;

	snprintf(copy, sizeof(copy), "%s", command);
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " "))
		words[n++] = p;
	row = cf_admin_find(cf_admin_commands, n, words, false, &n_name, &f->err);
	assert_non_null(row);
	admin.n = n - n_name;
	admin.words = words + n_name;
	fx_ok(f, row->run(&admin, &f->err));
}

/* -- what opens a store ---------------------------------------------------------------------- */

static bool opens(const char *path, const struct secret *secret)
{
	const struct cf_store_options options = { .path = path, .unsafe_fast = true };
	const struct cf_slot_secret slot = {
		.type = secret->type,
		.bytes = cf_span(secret->text, secret->type == CF_SLOT_KEY_FILE
						       ? CF_KEY_SIZE
						       : strlen(secret->text)),
	};
	cf_auto(cf_store_close) struct cf_store *store = NULL;
	struct cf_vault *vault = NULL;
	struct cf_err err = { 0 };
	int r;

	assert_int_equal(cf_store_open(&options, &store, NULL, &err), 0);
	r = cf_vault_unlock(store, &slot, &vault, NULL, &err);
	if (r < 0)
		assert_int_equal(r, -EKEYREJECTED);
	cf_store_close(cf_take(&store));
	cf_vault_close(vault);
	return r == 0;
}

/* Which of the secrets do, as the bits of a number. */
static unsigned openers(const struct rekeying *t)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < N_SECRETS; i++)
		if (*t->secrets[i].text && opens(t->path, &t->secrets[i]))
			bits |= 1U << i;
	return bits;
}

/* -- cutting --------------------------------------------------------------------------------- */

static uint64_t sum_at(struct rekeying *t, const struct disk *disk)
{
	struct cf_err err = { 0 };
	struct left left;
	uint64_t seed = 0;

	if (left_by_cut(t->path, disk, DISK_EVERYTHING, &seed, &left, &err) < 0)
		fail_msg("after %zu operations: %s", disk->at, err.text);
	return left.sum;
}

static void cut(struct rekeying *t, const struct disk *disk, uint64_t *seed, const char *command,
		const uint64_t allowed[2])
{
	struct cf_err err = { 0 };
	struct left left;

	if (left_by_cut(t->path, disk, (enum disk_luck)(t->looked++ % 4), seed, &left, &err) < 0)
		fail_msg("%s, after %zu operations: %s", command, disk->at, err.text);
	if (left.sum != allowed[0] && left.sum != allowed[1])
		fail_msg("%s, after %zu operations: neither the old store nor the new one", command,
			 disk->at);
}

/* One command, and the secrets that open the store afterwards. */
static void try_command(struct rekeying *t, const char *command, unsigned after,
			char said[CF_RECOVERY_TEXT_MAX])
{
	const size_t from = t->log.n;
	uint64_t sums[2], seed = from;
	struct disk disk;
	size_t to;

	run(t->f, command, said);
	if (strstr(command, "recovery"))
		snprintf(t->secrets[3].text, sizeof(t->secrets[3].text), "%s", said);
	to = t->log.n;
	disk_start(&disk, &t->log, 0);
	while (disk.at < to)
		disk_step(&disk);
	sums[1] = sum_at(t, &disk);
	assert_int_equal(openers(t), after);
	disk_done(&disk);
	disk_start(&disk, &t->log, 0);
	while (disk.at < from)
		disk_step(&disk);
	sums[0] = sum_at(t, &disk); /* what opens that was tried after the last command */
	assert_true(sums[0] != sums[1]);
	for (;; disk_step(&disk)) {
		if (disk.at == to)
			sums[0] = sums[1]; /* answered */
		if (every_one())
			for (int i = 0; i < TIMES_MORE; i++)
				cut(t, &disk, &seed, command, sums);
		else if (disk.at == to || disk.at % STRIDE == 0)
			cut(t, &disk, &seed, command, sums);
		if (disk.at == to)
			break;
	}
	disk_done(&disk);
	print_message("# %.20s: %zu operations\n", command, to - from);
}

/* -- the test -------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct rekeying *t = calloc(1, sizeof(*t));
	void *fixture;

	assert_non_null(t);
	assert_int_equal(test_vfs_register("rekey", 0, disk_record, &t->log), SQLITE_OK);
	make_private_folder(t->dir, sizeof(t->dir));
	snprintf(t->path, sizeof(t->path), "%s/store", t->dir);
	fx_setup_on(&fixture, "rekey");
	t->f = fixture;
	/* What fx_open() made the store with. */
	t->secrets[0] = (struct secret){ CF_SLOT_KEY_FILE, { 1 } };
	t->secrets[1] = (struct secret){ CF_SLOT_PASSPHRASE, "first" };
	t->secrets[2] = (struct secret){ CF_SLOT_PASSPHRASE, "second" };
	t->secrets[3] = (struct secret){ CF_SLOT_PASSPHRASE, "" }; /* recovery, made below */
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct rekeying *t = *state;
	void *fixture = t->f;

	fx_teardown(&fixture);
	left_remove(t->path);
	assert_int_equal(rmdir(t->dir), 0);
	test_vfs_unregister("rekey");
	disk_log_done(&t->log);
	free(t);
	return 0;
}

/* Many checkpoints among the operations. */
static void checkpoint_often(struct fixture *f)
{
	assert_int_equal(sqlite3_exec(f->core.store->writer->sq, "PRAGMA wal_autocheckpoint = 20",
				      NULL, NULL, NULL),
			 SQLITE_OK);
}

static void secrets__are_the_old_or_the_new_ones_after_a_kill_or_a_power_cut(void **state)
{
	struct rekeying *t = *state;
	char said[CF_RECOVERY_TEXT_MAX] = "";

	fx_valid(t->f, "EX01", "mail");
	fx_request(t->f, "EX01", "pending");
	fx_ok(t->f, fx_write(t->f, "_export.password", "everywhere\n"));
	checkpoint_often(t->f);
	try_command(t, "slots add passphrase first", 03, said);
	try_command(t, "passwd 2 second", 05, said);
	try_command(t, "slots add recovery", 015, said);
	try_command(t, "slots remove 2", 011, said);
	try_command(t, "passwd second", 015, said);
	/* As certfsctl does it: opened by the slot that is to stay. */
	fx_close(t->f);
	t->f->ctx = (struct cf_ctx){ 0 };
	fx_open(t->f);
	checkpoint_often(t->f);
	try_command(t, "rekey --drop-slots", 01, said);
	try_command(t, "rekey", 01, said);
	print_message("# %zu stores\n", t->looked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			secrets__are_the_old_or_the_new_ones_after_a_kill_or_a_power_cut, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("rekey", tests, NULL, NULL);
}
