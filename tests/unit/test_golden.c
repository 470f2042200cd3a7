/*
 * Stores of the formats that were released, from tests/golden: each opens with every secret it was
 * given, is sound, shows the same files with the same bytes, times and inode numbers, and can be
 * changed. What is words for people may be worded anew, so only its name and inode have to stay.
 *
 * CERTFS_GOLDEN_RECORD=FOLDER writes what a new one shows, for tests/golden/make.sh.
 */
#include "tests/unit/tree_fixture.h"

#include <openssl/evp.h>
#include <sqlite3.h>

#include "core/procedures/admin.h"
#include "core/procedures/unlock.h"
#include "core/procedures/upkeep.h"

#define LONG_AGO (1000000000 * (cf_time)CF_SECOND) /* so that "now" is the last commit */

static const char *const formats[] = { "1" };

/* -- opening a copy -------------------------------------------------------------------------- */

struct golden {
	struct fixture *f;
	char folder[256]; /* where it lies */
	char key[96];     /* a copy of its key file */
	char passphrase[100], recovery[100], head[100];
};

static void copy_file(const char *from, const char *to)
{
	char bytes[4096];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	if (!in)
		fail_msg("%s is missing", from);
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(to, 0600), 0);
}

/* Lines of the file "facts": a word, a blank, the rest. */
static void read_facts(struct golden *g)
{
	char path[300], line[300];
	FILE *in;

	snprintf(path, sizeof(path), "%s/facts", g->folder);
	in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		char *rest = strchr(line, ' ');

		assert_non_null(rest);
		*rest++ = '\0';
		rest[strcspn(rest, "\n")] = '\0';
		if (strcmp(line, "passphrase") == 0)
			snprintf(g->passphrase, sizeof(g->passphrase), "%s", rest);
		else if (strcmp(line, "recovery") == 0)
			snprintf(g->recovery, sizeof(g->recovery), "%s", rest);
		else if (strcmp(line, "head") == 0)
			snprintf(g->head, sizeof(g->head), "%s", rest);
	}
	fclose(in);
}

static void take_copy(struct golden *g, const char *folder)
{
	char from[300];
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(cf_ossl_init(&f->err), 0);
	*g = (struct golden){ .f = f };
	assert_in_range(snprintf(g->folder, sizeof(g->folder), "%s", folder), 1,
			sizeof(g->folder) - 1);
	make_private_folder(f->dir, sizeof(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/store.db", f->dir);
	snprintf(g->key, sizeof(g->key), "%s/key", f->dir);
	snprintf(from, sizeof(from), "%s/store", folder);
	copy_file(from, f->path);
	snprintf(from, sizeof(from), "%s/key", folder);
	copy_file(from, g->key);
	read_facts(g);
}

static void take_format(struct golden *g, const char *format)
{
	char folder[64];

	snprintf(folder, sizeof(folder), "tests/golden/%s", format);
	take_copy(g, folder);
}

static int unlock(struct golden *g, struct cf_unlock how, size_t *ret_damaged)
{
	struct fixture *f = g->f;

	cf_err_reset(&f->err);
	f->clock = (struct cf_clock){ 0 };
	cf_clock_set(&f->clock, LONG_AGO);
	how.store = f->path;
	how.who = "a test";
	how.clock = &f->clock;
	return cf_unlock(&how, &f->core, ret_damaged, &f->err);
}

static void shut(struct golden *g)
{
	struct fixture *f = g->f;

	cf_ctx_done(&f->ctx);
	f->ctx = (struct cf_ctx){ 0 };
	cf_tree_free(cf_take(&f->tree));
	cf_unlock_close(&f->core);
	f->core = (struct cf_core){ 0 };
}

static void open_tree(struct golden *g)
{
	struct fixture *f = g->f;
	const struct cf_tree_options options = { .umask = 022, .keys = true };
	size_t damaged = 0;

	fx_ok(f, unlock(g, (struct cf_unlock){ .key_file = g->key }, &damaged));
	assert_int_equal(damaged, 0);
	f->core.umask = options.umask;
	f->core.decoder = (struct cf_decoder){ .start = cf_decoder_fork };
	f->ctx.core = &f->core;
	fx_ok(f, cf_tree_new(&f->core, &options, &f->tree, &f->err));
}

static void let_go(struct golden *g)
{
	struct fixture *f = g->f;
	char command[128];

	shut(g);
	cf_buf_done(&f->text);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
}

/* -- what it shows --------------------------------------------------------------------------- */

struct name {
	char text[CF_TREE_NAME_MAX + 1];
	struct cf_attr attr;
};

struct names {
	struct name *items;
	size_t n;
};

static bool add_name(void *arg, const char *text, const struct cf_attr *attr, uint64_t cookie)
{
	struct names *names = arg;
	struct name *name;

	(void)attr;
	(void)cookie;
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return true;
	names->items = realloc(names->items, (names->n + 1) * sizeof(*names->items));
	assert_non_null(names->items);
	name = &names->items[names->n++];
	snprintf(name->text, sizeof(name->text), "%s", text);
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* Words for people, which a later version may choose better, and what lives in memory. */
static bool is_prose(const char *name)
{
	static const char *const all[] = {
		"why",
		"info",
		"info.json",
		"README.txt",
		".xdg-volume-info",
		"_overview.html",
		"_notifications",
		"_apply.ps1",
		"_errors",
	};

	for (size_t i = 0; i < CF_COUNT(all); i++)
		if (strcmp(name, all[i]) == 0)
			return true;
	return false;
}

static const char *sum_of(const struct cf_buf *bytes, char hex[65])
{
	unsigned char sum[32];

	assert_int_equal(EVP_Digest(bytes->data ? bytes->data : "", bytes->len, sum, NULL,
				    EVP_sha256(), NULL),
			 1);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return hex;
}

/* MODE OWNER GROUP INODE, and of what isn't prose MTIME SIZE SHA256 or ->TARGET, then the path. */
static void show_entry(struct fixture *f, const char *path, const struct cf_attr *attr, FILE *out)
{
	char hex[65];

	fprintf(out, "%06o %u %u %llx ", (unsigned)attr->mode, (unsigned)attr->uid,
		(unsigned)attr->gid, (unsigned long long)attr->ino);
	if (S_ISREG(attr->mode) && (attr->mode & 0444))
		fx_ok(f, fx_read(f, path));
	if (is_prose(fx_name(path)))
		fprintf(out, "prose");
	else if (S_ISDIR(attr->mode))
		fprintf(out, "%lld", (long long)attr->mtime);
	else if (S_ISREG(attr->mode))
		fprintf(out, "%lld %zu %s", (long long)attr->mtime, (size_t)attr->size,
			sum_of(&f->text, hex));
	if (S_ISLNK(attr->mode)) {
		cf_auto(cf_buf_done) struct cf_buf target = { 0 };

		fx_ok(f, cf_tree_readlink(f->tree, &f->ctx, attr->ino, &target, &f->err));
		fprintf(out, "%lld -> %s", (long long)attr->mtime, cf_buf_text(&target));
	}
	fprintf(out, " %s\n", path);
}

static void show(struct fixture *f, const char *path, uint64_t ino, FILE *out)
{
	struct names names = { 0 };

	fx_ok(f, cf_tree_list(f->tree, &f->ctx, ino, 0, add_name, &names, &f->err));
	if (names.n)
		qsort(names.items, names.n, sizeof(*names.items), by_text);
	for (size_t i = 0; i < names.n; i++) {
		char below[512];
		struct cf_attr attr;

		fx_path(below, "%s%s%s", path, *path ? "/" : "", names.items[i].text);
		/* What the walk itself adds to is seen before it. */
		if (strcmp(below, "_audit.log") == 0)
			continue;
		attr = fx_stat(f, below);
		show_entry(f, below, &attr, out);
		if (S_ISDIR(attr.mode))
			show(f, below, attr.ino, out);
	}
	free(names.items);
}

/* All of it as text. */
static char *describe(struct golden *g)
{
	struct cf_attr attr;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	attr = fx_stat(g->f, "_audit.log");
	show_entry(g->f, "_audit.log", &attr, out);
	show(g->f, "", CF_TREE_ROOT, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *read_text(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *in = fopen(path, "r");

	if (!in)
		fail_msg("%s is missing", path);
	assert_true(getdelim(&text, &size, '\0', in) > 0);
	fclose(in);
	return text;
}

/* Each line that only one of them has. Inlined, gcc takes the text for the variable that getdelim() sets. */
__attribute__((noinline)) static int compare(const char *what, const char *a, const char *b)
{
	int n = 0;

	for (const char *line = a; *line;) {
		size_t len = strcspn(line, "\n") + 1;
		char *copy = strndup(line, len);
		const char *found = strstr(b, copy);

		if (!found || (found != b && found[-1] != '\n')) {
			print_message("# %s %.*s\n", what, (int)len - 1, line);
			n++;
		}
		free(copy);
		line += len;
	}
	return n;
}

static void assert_as_recorded(struct golden *g)
{
	char path[300];
	char *wanted, *shown = describe(g);
	int n;

	snprintf(path, sizeof(path), "%s/tree", g->folder);
	wanted = read_text(path);
	n = compare("missing:", wanted, shown) + compare("new:", shown, wanted);
	free(wanted);
	free(shown);
	assert_int_equal(n, 0);
}

/* -- the tests ------------------------------------------------------------------------------- */

static void say(void *arg, const char *line)
{
	(void)arg;
	print_message("# %s\n", line);
}

static void sound(struct golden *g)
{
	char *words[] = { g->head };
	const struct cf_admin admin = { .ctx = &g->f->ctx, .n = 1, .words = words, .report = say };

	assert_int_equal(cf_store_check(g->f->core.store, say, NULL, &g->f->err), 0);
	assert_int_equal(cf_admin_audit_verify(&admin, &g->f->err), 0);
}

static void golden__shows_what_it_showed_and_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < CF_COUNT(formats); i++) {
		struct golden g;

		take_format(&g, formats[i]);
		open_tree(&g);
		sound(&g);
		assert_as_recorded(&g);
		sound(&g); /* with what the reading of keys recorded */
		shut(&g);
		/* And once more, as the format it may have become. */
		open_tree(&g);
		fx_ok(g.f, fx_read(g.f, "EX01/mail/export.pfx"));
		let_go(&g);
	}
}

static void golden__opens_with_each_of_its_secrets_and_with_no_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < CF_COUNT(formats); i++) {
		cf_auto(cf_buf_done) struct cf_buf text = { 0 };
		struct golden g;
		const char *secrets[2];

		take_format(&g, formats[i]);
		secrets[0] = g.passphrase;
		secrets[1] = g.recovery;
		for (size_t k = 0; k < CF_COUNT(secrets); k++) {
			cf_buf_done(&text);
			assert_int_equal(cf_buf_puts(&text, secrets[k], NULL), 0);
			fx_ok(g.f, unlock(&g, (struct cf_unlock){ .passphrase = &text }, NULL));
			shut(&g);
		}
		cf_buf_done(&text);
		assert_int_equal(cf_buf_printf(&text, NULL, "%s!", g.passphrase), 0);
		fx_assert_refused(g.f, unlock(&g, (struct cf_unlock){ .passphrase = &text }, NULL),
				  EKEYREJECTED, "the passphrase isn't this store's");
		let_go(&g);
	}
}

static void golden__can_be_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < CF_COUNT(formats); i++) {
		struct golden g;
		struct fixture *f;

		take_format(&g, formats[i]);
		f = g.f;
		open_tree(&g);
		fx_request(f, "EX01", "later");
		fx_ok(f, fx_write(f, "EX01/mail/friendly-name", "later\n"));
		fx_ok(f, fx_write(f, "EX01/own/renew", "own-2\n"));
		fx_ok(f, fx_append(f, "EX01/own-2/services", "POP\n"));
		fx_ok(f, fx_write(f, "EX02.contoso.com/_export.password", "\n"));
		sound(&g);
		shut(&g);
		open_tree(&g);
		fx_assert_text(f, "EX01/later/status", "PendingRequest\n");
		fx_assert_text(f, "EX01/mail/friendly-name", "later\n");
		fx_assert_text(f, "EX01/own-2/status", "Valid\n");
		sound(&g);
		let_go(&g);
	}
}

/* What a mount does at its start and from then on, when no time passes. */
static void golden__is_left_alone_by_upkeep(void **state)
{
	(void)state;
	for (size_t i = 0; i < CF_COUNT(formats); i++) {
		struct golden g;
		cf_time next;

		take_format(&g, formats[i]);
		open_tree(&g);
		for (int k = 0; k < 3; k++)
			fx_ok(g.f, cf_tree_tick(g.f->tree, &g.f->ctx, &next, &g.f->err));
		assert_as_recorded(&g);
		let_go(&g);
	}
}

static void change(const struct fixture *f, const char *statement)
{
	char *words = NULL;
	sqlite3 *sq;

	assert_int_equal(sqlite3_open(f->path, &sq), SQLITE_OK);
	if (sqlite3_exec(sq, statement, NULL, NULL, &words) != SQLITE_OK)
		fail_msg("%s: %s", statement, words);
	assert_int_equal(sqlite3_close(sq), SQLITE_OK);
}

static void newer__is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *statement, *words;
	} cases[] = {
		{ "PRAGMA user_version = 99",
		  "was written by a newer certfs (version 99; this one knows " },
		{ "UPDATE header SET format = 99", "is of format 99; this certfs knows " },
		{ "UPDATE header SET flags = 0x40",
		  "uses a feature that this certfs doesn't know (flags 0x40)" },
	};

	(void)state;
	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		struct golden g;

		take_format(&g, formats[CF_COUNT(formats) - 1]);
		change(g.f, cases[i].statement);
		fx_assert_refused(g.f, unlock(&g, (struct cf_unlock){ .key_file = g.key }, NULL),
				  EINVAL, cases[i].words);
		fx_assert_refused(g.f,
				  unlock(&g,
					 (struct cf_unlock){ .key_file = g.key, .read_only = true },
					 NULL),
				  EINVAL, cases[i].words);
		let_go(&g);
	}
}

/* -- making one ------------------------------------------------------------------------------ */

static int record(const char *folder)
{
	struct golden g;
	char path[300], *text;
	FILE *out;

	take_copy(&g, folder);
	open_tree(&g);
	text = describe(&g);
	snprintf(path, sizeof(path), "%s/tree", folder);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
	free(text);
	let_go(&g);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden__shows_what_it_showed_and_is_sound),
		cmocka_unit_test(golden__opens_with_each_of_its_secrets_and_with_no_other),
		cmocka_unit_test(golden__can_be_changed),
		cmocka_unit_test(golden__is_left_alone_by_upkeep),
		cmocka_unit_test(newer__is_refused_with_a_sentence),
	};
	const char *folder = getenv("CERTFS_GOLDEN_RECORD");

	return folder ? record(folder) : cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
