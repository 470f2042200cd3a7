/* The commands of certfsctl about key slots; rows of cf_admin_commands. */
#pragma once

#include "core/procedures/admin.h"

/* One line for each slot: number, type, when it was made, and of a passphrase its derivation. */
int cf_admin_slots(const struct cf_admin *admin, struct cf_err *err);

/* Word 1: the new passphrase; 32 bytes in hex. Recovery: none; reports the key, this once. */
int cf_admin_slots_add_passphrase(const struct cf_admin *admin, struct cf_err *err);
int cf_admin_slots_add_key(const struct cf_admin *admin, struct cf_err *err);
int cf_admin_slots_add_recovery(const struct cf_admin *admin, struct cf_err *err);

/* Word 1: the slot's number. -EBUSY for the last one. */
int cf_admin_slots_remove(const struct cf_admin *admin, struct cf_err *err);

/*
 * Words: [the number of a passphrase slot,] the new passphrase. Without a number the only one there
 * is; a store that has none gets one. -EINVAL when there are several.
 */
int cf_admin_passwd(const struct cf_admin *admin, struct cf_err *err);
