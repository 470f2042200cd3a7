/* _trust: the files of CAs, as they were dropped. */
#include <errno.h>

#include "core/base/name.h"
#include "core/procedures/trust.h"
#include "core/tree/node_private.h"

static int load(struct cf_at *at, struct cf_err *err)
{
	int r = at->file ? cf_store_trust_get(at->db, at->id, &at->trust, err) : 0;

	if (r == -ENOENT) {
		cf_err_reset(err);
		return cf_fail(err, ESTALE, "the file is no longer in _trust");
	}
	if (r == 0 && at->trust.damaged)
		r = cf_fail_damaged(err, at->trust.name);
	return r;
}

static void attr(const struct cf_at *at, struct cf_attr *ret)
{
	ret->uid = at->tree->options.uid;
	ret->gid = at->tree->options.gid;
	ret->mode = 0755;
	ret->mtime = at->root.t_trust ? at->root.t_trust : at->root.mtime;
	ret->ctime = ret->mtime;
	if (at->file) {
		ret->mtime = at->trust.mtime;
		ret->ctime = at->trust.ctime;
	}
}

static uint64_t parent(const struct cf_at *at)
{
	(void)at;
	return CF_TREE_ROOT;
}

static int find(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_trust_find(at->db, name, &child->trust, err);

	child->id = child->trust.id;
	return r;
}

static int next(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_trust_next(at->db, after, &child->trust, err);

	child->id = child->trust.id;
	return r;
}

static const char *child_name(const struct cf_at *child)
{
	return child->trust.name;
}

static int remove_file(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_err *err)
{
	(void)id;
	return cf_trust_remove(ctx, name, err);
}

static int rename_file(struct cf_ctx *ctx, int64_t child, const char *name, int64_t new_id,
		       const char *new_name, struct cf_err *err)
{
	(void)child;
	(void)new_id;
	return cf_trust_rename(ctx, name, new_name, err);
}

static int deliver(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_span bytes,
		   mode_t mode, cf_time mtime, struct cf_err *err)
{
	(void)id;
	return cf_trust_put(ctx, name, bytes, mode, mtime, err);
}

static bool takes(const char *name)
{
	return cf_name_is_drop(name) || cf_name_is_crl(name);
}

static int set_access(struct cf_ctx *ctx, int64_t id, const struct cf_setattr *set,
		      struct cf_err *err)
{
	return cf_trust_attr(ctx, id, set->has_mode ? (int64_t)(set->mode & 0777) : -1,
			     set->has_mtime ? set->mtime : 0, err);
}

static int read_file(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_buf_append(out, at->trust.data.data, at->trust.data.len, err);
}

static uint64_t file_size(const struct cf_at *at)
{
	return at->trust.data.len;
}

#define ROW_FILE 1

static const struct cf_file files[] = {
	{
		.row = ROW_FILE,
		.mode = 0644,
		.limit = CF_DROP_MAX,
		.read = read_file,
		.size = file_size,
		.deliver = true,
	},
	{ 0 },
};

static const struct cf_dir *const self = &cf_dir_trust;

const struct cf_dir cf_dir_trust = {
	.kind = CF_KIND_TRUST,
	.what = "_trust",
	.files = files,
	.load = load,
	.attr = attr,
	.parent = parent,
	.child = &self,
	.child_row = ROW_FILE,
	.find = find,
	.next = next,
	.name = child_name,
	.unlink = remove_file,
	.rename = rename_file,
	.deliver = deliver,
	.takes = takes,
	.keeps = true,
	.access = set_access,
};
