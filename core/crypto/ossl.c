/* Starting OpenSSL, and turning its error queue into ours; see ossl.h and ossl_private.h. */
#include "core/crypto/ossl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "core/base/cleanup.h"
#include "core/crypto/key.h"
#include "core/crypto/ossl_private.h"

int cf_ossl_fail(struct cf_err *err, int code, const char *what)
{
	const char *reason = NULL;
	bool memory = false;
	unsigned long e;

	/* The oldest entry is the cause, later ones are who passed it on. */
	while ((e = ERR_get_error())) {
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			memory = true;
		if (!reason)
			reason = ERR_reason_error_string(e);
	}
	if (memory)
		return cf_fail_memory(err);
	if (!reason)
		return cf_fail(err, code, "%s: OpenSSL refused", what);
	return cf_fail(err, code, "%s: %s", what, reason);
}

bool cf_ossl_drain(void)
{
	bool memory = false;
	unsigned long e;

	while ((e = ERR_get_error()))
		memory = memory || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
	return memory;
}

/* A fetched algorithm stays in OpenSSL's cache when our reference goes. */
static bool warm_algorithms(void)
{
	static const char *const digests[] = { "SHA1", "SHA256", "SHA384" };
	static const char *const ciphers[] = { "AES-256-GCM", "AES-256-CBC", "DES-EDE3-CBC" };
	static const char *const kdfs[] = { "HKDF", "PBKDF2", "PKCS12KDF", "SCRYPT" };
	cf_auto(EVP_MAC_free) EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	for (size_t i = 0; i < CF_COUNT(digests); i++) {
		cf_auto(EVP_MD_free) EVP_MD *md = EVP_MD_fetch(NULL, digests[i], NULL);

		if (!md)
			return false;
	}
	for (size_t i = 0; i < CF_COUNT(ciphers); i++) {
		cf_auto(EVP_CIPHER_free) EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, ciphers[i], NULL);

		if (!c)
			return false;
	}
	for (size_t i = 0; i < CF_COUNT(kdfs); i++) {
		cf_auto(EVP_KDF_free) EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdfs[i], NULL);

		if (!kdf)
			return false;
	}
	return hmac != NULL;
}

/* Encoders, decoders and the key types load at first use: make that now. */
static int warm_keys(struct cf_err *err)
{
	cf_auto(cf_key_free) struct cf_key *made = NULL;
	cf_auto(cf_key_free) struct cf_key *loaded = NULL;
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	int r = cf_key_generate(CF_KEY_P256, &made, err);

	if (r == 0)
		r = cf_key_to_pkcs8(made, &der, err);
	if (r == 0)
		r = cf_key_from_pkcs8(cf_span_buf(&der), &loaded, err);
	cf_buf_reset(&der);
	return r < 0 ? r : cf_key_spki(loaded, &der, err);
}

/* A module frees what it has when its last user goes; loading it again tells who it was. */
static void unload_legacy(void)
{
	OSSL_PROVIDER *legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);

	if (legacy && OSSL_PROVIDER_unload(legacy))
		OSSL_PROVIDER_unload(legacy);
}

/*
 * The legacy provider reads old PKCS#12 files (RC2-40, RC4). All that doesn't ask for it with
 * CF_OSSL_ANY goes on as if it weren't there: no MD4 signature becomes acceptable through it.
 * Where it isn't installed, such files are refused with a sentence.
 */
static bool load_providers(void)
{
	if (OSSL_PROVIDER_available(NULL, "legacy"))
		return true;
	/* The default one loads by itself as long as nobody asks for others only: hence the 1. */
	if (!EVP_set_default_properties(NULL, "provider=default") ||
	    (OSSL_PROVIDER_try_load(NULL, "legacy", 1) && !OPENSSL_atexit(unload_legacy)))
		return false;
	cf_ossl_drain();
	return true;
}

/* What old files are encrypted with; whether it is there is of no interest yet. */
static void warm_legacy(void)
{
	static const char *const names[] = { "RC2-40-CBC", "RC2-CBC", "RC4", "RC4-40", "DES-CBC" };

	for (size_t i = 0; i < CF_COUNT(names); i++)
		EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, names[i], CF_OSSL_ANY));
	cf_ossl_drain();
}

int cf_ossl_init(struct cf_err *err)
{
	unsigned char byte;
	int r;

	/*
	 * openssl.cnf can load modules and change defaults; export.pfx must come out the same on
	 * every machine.
	 */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
					 OPENSSL_INIT_ADD_ALL_CIPHERS |
					 OPENSSL_INIT_ADD_ALL_DIGESTS,
				 NULL) ||
	    !load_providers() || RAND_bytes(&byte, 1) != 1 || RAND_priv_bytes(&byte, 1) != 1 ||
	    !warm_algorithms())
		return cf_ossl_fail(err, EIO, "starting OpenSSL");
	warm_legacy();
	r = warm_keys(err);
	return r < 0 ? cf_note(err, -EIO, "starting OpenSSL") : 0;
}
