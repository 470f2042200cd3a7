/* core/procedures/export, view, why: passwords, export.pfx, and what people read about it. */
#include "tests/unit/tree_fixture.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

static int set_up(void **state)
{
	fx_setup(state);
	fx_valid(*state, "EX01", "mail");
	return 0;
}

/* Does export.pfx open with this password, and has it the key of its certificate? */
static bool opens(struct fixture *f, const char *path, const char *password)
{
	const unsigned char *p;
	EVP_PKEY *key = NULL;
	X509 *leaf = NULL;
	PKCS12 *pfx;
	bool ok;

	fx_ok(f, fx_read(f, path));
	p = (const unsigned char *)f->text.data;
	pfx = d2i_PKCS12(NULL, &p, (long)f->text.len);
	assert_non_null(pfx);
	assert_ptr_equal(p, f->text.data + f->text.len);
	ok = PKCS12_parse(pfx, password, &key, &leaf, NULL) == 1 &&
	     X509_check_private_key(leaf, key) == 1;
	EVP_PKEY_free(key);
	X509_free(leaf);
	PKCS12_free(pfx);
	ERR_clear_error();
	return ok;
}

static void export__is_absent_until_a_password_is_set(void **state)
{
	struct fixture *f = *state;

	assert_false(fx_exists(f, "EX01/mail/export.pfx"));
	fx_ok(f, fx_read(f, "EX01/mail/why"));
	assert_non_null(strstr(f->text.data, "export.pfx: no password is set"));
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "P@ss\xc3\xbc\n"));
	assert_true(opens(f, "EX01/mail/export.pfx", "P@ss\xc3\xbc"));
	assert_false(opens(f, "EX01/mail/export.pfx", "other"));
	fx_assert_text(f, "EX01/mail/export.password", "");
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "\n"));
	assert_false(fx_exists(f, "EX01/mail/export.pfx"));
}

static void export__uses_the_nearest_password(void **state)
{
	struct fixture *f = *state;
	cf_time t;

	fx_ok(f, fx_write(f, "_export.password", "root\n"));
	assert_true(opens(f, "EX01/mail/export.pfx", "root"));
	fx_ok(f, fx_write(f, "EX01/_export.password", "server\n"));
	assert_true(opens(f, "EX01/mail/export.pfx", "server"));
	t = fx_stat(f, "EX01/mail/export.pfx").mtime;
	fx_ok(f, fx_write(f, "_export.password", "another root\n"));
	assert_int_equal(fx_stat(f, "EX01/mail/export.pfx").mtime, t);
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "certificate\n"));
	assert_true(opens(f, "EX01/mail/export.pfx", "certificate"));
	assert_true(fx_stat(f, "EX01/mail/export.pfx").mtime > t);
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "\n"));
	assert_true(opens(f, "EX01/mail/export.pfx", "server"));
}

static void export__bytes_and_size_follow_the_friendly_name(void **state)
{
	struct fixture *f = *state;
	uint64_t size;

	fx_ok(f, fx_write(f, "EX01/mail/export.password", "x\n"));
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	size = f->text.len;
	fx_ok(f, fx_write(f, "EX01/mail/friendly-name", "Mail 2027\n"));
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	assert_true(f->text.len > size);
	assert_true(opens(f, "EX01/mail/export.pfx", "x"));
}

static void export__what_is_not_exportable_has_none(void **state)
{
	struct fixture *f = *state;
	struct made m;

	fx_ok(f, fx_mkdir(f, "EX01/fixed"));
	fx_ok(f, fx_write(f, "EX01/fixed/request.csr",
			  "exportable = no\nkey-type = p256\nCN=mail.contoso.com\n"));
	m = fx_answer(f, "EX01/fixed", (struct spec){ 0 });
	fx_ok(f, fx_drop(f, "EX01/fixed/a.cer", &m));
	fx_ok(f, fx_write(f, "_export.password", "x\n"));
	assert_true(fx_exists(f, "EX01/mail/export.pfx"));
	assert_false(fx_exists(f, "EX01/fixed/export.pfx"));
	fx_ok(f, fx_read(f, "EX01/fixed/why"));
	assert_non_null(strstr(f->text.data, "not exportable"));
	made_done(&m);
}

static void password__bad_ones_are_refused_and_the_old_one_stays(void **state)
{
	struct fixture *f = *state;
	char text[CF_DROP_MAX / 256 + 2];

	fx_ok(f, fx_write(f, "EX01/mail/export.password", "good\n"));
	fx_assert_refused(f, fx_write(f, "EX01/mail/export.password", "one\ntwo\n"), EINVAL,
			  "a password is one line");
	fx_assert_refused(f, fx_write(f, "EX01/mail/export.password", "\xff\n"), EINVAL, "UTF-8");
	memset(text, 'x', sizeof(text));
	text[2049] = '\0';
	fx_assert_refused(f, fx_write(f, "EX01/mail/export.password", text), EFBIG,
			  "at most 2048 bytes");
	assert_null(strstr(f->err.text, "xxxx"));
	assert_true(opens(f, "EX01/mail/export.pfx", "good"));
}

static size_t count(const char *text, const char *words)
{
	size_t n = 0;

	for (; (text = strstr(text, words)); text++)
		n++;
	return n;
}

static void audit__each_reading_once_and_opening_never(void **state)
{
	struct fixture *f = *state;
	struct cf_buf out = { 0 };
	struct cf_open *open;

	fx_ok(f, fx_write(f, "EX01/mail/export.password", "x\n"));
	fx_ok(f, fx_open_file(f, "EX01/mail/export.pfx", O_RDONLY, &open));
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_int_equal(count(f->text.data, "read-key"), 0);
	for (int i = 0; i < 3; i++)
		fx_ok(f, cf_tree_read(f->tree, &f->ctx, fx_stat(f, "EX01/mail/export.pfx").ino,
				      open, (uint64_t)i * 100, 100, &out, &f->err));
	cf_tree_release(f->tree, open);
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_int_equal(count(f->text.data, "read-key"), 1);
	assert_int_equal(out.len, 300);
	cf_buf_done(&out);
}

static void info__has_every_property_in_order(void **state)
{
	static const char *const names[] = {
		"Identity",
		"FriendlyName",
		"Subject",
		"CertificateDomains",
		"Thumbprint",
		"Services",
		"Status",
		"IsSelfSigned",
		"Issuer",
		"SerialNumber",
		"NotBefore",
		"NotAfter",
		"HasPrivateKey",
		"PrivateKeyExportable",
		"PublicKeySize",
		"KeyAlgorithm",
		"SignatureAlgorithm",
		"RootCAType",
		"EnhancedKeyUsageList",
		"KeyUsage",
		"SubjectKeyIdentifier",
		"CertificateRequest",
		"DnsNameList",
		"Version",
		"SendAsTrustedIssuer",
		"Archived",
	};
	struct fixture *f = *state;
	const char *at;
	char *json;

	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP IIS IMAP POP\n"));
	fx_ok(f, fx_read(f, "EX01/mail/info"));
	at = f->text.data;
	for (size_t i = 0; i < CF_COUNT(names); i++) {
		char line[64];

		snprintf(line, sizeof(line), "%-20s : ", names[i]);
		assert_int_equal(strncmp(at, line, strlen(line)), 0);
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(at, "");
	assert_non_null(strstr(f->text.data, "Services             : IMAP, POP, IIS, SMTP\n"));
	assert_non_null(strstr(f->text.data, "RootCAType           : Enterprise\n"));
	fx_ok(f, fx_read(f, "EX01/mail/info.json"));
	json = f->text.data;
	for (size_t i = 0; i < CF_COUNT(names); i++) {
		char key[64];

		snprintf(key, sizeof(key), "  \"%s\": ", names[i]);
		json = strstr(json, key);
		assert_non_null(json);
	}
}

static void info__of_a_draft_has_no_thumbprint_and_None_for_services(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_mkdir(f, "EX01/draft"));
	fx_ok(f, fx_read(f, "EX01/draft/info"));
	assert_non_null(strstr(f->text.data, "Thumbprint           : \n"));
	assert_non_null(strstr(f->text.data, "Services             : None\n"));
	assert_non_null(strstr(f->text.data, "HasPrivateKey        : False\n"));
	assert_non_null(strstr(f->text.data, "PublicKeySize        : 2048\n"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(export__is_absent_until_a_password_is_set),
		T(export__uses_the_nearest_password),
		T(export__bytes_and_size_follow_the_friendly_name),
		T(export__what_is_not_exportable_has_none),
		T(password__bad_ones_are_refused_and_the_old_one_stays),
		T(audit__each_reading_once_and_opening_never),
		T(info__has_every_property_in_order),
		T(info__of_a_draft_has_no_thumbprint_and_None_for_services),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
