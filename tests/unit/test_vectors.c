/*
 * Every certificate, bundle and PKCS#12 in Debian's python3-cryptography-vectors, dropped into a
 * store: it is taken, and what came of it can be read, or it is refused with an errno of the
 * contract and nothing is written. Much of it is broken on purpose.
 */
#include "tests/unit/tree_fixture.h"

#include <ftw.h>

#include "core/base/name.h"
#include "core/store/certificate.h"

#define DEFAULT_PLACE "/usr/lib/python3/dist-packages/cryptography_vectors"
#define FILES_MAX 4096
#define A_SERVER 64 /* files that are dropped into one, so that its issuers don't get too many */
#define LARGEST (2 * 1024 * 1024)

/* Under a sanitizer each decoder takes ten times as long to start; one of these is enough there. */
#if defined(__SANITIZE_ADDRESS__)
#define EVERY 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVERY 8
#endif
#endif
#ifndef EVERY
#define EVERY 1
#endif

/* What a drop into a server may say. */
static const int codes[] = { 0, EBADMSG, EEXIST, EFBIG, EINVAL, EKEYREJECTED, ENOKEY };

/* nftw(3) hands nothing through. */
static struct {
	char *paths[FILES_MAX];
	size_t n;
} found;

static int find(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && st->st_size < LARGEST && cf_name_is_drop(path + ftw->base) &&
	    found.n < FILES_MAX)
		found.paths[found.n++] = strdup(path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load(const char *path, struct cf_buf *out)
{
	FILE *file = fopen(path, "rb");
	char piece[4096];
	size_t n;

	assert_non_null(file);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		assert_int_equal(cf_buf_append(out, piece, n, NULL), 0);
	fclose(file);
}

/* A commit moves the end of the log of writes, and its time. */
static struct stat writes(struct fixture *f)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s-wal", f->path);
	assert_int_equal(stat(path, &st), 0);
	return st;
}

static bool same_writes(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Certificates that came since *last can be read in every file. */
static void read_new(struct fixture *f, const char *server, int64_t *last)
{
	static const char *const files[] = { "status", "info",          "info.json", "why",
					     "issuer", "fullchain.pem", "chain.p7b", "domains" };
	char path[512];

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		cf_auto(cf_db_done) struct cf_db *db = NULL;

		fx_ok(f, cf_store_read(f->core.store, &db, &f->err));
		if (cf_store_certificate_next_any(db, *last, &row, &f->err) <= 0)
			return;
		cf_db_done(cf_take(&db));
		*last = row.id;
		for (size_t i = 0; i < CF_COUNT(files); i++) {
			fx_path(path, "%s/%s/%s", server, row.name, files[i]);
			fx_ok(f, fx_read(f, path));
		}
	}
}

static void drop(struct fixture *f, size_t number, int64_t *last, size_t counts[CF_COUNT(codes)])
{
	const char *file = found.paths[number];
	cf_auto(cf_buf_done) struct cf_buf bytes = { 0 };
	char server[64], path[512];
	struct stat before, after;
	size_t code = 0;
	int r;

	snprintf(server, sizeof(server), "EX%zu", number / A_SERVER);
	if (!fx_exists(f, server))
		fx_ok(f, fx_mkdir(f, server));
	load(file, &bytes);
	fx_path(path, "%s/v%zu%s", server, number, strrchr(file, '.'));
	before = writes(f);
	cf_err_reset(&f->err);
	r = fx_write_bytes(f, path, O_CREAT | O_TRUNC, cf_span_buf(&bytes));
	while (code < CF_COUNT(codes) && codes[code] != -r)
		code++;
	if (code == CF_COUNT(codes))
		fail_msg("%s: %s: %s", file, cf_errno_name(-r), f->err.text);
	counts[code]++;
	after = writes(f);
	if (r < 0 && !same_writes(&before, &after))
		fail_msg("%s: refused (%s), but something was written", file, f->err.text);
	if (r < 0 && !*f->err.text)
		fail_msg("%s: refused without a sentence", file);
	if (r < 0 && fx_exists(f, path))
		fail_msg("%s: refused, but there", file);
	read_new(f, server, last);
}

static void report(void *arg, const char *sentence)
{
	(void)arg;
	fail_msg("%s", sentence);
}

static void every__file_is_taken_or_refused_and_nothing_between(void **state)
{
	struct fixture *f = *state;
	size_t counts[CF_COUNT(codes)] = { 0 };
	size_t every = EVERY;
	int64_t last = 0;

	if (getenv("CERTFS_TEST_MORE"))
		every = 1;
	qsort(found.paths, found.n, sizeof(found.paths[0]), by_name);
	fx_ok(f, fx_write(f, "_import.password", "cryptography\n"));
	for (size_t i = 0; i < found.n; i++)
		if (i % every == 0)
			drop(f, i, &last, counts);
	assert_int_equal(cf_store_check(f->core.store, report, NULL, &f->err), 0);
	for (size_t i = 0; i < CF_COUNT(codes); i++)
		print_message("# %s: %zu\n", codes[i] ? cf_errno_name(codes[i]) : "taken",
			      counts[i]);
	print_message("# %lld certificates\n", (long long)last);
	for (size_t i = 0; i < found.n; i++)
		free(found.paths[i]);

	/* The package has good ones too, bundles with a key among them. */
	assert_true(counts[0] > 10);
	assert_true(last > 0 || every > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every__file_is_taken_or_refused_and_nothing_between,
						fx_setup, fx_teardown),
	};
	const char *place = getenv("CERTFS_TEST_VECTORS");

	place = place ? place : DEFAULT_PLACE;
	/* In cmocka's TAP a skipped case is "not ok", which counts as failed. */
	if (nftw(place, find, 16, FTW_PHYS) < 0 || !found.n) {
		printf("1..0 # SKIP %s is not there; it is in python3-cryptography-vectors\n",
		       place);
		return 0;
	}
	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
