/* Requests, read back with OpenSSL: what is in them, and that nothing else is. */
#include "tests/support.h"

#include <openssl/err.h>

#include "core/crypto/dn.h"
#include "core/crypto/ossl_private.h"
#include "core/crypto/request.h"

struct fixture {
	struct cf_key *key;
	struct cf_dn dn;
	struct cf_buf out;
	struct cf_err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f || cf_key_generate(CF_KEY_P256, &f->key, NULL) < 0)
		return -1;
	return cf_dn_parse("C=US, O=Contoso, CN=mail.contoso.com", &f->dn, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cf_key_free(f->key);
	cf_dn_done(&f->dn);
	cf_buf_done(&f->out);
	free(f);
	return 0;
}

static int build(struct fixture *f, const char *domains)
{
	return cf_request_build(f->key, cf_span_buf(&f->dn.der), domains, &f->out, &f->err);
}

static X509_REQ *built(struct fixture *f, const char *domains)
{
	const unsigned char *p;
	X509_REQ *req;

	assert_int_equal(build(f, domains), 0);
	p = (const unsigned char *)f->out.data;
	req = d2i_X509_REQ(NULL, &p, (long)f->out.len);
	assert_non_null(req);
	assert_ptr_equal(p, f->out.data + f->out.len);
	assert_int_equal(X509_REQ_verify(req, f->key->pkey), 1);
	return req;
}

/* The value of an extension as hex, and whether it is critical. */
static void assert_extension(X509_REQ *req, int at, int nid, int critical, const char *hex)
{
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(req);
	X509_EXTENSION *ext = sk_X509_EXTENSION_value(list, at);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	cf_auto(cf_buf_done) struct cf_buf got = { 0 };

	assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(ext)), nid);
	assert_int_equal(X509_EXTENSION_get_critical(ext), critical);
	for (int i = 0; i < value->length; i++)
		assert_int_equal(cf_buf_printf(&got, NULL, "%02x", value->data[i]), 0);
	assert_string_equal(got.data, hex);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

static void build__makes_the_profile_of_Exchange(void **state)
{
	struct fixture *f = *state;
	cf_auto(X509_REQ_free) X509_REQ *req = built(f, "a.b\n");
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(req);

	assert_int_equal(sk_X509_EXTENSION_num(list), 4);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	assert_extension(req, 0, NID_key_usage, 1, "030205a0");
	assert_extension(req, 1, NID_subject_alt_name, 0, "30058203612e62");
	assert_extension(req, 2, NID_ext_key_usage, 0, "300a06082b06010505070301");
	assert_extension(req, 3, NID_basic_constraints, 1, "3000");
	/* No host, account or process, as Windows writes them. */
	assert_int_equal(X509_REQ_get_attr_count(req), 1);
	assert_int_equal(X509_REQ_get_version(req), 0);
}

static void build__keeps_subject_and_key_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	cf_auto(X509_REQ_free) X509_REQ *req = built(f, "a.b\n");
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(X509_REQ_get_subject_name(req), &der);

	assert_int_equal(n, f->dn.der.len);
	assert_memory_equal(der, f->dn.der.data, f->dn.der.len);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(req), f->key->pkey), 1);
	OPENSSL_free(der);
}

static void build__addresses_become_iPAddress_in_order(void **state)
{
	struct fixture *f = *state;
	cf_auto(X509_REQ_free) X509_REQ *req = built(f, "*.a\n10.0.0.1\n\nfe80::1");

	assert_extension(req, 1, NID_subject_alt_name, 0,
			 "301d82032a2e6187040a0000018710fe800000000000000000000000000001");
}

static void build__name_that_looks_like_configuration_is_EINVAL(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(build(f, "a,DNS:evil\n"), -EINVAL);
	assert_string_equal(f->err.text,
			    "'a,DNS:evil': a domain name has letters, digits, - and . only");
	assert_int_equal(f->out.len, 0);
	assert_int_equal(build(f, "dirName:section\n"), -EINVAL);
	assert_int_equal(build(f, "good.com\nfile:/etc/passwd\n"), -EINVAL);
	assert_int_equal(f->out.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
}

static void build__without_names_is_EINVAL(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(build(f, "\n"), -EINVAL);
	assert_string_equal(f->err.text, "a request needs at least one domain");
	assert_int_equal(build(f, ""), -EINVAL);
	assert_int_equal(f->out.len, 0);
}

static void build__thousand_names_are_taken_one_more_is_EINVAL(void **state)
{
	struct fixture *f = *state;
	cf_auto(cf_buf_done) struct cf_buf domains = { 0 };

	for (int i = 0; i < CF_DOMAINS_MAX; i++)
		assert_int_equal(cf_buf_printf(&domains, NULL, "n%d.contoso.com\n", i), 0);
	assert_int_equal(build(f, domains.data), 0);
	cf_buf_reset(&f->out);
	assert_int_equal(cf_buf_puts(&domains, "one.more\n", NULL), 0);
	assert_int_equal(build(f, domains.data), -EINVAL);
	assert_string_equal(f->err.text, "a request has at most 1000 domains");
	assert_int_equal(f->out.len, 0);
}

static void build__name_over_255_bytes_is_EINVAL(void **state)
{
	struct fixture *f = *state;
	char name[257];

	memset(name, 'a', 256);
	name[256] = '\0';
	assert_int_equal(build(f, name), -EINVAL);
	assert_string_equal(f->err.text, "a domain name has at most 255 bytes");
	name[255] = '\0';
	assert_int_equal(build(f, name), 0);
}

/* RFC 5280 section 4.2.1.6: then the names are all there is. */
static void build__empty_subject_makes_names_critical(void **state)
{
	struct fixture *f = *state;
	X509_REQ *req;

	cf_dn_done(&f->dn);
	assert_int_equal(cf_dn_parse("CN=a-name-of-more-than-sixty-four-bytes.with-many-labels."
				     "contoso.com",
				     &f->dn, NULL),
			 0);
	req = built(f, "a.b\n");
	assert_extension(req, 1, NID_subject_alt_name, 1, "30058203612e62");
	X509_REQ_free(req);
}

static void assert_signature(struct fixture *f, enum cf_key_type type, int nid)
{
	X509_REQ *req;

	cf_key_free(f->key);
	f->key = NULL;
	cf_buf_reset(&f->out);
	assert_int_equal(cf_key_generate(type, &f->key, NULL), 0);
	req = built(f, "a.b\n");
	assert_int_equal(X509_REQ_get_signature_nid(req), nid);
	X509_REQ_free(req);
}

static void build__digest_follows_the_key(void **state)
{
	struct fixture *f = *state;

	assert_signature(f, CF_KEY_P256, NID_ecdsa_with_SHA256);
	assert_signature(f, CF_KEY_P384, NID_ecdsa_with_SHA384);
	assert_signature(f, CF_KEY_RSA2048, NID_sha256WithRSAEncryption);
}

static void build__subject_that_is_no_name_is_EIO(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cf_buf_puts(&f->dn.der, "x", NULL), 0);
	assert_int_equal(build(f, "a.b\n"), -EIO);
	assert_memory_equal(f->err.text, "setting the subject of a request: ", 34);
	cf_buf_reset(&f->dn.der);
	assert_int_equal(build(f, "a.b\n"), -EIO);
	assert_int_equal(f->out.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
}

static void build__appends(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cf_buf_puts(&f->out, "before", NULL), 0);
	assert_int_equal(build(f, "a.b\n"), 0);
	assert_memory_equal(f->out.data, "before\x30", 7);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(build__makes_the_profile_of_Exchange),
		WITH_FIXTURE(build__keeps_subject_and_key_byte_for_byte),
		WITH_FIXTURE(build__addresses_become_iPAddress_in_order),
		WITH_FIXTURE(build__name_that_looks_like_configuration_is_EINVAL),
		WITH_FIXTURE(build__without_names_is_EINVAL),
		WITH_FIXTURE(build__thousand_names_are_taken_one_more_is_EINVAL),
		WITH_FIXTURE(build__name_over_255_bytes_is_EINVAL),
		WITH_FIXTURE(build__empty_subject_makes_names_critical),
		WITH_FIXTURE(build__digest_follows_the_key),
		WITH_FIXTURE(build__subject_that_is_no_name_is_EIO),
		WITH_FIXTURE(build__appends),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
