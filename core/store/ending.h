/*
 * Certificates in the order of a date, for the views that are about dates. Only complete ones that
 * aren't deleted, but for those that are pending. What comes out are ids and dates as indexes
 * have them: the certificate, loaded, says whether they are right.
 */
#pragma once

#include "core/store/store.h"

/* Where a walk is; zero-initialise to begin. */
struct cf_ending {
	int64_t id;
	cf_time date;
};

/* The next by NotAfter, up to a date: of all; of those with a status. 1, or 0 at the end. */
int cf_store_ending_next(struct cf_db *db, cf_time until, struct cf_ending *at, struct cf_err *err);
int cf_store_ending_next_status(struct cf_db *db, int64_t status, cf_time until,
				struct cf_ending *at, struct cf_err *err);

/* The next pending request by when it was made. 1, or 0 at the end. */
int cf_store_ending_next_pending(struct cf_db *db, struct cf_ending *at, struct cf_err *err);

/* How many certificates there are, drafts and requests too. */
struct cf_ending_counts {
	int64_t all;
	int64_t valid; /* with the status Valid */
};

/* 0 or -EIO. Reads an index, not the rows. */
int cf_store_ending_count(struct cf_db *db, struct cf_ending_counts *ret, struct cf_err *err);

/* The last NotAfter up to a date (0: none), and the first one after it (CF_NEVER). */
int cf_store_ending_around(struct cf_db *db, cf_time until, cf_time *ret_last, cf_time *ret_first,
			   struct cf_err *err);
