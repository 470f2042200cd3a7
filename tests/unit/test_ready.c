/* core/procedures/ready: keys made in advance are used once, survive, and are no more than were asked for. */
#include "tests/unit/tree_fixture.h"

#include "core/procedures/ready.h"

static int set_up(void **state)
{
	struct fixture *f;

	fx_setup(state);
	f = *state;
	fx_ok(f, fx_mkdir(f, "EX01"));
	return 0;
}

static bool refill(struct fixture *f)
{
	bool more;

	fx_ok(f, cf_ready_refill(&f->ctx, &more, &f->err));
	return more;
}

/* How many of a kind lie in the store. */
static int stock(struct fixture *f, enum cf_secret_kind kind)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int64_t after = 0;
	int n = 0, r;

	fx_ok(f, cf_store_read(f->core.store, &db, &f->err));
	for (;;) {
		cf_auto(cf_secret_done) struct cf_secret row = { 0 };

		r = cf_store_secret_next(db, CF_OBJECT_ROOT, kind, after, &row, &f->err);
		fx_ok(f, r);
		if (r == 0)
			return n;
		after = row.owner;
		n++;
	}
}

/* The one that comes next, and its public half. */
static struct cf_ready pick(struct fixture *f, uint8_t sum[CF_SHA256_SIZE])
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	struct cf_ready which = { 0 };

	assert_int_equal(cf_ready_pick(&f->ctx, CF_KEY_RSA2048, &key, &which, &f->err), 1);
	assert_int_equal(cf_key_spki_sum(key, sum, &f->err), 0);
	return which;
}

static int take(struct fixture *f, const struct cf_ready *which, bool commit)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_begin(f->core.store, false, &db, &f->err);

	fx_ok(f, r);
	r = cf_ready_take(db, CF_KEY_RSA2048, which, &f->err);
	if (r == 0 && commit)
		r = cf_store_commit(&db, &f->ctx.changes, &f->err);
	return r;
}

/* "3 1 1 <SHA-256 of the public key>" */
static void assert_key(struct fixture *f, const char *certificate, const uint8_t *sum, bool is)
{
	char path[512], text[2 * CF_SHA256_SIZE + 16] = "3 1 1 ";

	for (int i = 0; i < CF_SHA256_SIZE; i++)
		sprintf(text + strlen(text), "%02x", sum[i]);
	strcat(text, "\n");
	fx_path(path, "%s/tlsa", certificate);
	fx_ok(f, fx_read(f, path));
	if (is)
		assert_string_equal(cf_buf_text(&f->text), text);
	else
		assert_string_not_equal(cf_buf_text(&f->text), text);
}

static void make_request(struct fixture *f, const char *certificate)
{
	char path[512];

	fx_ok(f, fx_mkdir(f, certificate));
	fx_path(path, "%s/request.csr", certificate);
	fx_ok(f, fx_write(f, path, "CN=mail.contoso.com\n"));
}

static void stock__is_none_unless_asked_for(void **state)
{
	struct fixture *f = *state;

	fx_assert_text(f, "_settings/ready-keys", "0\n");
	assert_false(refill(f));
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 0);
	fx_assert_refused(f, fx_write(f, "_settings/ready-keys", "101\n"), EINVAL, "0 to 100");
	fx_assert_refused(f, fx_write(f, "_settings/ready-keys", "-1\n"), EINVAL, "0 to 100");
	fx_assert_refused(f, fx_write(f, "_settings/ready-keys", "some\n"), EINVAL, "0 to 100");
	fx_assert_text(f, "_settings/ready-keys", "0\n");
}

static void stock__is_used_once_and_kept(void **state)
{
	struct fixture *f = *state;
	uint8_t first[CF_SHA256_SIZE], second[CF_SHA256_SIZE];
	struct cf_ready which;

	fx_ok(f, fx_write(f, "_settings/ready-keys", "2\n"));
	assert_true(refill(f));
	assert_true(refill(f));
	assert_false(refill(f));
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 2);

	/* To look at one takes nothing, nor does what is rolled back. */
	which = pick(f, first);
	assert_int_equal(take(f, &which, false), 0);
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 2);
	fx_close(f);
	fx_open(f);
	assert_false(refill(f));
	pick(f, second);
	assert_memory_equal(first, second, sizeof(first));

	/* Whoever comes second gets another one. */
	make_request(f, "EX01/a");
	assert_key(f, "EX01/a", first, true);
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 1);
	assert_int_equal(take(f, &which, true), -EAGAIN);
	pick(f, second);
	make_request(f, "EX01/b");
	assert_key(f, "EX01/b", second, true);
	assert_key(f, "EX01/b", first, false);
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 0);

	/* A new one that gets the number of an old one isn't taken for it. */
	assert_true(refill(f));
	assert_int_equal(take(f, &which, true), -EAGAIN);
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 1);
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_non_null(strstr(f->text.data, "\"operation\":\"ready-key\""));
}

static void refused__request_takes_none(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_write(f, "_settings/ready-keys", "1\n"));
	assert_true(refill(f));
	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	fx_assert_refused(f, fx_write(f, "EX01/mail/self-signed", "services = UM\nCN=mail\n"),
			  EOPNOTSUPP, "");
	fx_assert_refused(f, fx_write(f, "EX01/mail/request.csr", "CN=a..b\n"), EINVAL, "");
	fx_assert_text(f, "EX01/mail/status", "Draft\n");
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 1);
	cf_err_reset(&f->err);
	fx_ok(f, fx_write(f, "EX01/mail/self-signed", "services = SMTP\nCN=mail\n"));
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 0);
}

static void stock__is_of_the_types_in_use(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_write(f, "_settings/ready-keys", "1\n"));
	fx_ok(f, fx_write(f, "EX01/_settings/key-type", "p256\n"));
	assert_false(refill(f));
	fx_ok(f, fx_write(f, "EX01/_settings/key-type", "rsa2048\n"));
	assert_true(refill(f));
	assert_false(refill(f));
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 1);

	/* Others are made when they are asked for. */
	fx_request(f, "EX01", "p256");
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 1);
	fx_ok(f, fx_write(f, "EX01/_settings/key-type", "rsa3072\n"));
	assert_true(refill(f));
	assert_int_equal(stock(f, CF_SECRET_READY_RSA2048), 0);
	assert_true(refill(f));
	assert_false(refill(f));
	assert_int_equal(stock(f, CF_SECRET_READY_RSA3072), 1);
	make_request(f, "EX01/mail");
	fx_assert_text(f, "EX01/mail/key-type", "rsa3072\n");
	assert_int_equal(stock(f, CF_SECRET_READY_RSA3072), 0);
	assert_true(refill(f));
	fx_ok(f, fx_write(f, "_settings/ready-keys", "\n"));
	assert_true(refill(f));
	assert_false(refill(f));
	assert_int_equal(stock(f, CF_SECRET_READY_RSA3072), 0);
}

static bool holds(const char *path, struct cf_span bytes)
{
	FILE *file = fopen(path, "r");
	char *all = malloc(16 << 20);
	size_t n;
	bool found;

	if (!file) {
		free(all);
		return false;
	}
	n = fread(all, 1, 16 << 20, file);
	fclose(file);
	found = memmem(all, n, bytes.data, bytes.len) != NULL;
	free(all);
	return found;
}

static void key__is_sealed_on_disk(void **state)
{
	static const char *const files[] = { "", "-wal" };
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	cf_auto(cf_buf_done) struct cf_buf pkcs8 = { 0 };
	struct fixture *f = *state;
	struct cf_ready which;
	char path[128];

	fx_ok(f, fx_write(f, "_settings/ready-keys", "1\n"));
	assert_true(refill(f));
	assert_int_equal(cf_ready_pick(&f->ctx, CF_KEY_RSA2048, &key, &which, &f->err), 1);
	assert_int_equal(cf_key_to_pkcs8(key, &pkcs8, &f->err), 0);
	for (size_t i = 0; i < CF_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, files[i]);
		assert_false(holds(path, cf_span(pkcs8.data + 40, 32)));  /* modulus */
		assert_false(holds(path, cf_span(pkcs8.data + 320, 32))); /* exponent */
	}
	snprintf(path, sizeof(path), "%s-wal", f->path);
	assert_true(holds(path, cf_span_text("ready-keys")) ||
		    holds(f->path, cf_span_text("ready-keys")));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(stock__is_none_unless_asked_for), T(stock__is_used_once_and_kept),
		T(refused__request_takes_none),     T(stock__is_of_the_types_in_use),
		T(key__is_sealed_on_disk),
	};

	return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}
