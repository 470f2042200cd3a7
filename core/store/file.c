/* The files beside the database: the lock that keeps a second writer out, and the reserve. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/store/store_private.h"

#define RESERVE_SIZE ((size_t)1 << 20)
#define RESERVE_LEAST ((size_t)64 << 10)
#define SPACE_LOW ((uint64_t)4 << 20) /* below this, deleting gets the reserve */

/* -- where it lies --------------------------------------------------------------------------- */

int cf_file_place(struct cf_store *store, const char *path, struct cf_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	cf_auto(cf_free) char *dir =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	cf_auto(cf_free) char *real = dir ? realpath(dir, NULL) : NULL;

	if (!dir)
		return cf_fail_memory(err);
	if (!real)
		return cf_fail(err, errno == ENOMEM ? ENOMEM : ENOENT, "%s: %s", path,
			       strerror(errno));
	if (!*name)
		return cf_fail(err, EINVAL, "%s is a folder, not a store", path);
	if (asprintf(&store->path, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name) < 0) {
		store->path = NULL;
		return cf_fail_memory(err);
	}
	store->dir_fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0)
		return cf_fail(err, EIO, "%s: %s", real, strerror(errno));
	return 0;
}

/* Open a file beside the store: its path and a suffix. -1 with errno. */
static int open_beside(const struct cf_store *store, const char *suffix, int flags)
{
	cf_auto(cf_free) char *name = NULL;

	if (asprintf(&name, "%s%s", strrchr(store->path, '/') + 1, suffix) < 0) {
		name = NULL;
		errno = ENOMEM;
		return -1;
	}
	return openat(store->dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int cf_file_create(struct cf_store *store, bool *ret_made, struct cf_err *err)
{
	struct stat st;
	int fd = open_beside(store, "", O_RDWR | O_CREAT);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		int code = fd < 0 ? errno : EINVAL;

		if (fd >= 0)
			close(fd);
		switch (code) {
		case ENOSPC:
		case EROFS:
		case EACCES:
		case ENOMEM:
			break;
		default:
			code = EINVAL;
		}
		return cf_fail(err, code, "the store %s can't be made: %s", store->path,
			       strerror(code));
	}
	close(fd);
	*ret_made = st.st_size == 0;
	return 0;
}

bool cf_file_is_still(struct cf_store *store)
{
	struct statvfs fs;
	struct stat st;
	int fd = open_beside(store, "-wal", O_RDONLY);
	bool has_wal = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0;

	if (fd >= 0)
		close(fd);
	return !has_wal && fstatvfs(store->dir_fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* -- the lock -------------------------------------------------------------------------------- */

static int busy(struct cf_store *store, int fd, struct cf_err *err)
{
	char who[256];
	ssize_t n = pread(fd, who, sizeof(who) - 1, 0);

	who[n > 0 ? n : 0] = '\0';
	who[strcspn(who, "\n")] = '\0';
	return cf_fail(err, EBUSY, "the store %s is in use by %s", store->path,
		       *who ? who : "another program");
}

int cf_file_lock(struct cf_store *store, const char *who, struct cf_err *err)
{
	int fd = open_beside(store, ".lock", O_RDWR | O_CREAT);

	if (fd < 0)
		return cf_fail(err, errno == EROFS || errno == ENOSPC ? errno : EACCES,
			       "the lock file %s.lock can't be opened: %s", store->path,
			       strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int r = errno == EWOULDBLOCK
				? busy(store, fd, err)
				: cf_fail(err, EIO, "the lock file %s.lock can't be locked: %s",
					  store->path, strerror(errno));

		close(fd);
		return r;
	}
	/* Only for the other opener's sentence: on a full disk it stays empty. */
	if (ftruncate(fd, 0) == 0 && who)
		(void)!pwrite(fd, who, strlen(who), 0);
	store->lock_fd = fd;
	return 0;
}

void cf_file_unlock(struct cf_store *store)
{
	if (store->lock_fd < 0)
		return;
	/* The file stays: unlinking it would let two openers lock two files. */
	(void)!ftruncate(store->lock_fd, 0);
	close(store->lock_fd);
	store->lock_fd = -1;
}

/* -- the reserve ----------------------------------------------------------------------------- */

static uint64_t space(const struct cf_store *store)
{
	struct statvfs fs;

	if (fstatvfs(store->dir_fd, &fs) < 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

bool cf_space_low(struct cf_store *store)
{
	return space(store) < SPACE_LOW;
}

void cf_reserve_keep(struct cf_store *store)
{
	if (store->reserve_size == RESERVE_SIZE ||
	    (store->reserve_size && space(store) < SPACE_LOW))
		return;
	if (store->reserve_fd < 0)
		store->reserve_fd = open_beside(store, ".reserve", O_RDWR | O_CREAT);
	if (store->reserve_fd < 0)
		return;
	/* A smaller one is better than none when the disk is nearly full. */
	for (size_t size = RESERVE_SIZE; size >= RESERVE_LEAST; size /= 2)
		if (posix_fallocate(store->reserve_fd, 0, (off_t)size) == 0) {
			(void)!ftruncate(store->reserve_fd, (off_t)size);
			store->reserve_size = size;
			return;
		}
	cf_reserve_give_up(store);
}

void cf_reserve_give_up(struct cf_store *store)
{
	if (store->reserve_fd >= 0)
		(void)!ftruncate(store->reserve_fd, 0);
	store->reserve_size = 0;
}
