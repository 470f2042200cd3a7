/* Renewing; see renew.h. */
#include "core/procedures/renew.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/name.h"
#include "core/procedures/create.h"
#include "core/procedures/plan_private.h"
#include "core/procedures/property.h"

#define SAME_YEAR_MAX 1000 /* names that are tried */

/* One renewal: the name that was given, "" for none. */
struct renewal {
	int64_t old;
	char old_name[256];
	const char *name;
};

/* -- the name ----------------------------------------------------------------------------------- */

/* The length of a name without "-2026" or "-2026-2" at its end. */
static size_t without_year(const char *name)
{
	size_t n = strlen(name), digits = n;

	while (digits && isdigit((unsigned char)name[digits - 1]))
		digits--;
	/* A number after the year; the year itself has four digits. */
	if (n - digits < 4 && digits < n && digits > 5 && name[digits - 1] == '-' &&
	    isdigit((unsigned char)name[digits - 2]))
		n = digits - 1;
	if (n > 5 && name[n - 5] == '-' && strspn(name + n - 4, "0123456789") >= 4)
		return n - 5;
	return strlen(name);
}

static int choose_name(struct cf_db *db, const struct renewal *renewal, int64_t server,
		       struct cf_certificate *row, struct cf_err *err)
{
	time_t now = (time_t)(cf_db_now(db) / CF_SECOND);
	struct tm tm = { 0 };
	int r = -EEXIST;

	gmtime_r(&now, &tm);
	for (int i = 1; i < SAME_YEAR_MAX && r == -EEXIST; i++) {
		cf_auto(cf_buf_done) struct cf_buf name = { 0 };

		cf_err_reset(err);
		r = cf_buf_printf(&name, err, "%.*s-%d", (int)without_year(renewal->old_name),
				  renewal->old_name, tm.tm_year + 1900);
		if (r == 0 && i > 1)
			r = cf_buf_printf(&name, err, "-%d", i);
		if (r == 0)
			r = cf_name_certificate(name.data, err);
		if (r == 0)
			r = cf_certificate_name_free(db, server, name.data, 0, err);
		if (r == 0)
			snprintf(row->name, sizeof(row->name), "%s", name.data);
	}
	return r;
}

static int check_name(struct cf_db *db, const struct renewal *renewal, int64_t server,
		      struct cf_certificate *row, struct cf_err *err)
{
	int r = cf_name_certificate(renewal->name, err);

	if (r == 0)
		r = cf_certificate_name_free(db, server, renewal->name, 0, err);
	if (r == 0)
		snprintf(row->name, sizeof(row->name), "%s", renewal->name);
	return r;
}

/* -- what is asked for -------------------------------------------------------------------------- */

/* The type of a key that wasn't made here: the next that is as strong. */
static int64_t key_type_like(const struct cf_certificate *old)
{
	if (cf_key_type_text((int)old->key_type))
		return old->key_type;
	if (strcmp(old->key_algorithm, "RSA") != 0)
		return old->key_bits > 256 ? CF_KEY_P384 : CF_KEY_P256;
	if (old->key_bits > 3072)
		return CF_KEY_RSA4096;
	return old->key_bits > 2048 ? CF_KEY_RSA3072 : CF_KEY_RSA2048;
}

static int copy(const struct cf_certificate *old, struct cf_plan *plan, struct cf_err *err)
{
	struct cf_certificate *row = &plan->row;
	int r = cf_note(err, cf_dn_parse_shown(old->subject, &plan->subject, err), "subject");

	row->server = old->server;
	row->uid = old->uid;
	row->gid = old->gid;
	row->mode = old->mode;
	row->exportable = old->exportable;
	row->key_type = key_type_like(old);
	plan->self_signed = old->self_signed;
	plan->seen = old->version;
	if (r == 0)
		r = cf_set_text(&row->friendly_name, old->friendly_name, err);
	if (r == 0)
		r = cf_buf_puts(&plan->domains, old->domains, err);
	if (r == 0 && !plan->domains.len && cf_name_domain(plan->subject.common_name, NULL) == 0)
		r = cf_domains_add(&plan->domains, plan->subject.common_name, err);
	return r < 0 || plan->domains.len ? r : cf_plan_server_domains(plan, err);
}

/* Everything that can be refused is, before a key is made. */
static int read_old(struct cf_ctx *ctx, struct renewal *renewal, struct cf_plan *plan,
		    struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_certificate_done) struct cf_certificate old = { 0 };
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_load_certificate(db, renewal->old, &old, &plan->server, err);
	if (r == 0)
		r = cf_settings_load(db, &plan->server, &plan->settings, err);
	if (r < 0)
		return r;
	if (old.state != CF_STATE_COMPLETE)
		return cf_fail(err, EACCES, "'%s' has no certificate that could be renewed",
			       old.name);
	snprintf(renewal->old_name, sizeof(renewal->old_name), "%s", old.name);
	if (*renewal->name)
		r = check_name(db, renewal, old.server, &plan->row, err);
	return r < 0 ? r : copy(&old, plan, err);
}

/* -- making it ---------------------------------------------------------------------------------- */

/* -EAGAIN: the old one changed meanwhile, plan again. */
static int store(struct cf_ctx *ctx, const struct renewal *renewal, struct cf_plan *plan,
		 struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	cf_auto(cf_buf_done) struct cf_buf detail = { 0 };
	int r = cf_change_certificate(ctx, renewal->old, &set, err);

	if (r < 0)
		return r;
	if (set.cert.version != plan->seen)
		return -EAGAIN;
	r = *renewal->name ? 0 : choose_name(set.db, renewal, set.server.id, &plan->row, err);
	if (r == 0)
		r = cf_certificate_add(set.db, &set.server, &plan->row, err);
	if (r == 0)
		r = cf_buf_printf(&detail, err, "of %s", set.cert.name);
	if (r == 0)
		r = cf_plan_put(ctx, plan, &set, "renew", cf_buf_text(&detail), err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

int cf_renew(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines, size_t n,
	     struct cf_err *err)
{
	cf_auto(cf_plan_key_done) struct cf_plan_key key = { 0 };
	struct renewal renewal = { .old = certificate, .name = n ? lines[0].value : "" };
	int r;

	do {
		cf_auto(cf_plan_done) struct cf_plan plan = { 0 };

		r = read_old(ctx, &renewal, &plan, err);
		if (r == 0)
			r = cf_plan_sign(ctx, &plan, &key, err);
		if (r == 0)
			r = store(ctx, &renewal, &plan, err);
	} while (r == -EAGAIN);
	return r;
}
