/* Files in memory: staging files, and for a minute what was delivered. See staged_private.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/name.h"
#include "core/crypto/decode.h"
#include "core/tree/staged_private.h"

#define FILES_MAX 64                 /* staged files at a time */
#define BYTES_MAX (16 * 1024 * 1024) /* in all of them */
#define AFTER_ACCEPTED (60 * CF_SECOND)
#define AFTER_STAGED (300 * CF_SECOND)

static void staged_free(struct cf_staged *staged)
{
	free(staged->name);
	cf_buf_done(&staged->data);
	free(staged);
}

void cf_staged_collect(struct cf_tree *tree)
{
	for (struct cf_staged **slot = &tree->staged; *slot;) {
		struct cf_staged *staged = *slot;

		if (staged->named || staged->references) {
			slot = &staged->next;
			continue;
		}
		*slot = staged->next;
		tree->staged_bytes -= staged->data.len;
		staged_free(staged);
	}
}

struct cf_staged *cf_staged_find(struct cf_tree *tree, uint64_t parent, const char *name)
{
	struct cf_staged *staged;

	pthread_mutex_lock(&tree->lock);
	for (staged = tree->staged; staged; staged = staged->next)
		if (staged->named && staged->parent == parent && !strcmp(staged->name, name))
			break;
	if (staged)
		staged->references++;
	pthread_mutex_unlock(&tree->lock);
	return staged;
}

struct cf_staged *cf_staged_get(struct cf_tree *tree, uint64_t ino)
{
	struct cf_staged *staged;

	if (ino < cf_ino(CF_KIND_STAGED, 0, 0))
		return NULL;
	pthread_mutex_lock(&tree->lock);
	for (staged = tree->staged; staged; staged = staged->next)
		if (cf_ino(CF_KIND_STAGED, 0, (int64_t)staged->id) == ino)
			break;
	if (staged)
		staged->references++;
	pthread_mutex_unlock(&tree->lock);
	return staged;
}

void cf_staged_put(struct cf_tree *tree, struct cf_staged *staged)
{
	if (!staged)
		return;
	pthread_mutex_lock(&tree->lock);
	staged->references--;
	cf_staged_collect(tree);
	pthread_mutex_unlock(&tree->lock);
}

static size_t count(const struct cf_tree *tree)
{
	size_t n = 0;

	for (const struct cf_staged *staged = tree->staged; staged; staged = staged->next)
		n += !staged->accepted;
	return n;
}

int cf_staged_create(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		     mode_t mode, struct cf_staged **ret, struct cf_err *err)
{
	struct cf_staged *staged = calloc(1, sizeof(*staged));
	char *copy = strdup(name);

	if (!staged || !copy) {
		free(staged);
		free(copy);
		return cf_fail_memory(err);
	}
	staged->name = copy;
	staged->parent = parent;
	staged->named = true;
	staged->references = 1;
	staged->mode = mode & 0777;
	staged->uid = ctx->caller.uid;
	staged->gid = ctx->caller.gid;
	staged->mtime = staged->ctime = cf_clock_now(ctx->core->clock);
	staged->since = cf_clock_ticks(ctx->core->clock);
	pthread_mutex_lock(&tree->lock);
	if (count(tree) >= FILES_MAX) {
		pthread_mutex_unlock(&tree->lock);
		staged_free(staged);
		return cf_fail(err, ENOSPC, "%d files are being copied in already", FILES_MAX);
	}
	staged->id = ++tree->last_staged;
	staged->next = tree->staged;
	tree->staged = staged;
	pthread_mutex_unlock(&tree->lock);
	*ret = staged;
	return 0;
}

void cf_staged_attr(struct cf_tree *tree, struct cf_staged *staged, struct cf_attr *ret)
{
	pthread_mutex_lock(&tree->lock);
	*ret = (struct cf_attr){
		.ino = cf_ino(CF_KIND_STAGED, 0, (int64_t)staged->id),
		.mode = S_IFREG | staged->mode,
		.nlink = staged->named,
		.uid = staged->uid,
		.gid = staged->gid,
		.size = staged->data.len,
		.mtime = staged->mtime,
		.ctime = staged->ctime,
		.forget_entry = true,
		.forget_attr = true,
	};
	pthread_mutex_unlock(&tree->lock);
}

int cf_staged_place(struct cf_tree *tree, struct cf_staged *staged, uint64_t *ret_parent,
		    struct cf_buf *out, struct cf_err *err)
{
	int r;

	pthread_mutex_lock(&tree->lock);
	*ret_parent = staged->parent;
	r = cf_buf_puts(out, staged->name, err);
	pthread_mutex_unlock(&tree->lock);
	return r;
}

/* Delivered files only answer for a while; they make room for new ones. The caller has the lock. */
static void forget_accepted(struct cf_tree *tree)
{
	for (struct cf_staged *staged = tree->staged; staged; staged = staged->next)
		if (staged->accepted && !staged->opens)
			staged->named = false;
	cf_staged_collect(tree);
}

/* Change the size; new bytes are zeros. The caller has the lock. */
static int resize(struct cf_tree *tree, struct cf_staged *staged, uint64_t size, struct cf_err *err)
{
	size_t old = staged->data.len;

	if (size > CF_DROP_MAX)
		return cf_fail(err, EFBIG, "'%s': a dropped file has at most %d bytes",
			       staged->name, CF_DROP_MAX);
	if (size > old && tree->staged_bytes + (size - old) > BYTES_MAX)
		forget_accepted(tree);
	if (size > old && tree->staged_bytes + (size - old) > BYTES_MAX)
		return cf_fail(err, ENOSPC, "too much is being copied in at a time");
	if (size > old) {
		void *room = cf_buf_room(&staged->data, (size_t)size - old, err);

		if (!room)
			return -ENOMEM;
		memset(room, 0, (size_t)size - old);
		cf_buf_seal(&staged->data, (size_t)size - old);
	} else if (size < old) {
		explicit_bzero(staged->data.data + size, old - (size_t)size);
		staged->data.len = (size_t)size;
	}
	tree->staged_bytes += (size_t)size - old;
	return 0;
}

void cf_staged_opened(struct cf_tree *tree, struct cf_staged *staged, int flags)
{
	pthread_mutex_lock(&tree->lock);
	staged->opens++;
	if (flags & O_TRUNC) {
		resize(tree, staged, 0, NULL);
		staged->refused = 0;
	}
	pthread_mutex_unlock(&tree->lock);
}

void cf_staged_closed(struct cf_tree *tree, struct cf_staged *staged)
{
	pthread_mutex_lock(&tree->lock);
	staged->opens--;
	staged->since = cf_clock_ticks(tree->core->clock);
	/* A final name that was never written to is nothing: it vanishes. */
	if (!staged->opens && !staged->accepted && !cf_name_is_staging(staged->name))
		staged->named = false;
	pthread_mutex_unlock(&tree->lock);
}

int cf_staged_read(struct cf_tree *tree, struct cf_staged *staged, uint64_t offset, size_t n,
		   struct cf_buf *out, struct cf_err *err)
{
	int r = 0;

	pthread_mutex_lock(&tree->lock);
	if (staged->secret)
		r = cf_fail(err, EACCES, "'%s' held a private key and can't be read again",
			    staged->name);
	else if (offset < staged->data.len) {
		if (n > staged->data.len - offset)
			n = staged->data.len - (size_t)offset;
		r = cf_buf_append(out, staged->data.data + offset, n, err);
	}
	pthread_mutex_unlock(&tree->lock);
	return r;
}

int cf_staged_write(struct cf_tree *tree, struct cf_staged *staged, uint64_t offset,
		    struct cf_span data, struct cf_err *err)
{
	int r = 0;

	pthread_mutex_lock(&tree->lock);
	if (offset > CF_DROP_MAX || offset + data.len > staged->data.len)
		r = resize(tree, staged, offset + data.len, err);
	if (r < 0)
		staged->refused = -r;
	if (r == 0) {
		memcpy(staged->data.data + offset, data.data, data.len);
		staged->dirty = true;
		staged->written++;
		staged->mtime = staged->ctime = cf_clock_now(tree->core->clock);
	}
	pthread_mutex_unlock(&tree->lock);
	return r;
}

int cf_staged_setattr(struct cf_tree *tree, struct cf_staged *staged, const struct cf_setattr *set,
		      struct cf_err *err)
{
	int r = 0;

	pthread_mutex_lock(&tree->lock);
	if (set->has_size) {
		r = resize(tree, staged, set->size, err);
		staged->written++;
		staged->dirty |= set->size != 0;
		staged->refused = r < 0 ? -r : set->size ? staged->refused : 0;
	}
	if (r == 0 && set->has_mode)
		staged->mode = set->mode & 0777;
	if (r == 0 && set->has_uid)
		staged->uid = set->uid;
	if (r == 0 && set->has_gid)
		staged->gid = set->gid;
	if (r == 0 && set->has_mtime) {
		staged->mtime = set->mtime;
		staged->has_mtime = true;
	}
	staged->ctime = cf_clock_now(tree->core->clock);
	pthread_mutex_unlock(&tree->lock);
	return r;
}

bool cf_staged_is_dirty(struct cf_tree *tree, struct cf_staged *staged)
{
	bool dirty;

	pthread_mutex_lock(&tree->lock);
	dirty = staged->dirty && !staged->unlinked;
	pthread_mutex_unlock(&tree->lock);
	return dirty;
}

void cf_staged_unlink(struct cf_tree *tree, struct cf_staged *staged)
{
	pthread_mutex_lock(&tree->lock);
	staged->named = false;
	staged->unlinked = true;
	cf_staged_collect(tree);
	pthread_mutex_unlock(&tree->lock);
}

bool cf_staged_any(struct cf_tree *tree, uint64_t parent)
{
	bool any = false;

	pthread_mutex_lock(&tree->lock);
	for (struct cf_staged *staged = tree->staged; staged && !any; staged = staged->next)
		any = staged->named && staged->parent == parent;
	pthread_mutex_unlock(&tree->lock);
	return any;
}

cf_time cf_staged_expire(struct cf_tree *tree, cf_time ticks)
{
	cf_time next = CF_NEVER;

	pthread_mutex_lock(&tree->lock);
	for (struct cf_staged *staged = tree->staged; staged; staged = staged->next) {
		cf_time end = staged->since + (staged->accepted ? AFTER_ACCEPTED : AFTER_STAGED);

		if (staged->opens || !staged->named)
			continue;
		if (end <= ticks)
			staged->named = false;
		else if (end < next)
			next = end;
	}
	cf_staged_collect(tree);
	pthread_mutex_unlock(&tree->lock);
	return next;
}
