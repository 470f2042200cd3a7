/* The root: servers, and what belongs to all of them. */
#include <errno.h>
#include <string.h>

#include "core/base/name.h"
#include "core/procedures/create.h"
#include "core/procedures/delete.h"
#include "core/procedures/deliver.h"
#include "core/procedures/export.h"
#include "core/procedures/overview.h"
#include "core/procedures/undelete.h"
#include "core/store/event.h"
#include "core/tree/views_private.h"

static const char readme[] =
	"certfs: certificates of Exchange servers as files\n"
	"\n"
	"  mkdir EX01                                a server\n"
	"  mkdir EX01/mail                           a draft of a certificate\n"
	"  echo 'C=US, O=Contoso, CN=mail.contoso.com' > EX01/mail/request.csr\n"
	"                                            make key and request\n"
	"  cat EX01/mail/request.csr                 send this to the CA\n"
	"  cp ca.pem _trust/                         trust the CA\n"
	"  cp answer.cer EX01/mail/                  complete the request\n"
	"  cat EX01/mail/status                      Valid?\n"
	"  echo SMTP >> EX01/mail/services           assign it to services\n"
	"  echo 'password' > EX01/mail/export.password\n"
	"  cp EX01/mail/export.pfx backup/           certificate, chain and key\n"
	"  rmdir EX01/mail                           delete it\n"
	"  mv _deleted/EX01/mail EX01/               bring it back, within 30 days\n"
	"\n"
	"EX01/mail/why says what can't be done now, and what to do about it; _errors has the\n"
	"last refusals, _audit.log every change and every reading of a key.\n"
	"Where a program says no more than \"Bad message\", \"Invalid argument\", \"Operation not\n"
	"permitted\" or \"Required key not available\", the last line of _errors has the reason.\n"
	"certfs(5) describes every file.\n";

static const char volume_info[] = "[Volume Info]\n"
				  "Name=certfs\n"
				  "IconFile=\n"
				  "Icon=application-certificate\n";

static int load(struct cf_at *at, struct cf_err *err)
{
	(void)at;
	(void)err;
	return 0;
}

static void attr(const struct cf_at *at, struct cf_attr *ret)
{
	ret->uid = at->tree->options.uid;
	ret->gid = at->tree->options.gid;
	ret->mode = 0755;
	ret->mtime = at->root.mtime;
	ret->ctime = at->root.ctime;
}

static uint64_t parent(const struct cf_at *at)
{
	(void)at;
	return CF_TREE_ROOT;
}

static int find(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_server_find(at->db, name, &child->server, err);

	child->id = child->server.id;
	return r;
}

static int next(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_server_next(at->db, after, &child->server, err);

	child->id = child->server.id;
	return r;
}

static const char *child_name(const struct cf_at *child)
{
	return child->server.name;
}

static int make(struct cf_ctx *ctx, int64_t id, const char *name, int64_t *ret_id,
		struct cf_err *err)
{
	(void)id;
	return cf_server_create(ctx, name, ret_id, err);
}

static int rename_server(struct cf_ctx *ctx, int64_t child, const char *name, int64_t new_id,
			 const char *new_name, struct cf_err *err)
{
	(void)name;
	(void)new_id;
	return cf_server_rename(ctx, child, new_name, err);
}

/* A server comes back from _deleted. */
static int receive(struct cf_ctx *ctx, const struct cf_move *move, struct cf_err *err)
{
	if (move->dir != &cf_dir_deleted_server && move->dir != &cf_dir_deleted_part)
		return cf_fail(err, EPERM, "'%s' can only be moved into a server", move->name);
	return cf_server_undelete(ctx, move->id, move->new_name, err);
}

static int deliver(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_span bytes,
		   mode_t mode, cf_time mtime, struct cf_err *err)
{
	struct cf_drop drop = { .name = name, .bytes = bytes };

	(void)id;
	(void)mode;
	(void)mtime;
	return cf_deliver(ctx, &drop, err);
}

static int read_readme(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	(void)at;
	return cf_buf_puts(out, readme, err);
}

static int read_volume_info(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	(void)at;
	return cf_buf_puts(out, volume_info, err);
}

cf_time cf_constant_time(const struct cf_at *at)
{
	(void)at;
	return cf_time_from_seconds(1767225600); /* 2026-01-01 */
}

static int read_audit(struct cf_at *at, uint64_t offset, size_t n, struct cf_buf *out,
		      struct cf_err *err)
{
	return cf_store_event_read(at->db, (int64_t)offset, n, out, err);
}

static uint64_t audit_size(const struct cf_at *at)
{
	int64_t size = 0;
	cf_time time;

	cf_store_event_size(at->db, &size, &time, NULL);
	return (uint64_t)size;
}

static cf_time audit_time(const struct cf_at *at)
{
	int64_t size;
	cf_time time = 0;

	cf_store_event_size(at->db, &size, &time, NULL);
	return time ? time : at->root.mtime;
}

static int read_errors(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_refusals_all(at->tree, out, err);
}

static cf_time errors_time(const struct cf_at *at)
{
	cf_time time = cf_refusals_time(at->tree, 0);

	return time ? time : at->root.mtime;
}

static int set_export_password(struct cf_ctx *ctx, int64_t id, const struct cf_file *file,
			       const char *text, struct cf_err *err)
{
	struct cf_password_of of = { .object = CF_OBJECT_ROOT };

	(void)id;
	(void)file;
	return cf_export_password_set(ctx, &of, text, err);
}

static cf_time export_password_time(const struct cf_at *at)
{
	cf_time time = at->root.t_export_password;

	return time ? time : cf_constant_time(at);
}

static int set_import_password(struct cf_ctx *ctx, int64_t id, const struct cf_file *file,
			       const char *text, struct cf_err *err)
{
	struct cf_password_of of = { .object = CF_OBJECT_ROOT };

	(void)id;
	(void)file;
	return cf_import_password_set(ctx, &of, text, err);
}

static cf_time import_password_time(const struct cf_at *at)
{
	cf_time time = at->root.t_import_password;

	return time ? time : cf_constant_time(at);
}

static int render_overview(struct cf_at *at, struct cf_page *ret, struct cf_err *err)
{
	return cf_overview_write(at->db, &at->root, at->now, ret, err);
}

static const struct cf_file files[] = {
	{
		.row = 1,
		.name = "README.txt",
		.mode = 0444,
		.read = read_readme,
		.time = cf_constant_time,
	},
	{
		.row = 2,
		.name = ".xdg-volume-info",
		.mode = 0444,
		.read = read_volume_info,
		.time = cf_constant_time,
	},
	{
		.row = 3,
		.name = "_trust",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_TRUST,
	},
	{
		.row = 4,
		.name = "_audit.log",
		.mode = 0400,
		.read_part = read_audit,
		.size = audit_size,
		.time = audit_time,
		.volatile_ = true,
	},
	{
		.row = 5,
		.name = "_errors",
		.mode = 0400,
		.read = read_errors,
		.time = errors_time,
		.volatile_ = true,
	},
	{
		.row = 6,
		.name = "_export.password",
		.mode = 0600,
		.server_depends = CF_WHAT_PASSWORD,
		.limit = CF_PASSWORD_FILE_MAX,
		.set = set_export_password,
		.time = export_password_time,
		.write_only = true,
	},
	{
		.row = 7,
		.name = "_import.password",
		.mode = 0600,
		.depends = CF_WHAT_IMPORT,
		.limit = CF_PASSWORD_FILE_MAX,
		.set = set_import_password,
		.time = import_password_time,
		.write_only = true,
	},
	{
		.row = 8,
		.name = "_settings",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_ROOT_SETTINGS,
	},
	{
		.row = 20,
		.name = "_deleted",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_DELETED,
	},
	{
		.row = 30,
		.name = "_expiring",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_EXPIRING,
	},
	{
		.row = 31,
		.name = "_by-thumbprint",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_BY_THUMBPRINT,
	},
	{
		.row = 32,
		.name = "_by-domain",
		.type = CF_FILE_DIRECTORY,
		.kind = CF_KIND_BY_DOMAIN,
	},
	{
		.row = CF_ROOT_ROW_NOTIFICATIONS,
		.name = "_notifications",
		.mode = 0444,
		.read = cf_read_notifications,
		.time = cf_notifications_time,
		.view = true,
	},
	{
		.row = CF_ROOT_ROW_OVERVIEW,
		.name = "_overview.html",
		.mode = 0444,
		.depends = CF_WHAT_LISTING | CF_WHAT_SETTINGS,
		.render = render_overview,
		.view = true,
	},
	{ 0 },
};

static const struct cf_dir *const servers = &cf_dir_server;

const struct cf_dir cf_dir_root = {
	.kind = CF_KIND_ROOT,
	.what = "the root",
	.files = files,
	.load = load,
	.attr = attr,
	.parent = parent,
	.child = &servers,
	.find = find,
	.next = next,
	.name = child_name,
	.mkdir = make,
	.rmdir = cf_server_delete,
	.rename = rename_server,
	.receive = receive,
	.deliver = deliver,
	.takes = cf_name_is_drop,
};
