/*
 * core/procedures/view: every property of info and info.json, in its order, for RSA, EC, self-signed, issued by a
 * CA, pending, imported and drafted. What can be computed is, by OpenSSL's own functions.
 */
#include "tests/unit/tree_fixture.h"

#include <openssl/pkcs12.h>

enum type {
	TEXT,
	LIST, /* entries with ", " between them */
	FLAG,
	NUMBER,
	TIME,
};

static const struct {
	const char *name;
	enum type type;
} properties[] = {
	{ "Identity", TEXT },
	{ "FriendlyName", TEXT },
	{ "Subject", TEXT },
	{ "CertificateDomains", LIST },
	{ "Thumbprint", TEXT },
	{ "Services", TEXT },
	{ "Status", TEXT },
	{ "IsSelfSigned", FLAG },
	{ "Issuer", TEXT },
	{ "SerialNumber", TEXT },
	{ "NotBefore", TIME },
	{ "NotAfter", TIME },
	{ "HasPrivateKey", FLAG },
	{ "PrivateKeyExportable", FLAG },
	{ "PublicKeySize", NUMBER },
	{ "KeyAlgorithm", TEXT },
	{ "SignatureAlgorithm", TEXT },
	{ "RootCAType", TEXT },
	{ "EnhancedKeyUsageList", LIST },
	{ "KeyUsage", TEXT },
	{ "SubjectKeyIdentifier", TEXT },
	{ "CertificateRequest", TEXT },
	{ "DnsNameList", LIST },
	{ "Version", NUMBER },
	{ "SendAsTrustedIssuer", FLAG },
	{ "Archived", FLAG },
};

#define N (sizeof(properties) / sizeof(properties[0]))

/* In the order above; NULL: what OpenSSL says. */
typedef const char *const values[N];

static void put(struct cf_buf *out, const char *text)
{
	assert_int_equal(cf_buf_puts(out, text, NULL), 0);
}

static void put_hex(struct cf_buf *out, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(cf_buf_printf(out, NULL, "%02X", bytes[i]), 0);
}

static void put_sha1(struct cf_buf *out, const struct cf_buf *of)
{
	unsigned char sum[20];

	assert_int_equal(EVP_Digest(of->data, of->len, sum, NULL, EVP_sha1(), NULL), 1);
	put_hex(out, sum, sizeof(sum));
}

static void put_time(struct cf_buf *out, const ASN1_TIME *time)
{
	struct tm tm;
	char text[64];

	assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put(out, text);
}

static void put_serial(struct cf_buf *out, X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

	put_hex(out, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

/* The value of property i of a certificate (NULL: there is none) with this request. */
static void computed(struct fixture *f, const char *path, X509 *x, size_t i, struct cf_buf *out)
{
	const char *name = properties[i].name;
	const ASN1_OCTET_STRING *id;
	char file[512];

	if (!strcmp(name, "CertificateRequest")) {
		fx_path(file, "%s/request.der", path);
		fx_ok(f, fx_read(f, file));
		put_sha1(out, &f->text);
	} else if (!strcmp(name, "Thumbprint") || !strcmp(name, "Identity")) {
		put(out, *name == 'I' ? "EX01\\" : "");
		fx_path(file, "%s/certificate.cer", path);
		fx_ok(f, fx_read(f, file));
		put_sha1(out, &f->text);
	} else if (!strcmp(name, "SerialNumber")) {
		put_serial(out, x);
	} else if (!strcmp(name, "NotBefore")) {
		put_time(out, X509_get0_notBefore(x));
	} else if (!strcmp(name, "NotAfter")) {
		put_time(out, X509_get0_notAfter(x));
	} else if (!strcmp(name, "SubjectKeyIdentifier")) {
		id = X509_get0_subject_key_id(x);
		put_hex(out, ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
	} else {
		fail_msg("%s can't be computed", name);
	}
}

static void json_string(struct cf_buf *out, const char *text, size_t n)
{
	put(out, "\"");
	for (size_t i = 0; i < n; i++)
		assert_int_equal(cf_buf_printf(out, NULL, text[i] == '\\' ? "\\%c" : "%c", text[i]),
				 0);
	put(out, "\"");
}

static void json_value(struct cf_buf *out, enum type type, const char *text)
{
	switch (type) {
	case LIST:
		put(out, "[");
		while (*text) {
			const char *end = strstr(text, ", ");

			json_string(out, text, end ? (size_t)(end - text) : strlen(text));
			text = end ? end + 2 : "";
			put(out, *text ? ", " : "");
		}
		put(out, "]");
		break;
	case FLAG:
		put(out, !strcmp(text, "True") ? "true" : "false");
		break;
	case NUMBER:
		put(out, *text ? text : "null");
		break;
	case TIME:
		if (!*text) {
			put(out, "null");
			break;
		}
		/* fall through */
	default:
		json_string(out, text, strlen(text));
	}
}

static void assert_file(struct fixture *f, const char *path, const char *name,
			const struct cf_buf *wanted)
{
	char file[512];

	fx_path(file, "%s/%s", path, name);
	fx_assert_text(f, file, cf_buf_text(wanted));
}

static X509 *load(struct fixture *f, const char *path)
{
	const unsigned char *p;
	char file[512];

	fx_path(file, "%s/certificate.cer", path);
	if (!fx_exists(f, file))
		return NULL;
	fx_ok(f, fx_read(f, file));
	p = (const unsigned char *)f->text.data;
	return d2i_X509(NULL, &p, (long)f->text.len);
}

static void assert_properties(struct fixture *f, const char *path, values wanted)
{
	cf_auto(cf_buf_done) struct cf_buf info = { 0 }, json = { 0 };
	X509 *x = load(f, path);

	put(&json, "{\n");
	for (size_t i = 0; i < N; i++) {
		cf_auto(cf_buf_done) struct cf_buf value = { 0 };
		enum type type = properties[i].type;

		if (wanted[i])
			put(&value, wanted[i]);
		else
			computed(f, path, x, i, &value);
		assert_int_equal(cf_buf_printf(&info, NULL, "%-20s : %s%s%s\n", properties[i].name,
					       type == LIST ? "{" : "", cf_buf_text(&value),
					       type == LIST ? "}" : ""),
				 0);
		assert_int_equal(cf_buf_printf(&json, NULL, "  \"%s\": ", properties[i].name), 0);
		json_value(&json, type, cf_buf_text(&value));
		put(&json, i + 1 < N ? ",\n" : "\n");
	}
	put(&json, "}\n");
	assert_file(f, path, "info", &info);
	assert_file(f, path, "info.json", &json);
	X509_free(x);
}

#define SERVER_AUTH "Server Authentication (1.3.6.1.5.5.7.3.1)"
#define NAME "CN=mail.contoso.com, O=Contoso, C=US"

static int set_up(void **state)
{
	fx_setup(state);
	fx_ok(*state, fx_mkdir(*state, "EX01"));
	fx_trust(*state);
	return 0;
}

static void request(struct fixture *f, const char *lines)
{
	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	fx_ok(f, fx_write(f, "EX01/mail/request.csr", lines));
}

static void info__of_a_draft(void **state)
{
	fx_ok(*state, fx_mkdir(*state, "EX01/mail"));
	fx_ok(*state, fx_write(*state, "EX01/mail/domains", "a.contoso.com b.contoso.com\n"));
	assert_properties(*state, "EX01/mail",
			  (values){ "EX01\\",
				    "",
				    "",
				    "a.contoso.com, b.contoso.com",
				    "",
				    "None",
				    "Draft",
				    "False",
				    "",
				    "",
				    "",
				    "",
				    "False",
				    "True",
				    "2048",
				    "RSA",
				    "",
				    "Unknown",
				    "",
				    "",
				    "",
				    "",
				    "a.contoso.com, b.contoso.com",
				    "",
				    "False",
				    "False" });
}

static void info__of_RSA_pending_and_issued(void **state)
{
	struct fixture *f = *state;
	struct made m;

	request(f, "friendly-name = Mail\nexportable = no\nC=US, O=Contoso, CN=mail.contoso.com\n");
	assert_properties(f, "EX01/mail",
			  (values){ "EX01\\",
				    "Mail",
				    NAME,
				    "mail.contoso.com",
				    "",
				    "None",
				    "PendingRequest",
				    "False",
				    "",
				    "",
				    "",
				    "",
				    "True",
				    "False",
				    "2048",
				    "RSA",
				    "",
				    "Unknown",
				    "",
				    "",
				    "",
				    NULL,
				    "mail.contoso.com",
				    "",
				    "False",
				    "False" });
	m = fx_answer(f, "EX01/mail", (struct spec){ .serial = 0xfedcba });
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP, IMAP, IIS\n"));
	assert_properties(f, "EX01/mail",
			  (values){ NULL,
				    "Mail",
				    "CN=mail.contoso.com",
				    "mail.contoso.com",
				    NULL,
				    "IMAP, IIS, SMTP",
				    "Valid",
				    "False",
				    "CN=Test Intermediate",
				    "FEDCBA",
				    "2020-01-01T00:00:00Z",
				    "2040-01-01T00:00:00Z",
				    "True",
				    "False",
				    "2048",
				    "RSA",
				    "sha256ECDSA",
				    "Enterprise",
				    SERVER_AUTH,
				    "DigitalSignature",
				    NULL,
				    NULL,
				    "mail.contoso.com",
				    "3",
				    "False",
				    "False" });
	made_done(&m);
}

static void info__of_EC_without_its_issuer(void **state)
{
	struct fixture *f = *state;
	struct made stranger = make((struct spec){ .cn = "Nobody's Root", .ca = true });
	struct made m;

	request(f, "key-type = p384\nC=US, O=Contoso, CN=mail.contoso.com\n");
	m = fx_answer(f, "EX01/mail", (struct spec){ .issuer = &stranger });
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	assert_properties(f, "EX01/mail",
			  (values){ NULL,
				    "",
				    "CN=mail.contoso.com",
				    "mail.contoso.com",
				    NULL,
				    "None",
				    "Untrusted",
				    "False",
				    "CN=Nobody's Root",
				    NULL,
				    NULL,
				    NULL,
				    "True",
				    "True",
				    "384",
				    "ECC",
				    "sha256ECDSA",
				    "Unknown",
				    SERVER_AUTH,
				    "DigitalSignature",
				    NULL,
				    NULL,
				    "mail.contoso.com",
				    "3",
				    "False",
				    "False" });
	made_done(&m);
	made_done(&stranger);
}

static void info__of_self_signed(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	fx_ok(f,
	      fx_write(f, "EX01/mail/self-signed",
		       "domains = mail.contoso.com *.contoso.com\nservices = SMTP\n"
		       "subject-key-identifier = 0102ab\nC=US, O=Contoso, CN=mail.contoso.com\n"));
	assert_properties(f, "EX01/mail",
			  (values){ NULL,
				    "",
				    NAME,
				    "mail.contoso.com, *.contoso.com",
				    NULL,
				    "SMTP",
				    "Valid",
				    "True",
				    NAME,
				    NULL,
				    NULL,
				    NULL,
				    "True",
				    "False",
				    "2048",
				    "RSA",
				    "sha256RSA",
				    "None",
				    SERVER_AUTH,
				    "DigitalSignature, KeyEncipherment",
				    "0102AB",
				    "",
				    "mail.contoso.com, *.contoso.com",
				    "3",
				    "False",
				    "False" });
}

static void info__of_imported(void **state)
{
	struct fixture *f = *state;
	struct made m = make((struct spec){ .cn = "mail.contoso.com", .issuer = &f->intermediate });
	PKCS12 *p12 = PKCS12_create("", "From elsewhere", m.key, m.x, NULL, 0, 0, 100, 100, 0);
	unsigned char *der = NULL;
	int n = i2d_PKCS12(p12, &der);

	fx_ok(f, fx_write_bytes(f, "EX01/mail.pfx", O_CREAT, cf_span(der, (size_t)n)));
	assert_properties(f, "EX01/mail",
			  (values){ NULL,
				    "From elsewhere",
				    "CN=mail.contoso.com",
				    "mail.contoso.com",
				    NULL,
				    "None",
				    "Valid",
				    "False",
				    "CN=Test Intermediate",
				    NULL,
				    "2020-01-01T00:00:00Z",
				    "2040-01-01T00:00:00Z",
				    "True",
				    "False",
				    "256",
				    "ECC",
				    "sha256ECDSA",
				    "Enterprise",
				    SERVER_AUTH,
				    "DigitalSignature",
				    NULL,
				    "",
				    "mail.contoso.com",
				    "3",
				    "False",
				    "False" });
	OPENSSL_free(der);
	PKCS12_free(p12);
	made_done(&m);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(info__of_a_draft),
		T(info__of_RSA_pending_and_issued),
		T(info__of_EC_without_its_issuer),
		T(info__of_self_signed),
		T(info__of_imported),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
