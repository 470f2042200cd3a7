/* Key slots: listing, adding, changing and removing them; see slots.h. */
#include "core/procedures/slots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/procedures/common.h"

/* -- listing --------------------------------------------------------------------------------- */

static void describe(const struct cf_slot *slot, char *line, size_t size)
{
	char made[CF_TIME_TEXT_MAX], scrypt[32] = "";
	cf_time t;
	int log_n;

	if (!cf_vault_slot_facts(slot, &t, &log_n)) {
		snprintf(line, size, "%lld %s isn't what certfs wrote", (long long)slot->id,
			 cf_slot_type_name(slot->type));
		return;
	}
	if (slot->type == CF_SLOT_PASSPHRASE)
		snprintf(scrypt, sizeof(scrypt), " scrypt N=2^%d r=8 p=1", log_n);
	snprintf(line, size, "%lld %s %s%s", (long long)slot->id, cf_slot_type_name(slot->type),
		 cf_time_text(t, made), scrypt);
}

int cf_admin_slots(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int64_t id = 0;
	int r = cf_store_read(admin->ctx->core->store, &db, err);

	while (r == 0) {
		cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
		char line[160];

		r = cf_store_slot_next(db, id, &slot, err);
		if (r <= 0)
			break;
		r = 0;
		id = slot.id;
		describe(&slot, line, sizeof(line));
		admin->report(admin->arg, line);
	}
	return r;
}

/* -- changing -------------------------------------------------------------------------------- */

/* How many slots there are, and how many passphrases, with the number of the last of these. */
struct census {
	int n, n_passphrases;
	int64_t passphrase;
};

static int take_census(struct cf_db *db, struct census *ret, struct cf_err *err)
{
	int64_t id = 0;

	*ret = (struct census){ 0 };
	for (;;) {
		cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
		int r = cf_store_slot_next(db, id, &slot, err);

		if (r <= 0)
			return r;
		id = slot.id;
		ret->n++;
		if (slot.type != CF_SLOT_PASSPHRASE)
			continue;
		ret->n_passphrases++;
		ret->passphrase = id;
	}
}

static int record(const struct cf_admin *admin, struct cf_db *db, const char *operation,
		  const struct cf_slot *slot, struct cf_err *err)
{
	char detail[64];

	snprintf(detail, sizeof(detail), "%s %lld", cf_slot_type_name(slot->type),
		 (long long)slot->id);
	return cf_audit(admin->ctx, db, operation, NULL, NULL, detail, err);
}

static int write_new(const struct cf_admin *admin, struct cf_slot *slot, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct census census = { 0 };
	int r = cf_store_begin(admin->ctx->core->store, false, &db, err);

	if (r == 0)
		r = take_census(db, &census, err);
	if (r < 0)
		return r;
	if (census.n >= CF_SLOTS_MAX)
		return cf_fail(err, EBUSY, "a store has at most %d key slots; remove one first",
			       CF_SLOTS_MAX);
	r = cf_store_slot_add(db, slot, err);
	if (r == 0)
		r = record(admin, db, "add-slot", slot, err);
	return r < 0 ? r : cf_store_commit(&db, &admin->ctx->changes, err);
}

static int add(const struct cf_admin *admin, const struct cf_slot_secret *secret,
	       struct cf_err *err)
{
	const struct cf_core *core = admin->ctx->core;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	int r = cf_vault_slot_make(core->vault, secret, cf_store_now(core->store), &slot, err);

	return r < 0 ? r : write_new(admin, &slot, err);
}

static struct cf_slot_secret passphrase(const char *text)
{
	return (struct cf_slot_secret){ .type = CF_SLOT_PASSPHRASE, .bytes = cf_span_text(text) };
}

int cf_admin_slots_add_passphrase(const struct cf_admin *admin, struct cf_err *err)
{
	const struct cf_slot_secret secret = passphrase(admin->words[0]);

	return add(admin, &secret, err);
}

static bool from_hex(const char *hex, uint8_t key[CF_KEY_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";

	if (strlen(hex) != (size_t)2 * CF_KEY_SIZE || strspn(hex, digits) != strlen(hex))
		return false;
	for (size_t i = 0; i < CF_KEY_SIZE; i++)
		key[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 |
				   (strchr(digits, hex[2 * i + 1]) - digits));
	return true;
}

int cf_admin_slots_add_key(const struct cf_admin *admin, struct cf_err *err)
{
	uint8_t key[CF_KEY_SIZE] = { 0 };
	int r;

	if (!from_hex(admin->words[0], key))
		return cf_fail(err, EINVAL, "a key has exactly %d bytes", CF_KEY_SIZE);
	r = add(admin, CF_SLOT_KEY(key), err);
	explicit_bzero(key, sizeof(key));
	return r;
}

int cf_admin_slots_add_recovery(const struct cf_admin *admin, struct cf_err *err)
{
	uint8_t key[CF_KEY_SIZE] = { 0 };
	const struct cf_slot_secret secret = { .type = CF_SLOT_RECOVERY,
					       .bytes = cf_span(key, sizeof(key)) };
	char text[CF_RECOVERY_TEXT_MAX];
	int r = cf_recovery_make(key, err);

	if (r == 0)
		r = cf_recovery_show(key, text, err);
	if (r == 0)
		r = add(admin, &secret, err);
	if (r == 0)
		admin->report(admin->arg, text);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return r;
}

static int read_number(const char *word, int64_t *ret, struct cf_err *err)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(word, &end, 10);
	if (errno || end == word || *end || v < 1)
		return cf_fail(err, EINVAL, "'%s' is not the number of a key slot", word);
	*ret = v;
	return 0;
}

int cf_admin_slots_remove(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	struct census census = { 0 };
	int64_t id = 0;
	int r = read_number(admin->words[0], &id, err);

	if (r == 0)
		r = cf_store_begin(admin->ctx->core->store, false, &db, err);
	if (r == 0)
		r = take_census(db, &census, err);
	if (r == 0)
		r = cf_store_slot_get(db, id, &slot, err);
	if (r < 0)
		return r;
	if (census.n < 2)
		return cf_fail(
			err, EBUSY,
			"key slot %lld is the last one, and without it nobody could open the "
			"store; add another one first",
			(long long)id);
	r = cf_store_slot_remove(db, &slot, err);
	if (r == 0)
		r = record(admin, db, "remove-slot", &slot, err);
	return r < 0 ? r : cf_store_commit(&db, &admin->ctx->changes, err);
}

/* -- passwd ---------------------------------------------------------------------------------- */

/* The slot that is changed; 0: a new one. */
static int choose(const struct cf_admin *admin, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct census census = { 0 };
	int r;

	if (admin->n > 1)
		return read_number(admin->words[0], ret, err);
	r = cf_store_read(admin->ctx->core->store, &db, err);
	if (r == 0)
		r = take_census(db, &census, err);
	if (r < 0)
		return r;
	if (census.n_passphrases > 1)
		return cf_fail(
			err, EINVAL,
			"there are %d passphrases: name the slot of one, as slots lists them",
			census.n_passphrases);
	*ret = census.passphrase;
	return 0;
}

/* The new wrapping into the row that is there. */
static int rewrite(const struct cf_admin *admin, int64_t id, struct cf_slot *made,
		   struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	int r = cf_store_begin(admin->ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_store_slot_get(db, id, &slot, err);
	if (r < 0)
		return r;
	cf_buf_move(&slot.params, &made->params);
	cf_buf_move(&slot.wrapped, &made->wrapped);
	r = cf_store_slot_update(db, &slot, err);
	if (r == 0)
		r = record(admin, db, "change-slot", &slot, err);
	return r < 0 ? r : cf_store_commit(&db, &admin->ctx->changes, err);
}

/* What the wrapping is bound to stays the row's own. */
static int take_identity(const struct cf_admin *admin, int64_t id, struct cf_slot *slot,
			 struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_slot_done) struct cf_slot old = { 0 };
	int r = cf_store_read(admin->ctx->core->store, &db, err);

	if (r == 0)
		r = cf_store_slot_get(db, id, &old, err);
	if (r < 0)
		return r;
	if (old.type != CF_SLOT_PASSPHRASE)
		return cf_fail(err, EINVAL, "key slot %lld is no passphrase", (long long)id);
	memcpy(slot->uuid, old.uuid, sizeof(slot->uuid));
	return 0;
}

int cf_admin_passwd(const struct cf_admin *admin, struct cf_err *err)
{
	const struct cf_slot_secret secret = passphrase(admin->words[admin->n - 1]);
	const struct cf_core *core = admin->ctx->core;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	int64_t id = 0;
	int r = choose(admin, &id, err);

	if (r == 0 && id == 0)
		return add(admin, &secret, err);
	if (r == 0)
		r = take_identity(admin, id, &slot, err);
	if (r == 0)
		r = cf_vault_slot_make(core->vault, &secret, cf_store_now(core->store), &slot, err);
	return r < 0 ? r : rewrite(admin, id, &slot, err);
}
