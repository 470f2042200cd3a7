/* A backup in the place of a store; see cf_store_replace(). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/store/store_private.h"

/* The place and its lock, without what is in it. */
static int take_place(const char *path, const char *who, struct cf_store *place, struct cf_err *err)
{
	int r = cf_file_place(place, path, err);

	return r < 0 ? r : cf_file_lock(place, who, err);
}

static void leave_place(struct cf_store *place)
{
	cf_file_unlock(place);
	if (place->dir_fd >= 0)
		close(place->dir_fd);
	free(place->path);
}
CF_DEFINE_DONE(struct cf_store, leave_place);

static char *beside(const struct cf_store *place, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s%s", place->path, suffix) < 0 ? NULL : path;
}

static int remove_beside(const struct cf_store *place, const char *suffix, struct cf_err *err)
{
	cf_auto(cf_free) char *path = beside(place, suffix);

	if (!path)
		return cf_fail_memory(err);
	if (unlink(path) < 0 && errno != ENOENT)
		return cf_fail(err, EIO, "%s can't be removed: %s", path, strerror(errno));
	return 0;
}

/*
 * The old database's log first: SQLite would take it for the new one's. Where it has to be given up,
 * it belongs to a store that could not be opened any more or that a crash left.
 */
static int give_up_log(const struct cf_store *place, struct cf_err *err)
{
	int r = remove_beside(place, "-wal", err);

	if (r == 0)
		r = remove_beside(place, "-shm", err);
	if (r == 0 && fsync(place->dir_fd) < 0)
		r = cf_fail(err, EIO, "the folder of %s: %s", place->path, strerror(errno));
	return r;
}

static int move_in(const struct cf_store *place, const char *copy, struct cf_err *err)
{
	int r = give_up_log(place, err);

	if (r == 0 && rename(copy, place->path) < 0)
		r = cf_fail(err, EIO, "%s can't be replaced: %s", place->path, strerror(errno));
	if (r == 0 && fsync(place->dir_fd) < 0)
		r = cf_fail(err, EIO, "the folder of %s: %s", place->path, strerror(errno));
	return r;
}

/* Into its own file what a crash left in the old one's log, so that giving that up loses nothing. */
static void settle(const char *path, const char *who)
{
	const struct cf_store_options options = { .path = path, .who = who };
	cf_auto(cf_store_close) struct cf_store *old = NULL;

	cf_store_open(&options, &old, NULL, NULL);
}

int cf_store_replace(const char *path, const char *from, const char *who, struct cf_err *err)
{
	const struct cf_store_options options = { .path = from, .read_only = true };
	cf_auto(leave_place) struct cf_store place = { .dir_fd = -1, .lock_fd = -1 };
	cf_auto(cf_store_close) struct cf_store *backup = NULL;
	cf_auto(cf_free) char *copy = NULL;
	int r = cf_store_open(&options, &backup, NULL, err);

	if (r < 0)
		return r;
	settle(path, who);
	r = take_place(path, who, &place, err);
	if (r < 0)
		return r;
	copy = beside(&place, ".restore");
	if (!copy)
		return cf_fail_memory(err);
	unlink(copy); /* of an attempt that was cut short; the lock says it is nobody's */
	r = cf_backup_to(backup, copy, err);
	if (r == 0) {
		r = move_in(&place, copy, err);
		if (r < 0)
			unlink(copy);
	}
	return cf_note(err, r, "restore");
}
