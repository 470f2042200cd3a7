/* The text of `_overview.html`: what it begins with, and the tables of the servers. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/chain.h"
#include "core/crypto/pem.h"
#include "core/crypto/seal.h"
#include "core/procedures/chain.h"
#include "core/procedures/overview_private.h"
#include "core/procedures/rules.h"

#define NAMES_MAX 3    /* domain names that a row shows */
#define NOTICES_MAX 12 /* things to do that are listed */

/* -- pieces --------------------------------------------------------------------------------------- */

/* What isn't unreserved (RFC 3986 section 2.3) becomes %XX, so no text is more than one segment. */
static int put_address(struct cf_buf *out, const char *text, struct cf_err *err)
{
	int r = 0;

	for (; *text && r == 0; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
			r = cf_buf_append(out, text, 1, err);
		else
			r = cf_buf_printf(out, err, "%%%02X", c);
	}
	return r;
}

int cf_html_put(struct cf_buf *out, const char *form, const char *const *texts, struct cf_err *err)
{
	while (*form) {
		size_t n = strcspn(form, "%");
		int r = cf_buf_append(out, form, n, err);

		form += n;
		if (r == 0 && *form)
			r = form[1] == 'u' ? put_address(out, *texts++, err)
					   : cf_text_html(out, *texts++, err);
		if (r < 0)
			return r;
		form += *form ? 2 : 0;
	}
	return 0;
}

const char *cf_tone_class(enum cf_tone tone)
{
	static const char *const classes[] = { "bad", "soon", "good", "wait" };

	return classes[tone];
}

const char *cf_overview_date(cf_time t, char *text)
{
	cf_time_text(t, text);
	text[strcspn(text, "T")] = '\0';
	return text;
}

/* "1 server", "2 servers". */
static const char *counted(char text[64], int64_t n, const char *what)
{
	snprintf(text, 64, "%lld %s%s", (long long)n, what, n == 1 ? "" : "s");
	return text;
}

/* -- the beginning -------------------------------------------------------------------------------- */

/* The style sheet is allowed by what it is; nothing else may be loaded or run. */
static int put_policy(struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	uint8_t sum[CF_SHA256_SIZE];
	int r = cf_sha256(cf_span_text(cf_overview_style), sum, err);

	if (r == 0)
		r = cf_base64(cf_span(sum, sizeof(sum)), &text, err);
	return r < 0 ? r
		     : CF_HTML(out, err,
			       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
			       "'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
			       text.data);
}

/* What needs attention is counted up to the number that is listed. */
static int put_tile(enum cf_tone tone, int64_t n, bool more, struct cf_buf *out, struct cf_err *err)
{
	static const char *const words[] = {
		"need attention",
		"about to expire",
		"valid",
		"waiting or replaced",
	};
	char number[32];

	snprintf(number, sizeof(number), "%lld%s", (long long)n, more ? "+" : "");
	return CF_HTML(out, err, "<div class=\"%s%s\"><dt>%s</dt><dd>%s</dd></div>\n",
		       cf_tone_class(tone), n ? "" : " none", words[tone], number);
}

static int put_tiles(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err)
{
	int64_t counts[CF_TONE_COUNT_] = { 0 };
	bool all = o->all.all == (int64_t)o->n_certificates;
	int r = cf_buf_puts(out, "<dl class=\"tiles\">\n", err);

	for (size_t i = 0; i < o->n_certificates; i++)
		counts[o->certificates[i].tone]++;
	if (!all) {
		counts[CF_TONE_GOOD] = o->all.valid - counts[CF_TONE_SOON];
		counts[CF_TONE_WAIT] = o->all.all - counts[CF_TONE_BAD] - o->all.valid;
	}
	for (int tone = 0; tone < CF_TONE_COUNT_ && r == 0; tone++)
		r = put_tile((enum cf_tone)tone, counts[tone],
			     o->notices.more && tone <= CF_TONE_SOON, out, err);
	return r < 0 ? r : cf_buf_puts(out, "</dl>\n", err);
}

static int put_title(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err)
{
	char certificates[64], servers[64], iso[CF_TIME_TEXT_MAX], date[CF_TIME_TEXT_MAX];
	const char *time = cf_time_text(o->time, iso);
	int r;

	snprintf(date, sizeof(date), "%.10s %.5s UTC", time, time + 11);
	r = CF_HTML(
		out, err,
		"<header>\n<h1>Certificates</h1>\n<p>%s on %s. Last change: <time datetime=\"%s\">"
		"%s</time>.</p>\n",
		counted(certificates, o->all.all, "certificate"),
		counted(servers, o->all_servers, "server"), time, date);
	if (r == 0 && o->all.all > (int64_t)o->n_certificates)
		r = CF_HTML(out, err,
			    "<p class=\"note\">Only the %s that are most urgent are shown.</p>\n",
			    counted(certificates, (int64_t)o->n_certificates, "certificate"));
	if (r == 0)
		r = put_tiles(o, out, err);
	return r < 0 ? r : cf_buf_puts(out, "</header>\n<main>\n", err);
}

int cf_overview_head(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_buf_puts(
		out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		err);

	if (r == 0)
		r = put_policy(out, err);
	if (r == 0)
		r = cf_buf_puts(out,
				"<meta name=\"viewport\" content=\"width=device-width, "
				"initial-scale=1\">\n"
				"<meta name=\"color-scheme\" content=\"light dark\">\n"
				"<meta name=\"referrer\" content=\"no-referrer\">\n"
				"<title>Certificates</title>\n<style>",
				err);
	if (r == 0)
		r = cf_buf_puts(out, cf_overview_style, err);
	if (r == 0)
		r = cf_buf_puts(out, "</style>\n</head>\n<body>\n", err);
	return r < 0 ? r : put_title(o, out, err);
}

/* -- what to do ----------------------------------------------------------------------------------- */

static enum cf_tone tone_of(enum cf_notice_kind kind)
{
	return kind == CF_NOTICE_PENDING    ? CF_TONE_WAIT
	       : kind == CF_NOTICE_EXPIRING ? CF_TONE_SOON
					    : CF_TONE_BAD;
}

static int put_notice(const struct cf_notice *notice, struct cf_buf *out, struct cf_err *err)
{
	return CF_HTML(out, err,
		       "<li class=\"%s\"><a href=\"./%u/%u/\"><bdi>%s</bdi> on <bdi>%s</bdi></a> "
		       "<span class=\"what\">%s</span> <span class=\"remedy\">%s</span></li>\n",
		       cf_tone_class(tone_of(notice->kind)), notice->server, notice->name,
		       notice->name, notice->server, notice->what, notice->remedy);
}

int cf_overview_notices(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err)
{
	const struct cf_notice_list *list = &o->notices;
	int r = cf_buf_puts(out, "<section>\n<h2>What to do</h2>\n", err);

	if (r == 0 && !list->n)
		r = cf_buf_puts(out, "<p class=\"note\">Nothing needs attention.</p>\n", err);
	if (r == 0 && list->n)
		r = cf_buf_puts(out, "<ul class=\"todo\">\n", err);
	for (size_t i = 0; i < list->n && i < NOTICES_MAX && r == 0; i++)
		r = put_notice(&list->items[i], out, err);
	if (r == 0 && list->n)
		r = cf_buf_puts(out, "</ul>\n", err);
	if (r == 0 && list->n > NOTICES_MAX)
		r = cf_buf_printf(out, err,
				  "<p class=\"note\">%zu%s more are in "
				  "<a href=\"./_notifications\">_notifications</a>.</p>\n",
				  list->n - NOTICES_MAX, list->more ? "+" : "");
	return r < 0 ? r : cf_buf_puts(out, "</section>\n", err);
}

/* -- the tables ----------------------------------------------------------------------------------- */

/* The first names, and how many there are besides. */
static int put_names(const struct cf_certificate *row, struct cf_buf *out, struct cf_err *err)
{
	const char *line = row->domains;
	size_t n = 0, more = 0;
	int r = *line ? cf_buf_puts(out, "<span class=\"names\">", err) : 0;

	for (; *line && r == 0; line += strcspn(line, "\n") + 1, n++) {
		char name[256];

		if (n >= NAMES_MAX) {
			more++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "\n"), line);
		r = CF_HTML(out, err, "%s<bdi>%s</bdi>", n ? ", " : "", name);
	}
	if (r == 0 && more)
		r = cf_buf_printf(out, err, " and %zu more", more);
	return r < 0 || !*row->domains ? r : cf_buf_puts(out, "</span>", err);
}

static int put_date(cf_time t, const char *label, struct cf_buf *out, struct cf_err *err)
{
	char iso[CF_TIME_TEXT_MAX], date[CF_TIME_TEXT_MAX];

	if (!t)
		return CF_HTML(out, err,
			       "<td role=\"cell\" class=\"date empty\" data-label=\"%s\"></td>",
			       label);
	return CF_HTML(
		out, err,
		"<td role=\"cell\" class=\"date\" data-label=\"%s\"><time datetime=\"%s\">%s</time></td>",
		label, cf_time_text(t, iso), cf_overview_date(t, date));
}

static int put_services(const struct cf_shown_certificate *shown, const struct cf_server *server,
			struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf uses = { 0 };
	char *save = NULL;
	int r = cf_service_uses(server, shown->row.id, &uses, err);

	if (r < 0)
		return r;
	if (!uses.len)
		return CF_HTML(out, err,
			       "<td role=\"cell\" class=\"empty\" data-label=\"Services\">%s</td>",
			       shown->replaced ? "replaced" : "");
	r = cf_buf_puts(out, "<td role=\"cell\" data-label=\"Services\">", err);
	for (char *word = strtok_r(uses.data, ", ", &save); word && r == 0;
	     word = strtok_r(NULL, ", ", &save))
		r = CF_HTML(out, err, "<span class=\"service\">%s</span> ", word);
	return r < 0 ? r : cf_buf_puts(out, "</td>", err);
}

static int put_row(const struct cf_shown_certificate *shown, const struct cf_server *server,
		   struct cf_buf *out, struct cf_err *err)
{
	const struct cf_certificate *row = &shown->row;
	const char *tone = cf_tone_class(shown->tone);
	bool complete = row->state == CF_STATE_COMPLETE;
	int r = CF_HTML(
		out, err,
		"<tr role=\"row\" class=\"%s\"><th role=\"rowheader\" scope=\"row\"><a href=\"./%u/%u/\"><bdi>%s</bdi></a>",
		tone, server->name, row->name, row->name);

	if (r == 0)
		r = put_names(row, out, err);
	if (r == 0)
		r = CF_HTML(
			out, err,
			"</th><td role=\"cell\" data-label=\"Status\"><span class=\"status\">%s</span>",
			cf_status_text(row));
	if (r == 0 && complete && *row->reason)
		r = CF_HTML(out, err, "<span class=\"reason\">%s</span>", row->reason);
	if (r == 0 && shown->tone == CF_TONE_SOON)
		r = cf_buf_puts(out, "<span class=\"reason\">about to expire</span>", err);
	if (r == 0)
		r = cf_buf_puts(out, "</td>", err);
	if (r == 0)
		r = put_services(shown, server, out, err);
	if (r == 0)
		r = put_date(complete ? row->not_before : 0, "Valid from", out, err);
	if (r == 0)
		r = put_date(complete ? row->not_after : 0, "Expires", out, err);
	return r < 0 ? r : cf_buf_puts(out, "</tr>\n", err);
}

static int put_table(const struct cf_overview *o, const struct cf_shown_server *server,
		     struct cf_buf *out, struct cf_err *err)
{
	int r = cf_buf_puts(out,
			    "<table role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">"
			    "<th role=\"columnheader\" scope=\"col\">Certificate</th>"
			    "<th role=\"columnheader\" scope=\"col\">Status</th>"
			    "<th role=\"columnheader\" scope=\"col\">Services</th>"
			    "<th role=\"columnheader\" scope=\"col\">Valid from</th>"
			    "<th role=\"columnheader\" scope=\"col\">Expires</th></tr></thead>\n"
			    "<tbody role=\"rowgroup\">\n",
			    err);

	for (size_t i = 0; i < o->n_certificates && r == 0; i++)
		if (o->certificates[i].row.server == server->row.id)
			r = put_row(&o->certificates[i], &server->row, out, err);
	return r < 0 ? r : cf_buf_puts(out, "</tbody>\n</table>\n", err);
}

int cf_overview_servers(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; i < o->n_servers && r == 0; i++) {
		const struct cf_shown_server *server = &o->servers[i];

		r = CF_HTML(out, err, "<section class=\"server\">\n<h2><bdi>%s</bdi></h2>\n",
			    server->row.name);
		if (r == 0)
			r = server->n ? put_table(o, server, out, err)
				      : cf_buf_puts(out, "<p class=\"note\">No certificates.</p>\n",
						    err);
		if (r == 0)
			r = cf_buf_puts(out, "</section>\n", err);
	}
	if (r == 0 && !o->n_servers)
		r = cf_buf_puts(out, "<p class=\"note\">No servers yet.</p>\n", err);
	return r < 0 ? r
		     : cf_buf_puts(
			       out,
			       "</main>\n<footer><p>Made by certfs. All about a certificate is in <code>info</code> of its directory; "
			       "<code>why</code> says what can't be done with it now, and what to do about it.</p></footer>\n"
			       "</body>\n</html>\n",
			       err);
}
