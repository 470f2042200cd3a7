/*
 * sys: runs the system calls given as arguments and prints what each one returned, 0 or the
 * name of the errno, on one line. The mount tests say with it what a program would see.
 *
 *	sys mkdir mnt/EX01
 *	sys open mnt/f O_WRONLY,O_APPEND : write 'a\n' : fcntl_setfl 0 : write 'b\n' : close
 *
 * A colon separates calls. Descriptors are kept for the whole line: open makes its descriptor
 * the current one, `use N` goes back to the N-th that was opened, counted from 0. Calls that
 * yield something (stat, read, readlink ...) print that in place of 0. Text may hold the
 * escapes \n \r \t \\ \0 and \xHH and is printed with them. Adding a call is adding a row to
 * the table near the end.
 */
#define _GNU_SOURCE
#undef NDEBUG
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum {
	FDS_MAX = 256,
	SAID_MAX = 1 << 20,
	NAMES_MAX = 65536
};

struct run {
	int fds[FDS_MAX];
	int opened;
	int current;
	char said[SAID_MAX]; /* what the call yields; empty: print 0 */
	size_t said_len;
};

struct call {
	const char *name;
	int args;
	int (*fn)(struct run *r, char **a); /* 0 or a positive errno */
};

struct word {
	const char *name;
	unsigned long value;
};

static void usage(const char *what, const char *which)
{
	fprintf(stderr, "sys: %s '%s'\n", what, which);
	exit(2);
}

/* The errno of a call that returns -1 when it fails. */
static int code(long r)
{
	return r < 0 ? errno : 0;
}

static void say(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct run *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r->said + r->said_len, sizeof(r->said) - r->said_len, fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(r->said) - r->said_len);
	r->said_len += (size_t)n;
}

static void say_bytes(struct run *r, const unsigned char *p, size_t n)
{
	say(r, "\"");
	for (; n; n--, p++) {
		if (*p == '\n')
			say(r, "\\n");
		else if (*p == '\r')
			say(r, "\\r");
		else if (*p == '\t')
			say(r, "\\t");
		else if (*p == '\\')
			say(r, "\\\\");
		else if (*p < 0x20 || *p >= 0x7f)
			say(r, "\\x%02x", *p);
		else
			say(r, "%c", *p);
	}
	say(r, "\"");
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Resolves the escapes in place and returns the length. */
static size_t unescape(char *s)
{
	char *from = s, *to = s;

	while (*from) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		switch (from[1]) {
		case 'n':
			*to++ = '\n';
			break;
		case 'r':
			*to++ = '\r';
			break;
		case 't':
			*to++ = '\t';
			break;
		case '0':
			*to++ = '\0';
			break;
		case '\\':
			*to++ = '\\';
			break;
		case 'x':
			if (hex_digit(from[2]) < 0 || hex_digit(from[3]) < 0)
				usage("two hex digits follow \\x in", s);
			*to++ = (char)(hex_digit(from[2]) * 16 + hex_digit(from[3]));
			from += 2;
			break;
		default:
			usage("unknown escape in", s);
		}
		from += 2;
	}
	return (size_t)(to - s);
}

static long number(const char *s, int base)
{
	char *end;
	long v = strtol(s, &end, base);

	if (!*s || *end)
		usage("not a number:", s);
	return v;
}

/* NAME,NAME... or a number; each name must be in the list. */
static unsigned long words(const struct word *list, const char *text)
{
	char copy[256], *rest = copy, *one;
	unsigned long v = 0;

	if (*text >= '0' && *text <= '9')
		return (unsigned long)number(text, 0);
	assert(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	while ((one = strsep(&rest, ","))) {
		const struct word *w = list;

		while (w->name && strcmp(w->name, one))
			w++;
		if (!w->name)
			usage("unknown word", one);
		v |= w->value;
	}
	return v;
}

static const struct word open_words[] = {
	{ "O_RDONLY", O_RDONLY },       { "O_WRONLY", O_WRONLY },     { "O_RDWR", O_RDWR },
	{ "O_APPEND", O_APPEND },       { "O_TRUNC", O_TRUNC },       { "O_CREAT", O_CREAT },
	{ "O_EXCL", O_EXCL },           { "O_NONBLOCK", O_NONBLOCK }, { "O_NOFOLLOW", O_NOFOLLOW },
	{ "O_DIRECTORY", O_DIRECTORY }, { "O_DIRECT", O_DIRECT },     { "O_SYNC", O_SYNC },
	{ "O_PATH", O_PATH },           { "O_TMPFILE", O_TMPFILE },   { NULL, 0 },
};

static const struct word rename_words[] = {
	{ "NOREPLACE", RENAME_NOREPLACE },
	{ "EXCHANGE", RENAME_EXCHANGE },
	{ "WHITEOUT", RENAME_WHITEOUT },
	{ NULL, 0 },
};

static const struct word node_words[] = {
	{ "file", S_IFREG }, { "fifo", S_IFIFO },  { "socket", S_IFSOCK },
	{ "char", S_IFCHR }, { "block", S_IFBLK }, { NULL, 0 },
};

static const struct word access_words[] = {
	{ "F_OK", F_OK }, { "R_OK", R_OK }, { "W_OK", W_OK }, { "X_OK", X_OK }, { NULL, 0 },
};

/* ---- descriptors ---- */

static int keep(struct run *r, int fd)
{
	if (fd < 0)
		return errno;
	assert(r->opened < FDS_MAX);
	r->current = r->opened;
	r->fds[r->opened++] = fd;
	return 0;
}

/* The current descriptor; -1 after a failed open, so that what follows says EBADF. */
static int fd(const struct run *r)
{
	return r->current < 0 ? -1 : r->fds[r->current];
}

static int call_open(struct run *r, char **a)
{
	r->current = -1;
	return keep(r, open(a[0], (int)words(open_words, a[1]), 0666));
}

static int call_create(struct run *r, char **a)
{
	r->current = -1;
	return keep(r, open(a[0], (int)words(open_words, a[1]), (mode_t)number(a[2], 8)));
}

static int call_use(struct run *r, char **a)
{
	long n = number(a[0], 10);

	if (n < 0 || n >= r->opened)
		return EBADF;
	r->current = (int)n;
	return 0;
}

static int call_close(struct run *r, char **a)
{
	int e;

	(void)a;
	e = code(close(fd(r)));
	if (r->current >= 0)
		r->fds[r->current] = -1;
	return e;
}

/* What a shell does before it writes: a copy of the descriptor is closed. */
static int call_dup_close(struct run *r, char **a)
{
	int copy = dup(fd(r));

	(void)a;
	return copy < 0 ? errno : code(close(copy));
}

/* What a subshell does: a child that shares the descriptor exits. */
static int call_child_exit(struct run *r, char **a)
{
	pid_t child = fork();

	(void)r;
	(void)a;
	if (child < 0)
		return errno;
	if (child == 0)
		_exit(0);
	return code(waitpid(child, NULL, 0));
}

/* Goes on after a short count, as programs do. */
static int write_all(int to, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(to, p, n);

		if (done < 0)
			return errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int call_write(struct run *r, char **a)
{
	size_t n = unescape(a[0]);
	ssize_t done = write(fd(r), a[0], n);

	if (done >= 0 && (size_t)done != n)
		say(r, "%zd", done);
	return code(done);
}

static int call_pwrite(struct run *r, char **a)
{
	size_t n = unescape(a[1]);
	ssize_t done = pwrite(fd(r), a[1], n, number(a[0], 0));

	if (done >= 0 && (size_t)done != n)
		say(r, "%zd", done);
	return code(done);
}

/* TEXT repeated COUNT times, in as few write(2) as the kernel takes. */
static int call_fill(struct run *r, char **a)
{
	size_t times = (size_t)number(a[0], 0), n = unescape(a[1]);
	char *all = malloc(times * n + 1);
	int e;

	assert(all);
	for (size_t i = 0; i < times; i++)
		memcpy(all + i * n, a[1], n);
	e = write_all(fd(r), all, times * n);
	free(all);
	return e;
}

/* The bytes FROM to FROM+COUNT of a file, in one write(2) where the kernel allows it. */
static int call_write_from(struct run *r, char **a)
{
	long from = number(a[1], 0), count = number(a[2], 0);
	int in = open(a[0], O_RDONLY | O_CLOEXEC), e;
	char *all = malloc((size_t)count + 1);
	ssize_t n;

	assert(all);
	if (in < 0)
		usage("can't open", a[0]);
	n = pread(in, all, (size_t)count, from);
	assert(n >= 0);
	close(in);
	e = write_all(fd(r), all, (size_t)n);
	free(all);
	return e;
}

static int call_read(struct run *r, char **a)
{
	static unsigned char all[SAID_MAX / 4];
	size_t n = 0;
	ssize_t got = 0;

	(void)a;
	while (n < sizeof(all) && (got = read(fd(r), all + n, sizeof(all) - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		return errno;
	say_bytes(r, all, n);
	return 0;
}

static int call_pread(struct run *r, char **a)
{
	static unsigned char all[SAID_MAX / 4];
	size_t n = (size_t)number(a[1], 0);
	ssize_t got;

	assert(n <= sizeof(all));
	got = pread(fd(r), all, n, number(a[0], 0));
	if (got < 0)
		return errno;
	say_bytes(r, all, (size_t)got);
	return 0;
}

static int call_lseek(struct run *r, char **a)
{
	return code(lseek(fd(r), number(a[0], 0), SEEK_SET));
}

static int call_fsync(struct run *r, char **a)
{
	(void)a;
	return code(fsync(fd(r)));
}

static int call_fcntl_setfl(struct run *r, char **a)
{
	return code(fcntl(fd(r), F_SETFL, (int)words(open_words, a[0])));
}

static int call_ftruncate(struct run *r, char **a)
{
	return code(ftruncate(fd(r), number(a[0], 0)));
}

static int call_fchmod(struct run *r, char **a)
{
	return code(fchmod(fd(r), (mode_t)number(a[0], 8)));
}

static int call_fchown(struct run *r, char **a)
{
	return code(fchown(fd(r), (uid_t)number(a[0], 10), (gid_t)number(a[1], 10)));
}

/* `now`, `omit` or SECONDS[.NANOSECONDS with nine digits] */
static struct timespec time_of(const char *s)
{
	struct timespec ts = { 0 };
	const char *dot = strchr(s, '.');

	if (!strcmp(s, "now"))
		ts.tv_nsec = UTIME_NOW;
	else if (!strcmp(s, "omit"))
		ts.tv_nsec = UTIME_OMIT;
	else if (dot && strlen(dot + 1) == 9) {
		ts.tv_sec = strtol(s, NULL, 10);
		ts.tv_nsec = number(dot + 1, 10);
	} else
		ts.tv_sec = number(s, 10);
	return ts;
}

static int call_futimens(struct run *r, char **a)
{
	struct timespec ts[2] = { time_of(a[0]), time_of(a[1]) };

	return code(futimens(fd(r), ts));
}

static int say_flags(struct run *r, int of)
{
	unsigned int flags = 0;

	if (ioctl(of, FS_IOC_GETFLAGS, &flags) < 0)
		return errno;
	say(r, "%s%s%s", flags & FS_APPEND_FL ? "a" : "", flags & FS_IMMUTABLE_FL ? "i" : "",
	    flags & ~(unsigned int)(FS_APPEND_FL | FS_IMMUTABLE_FL) ? "?" : "");
	if (!r->said_len)
		say(r, "-");
	return 0;
}

static int call_fgetflags(struct run *r, char **a)
{
	(void)a;
	return say_flags(r, fd(r));
}

/* ---- attributes ---- */

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	default:
		return "other";
	}
}

static void say_field(struct run *r, const struct stat *st, const char *field)
{
	if (!strcmp(field, "size"))
		say(r, "%lld", (long long)st->st_size);
	else if (!strcmp(field, "mode"))
		say(r, "%04o", st->st_mode & 07777);
	else if (!strcmp(field, "type"))
		say(r, "%s", type_name(st->st_mode));
	else if (!strcmp(field, "ino"))
		say(r, "%llu", (unsigned long long)st->st_ino);
	else if (!strcmp(field, "nlink"))
		say(r, "%llu", (unsigned long long)st->st_nlink);
	else if (!strcmp(field, "blocks"))
		say(r, "%lld", (long long)st->st_blocks);
	else if (!strcmp(field, "uid"))
		say(r, "%u", st->st_uid);
	else if (!strcmp(field, "gid"))
		say(r, "%u", st->st_gid);
	else if (!strcmp(field, "atime"))
		say(r, "%lld.%09ld", (long long)st->st_atim.tv_sec, st->st_atim.tv_nsec);
	else if (!strcmp(field, "mtime"))
		say(r, "%lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	else if (!strcmp(field, "ctime"))
		say(r, "%lld.%09ld", (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	else
		usage("unknown field", field);
}

static int say_stat(struct run *r, const struct stat *st, char *fields)
{
	char *one, *rest = fields;

	while ((one = strsep(&rest, ","))) {
		if (r->said_len)
			say(r, ",");
		say_field(r, st, one);
	}
	return 0;
}

static int call_stat(struct run *r, char **a)
{
	struct stat st;

	return stat(a[0], &st) < 0 ? errno : say_stat(r, &st, a[1]);
}

static int call_lstat(struct run *r, char **a)
{
	struct stat st;

	return lstat(a[0], &st) < 0 ? errno : say_stat(r, &st, a[1]);
}

static int call_fstat(struct run *r, char **a)
{
	struct stat st;

	return fstat(fd(r), &st) < 0 ? errno : say_stat(r, &st, a[0]);
}

static int call_statvfs(struct run *r, char **a)
{
	struct statvfs st;

	if (statvfs(a[0], &st) < 0)
		return errno;
	if (!strcmp(a[1], "namemax"))
		say(r, "%lu", st.f_namemax);
	else if (!strcmp(a[1], "flags"))
		say(r, "%s%s%s", st.f_flag & ST_RDONLY ? "ro" : "rw",
		    st.f_flag & ST_NOSUID ? ",nosuid" : "", st.f_flag & ST_NODEV ? ",nodev" : "");
	else
		usage("unknown field", a[1]);
	return 0;
}

static int call_remount_rw(struct run *r, char **a)
{
	(void)r;
	return code(mount(NULL, a[0], NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, NULL));
}

static int call_access(struct run *r, char **a)
{
	(void)r;
	return code(access(a[0], (int)words(access_words, a[1])));
}

static int call_chmod(struct run *r, char **a)
{
	(void)r;
	return code(chmod(a[0], (mode_t)number(a[1], 8)));
}

static int call_chown(struct run *r, char **a)
{
	(void)r;
	return code(lchown(a[0], (uid_t)number(a[1], 10), (gid_t)number(a[2], 10)));
}

static int call_utimens(struct run *r, char **a)
{
	struct timespec ts[2] = { time_of(a[1]), time_of(a[2]) };

	(void)r;
	return code(utimensat(AT_FDCWD, a[0], ts, AT_SYMLINK_NOFOLLOW));
}

static int call_truncate(struct run *r, char **a)
{
	(void)r;
	return code(truncate(a[0], number(a[1], 0)));
}

static int call_getflags(struct run *r, char **a)
{
	int of = open(a[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC), e;

	if (of < 0)
		return errno;
	e = say_flags(r, of);
	close(of);
	return e;
}

/* `a`, `i` or `-`: what chattr would set. */
static int call_setflags(struct run *r, char **a)
{
	int flags = !strcmp(a[1], "a") ? FS_APPEND_FL : !strcmp(a[1], "i") ? FS_IMMUTABLE_FL : 0;
	int of = open(a[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC), e;

	(void)r;
	if (of < 0)
		return errno;
	e = code(ioctl(of, FS_IOC_SETFLAGS, &flags));
	close(of);
	return e;
}

static int call_getxattr(struct run *r, char **a)
{
	unsigned char value[4096];
	ssize_t n = getxattr(a[0], a[1], value, sizeof(value));

	if (n < 0)
		return errno;
	say_bytes(r, value, (size_t)n);
	return 0;
}

static int call_setxattr(struct run *r, char **a)
{
	(void)r;
	return code(setxattr(a[0], a[1], a[2], strlen(a[2]), 0));
}

static int call_listxattr(struct run *r, char **a)
{
	unsigned char value[4096];
	ssize_t n = listxattr(a[0], (char *)value, sizeof(value));

	if (n < 0)
		return errno;
	say_bytes(r, value, (size_t)n);
	return 0;
}

/* ---- names ---- */

static int call_mkdir(struct run *r, char **a)
{
	(void)r;
	return code(mkdir(a[0], 0777));
}

static int call_rmdir(struct run *r, char **a)
{
	(void)r;
	return code(rmdir(a[0]));
}

/* A call whose path lies outside the address space. */
static int call_bad(struct run *r, char **a)
{
	char *nowhere = (char *)-1;

	(void)r;
	if (!strcmp(a[0], "mkdir"))
		return code(syscall(SYS_mkdir, nowhere, 0777));
	if (!strcmp(a[0], "rmdir"))
		return code(syscall(SYS_rmdir, nowhere));
	if (!strcmp(a[0], "open"))
		return code(syscall(SYS_open, nowhere, O_RDONLY));
	if (!strcmp(a[0], "unlink"))
		return code(syscall(SYS_unlink, nowhere));
	if (!strcmp(a[0], "chmod"))
		return code(syscall(SYS_chmod, nowhere, 0700));
	if (!strcmp(a[0], "chown"))
		return code(syscall(SYS_chown, nowhere, 0, 0));
	usage("no such call with a bad address:", a[0]);
	return EINVAL;
}

static int call_unlink(struct run *r, char **a)
{
	(void)r;
	return code(unlink(a[0]));
}

static int call_rename(struct run *r, char **a)
{
	(void)r;
	return code(rename(a[0], a[1]));
}

static int call_renameat2(struct run *r, char **a)
{
	(void)r;
	return code(
		renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], (unsigned int)words(rename_words, a[2])));
}

static int call_link(struct run *r, char **a)
{
	(void)r;
	return code(link(a[0], a[1]));
}

static int call_symlink(struct run *r, char **a)
{
	(void)r;
	return code(symlink(a[0], a[1]));
}

static int call_readlink(struct run *r, char **a)
{
	char target[PATH_MAX];
	ssize_t n = readlink(a[0], target, sizeof(target) - 1);

	if (n < 0)
		return errno;
	say(r, "%.*s", (int)n, target);
	return 0;
}

static int call_mknod(struct run *r, char **a)
{
	(void)r;
	return code(mknod(a[0], (mode_t)words(node_words, a[1]) | 0644, makedev(1, 3)));
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

/* The names of a directory but `.` and `..`, sorted, with a slash between them. */
static int call_readdir(struct run *r, char **a)
{
	static char *names[NAMES_MAX];
	DIR *dir = opendir(a[0]);
	struct dirent *de;
	size_t n = 0;
	int e;

	if (!dir)
		return errno;
	while (errno = 0, (de = readdir(dir)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..")) {
			assert(n < NAMES_MAX);
			names[n++] = strdup(de->d_name);
		}
	e = errno;
	closedir(dir);
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		say(r, "%s%s", i ? "/" : "", names[i]);
		free(names[i]);
	}
	if (!n)
		say(r, "-");
	return e;
}

/* ---- several calls that programs always make together ---- */

static int first(int a, int b)
{
	return a ? a : b;
}

static int store(const char *path, int flags, char *text)
{
	size_t n = unescape(text);
	int to = open(path, flags, 0666), e;

	if (to < 0)
		return errno;
	e = write_all(to, text, n);
	return first(e, code(close(to)));
}

/* `echo TEXT > F` and `echo TEXT >> F` with every error told, the first one. */
static int call_put(struct run *r, char **a)
{
	(void)r;
	return store(a[0], O_WRONLY | O_CREAT | O_TRUNC, a[1]);
}

static int call_add(struct run *r, char **a)
{
	(void)r;
	return store(a[0], O_WRONLY | O_CREAT | O_APPEND, a[1]);
}

/* ---- the process ---- */

static int call_as(struct run *r, char **a)
{
	gid_t gid = (gid_t)number(a[1], 10);
	uid_t uid = (uid_t)number(a[0], 10);

	(void)r;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return errno;
	return 0;
}

/* The same with supplementary groups, separated by commas. */
static int call_as_in(struct run *r, char **a)
{
	gid_t groups[1024], gid = (gid_t)number(a[1], 10);
	uid_t uid = (uid_t)number(a[0], 10);
	char *save = NULL;
	size_t n = 0;

	(void)r;
	for (char *word = strtok_r(a[2], ",", &save); word && n < 1024;
	     word = strtok_r(NULL, ",", &save))
		groups[n++] = (gid_t)number(word, 10);
	if (setgroups(n, groups) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return errno;
	return 0;
}

static int call_getuid(struct run *r, char **a)
{
	(void)a;
	say(r, "%u", (unsigned)geteuid());
	return 0;
}

static int call_umask(struct run *r, char **a)
{
	(void)r;
	umask((mode_t)number(a[0], 8));
	return 0;
}

/* Waits until a path exists, at most a minute: ETIMEDOUT. */
static int call_until(struct run *r, char **a)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	(void)r;
	for (int i = 0; i < 6000; i++) {
		if (access(a[0], F_OK) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return ETIMEDOUT;
}

static int64_t microseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int by_value(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

/*
 * Median and maximum, in microseconds, of what ls and stat ask: the directory read, a name
 * that is absent, so that the kernel can't answer alone, and a small file read in it.
 */
static int call_latency(struct run *r, char **a)
{
	enum {
		KINDS = 3
	};
	size_t n = (size_t)number(a[2], 10);
	int64_t *took = calloc(n * KINDS, sizeof(*took));
	char path[PATH_MAX], bytes[4096];

	assert(took);
	for (size_t i = 0; i < n * KINDS; i++) {
		int64_t start = microseconds();
		struct stat st;
		struct dirent *de;
		DIR *dir;
		int in;

		switch (i % KINDS) {
		case 0:
			dir = opendir(a[0]);
			if (!dir)
				return errno;
			while ((de = readdir(dir)))
				continue;
			closedir(dir);
			break;
		case 1:
			snprintf(path, sizeof(path), "%s/absent-%zu", a[0], i);
			if (lstat(path, &st) == 0 || errno != ENOENT)
				return errno;
			break;
		default:
			snprintf(path, sizeof(path), "%s/%s", a[0], a[1]);
			in = open(path, O_RDONLY | O_CLOEXEC);
			if (in < 0 || read(in, bytes, sizeof(bytes)) < 0)
				return errno;
			close(in);
		}
		took[i] = microseconds() - start;
	}
	qsort(took, n * KINDS, sizeof(*took), by_value);
	say(r, "%lld %lld", (long long)took[n * KINDS / 2], (long long)took[n * KINDS - 1]);
	free(took);
	return 0;
}

/* The kernel's keyrings: a key of type "user" in the session's, with the first 4 KiB of a file. */
static int call_key_put(struct run *r, char **a)
{
	char bytes[4096];
	int fd = open(a[1], O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	(void)r;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return errno;
	return syscall(SYS_add_key, "user", a[0], bytes, (size_t)n, KEY_SPEC_SESSION_KEYRING) < 0
		       ? errno
		       : 0;
}

static int call_key_find(struct run *r, char **a)
{
	(void)r;
	return syscall(SYS_request_key, "user", a[0], NULL, 0) < 0 ? errno : 0;
}

static int call_key_drop(struct run *r, char **a)
{
	long id = syscall(SYS_request_key, "user", a[0], NULL, 0);

	(void)r;
	if (id < 0)
		return errno;
	return syscall(SYS_keyctl, KEYCTL_UNLINK, id, KEY_SPEC_SESSION_KEYRING) < 0 ? errno : 0;
}

/* What programs print for an errno, so that a test can look for it. */
static int call_strerror(struct run *r, char **a)
{
	for (int e = 1; e < 4096; e++) {
		const char *name = strerrorname_np(e);

		if (name && !strcmp(name, a[0])) {
			say(r, "%s", strerror(e));
			return 0;
		}
	}
	usage("no errno is called", a[0]);
	return 0;
}

/* Every call: its name, how many arguments follow, and what runs it. */
static const struct call calls[] = {
	{ "open", 2, call_open },     /* PATH FLAGS */
	{ "create", 3, call_create }, /* PATH FLAGS MODE */
	{ "use", 1, call_use },       /* N */
	{ "close", 0, call_close },
	{ "dup_close", 0, call_dup_close },
	{ "child_exit", 0, call_child_exit },
	{ "write", 1, call_write },           /* TEXT */
	{ "pwrite", 2, call_pwrite },         /* OFFSET TEXT */
	{ "fill", 2, call_fill },             /* TIMES TEXT */
	{ "write_from", 3, call_write_from }, /* PATH OFFSET COUNT */
	{ "read", 0, call_read },
	{ "pread", 2, call_pread }, /* OFFSET COUNT */
	{ "lseek", 1, call_lseek }, /* OFFSET */
	{ "fsync", 0, call_fsync },
	{ "fcntl_setfl", 1, call_fcntl_setfl }, /* FLAGS */
	{ "ftruncate", 1, call_ftruncate },     /* SIZE */
	{ "fchmod", 1, call_fchmod },           /* MODE */
	{ "fchown", 2, call_fchown },           /* UID GID */
	{ "futimens", 2, call_futimens },       /* ATIME MTIME */
	{ "fgetflags", 0, call_fgetflags },
	{ "fstat", 1, call_fstat },           /* FIELD,FIELD... */
	{ "stat", 2, call_stat },             /* PATH FIELD,FIELD... */
	{ "lstat", 2, call_lstat },           /* PATH FIELD,FIELD... */
	{ "statvfs", 2, call_statvfs },       /* PATH namemax|flags */
	{ "remount_rw", 1, call_remount_rw }, /* PATH */
	{ "access", 2, call_access },         /* PATH R_OK,... */
	{ "chmod", 2, call_chmod },           /* PATH MODE */
	{ "chown", 3, call_chown },           /* PATH UID GID */
	{ "utimens", 3, call_utimens },       /* PATH ATIME MTIME */
	{ "truncate", 2, call_truncate },     /* PATH SIZE */
	{ "getflags", 1, call_getflags },     /* PATH */
	{ "setflags", 2, call_setflags },     /* PATH a|i|- */
	{ "getxattr", 2, call_getxattr },     /* PATH NAME */
	{ "setxattr", 3, call_setxattr },     /* PATH NAME VALUE */
	{ "listxattr", 1, call_listxattr },   /* PATH */
	{ "mkdir", 1, call_mkdir },           /* PATH */
	{ "rmdir", 1, call_rmdir },           /* PATH */
	{ "unlink", 1, call_unlink },         /* PATH */
	{ "bad", 1, call_bad },               /* mkdir|rmdir|open|unlink|chmod|chown */
	{ "rename", 2, call_rename },         /* FROM TO */
	{ "renameat2", 3, call_renameat2 },   /* FROM TO FLAGS */
	{ "link", 2, call_link },             /* FROM TO */
	{ "symlink", 2, call_symlink },       /* TARGET PATH */
	{ "readlink", 1, call_readlink },     /* PATH */
	{ "mknod", 2, call_mknod },           /* PATH file|fifo|socket|char|block */
	{ "readdir", 1, call_readdir },       /* PATH */
	{ "put", 2, call_put },               /* PATH TEXT */
	{ "add", 2, call_add },               /* PATH TEXT */
	{ "as", 2, call_as },                 /* UID GID */
	{ "as_in", 3, call_as_in },           /* UID GID GID,... */
	{ "getuid", 0, call_getuid },
	{ "umask", 1, call_umask },       /* MASK */
	{ "until", 1, call_until },       /* PATH */
	{ "latency", 3, call_latency },   /* DIRECTORY FILE TIMES */
	{ "key_put", 2, call_key_put },   /* NAME PATH */
	{ "key_find", 1, call_key_find }, /* NAME */
	{ "key_drop", 1, call_key_drop }, /* NAME */
	{ "strerror", 1, call_strerror }, /* ERRNO */
};

static const struct call *find(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	usage("no such call:", name);
	return NULL;
}

static void print(const struct run *r, int e)
{
	const char *name = e ? strerrorname_np(e) : NULL;

	if (e && name)
		fputs(name, stdout);
	else if (e)
		printf("E%d", e);
	else
		fputs(r->said_len ? r->said : "0", stdout);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct run run = { .current = -1 };
	int i = 1;

	if (argc < 2)
		usage("nothing to run: give a call and its arguments, calls separated by", ":");
	while (i < argc) {
		const struct call *c = find(argv[i]);

		if (argc - i - 1 < c->args)
			usage("too few arguments for", c->name);
		if (i + 1 + c->args < argc && strcmp(argv[i + 1 + c->args], ":"))
			usage("a colon is missing after", c->name);
		run.said_len = 0;
		run.said[0] = '\0';
		print(&run, c->fn(&run, argv + i + 1));
		i += c->args + 2;
		putchar(i < argc ? ' ' : '\n');
	}
	return 0;
}
