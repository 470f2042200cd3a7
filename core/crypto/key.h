/* Private keys: making them, sealing-ready encoding, their public half. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/pack.h"
#include "core/crypto/seal.h"

/* The kinds of key that can be made. The numbers are stored. */
enum cf_key_type {
	CF_KEY_RSA2048 = 1,
	CF_KEY_RSA3072 = 2,
	CF_KEY_RSA4096 = 3,
	CF_KEY_P256 = 4,
	CF_KEY_P384 = 5,
};

struct cf_key;

/* "rsa2048" to its type: 0, or -EINVAL with a sentence that lists the types (1024 has its own). */
int cf_key_type_parse(const char *text, enum cf_key_type *ret, struct cf_err *err);

/* The other way; NULL for a number that is none. */
const char *cf_key_type_text(int type);

/* The type of a key that came in; 0 when it is none of them. */
int cf_key_type_of(const struct cf_key *key);

/* Make a key. RSA takes 0.1 to 10 s: never on a FUSE thread. 0, -ENOMEM, -EIO. */
int cf_key_generate(enum cf_key_type type, struct cf_key **ret, struct cf_err *err);

/* Append the key as PKCS#8 PrivateKeyInfo DER (RFC 5208). 0, -ENOMEM, -EIO. */
int cf_key_to_pkcs8(const struct cf_key *key, struct cf_buf *out, struct cf_err *err);

/* Load what cf_key_to_pkcs8() made. 0, -ENOMEM, -EIO when it is not that. */
int cf_key_from_pkcs8(struct cf_span der, struct cf_key **ret, struct cf_err *err);

/* Append the SubjectPublicKeyInfo DER (RFC 5280 section 4.1.2.7); its SHA-256. 0 or -EIO. */
int cf_key_spki(const struct cf_key *key, struct cf_buf *out, struct cf_err *err);
int cf_key_spki_sum(const struct cf_key *key, uint8_t out[CF_SHA256_SIZE], struct cf_err *err);

void cf_key_free(struct cf_key *key);
CF_DEFINE_AUTO(struct cf_key, cf_key_free);
