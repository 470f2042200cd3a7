/* The list of what a transaction changed; see store.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/store_private.h"

int cf_changes_reserve(struct cf_changes *changes, size_t n, struct cf_err *err)
{
	size_t cap = changes->cap ? changes->cap * 2 : 8;
	struct cf_change *items;

	if (n <= changes->cap - changes->n)
		return 0;
	if (cap < changes->n + n)
		cap = changes->n + n;
	items = realloc(changes->items, cap * sizeof(*items));
	if (!items)
		return cf_fail_memory(err);
	changes->items = items;
	changes->cap = cap;
	return 0;
}

/* What is still there of the same object is told once. */
static struct cf_change *same(struct cf_changes *changes, const struct cf_change *change)
{
	if (change->gone)
		return NULL;
	for (size_t i = changes->n; i-- > 0;) {
		struct cf_change *c = &changes->items[i];

		if (c->object == change->object && c->id == change->id && !c->gone &&
		    (c->object != CF_OBJECT_FOUND || c->parent == change->parent))
			return c;
	}
	return NULL;
}

/* Room is there; takes change->name. */
static void put(struct cf_changes *changes, const struct cf_change *change)
{
	struct cf_change *there = same(changes, change);

	if (there) {
		there->what |= change->what;
		there->parent = change->parent;
		free(change->name);
		return;
	}
	assert(changes->n < changes->cap);
	changes->items[changes->n++] = *change;
}

int cf_changes_add(struct cf_changes *changes, const struct cf_change *change, struct cf_err *err)
{
	struct cf_change copy = *change;
	int r = cf_changes_reserve(changes, 1, err);

	if (r < 0)
		return r;
	copy.name = change->name ? strdup(change->name) : NULL;
	if (change->name && !copy.name)
		return cf_fail_memory(err);
	put(changes, &copy);
	return 0;
}

void cf_changes_take(struct cf_changes *dst, struct cf_changes *src)
{
	for (size_t i = 0; i < src->n; i++)
		put(dst, &src->items[i]);
	src->n = 0;
}

void cf_changes_done(struct cf_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		free(changes->items[i].name);
	free(changes->items);
	*changes = (struct cf_changes){ 0 };
}
