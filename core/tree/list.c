/* Listing a directory: READDIR is a query from a cookie, nothing is kept between two. */
#include <errno.h>

#include "core/tree/node_private.h"

/* A cookie is what comes next: rows by their place in the table, then children by id. */
enum {
	COOKIE_DOT = 0,
	COOKIE_DOTDOT = 1,
	COOKIE_ROWS = 2,
};

#define COOKIE_CHILDREN (UINT64_C(1) << 62)

/* "." and "..". The kernel takes nothing but type and number from these. */
static int list_dots(struct cf_at *at, uint64_t *cookie, cf_tree_entry_fn *entry, void *arg,
		     struct cf_err *err)
{
	struct cf_attr attr;
	int r = cf_at_attr(at, &attr, err);

	if (r < 0)
		return r;
	if (*cookie == COOKIE_DOT && !entry(arg, ".", &attr, ++*cookie))
		return 1;
	attr.ino = at->dir->parent(at);
	if (*cookie == COOKIE_DOTDOT && !entry(arg, "..", &attr, ++*cookie))
		return 1;
	return 0;
}

/* The fixed names. 1: no more fits. */
static int list_rows(struct cf_at *at, uint64_t *cookie, cf_tree_entry_fn *entry, void *arg,
		     struct cf_err *err)
{
	size_t n = 0;

	while (at->dir->files[n].row)
		n++;
	for (; *cookie - COOKIE_ROWS < n; ++*cookie) {
		const struct cf_file *file = &at->dir->files[*cookie - COOKIE_ROWS];
		cf_auto(cf_at_done) struct cf_at child = { 0 };
		struct cf_attr attr;
		int r;

		if (!file->name || !cf_file_present(at, file))
			continue;
		r = cf_at_enter(at, file, &child, err);
		if (r == 0)
			r = cf_at_child_attr(at, &child, &attr, err);
		if (r < 0)
			return r;
		if (!entry(arg, file->name, &attr, *cookie + 1))
			return 1;
	}
	*cookie = COOKIE_CHILDREN;
	return 0;
}

static int list_children(struct cf_at *at, uint64_t cookie, cf_tree_entry_fn *entry, void *arg,
			 struct cf_err *err)
{
	int64_t after = (int64_t)(cookie & ~COOKIE_CHILDREN);

	for (;;) {
		cf_auto(cf_at_done) struct cf_at child = { 0 };
		struct cf_attr attr;
		int r;

		cf_at_child(at, *at->dir->child, &child);
		if (at->dir->child_row)
			child.file = cf_file_numbered(at->dir, at->dir->child_row);
		r = at->dir->next(at, after, &child, err);
		if (r <= 0)
			return r;
		after = child.id;
		r = cf_at_attr(&child, &attr, err);
		if (r < 0)
			return r;
		if (!entry(arg, at->dir->name(&child), &attr, COOKIE_CHILDREN | (uint64_t)after))
			return 0;
	}
}

int cf_tree_list(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, uint64_t cookie,
		 cf_tree_entry_fn *entry, void *arg, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	int r = cf_at_load(tree, ctx, ino, &at, err);

	if (r == 0 && at.file)
		r = cf_fail(err, ENOTDIR, "it is not a directory");
	if (r == 0 && cookie < COOKIE_ROWS)
		r = list_dots(&at, &cookie, entry, arg, err);
	if (r == 0 && cookie < COOKIE_CHILDREN)
		r = list_rows(&at, &cookie, entry, arg, err);
	if (r == 0 && at.dir->next)
		r = list_children(&at, cookie, entry, arg, err);
	return r < 0 ? r : 0;
}
