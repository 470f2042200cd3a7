/* The tree as a whole: making it, what is slow, what the kernel must forget, what time brings. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/procedures/purge.h"
#include "core/procedures/status.h"
#include "core/store/server.h"
#include "core/tree/kept_private.h"
#include "core/tree/node_private.h"

#define SYSTEM_STORE_EVERY (10 * CF_SECOND) /* how often its file is looked at */

int cf_tree_new(const struct cf_core *core, const struct cf_tree_options *options,
		struct cf_tree **ret, struct cf_err *err)
{
	cf_auto(cf_tree_free) struct cf_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return cf_fail_memory(err);
	pthread_mutex_init(&tree->lock, NULL);
	tree->core = core;
	tree->options = *options;
	tree->refusals = cf_refusals_new();
	tree->kept = cf_kept_new();
	if (!tree->refusals || !tree->kept)
		return cf_fail_memory(err);
	*ret = cf_take(&tree);
	return 0;
}

void cf_tree_free(struct cf_tree *tree)
{
	if (!tree)
		return;
	cf_staged_expire(tree, CF_NEVER);
	cf_refusals_free(tree->refusals);
	cf_kept_free(tree->kept);
	pthread_mutex_destroy(&tree->lock);
	free(tree);
}

int cf_at_path(const struct cf_at *at, const char *name, struct cf_buf *out, struct cf_err *err)
{
	const bool deleted = at->dir->deleted;
	const char *parts[6] = { 0 };
	size_t n = 0;
	int r = 0;

	if (deleted)
		parts[n++] = cf_dir_deleted.what;
	if (at->server.id && !at->dir->view)
		parts[n++] = deleted ? at->server.deleted_name : at->server.name;
	if (at->dir->files == cf_dir_certificate.files)
		parts[n++] = deleted ? at->cert.deleted_name : at->cert.name;
	else if (at->dir->what[0] == '_' && !deleted)
		parts[n++] = at->dir->what;
	if (at->dir == &cf_dir_thumbprint || at->dir == &cf_dir_domain)
		parts[n++] = at->found.name;
	if (at->file && at->file->name)
		parts[n++] = at->file->name;
	else if (at->file && at->dir->name)
		parts[n++] = at->dir->name(at);
	if (name && n < CF_COUNT(parts))
		parts[n++] = name;
	for (size_t i = 0; i < n && r == 0; i++)
		r = cf_buf_printf(out, err, "%s%s", i ? "/" : "", parts[i]);
	return r;
}

enum cf_pace cf_tree_pace(struct cf_tree *tree, enum cf_request request, uint64_t ino,
			  uint64_t other, const struct cf_open *open)
{
	const uint64_t trust = cf_ino(CF_KIND_TRUST, 0, 0);
	const struct cf_file *row = cf_file_of(ino);

	switch (request) {
	case CF_REQUEST_OPEN: /* a snapshot of a secret derives keys */
		if (row && row->render)
			return CF_PAGE;
		return row && row->secret ? CF_SLOW : CF_QUICK;
	case CF_REQUEST_WRITE:
		if (open && open->file && open->file->compose)
			return CF_SLOWEST;
		return open && open->dir == &cf_dir_server_settings ? CF_SLOW : CF_QUICK;
	case CF_REQUEST_FLUSH:
		if (open && open->file && open->file->compose)
			return open->waiting ? CF_SLOWEST : CF_QUICK;
		return open && (open->staged || open->file->deliver) ? CF_SLOW : CF_QUICK;
	case CF_REQUEST_SETATTR: /* touch of request.csr */
		return row && row->compose ? CF_SLOWEST : CF_QUICK;
	case CF_REQUEST_UNLINK:
		return ino == trust ? CF_SLOW : CF_QUICK;
	case CF_REQUEST_RENAME: /* what comes back is judged; a staged file's final name may be request.csr */
		if (cf_is_deleted(ino) || cf_is_deleted(other))
			return CF_SLOW;
		if (!cf_staged_any(tree, ino))
			return CF_QUICK;
		return cf_is_certificate(other) ? CF_SLOWEST : CF_SLOW;
	default:
		return CF_QUICK;
	}
}

/* -- what the kernel must forget ---------------------------------------------------------------- */

/* Rows of a directory that depend on what changed; those that are no longer there lose their name. */
static void notice_rows(struct cf_at *at, unsigned what, unsigned server_what,
			const struct cf_notices *notices)
{
	uint64_t self = cf_ino(at->dir->kind, 0, at->id);

	for (const struct cf_file *file = at->dir->files; file->row; file++) {
		if (!(file->depends & what) && !(file->server_depends & server_what))
			continue;
		notices->inode(notices->arg, cf_ino(at->dir->kind, file->row, at->id));
		if ((file->states || file->present) && !cf_file_present(at, file))
			notices->entry(notices->arg, self, file->name);
	}
}

static void notice_certificate(struct cf_at *at, unsigned what, unsigned server_what,
			       const struct cf_notices *notices)
{
	notices->inode(notices->arg, cf_ino(CF_KIND_CERTIFICATE, 0, at->id));
	if ((what | server_what) & CF_WHAT_NAME)
		notices->inode(notices->arg, cf_ino(CF_KIND_EXPIRING, 1, at->id));
	notice_rows(at, what, server_what, notices);
}

/* Every certificate of a server, for what depends on the server. */
static void notice_certificates(struct cf_at *server, unsigned what,
				const struct cf_notices *notices)
{
	const unsigned concerns = CF_WHAT_NAME | CF_WHAT_PASSWORD | CF_WHAT_SERVICES |
				  CF_WHAT_ACCESS | CF_WHAT_SETTINGS;
	int64_t after = 0;

	if (!(what & concerns))
		return;
	for (;;) {
		cf_auto(cf_at_done) struct cf_at child = { 0 };

		cf_at_child(server, &cf_dir_certificate, &child);
		if (cf_dir_server.next(server, after, &child, NULL) <= 0)
			return;
		after = child.id;
		/* Those without an owner of their own have the server's. */
		notice_certificate(&child, what & CF_WHAT_ACCESS, what, notices);
	}
}

static void notice_settings(struct cf_at *at, const struct cf_dir *dir, unsigned what,
			    const struct cf_notices *notices)
{
	cf_auto(cf_at_done) struct cf_at settings = { 0 };

	cf_at_child(at, dir, &settings);
	settings.id = at->id;
	if (what & CF_WHAT_ACCESS)
		notices->inode(notices->arg, cf_ino(dir->kind, 0, at->id));
	notice_rows(&settings, what, 0, notices);
}

static void notice_server(struct cf_at *at, unsigned what, const struct cf_notices *notices)
{
	cf_auto(cf_at_done) struct cf_at services = { 0 };

	notices->inode(notices->arg, cf_ino(CF_KIND_SERVER, 0, at->id));
	notice_rows(at, what, what, notices);
	notice_settings(at, &cf_dir_server_settings, what, notices);
	notice_certificates(at, what, notices);
	cf_notice_deleted_of(at, what, notices);
	if (!(what & (CF_WHAT_SERVICES | CF_WHAT_ACCESS)))
		return;
	cf_at_child(at, &cf_dir_services, &services);
	services.id = at->id;
	notices->inode(notices->arg, cf_ino(CF_KIND_SERVICES, 0, at->id));
	notice_rows(&services, CF_WHAT_SERVICES, 0, notices);
}

/* The root's password counts for every certificate that has no nearer one. */
static void notice_root(struct cf_at *at, unsigned what, const struct cf_notices *notices)
{
	int64_t after = 0;

	notices->inode(notices->arg, CF_TREE_ROOT);
	notice_rows(at, what, what, notices);
	notice_settings(at, &cf_dir_root_settings, what, notices);
	while (what & CF_WHAT_PASSWORD) {
		cf_auto(cf_at_done) struct cf_at server = { 0 };

		cf_at_child(at, &cf_dir_server, &server);
		if (cf_dir_root.next(at, after, &server, NULL) <= 0)
			return;
		after = server.id;
		notice_rows(&server, 0, CF_WHAT_PASSWORD, notices);
		notice_certificates(&server, CF_WHAT_PASSWORD, notices);
	}
}

static enum cf_kind kind_of(enum cf_object object)
{
	switch (object) {
	case CF_OBJECT_SERVER:
		return CF_KIND_SERVER;
	case CF_OBJECT_CERTIFICATE:
		return CF_KIND_CERTIFICATE;
	case CF_OBJECT_TRUST:
		return CF_KIND_TRUST;
	default:
		return CF_KIND_ROOT;
	}
}

/* The directory in which an object has its name. */
static uint64_t parent_of(const struct cf_change *change)
{
	if (change->object == CF_OBJECT_CERTIFICATE)
		return cf_ino(CF_KIND_SERVER, 0, change->parent);
	if (change->object == CF_OBJECT_TRUST)
		return cf_ino(CF_KIND_TRUST, 0, 0);
	return CF_TREE_ROOT;
}

/* A link in _services names the certificate it leads to. */
static void notice_links(struct cf_at *at, const struct cf_notices *notices)
{
	for (unsigned row = 1; row <= CF_SERVICE_COUNT_; row++)
		notices->inode(notices->arg, cf_ino(CF_KIND_SERVICES, row, at->cert.server));
}

/* Files of a server that show its certificates. */
static void notice_above(int64_t server, unsigned what, const struct cf_notices *notices)
{
	for (const struct cf_file *file = cf_dir_server.files; file->row; file++)
		if (file->below_depends & what)
			notices->inode(notices->arg, cf_ino(CF_KIND_SERVER, file->row, server));
}

static void notice(struct cf_tree *tree, struct cf_ctx *ctx, const struct cf_change *change,
		   const struct cf_notices *notices)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	enum cf_kind kind = kind_of(change->object);
	unsigned row = change->object == CF_OBJECT_TRUST ? 1 : 0;

	if (change->object == CF_OBJECT_AUDIT || cf_notice_view(tree, change, notices))
		return; /* the audit log is never remembered */
	if (cf_notice_deleted(tree, ctx, change, notices))
		return;
	if (change->name)
		notices->entry(notices->arg, parent_of(change), change->name);
	notices->inode(notices->arg, cf_ino(kind, row, change->id));
	if (change->object != CF_OBJECT_ROOT && change->what & (CF_WHAT_NAME | CF_WHAT_LISTING))
		notices->inode(notices->arg, parent_of(change));
	if (change->object == CF_OBJECT_TRUST)
		notices->inode(notices->arg, cf_ino(CF_KIND_TRUST, 0, 0));
	if (change->object == CF_OBJECT_CERTIFICATE)
		notice_above(change->parent, change->what, notices);
	if (cf_at_load(tree, ctx, cf_ino(kind, row, change->id), &at, NULL) < 0)
		return;
	if (kind == CF_KIND_CERTIFICATE && change->what & CF_WHAT_NAME)
		notice_links(&at, notices);
	if (kind == CF_KIND_CERTIFICATE)
		notice_certificate(&at, change->what, 0, notices);
	else if (kind == CF_KIND_SERVER)
		notice_server(&at, change->what, notices);
	else if (kind == CF_KIND_ROOT)
		notice_root(&at, change->what, notices);
}

/* Where notices go on their way out. */
struct way_out {
	struct cf_tree *tree;
	const struct cf_notices *to;
};

static void pass_inode(void *arg, uint64_t ino)
{
	const struct way_out *way = arg;

	cf_kept_outdated(way->tree, ino);
	way->to->inode(way->to->arg, ino);
}

static void pass_entry(void *arg, uint64_t parent, const char *name)
{
	const struct way_out *way = arg;

	way->to->entry(way->to->arg, parent, name);
}

void cf_tree_notices(struct cf_tree *tree, const struct cf_changes *changes,
		     const struct cf_notices *notices)
{
	cf_auto(cf_ctx_done) struct cf_ctx ctx = { .core = tree->core };
	struct way_out way = { tree, notices };
	const struct cf_notices through = { pass_inode, pass_entry, &way };

	for (size_t i = 0; i < changes->n; i++)
		notice(tree, &ctx, &changes->items[i], &through);
}

/* -- time --------------------------------------------------------------------------------------- */

/* First verdicts after mounting, and again when the system store's file became another one. */
static int check_system(struct cf_tree *tree, struct cf_ctx *ctx, cf_time ticks, struct cf_err *err)
{
	cf_time last = atomic_load(&tree->checked_system);
	bool stale = false;
	int r;

	if (last && ticks - last < SYSTEM_STORE_EVERY)
		return 0;
	atomic_store(&tree->checked_system, ticks);
	r = cf_status_is_stale(ctx, &stale, err);
	return r < 0 || !stale ? r : cf_status_refresh_all(ctx, true, err);
}

cf_time cf_tree_pause(struct cf_tree *tree)
{
	cf_time ticks = cf_clock_ticks(tree->core->clock);
	cf_time pause = cf_staged_expire(tree, ticks) - ticks;

	return pause < SYSTEM_STORE_EVERY ? pause : SYSTEM_STORE_EVERY;
}

int cf_tree_tick(struct cf_tree *tree, struct cf_ctx *ctx, cf_time *ret_next, struct cf_err *err)
{
	cf_time ticks = cf_clock_ticks(ctx->core->clock), now = cf_clock_now(ctx->core->clock);
	cf_time dates[] = { CF_NEVER, CF_NEVER, CF_NEVER };
	int r = check_system(tree, ctx, ticks, err);

	cf_staged_expire(tree, ticks);
	if (r == 0)
		r = cf_status_refresh_due(ctx, &dates[0], err);
	if (r == 0)
		r = cf_purge_due(ctx, &dates[1], err);
	if (r == 0)
		r = cf_views_tick(tree, ctx, now, &dates[2], err);
	if (r < 0)
		return r;
	*ret_next = CF_NEVER;
	/* What is still due now could not be done (a damaged row): later, not at once again. */
	for (size_t i = 0; i < CF_COUNT(dates); i++)
		if (dates[i] > now && dates[i] < *ret_next)
			*ret_next = dates[i];
	return 0;
}
