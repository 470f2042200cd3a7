/* A certificate: draft, pending request or certificate, with everything that is known of it. */
#include <errno.h>

#include "core/base/name.h"
#include "core/procedures/assign.h"
#include "core/procedures/create.h"
#include "core/procedures/deliver.h"
#include "core/procedures/export.h"
#include "core/procedures/property.h"
#include "core/procedures/renew.h"
#include "core/procedures/self_sign.h"
#include "core/tree/certificate_private.h"

static int load(struct cf_at *at, struct cf_err *err)
{
	return cf_load_certificate(at->db, at->id, &at->cert, &at->server, err);
}

static void attr(const struct cf_at *at, struct cf_attr *ret)
{
	const struct cf_certificate *cert = &at->cert;
	const struct cf_owns owns = cf_certificate_owns(at->tree->core, &at->server, cert);

	ret->uid = owns.uid;
	ret->gid = owns.gid;
	ret->mode = owns.mode;
	ret->mtime = cert->mtime;
	ret->ctime = cert->ctime;
	/* export.pfx comes and goes with the passwords of server and root, too. */
	if (cert->state == CF_STATE_COMPLETE && cf_time_pfx(at) > ret->mtime)
		ret->mtime = cf_time_pfx(at);
	if (at->server.t_access > ret->ctime)
		ret->ctime = at->server.t_access;
	if (ret->mtime > ret->ctime)
		ret->ctime = ret->mtime;
}

static uint64_t parent(const struct cf_at *at)
{
	return cf_ino(CF_KIND_SERVER, 0, at->cert.server);
}

static int deliver(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_span bytes,
		   mode_t mode, cf_time mtime, struct cf_err *err)
{
	struct cf_drop drop = { .certificate = id, .name = name, .bytes = bytes };

	(void)mode;
	(void)mtime;
	return cf_deliver(ctx, &drop, err);
}

static int set_access(struct cf_ctx *ctx, int64_t id, const struct cf_setattr *set,
		      struct cf_err *err)
{
	struct cf_access access = cf_access_of(set);

	return cf_certificate_access(ctx, id, &access, err);
}

/* Unlinking a file of a draft resets it, so that a file manager can delete a draft. */
static int reset(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_certificate_done) struct cf_certificate cert = { 0 };
	struct cf_password_of of = { .object = CF_OBJECT_CERTIFICATE, .id = id };
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_load_certificate(db, id, &cert, NULL, err);
	cf_db_done(cf_take(&db));
	if (r < 0)
		return r;
	if (cert.state != CF_STATE_DRAFT)
		return cf_fail(err, EPERM,
			       "'%s' is part of a %s and can't be removed alone; rmdir deletes the "
			       "whole",
			       name, cert.state == CF_STATE_PENDING ? "request" : "certificate");
	if (cf_property_known(name))
		return cf_property_reset(ctx, id, name, err);
	if (cf_file_find(&cf_dir_certificate, name)->write_only)
		return cf_export_password_set(ctx, &of, "", err);
	return 0;
}

/* -- writing ---------------------------------------------------------------------------------------- */

static int set_property(struct cf_ctx *ctx, int64_t id, const struct cf_file *file,
			const char *text, struct cf_err *err)
{
	return cf_property_write(ctx, id, file->name, text, err);
}

static int set_export_password(struct cf_ctx *ctx, int64_t id, const struct cf_file *file,
			       const char *text, struct cf_err *err)
{
	struct cf_password_of of = { .object = CF_OBJECT_CERTIFICATE, .id = id };

	(void)file;
	return cf_export_password_set(ctx, &of, text, err);
}

static bool never(const struct cf_at *at)
{
	(void)at;
	return false;
}

/* Every row changes with the state, and with its directory's owner and mode. */
#define ALWAYS (CF_WHAT_STATE | CF_WHAT_ACCESS)
#define ANYTHING                                                                                   \
	(ALWAYS | CF_WHAT_CONFIG | CF_WHAT_FRIENDLY | CF_WHAT_CHAIN | CF_WHAT_VERDICT |            \
	 CF_WHAT_SERVICES | CF_WHAT_PASSWORD | CF_WHAT_NAME)

/* What a certificate says, one value a file. */
#define VALUE(number, word, fn)                                                                    \
	{                                                                                          \
		.row = (number), .name = (word), .states = CF_IN_COMPLETE, .mode = 0444,           \
		.depends = ALWAYS, .read = (fn), .time = cf_time_complete,                         \
	}

/* The key as it is, in a mount that was asked for it. */
#define KEY(number, word, what, when)                                                              \
	{                                                                                          \
		.row = (number), .name = (word), .states = CF_IN_COMPLETE, .present = cf_has_keys, \
		.mode = 0400, .depends = ALWAYS | CF_WHAT_CHAIN | CF_WHAT_VERDICT,                 \
		.read = cf_read_##what, .size = cf_size_##what, .time = (when), .secret = true,    \
	}

const struct cf_file cf_certificate_files[] = {
	{
		.row = 1,
		.name = "status",
		.mode = 0444,
		.depends = ALWAYS | CF_WHAT_VERDICT,
		.read = cf_read_status,
		.time = cf_time_status,
	},
	{
		.row = 2,
		.name = "info",
		.mode = 0444,
		.depends = ANYTHING,
		.server_depends = CF_WHAT_NAME | CF_WHAT_ACCESS | CF_WHAT_SETTINGS,
		.read = cf_read_info,
		.time = cf_time_info,
	},
	{
		.row = 3,
		.name = "info.json",
		.mode = 0444,
		.depends = ANYTHING,
		.server_depends = CF_WHAT_NAME | CF_WHAT_ACCESS | CF_WHAT_SETTINGS,
		.read = cf_read_json,
		.time = cf_time_info,
	},
	{
		.row = 4,
		.name = "why",
		.mode = 0444,
		.depends = ANYTHING | CF_WHAT_REFUSED,
		.server_depends =
			CF_WHAT_NAME | CF_WHAT_SERVICES | CF_WHAT_PASSWORD | CF_WHAT_SETTINGS,
		.read = cf_read_why,
		.time = cf_time_why,
	},
	{
		.row = 5,
		.name = "subject",
		.mode = 0444,
		.draft_mode = 0644,
		.depends = ALWAYS | CF_WHAT_CONFIG,
		.limit = CF_PROPERTY_MAX,
		.read = cf_read_subject,
		.time = cf_time_subject,
		.set = set_property,
	},
	{
		.row = 6,
		.name = "domains",
		.mode = 0444,
		.draft_mode = 0644,
		.depends = ALWAYS | CF_WHAT_CONFIG,
		.limit = CF_PROPERTY_MAX,
		.read = cf_read_domains,
		.time = cf_time_domains,
		.set = set_property,
		.add_to = true,
	},
	{
		.row = 7,
		.name = "key-type",
		.mode = 0444,
		.draft_mode = 0644,
		.depends = ALWAYS | CF_WHAT_CONFIG,
		.limit = CF_PROPERTY_MAX,
		.read = cf_read_key_type,
		.time = cf_time_key_type,
		.set = set_property,
	},
	{
		.row = 8,
		.name = "exportable",
		.mode = 0444,
		.draft_mode = 0644,
		.depends = ALWAYS | CF_WHAT_CONFIG,
		.limit = CF_PROPERTY_MAX,
		.read = cf_read_exportable,
		.time = cf_time_exportable,
		.set = set_property,
	},
	{
		.row = 9,
		.name = "friendly-name",
		.mode = 0644,
		.depends = ALWAYS | CF_WHAT_FRIENDLY,
		.limit = CF_PROPERTY_MAX,
		.read = cf_read_friendly_name,
		.time = cf_time_friendly,
		.set = set_property,
	},
	{
		.row = 10,
		.name = "request.csr",
		.states = CF_IN_PENDING | CF_IN_COMPLETE,
		.present = cf_has_request,
		.mode = 0444,
		.draft_mode = 0644,
		.creatable = CF_IN_DRAFT,
		.depends = ALWAYS,
		.limit = CF_PROPERTY_MAX,
		.read = cf_read_request,
		.size = cf_size_request,
		.time = cf_time_request,
		.compose = cf_request_make,
	},
	{
		.row = 11,
		.name = "request.der",
		.states = CF_IN_PENDING | CF_IN_COMPLETE,
		.present = cf_has_request,
		.mode = 0444,
		.depends = ALWAYS,
		.read = cf_read_request_der,
		.size = cf_size_request_der,
		.time = cf_time_request,
	},
	{
		.row = 12,
		.name = "tlsa",
		.states = CF_IN_PENDING | CF_IN_COMPLETE,
		.mode = 0444,
		.depends = ALWAYS,
		.read = cf_read_tlsa,
		.time = cf_time_request,
	},
	{
		.row = 13,
		.name = "certificate.cer",
		.states = CF_IN_COMPLETE,
		.mode = 0644,
		.creatable = CF_IN_PENDING,
		.depends = ALWAYS,
		.limit = CF_DROP_MAX,
		.read = cf_read_leaf,
		.size = cf_size_leaf,
		.time = cf_time_complete,
		.deliver = true,
	},
	{
		.row = 14,
		.name = "certificate.pem",
		.states = CF_IN_COMPLETE,
		.mode = 0444,
		.depends = ALWAYS,
		.read = cf_read_leaf_pem,
		.size = cf_size_leaf_pem,
		.time = cf_time_complete,
	},
	{
		.row = 15,
		.name = "chain.pem",
		.states = CF_IN_COMPLETE,
		.present = cf_has_issuers,
		.mode = 0444,
		.depends = ALWAYS | CF_WHAT_CHAIN,
		.read = cf_read_chain,
		.size = cf_size_chain,
		.time = cf_time_chain,
	},
	{
		.row = 16,
		.name = "fullchain.pem",
		.states = CF_IN_COMPLETE,
		.mode = 0444,
		.depends = ALWAYS | CF_WHAT_CHAIN,
		.read = cf_read_fullchain,
		.size = cf_size_fullchain,
		.time = cf_time_chain,
	},
	{
		.row = 17,
		.name = "chain.p7b",
		.states = CF_IN_COMPLETE,
		.mode = 0444,
		.depends = ALWAYS | CF_WHAT_CHAIN,
		.read = cf_read_p7b,
		.size = cf_size_p7b,
		.time = cf_time_chain,
	},
	{
		.row = 18,
		.name = "export.pfx",
		.states = CF_IN_COMPLETE,
		.present = cf_is_exportable,
		.mode = 0400,
		.depends = ALWAYS | CF_WHAT_NAME | CF_WHAT_CHAIN | CF_WHAT_FRIENDLY |
			   CF_WHAT_PASSWORD | CF_WHAT_VERDICT | CF_WHAT_SETTINGS,
		.server_depends = CF_WHAT_PASSWORD,
		.read = cf_read_pfx,
		.size = cf_size_pfx,
		.time = cf_time_pfx,
		.secret = true,
	},
	{
		.row = 19,
		.name = "services",
		.states = CF_IN_COMPLETE,
		.mode = 0644,
		.depends = ALWAYS | CF_WHAT_SERVICES,
		.limit = CF_PROPERTY_MAX,
		.read = cf_read_services,
		.time = cf_time_services,
		.append = cf_assign,
		.immutable = true,
	},
	{
		.row = 20,
		.name = "export.password",
		.mode = 0600,
		.depends = ALWAYS | CF_WHAT_PASSWORD,
		.limit = CF_PASSWORD_FILE_MAX,
		.time = cf_time_password,
		.set = set_export_password,
		.write_only = true,
	},
	VALUE(21, "thumbprint", cf_read_thumbprint),
	VALUE(22, "issuer", cf_read_issuer),
	VALUE(23, "serial", cf_read_serial),
	VALUE(24, "not-before", cf_read_not_before),
	VALUE(25, "not-after", cf_read_not_after),
	{
		.row = 26,
		.name = "self-signed",
		.states = CF_IN_DRAFT,
		.present = never,
		.mode = 0644,
		.creatable = CF_IN_DRAFT,
		.depends = ALWAYS,
		.limit = CF_PROPERTY_MAX,
		.time = cf_time_request,
		.compose = cf_self_signed_make,
		.write_only = true,
		.fleeting = true,
	},
	{
		.row = 27,
		.name = "renew",
		.states = CF_IN_COMPLETE,
		.mode = 0600,
		.depends = ALWAYS,
		.limit = CF_PROPERTY_MAX,
		.time = cf_time_complete,
		.compose = cf_renew,
		.write_only = true,
		.one_line = true,
	},
	KEY(28, "private.pem", private, cf_time_complete),
	KEY(29, "combined.pem", combined, cf_time_chain),
	{ 0 },
};

const struct cf_dir cf_dir_certificate = {
	.kind = CF_KIND_CERTIFICATE,
	.what = "a certificate",
	.files = cf_certificate_files,
	.load = load,
	.attr = attr,
	.parent = parent,
	.unlink = reset,
	.deliver = deliver,
	.takes = cf_name_is_drop,
	.access = set_access,
};
