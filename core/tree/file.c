/* Open files: who may, what is read, and how what is written reaches a procedure. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/name.h"
#include "core/base/text.h"
#include "core/procedures/export.h"
#include "core/tree/unable_private.h"

static bool writes(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

/* Root passes the kernel's mode bits, so they are looked at again here. */
int cf_file_may_open(const struct cf_at *at, int flags, struct cf_err *err)
{
	const struct cf_file *file = at->file;
	const char *name = file->name ? file->name : "this file";
	bool creatable = cf_file_creatable(at, file);

	if (!writes(flags) && !(flags & O_TRUNC))
		return 0;
	if (!(cf_file_mode(at, file) & 0222) || (!cf_file_present(at, file) && !creatable))
		return cf_unable_write(at, file, err);
	if (!file->append)
		return 0;
	if ((flags & O_ACCMODE) != O_WRONLY || !(flags & O_APPEND) || (flags & O_TRUNC))
		return cf_fail(err, EPERM,
			       "%s only takes what is appended: echo SMTP >> %s; it can't be "
			       "opened in another way",
			       name, name);
	return 0;
}

static int open_staged(struct cf_tree *tree, struct cf_staged *staged, uint64_t ino, int flags,
		       struct cf_open **ret, struct cf_open_hints *hints, struct cf_err *err)
{
	struct cf_open *open = cf_open_new(ino, err);

	if (!open) {
		cf_staged_put(tree, staged);
		return -ENOMEM;
	}
	open->staged = staged; /* with its reference */
	cf_staged_opened(tree, staged, flags);
	hints->direct_io = true;
	hints->no_flush = !writes(flags);
	*ret = open;
	return 0;
}

/* What a handle starts with: of a value that is appended to, the value. */
static int start(struct cf_at *at, int flags, struct cf_open *open, struct cf_err *err)
{
	const struct cf_file *file = at->file;
	int r = 0;

	if (writes(flags) && file->add_to && (flags & O_APPEND) && !(flags & O_TRUNC))
		r = file->read(at, &open->in, err);
	if (r == 0 && !writes(flags) && file->secret)
		r = file->read(at, &open->snapshot, err);
	if (r == 0 && !writes(flags) && file->render)
		r = file->render(at, &(struct cf_page){ .out = &open->snapshot }, err);
	return r;
}

static int open_file(struct cf_at *at, int flags, struct cf_open **ret, struct cf_open_hints *hints,
		     struct cf_err *err)
{
	cf_auto(cf_open_free) struct cf_open *open = NULL;
	const struct cf_file *file = at->file;
	bool writable = cf_file_mode(at, file) & 0222;
	int r = cf_file_may_open(at, flags, err);

	if (r < 0)
		return r;
	hints->direct_io = writable || file->secret || file->render;
	hints->keep_cache = !hints->direct_io && !file->volatile_;
	hints->no_flush = !writes(flags);
	hints->secret = file->secret;
	*ret = NULL;
	if (!writes(flags) && !file->secret && !file->render)
		return 0;
	open = cf_open_new(cf_at_ino(at), err);
	if (!open)
		return -ENOMEM;
	open->dir = at->dir;
	open->file = file;
	open->id = at->id;
	r = start(at, flags, open, err);
	if (r < 0)
		return r;
	if (file->compose)
		cf_open_list(at->tree, open);
	*ret = cf_take(&open);
	return 0;
}

int cf_tree_open(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, int flags,
		 struct cf_open **ret, struct cf_open_hints *ret_hints, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	struct cf_staged *staged = cf_staged_get(tree, ino);
	int r;

	*ret_hints = (struct cf_open_hints){ 0 };
	if (staged)
		return open_staged(tree, staged, ino, flags, ret, ret_hints, err);
	r = cf_at_load(tree, ctx, ino, &at, err);
	if (r == 0 && (!at.file || at.file->type != CF_FILE))
		r = cf_fail(err, EISDIR, "it is a directory");
	if (r == 0)
		r = open_file(&at, flags, ret, ret_hints, err);
	return r < 0 && writes(flags) ? cf_refuse(tree, ctx, ino, NULL, r, err) : r;
}

/* CREATE of a fixed name: the kernel had forgotten that it is there, or it comes to be. */
static int create_fixed(struct cf_at *at, const struct cf_file *file, int flags,
			struct cf_attr *ret_attr, struct cf_open **ret, struct cf_open_hints *hints,
			struct cf_err *err)
{
	bool present = cf_file_present(at, file);
	int r;

	if (file->type != CF_FILE)
		return cf_fail(err, EISDIR, "'%s' is a directory", file->name);
	if (present && (flags & O_EXCL) && !cf_removed_make(at, file))
		return cf_fail(err, EEXIST, "'%s' is there", file->name);
	if (!present && !cf_file_creatable(at, file))
		return cf_unable_write(at, file, err);
	at->file = file;
	r = cf_at_attr(at, ret_attr, err);
	if (r == 0)
		r = open_file(at, flags, ret, hints, err);
	ret_attr->forget_entry = ret_attr->forget_attr = true;
	return r;
}

static int create_staged(struct cf_at *at, uint64_t parent, const char *name, mode_t mode,
			 struct cf_staged **ret, struct cf_err *err)
{
	bool drop = at->dir->deliver && at->dir->takes(name);
	bool staging = (at->dir->deliver || at->dir->stages) && cf_name_is_staging(name);

	if (!drop && !staging)
		return cf_unable_drop(at, name, err);
	return cf_staged_create(at->tree, at->ctx, parent, name, mode, ret, err);
}

static int create(struct cf_at *at, uint64_t parent, const char *name, mode_t mode, int flags,
		  struct cf_attr *ret_attr, struct cf_open **ret, struct cf_open_hints *hints,
		  struct cf_err *err)
{
	const struct cf_file *file = cf_file_find(at->dir, name);
	struct cf_staged *staged = cf_staged_find(at->tree, parent, name);
	int r;

	if (file && !file->deliver) {
		cf_staged_put(at->tree, staged);
		return create_fixed(at, file, flags, ret_attr, ret, hints, err);
	}
	if (file && !cf_file_creatable(at, file) && !staged)
		return create_fixed(at, file, flags, ret_attr, ret, hints, err);
	if (staged && (flags & O_EXCL)) {
		cf_staged_put(at->tree, staged);
		return cf_fail(err, EEXIST, "'%s' is there", name);
	}
	r = staged ? 0 : create_staged(at, parent, name, mode, &staged, err);
	if (r < 0)
		return r;
	cf_staged_attr(at->tree, staged, ret_attr);
	return open_staged(at->tree, staged, ret_attr->ino, flags, ret, hints, err);
}

int cf_tree_create(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   mode_t mode, int flags, struct cf_attr *ret_attr, struct cf_open **ret,
		   struct cf_open_hints *ret_hints, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	int r = cf_at_load(tree, ctx, parent, &at, err);

	*ret_hints = (struct cf_open_hints){ 0 };
	if (r == 0)
		r = create(&at, parent, name, mode, flags, ret_attr, ret, ret_hints, err);
	return r < 0 ? cf_refuse(tree, ctx, parent, name, r, err) : 0;
}

static int slice(const struct cf_buf *content, uint64_t offset, size_t n, struct cf_buf *out,
		 struct cf_err *err)
{
	if (offset >= content->len)
		return 0;
	if (n > content->len - offset)
		n = content->len - (size_t)offset;
	return cf_buf_append(out, content->data + offset, n, err);
}

/* The first byte of a key leaves only after the audit log says so. */
static int read_secret(struct cf_ctx *ctx, struct cf_open *open, uint64_t offset, size_t n,
		       struct cf_buf *out, struct cf_err *err)
{
	struct cf_err why = { 0 };
	int r = 0;

	pthread_mutex_lock(&open->lock);
	if (!open->recorded)
		r = cf_export_record(ctx, open->id, open->file->name, &why);
	if (r == 0)
		open->recorded = true;
	pthread_mutex_unlock(&open->lock);
	if (r < 0)
		return cf_fail(err, EIO, "%s can't be read while that can't be recorded: %s",
			       open->file->name, why.text);
	return slice(&open->snapshot, offset, n, out, err);
}

int cf_tree_read(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_open *open,
		 uint64_t offset, size_t n, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	cf_auto(cf_buf_done) struct cf_buf content = { 0 };
	int r;

	if (open && open->staged)
		return cf_staged_read(tree, open->staged, offset, n, out, err);
	if (open && open->file->secret)
		return read_secret(ctx, open, offset, n, out, err);
	if (open && open->file->render)
		return slice(&open->snapshot, offset, n, out, err);
	r = cf_at_load(tree, ctx, ino, &at, err);
	if (r < 0)
		return r;
	if (!at.file || at.file->write_only)
		return 0;
	if (!cf_file_present(&at, at.file))
		return cf_file_creatable(&at, at.file)
			       ? 0
			       : cf_fail(err, ESTALE, "%s is not there any more", at.file->name);
	if (at.file->read_part)
		return at.file->read_part(&at, offset, n, out, err);
	r = at.file->read(&at, &content, err);
	return r < 0 ? r : slice(&content, offset, n, out, err);
}

/* A drop onto a fixed name: kept, and judged at close(2). */
static int write_deliver(struct cf_open *open, uint64_t offset, struct cf_span data,
			 struct cf_err *err)
{
	size_t end = (size_t)offset + data.len;

	if (offset > open->in.len)
		return cf_fail(err, EINVAL, "a hole in what is written");
	if (end > open->in.len) {
		if (!cf_buf_room(&open->in, end - open->in.len, err))
			return -ENOMEM;
		cf_buf_seal(&open->in, end - open->in.len);
	}
	memcpy(open->in.data + offset, data.data, data.len);
	open->dirty = true;
	return 0;
}

static int write_row(struct cf_ctx *ctx, struct cf_open *open, uint64_t offset, struct cf_span data,
		     struct cf_err *err)
{
	const struct cf_file *file = open->file;
	int r;

	if (open->received + data.len > file->limit)
		return cf_fail(err, EFBIG, "%s takes at most %zu bytes",
			       file->name ? file->name : "this file", file->limit);
	if (file->set)
		r = cf_lines_set(ctx, open, offset, data, err);
	else if (file->append)
		r = cf_lines_append(ctx, open, data, err);
	else if (file->compose)
		r = cf_lines_compose(ctx, open, data, err);
	else
		r = write_deliver(open, offset, data, err);
	if (r == 0)
		open->received += data.len;
	return r;
}

/*
 * A part that was refused makes the rest worth nothing: of a dropped file, which close(2) refuses,
 * and of a request, since a shell that writes line by line goes on with the next one.
 */
static int write_locked(struct cf_ctx *ctx, struct cf_open *open, uint64_t offset,
			struct cf_span data, struct cf_err *err)
{
	int r;

	if (open->refused && open->file->compose)
		return cf_fail(err, open->refused, "%s", open->refusal.text);
	r = write_row(ctx, open, offset, data, err);
	if (r == 0 || !(open->file->deliver || open->file->compose))
		return r;
	open->refused = -r;
	if (open->file->compose) {
		cf_lines_forget(open);
		cf_fail(&open->refusal, -r, "%s", err ? err->text : "");
	}
	return r;
}

int cf_tree_write(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_open *open, uint64_t offset,
		  struct cf_span data, struct cf_err *err)
{
	int r;

	if (open->staged) {
		r = cf_staged_write(tree, open->staged, offset, data, err);
	} else {
		pthread_mutex_lock(&open->lock);
		r = write_locked(ctx, open, offset, data, err);
		pthread_mutex_unlock(&open->lock);
	}
	return r < 0 ? cf_refuse(tree, ctx, open->ino, NULL, r, err) : 0;
}

/* A child that exits flushes too: without anything new there is nothing to do. */
static int flush_row(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_open *open,
		     struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	const char *name = open->file->name;
	int r;

	if (open->file->append || open->file->compose || open->file->set)
		return cf_lines_flush(ctx, open, err);
	if (!open->file->deliver || !open->dirty)
		return 0;
	if (open->refused)
		return cf_fail(err, open->refused, "a part of it was refused, so nothing is taken");
	r = cf_at_load(tree, ctx, open->ino, &at, err);
	if (r < 0)
		return r;
	cf_db_done(cf_take(&at.db));
	if (!name)
		name = open->dir->name(&at);
	r = open->dir->deliver(ctx, open->id, name, cf_span_buf(&open->in), 0644, 0, err);
	if (r == 0)
		open->dirty = false;
	return r;
}

int cf_tree_flush(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_open *open,
		  struct cf_err *err)
{
	int r;

	if (open->staged) {
		r = cf_staged_flush(tree, ctx, open->staged, err);
	} else if (pthread_mutex_trylock(&open->lock) == 0) {
		r = flush_row(tree, ctx, open, err);
		pthread_mutex_unlock(&open->lock);
	} else {
		r = 0; /* another process writes through this handle, and will close it too */
	}
	return r < 0 ? cf_refuse(tree, ctx, open->ino, NULL, r, err) : 0;
}

void cf_tree_release(struct cf_tree *tree, struct cf_open *open)
{
	if (open && open->staged) {
		cf_staged_closed(tree, open->staged);
		cf_staged_put(tree, open->staged);
	}
	if (open && open->file && open->file->compose)
		cf_open_unlist(tree, open);
	cf_open_free(open);
}
