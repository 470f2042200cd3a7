/* What the parts of `_overview.html` share: what is shown, and writing it. */
#pragma once

#include "core/procedures/notify.h"
#include "core/procedures/overview.h"
#include "core/store/ending.h"

/* How a certificate is coloured and marked; in the order of the page. */
enum cf_tone {
	CF_TONE_BAD,  /* something is the matter */
	CF_TONE_SOON, /* Valid, and expires within expiring-days */
	CF_TONE_GOOD, /* Valid */
	CF_TONE_WAIT, /* a draft, a pending request, or replaced by others */
	CF_TONE_COUNT_,
};

/* A word for stylesheets: "bad". */
const char *cf_tone_class(enum cf_tone tone);

struct cf_shown_certificate {
	struct cf_certificate row;
	enum cf_tone tone;
	bool replaced; /* others have all its services now */
};

struct cf_shown_server {
	struct cf_server row;
	size_t n; /* certificates of it that are shown */
};

/* The page as data. Certificates are in the order of urgency, servers in that of their names. */
struct cf_overview {
	cf_time now;
	cf_time soon; /* what ends until then is about to expire */
	struct cf_notice_list notices;
	struct cf_shown_certificate *certificates;
	size_t n_certificates, cap_certificates;
	struct cf_shown_server *servers;
	size_t n_servers, cap_servers;
	struct cf_ending_counts all; /* also those that aren't shown */
	int64_t all_servers;
	cf_time time, until;
};

void cf_overview_done(struct cf_overview *o);
CF_DEFINE_DONE(struct cf_overview, cf_overview_done);

/* Load it. 0, -ENOMEM, -EIO. */
int cf_overview_load(struct cf_db *db, cf_time now, struct cf_overview *ret, struct cf_err *err);

/* The server of a shown certificate. */
const struct cf_server *cf_overview_server(const struct cf_overview *o,
					   const struct cf_certificate *cert);

/*
 * Append a form in which %s is a text, escaped for HTML, and %u a piece of an address,
 * percent-encoded; texts: one for each, in their order. Nothing else in it is special. 0 or -ENOMEM.
 */
int cf_html_put(struct cf_buf *out, const char *form, const char *const *texts, struct cf_err *err);
#define CF_HTML(out, err, form, ...)                                                               \
	cf_html_put(out, form, (const char *const[]){ __VA_ARGS__ }, err)

/* "2027-11-21" into text (CF_TIME_TEXT_MAX bytes); returns text. */
const char *cf_overview_date(cf_time t, char *text);

/* The parts of the page, in this order. 0 or -ENOMEM. */
int cf_overview_head(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err);
int cf_overview_notices(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err);
int cf_overview_time_line(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err);
int cf_overview_servers(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err);

extern const char cf_overview_style[];
