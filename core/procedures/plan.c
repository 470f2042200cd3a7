/* Making a key and what it signs; see plan_private.h. */
#include "core/procedures/plan_private.h"

#include <errno.h>
#include <string.h>

#include "core/base/name.h"
#include "core/crypto/request.h"
#include "core/procedures/arrive.h"
#include "core/procedures/assign.h"
#include "core/procedures/property.h"

void cf_plan_done(struct cf_plan *plan)
{
	cf_certificate_done(&plan->row);
	cf_settings_done(&plan->settings);
	cf_dn_done(&plan->subject);
	cf_buf_done(&plan->domains);
	cf_buf_done(&plan->subject_key_id);
	cf_buf_done(&plan->services);
	cf_buf_done(&plan->pkcs8);
	cf_buf_done(&plan->der);
	cf_decoded_done(&plan->decoded);
	cf_pool_done(&plan->pool);
	cf_verdict_done(&plan->verdict);
}

void cf_plan_key_done(struct cf_plan_key *key)
{
	cf_key_free(key->key);
	key->key = NULL;
	key->ready = (struct cf_ready){ 0 };
}

int cf_plan_server_domains(struct cf_plan *plan, struct cf_err *err)
{
	int r = 0;

	if (cf_name_domain(plan->server.name, NULL) == 0)
		r = cf_domains_add(&plan->domains, plan->server.name, err);
	if (r == 0 && cf_name_domain(cf_setting(&plan->settings, CF_SETTING_FQDN), NULL) == 0)
		r = cf_domains_add(&plan->domains, cf_setting(&plan->settings, CF_SETTING_FQDN),
				   err);
	return r;
}

int cf_plan_sign(struct cf_ctx *ctx, struct cf_plan *plan, struct cf_plan_key *key,
		 struct cf_err *err)
{
	enum cf_key_type type = (enum cf_key_type)plan->row.key_type;
	int r = 0;

	if (key->type != plan->row.key_type)
		cf_plan_key_done(key);
	if (!key->key)
		r = cf_ready_pick(ctx, type, &key->key, &key->ready, err);
	if (r == 0 && !key->key)
		r = cf_key_generate(type, &key->key, err);
	if (r < 0)
		return r;
	plan->key = key;
	key->type = plan->row.key_type;
	r = cf_key_to_pkcs8(key->key, &plan->pkcs8, err);
	if (r == 0)
		r = cf_key_spki_sum(key->key, plan->row.spki_sum, err);
	if (r == 0 && plan->self_signed)
		return cf_self_signed_sign(ctx, plan, key->key, err);
	if (r == 0)
		r = cf_request_build(key->key, cf_span_buf(&plan->subject.der),
				     cf_buf_text(&plan->domains), &plan->der, err);
	return r < 0 ? r : cf_sha1(cf_span_buf(&plan->der), plan->row.request_sha1, err);
}

/* Columns that a request and a certificate have in common. */
static int fill(const struct cf_plan *plan, struct cf_certificate *row, cf_time now,
		struct cf_err *err)
{
	int r = cf_set_timed(&row->subject, plan->subject.shown, &row->t_subject, now, err);

	if (r == 0)
		r = cf_set_timed(&row->domains, cf_buf_text(&plan->domains), &row->t_domains, now,
				 err);
	row->state = CF_STATE_PENDING;
	row->exportable_given = 0;
	row->key_len = (int64_t)plan->pkcs8.len;
	row->t_request = row->mtime = row->ctime = now;
	return r;
}

static int put_der(const struct cf_plan *plan, struct cf_db *db, struct cf_certificate *row,
		   struct cf_err *err)
{
	if (plan->self_signed)
		return cf_leaf_store(db, row, &plan->decoded.items[0], &plan->verdict, err);
	row->request_len = (int64_t)plan->der.len;
	return cf_store_blob_put(db, row, CF_BLOB_REQUEST, cf_span_buf(&plan->der), err);
}

/* Nobody else may get what was only looked at so far. */
static int take_ready(struct cf_plan *plan, struct cf_db *db, struct cf_err *err)
{
	struct cf_plan_key *key = plan->key;
	int r = key->ready.number ? cf_ready_take(db, (enum cf_key_type)key->type, &key->ready, err)
				  : 0;

	if (r == -EAGAIN)
		cf_plan_key_done(key);
	return r;
}

int cf_plan_put(struct cf_ctx *ctx, struct cf_plan *plan, struct cf_change_set *set,
		const char *operation, const char *detail, struct cf_err *err)
{
	struct cf_certificate *row = &set->cert;
	struct cf_owner owner = { .object = CF_OBJECT_CERTIFICATE,
				  .id = plan->row.id,
				  .server = plan->row.server,
				  .spki_sum = row->spki_sum };
	int r = plan->self_signed ? cf_pool_check(set->db, &plan->pool, err) : 0;

	if (r == 0)
		r = take_ready(plan, set->db, err);
	if (r < 0)
		return r;
	cf_certificate_done(row);
	*row = plan->row;
	plan->row = (struct cf_certificate){ 0 };
	r = fill(plan, row, cf_db_now(set->db), err);
	if (r == 0)
		r = put_der(plan, set->db, row, err);
	if (r == 0)
		r = cf_vault_put(ctx->core->vault, set->db, &owner, CF_SECRET_KEY,
				 cf_span_buf(&plan->pkcs8), err);
	if (r == 0 && !plan->self_signed)
		r = cf_store_certificate_update(set->db, row, CF_WHAT_STATE, err);
	if (r == 0)
		r = cf_audit(ctx, set->db, operation, set->server.name, row,
			     detail ? detail : row->subject, err);
	if (r == 0 && plan->services.len)
		r = cf_note(err, cf_assign_within(ctx, set, plan->services.data, err), "services");
	return r;
}
