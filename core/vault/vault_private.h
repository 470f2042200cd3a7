/* What the files of core/vault share. */
#pragma once

#include "core/vault/vault.h"

/* Lies in locked pages of its own; everything but the first two is a key. */
struct cf_vault {
	struct cf_store *store;
	uint8_t uuid[CF_UUID_SIZE];
	uint8_t master[CF_KEY_SIZE];
	uint8_t row_key[CF_KEY_SIZE];   /* MACs of rows */
	uint8_t event_key[CF_KEY_SIZE]; /* chain of the audit log */
	uint8_t wrap_key[CF_KEY_SIZE];  /* wraps the next two */
	uint8_t pfx_key[CF_KEY_SIZE];
	uint8_t set_key[CF_KEY_SIZE];    /* members of tallies */
	uint8_t tally_key[CF_KEY_SIZE];  /* seals tallies; follows from set_key */
	uint8_t slot_uuid[CF_UUID_SIZE]; /* the slot that opened the store, and what wraps in it */
	uint8_t slot_key[CF_KEY_SIZE];
};

/* struct cf_store_keys; arg is the vault. */
int cf_vault_mac(void *arg, const char *table, struct cf_span row, uint8_t out[CF_SUM_SIZE],
		 struct cf_err *err);
int cf_vault_member(void *arg, const char *table, int64_t id, int64_t version,
		    const uint8_t mac[CF_SUM_SIZE], uint8_t out[CF_SUM_SIZE], struct cf_err *err);
int cf_vault_seal(void *arg, struct cf_span context, struct cf_span plain, struct cf_buf *out,
		  struct cf_err *err);
int cf_vault_unseal(void *arg, struct cf_span context, struct cf_span sealed, struct cf_buf *out,
		    struct cf_err *err);

/* A key that follows from another one, bound to this store. */
int cf_vault_derive(const struct cf_vault *vault, const uint8_t *from, const char *info,
		    uint8_t out[CF_KEY_SIZE], struct cf_err *err);

/* Unwrap the master key with the first slot that secret opens. */
int cf_vault_open_slots(struct cf_vault *vault, struct cf_db *db,
			const struct cf_slot_secret *secret, struct cf_err *err);

/* -- for rekey.c ----------------------------------------------------------------------------- */

/* The same keys in memory of their own. NULL: out of memory. */
struct cf_vault *cf_vault_copy(const struct cf_vault *vault, struct cf_err *err);

/* Another master key in place of the one that is there, and the store's own keys wrapped by it. */
int cf_vault_renew(struct cf_vault *vault, struct cf_buf *ret_wrapped, struct cf_err *err);

/* What the store calls, with this vault behind it. */
struct cf_store_keys cf_vault_store_keys(struct cf_vault *vault);

/* The value of a row, unsealed with one vault and sealed with the other. */
int cf_vault_reseal(const struct cf_vault *from, const struct cf_vault *to, struct cf_db *db,
		    struct cf_secret *row, struct cf_err *err);

/* The master key into the slot that opened the store. */
int cf_vault_slot_rewrap(const struct cf_vault *vault, struct cf_slot *slot, struct cf_err *err);
