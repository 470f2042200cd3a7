/* Settings of the root and of servers: what there is, what it may be, and what it amounts to. */
#pragma once

#include "core/procedures/common.h"

#define CF_SETTING_MAX 65536 /* bytes of a value */
#define CF_EXPIRING_DAYS_MAX 3650
#define CF_READY_KEYS_MAX 100

enum cf_setting_id {
	/* of the root */
	CF_SETTING_ACCEPTED_DOMAINS, /* one per line */
	CF_SETTING_EXPIRING_DAYS,    /* before NotAfter in which a certificate is said to expire */
	CF_SETTING_READY_KEYS,       /* of each slow key type in use, 0 to 100 */
	/* of a server */
	CF_SETTING_FQDN,
	CF_SETTING_VERSION, /* 2016, 2019, SE */
	CF_SETTING_UM_STARTUP_MODE,
	CF_SETTING_UM_CALL_ROUTER_STARTUP_MODE, /* TCP, TLS, Dual */
	CF_SETTING_KEY_TYPE,
	CF_SETTING_EXPORTABLE_REQUESTS,
	CF_SETTING_EXPORTABLE_SELF_SIGNED,
	CF_SETTING_EXPORTABLE_IMPORTS,
	CF_SETTING_PFX_ENCRYPTION,
	CF_SETTING_PFX_ITERATIONS,
	CF_SETTING_COUNT_,
};

/* All that holds for one server, the root's settings among them; or the root's alone. */
struct cf_settings {
	char server[256];                /* its name; "" for the root's alone */
	char *stored[CF_SETTING_COUNT_]; /* NULL or "": the default */
	cf_time time[CF_SETTING_COUNT_]; /* what it amounts to last changed; 0: never */
};

/* server NULL: the root's alone. 0, -ENOMEM, -EIO. */
int cf_settings_load(struct cf_db *db, const struct cf_server *server, struct cf_settings *ret,
		     struct cf_err *err);
void cf_settings_done(struct cf_settings *settings);
CF_DEFINE_DONE(struct cf_settings, cf_settings_done);

/* What a setting amounts to: the value that was set, or the default. Lists: one per line. */
const char *cf_setting(const struct cf_settings *settings, enum cf_setting_id id);
bool cf_setting_yes(const struct cf_settings *settings, enum cf_setting_id id);

/* The setting that a file is; COUNT_ when there is none of that name. */
enum cf_setting_id cf_setting_find(const char *name);

/*
 * Set one. An empty text is the default. What depends on it follows in the same transaction: the
 * size of every export.pfx of the server.
 *
 * server  its id; 0: the root's
 * text    one value; accepted-domains: names separated by newlines, commas or blanks
 *
 * 0; -EINVAL with a sentence that names value and rule; -ESTALE, -ENOMEM, -EIO. Nothing changed then.
 */
int cf_setting_write(struct cf_ctx *ctx, int64_t server, enum cf_setting_id id, const char *text,
		     struct cf_err *err);

/* Give a complete row its server's encryption and iterations, and its export.pfx the new size. */
int cf_setting_apply(struct cf_db *db, const struct cf_settings *settings,
		     struct cf_certificate *row, bool *ret_changed, struct cf_err *err);

/* The same for every complete certificate of a server. */
int cf_setting_apply_to_all(struct cf_db *db, const struct cf_settings *settings, int64_t server,
			    struct cf_err *err);

/* The server was renamed: where that is its fqdn, the fqdn changed too. */
int cf_setting_renamed(struct cf_db *db, const struct cf_server *server, struct cf_err *err);
