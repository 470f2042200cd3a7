/* Settings; see setting.h. */
#include "core/procedures/setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/name.h"
#include "core/base/text.h"
#include "core/crypto/key.h"
#include "core/crypto/pkcs12.h"
#include "core/procedures/property.h"
#include "core/store/found.h"
#include "core/store/setting.h"

#define AUTODISCOVER "autodiscover." /* what is put in front of an accepted domain */

static const char *const versions[] = { "2016", "2019", "SE", NULL };
static const char *const modes[] = { "TCP", "TLS", "Dual", NULL };
static const char *const yes_or_no[] = { "yes", "no", NULL };
static const char *const encryptions[] = { "aes256-sha256", "3des-sha1", NULL };

static const char *server_name(const struct cf_settings *settings)
{
	return settings->server;
}

static const char *pfx_encryption(const struct cf_settings *settings)
{
	bool old = !strcmp(cf_setting(settings, CF_SETTING_VERSION), "2016");

	return encryptions[old];
}

static const char *pfx_iterations(const struct cf_settings *settings)
{
	bool old = !strcmp(cf_setting(settings, CF_SETTING_PFX_ENCRYPTION), encryptions[1]);

	return old ? "2000" : "10000";
}

static int take_host(const char *text, struct cf_buf *out, struct cf_err *err)
{
	unsigned char ip[16];
	size_t n;
	int r = cf_name_domain(text, err);

	if (r < 0)
		return r;
	if (text[0] == '*' || cf_name_ip(text, ip, &n))
		return cf_fail(err, EINVAL, "'%s' is not the name of a host", text);
	return cf_buf_puts(out, text, err);
}

static int take_domains(const char *text, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf words = { 0 };
	char *save = NULL;
	int r = cf_buf_puts(&words, text, err);

	if (r < 0)
		return r;
	for (char *word = strtok_r(words.data, ", \t\n", &save); word && r == 0;
	     word = strtok_r(NULL, ", \t\n", &save)) {
		cf_auto(cf_buf_done) struct cf_buf checked = { 0 };

		r = take_host(word, &checked, err);
		if (r == 0 && strlen(word) + strlen(AUTODISCOVER) > CF_DOMAIN_MAX)
			r = cf_fail(err, EINVAL,
				    "an accepted domain has at most %d bytes, so that "
				    "autodiscover fits in front of it",
				    CF_DOMAIN_MAX - (int)strlen(AUTODISCOVER));
		if (r == 0)
			r = cf_domains_add(out, word, err);
	}
	return r;
}

static int take_key_type(const char *text, struct cf_buf *out, struct cf_err *err)
{
	enum cf_key_type type;
	int r = cf_key_type_parse(text, &type, err);

	return r < 0 ? r : cf_buf_puts(out, cf_key_type_text(type), err);
}

static int take_number(const char *text, long min, long max, struct cf_buf *out, struct cf_err *err)
{
	size_t n = strspn(text, "0123456789");
	long value = !text[n] && n < 9 ? atol(text) : -1;

	if (value < min || value > max)
		return cf_fail(err, EINVAL, "'%s': it is a number from %ld to %ld", text, min, max);
	return cf_buf_printf(out, err, "%ld", value);
}

static int take_days(const char *text, struct cf_buf *out, struct cf_err *err)
{
	return take_number(text, 1, CF_EXPIRING_DAYS_MAX, out, err);
}

static int take_ready_keys(const char *text, struct cf_buf *out, struct cf_err *err)
{
	return take_number(text, 0, CF_READY_KEYS_MAX, out, err);
}

static int take_iterations(const char *text, struct cf_buf *out, struct cf_err *err)
{
	return take_number(text, CF_PFX_ITERATIONS_MIN, CF_PFX_ITERATIONS_MAX, out, err);
}

/* One row is one setting. */
static const struct setting {
	const char *name;
	bool of_root;
	bool list;           /* several lines are one value */
	const char *initial; /* the default; NULL: .depends says */
	const char *(*depends)(const struct cf_settings *settings);
	const char *const *words; /* one of these, in any case; NULL: .take checks */
	int (*take)(const char *text, struct cf_buf *out, struct cf_err *err);
} table[CF_SETTING_COUNT_] = {
	[CF_SETTING_ACCEPTED_DOMAINS] = {
		.name = "accepted-domains",
		.of_root = true,
		.list = true,
		.initial = "",
		.take = take_domains,
	},
	[CF_SETTING_EXPIRING_DAYS] = {
		.name = "expiring-days",
		.of_root = true,
		.initial = "30",
		.take = take_days,
	},
	[CF_SETTING_READY_KEYS] = {
		.name = "ready-keys",
		.of_root = true,
		.initial = "0",
		.take = take_ready_keys,
	},
	[CF_SETTING_FQDN] = {
		.name = "fqdn",
		.depends = server_name,
		.take = take_host,
	},
	[CF_SETTING_VERSION] = {
		.name = "version",
		.initial = "2019",
		.words = versions,
	},
	[CF_SETTING_UM_STARTUP_MODE] = {
		.name = "um-startup-mode",
		.initial = "TCP",
		.words = modes,
	},
	[CF_SETTING_UM_CALL_ROUTER_STARTUP_MODE] = {
		.name = "umcallrouter-startup-mode",
		.initial = "TCP",
		.words = modes,
	},
	[CF_SETTING_KEY_TYPE] = {
		.name = "key-type",
		.initial = "rsa2048",
		.take = take_key_type,
	},
	[CF_SETTING_EXPORTABLE_REQUESTS] = {
		.name = "exportable-requests",
		.initial = "yes",
		.words = yes_or_no,
	},
	[CF_SETTING_EXPORTABLE_SELF_SIGNED] = {
		.name = "exportable-self-signed",
		.initial = "no",
		.words = yes_or_no,
	},
	[CF_SETTING_EXPORTABLE_IMPORTS] = {
		.name = "exportable-imports",
		.initial = "no",
		.words = yes_or_no,
	},
	[CF_SETTING_PFX_ENCRYPTION] = {
		.name = "pfx-encryption",
		.depends = pfx_encryption,
		.words = encryptions,
	},
	[CF_SETTING_PFX_ITERATIONS] = {
		.name = "pfx-iterations",
		.depends = pfx_iterations,
		.take = take_iterations,
	},
};

const char *cf_setting(const struct cf_settings *settings, enum cf_setting_id id)
{
	if (settings->stored[id] && settings->stored[id][0])
		return settings->stored[id];
	return table[id].initial ? table[id].initial : table[id].depends(settings);
}

bool cf_setting_yes(const struct cf_settings *settings, enum cf_setting_id id)
{
	return !strcmp(cf_setting(settings, id), "yes");
}

enum cf_setting_id cf_setting_find(const char *name)
{
	int id = 0;

	while (id < CF_SETTING_COUNT_ && strcmp(table[id].name, name) != 0)
		id++;
	return (enum cf_setting_id)id;
}

/* -- loading ------------------------------------------------------------------------------------ */

static int load(struct cf_db *db, int64_t server, struct cf_settings *settings, struct cf_err *err)
{
	int64_t after = 0;

	for (;;) {
		cf_auto(cf_setting_done) struct cf_setting row = { 0 };
		enum cf_setting_id id;
		int r = cf_store_setting_next(db, server, after, &row, err);

		if (r <= 0)
			return r;
		after = row.id;
		id = cf_setting_find(row.name);
		if (id == CF_SETTING_COUNT_ || table[id].of_root != !server)
			continue;
		settings->time[id] = row.time;
		settings->stored[id] = cf_take(&row.value);
	}
}

int cf_settings_load(struct cf_db *db, const struct cf_server *server, struct cf_settings *ret,
		     struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	int r = load(db, 0, &settings, err);

	if (r == 0 && server) {
		snprintf(settings.server, sizeof(settings.server), "%s", server->name);
		r = load(db, server->id, &settings, err);
	}
	if (r < 0)
		return r;
	*ret = settings;
	settings = (struct cf_settings){ 0 };
	return 0;
}

void cf_settings_done(struct cf_settings *settings)
{
	for (int i = 0; i < CF_SETTING_COUNT_; i++)
		free(settings->stored[i]);
	*settings = (struct cf_settings){ 0 };
}

/* -- setting one -------------------------------------------------------------------------------- */

static int take_word(const struct setting *setting, const char *text, struct cf_buf *out,
		     struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf all = { 0 };
	int r = 0;

	for (size_t i = 0; setting->words[i]; i++)
		if (!strcasecmp(setting->words[i], text))
			return cf_buf_puts(out, setting->words[i], err);
	for (size_t i = 0; setting->words[i] && r == 0; i++)
		r = cf_buf_printf(&all, err, "%s%s", i ? ", " : "", setting->words[i]);
	return r < 0 ? r : cf_fail(err, EINVAL, "'%s' is not one of %s", text, all.data);
}

/* The value as it is stored: checked, spelt as certfs spells it, "" for the default. */
static int take(const struct setting *setting, const char *text, struct cf_buf *out,
		struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf copy = { 0 };
	int r = cf_buf_puts(&copy, text, err);

	if (r == 0)
		r = cf_buf_puts(out, "", err);
	if (r < 0)
		return r;
	if (copy.len && copy.data[copy.len - 1] == '\n')
		copy.data[--copy.len] = '\0';
	if (!setting->list && strchr(copy.data, '\n'))
		return cf_fail(err, EINVAL, "it is one line");
	text = cf_text_trim(copy.data);
	if (!*text)
		return 0;
	return setting->words ? take_word(setting, text, out, err) : setting->take(text, out, err);
}

static int put(struct cf_db *db, const struct cf_settings *settings, int64_t server,
	       enum cf_setting_id id, struct cf_err *err)
{
	cf_auto(cf_setting_done) struct cf_setting row = { .server = server,
							   .time = settings->time[id] };
	int r = cf_set_text(&row.value, settings->stored[id] ? settings->stored[id] : "", err);

	snprintf(row.name, sizeof(row.name), "%s", table[id].name);
	return r < 0 ? r : cf_store_setting_put(db, &row, err);
}

/* Store it, and the time of every other one whose default follows it. */
static int store(struct cf_db *db, int64_t server, struct cf_settings *settings,
		 enum cf_setting_id id, struct cf_buf *value, struct cf_err *err)
{
	char *before[CF_SETTING_COUNT_] = { 0 };
	int r = 0;

	for (int i = 0; i < CF_SETTING_COUNT_ && r == 0; i++)
		r = cf_set_text(&before[i], cf_setting(settings, (enum cf_setting_id)i), err);
	if (r == 0)
		r = cf_set_text(&settings->stored[id], cf_buf_text(value), err);
	for (int i = 0; i < CF_SETTING_COUNT_ && r == 0; i++) {
		bool changed = strcmp(before[i], cf_setting(settings, (enum cf_setting_id)i)) != 0;

		if (changed)
			settings->time[i] = cf_db_now(db);
		if (changed || i == (int)id)
			r = put(db, settings, server, (enum cf_setting_id)i, err);
	}
	for (int i = 0; i < CF_SETTING_COUNT_; i++)
		free(before[i]);
	if (r == 0 && id == CF_SETTING_EXPIRING_DAYS)
		r = cf_store_view_horizon(db, atol(cf_setting(settings, id)) * 86400 * CF_SECOND,
					  err);
	if (r == 0 && server)
		r = cf_setting_apply_to_all(db, settings, server, err);
	return r;
}

static int audit(struct cf_ctx *ctx, struct cf_db *db, const struct cf_settings *settings,
		 enum cf_setting_id id, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf detail = { 0 };
	const char *value = settings->stored[id];
	int r = cf_buf_printf(&detail, err, "%s = %s", table[id].name, *value ? value : "default");

	return r < 0 ? r
		     : cf_audit(ctx, db, "set", *settings->server ? settings->server : NULL, NULL,
				detail.data, err);
}

int cf_setting_write(struct cf_ctx *ctx, int64_t server, enum cf_setting_id id, const char *text,
		     struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	cf_auto(cf_buf_done) struct cf_buf value = { 0 };
	const char *stored;
	int r = cf_note(err, take(&table[id], text, &value, err), "%s", table[id].name);

	if (r == 0)
		r = server ? cf_change_server(ctx, server, &set, err)
			   : cf_store_begin(ctx->core->store, false, &set.db, err);
	if (r == 0)
		r = cf_settings_load(set.db, server ? &set.server : NULL, &settings, err);
	if (r < 0)
		return r;
	stored = settings.stored[id] ? settings.stored[id] : "";
	if (!strcmp(stored, cf_buf_text(&value)))
		return 0;
	r = store(set.db, server, &settings, id, &value, err);
	if (r == 0)
		r = audit(ctx, set.db, &settings, id, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

int cf_setting_renamed(struct cf_db *db, const struct cf_server *server, struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	const char *fqdn;
	int r = cf_settings_load(db, server, &settings, err);

	if (r < 0)
		return r;
	fqdn = settings.stored[CF_SETTING_FQDN];
	if (fqdn && *fqdn)
		return 0;
	settings.time[CF_SETTING_FQDN] = cf_db_now(db);
	return put(db, &settings, server->id, CF_SETTING_FQDN, err);
}
