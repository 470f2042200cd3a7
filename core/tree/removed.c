/*
 * A file that was removed and is made anew. Removing a file of a draft resets it, and it is there at
 * once. mv from elsewhere, install and cp --remove-destination remove what is in their way and then
 * make it with O_EXCL, and set its mode. To the one who removed it the name is gone for its next look,
 * can be made, and a mode is taken, as of any file that is dropped; it stays the mode of all such files.
 */
#include "core/tree/node_private.h"

/* The caller has the lock. Threads and processes that aren't known have no number. */
static bool is_removed(const struct cf_at *at, const struct cf_file *file)
{
	const struct cf_removed *removed = &at->tree->removed;

	return removed->file && removed->file == file && removed->parent == at->id &&
	       removed->pid == at->ctx->caller.pid;
}

void cf_removed_set(struct cf_at *at, const struct cf_file *file)
{
	pthread_mutex_lock(&at->tree->lock);
	at->tree->removed = (struct cf_removed){
		.file = at->ctx->caller.pid > 0 ? file : NULL,
		.parent = at->id,
		.pid = at->ctx->caller.pid,
	};
	pthread_mutex_unlock(&at->tree->lock);
}

bool cf_removed_look(struct cf_at *at, const struct cf_file *file)
{
	struct cf_removed *removed = &at->tree->removed;
	bool gone;

	pthread_mutex_lock(&at->tree->lock);
	gone = is_removed(at, file) && !removed->looked;
	removed->looked |= gone;
	pthread_mutex_unlock(&at->tree->lock);
	return gone;
}

bool cf_removed_make(struct cf_at *at, const struct cf_file *file)
{
	struct cf_removed *removed = &at->tree->removed;
	bool gone;

	pthread_mutex_lock(&at->tree->lock);
	gone = is_removed(at, file) && !removed->made;
	removed->made |= gone;
	pthread_mutex_unlock(&at->tree->lock);
	return gone;
}

bool cf_removed_made(struct cf_at *at, const struct cf_file *file)
{
	bool made;

	pthread_mutex_lock(&at->tree->lock);
	made = is_removed(at, file) && at->tree->removed.made;
	pthread_mutex_unlock(&at->tree->lock);
	return made;
}
