/*
 * OpenSSL's errors become ours, and its allocations may fail one by one: every function of
 * core/crypto that writes says so, gives nothing back, and leaves its queue empty.
 */
#include "tests/support.h"

#include <openssl/err.h>

#include "core/crypto/dn.h"
#include "core/crypto/ossl.h"
#include "core/crypto/ossl_private.h"
#include "core/crypto/pkcs12.h"
#include "core/crypto/request.h"

/* OpenSSL takes its allocator once for the process, so it has to be static. */
static long fail_in = -1; /* allocations until one fails; -1 never */
static bool failed;

static bool fails(void)
{
	if (fail_in < 0 || fail_in-- > 0)
		return false;
	failed = true;
	return true;
}

static void *fault_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(n);
}

static void *fault_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(p, n);
}

static void fault_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static const uint8_t secret[CF_KEY_SIZE] = { 1 };

struct fixture {
	struct cf_key *key;
	struct cf_buf key_der;
	struct cf_dn dn;
	struct cf_buf sealed;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f || cf_key_generate(CF_KEY_P256, &f->key, NULL) < 0 ||
	    cf_key_to_pkcs8(f->key, &f->key_der, NULL) < 0 ||
	    cf_seal(secret, cf_span_text("a"), cf_span_text("b"), &f->sealed, NULL) < 0)
		return -1;
	return cf_dn_parse("C=US, 1.2.3.4=x, CN=a", &f->dn, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cf_key_free(f->key);
	cf_buf_done(&f->key_der);
	cf_buf_done(&f->sealed);
	cf_dn_done(&f->dn);
	free(f);
	return 0;
}

typedef int attempt_fn(struct fixture *f, struct cf_buf *out, struct cf_err *err);

/*
 * Fail the first allocation, then the second …, until the function needs no more. Some need
 * thousands, nearly all of them where OpenSSL looks for an encoder: there, not every one is tried.
 */
static void assert_survives(struct fixture *f, attempt_fn *attempt)
{
	for (long n = 0;; n += 1 + n / 64) {
		cf_auto(cf_buf_done) struct cf_buf out = { 0 };
		struct cf_err err = { 0 };
		int r;

		failed = false;
		fail_in = n;
		r = attempt(f, &out, &err);
		fail_in = -1;
		assert_int_equal(ERR_peek_error(), 0);
		if (r < 0) {
			/* OpenSSL doesn't say of each failure that memory was its cause. */
			assert_true(r == -ENOMEM || r == -EIO);
			assert_int_equal(err.code, -r);
			assert_int_equal(out.len, 0);
		}
		if (failed)
			continue;
		assert_int_equal(r, 0);
		return;
	}
}

static int try_parse(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
	int r = cf_dn_parse("C=US,O=\"x, y\",1.2.3.4=#0c0141,DC=x+OU=y,L=#1e020041,CN=a", &dn, err);

	(void)f;
	assert_true((r < 0) == !dn.shown);
	return r < 0 ? r : cf_buf_puts(out, dn.shown, err);
}

static int try_show(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	return cf_dn_show(cf_span_buf(&f->dn.der), out, err);
}

static int try_common_name(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	return cf_dn_common_name(cf_span_buf(&f->dn.der), out, err);
}

static int try_request(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	return cf_request_build(f->key, cf_span_buf(&f->dn.der), "a.b\n10.0.0.1\n", out, err);
}

static int try_pfx(struct fixture *f, enum cf_pfx_encryption how, struct cf_buf *out,
		   struct cf_err *err)
{
	const struct cf_span issuer = cf_span_text("issuer");
	const struct cf_pfx pfx = {
		.key = cf_span_buf(&f->key_der),
		.leaf = cf_span_text("leaf"),
		.issuers = &issuer,
		.n_issuers = 1,
		.local_key_id = secret,
		.friendly_name = "name",
		.encryption = how,
		.iterations = 2,
	};
	size_t size;
	int r = cf_pfx_size(&pfx, &size, err);

	return r < 0 ? r : cf_pfx_build(&pfx, cf_span_text("password"), secret, out, err);
}

static int try_aes_pfx(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	return try_pfx(f, CF_PFX_AES256_SHA256, out, err);
}

static int try_3des_pfx(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	return try_pfx(f, CF_PFX_3DES_SHA1, out, err);
}

static int try_seal(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	(void)f;
	return cf_seal(secret, cf_span_text("a"), cf_span_text("b"), out, err);
}

static int try_unseal(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	return cf_unseal(secret, cf_span_text("a"), cf_span_buf(&f->sealed), out, err);
}

static int try_derive(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	const struct cf_span part = cf_span_text("x");
	uint8_t sum[CF_SHA256_SIZE];
	int r = cf_hkdf(secret, part, part, sum, err);

	(void)f;
	if (r == 0)
		r = cf_hmac(secret, &part, 1, sum, err);
	if (r == 0)
		r = cf_sha1(part, sum, err);
	return r < 0 ? r : cf_buf_append(out, sum, sizeof(sum), err);
}

static int try_load(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	int r = cf_key_from_pkcs8(cf_span_buf(&f->key_der), &key, err);

	assert_true((r < 0) == !key);
	return r < 0 ? r : cf_key_spki(key, out, err);
}

static int try_encode(struct fixture *f, struct cf_buf *out, struct cf_err *err)
{
	return cf_key_to_pkcs8(f->key, out, err);
}

static void dn__survives_failing_allocations(void **state)
{
	assert_survives(*state, try_parse);
	assert_survives(*state, try_show);
	assert_survives(*state, try_common_name);
}

static void request__survives_failing_allocations(void **state)
{
	assert_survives(*state, try_request);
}

static void pfx__survives_failing_allocations(void **state)
{
	assert_survives(*state, try_aes_pfx);
	assert_survives(*state, try_3des_pfx);
}

/* -EBADMSG would mean tampering: a row refused for want of memory must not look like it. */
static void seal__survives_failing_allocations(void **state)
{
	assert_survives(*state, try_seal);
	assert_survives(*state, try_unseal);
	assert_survives(*state, try_derive);
}

static void key__survives_failing_allocations(void **state)
{
	assert_survives(*state, try_encode);
	assert_survives(*state, try_load);
}

static void init__twice_is_fine(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_ossl_init(&err), 0);
	assert_int_equal(cf_ossl_init(&err), 0);
	assert_int_equal(err.code, 0);
}

static void fail__tells_the_oldest_reason_and_empties_the_queue(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	ERR_raise(ERR_LIB_X509, X509_R_BAD_X509_FILETYPE);
	ERR_raise(ERR_LIB_ASN1, ERR_R_NESTED_ASN1_ERROR);
	assert_int_equal(cf_ossl_fail(&err, EBADMSG, "reading"), -EBADMSG);
	assert_string_equal(err.text, "reading: bad x509 filetype");
	assert_int_equal(ERR_peek_error(), 0);
}

static void fail__memory_anywhere_in_the_queue_is_ENOMEM(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	ERR_raise(ERR_LIB_X509, X509_R_BAD_X509_FILETYPE);
	ERR_raise(ERR_LIB_ASN1, ERR_R_MALLOC_FAILURE);
	assert_int_equal(cf_ossl_fail(&err, EBADMSG, "reading"), -ENOMEM);
	assert_string_equal(err.text, "out of memory");
}

static void fail__empty_queue_has_a_sentence_too(void **state)
{
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_ossl_fail(&err, EIO, "reading"), -EIO);
	assert_string_equal(err.text, "reading: OpenSSL refused");
}

/* What is loaded to read old files changes nothing for all else: no MD4, no RC2. */
static void init__legacy_algorithms_are_there_for_those_who_ask_only(void **state)
{
	EVP_MD *md4 = EVP_MD_fetch(NULL, "MD4", NULL);
	EVP_CIPHER *rc2 = EVP_CIPHER_fetch(NULL, "RC2-40-CBC", NULL);
	EVP_CIPHER *asked = EVP_CIPHER_fetch(NULL, "RC2-40-CBC", CF_OSSL_ANY);

	(void)state;
	ERR_clear_error();
	assert_null(md4);
	assert_null(rc2);
	assert_non_null(asked);
	EVP_CIPHER_free(asked);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init__twice_is_fine),
		cmocka_unit_test(init__legacy_algorithms_are_there_for_those_who_ask_only),
		cmocka_unit_test(fail__tells_the_oldest_reason_and_empties_the_queue),
		cmocka_unit_test(fail__memory_anywhere_in_the_queue_is_ENOMEM),
		cmocka_unit_test(fail__empty_queue_has_a_sentence_too),
		WITH_FIXTURE(dn__survives_failing_allocations),
		WITH_FIXTURE(request__survives_failing_allocations),
		WITH_FIXTURE(pfx__survives_failing_allocations),
		WITH_FIXTURE(seal__survives_failing_allocations),
		WITH_FIXTURE(key__survives_failing_allocations),
	};

	if (!CRYPTO_set_mem_functions(fault_malloc, fault_realloc, fault_free))
		return 1;
	return cmocka_run_group_tests_name("ossl", tests, NULL, NULL);
}
