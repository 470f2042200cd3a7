/* certfsctl deleted, undelete and purge; see admin_deleted.h. */
#include "core/procedures/admin_deleted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/procedures/deleted.h"
#include "core/procedures/purge.h"
#include "core/procedures/undelete.h"

/* A name in _deleted, or one to bring back to: "EX01" or "EX01/mail". */
struct path {
	char server[256];
	char certificate[256]; /* "": the server itself */
};

static int split(const char *word, struct path *ret, struct cf_err *err)
{
	static const char folder[] = "_deleted/";
	const char *rest = strncmp(word, folder, strlen(folder)) ? word : word + strlen(folder);
	size_t n = strcspn(rest, "/"), m;
	const char *name = rest[n] ? rest + n + 1 : rest + n;

	m = strcspn(name, "/");
	if (!n || n >= sizeof(ret->server) || m >= sizeof(ret->certificate) ||
	    (name[m] && name[m + 1]))
		return cf_fail(err, EINVAL, "'%s' is no name like EX01 or EX01/mail", word);
	snprintf(ret->server, sizeof(ret->server), "%.*s", (int)n, rest);
	snprintf(ret->certificate, sizeof(ret->certificate), "%.*s", (int)m, name);
	return 0;
}

/* What a name in _deleted leads to. *cert is left alone when it is a server. */
static int find(struct cf_ctx *ctx, const struct path *path, struct cf_server *server,
		struct cf_certificate *cert, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_store_deleted_server(db, path->server, server, err);
	if (r == 0 && path->certificate[0])
		r = cf_store_deleted_certificate(db, server->id, path->certificate, cert, err);
	return r;
}

/* -- deleted -------------------------------------------------------------------------------------- */

static void report(const struct cf_admin *admin, cf_time deleted, const char *server,
		   const char *certificate)
{
	char since[CF_TIME_TEXT_MAX], until[CF_TIME_TEXT_MAX], line[640];

	snprintf(line, sizeof(line), "%s %s %s%s%s", cf_time_text(deleted, since),
		 cf_time_text(deleted + CF_DELETED_KEPT, until), server, certificate ? "/" : "",
		 certificate ? certificate : "");
	admin->report(admin->arg, line);
}

static int list_server(const struct cf_admin *admin, struct cf_db *db,
		       const struct cf_server *server, struct cf_err *err)
{
	if (server->deleted)
		report(admin, server->deleted, server->deleted_name, NULL);
	for (int64_t after = 0;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		int r = cf_store_deleted_next(db, server->id, after, &row, err);

		if (r <= 0)
			return r;
		after = row.id;
		report(admin, row.deleted, server->deleted_name, row.deleted_name);
	}
}

int cf_admin_deleted(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int64_t after = 0;
	int r = cf_store_read(admin->ctx->core->store, &db, err);

	while (r >= 0) {
		struct cf_server server;

		r = cf_store_deleted_next_server(db, after, &server, err);
		if (r == 0)
			return 0;
		if (r < 0)
			break;
		after = server.id;
		r = list_server(admin, db, &server, err);
	}
	return r;
}

/* -- undelete ------------------------------------------------------------------------------------- */

/* The server a certificate comes back to: the one that is named, or its own. */
static int target(struct cf_ctx *ctx, const struct path *to, int64_t own, int64_t *ret,
		  struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_server server;
	int r;

	*ret = own;
	if (!to)
		return 0;
	r = cf_store_read(ctx->core->store, &db, err);
	if (r == 0)
		r = cf_store_server_find(db, to->server, &server, err);
	if (r == 0)
		*ret = server.id;
	return r;
}

int cf_admin_undelete(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate cert = { 0 };
	const bool named = admin->n > 1;
	struct path from, to;
	struct cf_server server;
	int64_t id;
	int r = split(admin->words[0], &from, err);

	if (r == 0 && named)
		r = split(admin->words[1], &to, err);
	if (r == 0)
		r = find(admin->ctx, &from, &server, &cert, err);
	if (r == 0 && named && !from.certificate[0] && to.certificate[0])
		r = cf_fail(err, EINVAL, "%s is a server and can't become %s", admin->words[0],
			    admin->words[1]);
	if (r < 0)
		return r;
	if (!from.certificate[0])
		return cf_server_undelete(admin->ctx, server.id, named ? to.server : server.name,
					  err);
	r = target(admin->ctx, named ? &to : NULL, server.id, &id, err);
	if (r < 0)
		return r;
	return cf_certificate_undelete(admin->ctx, cert.id, id,
				       named && to.certificate[0] ? to.certificate : cert.name,
				       err);
}

/* -- purge ---------------------------------------------------------------------------------------- */

int cf_admin_purge(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate cert = { 0 };
	struct cf_server server;
	struct path path;
	int r;

	if (!strcmp(admin->words[0], "--all"))
		return cf_purge_all(admin->ctx, err);
	r = split(admin->words[0], &path, err);
	if (r == 0)
		r = find(admin->ctx, &path, &server, &cert, err);
	if (r < 0)
		return r;
	return path.certificate[0] ? cf_certificate_purge(admin->ctx, cert.id, err)
				   : cf_server_purge(admin->ctx, server.id, err);
}
