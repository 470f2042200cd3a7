/*
 * Dropped files. What is created under a staging or final name lies in memory; a final name is
 * judged at close(2), and a staging name when it is renamed to its final one. Programs set times
 * and modes by path after the last close, so an accepted file goes on answering for a minute,
 * unlisted. A refused one is gone at once, but its handle keeps the bytes: more may be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/name.h"
#include "core/base/text.h"
#include "core/tree/staged_private.h"
#include "core/tree/unable_private.h"

/* What is judged: a copy, so that nobody waits for it. */
struct judged {
	struct cf_buf data;
	uint64_t written;
	mode_t mode;
	cf_time mtime;
};

static int copy(struct cf_tree *tree, const struct cf_staged *staged, struct judged *ret,
		struct cf_err *err)
{
	int r;

	pthread_mutex_lock(&tree->lock);
	r = staged->refused
		    ? cf_fail(err, staged->refused,
			      "'%s': a part of it was refused, so nothing is taken", staged->name)
		    : cf_buf_append(&ret->data, staged->data.data, staged->data.len, err);
	ret->written = staged->written;
	ret->mode = staged->mode;
	ret->mtime = staged->has_mtime ? staged->mtime : 0;
	pthread_mutex_unlock(&tree->lock);
	return r;
}

/* Give the bytes to what the name in the directory stands for. */
static int deliver(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   const struct judged *judged, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	struct cf_span bytes = cf_span_buf(&judged->data);
	const struct cf_file *file;
	int r;

	ctx->held_key = false;
	r = cf_at_load(tree, ctx, parent, &at, err);
	if (r < 0)
		return r;
	file = cf_file_find(at.dir, name);
	if (file && file->append)
		return cf_fail(err, EPERM, "%s only takes what is appended; it can't be replaced",
			       name);
	if (file && !cf_file_creatable(&at, file)) {
		at.file = file;
		r = cf_file_may_open(&at, O_WRONLY, err);
	}
	cf_db_done(cf_take(&at.db)); /* the procedure has its own transaction */
	if (r == 0 && file && file->set) {
		r = cf_text_normalize(bytes, &text, err);
		if (r == 0 && text.len && memchr(text.data, '\0', text.len))
			r = cf_fail(err, EINVAL, "%s: a value has no NUL", name);
		return r < 0 ? r : file->set(ctx, at.id, file, cf_buf_text(&text), err);
	}
	if (r == 0 && file && file->compose)
		return cf_lines_whole(ctx, at.id, file, bytes, err);
	if (r == 0 &&
	    (!at.dir->deliver || (file && !file->deliver) || (!file && !at.dir->takes(name))))
		r = cf_unable_drop(&at, name, err);
	if (r == 0)
		r = at.dir->deliver(ctx, at.id, name, bytes, judged->mode, judged->mtime, err);
	return r;
}

/* A file of that name is listed from now on; the one in memory would only hide it. */
static bool is_kept(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };

	if (cf_at_load(tree, ctx, parent, &at, NULL) < 0)
		return false;
	return at.dir->keeps || cf_file_find(at.dir, name);
}

int cf_staged_flush(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_staged *staged,
		    struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf name = { 0 };
	struct judged judged = { 0 };
	uint64_t parent;
	bool kept;
	int r;

	r = cf_staged_place(tree, staged, &parent, &name, err);
	if (r < 0)
		return r;
	if (!cf_staged_is_dirty(tree, staged) || cf_name_is_staging(cf_buf_text(&name)))
		return 0;
	r = copy(tree, staged, &judged, err);
	if (r == 0)
		r = deliver(tree, ctx, parent, cf_buf_text(&name), &judged, err);
	cf_buf_done(&judged.data);
	kept = r == 0 && is_kept(tree, ctx, parent, cf_buf_text(&name));
	pthread_mutex_lock(&tree->lock);
	staged->accepted = r == 0;
	staged->secret |= r == 0 && ctx->held_key;
	staged->named = r == 0 && !kept && !staged->unlinked;
	if (r == 0 && staged->written == judged.written)
		staged->dirty = false;
	pthread_mutex_unlock(&tree->lock);
	return r;
}

/* Under its new name, a string that is taken over. What had that name before is gone. */
static void renamed(struct cf_tree *tree, struct cf_staged *staged, uint64_t new_parent,
		    char *new_name)
{
	pthread_mutex_lock(&tree->lock);
	for (struct cf_staged *other = tree->staged; other; other = other->next)
		if (other != staged && other->parent == new_parent &&
		    !strcmp(other->name, new_name))
			other->named = false;
	free(staged->name);
	staged->name = new_name;
	staged->parent = new_parent;
	staged->since = cf_clock_ticks(tree->core->clock);
	cf_staged_collect(tree);
	pthread_mutex_unlock(&tree->lock);
}

/* A new name for bytes that are not judged now: a staging name, or what was accepted, in its place. */
static int is_only_renamed(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_staged *staged,
			   uint64_t new_parent, const char *new_name, bool *ret, struct cf_err *err)
{
	cf_auto(cf_at_done) struct cf_at at = { 0 };
	bool staging = cf_name_is_staging(new_name);
	int r = cf_at_load(tree, ctx, new_parent, &at, err);

	*ret = false;
	if (r < 0 || cf_file_find(at.dir, new_name))
		return r;
	if (!at.dir->deliver || (!staging && !at.dir->takes(new_name)))
		return cf_unable_drop(&at, new_name, err);
	*ret = staging || (staged->accepted && staged->parent == new_parent);
	return 0;
}

int cf_staged_rename(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_staged *staged,
		     uint64_t new_parent, const char *new_name, struct cf_err *err)
{
	cf_auto(cf_free) char *name = strdup(new_name);
	struct judged judged = { 0 };
	bool kept, only_renamed;
	int r = is_only_renamed(tree, ctx, staged, new_parent, new_name, &only_renamed, err);

	if (r == 0 && !name)
		r = cf_fail_memory(err);
	if (r < 0)
		return r;
	if (only_renamed) {
		renamed(tree, staged, new_parent, cf_take(&name));
		return 0;
	}
	r = copy(tree, staged, &judged, err);
	if (r == 0)
		r = deliver(tree, ctx, new_parent, new_name, &judged, err);
	cf_buf_done(&judged.data);
	if (r < 0)
		return r;
	kept = is_kept(tree, ctx, new_parent, new_name);
	renamed(tree, staged, new_parent, cf_take(&name));
	pthread_mutex_lock(&tree->lock);
	staged->accepted = true;
	staged->secret |= ctx->held_key;
	staged->named = !kept;
	if (staged->written == judged.written)
		staged->dirty = false;
	pthread_mutex_unlock(&tree->lock);
	return 0;
}
