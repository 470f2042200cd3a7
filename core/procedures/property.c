/* What a request asks for; see property.h. */
#include "core/procedures/property.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "core/base/name.h"
#include "core/base/text.h"
#include "core/crypto/dn.h"
#include "core/crypto/key.h"
#include "core/crypto/request.h"
#include "core/procedures/export.h"

static int set_subject(struct cf_certificate *row, const struct cf_settings *settings,
		       const char *value, struct cf_err *err)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
	int r = *value ? cf_dn_parse(value, &dn, err) : 0;

	(void)settings;
	if (r < 0)
		return r;
	/* A CN that is too long for the name is kept as written: the request needs it again. */
	if (*value && strlen(dn.common_name) <= CF_COMMON_NAME_MAX)
		value = dn.shown;
	return cf_set_text(&row->subject, value, err);
}

int cf_domains_add(struct cf_buf *list, const char *domain, struct cf_err *err)
{
	size_t n = strlen(domain);

	for (const char *line = cf_buf_text(list); *line; line = strchr(line, '\n') + 1)
		if (!strncasecmp(line, domain, n) && line[n] == '\n')
			return 0;
	return cf_buf_printf(list, err, "%s\n", domain);
}

/* Every accepted domain, with something in front. */
static int add_accepted(struct cf_buf *list, const struct cf_settings *settings, const char *word,
			const char *prefix, struct cf_err *err)
{
	const char *line = cf_setting(settings, CF_SETTING_ACCEPTED_DOMAINS);
	int r = 0;

	if (!*line)
		return cf_fail(err, EINVAL,
			       "'%s' stands for nothing: no accepted domain is set; write them "
			       "into _settings/accepted-domains of the root",
			       word);
	for (; *line && r == 0; line += strcspn(line, "\n") + 1) {
		cf_auto(cf_buf_done) struct cf_buf name = { 0 };

		r = cf_buf_printf(&name, err, "%s%.*s", prefix, (int)strcspn(line, "\n"), line);
		if (r == 0)
			r = cf_domains_add(list, name.data, err);
	}
	return r;
}

/* One word of `domains`: a name, or what the Include… switches of the cmdlet stand for. */
static int add_domain(struct cf_buf *list, const struct cf_settings *settings, const char *word,
		      struct cf_err *err)
{
	int r;

	if (!strcasecmp(word, "@accepted"))
		return add_accepted(list, settings, word, "", err);
	if (!strcasecmp(word, "@autodiscover"))
		return add_accepted(list, settings, word, "autodiscover.", err);
	if (!strcasecmp(word, "@server"))
		word = settings->server;
	else if (!strcasecmp(word, "@fqdn"))
		word = cf_setting(settings, CF_SETTING_FQDN);
	else if (word[0] == '@')
		return cf_fail(err, EINVAL,
			       "'%s' is not one of @server, @fqdn, @accepted, @autodiscover", word);
	r = cf_name_domain(word, err);
	return r < 0 ? r : cf_domains_add(list, word, err);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int set_domains(struct cf_certificate *row, const struct cf_settings *settings,
		       const char *value, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf list = { 0 }, words = { 0 };
	char *save = NULL;
	int r = cf_buf_puts(&words, value, err);

	if (r < 0)
		return r;
	for (char *word = strtok_r(words.data, ", \t\n", &save); word && r == 0;
	     word = strtok_r(NULL, ", \t\n", &save))
		r = add_domain(&list, settings, word, err);
	if (r == 0 && count_lines(cf_buf_text(&list)) > CF_DOMAINS_MAX)
		r = cf_fail(err, EINVAL, "a request has at most %d domains", CF_DOMAINS_MAX);
	return r < 0 ? r : cf_set_text(&row->domains, cf_buf_text(&list), err);
}

static int set_key_type(struct cf_certificate *row, const struct cf_settings *settings,
			const char *value, struct cf_err *err)
{
	enum cf_key_type type;
	int r = cf_key_type_parse(value, &type, err);

	(void)settings;
	if (r == 0)
		row->key_type = type;
	return r;
}

static int set_exportable(struct cf_certificate *row, const struct cf_settings *settings,
			  const char *value, struct cf_err *err)
{
	bool no = !strcasecmp(value, "no");

	(void)settings;
	if (!no && strcasecmp(value, "yes"))
		return cf_fail(err, EINVAL, "'%s': exportable is yes or no", value);
	row->exportable = !no;
	row->exportable_given = 1;
	return 0;
}

static int set_friendly_name(struct cf_certificate *row, const struct cf_settings *settings,
			     const char *value, struct cf_err *err)
{
	size_t characters = 0;

	(void)settings;
	for (const char *p = value; *p; p++)
		characters += (*p & 0xc0) != 0x80;
	if (characters > CF_FRIENDLY_NAME_MAX)
		return cf_fail(err, EINVAL, "a friendly name has at most %d characters, not %zu",
			       CF_FRIENDLY_NAME_MAX, characters);
	return cf_set_text(&row->friendly_name, value, err);
}

static const char *key_type_of(const struct cf_settings *settings)
{
	return cf_setting(settings, CF_SETTING_KEY_TYPE);
}

static const char *exportable_of(const struct cf_settings *settings)
{
	return cf_setting(settings, CF_SETTING_EXPORTABLE_REQUESTS);
}

static const struct property {
	const char *name;
	const char *initial; /* value of a new draft; NULL: .initial_of says */
	const char *(*initial_of)(const struct cf_settings *settings);
	bool list;     /* several lines are one value */
	bool always;   /* can also be set of a request and a certificate */
	unsigned what; /* what changes with it */
	size_t time;   /* where the row keeps when it last changed */
	int (*set)(struct cf_certificate *row, const struct cf_settings *settings,
		   const char *value, struct cf_err *err);
} properties[] = {
	{
		.name = "subject",
		.initial = "",
		.what = CF_WHAT_CONFIG,
		.time = offsetof(struct cf_certificate, t_subject),
		.set = set_subject,
	},
	{
		.name = "domains",
		.initial = "",
		.list = true,
		.what = CF_WHAT_CONFIG,
		.time = offsetof(struct cf_certificate, t_domains),
		.set = set_domains,
	},
	{
		.name = "key-type",
		.initial_of = key_type_of,
		.what = CF_WHAT_CONFIG,
		.time = offsetof(struct cf_certificate, t_key_type),
		.set = set_key_type,
	},
	{
		.name = "exportable",
		.initial_of = exportable_of,
		.what = CF_WHAT_CONFIG,
		.time = offsetof(struct cf_certificate, t_exportable),
		.set = set_exportable,
	},
	{
		.name = "friendly-name",
		.initial = "",
		.always = true,
		.what = CF_WHAT_FRIENDLY,
		.time = offsetof(struct cf_certificate, t_friendly),
		.set = set_friendly_name,
	},
};

/* Valid UTF-8 without anything that must not be shown raw; lines may end, blanks may be tabs. */
static bool is_plain(const char *text)
{
	while (*text) {
		uint32_t code;
		size_t n = cf_text_utf8(text, strnlen(text, 4), &code);

		if (!n || (cf_text_unsafe(code) && code != '\n' && code != '\t'))
			return false;
		text += n;
	}
	return true;
}

static const struct property *find(const char *name)
{
	for (size_t i = 0; i < CF_COUNT(properties); i++)
		if (!strcasecmp(properties[i].name, name))
			return &properties[i];
	return NULL;
}

bool cf_property_known(const char *name)
{
	return find(name) != NULL;
}

int cf_property_set(struct cf_certificate *row, const struct cf_settings *settings,
		    const char *name, const char *value, struct cf_err *err)
{
	const struct property *property = find(name);
	cf_auto(cf_buf_done) struct cf_buf copy = { 0 };
	char *text;
	int r;

	if (!property)
		return cf_fail(err, EINVAL,
			       "'%s' is not a property: subject, domains, key-type, exportable, "
			       "friendly-name",
			       name);
	if (row->state != CF_STATE_DRAFT && !property->always)
		return cf_fail(err, EACCES, "%s can be set in a draft only, and '%s' is none",
			       property->name, row->name);
	if (!is_plain(value))
		return cf_fail(err, EINVAL, "%s: '%s' is not printable UTF-8", property->name,
			       value);
	r = cf_buf_puts(&copy, value, err);
	if (r < 0)
		return r;
	if (copy.len && copy.data[copy.len - 1] == '\n')
		copy.data[--copy.len] = '\0';
	if (!property->list && strchr(copy.data, '\n'))
		return cf_fail(err, EINVAL, "%s is one line", property->name);
	text = cf_text_trim(copy.data);
	return cf_note(err, property->set(row, settings, text, err), "%s", property->name);
}

/* NULL: back to what a new draft has. */
static int change(struct cf_change_set *set, const struct property *property, const char *value,
		  struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	int r = cf_settings_load(set->db, &set->server, &settings, err);

	if (r == 0 && value)
		return cf_property_set(&set->cert, &settings, property->name, value, err);
	if (r == 0)
		r = cf_property_set(&set->cert, &settings, property->name,
				    property->initial ? property->initial
						      : property->initial_of(&settings),
				    err);
	if (property->set == set_exportable)
		set->cert.exportable_given = 0;
	return r;
}

static int write_property(struct cf_ctx *ctx, int64_t certificate, const char *name,
			  const char *value, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	const struct property *property = find(name);
	int r = cf_change_certificate(ctx, certificate, &set, err);
	cf_time now;

	if (r == 0)
		r = change(&set, property, value, err);
	if (r < 0)
		return r;
	now = cf_db_now(set.db);
	*(cf_time *)((char *)&set.cert + property->time) = now;
	if (property->what == CF_WHAT_FRIENDLY)
		r = cf_export_resize(set.db, &set.cert, err);
	set.cert.mtime = set.cert.ctime = now;
	if (r == 0)
		r = cf_store_certificate_update(set.db, &set.cert, property->what, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "set", set.server.name, &set.cert, property->name, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

int cf_property_write(struct cf_ctx *ctx, int64_t certificate, const char *name, const char *value,
		      struct cf_err *err)
{
	return write_property(ctx, certificate, name, value, err);
}

int cf_property_reset(struct cf_ctx *ctx, int64_t certificate, const char *name, struct cf_err *err)
{
	return write_property(ctx, certificate, name, NULL, err);
}
