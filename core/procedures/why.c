/* What can't be done with a certificate now, and what to do about it; see view.h. */
#include "core/procedures/view.h"

#include "core/base/text.h"
#include "core/procedures/chain.h"
#include "core/procedures/deleted.h"
#include "core/procedures/export.h"
#include "core/procedures/rules.h"

/* "what: reason" as one line, safe to show. */
static int put(struct cf_buf *out, const char *what, const char *reason, struct cf_err *err)
{
	int r = cf_buf_printf(out, err, "%s: ", what);

	if (r == 0)
		r = cf_text_show(out, reason, err);
	return r < 0 ? r : cf_buf_puts(out, "\n", err);
}

static int put_next_step(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	switch (view->cert->state) {
	case CF_STATE_DRAFT:
		return put(
			out, "certificate",
			"this is a draft; write a distinguished name into request.csr to make a "
			"request for a CA, or into self-signed to make a certificate without one",
			err);
	case CF_STATE_PENDING:
		return put(out, "certificate",
			   "the request waits for the CA's answer; send request.csr to the CA and "
			   "copy what it issues into this directory",
			   err);
	default:
		return 0;
	}
}

static int put_status(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	if (view->cert->state != CF_STATE_COMPLETE || !view->cert->reason[0])
		return 0;
	return put(out, cf_status_text(view->cert), view->cert->reason, err);
}

static int put_services(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	for (int i = 0; i < CF_SERVICE_SMTP_DEFAULT; i++) {
		struct cf_err reason = { 0 };
		int r = 0;

		if (cf_service_allowed(view->settings, view->cert, (enum cf_service)i, view->now,
				       &reason) < 0)
			r = cf_buf_printf(out, err, "services: %s can't be assigned: %s\n",
					  cf_service_text((enum cf_service)i), reason.text);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_uses(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf uses = { 0 };
	int r = cf_service_uses(view->server, view->cert->id, &uses, err);

	if (r < 0 || !uses.len)
		return r;
	return cf_buf_printf(
		out, err, "rmdir: %s uses it for %s; assign these to another certificate first\n",
		view->server->name, uses.data);
}

int cf_view_why(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	const char *blocked = cf_export_blocked(view->root, view->server, view->cert, view->now);
	const char *from = cf_export_password_from(view->root, view->server, view->cert);
	int r = put_next_step(view, out, err);

	if (r == 0)
		r = put_status(view, out, err);
	if (r == 0 && blocked)
		r = put(out, "export.pfx", blocked, err);
	if (r == 0 && from)
		r = cf_buf_printf(out, err, "export.password: one is set for %s\n", from);
	if (r == 0 && view->cert->state == CF_STATE_COMPLETE)
		r = put_services(view, out, err);
	return r < 0 ? r : put_uses(view, out, err);
}

int cf_view_deleted(const struct cf_certificate *cert, struct cf_buf *out, struct cf_err *err)
{
	char since[CF_TIME_TEXT_MAX], until[CF_TIME_TEXT_MAX];

	return cf_buf_printf(out, err,
			     "deleted: on %s%s; moved back into a server it is as it was, with its "
			     "key; after %s it is removed for good\n",
			     cf_time_text(cert->deleted, since),
			     cert->with_server ? " together with its server" : "",
			     cf_time_text(cert->deleted + CF_DELETED_KEPT, until));
}
