/* `_overview.html`: servers and certificates as a page to look at. */
#pragma once

#include "core/procedures/common.h"

#define CF_OVERVIEW_MAX 500 /* certificates shown, the most urgent ones; and servers without any */

/*
 * Write the page: one file without scripts that loads nothing. Whatever comes from outside is
 * escaped by cf_text_html(), and addresses are percent-encoded (RFC 3986 section 2.1). The same
 * state gives the same bytes.
 *
 * root  as loaded in the transaction db
 * now   decides what is about to expire
 *
 * 0, -ENOMEM, -EIO. May take some tens of milliseconds.
 */
int cf_overview_write(struct cf_db *db, const struct cf_root *root, cf_time now,
		      struct cf_page *ret, struct cf_err *err);
