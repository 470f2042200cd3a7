/* What the parts of found.h share. */
#pragma once

#include "core/store/found.h"
#include "core/store/store_private.h"

/*
 * found_update.c: bring the entries of a certificate from old (NULL: new) to row (NULL: purged); what
 * changes does so at t. All entries of a server that was renamed.
 */
int cf_found_entries(struct cf_db *db, const struct cf_certificate *old,
		     const struct cf_certificate *row, cf_time t, struct cf_err *err);
int cf_found_rename(struct cf_db *db, int64_t server, struct cf_err *err);

/* The next domain of a list of lines that can be the name of a directory, as it is listed. */
bool cf_found_next_domain(const char **line, char ret[256]);
