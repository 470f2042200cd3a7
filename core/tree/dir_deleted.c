/*
 * _deleted/<server>/<certificate>/: what was deleted in the last 30 days, to be read and brought
 * back. Its directories keep owner and mode, so that who may write to a server may bring back
 * what was deleted from it; their files can only be read, and those with keys aren't there.
 */
#include <errno.h>
#include <string.h>

#include "core/procedures/delete.h"
#include "core/procedures/deleted.h"
#include "core/tree/certificate_private.h"

static const struct cf_file no_files[] = { { 0 } };

/* -- what isn't done here ------------------------------------------------------------------------- */

static int refuse_rmdir(struct cf_ctx *ctx, int64_t child, struct cf_err *err)
{
	(void)ctx;
	(void)child;
	return cf_fail(
		err, EPERM,
		"what lies in _deleted goes by itself 30 days after it was deleted; certfsctl "
		"STORE purge removes it at once");
}

static int refuse_unlink(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_err *err)
{
	(void)name;
	return refuse_rmdir(ctx, id, err);
}

static int refuse_rename(struct cf_ctx *ctx, int64_t child, const char *name, int64_t new_id,
			 const char *new_name, struct cf_err *err)
{
	(void)ctx;
	(void)child;
	(void)new_id;
	return cf_fail(err, EPERM,
		       "'%s' can't become '%s': what lies in _deleted stays as it is until it is "
		       "brought back",
		       name, new_name);
}

/* -- _deleted ------------------------------------------------------------------------------------- */

static int load(struct cf_at *at, struct cf_err *err)
{
	(void)at;
	(void)err;
	return 0;
}

static void attr(const struct cf_at *at, struct cf_attr *ret)
{
	cf_dir_root.attr(at, ret);
	ret->mtime = at->root.t_deleted ? at->root.t_deleted : cf_constant_time(at);
	ret->ctime = ret->mtime;
}

static uint64_t parent(const struct cf_at *at)
{
	(void)at;
	return CF_TREE_ROOT;
}

/* The child is the directory of a deleted server, or of what was deleted of one that is there. */
static void as_server(struct cf_at *child)
{
	child->dir = child->server.deleted ? &cf_dir_deleted_server : &cf_dir_deleted_part;
	child->id = child->server.id;
}

static int find(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_deleted_server(at->db, name, &child->server, err);

	if (r == 0)
		as_server(child);
	return r;
}

static int next(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_deleted_next_server(at->db, after, &child->server, err);

	if (r > 0)
		as_server(child);
	return r;
}

static const char *child_name(const struct cf_at *child)
{
	return child->server.deleted_name;
}

/* The name is the one it has: another would promise what _deleted may not be able to keep. */
static int check_name(const struct cf_move *move, struct cf_err *err)
{
	if (!strcmp(move->name, move->new_name))
		return 0;
	return cf_fail(err, EPERM, "'%s' keeps its name in _deleted: mv %s _deleted/", move->name,
		       move->name);
}

static int receive(struct cf_ctx *ctx, const struct cf_move *move, struct cf_err *err)
{
	int r = check_name(move, err);

	if (r < 0)
		return r;
	if (move->dir == &cf_dir_server)
		return cf_server_delete_all(ctx, move->id, err);
	if (move->dir == &cf_dir_certificate)
		return cf_certificate_delete(ctx, move->id, err);
	return cf_fail(err, EPERM, "'%s' can't be moved into _deleted", move->name);
}

static const struct cf_dir *const servers = &cf_dir_deleted_server;

const struct cf_dir cf_dir_deleted = {
	.kind = CF_KIND_DELETED,
	.what = "_deleted",
	.files = no_files,
	.load = load,
	.attr = attr,
	.parent = parent,
	.child = &servers,
	.find = find,
	.next = next,
	.name = child_name,
	.rmdir = refuse_rmdir,
	.unlink = refuse_unlink,
	.rename = refuse_rename,
	.receive = receive,
	.replaces = true,
	.deleted = true,
};

/* -- _deleted/EX01 -------------------------------------------------------------------------------- */

/*
 * These are two kinds, since rename(2) leaves the kernel with a name of the old inode in the new
 * place: what was _deleted/EX01 must be nothing any more once EX01 is back, even where another
 * certificate of EX01 is still deleted.
 */
static int load_server(struct cf_at *at, struct cf_err *err)
{
	int r = cf_load_deleted_server(at->db, at->id, &at->server, err);

	if (r == 0 && !at->server.deleted != (at->dir == &cf_dir_deleted_part))
		r = cf_fail(err, ESTALE, "it doesn't lie in _deleted any more");
	return r;
}

static void server_attr(const struct cf_at *at, struct cf_attr *ret)
{
	cf_dir_server.attr(at, ret);
	ret->mtime = ret->ctime = at->server.t_deleted;
	if (at->server.ctime > ret->ctime)
		ret->ctime = at->server.ctime;
}

static uint64_t server_parent(const struct cf_at *at)
{
	(void)at;
	return cf_ino(CF_KIND_DELETED, 0, 0);
}

static int find_certificate(struct cf_at *at, const char *name, struct cf_at *child,
			    struct cf_err *err)
{
	int r = cf_store_deleted_certificate(at->db, at->id, name, &child->cert, err);

	child->id = child->cert.id;
	return r;
}

static int next_certificate(struct cf_at *at, int64_t after, struct cf_at *child,
			    struct cf_err *err)
{
	int r = cf_store_deleted_next(at->db, at->id, after, &child->cert, err);

	child->id = child->cert.id;
	return r;
}

static const char *certificate_name(const struct cf_at *child)
{
	return child->cert.deleted_name;
}

/* mv EX01/mail _deleted/EX01/ is as good as mv EX01/mail _deleted/. */
static int receive_certificate(struct cf_ctx *ctx, const struct cf_move *move, struct cf_err *err)
{
	int r = check_name(move, err);

	if (r == 0 && move->dir != &cf_dir_certificate)
		r = cf_fail(err, EPERM, "'%s' can't be moved there: mv %s _deleted/", move->name,
			    move->name);
	if (r == 0 && move->from != move->to)
		r = cf_fail(err, EPERM, "'%s' is of another server: mv %s _deleted/", move->name,
			    move->name);
	return r < 0 ? r : cf_certificate_delete(ctx, move->id, err);
}

static const struct cf_dir *const certificates = &cf_dir_deleted_certificate;

const struct cf_dir cf_dir_deleted_server = {
	.kind = CF_KIND_DELETED_SERVER,
	.what = "a server in _deleted",
	.files = no_files,
	.load = load_server,
	.attr = server_attr,
	.parent = server_parent,
	.child = &certificates,
	.find = find_certificate,
	.next = next_certificate,
	.name = certificate_name,
	.rmdir = refuse_rmdir,
	.unlink = refuse_unlink,
	.rename = refuse_rename,
	.deleted = true,
};

const struct cf_dir cf_dir_deleted_part = {
	.kind = CF_KIND_DELETED_PART,
	.what = "a server in _deleted",
	.files = no_files,
	.load = load_server,
	.attr = server_attr,
	.parent = server_parent,
	.child = &certificates,
	.find = find_certificate,
	.next = next_certificate,
	.name = certificate_name,
	.rmdir = refuse_rmdir,
	.unlink = refuse_unlink,
	.rename = refuse_rename,
	.receive = receive_certificate,
	.replaces = true,
	.deleted = true,
};

/* -- _deleted/EX01/mail --------------------------------------------------------------------------- */

static int load_certificate(struct cf_at *at, struct cf_err *err)
{
	return cf_load_deleted(at->db, at->id, &at->cert, &at->server, err);
}

static void certificate_attr(const struct cf_at *at, struct cf_attr *ret)
{
	cf_dir_certificate.attr(at, ret);
	ret->mtime = ret->ctime = at->cert.deleted;
}

static uint64_t certificate_parent(const struct cf_at *at)
{
	return cf_ino(at->server.deleted ? CF_KIND_DELETED_SERVER : CF_KIND_DELETED_PART, 0,
		      at->cert.server);
}

const struct cf_dir cf_dir_deleted_certificate = {
	.kind = CF_KIND_DELETED_CERTIFICATE,
	.what = "a certificate in _deleted",
	.files = cf_certificate_files,
	.load = load_certificate,
	.attr = certificate_attr,
	.parent = certificate_parent,
	.unlink = refuse_unlink,
	.deleted = true,
};

/* -- what the kernel must forget ------------------------------------------------------------------ */

bool cf_is_deleted(uint64_t ino)
{
	for (const struct cf_dir *const *dir = cf_dirs; *dir; dir++)
		if ((*dir)->deleted && ino >> 58 == (uint64_t)(*dir)->kind)
			return true;
	return false;
}

/* A directory and its files. */
static void forget(enum cf_kind kind, const struct cf_file *file, int64_t id,
		   const struct cf_notices *notices)
{
	notices->inode(notices->arg, cf_ino(kind, 0, id));
	for (; file->row; file++)
		notices->inode(notices->arg, cf_ino(kind, file->row, id));
}

/* A name in _deleted; in the server's directory there, whichever that is. */
static void forget_server(const char *name, const struct cf_notices *notices)
{
	if (name[0])
		notices->entry(notices->arg, cf_ino(CF_KIND_DELETED, 0, 0), name);
}

static void forget_certificate(int64_t server, const char *name, const struct cf_notices *notices)
{
	notices->entry(notices->arg, cf_ino(CF_KIND_DELETED_SERVER, 0, server), name);
	notices->entry(notices->arg, cf_ino(CF_KIND_DELETED_PART, 0, server), name);
}

/*
 * rename(2) leaves the kernel with a name of the old inode in the new place, which it is to look up
 * again. Until it has done so, the old inode answers ESTALE, and the kernel looks by itself.
 */
static void notice_certificate(struct cf_tree *tree, struct cf_ctx *ctx,
			       const struct cf_change *change, const struct cf_notices *notices)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 }, deleted = { 0 };

	forget(CF_KIND_CERTIFICATE, cf_certificate_files, change->id, notices);
	forget(CF_KIND_DELETED_CERTIFICATE, cf_certificate_files, change->id, notices);
	if (cf_at_load(tree, ctx, cf_ino(CF_KIND_CERTIFICATE, 0, change->id), &at, NULL) == 0)
		notices->entry(notices->arg, at.dir->parent(&at), at.cert.name);
	else if (cf_at_load(tree, ctx, cf_ino(CF_KIND_DELETED_CERTIFICATE, 0, change->id), &deleted,
			    NULL) == 0) {
		forget_server(deleted.cert.name, notices);
		forget_certificate(change->parent, deleted.cert.name, notices);
	}
}

static void notice_server(struct cf_tree *tree, struct cf_ctx *ctx, const struct cf_change *change,
			  const struct cf_notices *notices)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 }, deleted = { 0 };

	notices->inode(notices->arg, cf_ino(CF_KIND_DELETED_SERVER, 0, change->id));
	notices->inode(notices->arg, cf_ino(CF_KIND_DELETED_PART, 0, change->id));
	if (!(change->what & CF_WHAT_STATE)) /* it is where it was */
		return;
	forget(CF_KIND_SERVER, cf_dir_server.files, change->id, notices);
	forget(CF_KIND_SERVICES, cf_dir_services.files, change->id, notices);
	forget(CF_KIND_SERVER_SETTINGS, cf_dir_server_settings.files, change->id, notices);
	if (cf_at_load(tree, ctx, cf_ino(CF_KIND_SERVER, 0, change->id), &at, NULL) == 0) {
		notices->entry(notices->arg, CF_TREE_ROOT, at.server.name);
		forget_server(at.server.deleted_name, notices);
	} else if (cf_at_load(tree, ctx, cf_ino(CF_KIND_DELETED_SERVER, 0, change->id), &deleted,
			      NULL) == 0) {
		forget_server(deleted.server.name, notices);
		forget_server(deleted.server.deleted_name, notices);
	}
}

void cf_notice_deleted_of(struct cf_at *server, unsigned what, const struct cf_notices *notices)
{
	if (!(what & (CF_WHAT_NAME | CF_WHAT_SETTINGS | CF_WHAT_ACCESS)))
		return;
	notices->inode(notices->arg, cf_ino(CF_KIND_DELETED_PART, 0, server->id));
	for (int64_t after = 0;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		if (cf_store_deleted_next(server->db, server->id, after, &row, NULL) <= 0)
			return;
		after = row.id;
		forget(CF_KIND_DELETED_CERTIFICATE, cf_certificate_files, row.id, notices);
	}
}

bool cf_notice_deleted(struct cf_tree *tree, struct cf_ctx *ctx, const struct cf_change *change,
		       const struct cf_notices *notices)
{
	if (change->object == CF_OBJECT_DELETED_SERVER)
		forget_server(change->name, notices);
	else if (change->object == CF_OBJECT_DELETED_CERTIFICATE)
		forget_certificate(change->parent, change->name, notices);
	else if (!(change->what & CF_WHAT_DELETED))
		return false;
	else if (change->object == CF_OBJECT_CERTIFICATE)
		notice_certificate(tree, ctx, change, notices);
	else if (change->object == CF_OBJECT_SERVER)
		notice_server(tree, ctx, change, notices);
	else
		notices->inode(notices->arg, cf_ino(CF_KIND_DELETED, 0, 0));
	return change->object == CF_OBJECT_DELETED_SERVER ||
	       change->object == CF_OBJECT_DELETED_CERTIFICATE;
}
