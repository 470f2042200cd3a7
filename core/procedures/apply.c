/* The commands that bring the real server to this state; see apply.h. */
#include "core/procedures/apply.h"

#include <string.h>

#include "core/base/text.h"
#include "core/crypto/chain.h"
#include "core/procedures/chain.h"
#include "core/procedures/export.h"
#include "core/procedures/notify.h"
#include "core/procedures/rules.h"

#define BOM "\xef\xbb\xbf"

/* What the certificates are sorted into, in one pass over them. */
struct script {
	const struct cf_root *root;
	const struct cf_server *server;
	struct cf_settings settings;
	cf_time now;
	cf_time time, until;
	bool asks;        /* a command uses the password of the server or the root */
	bool enables_iis; /* which needs iisreset */
	bool replaces;    /* an SMTP default, which an Edge Subscription knows */
	struct cf_buf imports, services, defaults, removals, rest;
};

static void script_done(struct script *s)
{
	cf_settings_done(&s->settings);
	cf_buf_done(&s->imports);
	cf_buf_done(&s->services);
	cf_buf_done(&s->defaults);
	cf_buf_done(&s->removals);
	cf_buf_done(&s->rest);
}

CF_DEFINE_DONE(struct script, script_done);

static void later(cf_time *time, cf_time t)
{
	if (t > *time)
		*time = t;
}

/* -- pieces --------------------------------------------------------------------------------------- */

/*
 * Append a text in which %s is a value quoted for PowerShell and %c a word in a comment, made fit
 * to be shown; nothing else is special. words: one for each, in their order.
 */
static int put(struct cf_buf *out, const char *form, const char *const *words, struct cf_err *err)
{
	while (*form) {
		size_t n = strcspn(form, "%");
		int r = cf_buf_append(out, form, n, err);

		form += n;
		if (r == 0 && *form)
			r = form[1] == 's' ? cf_text_powershell(out, *words++, err)
					   : cf_text_show(out, *words++, err);
		if (r < 0)
			return r;
		form += *form ? 2 : 0;
	}
	return 0;
}

#define PUT(out, err, form, ...) put(out, form, (const char *const[]){ __VA_ARGS__ }, err)

static bool has_line(const char *lines, const char *word)
{
	size_t n = strlen(word);

	for (; *lines; lines += strcspn(lines, "\n") + 1)
		if (!strncmp(lines, word, n) && lines[n] == '\n')
			return true;
	return false;
}

/* -- one certificate ------------------------------------------------------------------------------ */

static int put_heading(struct cf_buf *out, const struct cf_certificate *cert, struct cf_err *err)
{
	char from[CF_TIME_TEXT_MAX], to[CF_TIME_TEXT_MAX];
	int r = PUT(out, err, "\n# %c: %c, from %c to %c\n", cert->name, cert->subject,
		    cf_time_text(cert->not_before, from), cf_time_text(cert->not_after, to));

	if (r == 0 && cert->status != CF_VERDICT_VALID)
		r = PUT(out, err, "# ATTENTION: its status is %c: %c\n", cf_status_text(cert),
			cert->reason);
	return r;
}

/* Where the password of its export.pfx comes from. */
static int put_password(struct script *s, const struct cf_certificate *cert, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf prompt = { 0 };
	int r;

	if (!cert->has_password) {
		s->asks = true;
		return cf_buf_puts(&s->imports, "    $Password = $SharedPassword\n", err);
	}
	r = cf_buf_printf(&prompt, err, "Password of %s\\export.pfx", cert->name);
	return r < 0 ? r
		     : PUT(&s->imports, err,
			   "    $Password = Read-Host -AsSecureString -Prompt %s\n", prompt.data);
}

static int put_import(struct script *s, const struct cf_certificate *cert, const char *thumbprint,
		      struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf path = { 0 };
	struct cf_buf *out = &s->imports;
	int r = put_heading(out, cert, err);

	if (r == 0)
		r = cf_buf_printf(&path, err, "%s\\export.pfx", cert->name);
	if (r == 0)
		r = PUT(out, err, "if ($Present -notcontains %s) {\n", thumbprint);
	if (r == 0)
		r = put_password(s, cert, err);
	if (r == 0)
		r = PUT(out, err,
			"    Import-ExchangeCertificate -Server $Server -FileData "
			"([System.IO.File]::ReadAllBytes(%s)) -Password $Password",
			path.data);
	if (r == 0 && *cert->friendly_name)
		r = PUT(out, err, " -FriendlyName %s", cert->friendly_name);
	return r < 0 ? r : cf_buf_puts(out, " -PrivateKeyExportable $true\n}\n", err);
}

static int put_enable(struct script *s, const struct cf_certificate *cert, enum cf_service service,
		      const char *thumbprint, struct cf_err *err)
{
	bool forced = service == CF_SERVICE_SMTP &&
		      s->server->use[CF_SERVICE_SMTP_DEFAULT] == cert->id &&
		      has_line(cert->services, cf_service_text(CF_SERVICE_SMTP_DEFAULT));
	bool there = !cf_export_blocked(s->root, s->server, cert, s->now);
	struct cf_buf *out = forced ? &s->defaults : &s->services;
	int r = PUT(out, err, "\n# %c", cert->name);

	s->enables_iis = s->enables_iis || service == CF_SERVICE_IIS;
	s->replaces = s->replaces || forced;
	if (r == 0)
		r = cf_buf_puts(
			out,
			service != CF_SERVICE_SMTP ? "\n"
			: forced ? ": becomes the default certificate for SMTP between servers\n"
				 : ": answer N when Exchange asks whether to overwrite the "
				   "default SMTP certificate\n",
			err);
	if (r == 0 && !there)
		r = PUT(out, err, "if ($Present -contains %s) {\n    ", thumbprint);
	if (r == 0)
		r = PUT(out, err,
			"Enable-ExchangeCertificate -Server $Server -Thumbprint %s -Services %s",
			thumbprint, cf_service_text(service));
	if (r == 0)
		r = cf_buf_puts(out, forced ? " -Force\n" : "\n", err);
	return r < 0 || there ? r : cf_buf_puts(out, "}\n", err);
}

/* What it serves: IIS, IMAP, POP and UM have one certificate each, SMTP all that were assigned. */
static int put_services(struct script *s, const struct cf_certificate *cert, const char *thumbprint,
			struct cf_err *err)
{
	int r = 0;

	for (int i = 0; i < CF_SERVICE_SMTP_DEFAULT && r == 0; i++) {
		enum cf_service service = (enum cf_service)i;
		bool serves = service == CF_SERVICE_SMTP
				      ? has_line(cert->services, cf_service_text(service))
				      : s->server->use[service] == cert->id;

		if (serves)
			r = put_enable(s, cert, service, thumbprint, err);
	}
	return r;
}

/* Another one took over all its services: nothing is imported, and it may go. */
static int put_removal(struct script *s, const struct cf_certificate *cert, const char *thumbprint,
		       struct cf_err *err)
{
	int r = put_heading(&s->removals, cert, err);

	return r < 0 ? r
		     : PUT(&s->removals, err,
			   "# Remove-ExchangeCertificate -Server $Server -Thumbprint %s\n",
			   thumbprint);
}

static int put_rest(struct script *s, const struct cf_certificate *cert, const char *reason,
		    struct cf_err *err)
{
	return PUT(&s->rest, err, "# %c: %c\n", cert->name, reason);
}

static int put_complete(struct script *s, const struct cf_certificate *cert, struct cf_err *err)
{
	const char *blocked = cf_export_blocked(s->root, s->server, cert, s->now);
	char thumbprint[41];
	int r;

	cf_text_hex(cert->sha1, 20, thumbprint);
	if (cf_is_replaced(s->server, cert))
		return put_removal(s, cert, thumbprint, err);
	r = blocked ? put_rest(s, cert, blocked, err) : put_import(s, cert, thumbprint, err);
	return r < 0 ? r : put_services(s, cert, thumbprint, err);
}

static int put_certificate(struct script *s, const struct cf_certificate *cert, struct cf_err *err)
{
	if (cert->damaged)
		return put_rest(s, cert, "it isn't what certfs wrote; restore a backup", err);
	later(&s->time, cert->t_request);
	later(&s->time, cert->t_complete);
	later(&s->time, cert->t_friendly);
	later(&s->time, cert->t_password);
	later(&s->time, cert->t_services);
	later(&s->time, cert->verdict_since);
	if (cert->state == CF_STATE_PENDING)
		return put_rest(s, cert, "the request waits for the CA's answer", err);
	if (cert->state != CF_STATE_COMPLETE)
		return 0;
	if (s->now >= cert->not_after)
		later(&s->time, cert->not_after);
	else if (cert->not_after < s->until)
		s->until = cert->not_after;
	return put_complete(s, cert, err);
}

static int put_certificates(struct cf_db *db, struct script *s, struct cf_err *err)
{
	int64_t after = 0;

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate cert = { 0 };
		int r = cf_store_certificate_next(db, s->server->id, after, &cert, err);

		if (r <= 0)
			return r;
		after = cert.id;
		r = put_certificate(s, &cert, err);
		if (r < 0)
			return r;
	}
}

/* -- the whole ------------------------------------------------------------------------------------ */

static const char explains[] =
	"#\n"
	"# Made by certfs from what it stores, and not run against a real Exchange server: read it\n"
	"# before you run it. It may be run again; what is there is not imported twice.\n"
	"#\n"
	"# Copy this folder with its export.pfx files to a machine with the Exchange Management Shell\n"
	"# and run the script there, in the copy. Delete the copy afterwards: it holds private keys.\n"
	"#\n"
	"# Options of Enable-ExchangeCertificate that are left to you, since they change the Windows\n"
	"# machine and not the certificate:\n"
	"#   -DoNotRequireSsl        IIS: leave the default web site's \"Require SSL\" as it is\n"
	"#   -NetworkServiceAllowed  let NETWORK SERVICE read the key without enabling SMTP\n"
	"\n"
	"$ErrorActionPreference = 'Stop'\n";

static int put_beginning(struct script *s, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf prompt = { 0 };
	const char *name = s->server->name;
	int r = PUT(out, err,
		    BOM "# %c: commands that bring the real server to the state of this folder\n",
		    name);

	if (r == 0)
		r = cf_buf_puts(out, explains, err);
	if (r == 0)
		r = PUT(out, err, "$Server = %s\n", cf_setting(&s->settings, CF_SETTING_FQDN));
	if (r == 0)
		r = cf_buf_puts(out,
				"if ($PSScriptRoot) { "
				"[System.IO.Directory]::SetCurrentDirectory($PSScriptRoot) }\n"
				"$Present = @(Get-ExchangeCertificate -Server $Server | "
				"ForEach-Object { $_.Thumbprint })\n",
				err);
	if (r < 0 || !s->asks)
		return r;
	r = cf_buf_printf(&prompt, err, "Password in _export.password of %s",
			  s->server->has_export_password ? name : "the root");
	return r < 0 ? r
		     : PUT(out, err, "$SharedPassword = Read-Host -AsSecureString -Prompt %s\n",
			   prompt.data);
}

/* A part with its title, where there is anything in it. */
static int put_part(struct cf_buf *out, const char *title, const struct cf_buf *part,
		    struct cf_err *err)
{
	int r = part->len ? cf_buf_printf(out, err, "\n# ---- %s ----\n", title) : 0;

	return r < 0 ? r : cf_buf_append(out, cf_buf_text(part), part->len, err);
}

static int put_all(struct script *s, struct cf_buf *out, struct cf_err *err)
{
	int r = put_beginning(s, out, err);

	if (r == 0)
		r = put_part(out, "Certificates", &s->imports, err);
	if (r == 0 && (s->services.len || s->defaults.len))
		r = cf_buf_puts(out, "\n# ---- Services ----\n", err);
	if (r == 0)
		r = cf_buf_append(out, cf_buf_text(&s->services), s->services.len, err);
	if (r == 0)
		r = cf_buf_append(out, cf_buf_text(&s->defaults), s->defaults.len, err);
	if (r == 0 && s->enables_iis)
		r = cf_buf_puts(
			out,
			"\n# On the server itself, since IIS has another certificate:\n# iisreset\n",
			err);
	if (r == 0 && s->replaces)
		r = cf_buf_puts(
			out,
			"\n# The default for SMTP is another one: where an Edge Transport server is\n"
			"# subscribed, subscribe it anew. On the Edge Transport server:\n"
			"# New-EdgeSubscription -FileName 'C:\\EdgeSubscription.xml'\n"
			"# Then here, for the Active Directory site of the server:\n"
			"# New-EdgeSubscription -FileData ([System.IO.File]::ReadAllBytes("
			"'C:\\EdgeSubscription.xml')) -Site 'Default-First-Site-Name'\n"
			"# Start-EdgeSynchronization -Server $Server\n",
			err);
	if (r == 0)
		r = put_part(out, "Replaced: remove these when all works", &s->removals, err);
	return r < 0 ? r : put_part(out, "Not deployable by this script", &s->rest, err);
}

int cf_apply_write(struct cf_db *db, const struct cf_root *root, const struct cf_server *server,
		   cf_time now, struct cf_page *ret, struct cf_err *err)
{
	cf_auto(script_done) struct script s = {
		.root = root,
		.server = server,
		.now = now,
		.until = CF_NEVER,
	};
	int r = cf_settings_load(db, server, &s.settings, err);

	if (r == 0)
		r = put_certificates(db, &s, err);
	if (r == 0)
		r = put_all(&s, ret->out, err);
	if (r < 0)
		return r;
	/* A listing changes with every name that comes, goes or changes. */
	later(&s.time, server->mtime);
	later(&s.time, server->t_name);
	later(&s.time, server->t_use);
	later(&s.time, server->t_export_password);
	later(&s.time, root->t_export_password);
	later(&s.time, s.settings.time[CF_SETTING_FQDN]);
	ret->time = s.time;
	ret->until = s.until;
	return 0;
}
