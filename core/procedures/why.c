/* What can't be done with a certificate now, and what to do about it; see view.h. */
#include "core/procedures/view.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/crypto/request.h"
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

/* Whether the certificate is good for a name: it has it, or a wildcard that covers it. */
static bool has_domain(const struct cf_certificate *cert, const char *name)
{
	const char *rest = strchr(name, '.');

	for (const char *line = cert->domains; *line;) {
		size_t n = strcspn(line, "\n");

		if (n == strlen(name) && !strncasecmp(line, name, n))
			return true;
		if (rest && *line == '*' && n - 1 == strlen(rest) &&
		    !strncasecmp(line + 1, rest, n - 1))
			return true;
		line += n + !!line[n];
	}
	return false;
}

/* What the CA left out: the first name, and how many more. */
static int put_left_out(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 }, asked = { 0 };
	const char *first = NULL;
	char *save = NULL;
	size_t more = 0;
	int r;

	if (view->cert->state != CF_STATE_COMPLETE || !view->cert->request_len)
		return 0;
	r = cf_store_blob_get(view->db, view->cert, CF_BLOB_REQUEST, &der, NULL);
	if (r == 0)
		r = cf_request_domains(cf_span_buf(&der), &asked, NULL);
	if (r < 0) /* what is damaged is told elsewhere */
		return r == -ENOMEM ? cf_fail_memory(err) : 0;
	if (!asked.len)
		return 0;
	for (char *name = strtok_r(asked.data, "\n", &save); name;
	     name = strtok_r(NULL, "\n", &save)) {
		if (has_domain(view->cert, name))
			continue;
		more += first != NULL;
		first = first ? first : name;
	}
	if (!first)
		return 0;
	r = cf_buf_printf(out, err, "domains: the CA left out %s", first);
	if (r == 0 && more)
		r = cf_buf_printf(out, err, " and %zu more", more);
	return r < 0 ? r
		     : cf_buf_puts(
			       out,
			       ", which the request has; where it is needed, have the request "
			       "answered anew, and copy that into the directory of the server\n",
			       err);
}

/* What is settled by now, and how to come to something else. */
static int put_settled(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	int r;

	switch (view->cert->state) {
	case CF_STATE_DRAFT:
		return put(out, "certificate.cer, services, renew",
			   "there is no certificate yet; one that has its key in it (PKCS#12, "
			   "PEM) can be copied into this directory as well",
			   err);
	case CF_STATE_PENDING:
		r = put(out, "subject, domains, key-type, exportable, request.csr, self-signed",
			"the request says what they are; make another request in a new directory",
			err);
		return r < 0 ? r : put(out, "services, renew", "there is no certificate yet", err);
	default:
		r = put(out, "subject, domains, key-type, exportable, request.csr, self-signed",
			"the certificate says what they are; renew it, or make another one in a "
			"new directory",
			err);
		return r < 0 ? r
			     : put(out, "certificate.cer",
				   "the certificate is there; copy another one for the same key "
				   "into the directory of the server",
				   err);
	}
}

/* The name of the certificate that a service uses now. */
static int put_user(const struct cf_view *view, enum cf_service service, struct cf_buf *out,
		    struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate other = { 0 };
	int64_t id = view->server->use[service];
	int r;

	if (!id)
		return cf_buf_puts(out, "would be its first certificate", err);
	r = cf_store_certificate_get(view->db, id, &other, err);
	if (r == -ENOENT || (r == 0 && other.damaged)) {
		cf_err_reset(err);
		return cf_buf_puts(out, "would take over from one that can't be read", err);
	}
	if (r == 0)
		r = cf_buf_puts(out, "would take over from '", err);
	if (r == 0)
		r = cf_text_show(out, other.name, err);
	return r < 0 ? r : cf_buf_puts(out, "'", err);
}

/* What `echo SERVICE >> services` would do: nothing where it is assigned already. */
static int put_assignment(const struct cf_view *view, enum cf_service service, struct cf_buf *out,
			  struct cf_err *err)
{
	const bool becomes_default =
		service == CF_SERVICE_SMTP && !view->server->use[CF_SERVICE_SMTP_DEFAULT];
	struct cf_err reason = { 0 };
	int r;

	if (cf_service_allowed(view->settings, view->cert, service, view->now, &reason) < 0)
		return service == CF_SERVICE_SMTP_DEFAULT
			       ? 0
			       : cf_buf_printf(out, err, "services: %s can't be assigned: %s\n",
					       cf_service_text(service), reason.text);
	if (view->server->use[service] == view->cert->id)
		return 0;
	r = cf_buf_printf(out, err, "services: %s ", cf_service_text(service));
	if (r == 0)
		r = put_user(view, service, out, err);
	if (r == 0 && becomes_default)
		r = cf_buf_puts(out, ", and the default for SMTP between servers", err);
	return r < 0 ? r : cf_buf_puts(out, "\n", err);
}

static int put_services(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	int r = 0;

	for (int i = 0; i < CF_SERVICE_COUNT_ && r == 0; i++)
		r = put_assignment(view, (enum cf_service)i, out, err);
	return r;
}

/* What rmdir and a move to another server would meet. */
static int put_removal(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf uses = { 0 };
	int r = 0;

	if (view->cert->services[0])
		r = put(out, "mv to another server",
			"it has services and stays; export it and import it there", err);
	if (r == 0)
		r = cf_service_uses(view->server, view->cert->id, &uses, err);
	if (r < 0)
		return r;
	if (uses.len)
		return cf_buf_printf(
			out, err,
			"rmdir: %s uses it for %s; assign these to another certificate first\n",
			view->server->name, uses.data);
	return cf_buf_printf(out, err,
			     "rmdir: no service uses it; it would lie in _deleted for %d days\n",
			     (int)(CF_DELETED_KEPT / (86400 * CF_SECOND)));
}

int cf_view_why(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	const char *blocked = cf_export_blocked(view->root, view->server, view->cert, view->now);
	const char *from = cf_export_password_from(view->root, view->server, view->cert);
	int r = put_next_step(view, out, err);

	if (r == 0)
		r = put_status(view, out, err);
	if (r == 0)
		r = put_left_out(view, out, err);
	if (r == 0 && blocked)
		r = put(out, "export.pfx", blocked, err);
	if (r == 0 && from)
		r = cf_buf_printf(out, err, "export.password: one is set for the %s\n", from);
	if (r == 0 && view->cert->state == CF_STATE_COMPLETE)
		r = put_services(view, out, err);
	if (r == 0)
		r = put_settled(view, out, err);
	return r < 0 ? r : put_removal(view, out, err);
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
