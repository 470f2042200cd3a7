/* What needs attention: which certificates run out, and what is the matter with which, most urgent first. */
#pragma once

#include "core/procedures/setting.h"

/* The order is that of urgency. */
enum cf_notice_kind {
	CF_NOTICE_REVOKED,
	CF_NOTICE_EXPIRED,
	CF_NOTICE_DATES, /* it or an issuer is not yet or no longer valid */
	CF_NOTICE_INVALID,
	CF_NOTICE_UNTRUSTED,
	CF_NOTICE_CRL, /* out of date */
	CF_NOTICE_UNKNOWN,
	CF_NOTICE_EXPIRING, /* within the setting expiring-days */
	CF_NOTICE_PENDING,  /* a request without its answer */
};

/* One certificate that needs attention. */
struct cf_notice {
	enum cf_notice_kind kind;
	cf_time date; /* NotAfter where that is the matter, else since when it is like this */
	int64_t certificate;
	char server[256];
	char name[256];
	char *what;   /* a sentence without its full stop, safe to show; owned */
	char *remedy; /* what to do about it, likewise */
};

struct cf_notice_list {
	struct cf_notice *items;
	size_t n, cap;
	bool more; /* there are others, less urgent, which the limit left out */
};

void cf_notice_list_done(struct cf_notice_list *list);
CF_DEFINE_DONE(struct cf_notice_list, cf_notice_list_done);

/*
 * The most urgent, at most limit of them, in order: by kind, then by date, then by id. Left out is
 * a certificate that was replaced by others for every service it had. 0, -ENOMEM, -EIO.
 */
int cf_notify_list(struct cf_db *db, cf_time now, size_t limit, struct cf_notice_list *ret,
		   struct cf_err *err);

/*
 * The same as text: date, server, certificate, what is the matter and what to do, with a tab
 * between them, one line each; at most CF_NOTIFY_MAX of them.
 */
#define CF_NOTIFY_MAX 1000
int cf_notify_text(struct cf_db *db, cf_time now, struct cf_buf *out, struct cf_err *err);

/* The setting expiring-days as a time, and when it was last set (0: never). */
int cf_expiring_window(struct cf_db *db, cf_time *ret_window, cf_time *ret_since,
		       struct cf_err *err);

/* True when a certificate had services, and others have all of them now. */
bool cf_is_replaced(const struct cf_server *server, const struct cf_certificate *cert);

/* True for what `_expiring` lists: it ends until then, or has, and isn't replaced. */
bool cf_is_expiring(const struct cf_server *server, const struct cf_certificate *cert,
		    cf_time until);
