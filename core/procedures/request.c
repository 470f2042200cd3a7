/* Making a certification request; see request.h. */
#include "core/procedures/request.h"

#include <errno.h>
#include <string.h>

#include "core/base/name.h"
#include "core/crypto/dn.h"
#include "core/crypto/key.h"
#include "core/crypto/request.h"
#include "core/procedures/property.h"

/* What is signed: computed without a lock, from the draft as it was read. */
struct plan {
	struct cf_certificate row;
	struct cf_server server;
	struct cf_settings settings;
	struct cf_dn subject;
	struct cf_buf domains;
	struct cf_buf pkcs8;
	struct cf_buf request;
};

static void plan_done(struct plan *plan)
{
	cf_certificate_done(&plan->row);
	cf_settings_done(&plan->settings);
	cf_dn_done(&plan->subject);
	cf_buf_done(&plan->domains);
	cf_buf_done(&plan->pkcs8);
	cf_buf_done(&plan->request);
}

CF_DEFINE_DONE(struct plan, plan_done);

static int is_draft(const struct cf_certificate *row, struct cf_err *err)
{
	if (row->state == CF_STATE_DRAFT)
		return 0;
	return cf_fail(err, EACCES, "'%s' has a %s already; for another one make a new directory",
		       row->name, row->state == CF_STATE_PENDING ? "request" : "certificate");
}

/* What has a dot or a star and no blank is meant to be a domain, and must be one. */
static bool is_meant_as_domain(const char *common_name)
{
	return strpbrk(common_name, ".*") && !strchr(common_name, ' ');
}

/* The server by its name and its fqdn. */
static int server_domains(struct plan *plan, struct cf_err *err)
{
	int r = 0;

	if (cf_name_domain(plan->server.name, NULL) == 0)
		r = cf_domains_add(&plan->domains, plan->server.name, err);
	return r < 0 ? r
		     : cf_domains_add(&plan->domains, cf_setting(&plan->settings, CF_SETTING_FQDN),
				      err);
}

/* The domains that are asked for: the CN where it is one, then the draft's; without either the server. */
static int plan_domains(struct plan *plan, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf given = { 0 };
	char *save = NULL;
	int r = 0;

	if (is_meant_as_domain(plan->subject.common_name))
		r = cf_note(err, cf_name_domain(plan->subject.common_name, err), "CN");
	if (r == 0 && cf_name_domain(plan->subject.common_name, NULL) == 0)
		r = cf_domains_add(&plan->domains, plan->subject.common_name, err);
	if (r == 0)
		r = cf_buf_puts(&given, plan->row.domains, err);
	if (r == 0 && !given.len && !plan->domains.len)
		r = server_domains(plan, err);
	for (char *name = given.len ? strtok_r(given.data, "\n", &save) : NULL; name && r == 0;
	     name = strtok_r(NULL, "\n", &save))
		r = cf_domains_add(&plan->domains, name, err);
	if (r == 0 && !plan->domains.len)
		r = cf_fail(err, EINVAL,
			    "neither the common name '%s' nor the server '%s' is a domain name; "
			    "write one into domains",
			    plan->subject.common_name, plan->server.name);
	return r;
}

/* Read the draft, apply the lines, and work out name and domains. Nothing slow, nothing changed. */
static int plan_read(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines,
		     size_t n_lines, struct plan *plan, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_buf_done) struct cf_buf subject = { 0 };
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_load_certificate(db, certificate, &plan->row, &plan->server, err);
	if (r == 0)
		r = is_draft(&plan->row, err);
	if (r == 0)
		r = cf_settings_load(db, &plan->server, &plan->settings, err);
	for (size_t i = 0; i < n_lines && r == 0; i++)
		r = cf_property_set(&plan->row, &plan->settings, lines[i].name, lines[i].value,
				    err);
	if (r == 0 && plan->row.subject[0])
		r = cf_buf_puts(&subject, plan->row.subject, err);
	else if (r == 0)
		r = cf_buf_printf(&subject, err, "CN=%s", plan->server.name);
	if (r == 0)
		r = cf_note(err, cf_dn_parse(subject.data, &plan->subject, err), "subject");
	return r < 0 ? r : plan_domains(plan, err);
}

static int plan_sign(struct plan *plan, struct cf_key **key, int64_t *key_type, struct cf_err *err)
{
	int r = 0;

	if (*key && *key_type != plan->row.key_type) {
		cf_key_free(*key);
		*key = NULL;
	}
	if (!*key)
		r = cf_key_generate((enum cf_key_type)plan->row.key_type, key, err);
	*key_type = plan->row.key_type;
	if (r == 0)
		r = cf_key_to_pkcs8(*key, &plan->pkcs8, err);
	if (r == 0)
		r = cf_key_spki_sum(*key, plan->row.spki_sum, err);
	if (r == 0)
		r = cf_request_build(*key, cf_span_buf(&plan->subject.der),
				     cf_buf_text(&plan->domains), &plan->request, err);
	return r < 0 ? r : cf_sha1(cf_span_buf(&plan->request), plan->row.request_sha1, err);
}

/* Fill the columns of a pending request. What differs from the draft as stored changes its time. */
static int fill(struct plan *plan, const struct cf_certificate *stored, cf_time now,
		struct cf_err *err)
{
	struct cf_certificate *row = &plan->row;
	int r = cf_set_text(&row->subject, plan->subject.shown, err);

	if (r == 0)
		r = cf_set_text(&row->domains, cf_buf_text(&plan->domains), err);
	if (r < 0)
		return r;
	if (strcmp(row->subject, stored->subject))
		row->t_subject = now;
	if (strcmp(row->domains, stored->domains))
		row->t_domains = now;
	if (strcmp(row->friendly_name, stored->friendly_name))
		row->t_friendly = now;
	if (row->key_type != stored->key_type)
		row->t_key_type = now;
	if (row->exportable != stored->exportable)
		row->t_exportable = now;
	row->state = CF_STATE_PENDING;
	row->key_len = (int64_t)plan->pkcs8.len;
	row->request_len = (int64_t)plan->request.len;
	row->t_request = row->mtime = row->ctime = now;
	return 0;
}

/* -EAGAIN: the draft changed meanwhile, plan again. */
static int plan_store(struct cf_ctx *ctx, struct plan *plan, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	struct cf_certificate *row = &plan->row;
	struct cf_owner owner = { .object = CF_OBJECT_CERTIFICATE,
				  .id = row->id,
				  .spki_sum = row->spki_sum };
	int r = cf_change_certificate(ctx, row->id, &set, err);

	if (r == 0)
		r = is_draft(&set.cert, err);
	if (r < 0)
		return r;
	if (set.cert.version != row->version)
		return -EAGAIN;
	owner.server = row->server;
	r = fill(plan, &set.cert, cf_db_now(set.db), err);
	if (r == 0)
		r = cf_store_blob_put(set.db, row, CF_BLOB_REQUEST, cf_span_buf(&plan->request),
				      err);
	if (r == 0)
		r = cf_vault_put(ctx->core->vault, set.db, &owner, CF_SECRET_KEY,
				 cf_span_buf(&plan->pkcs8), err);
	if (r == 0)
		r = cf_store_certificate_update(set.db, row, CF_WHAT_STATE, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "request", set.server.name, row, row->subject, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

int cf_request_make(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines,
		    size_t n_lines, struct cf_err *err)
{
	cf_auto(cf_key_free) struct cf_key *key = NULL;
	int64_t key_type = 0;
	int r;

	do {
		cf_auto(plan_done) struct plan plan = { 0 };

		r = plan_read(ctx, certificate, lines, n_lines, &plan, err);
		if (r == 0)
			r = plan_sign(&plan, &key, &key_type, err);
		if (r == 0)
			r = plan_store(ctx, &plan, err);
	} while (r == -EAGAIN);
	return r;
}
