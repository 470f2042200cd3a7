/* Ready keys; see ready.h. */
#include "core/procedures/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/procedures/setting.h"

/* The types that are slow to make. */
static const enum cf_key_type types[] = { CF_KEY_RSA2048, CF_KEY_RSA3072, CF_KEY_RSA4096 };

#define N_TYPES (sizeof(types) / sizeof(types[0]))

/* The kind of secret that a ready key of a type is; 0: none are kept. */
static enum cf_secret_kind kind_of(enum cf_key_type type)
{
	switch (type) {
	case CF_KEY_RSA2048:
		return CF_SECRET_READY_RSA2048;
	case CF_KEY_RSA3072:
		return CF_SECRET_READY_RSA3072;
	case CF_KEY_RSA4096:
		return CF_SECRET_READY_RSA4096;
	default:
		return 0;
	}
}

static struct cf_owner owner_of(int64_t number)
{
	return (struct cf_owner){ .object = CF_OBJECT_ROOT, .id = number };
}

/* -- using one --------------------------------------------------------------------------------- */

int cf_ready_pick(struct cf_ctx *ctx, enum cf_key_type type, struct cf_key **ret,
		  struct cf_ready *ret_which, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_secret_done) struct cf_secret row = { 0 };
	cf_auto(cf_buf_done) struct cf_buf pkcs8 = { 0 };
	struct cf_owner owner;
	int r;

	if (!kind_of(type))
		return 0;
	r = cf_store_read(ctx->core->store, &db, NULL);
	if (r == 0)
		r = cf_store_secret_next(db, CF_OBJECT_ROOT, kind_of(type), 0, &row, NULL);
	if (r > 0) {
		owner = owner_of(row.owner);
		r = cf_vault_get(ctx->core->vault, db, &owner, kind_of(type), &pkcs8, NULL);
		if (r == 0)
			r = cf_key_from_pkcs8(cf_span_buf(&pkcs8), ret, NULL);
		if (r == 0) {
			ret_which->number = row.owner;
			memcpy(ret_which->uuid, row.uuid, sizeof(row.uuid));
			return 1;
		}
	}
	/* A stock that is damaged must not keep anybody from getting a key. */
	return r == -ENOMEM ? cf_fail_memory(err) : 0;
}

int cf_ready_take(struct cf_db *db, enum cf_key_type type, const struct cf_ready *which,
		  struct cf_err *err)
{
	cf_auto(cf_secret_done) struct cf_secret row = { 0 };
	int r = cf_store_secret_get(db, CF_OBJECT_ROOT, which->number, kind_of(type), &row, NULL);

	/* Another one may have got its number meanwhile. */
	if (r == -ENOENT || (r == 0 && memcmp(row.uuid, which->uuid, sizeof(row.uuid)) != 0))
		return -EAGAIN;
	if (r < 0)
		return cf_fail(err, -r, "the ready keys can't be read");
	return cf_store_secret_delete(db, &row, err);
}

/* -- the stock --------------------------------------------------------------------------------- */

struct stock {
	int64_t wanted; /* of each type in use */
	bool used[N_TYPES];
	int64_t n[N_TYPES];
	int64_t last[N_TYPES]; /* the highest number */
};

/* The types that servers make when nothing else is said. */
static int load_used(struct cf_db *db, struct stock *stock, struct cf_err *err)
{
	struct cf_server server;
	int64_t after = 0;
	int r;

	while ((r = cf_store_server_next(db, after, &server, err)) > 0) {
		cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
		enum cf_key_type type;

		after = server.id;
		if (server.damaged)
			continue;
		r = cf_settings_load(db, &server, &settings, err);
		if (r == 0)
			r = cf_key_type_parse(cf_setting(&settings, CF_SETTING_KEY_TYPE), &type,
					      err);
		if (r < 0)
			return r;
		for (size_t i = 0; i < N_TYPES; i++)
			stock->used[i] |= types[i] == type;
	}
	return r;
}

static int count(struct cf_db *db, size_t i, struct stock *stock, struct cf_err *err)
{
	for (;;) {
		cf_auto(cf_secret_done) struct cf_secret row = { 0 };
		int r = cf_store_secret_next(db, CF_OBJECT_ROOT, kind_of(types[i]), stock->last[i],
					     &row, err);

		if (r <= 0)
			return r;
		stock->last[i] = row.owner;
		stock->n[i]++;
	}
}

static int load(struct cf_db *db, struct stock *ret, struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	struct stock stock = { 0 };
	int r = cf_settings_load(db, NULL, &settings, err);

	if (r < 0)
		return r;
	stock.wanted = atol(cf_setting(&settings, CF_SETTING_READY_KEYS));
	for (size_t i = 0; i < N_TYPES && r == 0; i++)
		r = count(db, i, &stock, err);
	if (r == 0 && stock.wanted)
		r = load_used(db, &stock, err);
	*ret = stock;
	return r;
}

/* How many of a type are lacking; negative: too many. */
static int64_t lacking(const struct stock *stock, size_t i)
{
	return (stock->used[i] ? stock->wanted : 0) - stock->n[i];
}

/* Delete as many of a type as there are too many. */
static int drop(struct cf_db *db, struct stock *stock, size_t i, struct cf_err *err)
{
	int r = 0;

	for (; lacking(stock, i) < 0 && r == 0; stock->n[i]--) {
		cf_auto(cf_secret_done) struct cf_secret row = { 0 };

		r = cf_store_secret_next(db, CF_OBJECT_ROOT, kind_of(types[i]), 0, &row, err);
		if (r > 0)
			r = cf_store_secret_delete(db, &row, err);
	}
	return r;
}

static int drop_all(struct cf_ctx *ctx, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct stock stock;
	int r = cf_store_begin(ctx->core->store, true, &db, err);

	if (r == 0)
		r = load(db, &stock, err);
	for (size_t i = 0; i < N_TYPES && r == 0; i++)
		r = drop(db, &stock, i, err);
	if (r == 0)
		r = cf_audit(ctx, db, "drop-ready-keys", NULL, NULL, NULL, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

static int audit(struct cf_ctx *ctx, struct cf_db *db, size_t i, const struct cf_key *key,
		 struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf detail = { 0 };
	char hex[2 * CF_SHA256_SIZE + 1];
	uint8_t sum[CF_SHA256_SIZE];
	int r = cf_key_spki_sum(key, sum, err);

	if (r == 0)
		r = cf_buf_printf(&detail, err, "%s %s", cf_key_type_text(types[i]),
				  cf_text_hex(sum, sizeof(sum), hex));
	return r < 0 ? r : cf_audit(ctx, db, "ready-key", NULL, NULL, cf_buf_text(&detail), err);
}

/* Make one, without a lock, and store it if it is still lacking. */
static int add(struct cf_ctx *ctx, size_t i, struct cf_err *err)
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	cf_auto(cf_buf_done) struct cf_buf pkcs8 = { 0 };
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_owner owner;
	struct stock stock;
	int r = cf_key_generate(types[i], &key, err);

	if (r == 0)
		r = cf_key_to_pkcs8(key, &pkcs8, err);
	if (r == 0)
		r = cf_store_begin(ctx->core->store, false, &db, err);
	if (r == 0)
		r = load(db, &stock, err);
	if (r < 0 || lacking(&stock, i) <= 0)
		return r;
	owner = owner_of(stock.last[i] + 1);
	r = cf_vault_put(ctx->core->vault, db, &owner, kind_of(types[i]), cf_span_buf(&pkcs8), err);
	if (r == 0)
		r = audit(ctx, db, i, key, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

static int look(struct cf_ctx *ctx, struct stock *ret, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(ctx->core->store, &db, err);

	return r < 0 ? r : load(db, ret, err);
}

int cf_ready_refill(struct cf_ctx *ctx, bool *ret_more, struct cf_err *err)
{
	struct stock stock;
	size_t most = 0;
	int r;

	*ret_more = false;
	if (cf_store_damaged(ctx->core->store, 0)) /* none of them would be handed out */
		return 0;
	r = look(ctx, &stock, err);
	for (size_t i = 0; i < N_TYPES && r == 0; i++) {
		if (lacking(&stock, i) < 0) {
			r = drop_all(ctx, err);
			*ret_more = r == 0;
			return r;
		}
		if (lacking(&stock, i) > lacking(&stock, most))
			most = i;
	}
	if (r < 0 || lacking(&stock, most) <= 0)
		return r;
	r = add(ctx, most, err);
	*ret_more = r == 0;
	return r;
}
