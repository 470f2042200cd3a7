/* A new master key for a store; see vault.h. */
#include <errno.h>
#include <string.h>

#include "core/store/rekey.h"
#include "core/store/root.h"
#include "core/vault/vault_private.h"

/* The vault as it is and as it is to be. */
struct both {
	struct cf_vault *old, *fresh;
	struct cf_db *db;
};

static int secret(void *arg, struct cf_secret *row, struct cf_err *err)
{
	struct both *both = arg;

	return cf_vault_reseal(both->old, both->fresh, both->db, row, err);
}

/* Only the slot that opened the store is left: what wraps in it is known. */
static int slot(void *arg, struct cf_slot *row, struct cf_err *err)
{
	struct both *both = arg;

	return cf_vault_slot_rewrap(both->fresh, row, err);
}

static int drop_others(const struct cf_vault *vault, struct cf_db *db, bool drop,
		       struct cf_err *err)
{
	int64_t id = 0;
	bool kept = false;

	for (;;) {
		cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
		int r = cf_store_slot_next(db, id, &slot, err);

		if (r == 0 && !kept)
			return cf_fail(err, EBUSY, "the slot that opened the store is gone");
		if (r <= 0)
			return r;
		id = slot.id;
		if (memcmp(slot.uuid, vault->slot_uuid, sizeof(slot.uuid)) == 0) {
			kept = true;
			continue;
		}
		if (!drop)
			return cf_fail(
				err, EBUSY,
				"key slot %lld (%s) would open nothing any more, since its "
				"secret isn't known here; --drop-slots removes all slots but "
				"the one that unlocked the store",
				(long long)id, cf_slot_type_name(slot.type));
		r = cf_store_slot_remove(db, &slot, err);
		if (r < 0)
			return r;
	}
}

int cf_vault_rekey(struct cf_vault *vault, struct cf_db *db, bool drop_slots,
		   struct cf_vault **ret_old, struct cf_err *err)
{
	cf_auto(cf_vault_close) struct cf_vault *old = cf_vault_copy(vault, err);
	cf_auto(cf_buf_done) struct cf_buf wrapped = { 0 };
	struct both both = { old, vault, db };
	struct cf_store_rekey how = {
		.keys = cf_vault_store_keys(vault),
		.secret = secret,
		.slot = slot,
		.arg = &both,
	};
	struct cf_store_keys before;
	int r;

	if (!old)
		return -ENOMEM;
	r = drop_others(vault, db, drop_slots, err);
	/* The rows that are there answer to the old keys, which vault's own memory soon isn't. */
	before = cf_vault_store_keys(old);
	cf_store_use_keys(vault->store, &before);
	if (r == 0)
		r = cf_vault_renew(vault, &wrapped, err);
	if (r == 0)
		r = cf_store_rekey(db, &how, err);
	if (r == 0)
		r = cf_store_wrapped_put(db, cf_span_buf(&wrapped), err);
	if (r < 0)
		cf_vault_rekey_undo(vault, old);
	else
		*ret_old = cf_take(&old);
	return r;
}

void cf_vault_rekey_undo(struct cf_vault *vault, const struct cf_vault *old)
{
	const struct cf_store_keys keys = cf_vault_store_keys(vault);

	memcpy(vault, old, sizeof(*vault));
	cf_store_use_keys(vault->store, &keys);
}
