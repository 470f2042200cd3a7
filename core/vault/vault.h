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
#include "core/store/slot.h"

struct cf_vault;

/*
 * A key file: 32 random bytes. read: O_NOFOLLOW, a regular file, owned by the caller or root, no
 * access for group and others (-EACCES), exactly 32 bytes (-EINVAL). create: 0600, O_EXCL, synced
 * with its directory; -EEXIST when it is there.
 */
int cf_vault_key_file_read(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err);
int cf_vault_key_file_create(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err);

/* The same for $CREDENTIALS_DIRECTORY/certfs.key, which systemd may have let its group read. */
int cf_vault_credential_read(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err);

/*
 * The same 32 bytes from the kernel: the key of type "user" with this description in one of the
 * process's keyrings (keyrings(7)). -ENOENT when there is none, -EINVAL for another length, -EACCES,
 * -EOPNOTSUPP where the kernel doesn't let us.
 */
int cf_vault_keyring_read(const char *name, uint8_t key[CF_KEY_SIZE], struct cf_err *err);

/* -- key slots ------------------------------------------------------------------------------- */

#define CF_PASSPHRASE_MAX 1024 /* bytes */

/* scrypt's N as its power of two: what new slots have, and what is accepted in old ones. */
#define CF_SCRYPT_LOG_N 17
#define CF_SCRYPT_LOG_N_MIN 15
#define CF_SCRYPT_LOG_N_MAX 20

#define CF_RECOVERY_TEXT_MAX 42 /* with its NUL */

/* What opens a slot, or is to open a new one. The bytes are borrowed. */
struct cf_slot_secret {
	enum cf_slot_type type;
	struct cf_span
		bytes; /* CF_KEY_SIZE of a key or recovery key, 1 to CF_PASSPHRASE_MAX of text */
	int log_n;     /* of a new passphrase slot; 0: CF_SCRYPT_LOG_N */
};

/* A key file's bytes as such, for a call's arguments. */
#define CF_SLOT_KEY(key)                                                                           \
	(&(const struct cf_slot_secret){ .type = CF_SLOT_KEY_FILE,                                 \
					 .bytes = { .data = (key), .len = CF_KEY_SIZE } })

/*
 * A recovery key: 160 random bits in CF_KEY_SIZE bytes, written in 6 groups of 6 letters and digits
 * (the alphabet of Crockford's base 32), of which the last 4 are a check. read: any case, O for 0, I
 * and L for 1, blanks and hyphens anywhere. *ret_typo is set for what has the form but not the check.
 */
int cf_recovery_make(uint8_t key[CF_KEY_SIZE], struct cf_err *err);
int cf_recovery_show(const uint8_t key[CF_KEY_SIZE], char text[CF_RECOVERY_TEXT_MAX],
		     struct cf_err *err);
bool cf_recovery_read(struct cf_span text, uint8_t key[CF_KEY_SIZE], bool *ret_typo);

/*
 * Fill *ret (zero but for the uuid of a row that it is to replace; released by the caller) with the
 * master key wrapped for secret, ready for cf_store_slot_add(). Takes half a second for a
 * passphrase, so not in a transaction. -EINVAL for a passphrase that is empty or too long.
 */
int cf_vault_slot_make(struct cf_vault *vault, const struct cf_slot_secret *secret, cf_time now,
		       struct cf_slot *ret, struct cf_err *err);

/* What a slot says about itself: when it was made; of a passphrase, N's power. False: nothing. */
bool cf_vault_slot_facts(const struct cf_slot *slot, cf_time *ret_made, int *ret_log_n);

/* "key-file", "passphrase", "recovery". */
const char *cf_slot_type_name(int64_t type);

/*
 * Give a fresh store its master key, wrapped under secret in a first slot, and hand it to the
 * store.
 */
int cf_vault_create(struct cf_store *store, const struct cf_slot_secret *secret,
		    struct cf_vault **ret, struct cf_err *err);

/*
 * Open with any slot that fits; a passphrase that reads as a recovery key is tried as such first.
 * -EKEYREJECTED when none does, with a sentence; -EINVAL when a slot that could have fitted asks for
 * a weaker or costlier derivation than certfs makes. ret_damaged as in cf_store_set_keys().
 */
int cf_vault_unlock(struct cf_store *store, const struct cf_slot_secret *secret,
		    struct cf_vault **ret, size_t *ret_damaged, struct cf_err *err);

/*
 * Give the store another master key, in the write transaction db: every sealed value, MAC and the
 * chain of the audit log. K_pfx and K_set stay, so exports do. The slot that opened the store does
 * so again; others can't be wrapped without their secrets: -EBUSY with a sentence, or they are
 * removed. Nobody else may be using the store. *ret_old is the vault as it was: for
 * cf_vault_rekey_undo() where the commit fails, and to be closed. On failure nothing changed.
 */
int cf_vault_rekey(struct cf_vault *vault, struct cf_db *db, bool drop_slots,
		   struct cf_vault **ret_old, struct cf_err *err);
void cf_vault_rekey_undo(struct cf_vault *vault, const struct cf_vault *old);

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
