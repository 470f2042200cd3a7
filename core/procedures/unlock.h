/* Opening a store and unlocking it: what mounting begins with, and certfsctl. */
#pragma once

#include "core/procedures/context.h"

/* Which store, and with what. */
struct cf_unlock {
	const char *store; /* as from cf_unlock_path() */
	/* What unlocks; the first that is given counts. */
	const char *key_file;            /* a file of 32 bytes; NULL: none was named */
	const char *keyring;             /* a key in the kernel's keyrings; NULL */
	const struct cf_buf *passphrase; /* or a recovery key; NULL */
	const char *credentials; /* $CREDENTIALS_DIRECTORY, which may hold certfs.key; NULL */
	bool create;      /* make the store where it does not exist, and the key file with it */
	bool only_create; /* refuse a store and a key file that exist */
	bool without_key; /* for what needs none: nothing is unlocked */
	bool read_only;   /* nothing is changed or locked; somebody else may be writing */
	const char *who;  /* who has it open, for the sentence that others get */
	struct cf_clock *clock; /* borrowed, outlives the core */
};

/*
 * The absolute path of a store without symbolic links, so that the files beside it are found by
 * whatever name it is called. The store itself may be missing. *ret is owned by the caller.
 * 0, -ENOMEM, or the errno of its folder.
 */
int cf_unlock_path(const char *store, char **ret, struct cf_err *err);

/*
 * Open and unlock. Fills in .store, .vault and .clock of *core; the rest stays.
 *
 * A key file is made together with a new store, before it, and never for an old one. What was
 * made is removed again when something after it fails. *ret_damaged (may be NULL) is the number
 * of servers whose rows were changed from outside.
 *
 * 0; -ENOKEY with nothing that unlocks; -ENOENT, -EACCES, -EINVAL, -EKEYREJECTED for what does;
 * -ENOENT, -EEXIST, -EBUSY, -EINVAL, -EIO, -ENOSPC for the store.
 */
int cf_unlock(const struct cf_unlock *how, struct cf_core *core, size_t *ret_damaged,
	      struct cf_err *err);

/* True when nothing unlocks but a passphrase that is asked for. */
bool cf_unlock_must_ask(const struct cf_unlock *how);

/* Close both. Accepts a core that was not filled in. */
void cf_unlock_close(struct cf_core *core);
