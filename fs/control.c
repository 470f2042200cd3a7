/*
 * The socket beside the store, on which certfsctl reaches the process that has it mounted. One
 * command at a time, in a thread of its own: a check of a large store holds up nobody but the
 * next command. The format is in core/procedures/admin.h.
 */
#include "fs/fs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#define PROGRESS_MS 250    /* between two lines about it */
#define PATIENCE_SECONDS 5 /* with a client that doesn't speak or doesn't listen */

struct cf_fs_control {
	struct cf_fs *fs;
	pthread_t thread;
	bool started;
	int socket;
	int end; /* eventfd(2): readable when the thread is to end */
	int folder;
	struct sockaddr_un address;
};

/* -- one command ------------------------------------------------------------------------------- */

struct client {
	int fd;
	bool gone;
	struct cf_beat beat; /* of its progress */
};

static void say(struct client *client, enum cf_admin_message kind, const void *text, size_t len)
{
	char byte = (char)kind;
	struct iovec parts[] = {
		{ .iov_base = &byte, .iov_len = 1 },
		{ .iov_base = (void *)text, .iov_len = len < CF_ADMIN_MAX ? len : CF_ADMIN_MAX },
	};
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = CF_COUNT(parts) };

	if (!client->gone && sendmsg(client->fd, &message, MSG_NOSIGNAL) < 0)
		client->gone = true;
}

static void report(void *arg, const char *line)
{
	say(arg, CF_ADMIN_OUT, line, strlen(line));
}

/* The first at once: whoever is at the other end knows how long it has waited. */
static void progress(void *arg, const struct cf_progress *progress)
{
	char text[CF_PROGRESS_MAX];
	struct client *client = arg;

	if (!cf_beat_due(&client->beat, 0, PROGRESS_MS))
		return;
	cf_progress_text(progress, text);
	say(client, CF_ADMIN_PROGRESS, text, strlen(text));
}

static void take_caller(int fd, struct cf_caller *caller)
{
	struct ucred who = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t len = sizeof(who);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
	caller->uid = who.uid;
	caller->gid = who.gid;
	caller->pid = who.pid;
	cf_fs_caller_name(caller);
}

static int find(int n, char **words, const struct cf_admin_command **ret, struct cf_err *err)
{
	int r = -EINVAL;

	if (n < 1)
		return cf_fail(err, EINVAL, "that is no command");
	*ret = cf_admin_find(cf_admin_commands, n, words, false, &r, err);
	if (!*ret && r == -ENOENT)
		*ret = cf_admin_find(cf_fs_testing_commands, n, words, false, &r, err);
	if (!*ret && r == -ENOENT)
		return cf_fail(err, EINVAL, "there is no command '%s'", words[0]);
	if (*ret && (*ret)->unmounted)
		return cf_fail(err, EBUSY, "%s needs the store unmounted", (*ret)->name);
	if (*ret && (*ret)->aside)
		return cf_fail(err, EINVAL, "%s is not for whoever has the store mounted",
			       (*ret)->name);
	return r;
}

static int run_words(struct cf_fs *fs, struct client *client, int n, char **words,
		     struct cf_err *err)
{
	struct cf_ctx ctx = { .core = fs->core };
	struct cf_admin admin = {
		.ctx = &ctx,
		.report = report,
		.progress = progress,
		.arg = client,
		.host = fs,
	};
	const struct cf_admin_command *command = NULL;
	int r = find(n, words, &command, err);

	if (r < 0)
		return r;
	admin.n = n - r;
	admin.words = words + r;
	take_caller(client->fd, &ctx.caller);
	r = command->run(&admin, err);
	cf_fs_invalidate_now(fs, &ctx);
	cf_ctx_done(&ctx);
	return r;
}

static void serve(struct cf_fs *fs, int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	struct client client = { .fd = fd };
	char text[CF_ADMIN_MAX];
	char *words[CF_ADMIN_WORDS];
	struct cf_err err = { 0 };
	unsigned char status;
	ssize_t len;
	int r;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* The length that was sent, so that a message that was cut off is none. */
	len = recv(fd, text, sizeof(text), MSG_TRUNC);
	r = run_words(fs, &client, cf_admin_split(text, len > 0 ? (size_t)len : 0, words), words,
		      &err);
	if (r < 0)
		say(&client, CF_ADMIN_ERR, err.text, strlen(err.text));
	explicit_bzero(text, sizeof(text)); /* a word may have been a passphrase */
	status = r == -EINVAL ? 2 : r != 0;
	say(&client, CF_ADMIN_STATUS, &status, 1);
}

/* -- the socket -------------------------------------------------------------------------------- */

static void *thread(void *arg)
{
	struct cf_fs_control *c = arg;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->end, .events = POLLIN },
			{ .fd = c->socket, .events = POLLIN },
		};
		int fd;

		if (poll(fds, CF_COUNT(fds), -1) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		fd = accept4(c->socket, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		serve(c->fs, fd);
		close(fd);
	}
}

static int listen_beside(struct cf_fs_control *c, struct cf_err *err)
{
	int r = cf_admin_address(c->fs->options->store, &c->address, &c->folder, err);

	if (r < 0)
		return r;
	/* What is there was left by a process that died: we hold the store's lock. */
	unlink(c->address.sun_path);
	/* bind(2) takes the mode of the socket, less the umask. */
	if (fchmod(c->socket, 0600) < 0 ||
	    bind(c->socket, (const struct sockaddr *)&c->address, sizeof(c->address)) < 0 ||
	    listen(c->socket, 16) < 0)
		return cf_fail(err, errno, "%s.control can't be made: %s", c->fs->options->store,
			       strerror(errno));
	return 0;
}

static void close_all(struct cf_fs_control *c)
{
	const int fds[] = { c->socket, c->end, c->folder };

	for (size_t i = 0; i < CF_COUNT(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(c);
}

int cf_fs_control_open(struct cf_fs *fs, struct cf_err *err)
{
	struct cf_fs_control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return cf_fail_memory(err);
	c->fs = fs;
	c->folder = -1;
	c->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	c->end = eventfd(0, EFD_CLOEXEC);
	if (c->socket < 0 || c->end < 0)
		r = cf_fail(err, errno, "a socket can't be made: %s", strerror(errno));
	else
		r = listen_beside(c, err);
	if (r < 0) {
		close_all(c);
		return r;
	}
	fs->control = c;
	return 0;
}

int cf_fs_control_start(struct cf_fs *fs, struct cf_err *err)
{
	struct cf_fs_control *c = fs->control;
	int code;

	if (!c)
		return 0;
	code = pthread_create(&c->thread, NULL, thread, c);
	if (code != 0)
		return cf_fail(err, code, "a thread can't be started: %s", strerror(code));
	c->started = true;
	return 0;
}

void cf_fs_control_stop(struct cf_fs *fs)
{
	struct cf_fs_control *c = fs->control;
	uint64_t one = 1;

	if (!c)
		return;
	while (write(c->end, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	if (c->started)
		pthread_join(c->thread, NULL);
	unlink(c->address.sun_path);
	close_all(c);
	fs->control = NULL;
}
