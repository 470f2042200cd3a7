/* Looking: Get-ExchangeCertificate | Format-List *, and why something can't be done. */
#pragma once

#include "core/procedures/setting.h"

/* A certificate with all that its views are made of. */
struct cf_view {
	struct cf_db *db; /* to ask who else is concerned */
	const struct cf_root *root;
	const struct cf_server *server;
	const struct cf_settings *settings;
	const struct cf_certificate *cert;
	cf_time now;
};

/* Every property, `Name : value` a line, as Format-List prints them; the same as JSON. 0, -ENOMEM. */
int cf_view_info(const struct cf_view *view, struct cf_buf *out, struct cf_err *err);
int cf_view_json(const struct cf_view *view, struct cf_buf *out, struct cf_err *err);

/*
 * What can't be done now, why, and what to do about it; what an assignment would take over from
 * whom, and what rmdir would do; one line each. 0, -ENOMEM, -EIO.
 */
int cf_view_why(const struct cf_view *view, struct cf_buf *out, struct cf_err *err);

/* The same of one that lies in _deleted: since when, until when, and how it comes back. 0, -ENOMEM. */
int cf_view_deleted(const struct cf_certificate *cert, struct cf_buf *out, struct cf_err *err);
