/* What the views of the root share, and what the kernel must forget of them; see views_private.h. */
#include "core/tree/views_private.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/store/ending.h"

#define SERVER_BITS 20
#define FOUND_BITS 28

void cf_view_attr(const struct cf_at *at, struct cf_attr *ret)
{
	ret->uid = at->tree->options.uid;
	ret->gid = at->tree->options.gid;
	ret->mode = 0755;
}

uint64_t cf_view_parent(const struct cf_at *at)
{
	(void)at;
	return CF_TREE_ROOT;
}

void cf_view_label(char ret[256], const char *prefix, const char *server,
		   const struct cf_certificate *cert)
{
	const char *blank = prefix[0] ? " " : "";
	int n = snprintf(ret, 256, "%s%s%s %s", prefix, blank, server, cert->name);

	if (n > 255 && prefix[0])
		snprintf(ret, 256, "%s _%lld", prefix, (long long)cert->id);
	else if (n > 255)
		snprintf(ret, 256, "%.230s _%lld", server, (long long)cert->id);
}

bool cf_pair(int64_t found, int64_t server, int64_t *ret)
{
	if (found >> FOUND_BITS || server >> SERVER_BITS)
		return false;
	*ret = found << SERVER_BITS | server;
	return true;
}

int64_t cf_pair_found(int64_t pair)
{
	return pair >> SERVER_BITS;
}

int64_t cf_pair_server(int64_t pair)
{
	return pair & (((int64_t)1 << SERVER_BITS) - 1);
}

/* -- _notifications ------------------------------------------------------------------------------ */

int cf_read_notifications(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_notify_text(at->db, at->now, out, err);
}

/* The last change of one, or the last date at which one appeared. */
cf_time cf_notifications_time(const struct cf_at *at)
{
	cf_time time = 0, window, since, last = 0, first;

	cf_store_view_time(at->db, CF_VIEW_NOTICES, &time, NULL);
	if (cf_expiring_window(at->db, &window, &since, NULL) == 0 &&
	    cf_store_ending_around(at->db, at->now + window, &last, &first, NULL) == 0 && last &&
	    last - window > time)
		time = last - window;
	return time > 0 ? time : cf_constant_time(at);
}

/* -- what the kernel must forget --------------------------------------------------------------- */

static void notice_pair(int64_t found, int64_t server, const struct cf_notices *notices)
{
	int64_t pair;

	notices->inode(notices->arg, cf_ino(CF_KIND_DOMAIN, 0, found));
	if (cf_pair(found, server, &pair))
		notices->inode(notices->arg, cf_ino(CF_KIND_DOMAIN, 1, pair));
}

/* What a name shows on a server is shown under every listed name that it covers, too. */
static void notice_covered(struct cf_db *db, const char *name, int64_t server,
			   const struct cf_notices *notices)
{
	struct cf_found found = { 0 };

	if (strncmp(name, "*.", 2) != 0)
		return;
	while (cf_store_found_next_below(db, name + 2, found.id, &found, NULL) > 0)
		notice_pair(found.id, server, notices);
}

static void notice_thumbprint(struct cf_db *db, int64_t found, const struct cf_notices *notices)
{
	struct cf_found_in in = { 0 };

	notices->inode(notices->arg, cf_ino(CF_KIND_THUMBPRINT, 0, found));
	while (cf_store_found_in_next(db, found, in.id, &in, NULL) > 0)
		notices->inode(notices->arg, cf_ino(CF_KIND_THUMBPRINT, 1, in.id));
}

static void notice_found(struct cf_tree *tree, const struct cf_change *change,
			 const struct cf_notices *notices)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_found found;

	if (cf_store_read(tree->core->store, &db, NULL) < 0)
		return;
	if (change->name) { /* whether it was a thumbprint or a domain, nothing says any more */
		notices->inode(notices->arg, cf_ino(CF_KIND_THUMBPRINT, 0, change->id));
		notices->entry(notices->arg, cf_ino(CF_KIND_BY_THUMBPRINT, 0, 0), change->name);
		notices->entry(notices->arg, cf_ino(CF_KIND_BY_DOMAIN, 0, 0), change->name);
		notice_pair(change->id, change->parent, notices);
		notice_covered(db, change->name, change->parent, notices);
	} else if (cf_store_found_get(db, change->id, &found, NULL) <= 0) {
		return;
	} else if (found.kind == CF_VIEW_THUMBPRINT) {
		notice_thumbprint(db, found.id, notices);
	} else {
		notice_pair(found.id, change->parent, notices);
		notice_covered(db, found.name, change->parent, notices);
	}
}

static uint64_t view_ino(int64_t kind)
{
	switch (kind) {
	case CF_VIEW_THUMBPRINT:
		return cf_ino(CF_KIND_BY_THUMBPRINT, 0, 0);
	case CF_VIEW_DOMAIN:
		return cf_ino(CF_KIND_BY_DOMAIN, 0, 0);
	case CF_VIEW_EXPIRING:
		return cf_ino(CF_KIND_EXPIRING, 0, 0);
	case CF_VIEW_OVERVIEW:
		return cf_ino(CF_KIND_ROOT, CF_ROOT_ROW_OVERVIEW, 0);
	default:
		return cf_ino(CF_KIND_ROOT, CF_ROOT_ROW_NOTIFICATIONS, 0);
	}
}

bool cf_notice_view(struct cf_tree *tree, const struct cf_change *change,
		    const struct cf_notices *notices)
{
	if (change->object == CF_OBJECT_VIEW)
		notices->inode(notices->arg, view_ino(change->id));
	else if (change->object == CF_OBJECT_FOUND)
		notice_found(tree, change, notices);
	else
		return false;
	return true;
}

/* -- time -------------------------------------------------------------------------------------- */

int cf_views_tick(struct cf_tree *tree, struct cf_ctx *ctx, cf_time now, cf_time *ret_next,
		  struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_time window, since, last, first;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_expiring_window(db, &window, &since, err);
	if (r == 0)
		r = cf_store_ending_around(db, now + window, &last, &first, err);
	if (r < 0)
		return r;
	/* A date was passed since the last look, in either direction: entries came or went. */
	if (now < atomic_load(&tree->checked_dates) ||
	    (last && last - window > atomic_load(&tree->checked_dates))) {
		const struct cf_change changes[] = {
			{ .object = CF_OBJECT_VIEW,
			  .id = CF_VIEW_EXPIRING,
			  .what = CF_WHAT_LISTING },
			{ .object = CF_OBJECT_VIEW,
			  .id = CF_VIEW_NOTICES,
			  .what = CF_WHAT_LISTING },
			{ .object = CF_OBJECT_VIEW,
			  .id = CF_VIEW_OVERVIEW,
			  .what = CF_WHAT_LISTING },
		};

		for (size_t i = 0; i < CF_COUNT(changes) && r == 0; i++)
			r = cf_changes_add(&ctx->changes, &changes[i], err);
	}
	if (r < 0)
		return r;
	atomic_store(&tree->checked_dates, now);
	*ret_next = first == CF_NEVER ? CF_NEVER : first - window;
	return 0;
}
