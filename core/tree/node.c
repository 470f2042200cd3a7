/* Finding nodes and telling what they are, from the tables; see node_private.h. */
#include "core/tree/kept_private.h"
#include "core/tree/node_private.h"

#include <errno.h>
#include <string.h>

#define ID_BITS 48
#define ROW_BITS 10

_Static_assert(CF_KIND_STAGED < 64, "a kind has six bits in st_ino");

const struct cf_dir *const cf_dirs[] = {
	&cf_dir_root,
	&cf_dir_server,
	&cf_dir_certificate,
	&cf_dir_trust,
	&cf_dir_services,
	&cf_dir_root_settings,
	&cf_dir_server_settings,
	&cf_dir_deleted,
	&cf_dir_deleted_server,
	&cf_dir_deleted_part,
	&cf_dir_deleted_certificate,
	&cf_dir_by_thumbprint,
	&cf_dir_thumbprint,
	&cf_dir_by_domain,
	&cf_dir_domain,
	&cf_dir_expiring,
	NULL,
};

uint64_t cf_ino(enum cf_kind kind, unsigned row, int64_t id)
{
	if (kind == CF_KIND_ROOT && !row)
		return CF_TREE_ROOT;
	return (uint64_t)kind << (ID_BITS + ROW_BITS) | (uint64_t)row << ID_BITS | (uint64_t)id;
}

const struct cf_dir *cf_dir_of(uint64_t ino)
{
	for (const struct cf_dir *const *dir = cf_dirs; *dir; dir++)
		if ((uint64_t)(*dir)->kind == ino >> (ID_BITS + ROW_BITS))
			return *dir;
	return NULL;
}

const struct cf_file *cf_file_numbered(const struct cf_dir *dir, unsigned row)
{
	for (const struct cf_file *file = dir->files; file->row; file++)
		if (file->row == row)
			return file;
	return NULL;
}

const struct cf_file *cf_file_find(const struct cf_dir *dir, const char *name)
{
	for (const struct cf_file *file = dir->files; file->row; file++)
		if (file->name && !strcmp(file->name, name))
			return file;
	return NULL;
}

static unsigned row_of(uint64_t ino)
{
	return ino == CF_TREE_ROOT ? 0 : ino >> ID_BITS & ((1u << ROW_BITS) - 1);
}

const struct cf_file *cf_file_of(uint64_t ino)
{
	const struct cf_dir *dir = cf_dir_of(ino);

	return dir && row_of(ino) ? cf_file_numbered(dir, row_of(ino)) : NULL;
}

int64_t cf_ino_id(uint64_t ino)
{
	return ino == CF_TREE_ROOT ? 0 : (int64_t)(ino & ((UINT64_C(1) << ID_BITS) - 1));
}

bool cf_is_certificate(uint64_t ino)
{
	return cf_dir_of(ino) == &cf_dir_certificate;
}

uint64_t cf_at_ino(const struct cf_at *at)
{
	if (at->file && at->file->type == CF_FILE_DIRECTORY)
		return cf_ino(at->file->kind, 0, at->id);
	return cf_ino(at->dir->kind, at->file ? at->file->row : 0, at->id);
}

int cf_at_load(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_at *at,
	       struct cf_err *err)
{
	int r;

	*at = (struct cf_at){
		.tree = tree, .ctx = ctx, .dir = cf_dir_of(ino), .file = cf_file_of(ino)
	};
	at->id = cf_ino_id(ino);
	if (!at->dir || (row_of(ino) && !at->file))
		return cf_fail(err, ESTALE, "there is no such file any more");
	at->now = cf_clock_now(ctx->core->clock);
	r = cf_store_read(ctx->core->store, &at->db, err);
	if (r < 0)
		return r;
	at->owns_db = true;
	r = cf_load_root(at->db, &at->root, err);
	return r < 0 ? r : at->dir->load(at, err);
}

void cf_at_child(const struct cf_at *parent, const struct cf_dir *dir, struct cf_at *ret)
{
	*ret = (struct cf_at){
		.tree = parent->tree,
		.ctx = parent->ctx,
		.db = parent->db,
		.dir = dir,
		.now = parent->now,
		.root = parent->root,
		.server = parent->server,
	};
}

void cf_at_done(struct cf_at *at)
{
	if (at->owns_db)
		cf_db_done(at->db);
	at->db = NULL;
	cf_certificate_done(&at->cert);
	cf_trust_done(&at->trust);
}

static unsigned state_bit(const struct cf_at *at)
{
	return at->dir->files == cf_dir_certificate.files ? 1u << at->cert.state : 0;
}

bool cf_file_present(const struct cf_at *at, const struct cf_file *file)
{
	if (file->states && !(file->states & state_bit(at)))
		return false;
	if (file->secret && at->tree->options.without_secrets)
		return false;
	if (at->dir->deleted && (file->secret || file->write_only))
		return false;
	return !file->present || file->present(at);
}

bool cf_file_creatable(const struct cf_at *at, const struct cf_file *file)
{
	return (file->creatable & state_bit(at)) && !cf_file_present(at, file) && !at->dir->deleted;
}

mode_t cf_file_mode(const struct cf_at *at, const struct cf_file *file)
{
	if (at->dir->deleted)
		return file->mode & 0444;
	return file->draft_mode && state_bit(at) == CF_IN_DRAFT ? file->draft_mode : file->mode;
}

/* Owner, group and times of a file are those of its directory; a writing group may what the owner may. */
static void file_attr(const struct cf_at *at, struct cf_attr *ret)
{
	const struct cf_file *file = at->file;
	mode_t mode = cf_file_mode(at, file);

	/* A file that stays as it was dropped has its mode, as far as that takes something away. */
	if (at->dir->keeps)
		mode &= (mode_t)at->trust.mode | S_IRUSR;
	if (ret->mode & S_IWGRP)
		mode |= (mode & S_IRWXU) >> 3;
	ret->mode = S_IFREG | mode;
	if (file->type == CF_FILE_LINK)
		ret->mode = S_IFLNK | 0777;
	ret->nlink = 1;
	ret->forget_entry = file->volatile_;
	ret->forget_attr = file->volatile_;
	if (file->time)
		ret->mtime = ret->ctime = file->time(at);
	if (!state_bit(at))
		return;
	/* Owner and mode may have changed later: with those of its directory or its server, or
	 * with the state. */
	if (at->server.t_access > ret->ctime)
		ret->ctime = at->server.t_access;
	if (at->cert.t_access > ret->ctime)
		ret->ctime = at->cert.t_access;
	if (file->draft_mode && at->cert.t_request > ret->ctime)
		ret->ctime = at->cert.t_request;
}

static int file_size(struct cf_at *at, struct cf_attr *ret, struct cf_err *err)
{
	const struct cf_file *file = at->file;
	cf_auto(cf_buf_done) struct cf_buf content = { 0 };
	int r;

	ret->size = 0;
	if (file->write_only || !cf_file_present(at, file))
		return 0;
	if (file->render) {
		r = cf_kept_size(at, &ret->size, &ret->mtime, err);
		ret->ctime = ret->mtime;
		return r;
	}
	if (file->size) {
		ret->size = file->size(at);
		return 0;
	}
	r = file->read ? file->read(at, &content, err) : 0;
	ret->size = content.len;
	return r;
}

int cf_at_attr(struct cf_at *at, struct cf_attr *ret, struct cf_err *err)
{
	struct cf_attr attr = { .ino = cf_at_ino(at), .nlink = 1 };
	int r = 0;

	at->dir->attr(at, &attr);
	if (at->file && at->file->type != CF_FILE_DIRECTORY) {
		file_attr(at, &attr);
		r = file_size(at, &attr, err);
	} else {
		attr.mode = S_IFDIR | (attr.mode & 07777);
	}
	if (at->tree->options.others && !S_ISLNK(attr.mode) &&
	    (at->file && at->file->type == CF_FILE ? at->file->view : at->dir->view))
		attr.mode &= ~(mode_t)(S_IRWXG | S_IRWXO);
	attr.mode &= ~at->tree->options.umask;
	if (r == 0)
		*ret = attr;
	return r;
}

int cf_at_enter(struct cf_at *at, const struct cf_file *file, struct cf_at *child,
		struct cf_err *err)
{
	if (file->type == CF_FILE_DIRECTORY) {
		cf_at_child(at, cf_dir_of(cf_ino(file->kind, 0, at->id)), child);
		child->id = at->id;
		return child->dir->load(child, err);
	}
	cf_at_child(at, at->dir, child);
	child->file = file;
	child->id = at->id;
	return 0;
}

/* Borrow the certificate of the parent for a moment: rows look at it. */
static void lend(struct cf_at *at, struct cf_at *child)
{
	child->cert = at->cert;
}

static void give_back(struct cf_at *child)
{
	child->cert = (struct cf_certificate){ 0 };
}

int cf_at_find(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	const struct cf_file *file = cf_file_find(at->dir, name);
	int r;

	if (file && !cf_file_present(at, file))
		file = NULL;
	if (file)
		return cf_at_enter(at, file, child, err);
	if (!at->dir->find)
		return cf_fail(err, ENOENT, "no '%s' here", name);
	cf_at_child(at, *at->dir->child, child);
	r = at->dir->find(at, name, child, err);
	if (r == 0 && at->dir->child_row)
		child->file = cf_file_numbered(at->dir, at->dir->child_row);
	return r;
}

int cf_at_child_attr(struct cf_at *at, struct cf_at *child, struct cf_attr *ret, struct cf_err *err)
{
	/* A row of the directory itself; an object in it has its own, and may have the same number. */
	bool borrowed = child->dir == at->dir && child->id == at->id && child->file &&
			child->file->row != at->dir->child_row;
	int r;

	if (borrowed)
		lend(at, child);
	r = cf_at_attr(child, ret, err);
	if (borrowed)
		give_back(child);
	return r;
}

static int lookup_staged(struct cf_tree *tree, uint64_t parent, const char *name,
			 struct cf_attr *ret)
{
	struct cf_staged *staged = cf_staged_find(tree, parent, name);

	if (!staged)
		return -ENOENT;
	cf_staged_attr(tree, staged, ret);
	cf_staged_put(tree, staged);
	return 0;
}

/* "." and ".." of a bare inode, as an NFS server asks for them. */
static int lookup_dots(struct cf_at *at, const char *name, struct cf_attr *ret, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at other = { 0 };
	int r;

	if (!strcmp(name, "."))
		return cf_at_attr(at, ret, err);
	r = cf_at_load(at->tree, at->ctx, at->dir->parent(at), &other, err);
	return r < 0 ? r : cf_at_attr(&other, ret, err);
}

int cf_tree_lookup(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   struct cf_attr *ret, bool *ret_remember, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 }, child = { 0 };
	int r = cf_at_load(tree, ctx, parent, &at, err);

	*ret_remember = false;
	if (r < 0)
		return r;
	/* The kernel lets longer ones through. Every call that names something asks here first. */
	if (strlen(name) > CF_TREE_NAME_MAX)
		return cf_refuse(
			tree, ctx, parent, name,
			cf_fail(err, ENAMETOOLONG, "a name has at most %d bytes", CF_TREE_NAME_MAX),
			err);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return lookup_dots(&at, name, ret, err);
	r = cf_at_find(&at, name, &child, err);
	if (r == 0 && child.file && cf_removed_look(&at, child.file))
		return cf_fail(err, ENOENT, "'%s' was removed", name);
	if (r == 0)
		return cf_at_child_attr(&at, &child, ret, err);
	if (r == -ENOENT && lookup_staged(tree, parent, name, ret) == 0) {
		cf_err_reset(err);
		return 0;
	}
	*ret_remember = r == -ENOENT && at.dir->remember_absent;
	return r;
}

int cf_tree_getattr(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_open *open,
		    struct cf_attr *ret, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	struct cf_staged *staged = cf_staged_get(tree, ino);
	int r;

	(void)open;
	if (staged) {
		cf_staged_attr(tree, staged, ret);
		cf_staged_put(tree, staged);
		return 0;
	}
	r = cf_at_load(tree, ctx, ino, &at, err);
	if (r == 0 && at.file && !at.file->fleeting && !cf_file_present(&at, at.file) &&
	    !cf_file_creatable(&at, at.file))
		r = cf_fail(err, ESTALE, "'%s' is not there any more",
			    at.file->name ? at.file->name : "it");
	return r < 0 ? r : cf_at_attr(&at, ret, err);
}

int cf_tree_readlink(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_buf *out,
		     struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	int r = cf_at_load(tree, ctx, ino, &at, err);

	if (r == 0 && (!at.file || at.file->type != CF_FILE_LINK))
		r = cf_fail(err, EINVAL, "it is not a symbolic link");
	return r < 0 ? r : at.file->read(&at, out, err);
}
