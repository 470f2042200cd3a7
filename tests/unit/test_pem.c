/* PEM and PKCS#7, read back with OpenSSL. */
#include "tests/support.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "core/crypto/ossl_private.h"
#include "core/crypto/pem.h"

static void assert_pem(const char *label, struct cf_span der)
{
	cf_auto(cf_buf_done) struct cf_buf pem = { 0 };
	BIO *in;
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long n;

	assert_int_equal(cf_pem_write(label, der, &pem, NULL), 0);
	assert_int_equal(pem.len, cf_pem_size(label, der.len));
	assert_int_equal(strlen(pem.data), pem.len);
	if (!der.len)
		return;
	in = BIO_new_mem_buf(pem.data, (int)pem.len);
	assert_int_equal(PEM_read_bio(in, &name, &header, &data, &n), 1);
	assert_string_equal(name, label);
	assert_int_equal(n, der.len);
	assert_memory_equal(data, der.data, der.len);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(in);
}

static void pem__any_length_reads_back_and_has_its_size(void **state)
{
	unsigned char bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37);
	for (size_t n = 0; n <= sizeof(bytes); n++)
		assert_pem("CERTIFICATE", cf_span(bytes, n));
	assert_pem("CERTIFICATE REQUEST", cf_span(bytes, sizeof(bytes)));
}

static void pem__lines_have_64_characters(void **state)
{
	static const unsigned char bytes[49];
	cf_auto(cf_buf_done) struct cf_buf pem = { 0 };

	(void)state;
	assert_int_equal(cf_buf_puts(&pem, "before\n", NULL), 0);
	assert_int_equal(cf_pem_write("X", cf_span(bytes, sizeof(bytes)), &pem, NULL), 0);
	assert_string_equal(pem.data,
			    "before\n-----BEGIN X-----\n"
			    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
			    "AA==\n-----END X-----\n");
}

/* Sign a certificate with no content to speak of. */
static X509 *certificate(long serial)
{
	cf_auto(EVP_PKEY_free) EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 1000);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

static void p7b__carries_the_certificates_in_order(void **state)
{
	X509 *certs[3];
	unsigned char *der[3] = { NULL };
	struct cf_span spans[3];
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };
	const unsigned char *p;
	PKCS7 *p7;

	(void)state;
	for (int i = 0; i < 3; i++) {
		certs[i] = certificate(3 - i);
		spans[i].len = (size_t)i2d_X509(certs[i], &der[i]);
		spans[i].data = der[i];
	}
	assert_int_equal(cf_p7b_write(spans, 3, &out, NULL), 0);
	assert_int_equal(out.len, cf_p7b_size(spans, 3));
	p = (const unsigned char *)out.data;
	p7 = d2i_PKCS7(NULL, &p, (long)out.len);
	assert_non_null(p7);
	assert_ptr_equal(p, out.data + out.len);
	assert_true(PKCS7_type_is_signed(p7));
	assert_int_equal(sk_X509_num(p7->d.sign->cert), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(X509_cmp(sk_X509_value(p7->d.sign->cert, i), certs[i]), 0);
		X509_free(certs[i]);
		OPENSSL_free(der[i]);
	}
	PKCS7_free(p7);
}

static void p7b__is_the_bytes_of_RFC_2315_and_appended(void **state)
{
	static const unsigned char expected[] = {
		'x',  0x30, 0x28, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x07, 0x02, 0xa0, 0x1b, 0x30, 0x19, 0x02, 0x01, 0x01, 0x31,
		0x00, 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x07, 0x01, 0xa0, 0x03, 'a',  'b',  'c',  0x31, 0x00,
	};
	const struct cf_span spans[] = { cf_span_text("a"), cf_span_text("bc") };
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	(void)state;
	assert_int_equal(cf_buf_puts(&out, "x", NULL), 0);
	assert_int_equal(cf_p7b_write(spans, 2, &out, NULL), 0);
	assert_int_equal(out.len, sizeof(expected));
	assert_memory_equal(out.data, expected, sizeof(expected));
}

/* Lengths of one, two and three octets change in the middle of nested values. */
static void p7b__size_is_exact_for_every_length(void **state)
{
	char *bytes = calloc(1, 70000);

	(void)state;
	assert_non_null(bytes);
	for (size_t n = 0; n < 70000; n += n < 600 ? 1 : 131) {
		const struct cf_span real = cf_span(bytes, n), counted = cf_span(NULL, n);
		cf_auto(cf_buf_done) struct cf_buf out = { 0 };

		assert_int_equal(cf_p7b_write(&real, 1, &out, NULL), 0);
		assert_int_equal(out.len, cf_p7b_size(&counted, 1));
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pem__any_length_reads_back_and_has_its_size),
		cmocka_unit_test(pem__lines_have_64_characters),
		cmocka_unit_test(p7b__carries_the_certificates_in_order),
		cmocka_unit_test(p7b__is_the_bytes_of_RFC_2315_and_appended),
		cmocka_unit_test(p7b__size_is_exact_for_every_length),
	};

	return cmocka_run_group_tests_name("pem", tests, NULL, NULL);
}
