/* One certificate: what is read from it, and that nothing in it can spoil a line or a terminal. */
#include "tests/support.h"

#include <dirent.h>
#include <openssl/pem.h>

#include "core/base/text.h"
#include "core/crypto/certificate.h"
#include "core/crypto/ossl.h"
#include "tests/unit/ca.h"

#define ESC "\x1b[31m"
#define RLO "\xe2\x80\xae"

struct fixture {
	struct made made;
	struct cf_cert_info info;
	struct cf_err err;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	made_done(&f->made);
	cf_cert_info_done(&f->info);
	free(f);
	return 0;
}

static int parse(struct fixture *f)
{
	cf_err_reset(&f->err);
	cf_cert_info_done(&f->info);
	return cf_cert_parse(cf_span_buf(&f->made.der), &f->info, NULL, &f->err);
}

static void parse_made(struct fixture *f, struct spec spec)
{
	made_done(&f->made);
	f->made = make(spec);
	if (parse(f) < 0)
		fail_msg("%s", f->err.text);
}

/* Every text is there, is UTF-8, and has no character that is not shown. */
static void assert_safe(const struct cf_cert_info *info)
{
	const char *const texts[] = {
		info->subject,
		info->issuer,
		info->common_name,
		info->domains,
		info->serial,
		info->key_algorithm,
		info->key_usage,
		info->enhanced_key_usage,
		info->signature_algorithm,
		info->subject_key_id,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_non_null(texts[i]);
		for (const char *p = texts[i]; *p;) {
			uint32_t code;
			size_t n = cf_text_utf8(p, strlen(p), &code);

			assert_true(n > 0);
			assert_true(code == '\n' || !cf_text_unsafe(code));
			p += n;
		}
	}
}

static void parse__ordinary_leaf_has_every_property(void **state)
{
	struct fixture *f = *state;
	struct made ca = make((struct spec){ .cn = "Contoso CA", .ca = true });
	char text[CF_TIME_TEXT_MAX];

	parse_made(f, (struct spec){ .cn = "mail.contoso.com", .issuer = &ca, .serial = 0x80ff });
	assert_string_equal(f->info.subject, "CN=mail.contoso.com");
	assert_string_equal(f->info.issuer, "CN=Contoso CA");
	assert_string_equal(f->info.common_name, "mail.contoso.com");
	assert_string_equal(f->info.domains, "mail.contoso.com");
	assert_string_equal(f->info.serial, "80FF");
	assert_string_equal(f->info.key_algorithm, "ECC");
	assert_string_equal(f->info.signature_algorithm, "sha256ECDSA");
	assert_string_equal(f->info.enhanced_key_usage,
			    "Server Authentication (1.3.6.1.5.5.7.3.1)");
	assert_string_equal(f->info.key_usage, "DigitalSignature");
	assert_int_equal(strlen(f->info.subject_key_id), 40);
	assert_string_equal(cf_time_text(f->info.not_before, text), "2020-01-01T00:00:00Z");
	assert_string_equal(cf_time_text(f->info.not_after, text), "2040-01-01T00:00:00Z");
	assert_int_equal(f->info.version, 3);
	assert_int_equal(f->info.key_bits, 256);
	assert_false(f->info.is_ca);
	assert_false(f->info.self_issued);
	assert_false(f->info.self_signed);
	made_done(&ca);
}

static void parse__digests_are_of_the_der(void **state)
{
	struct fixture *f = *state;
	struct cf_buf canonical = { 0 };
	struct cf_cert_info info = { 0 };
	uint8_t sha1[CF_SHA1_SIZE], sha256[CF_SHA256_SIZE];

	parse_made(f, (struct spec){ .cn = "a" });
	assert_int_equal(cf_sha1(cf_span_buf(&f->made.der), sha1, NULL), 0);
	assert_int_equal(cf_sha256(cf_span_buf(&f->made.der), sha256, NULL), 0);
	assert_memory_equal(f->info.sha1, sha1, sizeof(sha1));
	assert_memory_equal(f->info.sha256, sha256, sizeof(sha256));
	assert_int_equal(cf_cert_parse(cf_span_buf(&f->made.der), &info, &canonical, NULL), 0);
	assert_int_equal(canonical.len, f->made.der.len);
	assert_memory_equal(canonical.data, f->made.der.data, canonical.len);
	cf_buf_done(&canonical);
	cf_cert_info_done(&info);
}

static void parse__self_signed_needs_its_own_signature(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "a", .ca = true });
	assert_true(f->info.self_issued);
	assert_true(f->info.self_signed);
	assert_true(f->info.is_ca);
	parse_made(f, (struct spec){ .cn = "a", .ca = true, .bad_signature = true });
	assert_true(f->info.self_issued);
	assert_false(f->info.self_signed);
}

static void version_1(X509 *x)
{
	X509_set_version(x, 0);
	while (X509_get_ext_count(x))
		X509_EXTENSION_free(X509_delete_ext(x, 0));
}

static void parse__version_1_and_self_signed_is_a_ca(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "old.contoso.com", .more = version_1 });
	assert_int_equal(f->info.version, 1);
	assert_true(f->info.is_ca);
	assert_string_equal(f->info.domains, "old.contoso.com");
	assert_string_equal(f->info.key_usage, "");
	assert_string_equal(f->info.enhanced_key_usage, "");
	assert_string_equal(f->info.subject_key_id, "");
}

static void hostile_names(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);
	static const char org[] = "Contoso\n" ESC RLO "moc";

	assert_true(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)org,
					       sizeof(org) - 1, -1, 0));
}

static void parse__hostile_subject_is_shown_escaped(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "a" ESC "\r\nb" RLO, .dns = "", .more = hostile_names });
	assert_safe(&f->info);
	assert_null(strchr(f->info.subject, '\n'));
	assert_null(strchr(f->info.common_name, '\n'));
	assert_null(strchr(f->info.domains, '\n'));
	assert_non_null(strstr(f->info.common_name, "\\x1b[31m"));
	assert_non_null(strstr(f->info.common_name, "\\u202e"));
}

static void hostile_san(X509 *x)
{
	static const unsigned char v4[] = { 10, 0, 0, 1 };
	static const unsigned char v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	add_dns(names, GEN_DNS, "mail.contoso.com", -1);
	add_dns(names, GEN_DNS, "contoso.com\0.evil.example", 25);
	add_dns(names, GEN_DNS, "a\nwww.bank.example", -1);
	add_dns(names, GEN_DNS, "", 0);
	add_dns(names, GEN_DNS, "\0", 1);
	add_dns(names, GEN_DNS, ESC "\xff\r", -1);
	add_dns(names, GEN_DNS, "*.contoso.com", -1);
	add_dns(names, GEN_EMAIL, "admin@contoso.com", -1);
	add_dns(names, GEN_URI, "https://contoso.com/", -1);
	add_dns(names, GEN_IPADD, v4, sizeof(v4));
	add_dns(names, GEN_IPADD, v6, sizeof(v6));
	add_dns(names, GEN_IPADD, v6, 5);
	add_names(x, names);
}

static void domains__one_name_a_line_whatever_is_in_it(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "mail.contoso.com", .more = hostile_san });
	assert_safe(&f->info);
	assert_string_equal(f->info.domains, "mail.contoso.com\n"
					     "contoso.com\\x00.evil.example\n"
					     "a\\nwww.bank.example\n"
					     "\\x00\n"
					     "\\x1b[31m\\xff\\x0d\n"
					     "*.contoso.com\n"
					     "10.0.0.1\n"
					     "2001:db8::1");
}

static void only_mail(X509 *x)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	add_dns(names, GEN_EMAIL, "admin@contoso.com", -1);
	add_names(x, names);
}

static void domains__without_any_are_the_cn(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "mail.contoso.com", .dns = "" });
	assert_string_equal(f->info.domains, "mail.contoso.com");
	parse_made(f, (struct spec){ .cn = "mail.contoso.com", .more = only_mail });
	assert_string_equal(f->info.domains, "mail.contoso.com");
}

/* Replace an extension's value by bytes. */
static void spoil(X509 *x, int nid, const char *bytes, int len)
{
	X509_EXTENSION *ext = X509_get_ext(x, X509_get_ext_by_NID(x, nid, -1));
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

	assert_true(ASN1_OCTET_STRING_set(value, (const unsigned char *)bytes, len));
	assert_true(X509_EXTENSION_set_data(ext, value));
	ASN1_OCTET_STRING_free(value);
}

static void damaged_san(X509 *x)
{
	spoil(x, NID_subject_alt_name, "\x30\x05garb", 6);
}

static void second_san(X509 *x)
{
	X509_add_ext(x, X509_get_ext(x, X509_get_ext_by_NID(x, NID_subject_alt_name, -1)), -1);
}

static void damaged_usage(X509 *x)
{
	spoil(x, NID_key_usage, "x", 1);
}

static void parse__damaged_extensions_are_EBADMSG(void **state)
{
	static const struct {
		void (*more)(X509 *x);
		const char *sentence;
	} cases[] = {
		{ damaged_san, "CN=a: its subjectAltName is damaged or there twice" },
		{ second_san, "CN=a: its subjectAltName is damaged or there twice" },
		{ damaged_usage, "CN=a: its keyUsage is damaged or there twice" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		made_done(&f->made);
		f->made = make((struct spec){ .cn = "a", .more = cases[i].more });
		assert_int_equal(parse(f), -EBADMSG);
		assert_string_equal(f->err.text, cases[i].sentence);
		assert_null(f->info.subject);
	}
}

static void more_usages(X509 *x)
{
	EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();

	sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_server_auth));
	sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_client_auth));
	sk_ASN1_OBJECT_push(usage, OBJ_txt2obj("1.2.3.4.5", 1));
	X509_add1_ext_i2d(x, NID_ext_key_usage, usage, 0, X509V3_ADD_REPLACE);
	sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
}

static void enhanced_key_usage__is_one_a_line_in_windows_words(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "a", .ca = true, .more = more_usages });
	assert_string_equal(f->info.enhanced_key_usage,
			    "Server Authentication (1.3.6.1.5.5.7.3.1)\n"
			    "Client Authentication (1.3.6.1.5.5.7.3.2)\n"
			    "Unknown Key Usage (1.2.3.4.5)");
	assert_string_equal(f->info.key_usage, "DigitalSignature, KeyCertSign, CrlSign");
}

static void no_serial(X509 *x)
{
	ASN1_INTEGER_set(X509_get_serialNumber(x), 0);
}

static void negative_serial(X509 *x)
{
	ASN1_INTEGER_set(X509_get_serialNumber(x), -2);
}

static void serial__is_the_integers_bytes(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "a", .serial = 0x0102 });
	assert_string_equal(f->info.serial, "0102");
	parse_made(f, (struct spec){ .cn = "a", .more = no_serial });
	assert_string_equal(f->info.serial, "00");
	parse_made(f, (struct spec){ .cn = "a", .more = negative_serial });
	assert_string_equal(f->info.serial, "FE");
}

static void far_dates(X509 *x)
{
	ASN1_TIME_set_string_X509(X509_getm_notBefore(x), "19500101000000Z");
	ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "99991231235959Z");
}

static void dates__no_end_is_before_never(void **state)
{
	struct fixture *f = *state;

	parse_made(f, (struct spec){ .cn = "a", .more = far_dates });
	assert_true(f->info.not_before < 0);
	assert_true(f->info.not_after == CF_NEVER - 1);
}

static void parse__bytes_after_and_garbage_are_EBADMSG(void **state)
{
	struct fixture *f = *state;

	f->made = make((struct spec){ .cn = "a" });
	assert_int_equal(cf_buf_append(&f->made.der, "x", 1, NULL), 0);
	assert_int_equal(parse(f), -EBADMSG);
	assert_string_equal(f->err.text, "there are bytes after the certificate");
	f->made.der.len = 3;
	assert_int_equal(parse(f), -EBADMSG);
	f->made.der.len = 0;
	assert_int_equal(parse(f), -EBADMSG);
	assert_null(f->info.subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parse__ordinary_leaf_has_every_property, setup,
						teardown),
		cmocka_unit_test_setup_teardown(parse__digests_are_of_the_der, setup, teardown),
		cmocka_unit_test_setup_teardown(parse__self_signed_needs_its_own_signature, setup,
						teardown),
		cmocka_unit_test_setup_teardown(parse__version_1_and_self_signed_is_a_ca, setup,
						teardown),
		cmocka_unit_test_setup_teardown(parse__hostile_subject_is_shown_escaped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(domains__one_name_a_line_whatever_is_in_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(domains__without_any_are_the_cn, setup, teardown),
		cmocka_unit_test_setup_teardown(parse__damaged_extensions_are_EBADMSG, setup,
						teardown),
		cmocka_unit_test_setup_teardown(enhanced_key_usage__is_one_a_line_in_windows_words,
						setup, teardown),
		cmocka_unit_test_setup_teardown(serial__is_the_integers_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(dates__no_end_is_before_never, setup, teardown),
		cmocka_unit_test_setup_teardown(parse__bytes_after_and_garbage_are_EBADMSG, setup,
						teardown),
	};

	if (cf_ossl_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
