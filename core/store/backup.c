/* A copy of the whole store while others write; see cf_store_backup(). */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/store/store_private.h"

/* Make the new file, so that its mode is ours and nothing is overwritten. */
static int make(const char *path, struct cf_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return cf_fail(err, EEXIST, "%s is there already", path);
	if (fd < 0)
		return cf_fail(err, errno == ENOSPC ? ENOSPC : EIO, "%s can't be made: %s", path,
			       strerror(errno));
	close(fd);
	return 0;
}

/* All pages in one step: a reader's snapshot stays as it is while others write. */
static int copy(struct cf_conn *from, sqlite3 *to, struct cf_err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->sq, "main");
	int rc;

	if (!backup)
		return cf_conn_fail(to, sqlite3_extended_errcode(to), err);
	rc = sqlite3_backup_step(backup, -1);
	sqlite3_backup_finish(backup);
	return rc == SQLITE_DONE ? 0 : cf_conn_fail(to, rc, err);
}

/* Make the file and its name durable. */
static int sync_file(const char *path, struct cf_err *err)
{
	cf_auto(cf_free) char *folder = strdup(path);
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int dir = folder ? open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = 0;

	if (file < 0 || dir < 0 || fsync(file) < 0 || fsync(dir) < 0)
		r = folder ? cf_fail(err, errno == ENOSPC ? ENOSPC : EIO, "%s can't be written: %s",
				     path, strerror(errno))
			   : cf_fail_memory(err);
	if (file >= 0)
		close(file);
	if (dir >= 0)
		close(dir);
	return r;
}

static int write_copy(struct cf_store *store, struct cf_conn *from, const char *path,
		      struct cf_err *err)
{
	sqlite3 *to = NULL;
	int rc =
		sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, store->vfs);
	int r = rc == SQLITE_OK ? 0 : cf_conn_fail(to, rc, err);

	if (r == 0)
		r = copy(from, to, err);
	rc = sqlite3_close(to);
	if (r == 0 && rc != SQLITE_OK)
		r = cf_conn_fail(NULL, rc, err);
	return r == 0 ? sync_file(path, err) : r;
}

int cf_backup_to(struct cf_store *store, const char *path, struct cf_err *err)
{
	struct cf_conn *from;
	int r = cf_reader_get(store, &from, err);

	if (r < 0)
		return r;
	r = make(path, err);
	if (r == 0) {
		r = write_copy(store, from, path, err);
		if (r < 0)
			unlink(path);
	}
	cf_reader_put(store, from);
	return r;
}

int cf_store_backup(struct cf_store *store, const char *path, struct cf_err *err)
{
	return cf_note(err, cf_backup_to(store, path, err), "backup");
}
