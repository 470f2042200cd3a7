/* What needs attention; see notify.h. */
#include "core/procedures/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/procedures/chain.h"
#include "core/procedures/rules.h"
#include "core/store/ending.h"
#include "core/store/found.h"

_Static_assert(CF_FOUND_VALID == CF_VERDICT_VALID, "what the store calls Valid");

#define DAY (86400 * CF_SECOND)

void cf_notice_list_done(struct cf_notice_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].what);
		free(list->items[i].remedy);
	}
	free(list->items);
	*list = (struct cf_notice_list){ 0 };
}

int cf_expiring_window(struct cf_db *db, cf_time *ret_window, cf_time *ret_since,
		       struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	int r = cf_settings_load(db, NULL, &settings, err);

	if (r < 0)
		return r;
	*ret_window = atol(cf_setting(&settings, CF_SETTING_EXPIRING_DAYS)) * DAY;
	*ret_since = settings.time[CF_SETTING_EXPIRING_DAYS];
	return 0;
}

static bool is_used(const struct cf_server *server, const struct cf_certificate *cert)
{
	for (size_t i = 0; i < CF_SERVICE_COUNT_; i++)
		if (server->use[i] == cert->id)
			return true;
	return false;
}

bool cf_is_replaced(const struct cf_server *server, const struct cf_certificate *cert)
{
	return cert->services[0] && !is_used(server, cert);
}

bool cf_is_expiring(const struct cf_server *server, const struct cf_certificate *cert,
		    cf_time until)
{
	return cert->state == CF_STATE_COMPLETE && cert->not_after <= until &&
	       !cf_is_replaced(server, cert);
}

/* -- one notice ------------------------------------------------------------------------------ */

/* What a walk through the certificates has at hand. */
struct walk {
	struct cf_db *db;
	cf_time now;
	size_t limit;
	struct cf_notice_list *list;
	struct cf_server server;
	struct cf_certificate cert;
};

static enum cf_notice_kind kind_of(const struct walk *w)
{
	const struct cf_certificate *cert = &w->cert;

	if (cert->state == CF_STATE_PENDING)
		return CF_NOTICE_PENDING;
	switch (cert->status) {
	case CF_VERDICT_REVOKED:
		return CF_NOTICE_REVOKED;
	case CF_VERDICT_DATE_INVALID:
		return cert->not_after <= w->now ? CF_NOTICE_EXPIRED : CF_NOTICE_DATES;
	case CF_VERDICT_INVALID:
		return CF_NOTICE_INVALID;
	case CF_VERDICT_UNTRUSTED:
		return CF_NOTICE_UNTRUSTED;
	case CF_VERDICT_REVOCATION_CHECK_FAILURE:
		return CF_NOTICE_CRL;
	case CF_VERDICT_VALID:
		return CF_NOTICE_EXPIRING;
	default:
		return CF_NOTICE_UNKNOWN;
	}
}

static cf_time date_of(const struct walk *w, enum cf_notice_kind kind)
{
	switch (kind) {
	case CF_NOTICE_PENDING:
		return w->cert.t_request;
	case CF_NOTICE_EXPIRED:
	case CF_NOTICE_EXPIRING:
		return w->cert.not_after;
	default:
		return w->cert.verdict_since;
	}
}

/* What is the matter, and which services it concerns. */
static int put_what(const struct walk *w, enum cf_notice_kind kind, struct cf_buf *out,
		    struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf uses = { 0 };
	char date[CF_TIME_TEXT_MAX];
	int r = cf_service_uses(&w->server, w->cert.id, &uses, err);

	if (r < 0)
		return r;
	switch (kind) {
	case CF_NOTICE_EXPIRED:
		r = cf_buf_printf(out, err, "expired on %s", cf_time_text(w->cert.not_after, date));
		break;
	case CF_NOTICE_EXPIRING:
		r = cf_buf_printf(out, err, "expires on %s", cf_time_text(w->cert.not_after, date));
		break;
	case CF_NOTICE_PENDING:
		r = cf_buf_puts(out, "waits for the answer of the CA", err);
		break;
	default:
		r = cf_buf_printf(out, err, "%s: ", cf_status_text(&w->cert));
		if (r == 0)
			r = cf_text_show(out, w->cert.reason, err);
	}
	if (r == 0 && uses.len)
		r = cf_buf_printf(out, err, "; in use for %s", uses.data);
	return r;
}

/* What to do: a phrase with the path of the certificate in it. */
static const char *remedy_of(const struct walk *w, enum cf_notice_kind kind)
{
	switch (kind) {
	case CF_NOTICE_REVOKED:
	case CF_NOTICE_EXPIRED:
	case CF_NOTICE_EXPIRING:
		return is_used(&w->server, &w->cert)
			       ? "renew it (echo > '%s/renew'), and assign its services to the new one"
			       : "renew it (echo > '%s/renew'), or delete it (rmdir '%1$s')";
	case CF_NOTICE_DATES:
		return "wait for its date, or renew what has expired; see '%s/why'";
	case CF_NOTICE_UNTRUSTED:
		return "copy the certificate of its CA into _trust; see '%s/why'";
	case CF_NOTICE_CRL:
		return "copy the CA's current CRL into _trust; see '%s/why'";
	case CF_NOTICE_PENDING:
		return "send '%s/request.csr' to the CA, and copy its answer into '%1$s'";
	default:
		return "request another certificate; see '%s/why'";
	}
}

/* The phrase with the path for each mark; both come from certfs. */
static int put_remedy(const char *phrase, const char *path, struct cf_buf *out, struct cf_err *err)
{
	int r = 0;

	while (*phrase && r == 0) {
		size_t n = strcspn(phrase, "%");

		r = cf_buf_append(out, phrase, n, err);
		phrase += n;
		if (r < 0 || !*phrase)
			break;
		r = cf_text_show(out, path, err);
		phrase += phrase[1] == '1' ? strlen("%1$s") : strlen("%s");
	}
	return r;
}

static struct cf_notice *room(struct cf_notice_list *list, struct cf_err *err)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		struct cf_notice *items = realloc(list->items, cap * sizeof(*items));

		if (!items) {
			cf_fail_memory(err);
			return NULL;
		}
		list->items = items;
		list->cap = cap;
	}
	return &list->items[list->n];
}

static int add(struct walk *w, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf what = { 0 }, remedy = { 0 };
	enum cf_notice_kind kind = kind_of(w);
	struct cf_notice *notice = room(w->list, err);
	char path[512];
	int r = notice ? put_what(w, kind, &what, err) : -ENOMEM;

	snprintf(path, sizeof(path), "%s/%s", w->server.name, w->cert.name);
	if (r == 0)
		r = put_remedy(remedy_of(w, kind), path, &remedy, err);
	if (r < 0)
		return r;
	*notice = (struct cf_notice){
		.kind = kind,
		.date = date_of(w, kind),
		.certificate = w->cert.id,
		.what = strdup(cf_buf_text(&what)),
		.remedy = strdup(cf_buf_text(&remedy)),
	};
	snprintf(notice->server, sizeof(notice->server), "%s", w->server.name);
	snprintf(notice->name, sizeof(notice->name), "%s", w->cert.name);
	w->list->n++;
	return notice->what && notice->remedy ? 0 : cf_fail_memory(err);
}

/* -- all of them ----------------------------------------------------------------------------- */

/* Take one that an index led to; what was changed outside certfs, or is gone, is left out. */
static int visit(struct walk *w, int64_t id, struct cf_err *err)
{
	int r;

	cf_certificate_done(&w->cert);
	w->cert = (struct cf_certificate){ 0 };
	r = cf_load_certificate(w->db, id, &w->cert, &w->server, err);
	if (r == -EIO || r == -ESTALE) {
		cf_err_reset(err);
		return 0;
	}
	if (r < 0 || cf_is_replaced(&w->server, &w->cert))
		return r;
	return add(w, err);
}

/* One status, or the pending requests (status 0), in the order of their dates. */
static int walk_status(struct walk *w, int64_t status, cf_time until, struct cf_err *err)
{
	struct cf_ending at = { 0 };
	int r;

	for (;;) {
		r = status ? cf_store_ending_next_status(w->db, status, until, &at, err)
			   : cf_store_ending_next_pending(w->db, &at, err);
		if (r <= 0)
			return r;
		if (w->list->n == w->limit) {
			w->list->more = true;
			return 0;
		}
		r = visit(w, at.id, err);
		if (r < 0)
			return r;
	}
}

static int by_urgency(const void *a, const void *b)
{
	const struct cf_notice *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->certificate < y->certificate ? -1 : x->certificate > y->certificate;
}

int cf_notify_list(struct cf_db *db, cf_time now, size_t limit, struct cf_notice_list *ret,
		   struct cf_err *err)
{
	static const int64_t statuses[] = {
		CF_VERDICT_REVOKED,
		CF_VERDICT_DATE_INVALID,
		CF_VERDICT_INVALID,
		CF_VERDICT_UNTRUSTED,
		CF_VERDICT_REVOCATION_CHECK_FAILURE,
		CF_VERDICT_UNKNOWN,
	};
	cf_auto(cf_notice_list_done) struct cf_notice_list list = { 0 };
	struct walk w = { .db = db, .now = now, .limit = limit, .list = &list };
	cf_time window, ignored;
	int r = cf_expiring_window(db, &window, &ignored, err);

	for (size_t i = 0; i < CF_COUNT(statuses) && r == 0; i++)
		r = walk_status(&w, statuses[i], CF_NEVER, err);
	if (r == 0)
		r = walk_status(&w, CF_VERDICT_VALID, now + window, err);
	if (r == 0)
		r = walk_status(&w, 0, 0, err);
	cf_certificate_done(&w.cert);
	if (r < 0)
		return r;
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_urgency);
	*ret = list;
	list = (struct cf_notice_list){ 0 };
	return 0;
}

int cf_notify_text(struct cf_db *db, cf_time now, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_notice_list_done) struct cf_notice_list list = { 0 };
	char date[CF_TIME_TEXT_MAX];
	int r = cf_notify_list(db, now, CF_NOTIFY_MAX, &list, err);

	for (size_t i = 0; i < list.n && r == 0; i++) {
		const struct cf_notice *n = &list.items[i];

		r = cf_buf_printf(out, err, "%.10s\t%s\t%s\t%s\t%s\n", cf_time_text(n->date, date),
				  n->server, n->name, n->what, n->remedy);
	}
	if (r == 0 && list.more)
		r = cf_buf_printf(out, err, "\t\t\tmore need attention than these %d\t\n",
				  CF_NOTIFY_MAX);
	return r;
}
