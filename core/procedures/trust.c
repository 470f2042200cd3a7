/* The files of _trust; see trust.h. */
#include "core/procedures/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/name.h"
#include "core/procedures/status.h"

static int check_name(const char *name, struct cf_err *err)
{
	int r = cf_name_certificate(name, err);

	if (r == 0 && !cf_name_is_drop(name) && !cf_name_is_crl(name))
		r = cf_fail(err, EPERM,
			    "'%s': files in _trust end in .cer .crt .der .pem .p7b .p7c or .crl",
			    name);
	return r;
}

/* Pack what was decoded the way the pool reads it. */
static int pack_items(const struct cf_decoded *decoded, struct cf_buf *out, struct cf_err *err)
{
	for (size_t i = 0; i < decoded->n; i++) {
		const struct cf_item *item = &decoded->items[i];
		bool anchor = item->kind == CF_ITEM_CERTIFICATE && item->info.self_signed;
		int r;

		if (item->kind == CF_ITEM_KEY)
			return cf_fail(err, EINVAL, "a private key doesn't belong in _trust");
		if (item->kind == CF_ITEM_CERTIFICATE && !item->info.is_ca)
			return cf_fail(err, EINVAL,
				       "'%s' is not the certificate of a CA; _trust takes roots, "
				       "intermediates and CRLs",
				       item->info.subject);
		r = cf_pack_int(out, item->kind, err);
		if (r == 0)
			r = cf_pack_int(out, anchor, err);
		if (r == 0)
			r = cf_pack_bytes(out, cf_span_buf(&item->der), err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Trust is another one: every verdict is to be made anew, even if we die before that is done. */
static int trust_changed(struct cf_db *db, struct cf_err *err)
{
	struct cf_root root;
	int r = cf_load_root(db, &root, err);

	if (r < 0)
		return r;
	root.trust_epoch++;
	root.t_trust = cf_db_now(db);
	memset(root.system_sum, 0, sizeof(root.system_sum));
	return cf_store_root_update(db, &root, 0, err);
}

static int listing_changed(struct cf_db *db, struct cf_err *err)
{
	struct cf_root root;
	int r = cf_load_root(db, &root, err);

	if (r < 0)
		return r;
	root.t_trust = cf_db_now(db);
	return cf_store_root_update(db, &root, 0, err);
}

/* Find by name; *ret_found false when there is none. A name in another case is -EEXIST. */
static int find(struct cf_db *db, const char *name, struct cf_trust *ret, bool *ret_found,
		struct cf_err *err)
{
	int r = cf_store_trust_find_folded(db, name, ret, NULL);

	*ret_found = r == 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cf_fail(err, -r, "_trust can't be read");
	if (strcmp(ret->name, name))
		return cf_fail(err, EEXIST, "_trust has '%s', which differs from '%s' only in case",
			       ret->name, name);
	return 0;
}

/* All of it goes to the decoder for each batch of certificates. */
static int check_room(struct cf_db *db, size_t old, size_t fresh, const char *name,
		      struct cf_err *err)
{
	int64_t all;
	int r = cf_store_trust_bytes(db, &all, err);

	if (r < 0)
		return r;
	all += (int64_t)fresh - (int64_t)old;
	if (all > CF_TRUST_MAX)
		return cf_fail(err, ENOSPC,
			       "with '%s' the files in _trust would have %lld bytes; %d are the "
			       "most, so take out what is no longer needed",
			       name, (long long)all, CF_TRUST_MAX);
	return 0;
}

struct dropped {
	const char *name;
	struct cf_span bytes;
	mode_t mode;
	cf_time mtime;
};

static int store_file(struct cf_ctx *ctx, const struct dropped *file, struct cf_buf *items,
		      bool *ret_same, struct cf_err *err)
{
	struct cf_span bytes = file->bytes;
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_trust_done) struct cf_trust row = { 0 };
	bool found = false;
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = find(db, file->name, &row, &found, err);
	if (r < 0)
		return r;
	*ret_same =
		found && row.data.len == bytes.len && !memcmp(row.data.data, bytes.data, bytes.len);
	if (*ret_same)
		return 0;
	r = check_room(db, row.data.len, bytes.len, file->name, err);
	if (r < 0)
		return r;
	cf_buf_done(&row.data);
	r = cf_buf_append(&row.data, bytes.data, bytes.len, err);
	cf_buf_move(&row.items, items);
	if (!found)
		snprintf(row.name, sizeof(row.name), "%s", file->name);
	if (!found)
		row.mode = file->mode & 0777;
	row.mtime = row.ctime = cf_db_now(db);
	if (file->mtime)
		row.mtime = file->mtime;
	if (r == 0)
		r = found ? cf_store_trust_update(db, &row, err)
			  : cf_store_trust_insert(db, &row, err);
	if (r == 0)
		r = trust_changed(db, err);
	if (r == 0)
		r = cf_audit(ctx, db, "trust", NULL, NULL, file->name, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

/* A key has no business here, encrypted or not, so that no password is tried. */
static int decode(struct cf_ctx *ctx, struct cf_span bytes, struct cf_decoded *ret,
		  struct cf_err *err)
{
	struct cf_err why = { 0 };
	int r = cf_decoder_decode(&ctx->core->decoder, bytes, NULL, ret, &why);

	if (r == -ENOKEY)
		return cf_fail(err, EINVAL,
			       "it is encrypted; _trust takes certificates and CRLs without keys");
	return r < 0 ? cf_fail(err, -r, "%s", why.text) : 0;
}

int cf_trust_put(struct cf_ctx *ctx, const char *name, struct cf_span bytes, mode_t mode,
		 cf_time mtime, struct cf_err *err)
{
	struct dropped file = { .name = name, .bytes = bytes, .mode = mode, .mtime = mtime };
	cf_auto(cf_decoded_done) struct cf_decoded decoded = { 0 };
	cf_auto(cf_buf_done) struct cf_buf items = { 0 };
	bool same = false;
	int r = check_name(name, err);

	if (r == 0)
		r = decode(ctx, bytes, &decoded, err);
	if (r == 0)
		r = pack_items(&decoded, &items, err);
	if (r == 0)
		r = store_file(ctx, &file, &items, &same, err);
	if (r == 0 && !same)
		cf_status_refresh_after(ctx, 0);
	return r;
}

int cf_trust_remove(struct cf_ctx *ctx, const char *name, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_trust_done) struct cf_trust row = { 0 };
	int r = cf_store_begin(ctx->core->store, true, &db, err);

	if (r == 0)
		r = cf_store_trust_find(db, name, &row, err);
	if (r == 0)
		r = cf_store_trust_delete(db, &row, err);
	if (r == 0)
		r = trust_changed(db, err);
	if (r == 0)
		r = cf_audit(ctx, db, "distrust", NULL, NULL, name, err);
	if (r == 0)
		r = cf_store_commit(&db, &ctx->changes, err);
	if (r == 0)
		cf_status_refresh_after(ctx, 0);
	return r;
}

int cf_trust_rename(struct cf_ctx *ctx, const char *name, const char *new_name, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_trust_done) struct cf_trust row = { 0 };
	int r = check_name(new_name, err);

	if (r == 0)
		r = cf_store_begin(ctx->core->store, false, &db, err);
	if (r == 0)
		r = cf_store_trust_find(db, name, &row, err);
	if (r < 0)
		return r;
	snprintf(row.name, sizeof(row.name), "%s", new_name);
	row.ctime = cf_db_now(db);
	r = cf_store_trust_update(db, &row, err);
	if (r == 0)
		r = listing_changed(db, err);
	if (r == 0)
		r = cf_audit(ctx, db, "rename-trust", NULL, NULL, new_name, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

int cf_trust_attr(struct cf_ctx *ctx, int64_t id, int64_t mode, cf_time mtime, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_trust_done) struct cf_trust row = { 0 };
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_store_trust_get(db, id, &row, err);
	if (r < 0)
		return r;
	if (mode >= 0)
		row.mode = mode & 0777;
	if (mtime)
		row.mtime = mtime;
	row.ctime = cf_db_now(db);
	r = cf_store_trust_update(db, &row, err);
	if (r == 0)
		r = cf_audit(ctx, db, "access", NULL, NULL, row.name, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}
