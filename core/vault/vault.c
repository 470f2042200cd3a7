/* Unlocking, and the keys in memory; see vault.h. What the store calls is at the end. */
#include "core/vault/vault.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/store/root.h"
#include "core/vault/vault_private.h"

/* -- memory ---------------------------------------------------------------------------------- */

static size_t size_in_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (sizeof(struct cf_vault) + page - 1) / page * page;
}

/*
 * Pages of their own, so that they can be locked, kept out of core dumps and of children, and
 * wiped. Each of these is best effort: a low RLIMIT_MEMLOCK is no reason not to mount.
 */
static struct cf_vault *vault_new(struct cf_store *store, struct cf_err *err)
{
	size_t size = size_in_pages();
	struct cf_vault *vault =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (vault == MAP_FAILED) {
		cf_fail_memory(err);
		return NULL;
	}
	(void)!mlock(vault, size);
	(void)!madvise(vault, size, MADV_DONTDUMP);
	(void)!madvise(vault, size, MADV_WIPEONFORK);
	vault->store = store;
	memcpy(vault->uuid, cf_store_uuid(store), sizeof(vault->uuid));
	return vault;
}

void cf_vault_close(struct cf_vault *vault)
{
	if (!vault)
		return;
	explicit_bzero(vault, size_in_pages());
	munmap(vault, size_in_pages());
}

const uint8_t *cf_vault_pfx_key(const struct cf_vault *vault)
{
	return vault->pfx_key;
}

/* -- derived keys ---------------------------------------------------------------------------- */

int cf_vault_derive(const struct cf_vault *vault, const uint8_t *from, const char *info,
		    uint8_t out[CF_KEY_SIZE], struct cf_err *err)
{
	return cf_hkdf(from, cf_span(vault->uuid, sizeof(vault->uuid)), cf_span_text(info), out,
		       err);
}

/* What follows from the master key. */
static int derive_from_master(struct cf_vault *vault, struct cf_err *err)
{
	int r = cf_vault_derive(vault, vault->master, "certfs row mac", vault->row_key, err);

	if (r == 0)
		r = cf_vault_derive(vault, vault->master, "certfs event", vault->event_key, err);
	if (r == 0)
		r = cf_vault_derive(vault, vault->master, "certfs wrap", vault->wrap_key, err);
	return r;
}

/* -- the store's own keys -------------------------------------------------------------------- */

static int own_context(const struct cf_vault *vault, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_bytes(out, cf_span(vault->uuid, sizeof(vault->uuid)), err);

	return r < 0 ? r : cf_pack_bytes(out, cf_span_text("own keys"), err);
}

static int own_wrap(const struct cf_vault *vault, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf context = { 0 }, plain = { 0 };
	int r = own_context(vault, &context, err);

	if (r == 0)
		r = cf_buf_append(&plain, vault->pfx_key, sizeof(vault->pfx_key), err);
	if (r == 0)
		r = cf_buf_append(&plain, vault->set_key, sizeof(vault->set_key), err);
	if (r == 0)
		r = cf_seal(vault->wrap_key, cf_span_buf(&context), cf_span_buf(&plain), out, err);
	return r;
}

static int own_unwrap(struct cf_vault *vault, struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf context = { 0 }, plain = { 0 }, sealed = { 0 };
	struct cf_err why = { 0 };
	int r = cf_store_wrapped_get(db, &sealed, err);

	if (r == 0)
		r = own_context(vault, &context, err);
	if (r < 0)
		return r;
	r = cf_unseal(vault->wrap_key, cf_span_buf(&context), cf_span_buf(&sealed), &plain, &why);
	if (r == -EBADMSG || (r == 0 && plain.len != (size_t)2 * CF_KEY_SIZE))
		return cf_fail(err, EIO,
			       "the store's own keys aren't what certfs stored; "
			       "restore a backup");
	if (r < 0)
		return cf_fail(err, -r, "%s", why.text);
	memcpy(vault->pfx_key, plain.data, CF_KEY_SIZE);
	memcpy(vault->set_key, plain.data + CF_KEY_SIZE, CF_KEY_SIZE);
	return 0;
}

/* -- opening --------------------------------------------------------------------------------- */

struct cf_store_keys cf_vault_store_keys(struct cf_vault *vault)
{
	return (struct cf_store_keys){
		.mac = cf_vault_mac,
		.member = cf_vault_member,
		.seal = cf_vault_seal,
		.unseal = cf_vault_unseal,
		.digest = cf_sha256,
		.arg = vault,
	};
}

/* With all keys there: the store may use them. */
static int hand_over(struct cf_vault *vault, size_t *ret_damaged, struct cf_err *err)
{
	const struct cf_store_keys keys = cf_vault_store_keys(vault);
	int r = cf_vault_derive(vault, vault->set_key, "certfs tally", vault->tally_key, err);

	return r < 0 ? r : cf_store_set_keys(vault->store, &keys, ret_damaged, err);
}

/* The slot and the store's own keys in one transaction: with them the store is no longer fresh. */
static int write_first(struct cf_vault *vault, const struct cf_slot_secret *secret,
		       struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	cf_auto(cf_buf_done) struct cf_buf wrapped = { 0 };
	int r = cf_vault_slot_make(vault, secret, cf_store_now(vault->store), &slot, err);

	if (r == 0)
		r = own_wrap(vault, &wrapped, err);
	if (r == 0)
		r = cf_store_begin(vault->store, false, &db, err);
	if (r == 0)
		r = cf_store_slot_add(db, &slot, err);
	if (r == 0)
		r = cf_store_wrapped_put(db, cf_span_buf(&wrapped), err);
	return r < 0 ? r : cf_store_commit(&db, NULL, err);
}

int cf_vault_create(struct cf_store *store, const struct cf_slot_secret *secret,
		    struct cf_vault **ret, struct cf_err *err)
{
	cf_auto(cf_vault_close) struct cf_vault *vault = vault_new(store, err);
	int r;

	if (!vault)
		return -ENOMEM;
	r = cf_random(vault->master, sizeof(vault->master), err);
	if (r == 0)
		r = cf_random(vault->pfx_key, sizeof(vault->pfx_key), err);
	if (r == 0)
		r = cf_random(vault->set_key, sizeof(vault->set_key), err);
	if (r == 0)
		r = derive_from_master(vault, err);
	if (r == 0)
		r = hand_over(vault, NULL, err);
	if (r < 0)
		return r;
	r = write_first(vault, secret, err);
	if (r < 0) {
		cf_store_drop_keys(store);
		return r;
	}
	*ret = cf_take(&vault);
	return 0;
}

static int read_keys(struct cf_vault *vault, const struct cf_slot_secret *secret,
		     struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(vault->store, &db, err);

	if (r == 0)
		r = cf_vault_open_slots(vault, db, secret, err);
	if (r == 0)
		r = derive_from_master(vault, err);
	if (r == 0)
		r = own_unwrap(vault, db, err);
	return r;
}

int cf_vault_unlock(struct cf_store *store, const struct cf_slot_secret *secret,
		    struct cf_vault **ret, size_t *ret_damaged, struct cf_err *err)
{
	cf_auto(cf_vault_close) struct cf_vault *vault = vault_new(store, err);
	int r;

	if (!vault)
		return -ENOMEM;
	r = read_keys(vault, secret, err);
	if (r == 0)
		r = hand_over(vault, ret_damaged, err);
	if (r == 0)
		*ret = cf_take(&vault);
	return r;
}

/* -- another master key ---------------------------------------------------------------------- */

struct cf_vault *cf_vault_copy(const struct cf_vault *vault, struct cf_err *err)
{
	struct cf_vault *copy = vault_new(vault->store, err);

	if (copy)
		memcpy(copy, vault, sizeof(*copy));
	return copy;
}

int cf_vault_renew(struct cf_vault *vault, struct cf_buf *ret_wrapped, struct cf_err *err)
{
	int r = cf_random(vault->master, sizeof(vault->master), err);

	if (r == 0)
		r = derive_from_master(vault, err);
	return r < 0 ? r : own_wrap(vault, ret_wrapped, err);
}

/* -- what the store calls -------------------------------------------------------------------- */

int cf_vault_mac(void *arg, const char *table, struct cf_span row, uint8_t out[CF_SUM_SIZE],
		 struct cf_err *err)
{
	const struct cf_vault *vault = arg;
	const bool is_event = strcmp(table, "event") == 0;
	/* With its NUL, so that no row reads as the rest of a longer name. */
	const struct cf_span parts[] = { cf_span(table, strlen(table) + 1), row };

	return cf_hmac(is_event ? vault->event_key : vault->row_key, parts, CF_COUNT(parts), out,
		       err);
}

static void put_be64(uint8_t *out, int64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
}

int cf_vault_member(void *arg, const char *table, int64_t id, int64_t version,
		    const uint8_t mac[CF_SUM_SIZE], uint8_t out[CF_SUM_SIZE], struct cf_err *err)
{
	const struct cf_vault *vault = arg;
	uint8_t fixed[8 + 8 + CF_SUM_SIZE] = { 0 };
	const struct cf_span parts[] = { cf_span(fixed, sizeof(fixed)), cf_span_text(table) };

	put_be64(fixed, id);
	put_be64(fixed + 8, version);
	memcpy(fixed + 16, mac, CF_SUM_SIZE);
	return cf_hmac(vault->set_key, parts, CF_COUNT(parts), out, err);
}

int cf_vault_seal(void *arg, struct cf_span context, struct cf_span plain, struct cf_buf *out,
		  struct cf_err *err)
{
	const struct cf_vault *vault = arg;

	return cf_seal(vault->tally_key, context, plain, out, err);
}

int cf_vault_unseal(void *arg, struct cf_span context, struct cf_span sealed, struct cf_buf *out,
		    struct cf_err *err)
{
	const struct cf_vault *vault = arg;

	return cf_unseal(vault->tally_key, context, sealed, out, err);
}
