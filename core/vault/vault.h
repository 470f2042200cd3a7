/*
 * Unlocking a store and sealing what is secret in it. The vault holds the master key in locked,
 * wiped memory; only the process that has it can serve a key.
 *
 * master key (random) --- AES-256-GCM, once per key slot ---> slot table
 *   |- HKDF "row mac"            MAC of every row
 *   |- HKDF "event"              chain of the audit log (through the row MAC function, table
 * "event")
 *   |- HKDF table, row UUID      one key per sealed value
 *   `- wraps K_pfx (stable exports) and K_set (tallies), which are random and survive rekeying
 */
#pragma once

#include "core/crypto/seal.h"
#include "core/store/secret.h"

struct cf_vault;

/*
 * A key file: 32 random bytes. read: O_NOFOLLOW, a regular file, owned by the caller or root, no
 * access for group and others (-EACCES), exactly 32 bytes (-EINVAL). create: 0600, O_EXCL, synced
 * with its directory; -EEXIST when it is there.
 */
int cf_vault_key_file_read(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err);
int cf_vault_key_file_create(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err);

/*
 * Give a fresh store its master key, wrapped under key in a first slot, and hand it to the
 * store.
 */
int cf_vault_create(struct cf_store *store, const uint8_t key[CF_KEY_SIZE], struct cf_vault **ret,
		    struct cf_err *err);

/*
 * Open with any slot that fits. -EKEYREJECTED when none does. ret_damaged as in
 * cf_store_set_keys().
 */
int cf_vault_unlock(struct cf_store *store, const uint8_t key[CF_KEY_SIZE], struct cf_vault **ret,
		    size_t *ret_damaged, struct cf_err *err);

/* The store must be closed first: it uses the vault's keys. Wipes. */
void cf_vault_close(struct cf_vault *vault);
CF_DEFINE_AUTO(struct cf_vault, cf_vault_close);

const uint8_t *cf_vault_pfx_key(const struct cf_vault *vault); /* K_pfx, CF_KEY_SIZE bytes */

/* Whose value: an object of the tree and the server whose tally counts it (0: the root's). */
struct cf_owner {
	enum cf_object object;
	int64_t id;
	int64_t server;
	const uint8_t *spki_sum; /* CF_SUM_SIZE bytes, bound to the value; NULL for none */
};

/* Seal plain as the owner's value of this kind, replacing one that is there. */
int cf_vault_put(struct cf_vault *vault, struct cf_db *db, const struct cf_owner *owner,
		 enum cf_secret_kind kind, struct cf_span plain, struct cf_err *err);

/* Unseal it into out (appended). -ENOENT when there is none; -EIO when it isn't what was stored. */
int cf_vault_get(struct cf_vault *vault, struct cf_db *db, const struct cf_owner *owner,
		 enum cf_secret_kind kind, struct cf_buf *out, struct cf_err *err);

/* Remove it. 0 also when there is none. */
int cf_vault_delete(struct cf_vault *vault, struct cf_db *db, const struct cf_owner *owner,
		    enum cf_secret_kind kind, struct cf_err *err);
