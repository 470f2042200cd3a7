/* `_overview.html`: what it shows, and its parts in their order; see overview.h. */
#include "core/procedures/overview_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/crypto/chain.h"
#include "core/store/found.h"

void cf_overview_done(struct cf_overview *o)
{
	for (size_t i = 0; i < o->n_certificates; i++)
		cf_certificate_done(&o->certificates[i].row);
	free(o->certificates);
	free(o->servers);
	cf_notice_list_done(&o->notices);
	*o = (struct cf_overview){ 0 };
}

static void later(cf_time *time, cf_time t)
{
	if (t > *time)
		*time = t;
}

/* -- servers -------------------------------------------------------------------------------------- */

const struct cf_server *cf_overview_server(const struct cf_overview *o,
					   const struct cf_certificate *cert)
{
	for (size_t i = 0; i < o->n_servers; i++)
		if (o->servers[i].row.id == cert->server)
			return &o->servers[i].row;
	return NULL;
}

static int add_server(struct cf_overview *o, const struct cf_server *row, struct cf_err *err)
{
	if (o->n_servers == o->cap_servers) {
		size_t cap = o->cap_servers ? 2 * o->cap_servers : 16;
		struct cf_shown_server *servers = realloc(o->servers, cap * sizeof(*servers));

		if (!servers)
			return cf_fail_memory(err);
		o->servers = servers;
		o->cap_servers = cap;
	}
	o->servers[o->n_servers++] = (struct cf_shown_server){ .row = *row };
	return 0;
}

static bool has_server(const struct cf_overview *o, int64_t id)
{
	for (size_t i = 0; i < o->n_servers; i++)
		if (o->servers[i].row.id == id)
			return true;
	return false;
}

/* Those without a certificate that is shown, where there aren't too many. */
static int load_servers(struct cf_db *db, struct cf_overview *o, struct cf_err *err)
{
	int64_t after = 0;
	int r = cf_store_server_count(db, &o->all_servers, err);

	while (r == 0 && o->all_servers <= CF_OVERVIEW_MAX) {
		struct cf_server row = { 0 };

		r = cf_store_server_next(db, after, &row, err);
		if (r <= 0)
			break;
		after = row.id;
		r = row.damaged || has_server(o, row.id) ? 0 : add_server(o, &row, err);
	}
	return r < 0 ? r : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct cf_shown_server *x = a, *y = b;
	int r = strcasecmp(x->row.name, y->row.name);

	return r ? r : strcmp(x->row.name, y->row.name);
}

/* -- certificates --------------------------------------------------------------------------------- */

static bool is_full(const struct cf_overview *o)
{
	return o->n_certificates == CF_OVERVIEW_MAX;
}

static bool is_shown(const struct cf_overview *o, int64_t id)
{
	for (size_t i = 0; i < o->n_certificates; i++)
		if (o->certificates[i].row.id == id)
			return true;
	return false;
}

static enum cf_tone tone_of(const struct cf_overview *o, const struct cf_shown_certificate *shown)
{
	const struct cf_certificate *row = &shown->row;

	if (row->state != CF_STATE_COMPLETE || shown->replaced)
		return CF_TONE_WAIT;
	if (row->status != CF_VERDICT_VALID)
		return CF_TONE_BAD;
	return row->not_after <= o->soon ? CF_TONE_SOON : CF_TONE_GOOD;
}

/* Its server, loaded with its first certificate. */
static int find_server(struct cf_db *db, struct cf_overview *o, const struct cf_certificate *cert,
		       const struct cf_server **ret, struct cf_err *err)
{
	struct cf_server row = { 0 };
	int r = 0;

	*ret = cf_overview_server(o, cert);
	if (*ret)
		return 0;
	r = cf_load_server(db, cert->server, &row, err);
	if (r == 0)
		r = add_server(o, &row, err);
	*ret = cf_overview_server(o, cert);
	return r;
}

/* Load one and show it. What was changed outside certfs is left out; `certfsctl check` names it. */
static int add_certificate(struct cf_db *db, struct cf_overview *o, int64_t id, struct cf_err *err)
{
	struct cf_shown_certificate shown = { 0 };
	const struct cf_server *server = NULL;
	int r = cf_load_certificate(db, id, &shown.row, NULL, err);

	if (r == 0) {
		r = find_server(db, o, &shown.row, &server, err);
		if (r < 0)
			cf_certificate_done(&shown.row);
	}
	if (r == -EIO || r == -ESTALE) {
		cf_err_reset(err);
		return 0;
	}
	if (r < 0)
		return r;
	if (o->n_certificates == o->cap_certificates) {
		size_t cap = o->cap_certificates ? 2 * o->cap_certificates : 32;
		struct cf_shown_certificate *all =
			realloc(o->certificates, cap * sizeof(*o->certificates));

		if (!all) {
			cf_certificate_done(&shown.row);
			return cf_fail_memory(err);
		}
		o->certificates = all;
		o->cap_certificates = cap;
	}
	shown.replaced = cf_is_replaced(server, &shown.row);
	shown.tone = tone_of(o, &shown);
	o->certificates[o->n_certificates++] = shown;
	return 0;
}

/* First what needs attention, then the others by their end, then those that have none yet. */
static int load_certificates(struct cf_db *db, struct cf_overview *o, struct cf_err *err)
{
	struct cf_ending at = { 0 };
	int64_t after = 0;
	int r = cf_notify_list(db, o->now, CF_OVERVIEW_MAX, &o->notices, err);

	for (size_t i = 0; i < o->notices.n && r == 0; i++)
		r = add_certificate(db, o, o->notices.items[i].certificate, err);
	while (r == 0 && !is_full(o) && (r = cf_store_ending_next(db, CF_NEVER, &at, err)) > 0)
		r = is_shown(o, at.id) ? 0 : add_certificate(db, o, at.id, err);
	while (r == 0 && !is_full(o)) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		r = cf_store_certificate_next_any(db, after, &row, err);
		if (r <= 0)
			break;
		after = row.id;
		r = row.damaged || row.deleted || is_shown(o, row.id)
			    ? 0
			    : add_certificate(db, o, row.id, err);
	}
	return r < 0 ? r : 0;
}

/* -- when it changed ------------------------------------------------------------------------------ */

/* Dates that passed changed it, the next that will pass changes it. */
static int mind_dates(struct cf_db *db, struct cf_overview *o, cf_time window, struct cf_err *err)
{
	cf_time last, first;
	int r = cf_store_ending_around(db, o->now + window, &last, &first, err);

	if (r < 0)
		return r;
	if (last)
		later(&o->time, last - window);
	if (first != CF_NEVER)
		o->until = first - window;
	return 0;
}

static int load_times(struct cf_db *db, struct cf_overview *o, struct cf_err *err)
{
	cf_time window, since, shown = 0;
	int r = cf_expiring_window(db, &window, &since, err);

	if (r == 0)
		r = cf_store_view_time(db, CF_VIEW_OVERVIEW, &shown, err);
	if (r < 0)
		return r;
	o->soon = o->now + window;
	later(&o->time, since);
	later(&o->time, shown);
	return mind_dates(db, o, window, err);
}

static void count(struct cf_overview *o)
{
	for (size_t i = 0; i < o->n_certificates; i++)
		for (size_t s = 0; s < o->n_servers; s++)
			o->servers[s].n += o->servers[s].row.id == o->certificates[i].row.server;
}

int cf_overview_load(struct cf_db *db, cf_time now, struct cf_overview *ret, struct cf_err *err)
{
	int r;

	*ret = (struct cf_overview){ .now = now, .until = CF_NEVER };
	r = load_times(db, ret, err);
	if (r == 0)
		r = cf_store_ending_count(db, &ret->all, err);
	if (r == 0)
		r = load_certificates(db, ret, err);
	if (r == 0)
		r = load_servers(db, ret, err);
	if (r < 0)
		return r;
	if (ret->n_servers)
		qsort(ret->servers, ret->n_servers, sizeof(*ret->servers), by_name);
	count(ret);
	return 0;
}

int cf_overview_write(struct cf_db *db, const struct cf_root *root, cf_time now,
		      struct cf_page *ret, struct cf_err *err)
{
	cf_auto(cf_overview_done) struct cf_overview o = { 0 };
	int r = cf_overview_load(db, now, &o, err);

	if (r < 0)
		return r;
	later(&o.time, root->mtime);
	r = cf_overview_head(&o, ret->out, err);
	if (r == 0)
		r = cf_overview_notices(&o, ret->out, err);
	if (r == 0)
		r = cf_overview_time_line(&o, ret->out, err);
	if (r == 0)
		r = cf_overview_servers(&o, ret->out, err);
	if (r < 0)
		return r;
	ret->time = o.time;
	ret->until = o.until;
	return 0;
}
