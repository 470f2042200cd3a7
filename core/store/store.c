/* Opening and closing a store; see store.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/store_private.h"

static struct cf_store *store_new(const struct cf_store_options *options)
{
	struct cf_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->dir_fd = store->lock_fd = store->reserve_fd = -1;
	store->read_only = options->read_only;
	store->unsafe_fast = options->unsafe_fast;
	store->clock = options->clock ? options->clock : &store->own_clock;
	store->last_waiter = &store->first_waiter;
	pthread_mutex_init(&store->lock, NULL);
	if (options->vfs) {
		store->vfs = strdup(options->vfs);
		if (!store->vfs) {
			cf_store_close(store);
			return NULL;
		}
	}
	return store;
}

/* Is there a file, and is there anything in it? *size is -1 where there is none. */
static int look(const struct cf_store *store, int64_t *size, struct cf_err *err)
{
	struct stat st;

	if (lstat(store->path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return cf_fail(err, EINVAL, "%s is not a certfs store", store->path);
		*size = st.st_size;
		return 0;
	}
	if (errno != ENOENT)
		return cf_fail(err, errno == EACCES ? EACCES : EIO, "%s: %s", store->path,
			       strerror(errno));
	*size = -1;
	return 0;
}

/* The first connection, with which the format is looked at. */
static int connect_first(struct cf_store *store, bool create, struct cf_err *err)
{
	cf_auto(cf_conn_close) struct cf_conn *conn = NULL;
	int r = cf_conn_open(store, !store->read_only, &conn, err);

	if (r == 0)
		r = cf_schema_bring(store, conn, create, err);
	if (r == 0)
		r = cf_header_read(store, &conn->db, err);
	if (r < 0)
		return r;
	if (store->read_only) {
		cf_reader_put(store, cf_take(&conn));
		return 0;
	}
	/*
	 * What a crash left in the WAL was read from memory, perhaps, after the disk failed to take
	 * it. It is written anew before a commit relies on it: to the database, as far as readers
	 * allow it.
	 */
	sqlite3_wal_checkpoint_v2(conn->sq, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	store->writer = cf_take(&conn);
	return 0;
}

/* Find, lock and if need be make the file. */
static int take_file(struct cf_store *store, const struct cf_store_options *options,
		     bool *ret_created, struct cf_err *err)
{
	const bool create = options->create && !options->read_only;
	int64_t size;
	int r = cf_file_place(store, options->path, err);

	if (r == 0)
		r = look(store, &size, err);
	if (r < 0)
		return r;
	if (size < 0 && !create)
		return cf_fail(err, ENOENT, "there is no store %s", store->path);
	if (store->read_only)
		return 0;
	r = cf_file_lock(store, options->who, err);
	if (r == 0) /* again: whoever held the lock may have made it */
		r = look(store, &size, err);
	if (r == 0 && size <= 0 && create)
		r = cf_file_create(store, ret_created, err);
	return r;
}

int cf_store_open(const struct cf_store_options *options, struct cf_store **ret, bool *ret_created,
		  struct cf_err *err)
{
	cf_auto(cf_store_close) struct cf_store *store = store_new(options);
	bool created = false;
	int r;

	if (!store)
		return cf_fail_memory(err);
	r = take_file(store, options, &created, err);
	if (r == 0) {
		r = connect_first(store, options->create, err);
		if (r < 0 && created)
			unlink(store->path);
	}
	if (r < 0)
		return r;
	if (!store->read_only)
		cf_reserve_keep(store);
	if (ret_created)
		*ret_created = created;
	*ret = cf_take(&store);
	return 0;
}

void cf_store_close(struct cf_store *store)
{
	struct cf_conn *next;

	if (!store)
		return;
	for (struct cf_conn *conn = store->idle; conn; conn = next) {
		next = conn->next;
		cf_conn_close(conn);
	}
	/* The last to go removes the WAL; with another process's reader there it is emptied. */
	if (store->writer) {
		cf_store_settle(store);
		sqlite3_wal_checkpoint_v2(store->writer->sq, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					  NULL);
	}
	cf_conn_close(store->writer);
	cf_damage_done(&store->damage);
	cf_file_unlock(store);
	if (store->reserve_fd >= 0)
		close(store->reserve_fd);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store->vfs);
	free(store);
}

const uint8_t *cf_store_uuid(const struct cf_store *store)
{
	return store->uuid;
}

cf_time cf_store_now(struct cf_store *store)
{
	return cf_clock_now(store->clock);
}
