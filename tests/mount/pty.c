/*
 * pty PROMPT ANSWER [PROMPT ANSWER]... -- COMMAND...: runs a command with a terminal of its own as
 * its controlling one, and standard input, output and error elsewhere. Waits until each PROMPT was
 * written to the terminal, types the ANSWER and Enter; ANSWER ^C types that.
 * Prints the exit code and whether the echo was off for every answer and is on afterwards:
 * "0 quiet restored". Ends within CERTFS_TEST_WAIT seconds (60). What was written to the terminal
 * goes to the file CERTFS_TEST_TERMINAL, where there is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static time_t deadline;
static int copy = -1;

static void die(const char *why)
{
	printf("pty: %s\n", why);
	exit(99);
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool echoes(int master)
{
	struct termios t;

	return tcgetattr(master, &t) == 0 && (t.c_lflag & ECHO);
}

static ssize_t take(int master, char *to, size_t n)
{
	ssize_t got = read(master, to, n);

	if (got > 0 && copy >= 0 && write(copy, to, (size_t)got) != got)
		die("the terminal's copy can't be written");
	return got;
}

/* What is there by now, so that nobody waits for room. */
static void drain(int master, int wait_ms)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };
	char text[4096];

	while (poll(&fd, 1, wait_ms) > 0 && fd.revents & POLLIN &&
	       take(master, text, sizeof(text)) > 0)
		wait_ms = 0;
}

/* Read what is written to the terminal until it holds text. */
static void wait_for(int master, const char *text)
{
	static char seen[65536];
	static size_t n;
	char *found;

	while (!(found = strstr(seen, text))) {
		struct pollfd fd = { .fd = master, .events = POLLIN };
		ssize_t got;

		if (seconds() >= deadline)
			die("the prompt did not come in time");
		if (poll(&fd, 1, 200) <= 0)
			continue;
		got = take(master, seen + n, sizeof(seen) - 1 - n);
		if (got <= 0)
			die("the command ended without the prompt");
		n += (size_t)got;
		seen[n] = '\0';
	}
	memmove(seen, found + strlen(text), strlen(found + strlen(text)) + 1);
	n = strlen(seen);
}

static pid_t start(int master, const char *name, char **command)
{
	pid_t pid = fork();
	int slave;

	if (pid != 0)
		return pid;
	close(master);
	setsid();
	slave = open(name, O_RDWR);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		_exit(98);
	close(slave);
	execvp(command[0], command);
	_exit(97);
}

int main(int argc, char **argv)
{
	const char *limit = getenv("CERTFS_TEST_WAIT"), *file = getenv("CERTFS_TEST_TERMINAL");
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), keep, status, i = 1;
	bool quiet = true, restored;
	char name[100];
	pid_t pid;

	for (; i < argc && strcmp(argv[i], "--") != 0; i += 2)
		;
	if (i >= argc - 1)
		die("usage: pty PROMPT ANSWER... -- COMMAND...");
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		die("there are no pseudo terminals here");
	/* Kept open, so that the terminal's state outlives the command. */
	keep = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	deadline = seconds() + (limit ? atoi(limit) : 60);
	if (file)
		copy = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	pid = start(master, name, argv + i + 1);
	for (int k = 1; k + 1 < i + 1 && strcmp(argv[k], "--") != 0; k += 2) {
		const char *answer = argv[k + 1];

		wait_for(master, argv[k]);
		quiet &= !echoes(master);
		if (strcmp(answer, "^C") == 0)
			answer = "\003";
		if (write(master, answer, strlen(answer)) < 0 ||
		    (*answer != '\003' && write(master, "\n", 1) < 0))
			die("the terminal takes no input");
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (seconds() >= deadline) {
			kill(pid, SIGKILL);
			die("the command did not end in time");
		}
		drain(master, 20);
	}
	drain(master, 0);
	restored = echoes(keep);
	printf("%d%s%s\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	       quiet ? " quiet" : " ECHO", restored ? " restored" : " STILL OFF");
	return 0;
}
