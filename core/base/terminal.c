/* Secrets from a terminal or a descriptor; see terminal.h. */
#include "core/base/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* A terminal that is being asked on. */
struct terminal {
	int fd;
	int signals; /* signalfd(2); -1: read without looking for signals */
	struct termios before;
	sigset_t mask_before;
};

/* 1: something to read; a signal's number, negative; -EIO's sentence is the caller's. */
static int wait_for_input(const struct terminal *t)
{
	struct pollfd fds[] = {
		{ .fd = t->fd, .events = POLLIN },
		{ .fd = t->signals, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
			continue;
		if (fds[1].revents && read(t->signals, &info, sizeof(info)) == sizeof(info))
			return -(int)info.ssi_signo;
		if (fds[0].revents)
			return 1;
	}
}

/* One line. t is NULL for a descriptor that is no terminal. *ret_signal: what ended it. */
static int read_line(int fd, const struct terminal *t, size_t max, struct cf_buf *out,
		     int *ret_signal, struct cf_err *err)
{
	const size_t before = out->len;
	bool any = false;

	for (;;) {
		ssize_t n;
		char c;
		int r = t ? wait_for_input(t) : 1;

		if (r < 0) {
			*ret_signal = -r;
			return cf_fail(err, EINTR, "interrupted");
		}
		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cf_fail(err, EIO, "a line can't be read: %s", strerror(errno));
		if (n == 0 && !any)
			return cf_fail(err, ENODATA, "there is no line to read");
		if (n == 0 || c == '\n')
			return 0;
		any = true;
		if (c == '\0')
			return cf_fail(err, EINVAL, "the line has a NUL in it");
		if (out->len - before == max)
			return cf_fail(err, EINVAL, "the line is longer than %zu bytes", max);
		r = cf_buf_append(out, &c, 1, err);
		explicit_bzero(&c, 1);
		if (r < 0)
			return r;
	}
}

int cf_line_read(int fd, size_t max, struct cf_buf *out, struct cf_err *err)
{
	int none;

	return read_line(fd, NULL, max, out, &none, err);
}

/* -- asking ---------------------------------------------------------------------------------- */

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return; /* who doesn't see the question will not answer it */
}

static int silence(struct terminal *t, struct cf_err *err)
{
	struct termios quiet;
	sigset_t set;

	t->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->fd < 0 || tcgetattr(t->fd, &t->before) < 0) {
		if (t->fd >= 0)
			close(t->fd);
		return cf_fail(err, ENOTTY, "there is no terminal to ask on");
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, &t->mask_before);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	tcsetattr(t->fd, TCSAFLUSH, &quiet);
	return 0;
}

static void restore(struct terminal *t, int signal)
{
	say(t->fd, "\n");
	tcsetattr(t->fd, TCSAFLUSH, &t->before);
	close(t->fd);
	if (t->signals >= 0)
		close(t->signals);
	if (signal)
		raise(signal); /* it takes effect when it is let through */
	sigprocmask(SIG_SETMASK, &t->mask_before, NULL);
}

int cf_terminal_ask(const char *prompt, size_t max, struct cf_buf *out, struct cf_err *err)
{
	struct terminal t;
	int signal = 0;
	int r = silence(&t, err);

	if (r < 0)
		return r;
	say(t.fd, prompt);
	r = read_line(t.fd, &t, max, out, &signal, err);
	restore(&t, signal);
	return r;
}

int cf_terminal_ask_new(const char *prompt, size_t max, struct cf_buf *out, struct cf_err *err)
{
	for (int tries = 0; tries < 3; tries++) {
		cf_auto(cf_buf_done) struct cf_buf first = { 0 }, second = { 0 };
		int r = cf_terminal_ask(tries ? "They differ. Once more: " : prompt, max, &first,
					err);

		if (r == 0)
			r = cf_terminal_ask("The same again: ", max, &second, err);
		if (r < 0)
			return r;
		if (first.len == second.len &&
		    memcmp(cf_buf_text(&first), cf_buf_text(&second), first.len) == 0)
			return cf_buf_append(out, cf_buf_text(&first), first.len, err);
	}
	return cf_fail(err, EINVAL, "the two lines differ");
}
