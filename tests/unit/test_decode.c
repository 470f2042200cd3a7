/* Dropped files: what is accepted, and what is refused with which errno and sentence. */
#include "tests/support.h"

#include <dirent.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/crypto/decode.h"
#include "core/crypto/ossl.h"
#include "core/crypto/pem.h"
#include "tests/unit/ca.h"

struct fixture {
	const struct cf_passwords *passwords;
	struct cf_buf in;
	struct cf_decoded out;
	struct cf_err err;
};

/* What pfx/make.sh encrypts with, and what fits nothing. */
static const struct cf_span words[] = {
	{ "P@ssw0rd1", 9 },
	{ "not this one", 12 },
	{ "Grüße für 5 €", 18 },
};
static const struct cf_passwords passwords = { .items = words, .n = 3 };

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cf_buf_done(&f->in);
	cf_decoded_done(&f->out);
	free(f);
	return 0;
}

static const char *folder(void)
{
	const char *path = getenv("CF_VECTORS");

	return path ? path : "tests/vectors";
}

static void load(struct fixture *f, const char *name)
{
	char path[512];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	file = fopen(path, "rb");
	assert_non_null(file);
	cf_buf_reset(&f->in);
	while ((c = getc(file)) != EOF) {
		char byte = (char)c;

		assert_int_equal(cf_buf_append(&f->in, &byte, 1, NULL), 0);
	}
	fclose(file);
}

static int decode(struct fixture *f)
{
	cf_err_reset(&f->err);
	cf_decoded_done(&f->out);
	return cf_decode(cf_span_buf(&f->in), f->passwords, &f->out, &f->err);
}

static void assert_refused(struct fixture *f, int r, const char *sentence)
{
	assert_int_equal(decode(f), r);
	assert_string_equal(f->err.text, sentence);
	assert_null(f->out.items);
	assert_int_equal(f->out.n, 0);
}

/* ok-N-…: N items. refused-ERRNO-…: that errno, a sentence, nothing decoded. */
static void check_vector(struct fixture *f, const char *below, const char *name)
{
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s%s", below, name);
	load(f, path);
	r = decode(f);
	if (!strncmp(name, "ok-", 3)) {
		if (r < 0)
			fail_msg("%s: %s", name, f->err.text);
		if (f->out.n != strtoul(name + 3, NULL, 10))
			fail_msg("%s: %zu items", name, f->out.n);
		return;
	}
	if (r == 0)
		fail_msg("%s: accepted", name);
	name += strlen("refused-");
	if (strncmp(name, cf_errno_name(-r), strcspn(name, "-")) != 0)
		fail_msg("%s: %s: %s", name, cf_errno_name(-r), f->err.text);
	assert_int_equal(f->err.code, -r);
	assert_true(f->err.text[0]);
	assert_null(f->out.items);
}

/* Check all vectors in a folder below; returns how many there were. */
static int check_folder(struct fixture *f, const char *below)
{
	struct dirent *entry;
	char path[512];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", folder(), below);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "ok-", 3) && strncmp(entry->d_name, "refused-", 8))
			continue;
		f->passwords = !*below || strstr(entry->d_name, "-ENOKEY-") ||
					       strstr(entry->d_name, "gnutls-empty") ||
					       strstr(entry->d_name, "gnutls-null")
				       ? NULL
				       : &passwords;
		check_vector(f, below, entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

static void decode__every_vector_has_the_verdict_in_its_name(void **state)
{
	assert_true(check_folder(*state, "") > 60);
}

static void decode__every_encrypted_vector_has_the_verdict_in_its_name(void **state)
{
	assert_true(check_folder(*state, "pfx/") > 40);
}

static void decode__every_way_of_saving_gives_the_same_bytes(void **state)
{
	static const char *const names[] = {
		"ok-1-pem.pem",      "ok-1-crlf.pem",          "ok-1-cr.pem",
		"ok-1-bom.pem",      "ok-1-utf16le.pem",       "ok-1-utf16be.pem",
		"ok-1-indented.pem", "ok-1-one-long-line.pem", "ok-1-bare-base64.cer",
	};
	struct fixture *f = *state;
	struct fixture der = { 0 };

	load(&der, "ok-1-der.cer");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		load(f, names[i]);
		assert_int_equal(decode(f), 0);
		assert_int_equal(f->out.items[0].kind, CF_ITEM_CERTIFICATE);
		assert_int_equal(f->out.items[0].der.len, der.in.len);
		assert_memory_equal(f->out.items[0].der.data, der.in.data, der.in.len);
		assert_string_equal(f->out.items[0].info.subject, "CN=mail.contoso.com, O=Contoso");
	}
	cf_buf_done(&der.in);
}

static void decode__bundle_keeps_the_files_order(void **state)
{
	struct fixture *f = *state;

	load(f, "ok-3-bundle-out-of-order.pem");
	assert_int_equal(decode(f), 0);
	assert_string_equal(f->out.items[0].info.common_name, "Contoso Root CA");
	assert_string_equal(f->out.items[1].info.common_name, "mail.contoso.com");
	assert_string_equal(f->out.items[2].info.common_name, "Contoso Issuing CA");
}

static void decode__crl_beside_certificates_is_an_item_of_its_kind(void **state)
{
	struct fixture *f = *state;

	load(f, "ok-4-pkcs7-with-crl.p7b");
	assert_int_equal(decode(f), 0);
	assert_int_equal(f->out.items[2].kind, CF_ITEM_CERTIFICATE);
	assert_int_equal(f->out.items[3].kind, CF_ITEM_CRL);
	assert_null(f->out.items[3].info.subject);
}

static void decode__key_names_its_certificate_by_the_public_half(void **state)
{
	static const char *const names[] = { "ok-2-with-key.pem", "ok-2-with-traditional-key.pem",
					     "ok-2-with-ed25519-key.pem" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct cf_item *a, *b;

		load(f, names[i]);
		assert_int_equal(decode(f), 0);
		a = &f->out.items[0];
		b = &f->out.items[1];
		assert_int_equal(a->kind + b->kind, CF_ITEM_KEY + CF_ITEM_CERTIFICATE);
		assert_memory_equal(a->info.spki_sum, b->info.spki_sum, CF_SHA256_SIZE);
	}
}

static void decode__what_cannot_be_imported_says_so(void **state)
{
	static const char sealed[] =
		"it is encrypted and no password for it is set; write the password into "
		"_import.password of the server and drop it again";
	static const char keyless[] = "a private key without its certificate; put both into one "
				      "PEM file, or into a PKCS#12";
	static const struct {
		const char *name;
		int r;
		const char *sentence;
	} cases[] = {
		{ "refused-EINVAL-request.pem", -EINVAL,
		  "a request, not a certificate; only certificates can be imported" },
		{ "refused-EINVAL-request.der", -EINVAL,
		  "a request, not a certificate; only certificates can be imported" },
		{ "refused-EINVAL-key.pem", -EINVAL, keyless },
		{ "refused-EINVAL-key.der", -EINVAL, keyless },
		{ "refused-ENOKEY-encrypted-key.pem", -ENOKEY, sealed },
		{ "refused-ENOKEY-encrypted-key.der", -ENOKEY, sealed },
		{ "refused-ENOKEY-encrypted-old-key.pem", -ENOKEY, sealed },
		{ "refused-ENOKEY-encrypted-key-beside-certificate.pem", -ENOKEY, sealed },
		{ "refused-EINVAL-key-of-two-halves.pem", -EINVAL,
		  "the private key: its private and public half don't belong together" },
		{ "refused-ENOKEY-pkcs12.pfx", -ENOKEY, sealed },
		{ "refused-EINVAL-rsa1024.cer", -EINVAL,
		  "CN=weak: an RSA key of 1024 bits; 2048 to 8192 are accepted" },
		{ "refused-EINVAL-rsa8200.cer", -EINVAL,
		  "CN=large: an RSA key of 8200 bits; 2048 to 8192 are accepted" },
		{ "refused-EINVAL-p192.cer", -EINVAL,
		  "CN=p192: an elliptic curve of 192 bits; at least 224 are accepted" },
		{ "refused-EINVAL-explicit-curve.cer", -EINVAL,
		  "CN=explicit: an elliptic curve given by its parameters; only named curves are "
		  "accepted" },
		{ "refused-EINVAL-dsa.cer", -EINVAL,
		  "CN=dsa: only RSA and elliptic curve keys are accepted" },
		{ "refused-EBADMSG-empty.cer", -EBADMSG, "the file is empty" },
		{ "refused-EBADMSG-text.pem", -EBADMSG, "there is no certificate in it" },
		{ "refused-EBADMSG-public-key.pem", -EBADMSG, "there is no certificate in it" },
		{ "refused-EBADMSG-bytes-after.cer", -EBADMSG, "there are 1 bytes after its end" },
		{ "refused-EBADMSG-no-end.pem", -EBADMSG,
		  "its block 'CERTIFICATE' has no END line" },
		{ "refused-EBADMSG-damaged-base64.pem", -EBADMSG,
		  "block 'CERTIFICATE': its Base64 is damaged" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		load(f, cases[i].name);
		assert_refused(f, cases[i].r, cases[i].sentence);
	}
}

static void decode__what_often_comes_in_place_of_a_certificate_has_a_sentence(void **state)
{
	static const struct {
		const char *bytes, *sentence;
	} cases[] = {
		{ "PK\x03\x04 and more", "this is a ZIP archive; drop the files that are in it" },
		{ "\xfe\xed\xfe\xed and more",
		  "this is a key store of Java; keytool -importkeystore -deststoretype PKCS12 "
		  "makes a PKCS#12 of it" },
		{ "PK\x03 and more", "there is no certificate in it" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		cf_buf_reset(&f->in);
		assert_int_equal(cf_buf_puts(&f->in, cases[i].bytes, NULL), 0);
		assert_refused(f, -EBADMSG, cases[i].sentence);
	}
}

static void decode__friendly_names_come_out(void **state)
{
	static const struct {
		const char *name, *friendly;
	} cases[] = {
		{ "pfx/ok-4-openssl3-chain-and-name.pfx", "Contoso Mail 2026" },
		{ "pfx/ok-4-openssl1-rc2-40.pfx", "Old mail" },
		{ "pfx/ok-2-name-in-utf8.pfx", "Größe 漢字" },
		{ "pfx/ok-4-nss.p12", "leaf" },
		{ "pfx/ok-2-openssl3.pfx", NULL },
	};
	struct fixture *f = *state;

	f->passwords = &passwords;
	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		const char *found = NULL;

		load(f, cases[i].name);
		assert_int_equal(decode(f), 0);
		for (size_t k = 0; k < f->out.n; k++)
			if (f->out.items[k].kind == CF_ITEM_KEY)
				found = f->out.items[k].friendly_name;
		if (!cases[i].friendly)
			assert_null(found);
		else
			assert_string_equal(found, cases[i].friendly);
	}
}

/* A PKCS#12 without a MAC whose encrypted part hides a key that takes 2^31 iterations. */
static void decode__bomb_inside_an_encrypted_part_does_not_go_off(void **state)
{
	struct fixture *f = *state;
	X509_SIG *sealed = X509_SIG_new();
	STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
	STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
	X509_ALGOR *slot, *bomb;
	ASN1_OCTET_STRING *bytes;
	unsigned char *der = NULL;
	PKCS12 *p12;
	int n;

	bomb = PKCS5_pbe2_set(EVP_aes_256_cbc(), 0x7fffffff, NULL, 0);
	X509_SIG_getm(sealed, &slot, &bytes);
	X509_ALGOR_copy(slot, bomb);
	X509_ALGOR_free(bomb);
	ASN1_OCTET_STRING_set(bytes, (const unsigned char *)"0123456789abcdef", 16);
	sk_PKCS12_SAFEBAG_push(bags, PKCS12_SAFEBAG_create0_pkcs8(sealed));
	sk_PKCS7_push(safes,
		      PKCS12_pack_p7encdata(NID_aes_256_cbc, "P@ssw0rd1", 9, NULL, 0, 100, bags));
	p12 = PKCS12_add_safes(safes, 0);
	n = i2d_PKCS12(p12, &der);
	cf_buf_reset(&f->in);
	cf_buf_append(&f->in, der, (size_t)n, NULL);
	f->passwords = &passwords;
	assert_refused(f, -EINVAL,
		       "a key derivation with 2147483647 iterations; at most 5000000 are accepted");
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

/* n certificates as PEM or PKCS#7; one key, so that it is quick. */
static void fill(struct fixture *f, size_t n, bool pkcs7)
{
	EVP_PKEY *key = make_key();
	struct made *made = calloc(n, sizeof(*made));
	struct cf_span *spans = calloc(n, sizeof(*spans));

	cf_buf_reset(&f->in);
	for (size_t i = 0; i < n; i++) {
		made[i] = make((struct spec){ .cn = "many", .key = key });
		spans[i] = cf_span_buf(&made[i].der);
		if (!pkcs7)
			assert_int_equal(cf_pem_write("CERTIFICATE", spans[i], &f->in, NULL), 0);
	}
	if (pkcs7)
		assert_int_equal(cf_p7b_write(spans, n, &f->in, NULL), 0);
	for (size_t i = 0; i < n; i++)
		made_done(&made[i]);
	free(made);
	free(spans);
	EVP_PKEY_free(key);
}

static void decode__a_hundred_certificates_are_the_most(void **state)
{
	struct fixture *f = *state;

	for (int pkcs7 = 0; pkcs7 < 2; pkcs7++) {
		fill(f, CF_DROP_CERTS_MAX, pkcs7);
		assert_int_equal(decode(f), 0);
		assert_int_equal(f->out.n, CF_DROP_CERTS_MAX);
		fill(f, CF_DROP_CERTS_MAX + 1, pkcs7);
		assert_refused(f, -EFBIG, "more than 100 certificates in one file");
	}
}

static void decode__a_mebibyte_is_the_most(void **state)
{
	struct fixture *f = *state;
	char *room;

	load(f, "ok-1-pem.pem");
	room = cf_buf_room(&f->in, CF_DROP_MAX, NULL);
	assert_non_null(room);
	memset(room, '\n', CF_DROP_MAX - f->in.len);
	cf_buf_seal(&f->in, CF_DROP_MAX - f->in.len);
	assert_int_equal(decode(f), 0);
	assert_int_equal(f->out.n, 1);
	assert_int_equal(cf_buf_append(&f->in, "\n", 1, NULL), 0);
	assert_refused(f, -EFBIG, "the file has more than 1048576 bytes");
}

/* Whatever byte is wrong: an errno that is documented, and nothing a sanitizer minds. */
static void decode__flipped_bytes_never_do_harm(void **state)
{
	static const char *const names[] = { "ok-1-der.cer", "ok-3-pkcs7.p7b", "ok-1-crl.crl",
					     "ok-2-with-key.pem", "refused-ENOKEY-pkcs12.pfx" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len;

		load(f, names[i]);
		len = f->in.len;
		for (size_t at = i; at < len; at += 11) {
			int r;

			f->in.data[at] ^= (char)(1 << at % 8);
			r = decode(f);
			assert_true(r == 0 || r == -EBADMSG || r == -EINVAL || r == -EFBIG ||
				    r == -ENOKEY);
			f->in.data[at] ^= (char)(1 << at % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(decode__every_vector_has_the_verdict_in_its_name,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			decode__every_encrypted_vector_has_the_verdict_in_its_name, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			decode__what_often_comes_in_place_of_a_certificate_has_a_sentence, setup,
			teardown),
		cmocka_unit_test_setup_teardown(decode__friendly_names_come_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
			decode__bomb_inside_an_encrypted_part_does_not_go_off, setup, teardown),
		cmocka_unit_test_setup_teardown(decode__every_way_of_saving_gives_the_same_bytes,
						setup, teardown),
		cmocka_unit_test_setup_teardown(decode__bundle_keeps_the_files_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			decode__crl_beside_certificates_is_an_item_of_its_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(
			decode__key_names_its_certificate_by_the_public_half, setup, teardown),
		cmocka_unit_test_setup_teardown(decode__what_cannot_be_imported_says_so, setup,
						teardown),
		cmocka_unit_test_setup_teardown(decode__a_hundred_certificates_are_the_most, setup,
						teardown),
		cmocka_unit_test_setup_teardown(decode__a_mebibyte_is_the_most, setup, teardown),
		cmocka_unit_test_setup_teardown(decode__flipped_bytes_never_do_harm, setup,
						teardown),
	};

	if (cf_ossl_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
