/*
 * Key slots: the master key wrapped under what a key file, a passphrase or a recovery key gives. The
 * wrapping is bound to store, slot, type and parameters, so none can be taken for another one and
 * none can be made weaker.
 */
#include <errno.h>
#include <string.h>

#include "core/vault/vault_private.h"

#define FORMAT 1 /* of the parameters */
#define SALT_SIZE 32
#define SCRYPT_R 8
#define SCRYPT_P 1

const char *cf_slot_type_name(int64_t type)
{
	switch (type) {
	case CF_SLOT_KEY_FILE:
		return "key-file";
	case CF_SLOT_PASSPHRASE:
		return "passphrase";
	case CF_SLOT_RECOVERY:
		return "recovery";
	default:
		return "unknown";
	}
}

/* -- parameters ------------------------------------------------------------------------------ */

struct params {
	cf_time made;
	struct cf_span salt; /* this and the next: of a passphrase */
	int64_t log_n;
};

static int pack(const struct params *params, bool scrypt, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_int(out, FORMAT, err);

	if (r == 0)
		r = cf_pack_int(out, params->made, err);
	if (r < 0 || !scrypt)
		return r;
	r = cf_pack_bytes(out, params->salt, err);
	if (r == 0)
		r = cf_pack_int(out, params->log_n, err);
	if (r == 0)
		r = cf_pack_int(out, SCRYPT_R, err);
	return r < 0 ? r : cf_pack_int(out, SCRYPT_P, err);
}

/* False for what no certfs wrote. The salt points into the slot. */
static bool unpack(const struct cf_slot *slot, struct params *ret)
{
	struct cf_unpack u = { .in = cf_span_buf(&slot->params) };
	bool ok = cf_unpack_int(&u) == FORMAT;

	*ret = (struct params){ .made = cf_unpack_int(&u) };
	if (slot->type == CF_SLOT_PASSPHRASE) {
		ret->salt = cf_unpack_bytes(&u);
		ret->log_n = cf_unpack_int(&u);
		ok &= cf_unpack_int(&u) == SCRYPT_R;
		ok &= cf_unpack_int(&u) == SCRYPT_P;
		ok &= ret->salt.len == SALT_SIZE;
	}
	return ok && !u.bad && u.in.len == 0;
}

bool cf_vault_slot_facts(const struct cf_slot *slot, cf_time *ret_made, int *ret_log_n)
{
	struct params params;

	if (!unpack(slot, &params))
		return false;
	*ret_made = params.made;
	*ret_log_n = params.log_n > 0 && params.log_n < 64 ? (int)params.log_n : 0;
	return true;
}

/* -- wrapping -------------------------------------------------------------------------------- */

/* What a wrapped master key is bound to: this store, this slot, what kind it is. */
static int context(const struct cf_vault *vault, const struct cf_slot *slot, struct cf_buf *out,
		   struct cf_err *err)
{
	int r = cf_pack_bytes(out, cf_span(vault->uuid, sizeof(vault->uuid)), err);

	if (r == 0)
		r = cf_pack_bytes(out, cf_span_text("slot"), err);
	if (r == 0)
		r = cf_pack_bytes(out, cf_span(slot->uuid, sizeof(slot->uuid)), err);
	if (r == 0)
		r = cf_pack_int(out, slot->type, err);
	if (r == 0)
		r = cf_pack_bytes(out, cf_span_buf(&slot->params), err);
	return r;
}

/* The key that wraps. */
static int wrapping_key(const struct cf_vault *vault, const struct cf_slot_secret *secret,
			const struct params *params, uint8_t out[CF_KEY_SIZE], struct cf_err *err)
{
	uint8_t material[CF_KEY_SIZE];
	int r = 0;

	if (secret->type == CF_SLOT_PASSPHRASE)
		r = cf_scrypt(secret->bytes, params->salt, (int)params->log_n, material, err);
	else
		memcpy(material, secret->bytes.data, sizeof(material));
	if (r == 0)
		r = cf_vault_derive(vault, material, "certfs slot", out, err);
	explicit_bzero(material, sizeof(material));
	return r;
}

static int check_secret(const struct cf_slot_secret *secret, struct cf_err *err)
{
	if (secret->type != CF_SLOT_PASSPHRASE)
		return secret->bytes.len == CF_KEY_SIZE
			       ? 0
			       : cf_fail(err, EINVAL, "a key has exactly %d bytes", CF_KEY_SIZE);
	if (secret->bytes.len == 0)
		return cf_fail(err, EINVAL, "a passphrase can't be empty");
	if (secret->bytes.len > CF_PASSPHRASE_MAX)
		return cf_fail(err, EINVAL, "a passphrase has at most %d bytes", CF_PASSPHRASE_MAX);
	return 0;
}

static int wrap_master(const struct cf_vault *vault, const uint8_t wrap[CF_KEY_SIZE],
		       struct cf_slot *slot, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf bound = { 0 }, wrapped = { 0 };
	int r = context(vault, slot, &bound, err);

	if (r == 0)
		r = cf_seal(wrap, cf_span_buf(&bound),
			    cf_span(vault->master, sizeof(vault->master)), &wrapped, err);
	if (r == 0)
		cf_buf_move(&slot->wrapped, &wrapped);
	return r;
}

int cf_vault_slot_rewrap(const struct cf_vault *vault, struct cf_slot *slot, struct cf_err *err)
{
	return wrap_master(vault, vault->slot_key, slot, err);
}

int cf_vault_slot_make(struct cf_vault *vault, const struct cf_slot_secret *secret, cf_time now,
		       struct cf_slot *ret, struct cf_err *err)
{
	static const uint8_t none[CF_UUID_SIZE];
	const bool scrypt = secret->type == CF_SLOT_PASSPHRASE;
	uint8_t salt[SALT_SIZE] = { 0 }, wrap[CF_KEY_SIZE];
	struct params params = {
		.made = now,
		.salt = cf_span(salt, sizeof(salt)),
		.log_n = secret->log_n ? secret->log_n : CF_SCRYPT_LOG_N,
	};
	int r = check_secret(secret, err);

	ret->type = secret->type;
	if (r == 0 && memcmp(ret->uuid, none, sizeof(none)) == 0)
		r = cf_random(ret->uuid, sizeof(ret->uuid), err);
	if (r == 0)
		r = cf_random(salt, sizeof(salt), err);
	if (r == 0)
		r = pack(&params, scrypt, &ret->params, err);
	if (r == 0)
		r = wrapping_key(vault, secret, &params, wrap, err);
	if (r == 0)
		r = wrap_master(vault, wrap, ret, err);
	explicit_bzero(wrap, sizeof(wrap));
	return r;
}

/* Unwrap the master key. -EBADMSG when the slot isn't this secret's; -EINVAL with a sentence. */
static int open_slot(struct cf_vault *vault, const struct cf_slot_secret *secret,
		     const struct cf_slot *slot, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf bound = { 0 }, master = { 0 };
	uint8_t wrap[CF_KEY_SIZE];
	struct params params;
	int r;

	if (!unpack(slot, &params))
		return cf_fail(err, EINVAL, "key slot %lld isn't what certfs wrote",
			       (long long)slot->id);
	if (slot->type == CF_SLOT_PASSPHRASE &&
	    (params.log_n < CF_SCRYPT_LOG_N_MIN || params.log_n > CF_SCRYPT_LOG_N_MAX))
		return cf_fail(err, EINVAL,
			       "key slot %lld asks for scrypt with N = 2^%lld, and certfs accepts "
			       "2^%d to 2^%d only",
			       (long long)slot->id, (long long)params.log_n, CF_SCRYPT_LOG_N_MIN,
			       CF_SCRYPT_LOG_N_MAX);
	r = context(vault, slot, &bound, err);
	if (r == 0)
		r = wrapping_key(vault, secret, &params, wrap, err);
	if (r == 0)
		r = cf_unseal(wrap, cf_span_buf(&bound), cf_span_buf(&slot->wrapped), &master,
			      NULL);
	if (r == 0 && master.len != sizeof(vault->master))
		r = -EBADMSG;
	if (r == 0) {
		memcpy(vault->master, master.data, sizeof(vault->master));
		memcpy(vault->slot_uuid, slot->uuid, sizeof(vault->slot_uuid));
		memcpy(vault->slot_key, wrap, sizeof(vault->slot_key));
	}
	explicit_bzero(wrap, sizeof(wrap));
	return r == -ENOMEM ? cf_fail_memory(err) : r;
}

/* -- finding the slot that fits -------------------------------------------------------------- */

/* What was seen on the way, for the sentence at the end. */
struct seen {
	int n_slots, n_of_type;
	struct cf_err odd; /* the first slot that could not be tried */
};

/* 1: opened; 0: none of this type fits. */
static int try_type(struct cf_vault *vault, struct cf_db *db, const struct cf_slot_secret *secret,
		    struct seen *seen, struct cf_err *err)
{
	int64_t id = 0;

	seen->n_slots = seen->n_of_type = 0;
	for (;;) {
		cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
		struct cf_err why = { 0 };
		int r = cf_store_slot_next(db, id, &slot, err);

		if (r <= 0)
			return r;
		id = slot.id;
		if (++seen->n_slots > CF_SLOTS_MAX)
			return cf_fail(err, EINVAL,
				       "there are more than %d key slots, which certfs "
				       "doesn't make",
				       CF_SLOTS_MAX);
		if (slot.type != (int64_t)secret->type)
			continue;
		seen->n_of_type++;
		r = open_slot(vault, secret, &slot, &why);
		if (r == 0)
			return 1;
		if (r == -EINVAL && !seen->odd.code)
			seen->odd = why;
		else if (r != -EBADMSG && r != -EINVAL)
			return cf_fail(err, -r, "%s", why.text);
	}
}

int cf_vault_open_slots(struct cf_vault *vault, struct cf_db *db,
			const struct cf_slot_secret *secret, struct cf_err *err)
{
	const bool is_text = secret->type == CF_SLOT_PASSPHRASE;
	struct seen seen = { 0 };
	uint8_t key[CF_KEY_SIZE];
	bool typo = false;
	int r = check_secret(secret, err);

	if (r == 0 && is_text && cf_recovery_read(secret->bytes, key, &typo))
		r = try_type(vault, db,
			     &(const struct cf_slot_secret){ .type = CF_SLOT_RECOVERY,
							     .bytes = cf_span(key, sizeof(key)) },
			     &seen, err);
	explicit_bzero(key, sizeof(key));
	if (r == 0)
		r = try_type(vault, db, secret, &seen, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (seen.odd.code)
		return cf_fail(err, seen.odd.code, "%s; restore a backup", seen.odd.text);
	if (typo)
		return cf_fail(err, EKEYREJECTED,
			       "a character of this recovery key is wrong: its check doesn't fit");
	if (!is_text)
		return cf_fail(err, EKEYREJECTED, "the key isn't this store's");
	return cf_fail(err, EKEYREJECTED, "the passphrase isn't this store's%s",
		       seen.n_of_type ? "" : ", which has none");
}
