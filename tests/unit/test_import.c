/* core/procedures/import and deliver: what is dropped with its key, and which password opens it. */
#include "tests/unit/tree_fixture.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "core/base/name.h"
#include "core/crypto/pem.h"
#include "core/store/certificate.h"

static int set_up(void **state)
{
	struct fixture *f;

	fx_setup(state);
	f = *state;
	fx_ok(f, fx_mkdir(f, "EX01"));
	return 0;
}

/* A leaf by the intermediate. */
static struct made leaf(struct fixture *f, const char *cn)
{
	return make((struct spec){ .cn = cn, .issuer = &f->intermediate });
}

/* A PKCS#12 of m with the intermediate. */
static struct cf_buf pfx(struct fixture *f, const struct made *m, const char *password,
			 const char *friendly)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct cf_buf out = { 0 };
	unsigned char *der = NULL;
	PKCS12 *p12;
	int n;

	sk_X509_push(chain, f->intermediate.x);
	p12 = PKCS12_create(password, friendly, m->key, m->x, chain, 0, 0, 100, 100, 0);
	assert_non_null(p12);
	n = i2d_PKCS12(p12, &der);
	assert_int_equal(cf_buf_append(&out, der, (size_t)n, NULL), 0);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_X509_free(chain);
	return out;
}

static int drop(struct fixture *f, const char *path, const struct cf_buf *bytes)
{
	return fx_write_bytes(f, path, O_CREAT | O_TRUNC, cf_span_buf(bytes));
}

static int count(struct fixture *f)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int64_t after = 0;
	int n = 0;

	fx_ok(f, cf_store_read(f->core.store, &db, &f->err));
	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		if (cf_store_certificate_next_any(db, after, &row, &f->err) <= 0)
			return n;
		after = row.id;
		n++;
	}
}

static void server__gets_a_certificate_named_after_the_file(void **state)
{
	struct fixture *f = *state;
	struct made m = leaf(f, "mail.contoso.com");
	struct cf_buf bytes = pfx(f, &m, "secret", "Contoso Mail 2026");

	fx_ok(f, fx_drop(f, "_trust/root.cer", &f->root));
	fx_ok(f, fx_write(f, "EX01/_import.password", "secret\n"));
	fx_assert_text(f, "EX01/_import.password", "");
	fx_ok(f, drop(f, "EX01/contoso.pfx", &bytes));
	fx_assert_text(f, "EX01/contoso/status", "Valid\n");
	fx_assert_text(f, "EX01/contoso/friendly-name", "Contoso Mail 2026\n");
	fx_assert_text(f, "EX01/contoso/exportable", "no\n");
	fx_assert_text(f, "EX01/contoso/key-type", "p256\n");
	fx_assert_text(f, "EX01/contoso/domains", "mail.contoso.com\n");
	assert_true(fx_exists(f, "EX01/contoso/chain.pem"));
	assert_false(fx_exists(f, "EX01/contoso/request.csr"));
	fx_ok(f, fx_write(f, "EX01/contoso/export.password", "x\n"));
	assert_false(fx_exists(f, "EX01/contoso/export.pfx"));
	fx_ok(f, fx_append(f, "EX01/contoso/services", "SMTP\n"));
	fx_ok(f, fx_read(f, "EX01/contoso/certificate.cer"));
	assert_memory_equal(f->text.data, m.der.data, m.der.len);
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_non_null(strstr(f->text.data, "\"operation\":\"import\""));
	assert_null(strstr(f->text.data, "secret"));
	cf_buf_done(&bytes);
	made_done(&m);
}

static void again__succeeds_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct made m = leaf(f, "mail.contoso.com");
	struct made other = leaf(f, "other.contoso.com");
	struct cf_buf bytes = pfx(f, &m, "", NULL), more = pfx(f, &other, "", NULL);
	struct cf_attr before, after;

	fx_ok(f, drop(f, "EX01/contoso.pfx", &bytes));
	before = fx_stat(f, "EX01/contoso");
	fx_ok(f, drop(f, "EX01/contoso.pfx", &bytes));
	fx_ok(f, drop(f, "EX01/again.p12", &bytes));
	fx_ok(f, drop(f, "EX01/contoso/again.pfx", &bytes));
	after = fx_stat(f, "EX01/contoso");
	assert_int_equal(before.ctime, after.ctime);
	assert_int_equal(count(f), 1);
	fx_assert_refused(f, drop(f, "EX01/contoso.pfx", &more), EEXIST, "'contoso' already");
	fx_assert_refused(f, drop(f, "EX01/contoso/x.pfx", &more), EEXIST, "another certificate");
	fx_assert_refused(f, drop(f, "x.pfx", &more), EINVAL, "not into the root");
	assert_int_equal(count(f), 1);
	fx_ok(f, fx_mkdir(f, "EX02"));
	fx_ok(f, drop(f, "EX02/contoso.pfx", &bytes));
	assert_int_equal(count(f), 2);
	cf_buf_done(&bytes);
	cf_buf_done(&more);
	made_done(&other);
	made_done(&m);
}

static void draft__is_filled_and_a_request_is_not(void **state)
{
	struct fixture *f = *state;
	struct made m = leaf(f, "mail.contoso.com");
	struct cf_buf bytes = pfx(f, &m, NULL, NULL);

	fx_request(f, "EX01", "pending");
	fx_assert_refused(f, drop(f, "EX01/pending/x.pfx", &bytes), EEXIST, "a request already");
	fx_ok(f, fx_mkdir(f, "EX01/web"));
	fx_ok(f, fx_write(f, "EX01/web/exportable", "yes\n"));
	fx_ok(f, fx_write(f, "EX01/web/friendly-name", "Web\n"));
	fx_ok(f, fx_write(f, "EX01/web/export.password", "x\n"));
	fx_ok(f, drop(f, "EX01/web/x.pfx", &bytes));
	fx_assert_text(f, "EX01/web/status", "Untrusted\n");
	fx_assert_text(f, "EX01/web/friendly-name", "Web\n");
	fx_assert_text(f, "EX01/web/subject", "CN=mail.contoso.com\n");
	fx_ok(f, fx_read(f, "EX01/web/export.pfx"));
	fx_ok(f, fx_mkdir(f, "EX01/plain"));
	fx_ok(f, drop(f, "EX01/plain/x.pfx", &bytes));
	fx_assert_text(f, "EX01/plain/exportable", "no\n");
	cf_buf_done(&bytes);
	made_done(&m);
}

static void export__of_one_server_opens_on_another_with_the_password_it_was_made_with(void **state)
{
	struct fixture *f = *state;
	struct cf_buf bytes = { 0 };

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "of this one\n"));
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	cf_buf_move(&bytes, &f->text);
	fx_ok(f, fx_mkdir(f, "EX02"));
	fx_ok(f, drop(f, "EX02/copy.pfx", &bytes));
	fx_assert_text(f, "EX02/copy/status", "Valid\n");
	fx_ok(f, drop(f, "EX01/mail/export.pfx.pfx", &bytes));
	assert_int_equal(count(f), 2);
	cf_buf_done(&bytes);
}

static void password__missing_is_ENOKEY_and_wrong_is_EKEYREJECTED(void **state)
{
	static const char *const places[] = { "_import.password", "EX01/_import.password",
					      "_export.password", "EX01/_export.password" };
	struct fixture *f = *state;
	struct made m = leaf(f, "mail.contoso.com");
	struct cf_buf bytes = pfx(f, &m, "Grüße 漢字 😀", NULL);
	char path[512];

	fx_assert_refused(f, drop(f, "EX01/a.pfx", &bytes), ENOKEY, "_import.password");
	for (size_t i = 0; i < CF_COUNT(places); i++) {
		fx_ok(f, fx_write(f, places[i], "wrong\n"));
		fx_assert_refused(f, drop(f, "EX01/a.pfx", &bytes), EKEYREJECTED,
				  "_import.password");
		assert_int_equal(count(f), 0);
		fx_ok(f, fx_write(f, places[i], "Grüße 漢字 😀\n"));
		fx_path(path, "EX01/%zu.pfx", i);
		fx_ok(f, drop(f, path, &bytes));
		assert_int_equal(count(f), 1);
		fx_path(path, "%zu", i);
		fx_ok(f, cf_tree_rmdir(f->tree, &f->ctx, fx_stat(f, "EX01").ino, path, &f->err));
		fx_ok(f, fx_write(f, places[i], "\n"));
	}
	fx_assert_refused(f, drop(f, "EX01/a.pfx", &bytes), ENOKEY, "no password");
	cf_buf_done(&bytes);
	made_done(&m);
}

static void key__is_not_readable_after_it_was_accepted(void **state)
{
	struct fixture *f = *state;
	struct made m = leaf(f, "mail.contoso.com");
	struct cf_buf bytes = pfx(f, &m, "", NULL);
	struct cf_buf out = { 0 };
	struct cf_open *open;

	fx_ok(f, drop(f, "EX01/contoso.pfx", &bytes));
	assert_int_equal(fx_stat(f, "EX01/contoso.pfx").size, bytes.len);
	fx_ok(f, fx_open_file(f, "EX01/contoso.pfx", O_RDONLY, &open));
	fx_assert_refused(f,
			  cf_tree_read(f->tree, &f->ctx, fx_stat(f, "EX01/contoso.pfx").ino, open,
				       0, 4096, &out, &f->err),
			  EACCES, "can't be read again");
	cf_tree_release(f->tree, open);
	assert_int_equal(out.len, 0);
	cf_buf_done(&bytes);
	made_done(&m);
}

static void leaf__without_its_key_is_ENOKEY(void **state)
{
	struct fixture *f = *state;
	struct made m = leaf(f, "mail.contoso.com"), other = leaf(f, "other.contoso.com");
	struct cf_buf text = { 0 };
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long n;

	PEM_write_bio_PrivateKey(bio, other.key, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &data);
	cf_buf_append(&text, data, (size_t)n, NULL);
	cf_pem_write("CERTIFICATE", cf_span_buf(&m.der), &text, NULL);
	fx_assert_refused(f, drop(f, "EX01/a.pem", &text), ENOKEY, "CN=mail.contoso.com");
	assert_int_equal(count(f), 0);
	cf_pem_write("CERTIFICATE", cf_span_buf(&other.der), &text, NULL);
	fx_ok(f, drop(f, "EX01/a.pem", &text));
	fx_assert_text(f, "EX01/a/subject", "CN=other.contoso.com\n");
	assert_int_equal(count(f), 1);
	cf_buf_done(&text);
	BIO_free(bio);
	made_done(&other);
	made_done(&m);
}

static void several__become_certificates_of_their_own(void **state)
{
	struct fixture *f = *state;
	struct made made[3];
	struct cf_buf text = { 0 };

	for (int i = 0; i < 3; i++) {
		BIO *bio = BIO_new(BIO_s_mem());
		char *data;
		long n;

		made[i] = leaf(f, i ? "*.contoso.com" : "first.contoso.com");
		PEM_write_bio_PKCS8PrivateKey(bio, made[i].key, EVP_aes_128_cbc(), "pem", 3, NULL,
					      NULL);
		n = BIO_get_mem_data(bio, &data);
		cf_buf_append(&text, data, (size_t)n, NULL);
		cf_pem_write("CERTIFICATE", cf_span_buf(&made[i].der), &text, NULL);
		BIO_free(bio);
	}
	fx_ok(f, fx_write(f, "_import.password", "pem"));
	fx_ok(f, drop(f, "EX01/Export.pem", &text));
	fx_assert_text(f, "EX01/first.contoso.com/subject", "CN=first.contoso.com\n");
	fx_assert_text(f, "EX01/_.contoso.com/subject", "CN=*.contoso.com\n");
	fx_assert_text(f, "EX01/_.contoso.com-2/subject", "CN=*.contoso.com\n");
	fx_ok(f, drop(f, "EX01/other.pem", &text));
	assert_int_equal(count(f), 3);
	fx_ok(f, fx_mkdir(f, "EX01/draft"));
	fx_assert_refused(f, drop(f, "EX01/draft/x.pem", &text), EINVAL, "3 certificates");
	for (int i = 0; i < 3; i++)
		made_done(&made[i]);
	cf_buf_done(&text);
}

static void name__is_made_of_what_there_is(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "Contoso Mail", "Contoso Mail" },
		{ "*.contoso.com", "_.contoso.com" },
		{ "a/b\\c:d*e?f\"g<h>i|j", "a_b_c_d_e_f_g_h_i_j" },
		{ " ._~x. ", "x" },
		{ "Größe 漢字", "Größe 漢字" },
		{ "a\nb\x1b\xff", "a_b__" },
		{ "con", NULL },
		{ "...", NULL },
		{ "", NULL },
	};
	char name[CF_CERTIFICATE_NAME_MAX + 1], text[1000];

	(void)state;
	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		assert_int_equal(cf_name_make(cases[i].text, name), cases[i].name != NULL);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
	}
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "ä", 3);
	assert_true(cf_name_make(text, name));
	assert_int_equal(strlen(name), CF_CERTIFICATE_NAME_MAX);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(server__gets_a_certificate_named_after_the_file),
		T(again__succeeds_and_changes_nothing),
		T(draft__is_filled_and_a_request_is_not),
		T(export__of_one_server_opens_on_another_with_the_password_it_was_made_with),
		T(password__missing_is_ENOKEY_and_wrong_is_EKEYREJECTED),
		T(key__is_not_readable_after_it_was_accepted),
		T(leaf__without_its_key_is_ENOKEY),
		T(several__become_certificates_of_their_own),
		cmocka_unit_test(name__is_made_of_what_there_is),
	};

	return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
