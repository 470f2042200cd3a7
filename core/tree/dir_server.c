/* A server: its certificates, and what its services use. */
#include <errno.h>

#include "core/base/name.h"
#include "core/procedures/apply.h"
#include "core/procedures/create.h"
#include "core/procedures/delete.h"
#include "core/procedures/deliver.h"
#include "core/procedures/export.h"
#include "core/procedures/undelete.h"
#include "core/tree/node_private.h"

static int load(struct cf_at *at, struct cf_err *err)
{
	return cf_load_server(at->db, at->id, &at->server, err);
}

static void attr(const struct cf_at *at, struct cf_attr *ret)
{
	const struct cf_server *server = &at->server;
	const struct cf_owns owns = cf_server_owns(at->tree->core, server);

	ret->uid = owns.uid;
	ret->gid = owns.gid;
	ret->mode = owns.mode;
	ret->mtime = server->mtime;
	ret->ctime = server->ctime;
}

static uint64_t parent(const struct cf_at *at)
{
	(void)at;
	return CF_TREE_ROOT;
}

static int find(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_certificate_find(at->db, at->id, name, &child->cert, err);

	child->id = child->cert.id;
	return r;
}

static int next(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_certificate_next(at->db, at->id, after, &child->cert, err);

	child->id = child->cert.id;
	return r;
}

static const char *child_name(const struct cf_at *child)
{
	return child->cert.name;
}

static int rename_certificate(struct cf_ctx *ctx, int64_t child, const char *name, int64_t new_id,
			      const char *new_name, struct cf_err *err)
{
	(void)name;
	return cf_certificate_rename(ctx, child, new_id, new_name, err);
}

/* A certificate comes back from _deleted. */
static int receive(struct cf_ctx *ctx, const struct cf_move *move, struct cf_err *err)
{
	if (move->dir != &cf_dir_deleted_certificate)
		return cf_fail(err, EPERM, "'%s' is a server and can't be moved into one",
			       move->name);
	return cf_certificate_undelete(ctx, move->id, move->to, move->new_name, err);
}

static int deliver(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_span bytes,
		   mode_t mode, cf_time mtime, struct cf_err *err)
{
	struct cf_drop drop = { .server = id, .name = name, .bytes = bytes };

	(void)mode;
	(void)mtime;
	return cf_deliver(ctx, &drop, err);
}

static int set_access(struct cf_ctx *ctx, int64_t id, const struct cf_setattr *set,
		      struct cf_err *err)
{
	struct cf_access access = cf_access_of(set);

	return cf_server_access(ctx, id, &access, err);
}

static int set_export_password(struct cf_ctx *ctx, int64_t id, const struct cf_file *file,
			       const char *text, struct cf_err *err)
{
	struct cf_password_of of = { .object = CF_OBJECT_SERVER, .id = id };

	(void)file;
	return cf_export_password_set(ctx, &of, text, err);
}

static cf_time export_password_time(const struct cf_at *at)
{
	cf_time time = at->server.t_export_password;

	return time ? time : at->server.created;
}

static int set_import_password(struct cf_ctx *ctx, int64_t id, const struct cf_file *file,
			       const char *text, struct cf_err *err)
{
	struct cf_password_of of = { .object = CF_OBJECT_SERVER, .id = id };

	(void)file;
	return cf_import_password_set(ctx, &of, text, err);
}

static cf_time import_password_time(const struct cf_at *at)
{
	cf_time time = at->server.t_import_password;

	return time ? time : at->server.created;
}

static int render_apply(struct cf_at *at, struct cf_page *ret, struct cf_err *err)
{
	return cf_apply_write(at->db, &at->root, &at->server, at->now, ret, err);
}

static const struct cf_file files[] = {
	{
		.row = 1,
		.name = "_services",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_SERVICES,
	},
	{
		.row = 2,
		.name = "_export.password",
		.mode = 0600,
		.depends = CF_WHAT_PASSWORD | CF_WHAT_ACCESS,
		.limit = CF_PASSWORD_FILE_MAX,
		.set = set_export_password,
		.time = export_password_time,
		.write_only = true,
	},
	{
		.row = 3,
		.name = "_import.password",
		.mode = 0600,
		.depends = CF_WHAT_IMPORT | CF_WHAT_ACCESS,
		.limit = CF_PASSWORD_FILE_MAX,
		.set = set_import_password,
		.time = import_password_time,
		.write_only = true,
	},
	{
		.row = 4,
		.name = "_settings",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_SERVER_SETTINGS,
	},
	{
		.row = 5,
		.name = "_apply.ps1",
		.mode = 0444,
		.server_depends = CF_WHAT_NAME | CF_WHAT_LISTING | CF_WHAT_SERVICES |
				  CF_WHAT_PASSWORD | CF_WHAT_SETTINGS | CF_WHAT_ACCESS,
		.below_depends = CF_WHAT_NAME | CF_WHAT_STATE | CF_WHAT_FRIENDLY |
				 CF_WHAT_SERVICES | CF_WHAT_PASSWORD | CF_WHAT_VERDICT,
		.render = render_apply,
	},
	{ 0 },
};

static const struct cf_dir *const certificates = &cf_dir_certificate;

const struct cf_dir cf_dir_server = {
	.kind = CF_KIND_SERVER,
	.what = "a server",
	.files = files,
	.load = load,
	.attr = attr,
	.parent = parent,
	.child = &certificates,
	.find = find,
	.next = next,
	.name = child_name,
	.mkdir = cf_draft_create,
	.rmdir = cf_certificate_delete,
	.rename = rename_certificate,
	.receive = receive,
	.deliver = deliver,
	.takes = cf_name_is_drop,
	.access = set_access,
};
