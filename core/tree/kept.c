/*
 * Sizes and times of files that are made of many rows. stat(2) and listings need them, so they
 * are kept with the number of the state they were rendered from; a file that nothing of the
 * server changed since, and no date, isn't rendered again.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/tree/kept_private.h"
#include "core/tree/node_private.h"

#define SLOTS 256 /* files that share one are rendered more often, and that is all */

struct slot {
	uint64_t ino;         /* 0: nothing is kept */
	int64_t version;      /* of its server, or of the whole store */
	int64_t root_version; /* of the root row, whose passwords count for all */
	cf_time until;        /* it stays while no earlier than this has come */
	uint64_t size;
	cf_time time;
	bool outdated; /* very likely; only the versions above decide */
};

struct cf_kept {
	pthread_mutex_t lock;
	struct slot slots[SLOTS];
};

struct cf_kept *cf_kept_new(void)
{
	struct cf_kept *kept = calloc(1, sizeof(*kept));

	if (kept)
		pthread_mutex_init(&kept->lock, NULL);
	return kept;
}

void cf_kept_free(struct cf_kept *kept)
{
	if (!kept)
		return;
	pthread_mutex_destroy(&kept->lock);
	free(kept);
}

/* The root has a slot of its own, which every listing of it needs. One file of a directory has it. */
static struct slot *slot_of(struct cf_kept *kept, int64_t id)
{
	return &kept->slots[id ? 1 + id % (SLOTS - 1) : 0];
}

static bool is_kept(struct cf_at *at, const struct slot *now, struct slot *ret)
{
	struct cf_kept *kept = at->tree->kept;
	struct slot *slot = slot_of(kept, at->id);
	bool same;

	pthread_mutex_lock(&kept->lock);
	same = slot->ino == now->ino && slot->version == now->version &&
	       slot->root_version == now->root_version && at->now < slot->until;
	if (same) {
		slot->outdated = false; /* it was rendered between the change and its notice */
		*ret = *slot;
	}
	pthread_mutex_unlock(&kept->lock);
	return same;
}

static void keep(struct cf_at *at, const struct slot *now)
{
	struct cf_kept *kept = at->tree->kept;

	pthread_mutex_lock(&kept->lock);
	*slot_of(kept, at->id) = *now;
	pthread_mutex_unlock(&kept->lock);
}

int cf_kept_size(struct cf_at *at, uint64_t *ret_size, cf_time *ret_time, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	struct cf_page page = { .out = &text };
	struct slot slot = { .ino = cf_at_ino(at), .root_version = at->root.version };
	int r = cf_store_version(at->db, at->id, &slot.version, err);

	if (r < 0)
		return r;
	if (!is_kept(at, &slot, &slot)) {
		r = at->file->render(at, &page, err);
		if (r < 0)
			return r;
		slot.size = text.len;
		slot.time = page.time;
		slot.until = page.until;
		keep(at, &slot);
	}
	*ret_size = slot.size;
	*ret_time = slot.time;
	return 0;
}

void cf_kept_outdated(struct cf_tree *tree, uint64_t ino)
{
	const struct cf_file *file = cf_file_of(ino);
	struct cf_kept *kept = tree->kept;
	struct slot *slot;

	if (!file || !file->render)
		return;
	slot = slot_of(kept, cf_ino_id(ino));
	pthread_mutex_lock(&kept->lock);
	if (slot->ino == ino)
		slot->outdated = true;
	pthread_mutex_unlock(&kept->lock);
}

/* -- what is quick ------------------------------------------------------------------------------ */

static bool is_ready(struct cf_tree *tree, uint64_t ino)
{
	struct cf_kept *kept = tree->kept;
	const struct slot *slot = slot_of(kept, cf_ino_id(ino));
	cf_time now = cf_clock_now(tree->core->clock);
	bool ready;

	pthread_mutex_lock(&kept->lock);
	ready = slot->ino == ino && !slot->outdated && now < slot->until;
	pthread_mutex_unlock(&kept->lock);
	return ready;
}

enum cf_pace cf_tree_look_pace(struct cf_tree *tree, uint64_t ino, const char *name)
{
	const struct cf_file *file = cf_file_of(ino);
	const struct cf_dir *dir = file ? NULL : cf_dir_of(ino);

	if (file && file->render && !is_ready(tree, ino))
		return CF_PAGE;
	for (file = dir ? dir->files : NULL; file && file->row; file++)
		if (file->render && (!name || !strcmp(name, file->name)) &&
		    !is_ready(tree, cf_ino(dir->kind, file->row, cf_ino_id(ino))))
			return CF_PAGE;
	return CF_QUICK;
}
