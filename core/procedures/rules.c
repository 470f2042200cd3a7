/* The service table; see rules.h. */
#include "core/procedures/rules.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/crypto/chain.h"

struct rule {
	const char *word;
	const char
		*no_wildcard; /* the cmdlet that takes a name instead; NULL: wildcards are fine */
	/* start-up mode that must not be TCP; Exchange 2019 and later have no such service */
	enum cf_setting_id mode;
};

static const struct rule rules[CF_SERVICE_COUNT_] = {
	[CF_SERVICE_IMAP] = {
		.word = "IMAP",
		.no_wildcard = "Set-ImapSettings",
	},
	[CF_SERVICE_POP] = {
		.word = "POP",
		.no_wildcard = "Set-PopSettings",
	},
	[CF_SERVICE_UM] = {
		.word = "UM",
		.mode = CF_SETTING_UM_STARTUP_MODE,
	},
	[CF_SERVICE_IIS] = {
		.word = "IIS",
	},
	[CF_SERVICE_SMTP] = {
		.word = "SMTP",
	},
	[CF_SERVICE_UM_CALL_ROUTER] = {
		.word = "UMCallRouter",
		.mode = CF_SETTING_UM_CALL_ROUTER_STARTUP_MODE,
	},
	[CF_SERVICE_SMTP_DEFAULT] = {
		.word = "SMTP-default",
	},
};

const char *cf_service_text(enum cf_service service)
{
	return rules[service].word;
}

int cf_service_parse(const char *word, enum cf_service *ret, struct cf_err *err)
{
	for (size_t i = 0; i < CF_SERVICE_COUNT_; i++) {
		if (strcasecmp(rules[i].word, word))
			continue;
		*ret = (enum cf_service)i;
		return 0;
	}
	return cf_fail(
		err, EINVAL,
		"'%s' is not a service: IIS, IMAP, POP, SMTP, SMTP-default, UM, UMCallRouter",
		word);
}

int cf_service_uses(const struct cf_server *server, int64_t certificate, struct cf_buf *out,
		    struct cf_err *err)
{
	for (size_t i = 0; i < CF_SERVICE_COUNT_; i++) {
		int r = 0;

		if (server->use[i] == certificate)
			r = cf_buf_printf(out, err, "%s%s", out->len ? ", " : "", rules[i].word);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The first name with a wildcard, or NULL. */
static const char *wildcard(const struct cf_certificate *cert)
{
	const char *line = cert->domains;

	for (; *line; line += strcspn(line, "\n") + 1)
		if (!strncmp(line, "*.", 2))
			return line;
	return NULL;
}

static int check_status(const struct cf_certificate *cert, cf_time now, struct cf_err *err)
{
	char date[CF_TIME_TEXT_MAX];

	if (cert->state != CF_STATE_COMPLETE)
		return cf_fail(err, EINVAL, "'%s' has no certificate yet", cert->name);
	if (!cert->key_len)
		return cf_fail(err, ENOKEY, "'%s' has no private key", cert->name);
	if (now >= cert->not_after)
		return cf_fail(err, EKEYEXPIRED, "'%s' expired on %s; renew it", cert->name,
			       cf_time_text(cert->not_after, date));
	if (cert->status == CF_VERDICT_REVOKED)
		return cf_fail(err, EKEYREVOKED, "'%s' is revoked: %s", cert->name, cert->reason);
	if (cert->status != CF_VERDICT_VALID)
		return cf_fail(err, EINVAL, "'%s' isn't Valid: %s", cert->name, cert->reason);
	return 0;
}

/* The services that only Exchange 2016 has, and only where they use TLS. */
static int check_mode(const struct cf_settings *settings, const struct rule *rule,
		      struct cf_err *err)
{
	if (!rule->mode)
		return 0;
	if (strcmp(cf_setting(settings, CF_SETTING_VERSION), "2016") != 0)
		return cf_fail(err, EOPNOTSUPP,
			       "%s: %s is not a service of Exchange 2019 and later; for 2016 "
			       "set the version in _settings",
			       settings->server, rule->word);
	if (!strcmp(cf_setting(settings, rule->mode), "TCP"))
		return cf_fail(err, EOPNOTSUPP,
			       "%s: the start-up mode of %s is TCP; set it to TLS or Dual in "
			       "_settings",
			       settings->server, rule->word);
	return 0;
}

int cf_service_allowed(const struct cf_settings *settings, const struct cf_certificate *cert,
		       enum cf_service service, cf_time now, struct cf_err *err)
{
	const struct rule *rule = &rules[service];
	const char *name = wildcard(cert);
	int r;

	r = check_mode(settings, rule, err);
	if (r == 0)
		r = check_status(cert, now, err);
	if (r < 0)
		return r;
	if (name && rule->no_wildcard)
		return cf_fail(err, EINVAL,
			       "'%.*s' is a wildcard, and %s needs one name: set it with %s "
			       "-X509CertificateName on %s",
			       (int)strcspn(name, "\n"), name, rule->word, rule->no_wildcard,
			       settings->server);
	return 0;
}
