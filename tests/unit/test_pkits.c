/*
 * NIST's Public Key Interoperability Test Suite: its certificates, judged all together, as they
 * would be in one store whose _trust holds every CA and every CRL. tests/vectors/pkits.tsv says
 * what NIST asks for and what certfs says; where the two differ, it says why. The certificates are
 * those of Debian's python3-cryptography-vectors.
 */
#include "tests/support.h"

#include <dirent.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

#include "core/crypto/chain.h"
#include "core/crypto/ossl.h"

#define TABLE "tests/vectors/pkits.tsv"
#define DEFAULT_PLACE "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data"
#define ROWS_MAX 256
#define FILES_MAX 512
#define EXPLAINED 16 /* rows that differ from NIST */

/* A row of the table: words of the line, which belongs to the row. */
struct row {
	char *line;
	const char *number, *name, *nist, *status, *why;
	struct cf_buf der;
};

struct fixture {
	const char *place;
	struct row rows[ROWS_MAX];
	size_t n;
	struct cf_buf files[FILES_MAX];
	size_t n_files;
	struct cf_span leaves[ROWS_MAX], issuers[FILES_MAX], crls[FILES_MAX], anchor;
	struct cf_verdict verdicts[ROWS_MAX];
	struct cf_verify job;
};

static const char *const words[] = {
	[CF_VERDICT_REVOKED] = "Revoked",
	[CF_VERDICT_DATE_INVALID] = "DateInvalid",
	[CF_VERDICT_INVALID] = "Invalid",
	[CF_VERDICT_UNTRUSTED] = "Untrusted",
	[CF_VERDICT_REVOCATION_CHECK_FAILURE] = "RevocationCheckFailure",
	[CF_VERDICT_UNKNOWN] = "Unknown",
	[CF_VERDICT_VALID] = "Valid",
};

static const char *place(void)
{
	const char *given = getenv("CERTFS_TEST_PKITS");

	return given ? given : DEFAULT_PLACE;
}

static bool load(const char *from, const char *folder, const char *name, struct cf_buf *out)
{
	char path[512];
	FILE *file;
	void *room;

	snprintf(path, sizeof(path), "%s/%s/%s", from, folder, name);
	file = fopen(path, "rb");
	if (!file)
		return false;
	room = cf_buf_room(out, 65536, NULL);
	assert_non_null(room);
	cf_buf_seal(out, fread(room, 1, 65536, file));
	fclose(file);
	assert_true(out->len > 0);
	return true;
}

static void read_row(struct fixture *f, char *line)
{
	struct row *row = &f->rows[f->n];
	char *rest = line;
	char file[256];

	assert_true(f->n < ROWS_MAX);
	*row = (struct row){ .line = line };
	line[strcspn(line, "\n")] = '\0';
	row->number = strsep(&rest, "\t");
	row->name = strsep(&rest, "\t");
	row->nist = strsep(&rest, "\t");
	row->status = strsep(&rest, "\t");
	row->why = strsep(&rest, "\t");
	assert_null(rest);
	assert_non_null(row->why);
	snprintf(file, sizeof(file), "%s.crt", row->name);
	if (!load(f->place, "certs", file, &row->der))
		fail_msg("%s: no certificate %s", row->number, file);
	f->leaves[f->n++] = cf_span_buf(&row->der);
}

static void read_table(struct fixture *f)
{
	FILE *table = fopen(TABLE, "r");
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(table);
	while (getline(&line, &cap, table) > 0) {
		if (*line == '#')
			continue;
		read_row(f, line);
		line = NULL;
		cap = 0;
	}
	free(line);
	fclose(table);
}

/* All CA certificates, or all CRLs. */
static size_t read_folder(struct fixture *f, const char *folder, struct cf_span *spans)
{
	char path[512];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", f->place, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.' || strstr(entry->d_name, "EE.crt"))
			continue;
		assert_true(f->n_files < FILES_MAX);
		assert_true(load(f->place, folder, entry->d_name, &f->files[f->n_files]));
		if (strcmp(entry->d_name, "TrustAnchorRootCertificate.crt") == 0)
			f->anchor = cf_span_buf(&f->files[f->n_files]);
		else
			spans[n++] = cf_span_buf(&f->files[f->n_files]);
		f->n_files++;
	}
	closedir(dir);
	return n;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	f->place = place();
	read_table(f);
	f->job = (struct cf_verify){
		.leaves = f->leaves,
		.n_leaves = f->n,
		.issuers = f->issuers,
		.n_issuers = read_folder(f, "certs", f->issuers),
		.anchors = &f->anchor,
		.n_anchors = 1,
		.crls = f->crls,
		.n_crls = read_folder(f, "crls", f->crls),
	};
	/* Its certificates and CRLs are good from 2010 to 2030. */
	assert_true(cf_time_parse("2020-06-01T00:00:00Z", &f->job.now));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->n; i++) {
		free(f->rows[i].line);
		cf_buf_done(&f->rows[i].der);
		cf_verdict_done(&f->verdicts[i]);
	}
	for (size_t i = 0; i < f->n_files; i++)
		cf_buf_done(&f->files[i]);
	free(f);
	return 0;
}

/* Is word among WORD|WORD ...? Versions of OpenSSL may differ in what they complain of first. */
static bool among(const char *word, const char *list)
{
	size_t len = strlen(word);

	for (const char *p = list; *p; p += *p == '|') {
		size_t n = strcspn(p, "|");

		if (n == len && strncmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static void pkits__every_path_has_the_status_of_the_table(void **state)
{
	struct fixture *f = *state;
	struct cf_err err = { 0 };
	size_t wrong = 0;

	if (cf_chain_verify(NULL, &f->job, f->verdicts, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < f->n; i++) {
		const struct row *row = &f->rows[i];
		const char *word = words[f->verdicts[i].status];

		if (among(word, row->status))
			continue;
		wrong++;
		print_message("# %s %s: %s instead of %s (%s)\n", row->number, row->name, word,
			      row->status, f->verdicts[i].reason);
	}
	print_message("# %zu paths, OpenSSL %s\n", f->n, OpenSSL_version(OPENSSL_VERSION_STRING));
	assert_int_equal(wrong, 0);
}

/* A row that agrees has no explanation, one that differs has one, and there are no more of them. */
static void table__explains_every_difference(void **state)
{
	struct fixture *f = *state;
	size_t differs = 0;

	assert_int_equal(f->n, 224);
	for (size_t i = 0; i < f->n; i++) {
		const struct row *row = &f->rows[i];
		bool valid = strcmp(row->status, "Valid") == 0;
		bool differ = valid != (strcmp(row->nist, "valid") == 0);

		if (!valid && among("Valid", row->status))
			fail_msg("%s may be Valid or not", row->number);
		if (strcmp(row->nist, "valid") != 0 && strcmp(row->nist, "invalid") != 0)
			fail_msg("%s: NIST says valid or invalid", row->number);
		if (differ != (strcmp(row->why, "-") != 0))
			fail_msg("%s %s: explained without need, or not at all", row->number,
				 row->name);
		differs += differ;
	}
	assert_int_equal(differs, EXPLAINED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pkits__every_path_has_the_status_of_the_table,
						setup, teardown),
		cmocka_unit_test_setup_teardown(table__explains_every_difference, setup, teardown),
	};

	/* In cmocka's TAP a skipped case is "not ok", which counts as failed. */
	if (access(place(), R_OK) != 0) {
		printf("1..0 # SKIP %s is not there; it is in python3-cryptography-vectors\n",
		       place());
		return 0;
	}
	if (cf_ossl_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("pkits", tests, NULL, NULL);
}
