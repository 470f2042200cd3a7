/*
 * Key slots: the master key, wrapped once each. A slot is a row like any other, with a MAC and
 * counted in the root's tally, so that one that is put back from outside is noticed; but it is read
 * before there is a key to check that with. What is in it is core/vault's business.
 */
#pragma once

#include "core/store/store.h"

/* The numbers are stored. */
enum cf_slot_type {
	CF_SLOT_KEY_FILE =
		1, /* 32 bytes: a key file, a credential, a key in the kernel's keyring */
	CF_SLOT_PASSPHRASE = 2,
	CF_SLOT_RECOVERY = 3,
};

#define CF_SLOTS_MAX 16 /* most slots of a store: each passphrase slot costs an attempt */

struct cf_slot {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	int64_t type;          /* enum cf_slot_type */
	struct cf_buf params;  /* KDF parameters, packed by core/vault */
	struct cf_buf wrapped; /* the sealed master key */
};

/*
 * The first slot after the id `after`, as it lies there, unchecked: 1 and *ret filled, 0 at the
 * end.
 */
int cf_store_slot_next(struct cf_db *db, int64_t after, struct cf_slot *ret, struct cf_err *err);

/* One slot, checked. -ENOENT with a sentence; -EIO when it isn't what certfs wrote. */
int cf_store_slot_get(struct cf_db *db, int64_t id, struct cf_slot *ret, struct cf_err *err);

/* Insert: fills id, version, mac, and uuid if it is all zero. */
int cf_store_slot_add(struct cf_db *db, struct cf_slot *slot, struct cf_err *err);

/* Write type, params and wrapped of the row that was read; its uuid stays. -EAGAIN, -EIO. */
int cf_store_slot_update(struct cf_db *db, struct cf_slot *slot, struct cf_err *err);
int cf_store_slot_remove(struct cf_db *db, const struct cf_slot *slot, struct cf_err *err);

void cf_slot_done(struct cf_slot *slot);
CF_DEFINE_DONE(struct cf_slot, cf_slot_done);
