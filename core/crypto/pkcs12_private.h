/* What the two halves of pkcs12.h share: pkcs12.c writes the structure, pkcs12_seal.c encrypts. */
#pragma once

#include "core/crypto/der_private.h"
#include "core/crypto/pkcs12.h"

#define CF_PFX_SALT_MAX 16
#define CF_PFX_BLOCK_MAX 16
#define CF_PFX_KEY_MAX 32

struct cf_pfx_scheme {
	size_t salt_size;
	size_t key_size;
	size_t block_size; /* also the IV's */
	size_t mac_size;
	int mac_nid;
	bool pbes2; /* RFC 8018; otherwise RFC 7292 appendix C */
};

/* While it is built, or counted: then (w.counting) no salt is drawn and no key is derived. */
struct cf_pfx_build {
	const struct cf_pfx *pfx;
	const struct cf_pfx_scheme *scheme;
	struct cf_span password;
	const uint8_t *stable_key;
	uint8_t inputs[CF_SHA256_SIZE]; /* HMAC over everything that goes in */
	struct cf_der w;
	struct cf_err *err;
};

/* What one encrypted value needs; wiped on release. */
struct cf_pfx_box {
	uint8_t salt[CF_PFX_SALT_MAX];
	uint8_t iv[CF_PFX_BLOCK_MAX];
	uint8_t key[CF_PFX_KEY_MAX];
};

void cf_pfx_box_done(struct cf_pfx_box *box);
CF_DEFINE_DONE(struct cf_pfx_box, cf_pfx_box_done);

/* NULL for a number that is none. */
const struct cf_pfx_scheme *cf_pfx_scheme(enum cf_pfx_encryption encryption);

/* Fill .inputs; first of all. 0, -ENOMEM, -EIO. */
int cf_pfx_sum_inputs(struct cf_pfx_build *b);

/* Choose salt and IV for purpose and write the AlgorithmIdentifier. 0 or -EIO. */
int cf_pfx_put_algorithm(struct cf_pfx_build *b, const char *purpose, struct cf_pfx_box *box);

/* Encrypt what was written since start, where it stands. 0, -ENOMEM, -EIO. */
int cf_pfx_encrypt(struct cf_pfx_build *b, struct cf_pfx_box *box, size_t start);

/* The MAC over what was written since start (mac_size bytes) and its salt. 0, -ENOMEM, -EIO. */
int cf_pfx_mac(struct cf_pfx_build *b, size_t start, uint8_t mac[CF_SHA256_SIZE],
	       uint8_t salt[CF_PFX_SALT_MAX]);
