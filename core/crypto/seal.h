/*
 * The primitives that keys at rest are built from: random bytes, digests, HMAC, HKDF and sealing
 * with AES-256-GCM. What they protect and how is decided in core/vault.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/pack.h"

#define CF_KEY_SIZE 32 /* bytes of every symmetric key */
#define CF_SHA1_SIZE 20
#define CF_SHA256_SIZE 32
#define CF_SEAL_OVERHEAD (12 + 16) /* nonce in front, tag behind */

/* Random bytes for keys (OpenSSL's private generator). 0 or -EIO. */
int cf_random(void *out, size_t n, struct cf_err *err);

/* Digests, FIPS 180-4. 0 or -EIO. */
int cf_sha1(struct cf_span in, uint8_t out[CF_SHA1_SIZE], struct cf_err *err);
int cf_sha256(struct cf_span in, uint8_t out[CF_SHA256_SIZE], struct cf_err *err);

/* HMAC-SHA-256 (RFC 2104) over the n parts one after the other. 0 or -EIO. */
int cf_hmac(const uint8_t key[CF_KEY_SIZE], const struct cf_span *parts, size_t n,
	    uint8_t out[CF_SHA256_SIZE], struct cf_err *err);

/* HKDF-SHA-256 (RFC 5869), extract and expand, 32 bytes out. salt may be empty. 0 or -EIO. */
int cf_hkdf(const uint8_t key[CF_KEY_SIZE], struct cf_span salt, struct cf_span info,
	    uint8_t out[CF_KEY_SIZE], struct cf_err *err);

/*
 * scrypt (RFC 7914) with N = 2^log_n, r = 8, p = 1, 32 bytes out; takes 2^log_n KiB of memory, 128
 * MiB for 17. 0, -ENOMEM or -EIO.
 */
int cf_scrypt(struct cf_span passphrase, struct cf_span salt, int log_n, uint8_t out[CF_KEY_SIZE],
	      struct cf_err *err);

/*
 * Seal plain under key with a random nonce (AES-256-GCM, NIST SP 800-38D); aad is authenticated
 * and not stored. Appends nonce, ciphertext and tag to out. 0, -ENOMEM or -EIO.
 */
int cf_seal(const uint8_t key[CF_KEY_SIZE], struct cf_span aad, struct cf_span plain,
	    struct cf_buf *out, struct cf_err *err);

/*
 * The reverse: appends the plaintext to out. -EBADMSG when key, aad or any bit of sealed is not
 * what it was; out is unchanged then.
 */
int cf_unseal(const uint8_t key[CF_KEY_SIZE], struct cf_span aad, struct cf_span sealed,
	      struct cf_buf *out, struct cf_err *err);

/* Compare in constant time. */
bool cf_equal(const void *a, const void *b, size_t n);
