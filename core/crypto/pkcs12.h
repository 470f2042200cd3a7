/* export.pfx: PKCS#12 (RFC 7292) whose bytes are the same whenever its inputs are. */
#pragma once

#include "core/crypto/seal.h"

/* How bags are encrypted and the MAC is made. The numbers are stored. */
enum cf_pfx_encryption {
	CF_PFX_AES256_SHA256 = 1, /* PBES2 (PBKDF2 HMAC-SHA-256, AES-256-CBC), MAC SHA-256 */
	CF_PFX_3DES_SHA1 = 2,     /* pbeWithSHAAnd3-KeyTripleDES-CBC, MAC SHA-1: Server 2016 */
};

#define CF_PFX_ITERATIONS_MIN 2000
#define CF_PFX_ITERATIONS_MAX 200000

struct cf_pfx {
	struct cf_span key;  /* by cf_key_to_pkcs8(); for cf_pfx_size() only .len counts */
	struct cf_span leaf; /* certificate DER; likewise */
	const struct cf_span *issuers; /* leaf's issuer first; likewise */
	size_t n_issuers;
	const uint8_t *local_key_id; /* 20 bytes: SHA-1 of the leaf; cf_pfx_size() takes NULL */
	const char *friendly_name;   /* UTF-8, "" for none */
	enum cf_pfx_encryption encryption;
	int iterations;
};

/*
 * Build it. Salts and IVs are HMAC(stable_key, purpose, every other input, the password among
 * them), so changed content never meets an old key and IV. The key bag
 * carries friendlyName, localKeyID, the CSP name "Microsoft RSA SChannel Cryptographic Provider"
 * and the LocalKeySet attribute (1.3.6.1.4.1.311.17.2); for an EC key no CSP name. The leaf's bag
 * has friendlyName and localKeyID. The PKCS#8 inside carries the KeyUsage attribute (2.5.29.15)
 * 0x10, which Windows reads as KEY_EX (AT_KEYEXCHANGE).
 *
 * password    UTF-8, at most 2 KiB; borrowed
 * stable_key  the store's K_pfx
 * out         appended; unchanged on failure
 *
 * 0, -ENOMEM, -EIO (also for a key that has attributes of its own, as keys from a foreign
 * PKCS#12 may: pass those through cf_key_from_pkcs8() and cf_key_to_pkcs8() when they come in).
 */
int cf_pfx_build(const struct cf_pfx *pfx, struct cf_span password,
		 const uint8_t stable_key[CF_KEY_SIZE], struct cf_buf *out, struct cf_err *err);

/*
 * The exact length that cf_pfx_build() will give, without deriving any key: the same construction
 * with nothing kept. 0, -ENOMEM, or -EIO for an unknown encryption. No length depends on the
 * password.
 */
int cf_pfx_size(const struct cf_pfx *pfx, size_t *ret, struct cf_err *err);
