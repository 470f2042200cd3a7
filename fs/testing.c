/*
 * What certfs-testing has beyond certfs: commands for the clock and for faults, and a count of
 * the requests that the kernel sent.
 */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_OPCODE 64

struct cf_fs_testing {
	_Atomic uint64_t requests[MAX_OPCODE];
	_Atomic int faults[5]; /* for each of points[] */
};

/* Where a fault can be made: it fails so many times, or holds whoever comes until it is set to 0. */
static const struct point {
	const char *name;
	bool holds;
} points[] = {
	{ "decoder-start", false }, { "judge", true }, /* before a decoder is started */
	{ "judge-all", true },                         /* before all certificates are judged anew */
	{ "sync", false },                             /* of a file of the store */
	{ "make", true },                              /* before what may make a key begins */
};

_Static_assert(CF_COUNT(points) == CF_COUNT(((struct cf_fs_testing *)0)->faults), "one each");

bool cf_fs_testing_fault(struct cf_fs *fs, const char *point)
{
	for (size_t i = 0; fs->testing && i < CF_COUNT(points); i++) {
		int left = atomic_load(&fs->testing->faults[i]);

		if (strcmp(points[i].name, point) != 0)
			continue;
		while (points[i].holds && atomic_load(&fs->testing->faults[i]) > 0)
			usleep(10000);
		while (!points[i].holds && left > 0)
			if (atomic_compare_exchange_weak(&fs->testing->faults[i], &left, left - 1))
				return true;
	}
	return false;
}

/* -- commands ---------------------------------------------------------------------------------- */

/* clock [TIME|+SECONDS]: what is due then is done before the answer. */
static int run_clock(const struct cf_admin *admin, struct cf_err *err)
{
	struct cf_fs *fs = admin->host;
	char text[CF_TIME_TEXT_MAX];
	cf_time to = cf_clock_now(fs->core->clock);
	int r = 0;

	if (admin->n == 1) {
		const char *word = admin->words[0];
		char *end;

		if (*word == '+') {
			to += cf_time_from_seconds(strtol(word + 1, &end, 10));
			if (end == word + 1 || *end)
				return cf_fail(err, EINVAL, "'%s' is no number of seconds", word);
		} else if (!cf_time_parse(word, &to)) {
			return cf_fail(err, EINVAL, "'%s' is no time", word);
		}
		cf_clock_set(fs->core->clock, to);
		r = cf_fs_timer_tick(fs, err);
	}
	admin->report(admin->arg, cf_time_text(cf_clock_now(fs->core->clock), text));
	return r;
}

static int run_fault(const struct cf_admin *admin, struct cf_err *err)
{
	struct cf_fs *fs = admin->host;

	for (size_t i = 0; i < CF_COUNT(points); i++) {
		if (strcmp(points[i].name, admin->words[0]) == 0) {
			atomic_store(&fs->testing->faults[i], atoi(admin->words[1]));
			return 0;
		}
	}
	return cf_fail(err, EINVAL, "there is no point '%s' for a fault", admin->words[0]);
}

/* linux/fuse.h has the names in an enum only. */
static const char *const opcodes[MAX_OPCODE] = {
	[FUSE_LOOKUP] = "LOOKUP",
	[FUSE_FORGET] = "FORGET",
	[FUSE_GETATTR] = "GETATTR",
	[FUSE_SETATTR] = "SETATTR",
	[FUSE_READLINK] = "READLINK",
	[FUSE_SYMLINK] = "SYMLINK",
	[FUSE_MKNOD] = "MKNOD",
	[FUSE_MKDIR] = "MKDIR",
	[FUSE_UNLINK] = "UNLINK",
	[FUSE_RMDIR] = "RMDIR",
	[FUSE_RENAME] = "RENAME",
	[FUSE_LINK] = "LINK",
	[FUSE_OPEN] = "OPEN",
	[FUSE_READ] = "READ",
	[FUSE_WRITE] = "WRITE",
	[FUSE_STATFS] = "STATFS",
	[FUSE_RELEASE] = "RELEASE",
	[FUSE_FSYNC] = "FSYNC",
	[FUSE_SETXATTR] = "SETXATTR",
	[FUSE_GETXATTR] = "GETXATTR",
	[FUSE_LISTXATTR] = "LISTXATTR",
	[FUSE_REMOVEXATTR] = "REMOVEXATTR",
	[FUSE_FLUSH] = "FLUSH",
	[FUSE_INIT] = "INIT",
	[FUSE_OPENDIR] = "OPENDIR",
	[FUSE_READDIR] = "READDIR",
	[FUSE_RELEASEDIR] = "RELEASEDIR",
	[FUSE_FSYNCDIR] = "FSYNCDIR",
	[FUSE_GETLK] = "GETLK",
	[FUSE_SETLK] = "SETLK",
	[FUSE_SETLKW] = "SETLKW",
	[FUSE_ACCESS] = "ACCESS",
	[FUSE_CREATE] = "CREATE",
	[FUSE_INTERRUPT] = "INTERRUPT",
	[FUSE_BMAP] = "BMAP",
	[FUSE_DESTROY] = "DESTROY",
	[FUSE_IOCTL] = "IOCTL",
	[FUSE_POLL] = "POLL",
	[FUSE_NOTIFY_REPLY] = "NOTIFY_REPLY",
	[FUSE_BATCH_FORGET] = "BATCH_FORGET",
	[FUSE_FALLOCATE] = "FALLOCATE",
	[FUSE_READDIRPLUS] = "READDIRPLUS",
	[FUSE_RENAME2] = "RENAME2",
	[FUSE_LSEEK] = "LSEEK",
	[FUSE_COPY_FILE_RANGE] = "COPY_FILE_RANGE",
};

/* requests: how many of each kind came since the mount, "OPCODE NUMBER", in the kernel's order. */
static int run_requests(const struct cf_admin *admin, struct cf_err *err)
{
	struct cf_fs *fs = admin->host;
	char line[64];

	(void)err;
	for (size_t i = 0; i < MAX_OPCODE; i++) {
		uint64_t n = atomic_load(&fs->testing->requests[i]);

		if (n == 0)
			continue;
		if (opcodes[i])
			snprintf(line, sizeof(line), "%s %" PRIu64, opcodes[i], n);
		else
			snprintf(line, sizeof(line), "opcode-%zu %" PRIu64, i, n);
		admin->report(admin->arg, line);
	}
	return 0;
}

/* open FILE O_RDONLY|O_WRONLY, made if need be: what comes of it. */
static int run_open(const struct cf_admin *admin, struct cf_err *err)
{
	bool writes = strcmp(admin->words[1], "O_WRONLY") == 0;
	int fd = open(admin->words[0], (writes ? O_WRONLY | O_CREAT : O_RDONLY) | O_CLOEXEC, 0600);

	if (fd < 0)
		return cf_fail(err, errno, "%s", cf_errno_name(errno));
	close(fd);
	admin->report(admin->arg, "opened");
	return 0;
}

/* execute PROGRAM: in place of this one. */
static int run_execute(const struct cf_admin *admin, struct cf_err *err)
{
	execl(admin->words[0], admin->words[0], (char *)NULL);
	return cf_fail(err, errno, "%s", cf_errno_name(errno));
}

const struct cf_admin_command cf_fs_testing_commands[] = {
	{ .name = "clock", .usage = " [TIME|+SECONDS]", .max = 1, .run = run_clock },
	{ .name = "fault", .usage = " POINT TIMES", .min = 2, .max = 2, .run = run_fault },
	{ .name = "open", .usage = " FILE FLAG", .min = 2, .max = 2, .run = run_open },
	{ .name = "execute", .usage = " PROGRAM", .min = 1, .max = 1, .run = run_execute },
	{ .name = "requests", .usage = "", .run = run_requests },
	{ 0 },
};

/* -- the disk ---------------------------------------------------------------------------------- */

/* The one file system of the process; the store is opened before it is known. */
static struct cf_fs *_Atomic asks;

bool cf_fs_testing_sync_fails(void)
{
	struct cf_fs *fs = atomic_load(&asks);

	return fs && cf_fs_testing_fault(fs, "sync");
}

/* -- counting ---------------------------------------------------------------------------------- */

/* What libfuse reads from the kernel begins with the opcode, also of what is answered ENOSYS. */
static ssize_t count_read(int fd, void *buf, size_t len, void *userdata)
{
	struct cf_fs *fs = userdata;
	const struct fuse_in_header *header = buf;
	ssize_t n = read(fd, buf, len);

	if (n >= (ssize_t)sizeof(*header) && header->opcode < MAX_OPCODE)
		atomic_fetch_add(&fs->testing->requests[header->opcode], 1);
	return n;
}

static ssize_t plain_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	return writev(fd, iov, count);
}

int cf_fs_testing_start(struct cf_fs *fs, struct cf_err *err)
{
	static const struct fuse_custom_io io = { .writev = plain_writev, .read = count_read };
	int r;

	fs->testing = calloc(1, sizeof(*fs->testing));
	if (!fs->testing)
		return cf_fail_memory(err);
	atomic_store(&asks, fs);
	r = fuse_session_custom_io(fs->session, &io, fuse_session_fd(fs->session));
	return r < 0 ? cf_fail(err, -r, "requests can't be counted") : 0;
}

void cf_fs_testing_stop(struct cf_fs *fs)
{
	atomic_store(&asks, NULL);
	free(fs->testing);
	fs->testing = NULL;
}
