/*
 * By what certificates are found: `_by-thumbprint` and `_by-domain` as tables, kept by every write
 * of a certificate, and when each view last changed. These tables are derived from the certificates
 * and carry no MAC, so whoever reads one compares it with the certificate it leads to.
 */
#pragma once

#include "core/store/certificate.h"
#include "core/store/server.h"

/* The views. The numbers are stored. */
enum cf_view_kind {
	CF_VIEW_THUMBPRINT = 1, /* complete certificates, by 40 upper-case hex digits */
	CF_VIEW_DOMAIN = 2,     /* names in Valid certificates, in lower case */
	CF_VIEW_EXPIRING = 3,   /* only its time is kept here */
	CF_VIEW_NOTICES = 4,    /* likewise */
	CF_VIEW_OVERVIEW = 5,   /* likewise, of everything that _overview.html shows */
	CF_VIEW_COUNT_,
};

#define CF_FOUND_VALID 9 /* the status of certificates whose names are listed: CF_VERDICT_VALID */

/* A thumbprint or a name, under which there are certificates. */
struct cf_found {
	int64_t id;   /* never used again */
	int64_t kind; /* enum cf_view_kind */
	char name[256];
	cf_time time; /* when something under it last changed */
};

/* One certificate under it. */
struct cf_found_in {
	int64_t id; /* never used again */
	int64_t found;
	int64_t server, certificate;
	int64_t self_signed;
	cf_time not_before;
	cf_time time; /* since when it is there, or is the one that is selected, under this name */
};

/* By id, or by the name as it is listed: 1, or 0 when there is none. */
int cf_store_found_get(struct cf_db *db, int64_t id, struct cf_found *ret, struct cf_err *err);
int cf_store_found_find(struct cf_db *db, enum cf_view_kind kind, const char *name,
			struct cf_found *ret, struct cf_err *err);

/* The next by id: of a view; of the names one label below a domain, which `*.domain` covers. */
int cf_store_found_next(struct cf_db *db, enum cf_view_kind kind, int64_t after,
			struct cf_found *ret, struct cf_err *err);
int cf_store_found_next_below(struct cf_db *db, const char *domain, int64_t after,
			      struct cf_found *ret, struct cf_err *err);

/* A certificate there: by id; the next by id. 1 or 0. */
int cf_store_found_in_get(struct cf_db *db, int64_t id, struct cf_found_in *ret,
			  struct cf_err *err);
int cf_store_found_in_next(struct cf_db *db, int64_t found, int64_t after, struct cf_found_in *ret,
			   struct cf_err *err);

/*
 * The one that Exchange would select on a server among those under a name: issued by a CA before
 * self-signed, then the latest NotBefore. 1 or 0.
 */
int cf_store_found_pick(struct cf_db *db, int64_t found, int64_t server, struct cf_found_in *ret,
			struct cf_err *err);

/* The next server, by id, that has a certificate there: 1 or 0. */
int cf_store_found_next_server(struct cf_db *db, int64_t found, int64_t after, int64_t *ret,
			       struct cf_err *err);

/* The next by id of those on one server. 1 or 0. */
int cf_store_found_in_next_on(struct cf_db *db, int64_t found, int64_t server, int64_t after,
			      struct cf_found_in *ret, struct cf_err *err);

/* When a view last changed; 0: never. */
int cf_store_view_time(struct cf_db *db, enum cf_view_kind kind, cf_time *ret, struct cf_err *err);

/* A view changed at t. Records CF_OBJECT_VIEW. */
int cf_store_view_touch(struct cf_db *db, enum cf_view_kind kind, cf_time t, struct cf_err *err);

/*
 * How long before NotAfter a certificate is in `_expiring`: writes of one that ends later don't
 * move the times of the last two views. Changing it touches both.
 */
int cf_store_view_horizon(struct cf_db *db, cf_time horizon, struct cf_err *err);
#define CF_VIEW_HORIZON (30 * 86400 * CF_SECOND) /* until it was changed */

/* `*.` and what follows the first label of a name, into ret; false when no wildcard covers it. */
bool cf_found_wildcard(const char *name, char ret[256]);

/* True when a domain of a certificate is this name, in any case. */
bool cf_found_has_domain(const struct cf_certificate *cert, const char *name);

/* True when an entry, under a name of that kind, is what the certificate itself says. */
bool cf_found_is_right(const struct cf_found_in *in, enum cf_view_kind kind, const char *name,
		       const struct cf_certificate *cert);

/*
 * Bring the tables to what a certificate is now. old: as it was stored before, NULL for a new one;
 * row: as it is now, NULL when it is purged. Called by every write of a certificate; nothing is
 * read or written when nothing changed that is shown.
 */
int cf_found_update(struct cf_db *db, const struct cf_certificate *old,
		    const struct cf_certificate *row, struct cf_err *err);

/* The same for a server: its name is part of every entry, and what its services use of two views. */
int cf_found_server_update(struct cf_db *db, const struct cf_server *old,
			   const struct cf_server *row, struct cf_err *err);

/*
 * Compare with the certificates: each finding is a sentence to report(). 0, or a negative errno when
 * the comparison itself failed.
 */
int cf_found_check(struct cf_db *db, void (*report)(void *arg, const char *sentence), void *arg,
		   struct cf_err *err);
