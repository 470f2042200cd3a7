/* core/procedures/complete, answer: what a dropped file without a key is for, and who may complete what. */
#include "tests/unit/tree_fixture.h"

#include <openssl/pkcs12.h>

#include "core/crypto/pem.h"
#include "core/store/certificate.h"

static int set_up(void **state)
{
	struct fixture *f;

	fx_setup(state);
	f = *state;
	f->core.umask = 0;
	fx_request(f, "EX01", "mail");
	fx_request(f, "EX02", "web");
	return 0;
}

/* A bundle of n certificates, dropped under a path. */
static int drop_all(struct fixture *f, const char *path, size_t n, const struct made *const *made)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };

	for (size_t i = 0; i < n; i++)
		assert_int_equal(
			cf_pem_write("CERTIFICATE", cf_span_buf(&made[i]->der), &text, NULL), 0);
	return fx_write_bytes(f, path, O_CREAT | O_TRUNC, cf_span_buf(&text));
}

#define DROP(f, path, ...)                                                                         \
	drop_all(f, path,                                                                          \
		 sizeof((const struct made *const[]){ __VA_ARGS__ }) /                             \
			 sizeof(const struct made *),                                              \
		 (const struct made *const[]){ __VA_ARGS__ })

static int64_t events(struct fixture *f)
{
	fx_ok(f, fx_read(f, "_audit.log"));
	return (int64_t)f->text.len;
}

static int remove_certificate(struct fixture *f, const char *server, const char *name)
{
	cf_err_reset(&f->err);
	return cf_tree_rmdir(f->tree, &f->ctx, fx_stat(f, server).ino, name, &f->err);
}

/* Do the key in an export and the certificate beside it belong together? */
static void assert_exports(struct fixture *f, const char *certificate)
{
	char path[512];
	const unsigned char *p;
	PKCS12 *p12;
	EVP_PKEY *key = NULL;
	X509 *x = NULL;

	fx_path(path, "%s/export.password", certificate);
	fx_ok(f, fx_write(f, path, "x\n"));
	fx_path(path, "%s/export.pfx", certificate);
	fx_ok(f, fx_read(f, path));
	p = (const unsigned char *)f->text.data;
	p12 = d2i_PKCS12(NULL, &p, (long)f->text.len);
	assert_int_equal(PKCS12_parse(p12, "x", &key, &x, NULL), 1);
	assert_int_equal(X509_check_private_key(x, key), 1);
	X509_free(x);
	EVP_PKEY_free(key);
	PKCS12_free(p12);
}

static void several__requests_are_completed_by_one_file(void **state)
{
	struct fixture *f = *state;
	struct made mail = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made web = fx_answer(f, "EX02/web", (struct spec){ 0 });
	struct made stranger = make((struct spec){ .cn = "x.example", .issuer = &f->root });
	int64_t before;

	fx_ok(f, fx_drop(f, "_trust/root.cer", &f->root));
	fx_ok(f, DROP(f, "all.pem", &stranger, &web, &f->intermediate, &mail, &f->root));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	fx_assert_text(f, "EX02/web/status", "Valid\n");
	assert_true(fx_exists(f, "EX01/mail/chain.pem"));
	assert_true(fx_exists(f, "EX02/web/chain.pem"));
	before = events(f);
	fx_ok(f, DROP(f, "EX02/again.pem", &mail, &f->intermediate, &web));
	fx_ok(f, DROP(f, "EX01/mail/again.pem", &stranger, &mail));
	assert_int_equal(events(f), before);
	made_done(&stranger);
	made_done(&web);
	made_done(&mail);
}

static void several__requests_are_completed_from_the_directory_of_one(void **state)
{
	struct fixture *f = *state;
	struct made mail = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made web = fx_answer(f, "EX02/web", (struct spec){ 0 });

	fx_request(f, "EX01", "third");
	fx_assert_refused(f, DROP(f, "EX01/third/all.pem", &web, &mail), EKEYREJECTED, "EX02/web");
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	cf_err_reset(&f->err);
	fx_ok(f, DROP(f, "EX01/mail/all.pem", &web, &mail));
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	fx_assert_text(f, "EX02/web/status", "Untrusted\n");
	made_done(&web);
	made_done(&mail);
}

static void give(struct fixture *f, const char *path, int64_t gid, unsigned mode)
{
	struct cf_setattr set = {
		.has_mode = true, .mode = mode, .has_gid = true, .gid = (gid_t)gid
	};
	struct cf_attr attr;

	f->ctx.caller.uid = 0;
	fx_ok(f,
	      cf_tree_setattr(f->tree, &f->ctx, fx_stat(f, path).ino, NULL, &set, &attr, &f->err));
}

static void become(struct fixture *f, uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	f->ctx.caller.uid = uid;
	f->ctx.caller.gid = gid;
	f->ctx.caller.groups = groups;
	f->ctx.caller.n_groups = n;
}

static void several__requests_are_completed_all_or_none(void **state)
{
	static const gid_t groups[] = { 4712, 4713 };
	struct fixture *f = *state;
	struct made mail = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made web = fx_answer(f, "EX02/web", (struct spec){ 0 });
	int64_t before;

	give(f, "EX01/mail", 4712, 0775);
	before = events(f);
	become(f, 4711, 4711, groups, 2);
	fx_assert_refused(f, DROP(f, "all.pem", &mail, &web), EACCES, "may not write");
	fx_assert_refused(f, DROP(f, "EX01/mail/all.pem", &mail, &web), EACCES, "may not write");
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	fx_assert_text(f, "EX02/web/status", "PendingRequest\n");
	become(f, 0, 0, NULL, 0);
	assert_int_equal(events(f), before);
	give(f, "EX02/web", 4713, 0775);
	become(f, 4711, 4711, groups, 2);
	fx_ok(f, DROP(f, "all.pem", &mail, &web));
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	fx_assert_text(f, "EX02/web/status", "Untrusted\n");
	made_done(&web);
	made_done(&mail);
}

/* What -o umask= takes away isn't there. */
static void rights__are_less_the_umask_of_the_mount(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });

	give(f, "EX01/mail", 4711, 0775);
	f->core.umask = 020;
	become(f, 4711, 4711, NULL, 0);
	fx_assert_refused(f, fx_drop(f, "EX02/a.cer", &m), EACCES, "may not write");
	f->core.umask = 02;
	cf_err_reset(&f->err);
	fx_ok(f, fx_drop(f, "EX02/a.cer", &m));
	become(f, 0, 0, NULL, 0);
	made_done(&m);
}

/* POSIX: the first of owner, group and others that the caller is in decides. */
static void rights__are_those_of_the_directories(void **state)
{
	static const gid_t in[] = { 1, 4712, 4714 }, out[] = { 1, 4714 };
	static const struct {
		unsigned server, certificate;
		gid_t gid;
		bool in;
		int r;
	} cases[] = {
		{ 0755, 0755, 4711, true, -EACCES },  { 0755, 0775, 4711, false, -EACCES },
		{ 0755, 0765, 4711, true, -EACCES },  { 0755, 0702, 4711, true, -EACCES },
		{ 0755, 0703, 4711, true, -EACCES },  { 0750, 0775, 4711, true, -EACCES },
		{ 0754, 0777, 4711, false, -EACCES }, { 0755, 0707, 4712, false, -EACCES },
		{ 0755, 0757, 4711, false, 0 },       { 0755, 0775, 4711, true, 0 },
		{ 0751, 0730, 4712, false, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		struct made m;
		char path[512];
		int r;

		fx_path(path, "EX01/case%zu", i);
		fx_request(f, "EX01", path + 5);
		m = fx_answer(f, path, (struct spec){ 0 });
		give(f, "EX01", 9, cases[i].server);
		give(f, path, 4712, cases[i].certificate);
		become(f, 4711, cases[i].gid, cases[i].in ? in : out, cases[i].in ? 3 : 2);
		r = fx_drop(f, "EX02/answer.cer", &m);
		become(f, 0, 0, NULL, 0);
		if (r != cases[i].r)
			fail_msg("case %zu: %d, not %d", i, r, cases[i].r);
		strcat(path, "/status");
		fx_assert_text(f, path, r ? "PendingRequest\n" : "Untrusted\n");
		made_done(&m);
	}
}

static void another__certificate_for_a_key_shares_it_in_a_server(void **state)
{
	struct fixture *f = *state;
	struct made first = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made second = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made third = fx_answer(f, "EX01/mail", (struct spec){ .cn = "mail.contoso.com" });
	int64_t before;

	fx_trust(f);
	fx_ok(f, fx_write(f, "EX01/mail/friendly-name", "Mail\n"));
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &first));
	before = events(f);
	fx_assert_refused(f, fx_drop(f, "EX01/mail/b.cer", &second), EEXIST, "EX01/mail");
	fx_assert_refused(f, fx_drop(f, "b.cer", &second), EEXIST, "EX01/mail");
	fx_assert_refused(f, fx_drop(f, "EX01/mail.cer", &second), EEXIST, "'mail' already");
	assert_int_equal(events(f), before);
	cf_err_reset(&f->err);
	fx_ok(f, fx_drop(f, "EX01/second.cer", &second));
	fx_ok(f, fx_drop(f, "EX02/certificate.cer", &third));
	fx_assert_text(f, "EX01/second/status", "Valid\n");
	fx_assert_text(f, "EX01/second/friendly-name", "Mail\n");
	fx_assert_text(f, "EX01/second/exportable", "yes\n");
	fx_assert_text(f, "EX01/second/key-type", "p256\n");
	fx_assert_text(f, "EX02/Mail/status", "Valid\n");
	assert_false(fx_exists(f, "EX01/second/request.csr"));
	before = events(f);
	fx_ok(f, fx_drop(f, "EX01/second.cer", &second));
	fx_ok(f, fx_drop(f, "EX02/other.cer", &second));
	fx_ok(f, fx_drop(f, "other.cer", &third));
	assert_int_equal(events(f), before);
	assert_exports(f, "EX01/second");
	fx_ok(f, remove_certificate(f, "EX01", "mail"));
	assert_exports(f, "EX01/second");
	fx_ok(f, remove_certificate(f, "EX01", "second"));
	assert_exports(f, "EX02/Mail");
	fx_ok(f, fx_append(f, "EX02/Mail/services", "SMTP\n"));
	made_done(&third);
	made_done(&second);
	made_done(&first);
}

static void shared__key_is_no_more_exportable_than_it_was(void **state)
{
	struct fixture *f = *state;
	struct made first, second;

	fx_ok(f, fx_mkdir(f, "EX01/fixed"));
	fx_ok(f, fx_write(f, "EX01/fixed/request.csr",
			  "key-type = p256\nexportable = no\nCN=fixed.contoso.com\n"));
	fx_ok(f, fx_write(f, "EX02/_settings/exportable-imports", "yes\n"));
	first = fx_answer(f, "EX01/fixed", (struct spec){ .cn = "fixed.contoso.com" });
	second = fx_answer(f, "EX01/fixed", (struct spec){ .cn = "fixed.contoso.com" });
	fx_ok(f, fx_drop(f, "EX01/fixed/answer.cer", &first));
	fx_ok(f, fx_drop(f, "EX02/copy.cer", &second));
	fx_assert_text(f, "EX02/copy/exportable", "no\n");
	fx_ok(f, fx_write(f, "EX02/copy/export.password", "x\n"));
	assert_false(fx_exists(f, "EX02/copy/export.pfx"));
	made_done(&second);
	made_done(&first);
}

static void shared__key_needs_the_right_to_write_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct made first = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made second = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	int64_t before;

	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &first));
	give(f, "EX01/mail", 9, 0755);
	before = events(f);
	become(f, 4711, 4711, NULL, 0);
	fx_assert_refused(f, fx_drop(f, "EX02/copy.cer", &second), EACCES, "a key that you may");
	become(f, 0, 0, NULL, 0);
	assert_false(fx_exists(f, "EX02/copy"));
	assert_int_equal(events(f), before);
	give(f, "EX01/mail", 4711, 0775);
	become(f, 4711, 4711, NULL, 0);
	fx_ok(f, fx_drop(f, "EX02/copy.cer", &second));
	become(f, 0, 0, NULL, 0);
	assert_exports(f, "EX02/copy");
	made_done(&second);
	made_done(&first);
}

static void two__certificates_for_one_request(void **state)
{
	struct fixture *f = *state;
	struct made first = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made second = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	int64_t before = events(f);

	fx_assert_refused(f, DROP(f, "EX01/mail/a.pem", &first, &second), EEXIST, "EX01/mail");
	fx_assert_refused(f, DROP(f, "a.pem", &first, &second), EEXIST, "EX01/mail");
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	assert_int_equal(events(f), before);
	cf_err_reset(&f->err);
	fx_ok(f, DROP(f, "EX02/new.pem", &first, &second));
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	assert_exports(f, "EX02/new");
	before = events(f);
	fx_ok(f, DROP(f, "EX02/new.pem", &first, &second));
	fx_ok(f, DROP(f, "EX02/newer.pem", &second, &first));
	assert_int_equal(events(f), before);
	made_done(&second);
	made_done(&first);
}

static void issuers__alone_complete_every_chain_that_they_fit_on_that_server(void **state)
{
	struct fixture *f = *state;
	struct made answers[3];
	static const char *const requests[] = { "EX01/mail", "EX01/other", "EX02/web" };
	char path[512];

	fx_request(f, "EX01", "other");
	fx_ok(f, fx_drop(f, "_trust/root.cer", &f->root));
	for (int i = 0; i < 3; i++) {
		answers[i] = fx_answer(f, requests[i], (struct spec){ 0 });
		fx_path(path, "%s/answer.cer", requests[i]);
		fx_ok(f, fx_drop(f, path, &answers[i]));
	}
	fx_assert_refused(f, fx_drop(f, "intermediate.cer", &f->intermediate), EINVAL,
			  "into a server");
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	cf_err_reset(&f->err);
	fx_ok(f, fx_drop(f, "EX01/intermediate.cer", &f->intermediate));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	fx_assert_text(f, "EX01/other/status", "Valid\n");
	fx_assert_text(f, "EX02/web/status", "Untrusted\n");
	fx_ok(f, fx_mkdir(f, "EX03"));
	fx_ok(f, fx_drop(f, "EX03/intermediate.cer", &f->intermediate));
	fx_request(f, "EX03", "later");
	made_done(&answers[0]);
	answers[0] = fx_answer(f, "EX03/later", (struct spec){ 0 });
	fx_ok(f, fx_drop(f, "answer.cer", &answers[0]));
	fx_assert_text(f, "EX03/later/status", "Valid\n");
	for (int i = 0; i < 3; i++)
		made_done(&answers[i]);
}

static void root__takes_no_key_whatever_its_password(void **state)
{
	struct fixture *f = *state;
	struct made m = make((struct spec){ .cn = "x.contoso.com", .issuer = &f->intermediate });
	PKCS12 *p12 = PKCS12_create("unknown", NULL, m.key, m.x, NULL, 0, 0, 100, 100, 0);
	unsigned char *der = NULL;
	int n = i2d_PKCS12(p12, &der);
	int64_t before;

	fx_ok(f, fx_write(f, "_import.password", "another\n"));
	before = events(f);
	fx_assert_refused(f, fx_write_bytes(f, "x.pfx", O_CREAT | O_TRUNC, cf_span(der, (size_t)n)),
			  EINVAL, "into a server");
	fx_assert_refused(
		f, fx_write_bytes(f, "EX01/x.pfx", O_CREAT | O_TRUNC, cf_span(der, (size_t)n)),
		EKEYREJECTED, "");
	assert_int_equal(events(f), before);
	OPENSSL_free(der);
	PKCS12_free(p12);
	made_done(&m);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(several__requests_are_completed_by_one_file),
		T(several__requests_are_completed_from_the_directory_of_one),
		T(several__requests_are_completed_all_or_none),
		T(rights__are_less_the_umask_of_the_mount),
		T(rights__are_those_of_the_directories),
		T(another__certificate_for_a_key_shares_it_in_a_server),
		T(shared__key_is_no_more_exportable_than_it_was),
		T(shared__key_needs_the_right_to_write_where_it_is),
		T(two__certificates_for_one_request),
		T(issuers__alone_complete_every_chain_that_they_fit_on_that_server),
		T(root__takes_no_key_whatever_its_password),
	};

	return cmocka_run_group_tests_name("complete", tests, NULL, NULL);
}
