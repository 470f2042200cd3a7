/* Making, removing, renaming, and setting attributes: which table allows it, and what it calls. */
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>

#include "core/base/name.h"
#include "core/tree/unable_private.h"

/* A name of certfs in this directory: fixed, or beginning with an underscore. */
static int is_own(const struct cf_at *at, const char *name, struct cf_err *err)
{
	if (cf_file_find(at->dir, name))
		return cf_fail(err, EPERM, "'%s' belongs to certfs", name);
	return 0;
}

static int load_dir(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_at *at,
		    struct cf_err *err)
{
	int r = cf_at_load(tree, ctx, ino, at, err);

	if (r == 0 && at->file)
		r = cf_fail(err, ENOTDIR, "it is not a directory");
	return r;
}

/* The procedure that follows has its own transaction; this one is over. */
static void let_go(struct cf_at *at)
{
	if (at->owns_db)
		cf_db_done(cf_take(&at->db));
}

/*
 * What a directory looks like that was made just now: for the reply when even reading it fails, since
 * an error would say that it wasn't made.
 */
static void look_new(const struct cf_at *at, uint64_t ino, struct cf_attr *ret)
{
	const struct cf_tree *tree = at->tree;

	*ret = (struct cf_attr){
		.ino = ino,
		.mode = S_IFDIR | (0755 & ~tree->options.umask),
		.nlink = 1,
		.uid = tree->options.uid,
		.gid = tree->options.gid,
		.forget_entry = true,
		.forget_attr = true,
	};
	ret->mtime = ret->ctime = cf_clock_now(tree->core->clock);
}

static int make_dir(struct cf_at *at, const char *name, struct cf_attr *ret, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at child = { 0 };
	int64_t id = 0;
	uint64_t ino;
	int r = is_own(at, name, err);

	if (r < 0)
		return r;
	if (!at->dir->mkdir)
		return cf_fail(err, EPERM, "no directory can be made in %s", at->dir->what);
	let_go(at);
	r = at->dir->mkdir(at->ctx, at->id, name, &id, err);
	if (r < 0)
		return r;
	ino = cf_ino((*at->dir->child)->kind, 0, id);
	if (cf_at_load(at->tree, at->ctx, ino, &child, NULL) < 0 ||
	    cf_at_attr(&child, ret, NULL) < 0)
		look_new(at, ino, ret);
	return 0;
}

int cf_tree_mkdir(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		  mode_t mode, struct cf_attr *ret, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	int r = load_dir(tree, ctx, parent, &at, err);

	(void)mode; /* a directory starts with the mount's mode; chmod changes it */
	if (r == 0)
		r = make_dir(&at, name, ret, err);
	return r < 0 ? cf_refuse(tree, ctx, parent, name, r, err) : 0;
}

static int remove_dir(struct cf_at *at, const char *name, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at child = { 0 };
	int64_t id;
	int r = is_own(at, name, err);

	if (r == 0)
		r = cf_at_find(at, name, &child, err);
	if (r == 0 && (child.file || !at->dir->rmdir))
		r = cf_fail(err, ENOTDIR, "'%s' is not a directory", name);
	if (r < 0)
		return r;
	id = child.id;
	let_go(at);
	return at->dir->rmdir(at->ctx, id, err);
}

int cf_tree_rmdir(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		  struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	int r = load_dir(tree, ctx, parent, &at, err);

	if (r == 0)
		r = remove_dir(&at, name, err);
	return r < 0 ? cf_refuse(tree, ctx, parent, name, r, err) : 0;
}

static int remove_file(struct cf_at *at, uint64_t parent, const char *name, struct cf_err *err)
{
	struct cf_staged *staged = cf_staged_find(at->tree, parent, name);
	const struct cf_file *file = cf_file_find(at->dir, name);
	cf_auto(cf_at_done) struct cf_at child = { 0 };
	int r;

	if (staged) {
		cf_staged_unlink(at->tree, staged);
		cf_staged_put(at->tree, staged);
	}
	/* In _trust it may be kept already, while its close(2) waits for what follows from it. */
	r = staged && !at->dir->keeps ? -ENOENT : cf_at_find(at, name, &child, err);
	if (r == -ENOENT && staged)
		cf_err_reset(err);
	if (r < 0)
		return r == -ENOENT && staged ? 0 : r;
	if (child.dir != at->dir && !child.file)
		return cf_fail(err, EISDIR, "'%s' is a directory", name);
	if (!at->dir->unlink)
		return cf_unable_change(at, file, name, "removed", err);
	if (file && file->immutable)
		return cf_fail(err, EPERM, "%s only takes what is appended; it can't be removed",
			       name);
	let_go(at);
	r = at->dir->unlink(at->ctx, at->id, name, err);
	if (r == 0 && file)
		cf_removed_set(at, file);
	return r;
}

int cf_tree_unlink(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	int r = load_dir(tree, ctx, parent, &at, err);

	if (r == 0)
		r = remove_file(&at, parent, name, err);
	return r < 0 ? cf_refuse(tree, ctx, parent, name, r, err) : 0;
}

/* Nothing may stand at the new name but what is renamed. */
static int check_target(struct cf_at *to, const char *name, const char *new_name, int64_t moving,
			struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at there = { 0 };
	struct cf_err ignored = { 0 };
	int r = cf_at_find(to, new_name, &there, &ignored);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cf_fail(err, -r, "%s", ignored.text);
	if (there.id == moving)
		return 0;
	return cf_fail(err, EEXIST, "'%s' can't be renamed or moved: there is '%s' already", name,
		       new_name);
}

static int rename_child(struct cf_at *from, const char *name, struct cf_at *to,
			const char *new_name, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at child = { 0 };
	struct cf_move move;
	int64_t id, new_id = to->id;
	int r = cf_at_find(from, name, &child, err);

	if (r < 0)
		return r;
	if (cf_file_find(from->dir, name) || !from->dir->rename)
		return cf_unable_change(from, cf_file_find(from->dir, name), name, "renamed", err);
	if (from->dir != to->dir && !to->dir->receive)
		return cf_fail(err, EPERM, "'%s' can't be moved into %s", name, to->dir->what);
	r = is_own(to, new_name, err);
	if (r == 0 && !to->dir->replaces)
		r = check_target(to, name, new_name, child.id, err);
	if (r < 0)
		return r;
	id = child.id;
	move = (struct cf_move){ .dir = child.dir,
				 .id = id,
				 .name = name,
				 .from = from->id,
				 .to = new_id,
				 .new_name = new_name };
	let_go(from);
	let_go(to);
	if (from->dir != to->dir)
		return to->dir->receive(to->ctx, &move, err);
	return from->dir->rename(from->ctx, id, name, new_id, new_name, err);
}

static int rename_any(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		      uint64_t new_parent, const char *new_name, unsigned flags, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at from = { 0 }, to = { 0 };
	struct cf_staged *staged;
	int r;

	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return cf_fail(err, EOPNOTSUPP, "names can't be exchanged here");
	staged = cf_staged_find(tree, parent, name);
	if (staged) {
		r = cf_staged_rename(tree, ctx, staged, new_parent, new_name, err);
		cf_staged_put(tree, staged);
		return r;
	}
	r = load_dir(tree, ctx, parent, &from, err);
	if (r == 0)
		r = load_dir(tree, ctx, new_parent, &to, err);
	return r < 0 ? r : rename_child(&from, name, &to, new_name, err);
}

int cf_tree_rename(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   uint64_t new_parent, const char *new_name, unsigned flags, struct cf_err *err)
{
	int r = rename_any(tree, ctx, parent, name, new_parent, new_name, flags, err);

	/* mv(1) would say "cannot move to a subdirectory of itself". */
	if (r == -EINVAL) {
		r = -EPERM;
		if (err)
			err->code = EPERM;
	}
	return r < 0 ? cf_refuse(tree, ctx, new_parent, new_name, r, err) : 0;
}

int cf_tree_special(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		    const char *what, struct cf_err *err)
{
	int r = cf_fail(err, EPERM, "'%s': a %s can't be made here%s", name, what,
			cf_dir_of(parent) == &cf_dir_services
				? "; echo SERVICE >> CERTIFICATE/services hands a service over"
				: "");

	return cf_refuse(tree, ctx, parent, name, r, err);
}

/* Of a file in a table: times of what can be written, and nothing that is another value. */
static int setattr_file(struct cf_at *at, const struct cf_setattr *set, struct cf_err *err)
{
	const struct cf_file *file = at->file;
	const char *name = file->name ? file->name : "this file";
	struct cf_attr now;
	/* cp, install and rsync set these afterwards */
	bool taken = file->deliver || file->compose || cf_removed_made(at, file);
	int r = cf_at_attr(at, &now, err);

	if (r < 0)
		return r;
	if (file->immutable)
		return cf_fail(err, EPERM,
			       "%s only takes what is appended; size, mode, owner and times stay",
			       name);
	if (!(set->has_mode || set->has_uid || set->has_gid) && !(cf_file_mode(at, file) & 0222) &&
	    !taken)
		return cf_fail(err, EPERM, "%s has no times that could be set", name);
	if ((set->has_mode && !taken && (set->mode & 07777) != (now.mode & 07777)) ||
	    (set->has_uid && set->uid != now.uid) || (set->has_gid && set->gid != now.gid))
		return cf_fail(err, EPERM,
			       "owner and mode of %s are those of its directory; set them there",
			       name);
	/* touch(1) of a fresh, unwritten request.csr: make it from the draft's own files. */
	if (set->has_mtime && file->compose && cf_file_creatable(at, file) &&
	    !cf_open_is_written(at->tree, cf_at_ino(at))) {
		let_go(at);
		r = file->compose(at->ctx, at->id, NULL, 0, err);
	}
	return r;
}

/* truncate(2): what a handle wrote so far is forgotten; what is committed stays until it is replaced. */
static int truncate_file(struct cf_at *at, struct cf_open *open, const struct cf_setattr *set,
			 struct cf_err *err)
{
	const struct cf_file *file = at->file;

	if (file->immutable)
		return cf_fail(err, EPERM, "%s only takes what is appended", file->name);
	if (!(cf_file_mode(at, file) & 0222))
		return cf_unable_write(at, file, err);
	if (set->size && cf_open_holds(open, set->size))
		return 0;
	if (set->size)
		return cf_fail(err, EINVAL, "a size other than 0 can't be set here");
	if (open && !open->staged) {
		pthread_mutex_lock(&open->lock);
		cf_lines_forget(open);
		open->refused = 0;
		cf_err_reset(&open->refusal);
		pthread_mutex_unlock(&open->lock);
	}
	return 0;
}

struct cf_access cf_access_of(const struct cf_setattr *set)
{
	return (struct cf_access){
		.uid = set->has_uid ? (int64_t)set->uid : -1,
		.gid = set->has_gid ? (int64_t)set->gid : -1,
		.mode = set->has_mode ? (int64_t)(set->mode & 0777) : -1,
	};
}

static int setattr_dir(struct cf_at *at, const struct cf_setattr *set, struct cf_err *err)
{
	if (!(set->has_mode || set->has_uid || set->has_gid || at->file))
		return 0; /* touch of a directory: its times are when its content changed */
	if (!at->dir->access || (!at->file && at->dir->kind == CF_KIND_TRUST))
		return cf_fail(err, EPERM, "owner and mode of %s are the mount's (-o uid=, gid=)",
			       at->dir->what);
	if (at->file && (set->has_uid || set->has_gid))
		return cf_fail(err, EPERM, "the owner of a file in _trust is the mount's");
	let_go(at);
	return at->dir->access(at->ctx, at->id, set, err);
}

static int setattr_node(struct cf_at *at, struct cf_open *open, const struct cf_setattr *set,
			struct cf_err *err)
{
	bool fixed = at->file && at->file->name;
	int r = 0;

	if (at->dir->deleted && (at->file || set->has_mode || set->has_uid || set->has_gid))
		return cf_fail(err, EPERM,
			       "what lies in _deleted can't be changed; mv brings it back");
	if (set->has_size)
		r = at->file ? truncate_file(at, open, set, err)
			     : cf_fail(err, EISDIR, "it is a directory");
	if (r < 0 ||
	    !(set->has_mode || set->has_uid || set->has_gid || set->has_mtime || set->has_atime))
		return r;
	return fixed ? setattr_file(at, set, err) : setattr_dir(at, set, err);
}

int cf_tree_setattr(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_open *open,
		    const struct cf_setattr *set, struct cf_attr *ret, struct cf_err *err)
{
	struct cf_staged *staged = cf_staged_get(tree, ino);
	int r;

	if (staged) {
		r = cf_staged_setattr(tree, staged, set, err);
		cf_staged_attr(tree, staged, ret);
		cf_staged_put(tree, staged);
	} else {
		cf_auto(cf_at_done) struct cf_at at = { 0 };

		r = cf_at_load(tree, ctx, ino, &at, err);
		if (r == 0)
			r = setattr_node(&at, open, set, err);
		if (r == 0)
			r = cf_tree_getattr(tree, ctx, ino, open, ret, err);
	}
	return r < 0 ? cf_refuse(tree, ctx, ino, NULL, r, err) : 0;
}

int cf_tree_get_flags(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, unsigned *ret,
		      struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	struct cf_staged *staged = cf_staged_get(tree, ino);
	int r = staged ? 0 : cf_at_load(tree, ctx, ino, &at, err);

	cf_staged_put(tree, staged);
	if (r == 0)
		*ret = at.file && at.file->immutable ? FS_APPEND_FL : 0;
	return r;
}

int cf_tree_set_flags(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, unsigned flags,
		      struct cf_err *err)
{
	unsigned now = 0;
	int r = cf_tree_get_flags(tree, ctx, ino, &now, err);

	if (r == 0 && flags != now)
		r = cf_fail(err, EPERM, "flags can't be changed here");
	return r < 0 ? cf_refuse(tree, ctx, ino, NULL, r, err) : 0;
}
