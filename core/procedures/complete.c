/* Completing pending requests; see complete.h. */
#include "core/procedures/complete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/procedures/answer_private.h"
#include "core/procedures/arrive.h"
#include "core/procedures/import_name.h"

/* Judge what goes to one place. */
static int judge_place(struct cf_ctx *ctx, struct cf_answer *a, size_t place, struct cf_err *err)
{
	cf_auto(cf_free) struct cf_span *leaves = calloc(a->n_targets + 1, sizeof(*leaves));
	cf_auto(cf_free) struct cf_verdict *verdicts = calloc(a->n_targets + 1, sizeof(*verdicts));
	size_t n = 0, done = 0;
	int r;

	if (!leaves || !verdicts)
		return cf_fail_memory(err);
	for (size_t i = 0; i < a->n_targets; i++)
		if (a->targets[i].place == place && a->targets[i].fit != CF_FIT_THERE)
			leaves[n++] = cf_span_buf(&a->targets[i].leaf->der);
	if (!n)
		return 0;
	r = cf_judge(ctx, &a->places[place].pool, leaves, n, verdicts, err);
	for (size_t i = 0; i < a->n_targets && r == 0; i++)
		if (a->targets[i].place == place && a->targets[i].fit != CF_FIT_THERE)
			a->targets[i].verdict = verdicts[done++];
	return r;
}

static int complete(struct cf_ctx *ctx, struct cf_db *db, const struct cf_place *place,
		    struct cf_target *target, struct cf_err *err)
{
	int r = cf_leaf_store(db, &target->row, target->leaf, &target->verdict, err);

	return r < 0 ? r
		     : cf_audit(ctx, db, "complete", place->server.name, &target->row,
				target->row.subject, err);
}

/* The key is sealed once more, for the new row: deleting either leaves the other one's. */
static int copy_key(struct cf_ctx *ctx, struct cf_db *db, const struct cf_certificate *from,
		    const struct cf_certificate *to, struct cf_err *err)
{
	struct cf_owner old = { .object = CF_OBJECT_CERTIFICATE,
				.id = from->id,
				.server = from->server,
				.spki_sum = from->spki_sum };
	struct cf_owner own = { .object = CF_OBJECT_CERTIFICATE,
				.id = to->id,
				.server = to->server,
				.spki_sum = to->spki_sum };
	cf_auto(cf_buf_done) struct cf_buf pkcs8 = { 0 };
	int r = cf_vault_get(ctx->core->vault, db, &old, CF_SECRET_KEY, &pkcs8, err);

	return r < 0 ? r
		     : cf_vault_put(ctx->core->vault, db, &own, CF_SECRET_KEY, cf_span_buf(&pkcs8),
				    err);
}

/* A new certificate for the key of target->row, as exportable as that. file: NULL for the others. */
static int share(struct cf_ctx *ctx, struct cf_db *db, struct cf_place *place,
		 const struct cf_target *target, const char *file, struct cf_err *err)
{
	const struct cf_certificate *from = &target->row;
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	cf_auto(cf_buf_done) struct cf_buf detail = { 0 };
	int r = cf_import_insert(db, &place->server, file, from->friendly_name,
				 target->leaf->info.common_name, &row, err);

	if (r == 0)
		r = cf_set_text(&row.friendly_name, from->friendly_name, err);
	if (r < 0)
		return r;
	row.exportable = from->exportable;
	memcpy(row.spki_sum, from->spki_sum, sizeof(row.spki_sum));
	row.key_type = from->key_type;
	row.key_len = from->key_len;
	row.t_request = cf_db_now(db);
	r = copy_key(ctx, db, from, &row, err);
	if (r == 0)
		r = cf_leaf_store(db, &row, target->leaf, &target->verdict, err);
	if (r == 0)
		r = cf_buf_printf(&detail, err, "with the key of %s", from->name);
	return r < 0 ? r
		     : cf_audit(ctx, db, "share-key", place->server.name, &row,
				cf_buf_text(&detail), err);
}

static int store_targets(struct cf_ctx *ctx, struct cf_db *db, struct cf_answer *a, size_t *stored,
			 struct cf_err *err)
{
	const char *file = a->drop->name;
	int r = 0;

	for (size_t i = 0; i < a->n_targets && r == 0; i++) {
		struct cf_target *target = &a->targets[i];
		struct cf_place *place = &a->places[target->place];

		if (target->fit == CF_FIT_THERE)
			continue;
		++*stored;
		if (target->fit == CF_FIT_PENDING) {
			r = complete(ctx, db, place, target, err);
		} else {
			r = share(ctx, db, place, target, file, err);
			file = NULL;
		}
	}
	return r;
}

static int keep_issuers(struct cf_ctx *ctx, struct cf_db *db, struct cf_answer *a, size_t *stored,
			struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; i < a->n_places && r == 0; i++) {
		struct cf_place *place = &a->places[i];

		r = cf_issuers_keep(db, place->server.id, a->decoded, &place->fresh_issuers, err);
		if (r < 0 || !place->fresh_issuers)
			continue;
		++*stored;
		r = cf_audit(ctx, db, "keep-issuers", place->server.name, NULL, NULL, err);
	}
	return r;
}

static int store(struct cf_ctx *ctx, struct cf_answer *a, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	size_t stored = 0;
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_answer_check(ctx, db, a, err);
	for (size_t i = 0; i < a->n_places && r == 0; i++)
		r = cf_load_server(db, a->places[i].server.id, &a->places[i].server, err);
	if (r == 0)
		r = store_targets(ctx, db, a, &stored, err);
	if (r == 0)
		r = keep_issuers(ctx, db, a, &stored, err);
	return r < 0 || !stored ? r : cf_store_commit(&db, &ctx->changes, err);
}

static int find(struct cf_ctx *ctx, struct cf_answer *a, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(ctx->core->store, &db, err);

	return r < 0 ? r : cf_answer_find(ctx, db, a, err);
}

int cf_complete(struct cf_ctx *ctx, const struct cf_drop *drop, const struct cf_decoded *decoded,
		struct cf_err *err)
{
	int r;

	do {
		cf_auto(cf_answer_done) struct cf_answer a = { .drop = drop, .decoded = decoded };

		r = find(ctx, &a, err);
		for (size_t i = 0; i < a.n_places && r == 0; i++)
			r = judge_place(ctx, &a, i, err);
		if (r == 0)
			r = store(ctx, &a, err);
		for (size_t i = 0; i < a.n_places && r == 0; i++)
			if (a.places[i].fresh_issuers)
				cf_status_refresh_after(ctx, a.places[i].server.id);
	} while (r == -EAGAIN);
	return r;
}
