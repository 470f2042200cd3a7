/* Key files: 32 random bytes; see vault.h. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/vault/vault.h"

/* Close a descriptor at the end of a scope. */
static void close_fd_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int fail(struct cf_err *err, int code, const char *path, const char *why)
{
	return cf_fail(err, code, "the key file %s %s", path, why);
}

/* Refuse what others could read or have put there. */
static int check_file(int fd, const char *path, mode_t refused, struct cf_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, EIO, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(err, EACCES, path, "is not a regular file");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fail(err, EACCES, path, "belongs to somebody else");
	if (st.st_mode & refused)
		return fail(err, EACCES, path, "is open to others; chmod 600 it");
	if (st.st_size != CF_KEY_SIZE)
		return fail(err, EINVAL, path, "must have exactly 32 bytes");
	return 0;
}

/* Read all n bytes or fail. */
static bool read_all(int fd, uint8_t *out, size_t n)
{
	for (size_t have = 0; have < n;) {
		ssize_t got = read(fd, out + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static bool write_all(int fd, const uint8_t *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = write(fd, data + done, n - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

static int read_file(const char *path, mode_t refused, uint8_t key[CF_KEY_SIZE], struct cf_err *err)
{
	/* O_NONBLOCK: a FIFO must not hold up the mount. */
	cf_auto(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t raw[CF_KEY_SIZE];
	int r;

	if (fd < 0 && errno == ELOOP)
		return fail(err, EACCES, path, "is a symbolic link");
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return fail(err, ENOENT, path, "does not exist");
	if (fd < 0)
		return fail(err, errno == EACCES ? EACCES : EIO, path, strerror(errno));
	r = check_file(fd, path, refused, err);
	if (r < 0)
		return r;
	if (!read_all(fd, raw, sizeof(raw)))
		r = fail(err, EIO, path, "can't be read");
	else
		memcpy(key, raw, sizeof(raw));
	explicit_bzero(raw, sizeof(raw));
	return r;
}

int cf_vault_key_file_read(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err)
{
	return read_file(path, 077, key, err);
}

/* For a service with a user of its own systemd grants by an ACL, whose mask shows as the group's. */
int cf_vault_credential_read(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err)
{
	return read_file(path, 037, key, err);
}

/* Make the name durable. */
static int sync_folder(const char *path, struct cf_err *err)
{
	cf_auto(cf_free) char *copy = strdup(path);
	cf_auto(close_fd) int dir =
		copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!copy)
		return cf_fail_memory(err);
	if (dir < 0 || fsync(dir) < 0)
		return fail(err, EIO, path, strerror(errno));
	return 0;
}

int cf_vault_key_file_create(const char *path, uint8_t key[CF_KEY_SIZE], struct cf_err *err)
{
	cf_auto(close_fd) int fd = -1;
	uint8_t raw[CF_KEY_SIZE];
	int r = cf_random(raw, sizeof(raw), err);

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		int code = errno;

		explicit_bzero(raw, sizeof(raw));
		if (code == EEXIST)
			return fail(err, EEXIST, path, "is there already");
		return fail(err, code == EACCES || code == ENOENT || code == ENOSPC ? code : EIO,
			    path, strerror(code));
	}
	if (!write_all(fd, raw, sizeof(raw)) || fsync(fd) < 0)
		r = fail(err, errno == ENOSPC ? ENOSPC : EIO, path, strerror(errno));
	if (r == 0)
		r = sync_folder(path, err);
	if (r < 0)
		unlink(path);
	else
		memcpy(key, raw, sizeof(raw));
	explicit_bzero(raw, sizeof(raw));
	return r;
}
