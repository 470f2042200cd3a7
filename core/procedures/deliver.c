/* A dropped file; see deliver.h. */
#include "core/procedures/deliver.h"

#include <errno.h>
#include <string.h>

#include "core/procedures/complete.h"
#include "core/procedures/import.h"

#define THUMBPRINTS_MAX 64 /* places that look like one */

/* The passwords that are tried on one file. */
struct tried {
	struct cf_buf held[CF_PASSWORDS_MAX];
	struct cf_span items[CF_PASSWORDS_MAX];
	size_t n;
};

static void tried_done(struct tried *tried)
{
	for (size_t i = 0; i < tried->n; i++)
		cf_buf_done(&tried->held[i]);
}

CF_DEFINE_DONE(struct tried, tried_done);

/* One that can't be read is left out: the file may open without it. */
static int add(struct cf_ctx *ctx, struct cf_db *db, const struct cf_owner *owner,
	       enum cf_secret_kind kind, struct tried *tried, struct cf_err *err)
{
	struct cf_buf *slot = &tried->held[tried->n];
	int r;

	if (tried->n == CF_PASSWORDS_MAX)
		return 0;
	r = cf_vault_get(ctx->core->vault, db, owner, kind, slot, NULL);
	if (r < 0)
		cf_buf_done(slot);
	if (r == -ENOMEM)
		return cf_fail_memory(err);
	if (r < 0)
		return 0;
	for (size_t i = 0; i < tried->n; i++)
		if (tried->held[i].len == slot->len &&
		    !memcmp(tried->held[i].data, slot->data, slot->len)) {
			cf_buf_done(slot);
			return 0;
		}
	tried->items[tried->n++] = cf_span_buf(slot);
	return 0;
}

static int add_certificate(struct cf_ctx *ctx, struct cf_db *db, const struct cf_certificate *row,
			   struct tried *tried, struct cf_err *err)
{
	struct cf_owner owner = { .object = CF_OBJECT_CERTIFICATE,
				  .id = row->id,
				  .server = row->server };

	if (row->damaged || !row->has_password)
		return 0;
	return add(ctx, db, &owner, CF_SECRET_EXPORT_PASSWORD, tried, err);
}

/* The certificates with the thumbprint at p. */
static int add_named(struct cf_ctx *ctx, struct cf_db *db, const uint8_t *p, struct tried *tried,
		     struct cf_err *err)
{
	int64_t after = 0;

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		int r = cf_store_certificate_next_with_thumbprint(db, p, after, &row, err);

		if (r <= 0)
			return r;
		after = row.id;
		r = add_certificate(ctx, db, &row, tried, err);
		if (r < 0)
			return r;
	}
}

/* What export.pfx has as localKeyID, an OCTET STRING of 20 bytes, wherever it stands. */
static int add_by_thumbprint(struct cf_ctx *ctx, struct cf_db *db, struct cf_span bytes,
			     struct tried *tried, struct cf_err *err)
{
	static const uint8_t head[] = { 4, CF_SHA1_SIZE };
	const uint8_t *p = bytes.data;
	size_t left = bytes.len;
	int r = 0;

	for (int i = 0; r == 0 && i < THUMBPRINTS_MAX; i++) {
		const uint8_t *at = left ? memmem(p, left, head, sizeof(head)) : NULL;

		if (!at)
			break;
		left -= (size_t)(at + 1 - p);
		p = at + 1;
		if (left > CF_SHA1_SIZE)
			r = add_named(ctx, db, at + sizeof(head), tried, err);
	}
	return r;
}

/* Gather them in the order of certfs(5), Importing. */
static int gather(struct cf_ctx *ctx, const struct cf_drop *drop, struct tried *tried,
		  struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	struct cf_owner root = { .object = CF_OBJECT_ROOT };
	struct cf_owner server = { .object = CF_OBJECT_SERVER };
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0 && drop->certificate)
		r = cf_load_certificate(db, drop->certificate, &row, NULL, err);
	if (r < 0)
		return r;
	server.id = server.server = drop->certificate ? row.server : drop->server;
	if (server.id)
		r = add(ctx, db, &server, CF_SECRET_IMPORT_PASSWORD, tried, err);
	if (r == 0)
		r = add(ctx, db, &root, CF_SECRET_IMPORT_PASSWORD, tried, err);
	if (r == 0 && drop->certificate)
		r = add_certificate(ctx, db, &row, tried, err);
	if (r == 0)
		r = add_by_thumbprint(ctx, db, drop->bytes, tried, err);
	if (r == 0 && server.id)
		r = add(ctx, db, &server, CF_SECRET_EXPORT_PASSWORD, tried, err);
	return r < 0 ? r : add(ctx, db, &root, CF_SECRET_EXPORT_PASSWORD, tried, err);
}

static int decode(struct cf_ctx *ctx, const struct cf_drop *drop, struct cf_decoded *ret,
		  struct cf_err *err)
{
	cf_auto(tried_done) struct tried tried = { 0 };
	struct cf_passwords passwords = { .items = tried.items };
	struct cf_err why = { 0 };
	int r = cf_decoder_decode(&ctx->core->decoder, drop->bytes, NULL, ret, &why);

	/* Whatever password it has: no key is imported there. */
	if (r == -ENOKEY && !drop->certificate && !drop->server)
		return cf_import_refuse_root(err);
	if (r == -ENOKEY) {
		r = gather(ctx, drop, &tried, err);
		if (r < 0)
			return r;
		passwords.n = tried.n;
		r = -ENOKEY;
	}
	if (r < 0 && (r != -ENOKEY || !tried.n))
		return cf_fail(err, -r, "%s", why.text);
	return r == 0 ? 0
		      : cf_decoder_decode(&ctx->core->decoder, drop->bytes, &passwords, ret, err);
}

int cf_deliver(struct cf_ctx *ctx, const struct cf_drop *drop, struct cf_err *err)
{
	cf_auto(cf_decoded_done) struct cf_decoded decoded = { 0 };
	int r = decode(ctx, drop, &decoded, err);

	ctx->held_key = false;
	if (r < 0)
		return r;
	for (size_t i = 0; i < decoded.n; i++)
		if (decoded.items[i].kind == CF_ITEM_KEY)
			ctx->held_key = true;
	return ctx->held_key ? cf_import(ctx, drop, &decoded, err)
			     : cf_complete(ctx, drop, &decoded, err);
}
