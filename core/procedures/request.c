/* Making a certification request; see request.h. */
#include "core/procedures/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/name.h"
#include "core/procedures/plan_private.h"
#include "core/procedures/property.h"

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

/* The domains that are asked for: the CN where it is one, then the draft's; without either the server. */
static int plan_domains(struct cf_plan *plan, struct cf_err *err)
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
		r = cf_plan_server_domains(plan, err);
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

static int take_line(struct cf_plan *plan, const struct cf_assignment *line, struct cf_err *err)
{
	if (!cf_self_signed_line_known(line->name))
		return cf_property_set(&plan->row, &plan->settings, line->name, line->value, err);
	if (plan->self_signed)
		return cf_note(err, cf_self_signed_line(plan, line, err), "%s", line->name);
	return cf_fail(err, EINVAL,
		       "a line '%s' is for a self-signed certificate; in a request the CA decides, "
		       "and services are assigned when its answer is there",
		       line->name);
}

/* Read the draft, apply the lines, and work out name and domains. Nothing slow, nothing changed. */
static int plan_read(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines,
		     size_t n_lines, struct cf_plan *plan, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_buf_done) struct cf_buf subject = { 0 };
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_load_certificate(db, certificate, &plan->row, &plan->server, err);
	if (r == 0)
		r = is_draft(&plan->row, err);
	plan->seen = plan->row.version;
	if (r == 0)
		r = cf_settings_load(db, &plan->server, &plan->settings, err);
	for (size_t i = 0; i < n_lines && r == 0; i++)
		r = take_line(plan, &lines[i], err);
	if (r == 0 && plan->self_signed && !plan->row.exportable_given)
		plan->row.exportable =
			cf_setting_yes(&plan->settings, CF_SETTING_EXPORTABLE_SELF_SIGNED);
	if (r == 0 && plan->row.subject[0])
		r = cf_buf_puts(&subject, plan->row.subject, err);
	else if (r == 0)
		r = cf_buf_printf(&subject, err, "CN=%s", plan->server.name);
	if (r == 0)
		r = cf_note(err, cf_dn_parse(subject.data, &plan->subject, err), "subject");
	return r < 0 ? r : plan_domains(plan, err);
}

/* What a line said instead of a file of the draft is new in that file. */
static void set_times(struct cf_plan *plan, const struct cf_certificate *old, cf_time now)
{
	struct cf_certificate *row = &plan->row;

	if (strcmp(plan->subject.shown, old->subject) != 0)
		row->t_subject = now;
	if (strcmp(cf_buf_text(&plan->domains), old->domains) != 0)
		row->t_domains = now;
	if (row->key_type != old->key_type)
		row->t_key_type = now;
	if (row->exportable != old->exportable)
		row->t_exportable = now;
	if (strcmp(row->friendly_name, old->friendly_name) != 0)
		row->t_friendly = now;
}

/* -EAGAIN: the draft changed meanwhile, plan again. */
static int plan_store(struct cf_ctx *ctx, struct cf_plan *plan, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_change_certificate(ctx, plan->row.id, &set, err);

	if (r == 0)
		r = is_draft(&set.cert, err);
	if (r < 0)
		return r;
	if (set.cert.version != plan->seen)
		return -EAGAIN;
	set_times(plan, &set.cert, cf_db_now(set.db));
	r = cf_plan_put(ctx, plan, &set, plan->self_signed ? "self-sign" : "request", NULL, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

int cf_draft_make(struct cf_ctx *ctx, int64_t certificate, bool self_signed,
		  const struct cf_assignment *lines, size_t n_lines, struct cf_err *err)
{
	cf_auto(cf_plan_key_done) struct cf_plan_key key = { 0 };
	int r;

	do {
		cf_auto(cf_plan_done) struct cf_plan plan = { .self_signed = self_signed };

		r = plan_read(ctx, certificate, lines, n_lines, &plan, err);
		if (r == 0)
			r = cf_plan_sign(ctx, &plan, &key, err);
		if (r == 0)
			r = plan_store(ctx, &plan, err);
	} while (r == -EAGAIN);
	return r;
}

bool cf_request_line_known(const char *name)
{
	return cf_property_known(name) || cf_self_signed_line_known(name);
}

int cf_request_make(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines,
		    size_t n_lines, struct cf_err *err)
{
	return cf_draft_make(ctx, certificate, false, lines, n_lines, err);
}
