/* Servers and drafts; see create.h. */
#include "core/procedures/create.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/name.h"
#include "core/crypto/key.h"
#include "core/procedures/chain.h"
#include "core/procedures/deleted.h"
#include "core/procedures/setting.h"

int cf_server_name_free(struct cf_db *db, const char *name, int64_t own, struct cf_err *err)
{
	struct cf_server other;
	int r = cf_store_server_find_folded(db, name, &other, NULL);

	if (r == -ENOENT || (r == 0 && other.id == own))
		return 0;
	return r < 0 ? cf_fail(err, -r, "the servers can't be read")
		     : cf_fail(err, EEXIST, "there is a server '%s' already", other.name);
}

int cf_certificate_name_free(struct cf_db *db, int64_t server, const char *name, int64_t own,
			     struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate other = { 0 };
	int r = cf_store_certificate_find_folded(db, server, name, &other, NULL);

	if (r == -ENOENT || (r == 0 && other.id == own))
		return 0;
	return r < 0 ? cf_fail(err, -r, "the certificates can't be read")
		     : cf_fail(err, EEXIST, "there is a certificate '%s' already", other.name);
}

int cf_server_create(struct cf_ctx *ctx, const char *name, int64_t *ret_id, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_server row = { .uid = -1, .gid = -1, .mode = -1 };
	int r = cf_name_server(name, err);

	if (r == 0)
		r = cf_store_begin(ctx->core->store, false, &db, err);
	if (r == 0)
		r = cf_server_name_free(db, name, 0, err);
	if (r < 0)
		return r;
	snprintf(row.name, sizeof(row.name), "%s", name);
	row.created = row.mtime = row.ctime = cf_db_now(db);
	row.t_access = row.t_use = row.t_name = row.created;
	r = cf_store_server_insert(db, &row, err);
	if (r == 0)
		r = cf_touch_root(db, err);
	if (r == 0)
		r = cf_audit(ctx, db, "create-server", row.name, NULL, NULL, err);
	if (r == 0)
		r = cf_store_commit(&db, &ctx->changes, err);
	if (r == 0)
		*ret_id = row.id;
	return r;
}

int cf_server_rename(struct cf_ctx *ctx, int64_t server, const char *name, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	char old[sizeof(set.server.name)];
	int r = cf_name_server(name, err);

	if (r == 0)
		r = cf_change_server(ctx, server, &set, err);
	if (r == 0)
		r = cf_server_name_free(set.db, name, server, err);
	if (r < 0)
		return r;
	memcpy(old, set.server.name, sizeof(old));
	snprintf(set.server.name, sizeof(set.server.name), "%s", name);
	set.server.ctime = set.server.t_name = cf_db_now(set.db);
	if (set.server.deleted_name[0]) {
		set.server.deleted_name[0] = '\0'; /* its directory in _deleted is renamed too */
		r = cf_touch_deleted(set.db, &set.server, CF_WHAT_NAME, err);
	} else {
		r = cf_store_server_update(set.db, &set.server, CF_WHAT_NAME, err);
	}
	if (r == 0)
		r = cf_setting_renamed(set.db, &set.server, err);
	if (r == 0)
		r = cf_touch_root(set.db, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "rename-server", old, NULL, name, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

/* A new or renamed certificate changes the listing of its server. */
static int touch_server(struct cf_db *db, struct cf_server *server, struct cf_err *err)
{
	server->mtime = server->ctime = cf_db_now(db);
	return cf_store_server_update(db, server, CF_WHAT_LISTING, err);
}

int cf_certificate_add(struct cf_db *db, struct cf_server *server, struct cf_certificate *row,
		       struct cf_err *err)
{
	int r = cf_certificate_name_free(db, server->id, row->name, 0, err);

	if (r < 0)
		return r;
	row->server = server->id;
	row->state = CF_STATE_DRAFT;
	row->created = row->mtime = row->ctime = cf_db_now(db);
	row->t_subject = row->t_domains = row->t_key_type = row->t_exportable = row->created;
	row->t_friendly = row->t_access = row->created;
	row->next_change = CF_NEVER;
	r = cf_store_certificate_insert(db, row, err);
	return r < 0 ? r : touch_server(db, server, err);
}

int cf_draft_insert(struct cf_db *db, struct cf_server *server, const char *name,
		    struct cf_certificate *ret, struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	enum cf_key_type key_type;
	int r = cf_settings_load(db, server, &settings, err);

	if (r == 0)
		r = cf_key_type_parse(cf_setting(&settings, CF_SETTING_KEY_TYPE), &key_type, err);
	if (r < 0)
		return r;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->uid = ret->gid = ret->mode = -1;
	ret->key_type = key_type;
	ret->exportable = cf_setting_yes(&settings, CF_SETTING_EXPORTABLE_REQUESTS);
	return cf_certificate_add(db, server, ret, err);
}

int cf_draft_create(struct cf_ctx *ctx, int64_t server, const char *name, int64_t *ret_id,
		    struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_name_certificate(name, err);

	if (r == 0)
		r = cf_change_server(ctx, server, &set, err);
	if (r == 0)
		r = cf_draft_insert(set.db, &set.server, name, &set.cert, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "create", set.server.name, &set.cert, NULL, err);
	if (r == 0)
		r = cf_store_commit(&set.db, &ctx->changes, err);
	if (r == 0)
		*ret_id = set.cert.id;
	return r;
}

/* The issuers of its chain are kept by the server; the other one needs them too. */
static int move_issuers(struct cf_change_set *set, int64_t server, struct cf_err *err)
{
	cf_auto(cf_issuers_done) struct cf_issuers issuers = { 0 };
	int r = cf_issuers_load(set->db, &set->cert, &issuers, err);
	bool fresh;

	for (size_t i = 0; i < issuers.n && r == 0; i++)
		r = cf_store_issuer_add(set->db, server, issuers.items[i], &fresh, err);
	return r;
}

int cf_certificate_move(struct cf_change_set *set, int64_t server, struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	struct cf_server target;
	bool resized;
	int r;

	if (set->cert.services[0])
		return cf_fail(err, EBUSY,
			       "'%s' has services of %s and can't be moved; export it and import "
			       "it on the other server",
			       set->cert.name, set->server.name);
	r = cf_load_server(set->db, server, &target, err);
	if (r == 0)
		r = cf_store_secret_move(set->db, CF_OBJECT_CERTIFICATE, set->cert.id, server, err);
	if (r == 0)
		r = move_issuers(set, server, err);
	if (r == 0)
		r = cf_settings_load(set->db, &target, &settings, err);
	if (r == 0 && set->cert.state == CF_STATE_COMPLETE)
		r = cf_setting_apply(set->db, &settings, &set->cert, &resized, err);
	set->cert.server = server;
	set->cert.t_password = cf_db_now(set->db); /* another server's password may count now */
	if (set->cert.state == CF_STATE_COMPLETE)  /* and other issuers: it is judged anew */
		set->cert.next_change = cf_db_now(set->db);
	return r < 0 ? r : touch_server(set->db, &target, err);
}

int cf_audit_place(struct cf_ctx *ctx, struct cf_change_set *set, const char *operation,
		   const char *name, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf to = { 0 };
	struct cf_server server;
	int r = cf_load_server(set->db, set->cert.server, &server, err);

	if (r == 0)
		r = cf_buf_printf(&to, err, "%s/%s", server.name, name);
	return r < 0 ? r
		     : cf_audit(ctx, set->db, operation, set->server.name, &set->cert,
				cf_buf_text(&to), err);
}

/* The listing changed; and where services use the certificate, what their links say. */
static int rename_uses(struct cf_change_set *set, struct cf_err *err)
{
	struct cf_server *server = &set->server;
	unsigned what = CF_WHAT_LISTING;

	for (size_t i = 0; i < CF_SERVICE_COUNT_; i++) {
		if (server->use[i] != set->cert.id)
			continue;
		server->t_use = cf_db_now(set->db);
		what |= CF_WHAT_SERVICES;
	}
	server->mtime = server->ctime = cf_db_now(set->db);
	return cf_store_server_update(set->db, server, what, err);
}

int cf_certificate_rename(struct cf_ctx *ctx, int64_t certificate, int64_t server, const char *name,
			  struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_name_certificate(name, err);
	char old[sizeof(set.cert.name)];

	if (r == 0)
		r = cf_change_certificate(ctx, certificate, &set, err);
	if (r == 0 && server != set.cert.server)
		r = cf_certificate_move(&set, server, err);
	if (r == 0)
		r = cf_certificate_name_free(set.db, server, name, certificate, err);
	if (r < 0)
		return r;
	memcpy(old, set.cert.name, sizeof(old));
	snprintf(set.cert.name, sizeof(set.cert.name), "%s", name);
	set.cert.ctime = cf_db_now(set.db);
	r = cf_store_certificate_update(set.db, &set.cert, CF_WHAT_NAME, err);
	if (r == 0)
		r = rename_uses(&set, err);
	if (r == 0) {
		snprintf(set.cert.name, sizeof(set.cert.name), "%s", old);
		r = server == set.server.id
			    ? cf_audit(ctx, set.db, "rename", set.server.name, &set.cert, name, err)
			    : cf_audit_place(ctx, &set, "move", name, err);
	}
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

/* Put the values that are given into a row's columns; the words for the audit log. */
static void give_access(const struct cf_access *access, int64_t *uid, int64_t *gid, int64_t *mode,
			char *words, size_t n)
{
	if (access->uid >= 0)
		*uid = access->uid;
	if (access->gid >= 0)
		*gid = access->gid;
	if (access->mode >= 0)
		*mode = access->mode & 0777;
	snprintf(words, n, "uid %lld gid %lld mode %03llo", (long long)*uid, (long long)*gid,
		 (unsigned long long)(*mode < 0 ? 0 : *mode));
}

int cf_server_access(struct cf_ctx *ctx, int64_t server, const struct cf_access *access,
		     struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_change_server(ctx, server, &set, err);
	char words[96];

	if (r < 0)
		return r;
	give_access(access, &set.server.uid, &set.server.gid, &set.server.mode, words,
		    sizeof(words));
	set.server.ctime = set.server.t_access = cf_db_now(set.db);
	r = cf_store_server_update(set.db, &set.server, CF_WHAT_ACCESS, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "access", set.server.name, NULL, words, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

int cf_certificate_access(struct cf_ctx *ctx, int64_t certificate, const struct cf_access *access,
			  struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_change_certificate(ctx, certificate, &set, err);
	char words[96];

	if (r < 0)
		return r;
	give_access(access, &set.cert.uid, &set.cert.gid, &set.cert.mode, words, sizeof(words));
	set.cert.ctime = set.cert.t_access = cf_db_now(set.db);
	r = cf_store_certificate_update(set.db, &set.cert, CF_WHAT_ACCESS, err);
	if (r == 0)
		r = cf_audit(ctx, set.db, "access", set.server.name, &set.cert, words, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}
