/* A certificate that arrives; see arrive.h. */
#include "core/procedures/arrive.h"

#include <string.h>

#include "core/procedures/setting.h"

bool cf_is_issuer(const struct cf_item *item)
{
	return item->kind == CF_ITEM_CERTIFICATE && item->info.is_ca && !item->info.self_signed;
}

int cf_issuers_offer(struct cf_pool *pool, const struct cf_decoded *decoded, struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; i < decoded->n && r == 0; i++)
		if (cf_is_issuer(&decoded->items[i]))
			r = cf_pool_add_issuer(pool, cf_span_buf(&decoded->items[i].der), err);
	return r;
}

int cf_issuers_keep(struct cf_db *db, int64_t server, const struct cf_decoded *decoded,
		    bool *ret_fresh, struct cf_err *err)
{
	for (size_t i = 0; i < decoded->n; i++) {
		bool fresh = false;
		int r;

		if (!cf_is_issuer(&decoded->items[i]))
			continue;
		r = cf_store_issuer_add(db, server, cf_span_buf(&decoded->items[i].der), &fresh,
					err);
		if (r < 0)
			return r;
		*ret_fresh |= fresh;
	}
	return 0;
}

/* One name per line from the certificate's own list. */
static int set_domains(struct cf_certificate *row, const char *names, cf_time now,
		       struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf list = { 0 };
	int r = *names ? cf_buf_printf(&list, err, "%s\n", names) : 0;

	return r < 0 ? r
		     : cf_set_timed(&row->domains, cf_buf_text(&list), &row->t_domains, now, err);
}

/* Put what the decoder read from the certificate into the columns. */
static int fill(struct cf_certificate *row, const struct cf_item *leaf, cf_time now,
		struct cf_err *err)
{
	const struct cf_cert_info *info = &leaf->info;
	const struct {
		char **slot;
		const char *text;
	} texts[] = {
		{ &row->issuer, info->issuer },
		{ &row->serial, info->serial },
		{ &row->key_algorithm, info->key_algorithm },
		{ &row->signature_algorithm, info->signature_algorithm },
		{ &row->enhanced_key_usage, info->enhanced_key_usage },
		{ &row->key_usage, info->key_usage },
		{ &row->subject_key_id, info->subject_key_id },
	};
	int r = cf_set_timed(&row->subject, info->subject, &row->t_subject, now, err);

	if (r == 0)
		r = set_domains(row, info->domains, now, err);
	for (size_t i = 0; i < CF_COUNT(texts) && r == 0; i++)
		r = cf_set_text(texts[i].slot, texts[i].text, err);
	memcpy(row->sha1, info->sha1, sizeof(row->sha1));
	row->key_bits = info->key_bits;
	row->x509_version = info->version;
	row->self_signed = info->self_signed;
	row->not_before = info->not_before;
	row->not_after = info->not_after;
	row->leaf_len = (int64_t)leaf->der.len;
	row->state = CF_STATE_COMPLETE;
	row->t_complete = row->t_services = row->mtime = row->ctime = now;
	return r;
}

int cf_leaf_store(struct cf_db *db, struct cf_certificate *row, const struct cf_item *leaf,
		  const struct cf_verdict *verdict, struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	struct cf_server server;
	unsigned what;
	bool changed;
	int r = cf_load_server(db, row->server, &server, err);

	if (r == 0)
		r = cf_settings_load(db, &server, &settings, err);
	if (r == 0)
		r = fill(row, leaf, cf_db_now(db), err);
	if (r == 0)
		r = cf_store_blob_put(db, row, CF_BLOB_LEAF, cf_span_buf(&leaf->der), err);
	if (r == 0)
		r = cf_setting_apply(db, &settings, row, &changed, err);
	if (r == 0)
		r = cf_verdict_apply(db, row, verdict, cf_db_now(db), &what, err);
	return r < 0 ? r : cf_store_certificate_update(db, row, CF_WHAT_STATE, err);
}
