/* Assigning a certificate to services; see assign.h. */
#include "core/procedures/assign.h"

#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "core/procedures/rules.h"

static bool has_line(const char *lines, const char *word)
{
	size_t n = strlen(word);

	for (; *lines; lines += strcspn(lines, "\n") + 1)
		if (!strncmp(lines, word, n) && lines[n] == '\n')
			return true;
	return false;
}

/* Write the service down unless it is, and let the server use this certificate for it. */
static int take(struct cf_change_set *set, struct cf_buf *lines, enum cf_service service,
		struct cf_err *err)
{
	const char *word = cf_service_text(service);

	set->server.use[service] = set->cert.id;
	return has_line(cf_buf_text(lines), word) ? 0 : cf_buf_printf(lines, err, "%s\n", word);
}

static int assign_word(struct cf_change_set *set, const struct cf_settings *settings,
		       struct cf_buf *lines, const char *word, struct cf_err *err)
{
	enum cf_service service;
	int r = cf_service_parse(word, &service, err);

	if (r == 0)
		r = cf_service_allowed(settings, &set->cert, service, cf_db_now(set->db), err);
	if (r < 0)
		return r;
	if (service == CF_SERVICE_SMTP_DEFAULT)
		r = take(set, lines, CF_SERVICE_SMTP, err);
	if (r == 0)
		r = take(set, lines, service, err);
	if (service == CF_SERVICE_SMTP && !set->server.use[CF_SERVICE_SMTP_DEFAULT])
		set->server.use[CF_SERVICE_SMTP_DEFAULT] = set->cert.id;
	return r;
}

static int store(struct cf_ctx *ctx, struct cf_change_set *set, const struct cf_buf *lines,
		 bool used_changed, struct cf_err *err)
{
	cf_time now = cf_db_now(set->db);
	size_t old = strlen(set->cert.services);
	cf_auto(cf_buf_done) struct cf_buf detail = { 0 };
	int r = cf_buf_puts(&detail, cf_buf_text(lines) + old, err);

	for (char *p = detail.data; r == 0 && p && *p; p++)
		if (*p == '\n')
			*p = p[1] ? ' ' : '\0';
	if (r == 0 && lines->len != old) {
		set->cert.t_services = set->cert.mtime = set->cert.ctime = now;
		r = cf_set_text(&set->cert.services, cf_buf_text(lines), err);
		if (r == 0)
			r = cf_store_certificate_update(set->db, &set->cert, CF_WHAT_SERVICES, err);
	}
	if (r == 0 && used_changed) {
		set->server.t_use = now;
		r = cf_store_server_update(set->db, &set->server, CF_WHAT_SERVICES, err);
	}
	if (r == 0)
		r = cf_audit(ctx, set->db, "assign", set->server.name, &set->cert,
			     cf_buf_text(&detail), err);
	return r;
}

int cf_assign_within(struct cf_ctx *ctx, struct cf_change_set *set, const char *text,
		     struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	cf_auto(cf_buf_done) struct cf_buf lines = { 0 }, words = { 0 };
	int64_t used[CF_SERVICE_COUNT_];
	char *save = NULL;
	bool used_changed;
	int r = cf_settings_load(set->db, &set->server, &settings, err);

	if (r == 0)
		r = cf_buf_puts(&lines, set->cert.services ? set->cert.services : "", err);
	if (r == 0)
		r = cf_buf_puts(&words, text, err);
	if (r < 0)
		return r;
	memcpy(used, set->server.use, sizeof(used));
	for (char *word = strtok_r(words.data, ", \t\n", &save); word && r == 0;
	     word = strtok_r(NULL, ", \t\n", &save))
		r = assign_word(set, &settings, &lines, word, err);
	if (r < 0)
		return r;
	used_changed = memcmp(used, set->server.use, sizeof(used)) != 0;
	if (!used_changed && lines.len == strlen(set->cert.services))
		return 0;
	return store(ctx, set, &lines, used_changed, err);
}

int cf_assign(struct cf_ctx *ctx, int64_t certificate, const char *text, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_change_certificate(ctx, certificate, &set, err);

	if (r == 0)
		r = cf_assign_within(ctx, &set, text, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}
