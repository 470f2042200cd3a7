/* core/procedures/renew: what the new one has of the old, its name, and what is refused. */
#include "tests/unit/tree_fixture.h"

#include <time.h>

#include "core/store/certificate.h"
#include "core/store/server.h"

static int set_up(void **state)
{
	struct fixture *f;

	fx_setup(state);
	f = *state;
	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, fx_write(f, "EX01/_settings/key-type", "p256\n"));
	return 0;
}

static void self_signed(struct fixture *f, const char *dir, const char *text)
{
	char path[512];

	fx_ok(f, fx_mkdir(f, dir));
	fx_path(path, "%s/self-signed", dir);
	fx_ok(f, fx_write(f, path, text));
}

/* The file reads the same in both. */
static void assert_same(struct fixture *f, const char *a, const char *b)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };

	fx_ok(f, fx_read(f, a));
	fx_ok(f, cf_buf_puts(&text, cf_buf_text(&f->text), &f->err));
	fx_assert_text(f, b, text.data);
}

static void assert_copied(struct fixture *f, const char *old, const char *new)
{
	static const char *const files[] = { "subject", "domains", "key-type", "exportable",
					     "friendly-name" };
	char a[512], b[512];

	for (size_t i = 0; i < CF_COUNT(files); i++) {
		fx_path(a, "%s/%s", old, files[i]);
		fx_path(b, "%s/%s", new, files[i]);
		assert_same(f, a, b);
	}
}

static int entries(struct fixture *f)
{
	int64_t n = 0;
	struct cf_server server;
	struct cf_db *db;

	fx_ok(f, cf_store_read(f->core.store, &db, &f->err));
	fx_ok(f, cf_store_server_find(db, "EX01", &server, &f->err));
	fx_ok(f, cf_store_certificate_count(db, server.id, &n, &f->err));
	cf_db_done(db);
	return (int)n;
}

static void renew__of_a_ca_is_a_pending_request(void **state)
{
	struct fixture *f = *state;
	struct cf_attr before, after;
	cf_auto(cf_buf_done) struct cf_buf spki = { 0 };

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_write(f, "EX01/mail/friendly-name", "Mail\n"));
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	before = fx_stat(f, "EX01/mail");
	fx_assert_text(f, "EX01/mail/renew", "");
	fx_ok(f, fx_write(f, "EX01/mail/renew", "mail-2027\n"));
	fx_assert_text(f, "EX01/mail-2027/status", "PendingRequest\n");
	assert_copied(f, "EX01/mail", "EX01/mail-2027");
	fx_ok(f, fx_read(f, "EX01/mail/tlsa"));
	fx_ok(f, cf_buf_puts(&spki, cf_buf_text(&f->text), &f->err));
	fx_ok(f, fx_read(f, "EX01/mail-2027/tlsa"));
	assert_string_not_equal(cf_buf_text(&f->text), spki.data);
	assert_false(fx_exists(f, "EX01/mail-2027/renew"));
	after = fx_stat(f, "EX01/mail");
	assert_int_equal(after.mtime, before.mtime);
	fx_assert_text(f, "EX01/mail/services", "SMTP\n");
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_non_null(strstr(f->text.data, "\"operation\":\"renew\",\"server\":\"EX01\","
					     "\"certificate\":\"mail-2027\""));
}

/* And then hands the services over. */
static void renew__is_completed_by_the_answer(void **state)
{
	struct fixture *f = *state;
	struct made m;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\nIIS\n"));
	fx_ok(f, fx_write(f, "EX01/mail/renew", "new\n"));
	m = fx_answer(f, "EX01/new", (struct spec){ 0 });
	fx_ok(f, fx_drop(f, "EX01/a.cer", &m));
	made_done(&m);
	fx_assert_text(f, "EX01/new/status", "Valid\n");
	fx_ok(f, fx_append(f, "EX01/new/services", "SMTP\nIIS\n"));
	fx_assert_text(f, "EX01/new/services", "SMTP\nIIS\n");
}

static void renew__of_a_self_signed_one_is_at_once_a_certificate(void **state)
{
	struct fixture *f = *state;

	self_signed(f, "EX01/mail",
		    "friendly-name = Mail\nexportable = yes\ndomains = *.b.example 10.0.0.1\n"
		    "C=US, S=WA, O=\"Contoso, Ltd.\", CN=mail.contoso.com\n");
	fx_ok(f, fx_write(f, "EX01/mail/renew", "new"));
	fx_assert_text(f, "EX01/new/status", "Valid\n");
	assert_copied(f, "EX01/mail", "EX01/new");
	assert_same(f, "EX01/mail/issuer", "EX01/new/issuer");
	assert_false(fx_exists(f, "EX01/new/request.csr"));
	fx_ok(f, fx_read(f, "EX01/new/thumbprint"));
	fx_ok(f, fx_write(f, "EX01/new/renew", "newer\n"));
	fx_assert_text(f, "EX01/newer/status", "Valid\n");
}

static void renew__of_an_expired_one_works(void **state)
{
	struct fixture *f = *state;
	struct made m;

	fx_request(f, "EX01", "old");
	m = fx_answer(f, "EX01/old", (struct spec){ .to = "20250101000000Z" });
	fx_ok(f, fx_drop(f, "EX01/old/a.cer", &m));
	made_done(&m);
	fx_assert_text(f, "EX01/old/status", "DateInvalid\n");
	fx_ok(f, fx_write(f, "EX01/old/renew", "new\n"));
	fx_assert_text(f, "EX01/new/status", "PendingRequest\n");
	fx_assert_text(f, "EX01/old/status", "DateInvalid\n");
}

static void assert_named(struct fixture *f, const char *dir, const char *wanted, const char *more)
{
	time_t now = time(NULL);
	struct tm tm;
	char path[512];

	gmtime_r(&now, &tm);
	fx_path(path, "%s/renew", dir);
	fx_ok(f, fx_write(f, path, "\n"));
	fx_path(path, "%s-%d%s/status", wanted, tm.tm_year + 1900, more);
	fx_assert_text(f, path, "Valid\n");
}

static void name__of_an_empty_line_is_the_year_then_a_number(void **state)
{
	struct fixture *f = *state;

	self_signed(f, "EX01/mail", "CN=a.b\n");
	self_signed(f, "EX01/web-2019", "CN=a.b\n");
	self_signed(f, "EX01/web-2020-3", "CN=a.b\n");
	self_signed(f, "EX01/node-7", "CN=a.b\n");
	assert_named(f, "EX01/mail", "EX01/mail", "");
	assert_named(f, "EX01/mail", "EX01/mail", "-2");
	assert_named(f, "EX01/mail", "EX01/mail", "-3");
	assert_named(f, "EX01/web-2019", "EX01/web", "");
	assert_named(f, "EX01/web-2020-3", "EX01/web", "-2");
	assert_named(f, "EX01/node-7", "EX01/node-7", "");
}

static void refused__names_make_nothing(void **state)
{
	struct fixture *f = *state;
	int n;

	self_signed(f, "EX01/mail", "CN=a.b\n");
	self_signed(f, "EX01/web", "CN=a.b\n");
	n = entries(f);
	fx_assert_refused(f, fx_write(f, "EX01/mail/renew", "web\n"), EEXIST, "'web' already");
	fx_assert_refused(f, fx_write(f, "EX01/mail/renew", "WEB\n"), EEXIST, "'web' already");
	fx_assert_refused(f, fx_write(f, "EX01/mail/renew", "mail\n"), EEXIST, "'mail' already");
	fx_assert_refused(f, fx_write(f, "EX01/mail/renew", "_x\n"), EPERM, "_x");
	fx_assert_refused(f, fx_write(f, "EX01/mail/renew", "a/b\n"), EINVAL, "a/b");
	fx_assert_refused(f, fx_write(f, "EX01/mail/renew", "CON\n"), EINVAL, "CON");
	fx_assert_refused(f, fx_write(f, "EX01/mail/renew", "a\nb\n"), EINVAL, "one line");
	fx_ok(f, fx_write(f, "EX01/mail/renew", ""));
	assert_int_equal(entries(f), n);
}

static void refused__in_drafts_and_requests(void **state)
{
	struct fixture *f = *state;
	int n;

	fx_request(f, "EX01", "pending");
	fx_ok(f, fx_mkdir(f, "EX01/draft"));
	n = entries(f);
	fx_assert_refused(f, fx_write(f, "EX01/pending/renew", "x\n"), EACCES,
			  "there is no certificate yet");
	fx_assert_refused(f, fx_write(f, "EX01/draft/renew", "x\n"), EACCES,
			  "there is no certificate yet");
	assert_int_equal(entries(f), n);
}

/* A handle makes one, and a name that comes in pieces is one name. */
static void write__in_pieces_is_one_name(void **state)
{
	struct fixture *f = *state;
	struct cf_open *open;
	int n;

	self_signed(f, "EX01/mail", "CN=a.b\n");
	n = entries(f);
	fx_ok(f, fx_open_file(f, "EX01/mail/renew", O_WRONLY, &open));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("ne"), &f->err));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 2, cf_span_text("w\n"), &f->err));
	fx_assert_text(f, "EX01/new/status", "Valid\n");
	fx_assert_refused(f,
			  cf_tree_write(f->tree, &f->ctx, open, 4, cf_span_text("more\n"), &f->err),
			  EACCES, "is done");
	cf_err_reset(&f->err);
	fx_ok(f, cf_tree_flush(f->tree, &f->ctx, open, &f->err));
	cf_tree_release(f->tree, open);
	assert_int_equal(entries(f), n + 1);
}

static void times__set_on_it_make_nothing(void **state)
{
	struct fixture *f = *state;
	struct cf_setattr set = { .has_mtime = true, .mtime = CF_SECOND };
	struct cf_attr ret;
	int n;

	self_signed(f, "EX01/mail", "CN=a.b\n");
	n = entries(f);
	fx_ok(f, cf_tree_setattr(f->tree, &f->ctx, fx_stat(f, "EX01/mail/renew").ino, NULL, &set,
				 &ret, &f->err));
	assert_int_equal(entries(f), n);
}

/* Also one whose name is in the domains alone, so that nothing is left of the subject. */
static void subject__that_is_empty_stays_empty(void **state)
{
	struct fixture *f = *state;
	struct made m;

	fx_trust(f);
	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	fx_ok(f, fx_write(f, "EX01/mail/request.csr",
			  "O=Contoso, CN=a-name-of-more-than-sixty-four-bytes.with-many-labels."
			  "contoso.com\n"));
	m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	fx_ok(f, fx_drop(f, "EX01/mail/a.cer", &m));
	made_done(&m);
	fx_ok(f, fx_write(f, "EX01/mail/renew", "new\n"));
	assert_copied(f, "EX01/mail", "EX01/new");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(renew__of_a_ca_is_a_pending_request),
		T(renew__is_completed_by_the_answer),
		T(renew__of_a_self_signed_one_is_at_once_a_certificate),
		T(renew__of_an_expired_one_works),
		T(name__of_an_empty_line_is_the_year_then_a_number),
		T(refused__names_make_nothing),
		T(refused__in_drafts_and_requests),
		T(write__in_pieces_is_one_name),
		T(times__set_on_it_make_nothing),
		T(subject__that_is_empty_stays_empty),
	};

	return cmocka_run_group_tests_name("renew", tests, NULL, NULL);
}
