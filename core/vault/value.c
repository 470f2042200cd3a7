/* Sealed values: each under a key of its own, bound to its row and owner; see vault.h. */
#include <errno.h>
#include <string.h>

#include "core/store/certificate.h"
#include "core/vault/vault_private.h"

/* The key of one row's value. */
static int row_key(const struct cf_vault *vault, const struct cf_secret *row,
		   uint8_t out[CF_KEY_SIZE], struct cf_err *err)
{
	return cf_hkdf(vault->master, cf_span(row->uuid, sizeof(row->uuid)),
		       cf_span_text("certfs secret"), out, err);
}

/* What a value is bound to. Its server isn't here: a certificate that moves keeps its key. */
static int context(const struct cf_vault *vault, const struct cf_secret *row,
		   const uint8_t *spki_sum, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_bytes(out, cf_span(vault->uuid, sizeof(vault->uuid)), err);

	if (r == 0)
		r = cf_pack_bytes(out, cf_span_text("secret"), err);
	if (r == 0)
		r = cf_pack_bytes(out, cf_span(row->uuid, sizeof(row->uuid)), err);
	if (r == 0)
		r = cf_pack_int(out, row->object, err);
	if (r == 0)
		r = cf_pack_int(out, row->owner, err);
	if (r == 0)
		r = cf_pack_int(out, row->kind, err);
	if (r == 0)
		r = cf_pack_bytes(out, cf_span(spki_sum, spki_sum ? CF_SUM_SIZE : 0), err);
	return r;
}

static int seal(const struct cf_vault *vault, struct cf_secret *row, const uint8_t *spki_sum,
		struct cf_span plain, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf bound = { 0 }, sealed = { 0 };
	uint8_t key[CF_KEY_SIZE];
	int r = context(vault, row, spki_sum, &bound, err);

	if (r == 0)
		r = row_key(vault, row, key, err);
	if (r == 0)
		r = cf_seal(key, cf_span_buf(&bound), plain, &sealed, err);
	explicit_bzero(key, sizeof(key));
	if (r == 0)
		cf_buf_move(&row->sealed, &sealed);
	return r;
}

int cf_vault_put(struct cf_vault *vault, struct cf_db *db, const struct cf_owner *owner,
		 enum cf_secret_kind kind, struct cf_span plain, struct cf_err *err)
{
	cf_auto(cf_secret_done) struct cf_secret row = { 0 };
	struct cf_err why = { 0 };
	int r = cf_store_secret_get(db, owner->object, owner->id, kind, &row, &why);

	if (r < 0 && r != -ENOENT)
		return cf_fail(err, -r, "%s", why.text);
	if (r == -ENOENT) {
		row = (struct cf_secret){
			.object = owner->object,
			.owner = owner->id,
			.kind = kind,
		};
		/* Chosen here, since the value is sealed before the row is written. */
		r = cf_random(row.uuid, sizeof(row.uuid), err);
		if (r < 0)
			return r;
	}
	row.server = owner->server;
	r = seal(vault, &row, owner->spki_sum, plain, err);
	return r < 0 ? r : cf_store_secret_put(db, &row, err);
}

static int unseal(const struct cf_vault *vault, const struct cf_secret *row,
		  const uint8_t *spki_sum, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf bound = { 0 };
	struct cf_err why = { 0 };
	uint8_t key[CF_KEY_SIZE];
	int r = context(vault, row, spki_sum, &bound, err);

	if (r == 0)
		r = row_key(vault, row, key, err);
	if (r < 0)
		return r;
	r = cf_unseal(key, cf_span_buf(&bound), cf_span_buf(&row->sealed), out, &why);
	explicit_bzero(key, sizeof(key));
	if (r == -EBADMSG)
		return cf_fail(err, EIO,
			       "a sealed value isn't what certfs stored; restore a backup");
	return r < 0 ? cf_fail(err, -r, "%s", why.text) : 0;
}

int cf_vault_get(struct cf_vault *vault, struct cf_db *db, const struct cf_owner *owner,
		 enum cf_secret_kind kind, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_secret_done) struct cf_secret row = { 0 };
	int r = cf_store_secret_get(db, owner->object, owner->id, kind, &row, err);

	return r < 0 ? r : unseal(vault, &row, owner->spki_sum, out, err);
}

int cf_vault_reseal(const struct cf_vault *from, const struct cf_vault *to, struct cf_db *db,
		    struct cf_secret *row, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate cert = { 0 };
	cf_auto(cf_buf_done) struct cf_buf plain = { 0 };
	const uint8_t *spki_sum = NULL;
	int r = 0;

	/* A private key is bound to its public one, whoever keeps it. */
	if (row->kind == CF_SECRET_KEY) {
		r = cf_store_certificate_get(db, row->owner, &cert, err);
		spki_sum = cert.spki_sum;
	}
	if (r == 0)
		r = unseal(from, row, spki_sum, &plain, err);
	return r < 0 ? r : seal(to, row, spki_sum, cf_span_buf(&plain), err);
}

int cf_vault_delete(struct cf_vault *vault, struct cf_db *db, const struct cf_owner *owner,
		    enum cf_secret_kind kind, struct cf_err *err)
{
	cf_auto(cf_secret_done) struct cf_secret row = { 0 };
	struct cf_err why = { 0 };
	int r = cf_store_secret_get(db, owner->object, owner->id, kind, &row, &why);

	(void)vault;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cf_fail(err, -r, "%s", why.text);
	return cf_store_secret_delete(db, &row, err);
}
