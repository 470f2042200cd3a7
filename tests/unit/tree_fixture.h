/* A tree on a store in memory, used by path, without a mount: what a program would do, call by call. */
#pragma once

#include "tests/support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto/ossl.h"
#include "core/tree/tree.h"
#include "tests/unit/ca.h"

struct fixture {
	char dir[64];
	char path[96];
	const char *vfs; /* SQLite's file layer; NULL: its own, and nothing is synced */
	struct cf_clock clock;
	struct cf_core core;
	struct cf_ctx ctx;
	struct cf_tree *tree;
	struct cf_err err;
	struct cf_buf text; /* what was read last */
	struct made root, intermediate;
};

/* Success; else the test fails with the sentence. */
static inline void fx_ok(struct fixture *f, int r)
{
	if (r < 0)
		fail_msg("%s: %s", cf_errno_name(-r), f->err.text);
}

/* Unlock a store that fx_open() made. */
static inline int fx_unlock(struct cf_store *store, struct cf_vault **ret, size_t *ret_damaged,
			    struct cf_err *err)
{
	const uint8_t key[CF_KEY_SIZE] = { 1 };

	return cf_vault_unlock(store, CF_SLOT_KEY(key), ret, ret_damaged, err);
}

static inline void fx_open(struct fixture *f)
{
	uint8_t key[CF_KEY_SIZE] = { 1 };
	struct cf_store_options options = {
		.path = f->path,
		.create = true,
		.who = "a test",
		.clock = &f->clock,
		.vfs = f->vfs,
		.unsafe_fast = !f->vfs,
	};
	struct cf_tree_options tree = { .uid = getuid(), .gid = getgid(), .umask = 022 };
	bool created;

	assert_int_equal(cf_store_open(&options, &f->core.store, &created, &f->err), 0);
	if (created)
		assert_int_equal(
			cf_vault_create(f->core.store, CF_SLOT_KEY(key), &f->core.vault, &f->err),
			0);
	else
		assert_int_equal(fx_unlock(f->core.store, &f->core.vault, NULL, &f->err), 0);
	f->core.clock = &f->clock;
	f->core.uid = getuid();
	f->core.gid = getgid();
	f->core.umask = tree.umask;
	f->core.decoder = (struct cf_decoder){ .start = cf_decoder_fork };
	f->ctx.core = &f->core;
	assert_int_equal(cf_tree_new(&f->core, &tree, &f->tree, &f->err), 0);
}

static inline void fx_close(struct fixture *f)
{
	cf_ctx_done(&f->ctx);
	cf_tree_free(f->tree);
	cf_store_close(f->core.store);
	cf_vault_close(f->core.vault);
}

/* On a file layer of SQLite's, with every sync. */
static inline int fx_setup_on(void **state, const char *vfs)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(cf_ossl_init(&f->err), 0);
	f->vfs = vfs;
	make_private_folder(f->dir, sizeof(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/store.db", f->dir);
	f->root = make((struct spec){ .cn = "Test Root", .ca = true });
	f->intermediate =
		make((struct spec){ .cn = "Test Intermediate", .ca = true, .issuer = &f->root });
	fx_open(f);
	*state = f;
	return 0;
}

static inline int fx_setup(void **state)
{
	return fx_setup_on(state, NULL);
}

static inline int fx_teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	fx_close(f);
	cf_buf_done(&f->text);
	made_done(&f->intermediate);
	made_done(&f->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* Walk a path; the last name is looked up in *ret_parent. */
static inline int fx_lookup(struct fixture *f, const char *path, uint64_t *ret_parent,
			    struct cf_attr *ret)
{
	char copy[512], *save = NULL;
	uint64_t ino = CF_TREE_ROOT;
	bool remember;
	int r = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	*ret = (struct cf_attr){ .ino = ino };
	for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		if (r < 0)
			return r;
		*ret_parent = ret->ino;
		cf_err_reset(&f->err);
		r = cf_tree_lookup(f->tree, &f->ctx, ret->ino, name, ret, &remember, &f->err);
	}
	return r;
}

/* A path of 511 bytes at most. */
__attribute__((format(printf, 2, 3))) static inline void fx_path(char out[512], const char *fmt,
								 ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, 512, fmt, ap);
	va_end(ap);
	assert_in_range(n, 1, 511);
}

static inline const char *fx_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static inline struct cf_attr fx_stat(struct fixture *f, const char *path)
{
	struct cf_attr attr;
	uint64_t parent;

	assert_int_equal(fx_lookup(f, path, &parent, &attr), 0);
	return attr;
}

static inline bool fx_exists(struct fixture *f, const char *path)
{
	struct cf_attr attr;
	uint64_t parent;

	return fx_lookup(f, path, &parent, &attr) == 0;
}

static inline int fx_mkdir(struct fixture *f, const char *path)
{
	struct cf_attr attr;
	uint64_t parent = CF_TREE_ROOT;
	int r = fx_lookup(f, path, &parent, &attr);

	if (r != -ENOENT)
		return r < 0 ? r : -EEXIST;
	cf_err_reset(&f->err);
	return cf_tree_mkdir(f->tree, &f->ctx, parent, fx_name(path), 0755, &attr, &f->err);
}

/* open(2) as the kernel does it: LOOKUP, then OPEN or CREATE. */
static inline int fx_open_file(struct fixture *f, const char *path, int flags, struct cf_open **ret)
{
	struct cf_open_hints hints;
	uint64_t parent = CF_TREE_ROOT;
	struct cf_attr attr;
	int r = fx_lookup(f, path, &parent, &attr);

	*ret = NULL;
	if (r < 0 && r != -ENOENT)
		return r;
	cf_err_reset(&f->err);
	if (r == 0)
		return cf_tree_open(f->tree, &f->ctx, attr.ino, flags, ret, &hints, &f->err);
	if (r != -ENOENT || !(flags & O_CREAT))
		return r;
	return cf_tree_create(f->tree, &f->ctx, parent, fx_name(path), 0644, flags, &attr, ret,
			      &hints, &f->err);
}

/* What `printf … > path` (or >>) does; the first error of write and close. */
static inline int fx_write_bytes(struct fixture *f, const char *path, int flags,
				 struct cf_span bytes)
{
	struct cf_open *open;
	struct cf_attr attr;
	uint64_t parent;
	uint64_t offset = 0;
	int r = fx_open_file(f, path, O_WRONLY | flags, &open);

	if (r < 0)
		return r;
	if (flags & O_APPEND && fx_lookup(f, path, &parent, &attr) == 0)
		offset = attr.size;
	cf_err_reset(&f->err);
	if (bytes.len)
		r = cf_tree_write(f->tree, &f->ctx, open, offset, bytes, &f->err);
	if (r == 0)
		r = cf_tree_flush(f->tree, &f->ctx, open, &f->err);
	cf_tree_release(f->tree, open);
	return r;
}

static inline int fx_write(struct fixture *f, const char *path, const char *text)
{
	return fx_write_bytes(f, path, O_CREAT | O_TRUNC, cf_span_text(text));
}

static inline int fx_append(struct fixture *f, const char *path, const char *text)
{
	return fx_write_bytes(f, path, O_CREAT | O_APPEND, cf_span_text(text));
}

static inline int fx_drop(struct fixture *f, const char *path, const struct made *m)
{
	return fx_write_bytes(f, path, O_CREAT | O_TRUNC, cf_span_buf(&m->der));
}

/* Read a whole file into f->text, and see that stat(2) told the truth about its size. */
static inline int fx_read(struct fixture *f, const char *path)
{
	struct cf_open *open;
	struct cf_attr attr;
	uint64_t parent;
	int r = fx_open_file(f, path, O_RDONLY, &open);

	cf_buf_done(&f->text);
	if (r < 0)
		return r;
	r = fx_lookup(f, path, &parent, &attr);
	if (r == 0)
		r = cf_tree_read(f->tree, &f->ctx, attr.ino, open, 0, 1 << 20, &f->text, &f->err);
	if (r == 0)
		assert_int_equal(f->text.len, attr.size);
	cf_tree_release(f->tree, open);
	return r;
}

static inline void fx_assert_text(struct fixture *f, const char *path, const char *text)
{
	fx_ok(f, fx_read(f, path));
	assert_string_equal(cf_buf_text(&f->text), text);
}

/* A refusal: the errno, and words of the sentence. */
static inline void fx_assert_refused(struct fixture *f, int r, int code, const char *words)
{
	assert_int_equal(r, -code);
	assert_int_equal(f->err.code, code);
	if (!strstr(f->err.text, words))
		fail_msg("'%s' is not in '%s'", words, f->err.text);
}

/* A server with a pending request for mail.contoso.com, made with a P-256 key. */
static inline void fx_request(struct fixture *f, const char *server, const char *name)
{
	char path[512];

	if (!fx_exists(f, server))
		fx_ok(f, fx_mkdir(f, server));
	fx_path(path, "%s/%s", server, name);
	fx_ok(f, fx_mkdir(f, path));
	fx_path(path, "%s/%s/request.csr", server, name);
	fx_ok(f, fx_write(f, path, "key-type = p256\nC=US, O=Contoso, CN=mail.contoso.com\n"));
}

/* What the CA answers to EX01/mail: a certificate for its key. */
static inline struct made fx_answer(struct fixture *f, const char *certificate, struct spec spec)
{
	const unsigned char *p;
	char path[512];
	X509_REQ *request;
	struct made m;

	fx_path(path, "%s/request.der", certificate);
	fx_ok(f, fx_read(f, path));
	p = (const unsigned char *)f->text.data;
	request = d2i_X509_REQ(NULL, &p, (long)f->text.len);
	assert_non_null(request);
	spec.key = X509_REQ_get_pubkey(request);
	if (!spec.cn)
		spec.cn = "mail.contoso.com";
	if (!spec.issuer)
		spec.issuer = &f->intermediate;
	m = make(spec);
	EVP_PKEY_free(spec.key);
	X509_REQ_free(request);
	return m;
}

/* The root and the intermediate in _trust. */
static inline void fx_trust(struct fixture *f)
{
	fx_ok(f, fx_drop(f, "_trust/root.cer", &f->root));
	fx_ok(f, fx_drop(f, "_trust/intermediate.cer", &f->intermediate));
}

/* EX01/mail, complete and Valid. */
static inline void fx_valid(struct fixture *f, const char *server, const char *name)
{
	char path[512];
	struct made m;

	if (!fx_exists(f, "_trust/root.cer"))
		fx_trust(f);
	fx_request(f, server, name);
	fx_path(path, "%s/%s", server, name);
	m = fx_answer(f, path, (struct spec){ 0 });
	fx_path(path, "%s/%s/answer.cer", server, name);
	fx_ok(f, fx_drop(f, path, &m));
	made_done(&m);
}
