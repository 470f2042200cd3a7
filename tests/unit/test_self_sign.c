/* core/crypto/self_sign and core/procedures/self_sign: what the certificate holds, and what is refused. */
#include "tests/unit/tree_fixture.h"

#include "core/crypto/ossl_private.h"
#include "core/crypto/self_sign.h"

static int set_up(void **state)
{
	struct fixture *f;

	fx_setup(state);
	f = *state;
	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, fx_write(f, "EX01/_settings/key-type", "p256\n"));
	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	return 0;
}

static X509 *certificate(struct fixture *f, const char *path)
{
	const unsigned char *p;
	X509 *x;

	fx_ok(f, fx_read(f, path));
	p = (const unsigned char *)f->text.data;
	x = d2i_X509(NULL, &p, (long)f->text.len);
	assert_non_null(x);
	return x;
}

static void assert_extension(X509 *x, int nid, int critical, const char *hex)
{
	X509_EXTENSION *ext = X509_get_ext(x, X509_get_ext_by_NID(x, nid, -1));
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	cf_auto(cf_buf_done) struct cf_buf got = { 0 };

	assert_int_equal(X509_EXTENSION_get_critical(ext), critical);
	for (int i = 0; i < value->length; i++)
		assert_int_equal(cf_buf_printf(&got, NULL, "%02x", value->data[i]), 0);
	assert_string_equal(got.data, hex);
}

/* A draft as it was: no key, no certificate. */
static void assert_draft(struct fixture *f, const char *dir)
{
	char path[512];

	fx_path(path, "%s/status", dir);
	fx_assert_text(f, path, "Draft\n");
	fx_path(path, "%s/services", dir);
	assert_false(fx_exists(f, path));
	fx_path(path, "%s/certificate.cer", dir);
	assert_false(fx_exists(f, path));
}

static void make__is_at_once_a_valid_certificate(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_write(f, "EX01/mail/self-signed", "O=Contoso, CN=mail.contoso.com\n"));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	fx_assert_text(f, "EX01/mail/subject", "CN=mail.contoso.com, O=Contoso\n");
	fx_assert_text(f, "EX01/mail/issuer", "CN=mail.contoso.com, O=Contoso\n");
	fx_assert_text(f, "EX01/mail/domains", "mail.contoso.com\n");
	fx_assert_text(f, "EX01/mail/key-type", "p256\n");
	fx_assert_text(f, "EX01/mail/exportable", "no\n");
	assert_false(fx_exists(f, "EX01/mail/self-signed"));
	assert_false(fx_exists(f, "EX01/mail/request.csr"));
	fx_ok(f, fx_read(f, "EX01/mail/info"));
	assert_non_null(strstr(f->text.data, "IsSelfSigned         : True\n"));
	assert_non_null(strstr(f->text.data, "RootCAType           : None\n"));
	assert_non_null(strstr(f->text.data, "KeyUsage             : DigitalSignature, "
					     "KeyEncipherment\n"));
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_non_null(strstr(f->text.data, "\"operation\":\"self-sign\""));
}

static void make__has_the_profile_of_Exchange(void **state)
{
	struct fixture *f = *state;
	cf_auto(X509_free) X509 *x = NULL;
	ASN1_TIME *end;
	int days, seconds;

	fx_ok(f, fx_write(f, "EX01/mail/self-signed", "domains = a.b\nCN=My Server\n"));
	x = certificate(f, "EX01/mail/certificate.cer");
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	assert_int_equal(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);
	assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(x)), 16);
	assert_int_equal(X509_get_ext_count(x), 5);
	assert_extension(x, NID_key_usage, 1, "030205a0");
	assert_extension(x, NID_subject_alt_name, 0, "30058203612e62");
	assert_extension(x, NID_ext_key_usage, 0, "300a06082b06010505070301");
	assert_extension(x, NID_basic_constraints, 1, "3000");
	assert_int_equal(
		ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), X509_get0_notAfter(x)), 1);
	assert_in_range(days, 5 * 365 + 1, 5 * 365 + 2);
	assert_int_equal(seconds, 0);
	end = X509_gmtime_adj(NULL, 0);
	assert_int_equal(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), end), 1);
	assert_int_equal(days, 0);
	ASN1_TIME_free(end);
}

/* RFC 5280 section 4.2.1.2, method 1, unless one is given. */
static void key_id__is_sha1_of_the_key_or_what_is_given(void **state)
{
	struct fixture *f = *state;
	cf_auto(X509_free) X509 *x = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n;

	fx_ok(f, fx_write(f, "EX01/mail/self-signed", "CN=mail.contoso.com\n"));
	x = certificate(f, "EX01/mail/certificate.cer");
	assert_int_equal(X509_pubkey_digest(x, EVP_sha1(), digest, &n), 1);
	assert_memory_equal(ASN1_STRING_get0_data(X509_get0_subject_key_id(x)), digest, 20);
	fx_ok(f, fx_mkdir(f, "EX01/own"));
	fx_ok(f, fx_write(f, "EX01/own/self-signed",
			  "subject-key-identifier = 01:ab cD\nCN=own.contoso.com\n"));
	fx_ok(f, fx_read(f, "EX01/own/info"));
	assert_non_null(strstr(f->text.data, "SubjectKeyIdentifier : 01ABCD\n"));
}

static void key_id__that_is_no_hex_is_EINVAL(void **state)
{
	static const char *const bad[] = { "xyz", "abc", "", "0x01", "01-02" };
	struct fixture *f = *state;
	char line[512];

	for (size_t i = 0; i < CF_COUNT(bad); i++) {
		fx_path(line, "subject-key-identifier = %s\nCN=mail.contoso.com\n", bad[i]);
		fx_assert_refused(f, fx_write(f, "EX01/mail/self-signed", line), EINVAL,
				  "subject-key-identifier: ");
		assert_draft(f, "EX01/mail");
	}
	fx_path(line, "subject-key-identifier = %0130d\nCN=mail.contoso.com\n", 0);
	fx_assert_refused(f, fx_write(f, "EX01/mail/self-signed", line), EINVAL,
			  "at most 64 bytes");
	assert_draft(f, "EX01/mail");
	fx_path(line, "subject-key-identifier = %0128d\nCN=mail.contoso.com\n", 0);
	fx_ok(f, fx_write(f, "EX01/mail/self-signed", line));
}

static void services__are_assigned_in_the_same_step(void **state)
{
	struct fixture *f = *state;

	fx_ok(f,
	      fx_write(f, "EX01/mail/self-signed", "services = SMTP, iis\nCN=mail.contoso.com\n"));
	fx_assert_text(f, "EX01/mail/services", "SMTP\nIIS\n");
	assert_true(fx_exists(f, "EX01/_services/SMTP-default"));
	assert_true(fx_exists(f, "EX01/_services/IIS"));
}

static void services__that_are_refused_make_nothing(void **state)
{
	struct fixture *f = *state;

	fx_assert_refused(
		f,
		fx_write(f, "EX01/mail/self-signed", "services = SMTP, FTP\nCN=mail.contoso.com\n"),
		EINVAL, "'FTP' is not a service");
	assert_draft(f, "EX01/mail");
	fx_assert_refused(
		f,
		fx_write(f, "EX01/mail/self-signed", "services = SMTP, UM\nCN=mail.contoso.com\n"),
		EOPNOTSUPP, "UM");
	assert_draft(f, "EX01/mail");
	fx_assert_refused(
		f,
		fx_write(f, "EX01/mail/self-signed", "services = SMTP, IMAP\nCN=*.contoso.com\n"),
		EINVAL, "Set-ImapSettings");
	assert_draft(f, "EX01/mail");
	assert_false(fx_exists(f, "EX01/_services/SMTP"));
	fx_ok(f, fx_write(f, "EX01/mail/self-signed", "services = SMTP\nCN=*.contoso.com\n"));
	fx_assert_text(f, "EX01/mail/services", "SMTP\n");
}

static void lines__of_self_signed_are_refused_in_a_request(void **state)
{
	struct fixture *f = *state;

	fx_assert_refused(
		f, fx_write(f, "EX01/mail/request.csr", "services = SMTP\nCN=mail.contoso.com\n"),
		EINVAL, "for a self-signed certificate");
	assert_draft(f, "EX01/mail");
	fx_assert_refused(f,
			  fx_write(f, "EX01/mail/request.csr",
				   "subject-key-identifier = 01\nCN=mail.contoso.com\n"),
			  EINVAL, "for a self-signed certificate");
	assert_draft(f, "EX01/mail");
}

static void exportable__is_said_by_line_by_file_or_by_the_setting(void **state)
{
	static const char *const dirs[] = { "EX01/a", "EX01/b", "EX01/c", "EX01/d", "EX01/e" };
	static const char *const wanted[] = { "yes\n", "yes\n", "yes\n", "no\n", "no\n" };
	struct fixture *f = *state;
	char path[512];

	for (size_t i = 0; i < CF_COUNT(dirs); i++)
		fx_ok(f, fx_mkdir(f, dirs[i]));
	fx_ok(f, fx_write(f, "EX01/a/self-signed", "exportable = yes\nCN=a.b\n"));
	fx_ok(f, fx_write(f, "EX01/b/exportable", "yes\n"));
	fx_ok(f, fx_write(f, "EX01/b/self-signed", "CN=a.b\n"));
	fx_ok(f, fx_write(f, "EX01/e/exportable", "yes\n")); /* and taken back */
	fx_ok(f, cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "EX01/e").ino, "exportable", &f->err));
	fx_ok(f, fx_write(f, "EX01/e/self-signed", "CN=a.b\n"));
	fx_ok(f, fx_write(f, "EX01/_settings/exportable-self-signed", "yes\n"));
	fx_ok(f, fx_write(f, "EX01/c/self-signed", "CN=a.b\n"));
	fx_ok(f, fx_write(f, "EX01/d/self-signed", "exportable = no\nCN=a.b\n"));
	for (size_t i = 0; i < CF_COUNT(dirs); i++) {
		fx_path(path, "%s/exportable", dirs[i]);
		fx_assert_text(f, path, wanted[i]);
	}
	fx_ok(f, fx_write(f, "_export.password", "P@ssw0rd1\n"));
	fx_ok(f, fx_read(f, "EX01/a/export.pfx"));
	assert_false(fx_exists(f, "EX01/d/export.pfx"));
}

static void subject__that_is_empty_is_EINVAL(void **state)
{
	struct fixture *f = *state;
	const char *cn = "CN=a-name-of-more-than-sixty-four-bytes.with-many-labels.contoso.com";
	char text[512];

	fx_path(text, "%s\n", cn);
	fx_assert_refused(f, fx_write(f, "EX01/mail/self-signed", text), EINVAL, "needs a name");
	assert_draft(f, "EX01/mail");
	fx_path(text, "O=Contoso, %s\n", cn);
	fx_ok(f, fx_write(f, "EX01/mail/self-signed", text));
	fx_assert_text(f, "EX01/mail/subject", "O=Contoso\n");
}

static int touch(struct fixture *f, const char *path, bool create)
{
	struct cf_setattr set = { .has_mtime = true, .mtime = CF_SECOND };
	struct cf_open_hints hints;
	struct cf_open *open = NULL;
	struct cf_attr attr, ret;
	uint64_t parent;
	int r = fx_lookup(f, path, &parent, &attr);

	cf_err_reset(&f->err);
	if (r < 0 && create)
		r = cf_tree_create(f->tree, &f->ctx, parent, fx_name(path), 0644,
				   O_WRONLY | O_CREAT, &attr, &open, &hints, &f->err);
	if (r == 0)
		r = cf_tree_setattr(f->tree, &f->ctx, attr.ino, NULL, &set, &ret, &f->err);
	cf_tree_release(f->tree, open);
	return r;
}

static void touch__makes_it_of_the_draft_and_opening_alone_does_not(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_write(f, "EX01/mail/self-signed", ""));
	assert_draft(f, "EX01/mail");
	fx_ok(f, fx_write(f, "EX01/mail/friendly-name", "Microsoft Exchange\n"));
	fx_ok(f, touch(f, "EX01/mail/self-signed", true));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	fx_assert_text(f, "EX01/mail/subject", "CN=EX01\n");
	fx_assert_text(f, "EX01/mail/friendly-name", "Microsoft Exchange\n");
	fx_assert_refused(f, touch(f, "EX01/mail/self-signed", true), EACCES,
			  "the certificate is made");
}

static void made__ones_are_made_once(void **state)
{
	struct fixture *f = *state;

	fx_request(f, "EX01", "pending");
	fx_assert_refused(f, fx_write(f, "EX01/pending/self-signed", "CN=a.b\n"), EACCES,
			  "the request is made");
	fx_assert_text(f, "EX01/pending/status", "PendingRequest\n");
	fx_ok(f, fx_write(f, "EX01/mail/self-signed", "CN=a.b\n"));
	fx_assert_refused(f, fx_write(f, "EX01/mail/request.csr", "CN=a.b\n"), EACCES, "");
	fx_assert_text(f, "EX01/mail/subject", "CN=a.b\n");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(make__is_at_once_a_valid_certificate),
		T(make__has_the_profile_of_Exchange),
		T(key_id__is_sha1_of_the_key_or_what_is_given),
		T(key_id__that_is_no_hex_is_EINVAL),
		T(services__are_assigned_in_the_same_step),
		T(services__that_are_refused_make_nothing),
		T(lines__of_self_signed_are_refused_in_a_request),
		T(exportable__is_said_by_line_by_file_or_by_the_setting),
		T(subject__that_is_empty_is_EINVAL),
		T(touch__makes_it_of_the_draft_and_opening_alone_does_not),
		T(made__ones_are_made_once),
	};

	return cmocka_run_group_tests_name("self_sign", tests, NULL, NULL);
}
