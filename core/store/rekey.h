/* Every row under other keys: what core/vault needs to give a store a new master key. */
#pragma once

#include "core/store/secret.h"
#include "core/store/slot.h"

struct cf_store_rekey {
	struct cf_store_keys keys; /* the new ones; .member, .seal, .unseal are as before */
	/* Replace what is sealed in *row by the same under the new keys. */
	int (*secret)(void *arg, struct cf_secret *row, struct cf_err *err);
	int (*slot)(void *arg, struct cf_slot *row, struct cf_err *err);
	void *arg;
};

/*
 * Give every row a new MAC, version and place in its tally, and the audit log a new chain, in the
 * write transaction db, under the new keys, which the store uses from then on: also after a failure,
 * until cf_store_use_keys() says otherwise. Nobody else may be using the store. -EIO for a row or a
 * line of the log that isn't what certfs wrote.
 */
int cf_store_rekey(struct cf_db *db, const struct cf_store_rekey *how, struct cf_err *err);

/* Let the store use these keys without looking at the rows. They outlive it. */
void cf_store_use_keys(struct cf_store *store, const struct cf_store_keys *keys);
