/*
 * The parent of the worker. It holds no key and never opens the store; it starts decoders, which
 * inherit the system's trust anchors from it, and unmounts whatever way the worker dies.
 */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "core/decoder/system.h"

#define PRIME_TRIES 100
#define STATUS_LOST 7   /* exit status: a mount that ended otherwise than by being unmounted */
#define STOP_SECONDS 20 /* a worker that was told to end and doesn't is killed */

struct supervisor {
	const struct cf_fs_options *options;
	struct cf_fs_log log;
	struct cf_system system;
	int signals; /* signalfd(2) */
	int socket;  /* to the worker; -1 when it has closed its end */
	int ready;   /* to the first process; -1 when it was told */
	pid_t worker;
	pid_t primer; /* see prime(); 0: none */
	bool mounted;
	time_t stop_at; /* when it is killed; 0: it wasn't told to end */
	int status;     /* of waitpid(2), once gone is set */
	bool gone;
};

/* -- unmounting -------------------------------------------------------------------------------- */

static void fusermount(const char *mountpoint)
{
	const char *const argv[] = { "fusermount3", "-u", "-q", "-z", "--", mountpoint, NULL };
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	if (posix_spawnp(&pid, argv[0], NULL, &attr, (char *const *)argv, environ) == 0)
		waitpid(pid, NULL, 0);
	posix_spawnattr_destroy(&attr);
}

static void unmount(const char *mountpoint)
{
	if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		fusermount(mountpoint);
}

void cf_fs_unmount_dead(const char *mountpoint)
{
	/* Without O_PATH an automount would be made again the moment it was unmounted. */
	int fd = open(mountpoint, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statvfs st;

	if (fd < 0)
		return;
	/* stat(2) would be answered from what the kernel remembers. */
	if (fstatvfs(fd, &st) < 0 && (errno == ENOTCONN || errno == ECONNABORTED))
		unmount(mountpoint);
	close(fd);
}

/* -- what the worker asks for ------------------------------------------------------------------ */

static void answer(struct supervisor *s, enum cf_fs_message what, const void *data, size_t n,
		   int fd)
{
	char kind = (char)what;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec parts[] = {
		{ .iov_base = &kind, .iov_len = 1 },
		{ .iov_base = (void *)data, .iov_len = n },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = CF_COUNT(parts) };
	struct cmsghdr *rights;

	if (fd >= 0) {
		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	while (sendmsg(s->socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void refresh(struct supervisor *s)
{
	struct cf_err err = { 0 };
	int r = cf_system_refresh(&s->system, &err);

	if (r < 0)
		cf_fs_log(&s->log, LOG_WARNING, "%s", err.text);
	else if (r > 0)
		cf_fs_log(&s->log, LOG_NOTICE, "%s has changed and holds %zu trust anchors now",
			  s->system.path, s->system.n);
}

static void start_decoder(struct supervisor *s)
{
	sigset_t none;
	int ends[2];
	pid_t pid;

	refresh(s);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		answer(s, CF_FS_FAILED, NULL, 0, -1);
		return;
	}
	pid = fork();
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		cf_decoder_child(ends[1], s->system.store);
	}
	close(ends[1]);
	answer(s, pid < 0 ? CF_FS_FAILED : CF_FS_DONE, NULL, 0, pid < 0 ? -1 : ends[0]);
	close(ends[0]);
}

/*
 * What the kernel knows of the root directory at first is nobody's and closed. It asks before it
 * checks a permission, but drops the answer when it is told to forget the directory meanwhile, as
 * happens when a store has changed with time, and then refuses with what it had. So the mount is
 * ready when an answer has stuck, which a process of its own waits for.
 */
static void prime(const char *mountpoint)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	struct statx known;
	struct stat st;

	for (int i = 0; i < PRIME_TRIES && stat(mountpoint, &st) == 0; i++) {
		if (statx(AT_FDCWD, mountpoint, AT_STATX_DONT_SYNC, STATX_MODE, &known) < 0 ||
		    (known.stx_mode & 07777) == (st.st_mode & 07777))
			return;
		nanosleep(&pause, NULL);
	}
}

static void is_ready(struct supervisor *s)
{
	cf_fs_daemon_notify("READY=1\nSTATUS=mounted");
	if (s->ready < 0)
		return;
	setsid(); /* not earlier, see serve() */
	cf_fs_daemon_ready(s->ready, 0);
	s->ready = -1;
	cf_fs_daemon_detach();
	cf_fs_log_to_system(&s->log);
}

static void is_mounted(struct supervisor *s)
{
	sigset_t none;

	s->mounted = true;
	s->primer = fork();
	if (s->primer == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		prime(s->options->mountpoint);
		_exit(0);
	}
	if (s->primer < 0)
		is_ready(s);
}

static void on_message(struct supervisor *s)
{
	char kind;
	ssize_t n = recv(s->socket, &kind, 1, 0);

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close(s->socket);
		s->socket = -1;
		return;
	}
	switch (kind) {
	case CF_FS_MOUNTED:
		is_mounted(s);
		break;
	case CF_FS_DECODER:
		start_decoder(s);
		break;
	case CF_FS_SYSTEM_ID:
		refresh(s);
		answer(s, CF_FS_DONE, s->system.id, sizeof(s->system.id), -1);
		break;
	case CF_FS_UNMOUNT:
		unmount(s->options->mountpoint);
		answer(s, CF_FS_DONE, NULL, 0, -1);
		break;
	}
}

/* -- signals ----------------------------------------------------------------------------------- */

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGCHLD) {
		cf_fs_daemon_notify("STOPPING=1");
		kill(s->worker, SIGTERM);
		if (s->stop_at == 0)
			s->stop_at = seconds() + STOP_SECONDS;
		return;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->worker) {
			s->gone = true;
			s->status = status;
		} else if (pid == s->primer) {
			s->primer = 0;
			is_ready(s);
		}
	}
}

static void watch(struct supervisor *s)
{
	while (!s->gone) {
		struct pollfd fds[] = {
			{ .fd = s->signals, .events = POLLIN },
			{ .fd = s->socket, .events = POLLIN },
		};

		if (poll(fds, CF_COUNT(fds), s->stop_at != 0 ? 1000 : -1) < 0)
			continue;
		if (fds[0].revents)
			on_signal(s);
		if (fds[1].revents)
			on_message(s);
		if (s->stop_at != 0 && !s->gone && seconds() >= s->stop_at)
			kill(s->worker, SIGKILL);
	}
}

/* -- from start to end ------------------------------------------------------------------------- */

static int exit_status(struct supervisor *s)
{
	int status = 1;

	if (WIFEXITED(s->status))
		status = WEXITSTATUS(s->status);
	else if (WIFSIGNALED(s->status))
		cf_fs_log(&s->log, LOG_ERR, "the process that held %s was ended by signal %d (%s)",
			  s->options->mountpoint, WTERMSIG(s->status),
			  strsignal(WTERMSIG(s->status)));
	/* For a service manager: here a new start helps, where mounting failed it doesn't. */
	if (status != 0 && s->mounted)
		status = STATUS_LOST;
	cf_fs_unmount_dead(s->options->mountpoint);
	cf_fs_daemon_ready(s->ready, status);
	return status;
}

/* The signals that watch() handles; the worker inherits that they are blocked. */
static int catch_signals(struct supervisor *s, struct cf_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A log that nobody reads any more is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	/* Neither is a limit on the size of files (ulimit -f): the write fails, and says so. */
	signal(SIGXFSZ, SIG_IGN);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return cf_fail(err, errno, "signals can't be waited for: %s", strerror(errno));
	return 0;
}

static int start(struct supervisor *s, int *ret_worker_end, struct cf_err *err)
{
	int ends[2];
	int r = cf_system_open(&s->system, err);

	if (r < 0)
		return r;
	if (s->system.n == 0)
		cf_fs_log(&s->log, LOG_NOTICE,
			  "there is no trust anchor in %s: only those in _trust count",
			  s->system.path);
	r = catch_signals(s, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return cf_fail(err, errno, "a socket can't be made: %s", strerror(errno));
	s->socket = ends[0];
	*ret_worker_end = ends[1];
	s->worker = fork();
	if (s->worker < 0)
		return cf_fail(err, errno, "a process can't be started: %s", strerror(errno));
	return 0;
}

int cf_fs_supervise(const struct cf_fs_options *options, int ready,
		    int (*work)(int fd, const struct cf_fs_options *options))
{
	struct supervisor s = {
		.options = options,
		.system.path = options->ca_file,
		.signals = -1,
		.socket = -1,
		.ready = ready,
	};
	struct cf_err err = { 0 };
	int worker_end = -1;
	int status = 1;
	int r = start(&s, &worker_end, &err);

	if (r < 0) {
		cf_fs_log(&s.log, LOG_ERR, "%s", err.text);
		cf_fs_daemon_ready(s.ready, status);
	} else if (s.worker == 0) {
		close(s.signals);
		close(s.socket);
		if (s.ready >= 0)
			close(s.ready);
		status = work(worker_end, options);
	} else {
		close(worker_end);
		/* What is in it is the worker's alone to read. */
		if (options->has_passphrase_fd && options->passphrase_fd > STDERR_FILENO)
			close(options->passphrase_fd);
		watch(&s);
		status = exit_status(&s);
		close(s.signals);
		if (s.socket >= 0)
			close(s.socket);
	}
	cf_system_close(&s.system);
	return status;
}
