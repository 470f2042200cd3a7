/* The handles of open files: making and releasing them, and which of them write a request. */
#include <stdlib.h>

#include "core/tree/node_private.h"

void cf_open_free(struct cf_open *open)
{
	if (!open)
		return;
	pthread_mutex_destroy(&open->lock);
	cf_buf_done(&open->in);
	cf_buf_done(&open->snapshot);
	cf_lines_free(open->lines);
	free(open);
}

struct cf_open *cf_open_new(uint64_t ino, struct cf_err *err)
{
	struct cf_open *open = calloc(1, sizeof(*open));

	if (!open) {
		cf_fail_memory(err);
		return NULL;
	}
	open->ino = ino;
	pthread_mutex_init(&open->lock, NULL);
	return open;
}

/* Handles that write a request are known to the tree: what was written decides what touch means. */
void cf_open_list(struct cf_tree *tree, struct cf_open *open)
{
	pthread_mutex_lock(&tree->lock);
	open->next = tree->composing;
	tree->composing = open;
	pthread_mutex_unlock(&tree->lock);
}

void cf_open_unlist(struct cf_tree *tree, struct cf_open *open)
{
	pthread_mutex_lock(&tree->lock);
	for (struct cf_open **slot = &tree->composing; *slot; slot = &(*slot)->next) {
		if (*slot != open)
			continue;
		*slot = open->next;
		break;
	}
	pthread_mutex_unlock(&tree->lock);
}

bool cf_open_is_written(struct cf_tree *tree, uint64_t ino)
{
	bool written = false;

	pthread_mutex_lock(&tree->lock);
	for (const struct cf_open *open = tree->composing; open && !written; open = open->next)
		written = open->ino == ino && open->received;
	pthread_mutex_unlock(&tree->lock);
	return written;
}

bool cf_open_holds(struct cf_open *open, uint64_t size)
{
	bool same;

	if (!open || open->staged)
		return false;
	pthread_mutex_lock(&open->lock);
	same = open->in.len == size;
	pthread_mutex_unlock(&open->lock);
	return same;
}
