/* Passwords, export.pfx and keys in PEM; see export.h. */
#include "core/procedures/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkcs12.h"
#include "core/procedures/chain.h"

/* A password in its first line, which may be empty, and what for. */
struct password {
	enum cf_secret_kind kind;
	struct cf_span text;
};

static int put_password(struct cf_ctx *ctx, struct cf_db *db, const struct cf_owner *owner,
			const struct password *password, struct cf_err *err)
{
	struct cf_vault *vault = ctx->core->vault;

	if (!password->text.len)
		return cf_vault_delete(vault, db, owner, password->kind, err);
	return cf_vault_put(vault, db, owner, password->kind, password->text, err);
}

static int audit_password(struct cf_ctx *ctx, struct cf_db *db, const char *server,
			  const struct cf_certificate *cert, const struct password *password,
			  struct cf_err *err)
{
	bool import = password->kind == CF_SECRET_IMPORT_PASSWORD;

	return cf_audit(ctx, db, password->text.len ? "set-password" : "clear-password", server,
			cert, import ? "import" : NULL, err);
}

static int set_for_certificate(struct cf_ctx *ctx, int64_t id, const struct password *password,
			       struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	struct cf_owner owner = { .object = CF_OBJECT_CERTIFICATE, .id = id };
	int r = cf_change_certificate(ctx, id, &set, err);

	if (r < 0)
		return r;
	owner.server = set.server.id;
	r = put_password(ctx, set.db, &owner, password, err);
	set.cert.has_password = password->text.len != 0;
	set.cert.t_password = set.cert.mtime = set.cert.ctime = cf_db_now(set.db);
	if (r == 0)
		r = cf_store_certificate_update(set.db, &set.cert, CF_WHAT_PASSWORD, err);
	if (r == 0)
		r = audit_password(ctx, set.db, set.server.name, &set.cert, password, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

static int set_for_server(struct cf_ctx *ctx, int64_t id, const struct password *password,
			  struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	struct cf_owner owner = { .object = CF_OBJECT_SERVER, .id = id, .server = id };
	bool import = password->kind == CF_SECRET_IMPORT_PASSWORD;
	int r = cf_change_server(ctx, id, &set, err);
	struct cf_server *server = &set.server;

	if (r < 0)
		return r;
	r = put_password(ctx, set.db, &owner, password, err);
	*(import ? &server->has_import_password : &server->has_export_password) =
		password->text.len != 0;
	*(import ? &server->t_import_password : &server->t_export_password) = cf_db_now(set.db);
	if (r == 0)
		r = cf_store_server_update(set.db, server,
					   import ? CF_WHAT_IMPORT : CF_WHAT_PASSWORD, err);
	if (r == 0)
		r = audit_password(ctx, set.db, server->name, NULL, password, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}

static int set_for_root(struct cf_ctx *ctx, const struct password *password, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_owner owner = { .object = CF_OBJECT_ROOT };
	bool import = password->kind == CF_SECRET_IMPORT_PASSWORD;
	struct cf_root root;
	int r = cf_store_begin(ctx->core->store, false, &db, err);

	if (r == 0)
		r = cf_load_root(db, &root, err);
	if (r == 0)
		r = put_password(ctx, db, &owner, password, err);
	if (r < 0)
		return r;
	*(import ? &root.has_import_password : &root.has_export_password) = password->text.len != 0;
	*(import ? &root.t_import_password : &root.t_export_password) = cf_db_now(db);
	r = cf_store_root_update(db, &root, import ? CF_WHAT_IMPORT : CF_WHAT_PASSWORD, err);
	if (r == 0)
		r = audit_password(ctx, db, NULL, NULL, password, err);
	return r < 0 ? r : cf_store_commit(&db, &ctx->changes, err);
}

static int set_password(struct cf_ctx *ctx, const struct cf_password_of *of,
			enum cf_secret_kind kind, const char *text, struct cf_err *err)
{
	size_t n = strcspn(text, "\n");
	struct password password = { .kind = kind, .text = cf_span(text, n) };

	if (text[n] == '\n' && text[n + 1])
		return cf_fail(err, EINVAL, "a password is one line");
	if (n > CF_PASSWORD_MAX)
		return cf_fail(err, EFBIG, "a password has at most %d bytes", CF_PASSWORD_MAX);
	if (!cf_text_utf8_ok(text, n))
		return cf_fail(err, EINVAL, "a password is UTF-8 without NUL");
	switch (of->object) {
	case CF_OBJECT_CERTIFICATE:
		return set_for_certificate(ctx, of->id, &password, err);
	case CF_OBJECT_SERVER:
		return set_for_server(ctx, of->id, &password, err);
	default:
		return set_for_root(ctx, &password, err);
	}
}

int cf_export_password_set(struct cf_ctx *ctx, const struct cf_password_of *of, const char *text,
			   struct cf_err *err)
{
	return set_password(ctx, of, CF_SECRET_EXPORT_PASSWORD, text, err);
}

int cf_import_password_set(struct cf_ctx *ctx, const struct cf_password_of *of, const char *text,
			   struct cf_err *err)
{
	return set_password(ctx, of, CF_SECRET_IMPORT_PASSWORD, text, err);
}

const char *cf_export_password_from(const struct cf_root *root, const struct cf_server *server,
				    const struct cf_certificate *cert)
{
	if (cert->has_password)
		return "certificate";
	if (server->has_export_password)
		return "server";
	return root->has_export_password ? "root" : NULL;
}

const char *cf_export_key_blocked(const struct cf_certificate *cert, cf_time now)
{
	if (cert->state != CF_STATE_COMPLETE)
		return "there is no certificate yet";
	if (!cert->exportable)
		return "its key is not exportable, and that can't be changed any more; make "
		       "another one, or import it anew, in a draft whose exportable is yes";
	return now >= cert->not_after ? "it has expired; renew it" : NULL;
}

const char *cf_export_blocked(const struct cf_root *root, const struct cf_server *server,
			      const struct cf_certificate *cert, cf_time now)
{
	const char *blocked = cf_export_key_blocked(cert, now);

	if (blocked)
		return blocked;
	if (!cf_export_password_from(root, server, cert))
		return "no password is set; write one into export.password of the certificate, or "
		       "into _export.password of its server or of the root";
	return NULL;
}

static cf_time later(cf_time a, cf_time b)
{
	return a > b ? a : b;
}

cf_time cf_export_time(const struct cf_root *root, const struct cf_server *server,
		       const struct cf_certificate *cert)
{
	cf_time t = later(later(cert->t_complete, cert->t_chain), cert->t_friendly);

	t = later(later(t, cert->t_pfx), cert->t_password);
	if (!cert->has_password)
		t = later(t, server->t_export_password);
	if (!cert->has_password && !server->has_export_password)
		t = later(t, root->t_export_password);
	return t;
}

/* What the bytes are made of, but for the key. The spans point into leaf and chain. */
static void describe(const struct cf_certificate *row, const struct cf_issuers *issuers,
		     struct cf_span leaf, struct cf_span key, struct cf_pfx *ret)
{
	*ret = (struct cf_pfx){
		.key = key,
		.leaf = leaf,
		.issuers = issuers->items,
		.n_issuers = issuers->n,
		.local_key_id = row->sha1,
		.friendly_name = row->friendly_name ? row->friendly_name : "",
		.encryption = (enum cf_pfx_encryption)row->pfx_encryption,
		.iterations = (int)row->pfx_iterations,
	};
}

int cf_export_resize(struct cf_db *db, struct cf_certificate *row, struct cf_err *err)
{
	cf_auto(cf_issuers_done) struct cf_issuers issuers = { 0 };
	struct cf_pfx pfx;
	size_t size;
	int r;

	row->pfx_len = 0;
	if (row->state != CF_STATE_COMPLETE)
		return 0;
	r = cf_issuers_load(db, row, &issuers, err);
	if (r < 0)
		return r;
	describe(row, &issuers, cf_span(NULL, (size_t)row->leaf_len),
		 cf_span(NULL, (size_t)row->key_len), &pfx);
	r = cf_pfx_size(&pfx, &size, err);
	if (r == 0)
		row->pfx_len = (int64_t)size;
	return r;
}

/* Unseal the password that applies. */
static int get_password(struct cf_ctx *ctx, struct cf_db *db, const struct cf_root *root,
			const struct cf_server *server, const struct cf_certificate *cert,
			struct cf_buf *out, struct cf_err *err)
{
	const char *from = cf_export_password_from(root, server, cert);
	struct cf_owner owner = { .object = CF_OBJECT_ROOT };

	if (!from)
		return cf_fail(err, ENOENT, "no export password is set");
	if (from[0] == 'c')
		owner = (struct cf_owner){ .object = CF_OBJECT_CERTIFICATE,
					   .id = cert->id,
					   .server = server->id };
	else if (from[0] == 's')
		owner = (struct cf_owner){ .object = CF_OBJECT_SERVER,
					   .id = server->id,
					   .server = server->id };
	return cf_vault_get(ctx->core->vault, db, &owner, CF_SECRET_EXPORT_PASSWORD, out, err);
}

struct parts {
	struct cf_root root;
	struct cf_server server;
	struct cf_certificate cert;
	struct cf_issuers issuers;
	struct cf_buf leaf, key, password;
};

static void parts_done(struct parts *parts)
{
	cf_certificate_done(&parts->cert);
	cf_issuers_done(&parts->issuers);
	cf_buf_done(&parts->leaf);
	cf_buf_done(&parts->key);
	cf_buf_done(&parts->password);
}

CF_DEFINE_DONE(struct parts, parts_done);

/* sealed: for export.pfx, with its password. */
static int gather(struct cf_ctx *ctx, int64_t certificate, bool sealed, struct parts *p,
		  struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_owner owner = { .object = CF_OBJECT_CERTIFICATE, .id = certificate };
	const cf_time now = cf_clock_now(ctx->core->clock);
	const char *blocked;
	int r = cf_store_read(ctx->core->store, &db, err);

	if (r == 0)
		r = cf_load_root(db, &p->root, err);
	if (r == 0)
		r = cf_load_certificate(db, certificate, &p->cert, &p->server, err);
	if (r < 0)
		return r;
	blocked = sealed ? cf_export_blocked(&p->root, &p->server, &p->cert, now)
			 : cf_export_key_blocked(&p->cert, now);
	if (blocked)
		return cf_fail(err, ENOENT, "'%s' can't be exported: %s", p->cert.name, blocked);
	owner.server = p->server.id;
	owner.spki_sum = p->cert.spki_sum;
	r = cf_store_blob_get(db, &p->cert, CF_BLOB_LEAF, &p->leaf, err);
	if (r == 0)
		r = cf_issuers_load(db, &p->cert, &p->issuers, err);
	if (r == 0 && sealed)
		r = get_password(ctx, db, &p->root, &p->server, &p->cert, &p->password, err);
	return r < 0 ? r : cf_vault_get(ctx->core->vault, db, &owner, CF_SECRET_KEY, &p->key, err);
}

int cf_export_build(struct cf_ctx *ctx, int64_t certificate, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(parts_done) struct parts parts = { 0 };
	struct cf_pfx pfx;
	int r = gather(ctx, certificate, true, &parts, err);

	if (r < 0)
		return r;
	describe(&parts.cert, &parts.issuers, cf_span_buf(&parts.leaf), cf_span_buf(&parts.key),
		 &pfx);
	return cf_pfx_build(&pfx, cf_span_buf(&parts.password), cf_vault_pfx_key(ctx->core->vault),
			    out, err);
}

int cf_export_key(struct cf_ctx *ctx, int64_t certificate, bool whole, struct cf_buf *out,
		  struct cf_err *err)
{
	cf_auto(parts_done) struct parts parts = { 0 };
	cf_auto(cf_buf_done) struct cf_buf pem = { 0 };
	int r = gather(ctx, certificate, false, &parts, err);

	if (r == 0)
		r = cf_pem_write("PRIVATE KEY", cf_span_buf(&parts.key), &pem, err);
	if (r == 0 && whole)
		r = cf_pem_write("CERTIFICATE", cf_span_buf(&parts.leaf), &pem, err);
	for (size_t i = 0; i < parts.issuers.n && r == 0 && whole; i++)
		r = cf_pem_write("CERTIFICATE", parts.issuers.items[i], &pem, err);
	return r < 0 ? r : cf_buf_append(out, pem.data, pem.len, err);
}

uint64_t cf_export_key_size(const struct cf_certificate *cert, bool whole)
{
	uint64_t size = cf_pem_size("PRIVATE KEY", (size_t)cert->key_len);

	if (whole)
		size += cf_pem_size("CERTIFICATE", (size_t)cert->leaf_len) +
			(uint64_t)cert->chain_pem_len;
	return size;
}

int cf_export_record(struct cf_ctx *ctx, int64_t certificate, const char *file, struct cf_err *err)
{
	cf_auto(cf_change_set_done) struct cf_change_set set = { 0 };
	int r = cf_change_certificate(ctx, certificate, &set, err);

	if (r == 0)
		r = cf_audit(ctx, set.db, "read-key", set.server.name, &set.cert, file, err);
	return r < 0 ? r : cf_store_commit(&set.db, &ctx->changes, err);
}
