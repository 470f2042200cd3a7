/*
 * Going to the background: the first process waits until the mount can be used. In the foreground a
 * service manager waits for the same.
 */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int cf_fs_daemon_start(int *ret_ready, struct cf_err *err)
{
	unsigned char status = 1;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cf_fail(err, errno, "a pipe can't be made: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		int code = errno;

		close(ends[0]);
		close(ends[1]);
		return cf_fail(err, code, "a process can't be started: %s", strerror(code));
	}
	if (pid == 0) {
		close(ends[0]);
		*ret_ready = ends[1];
		return 0;
	}
	close(ends[1]);
	while (read(ends[0], &status, 1) < 0 && errno == EINTR)
		;
	/* exit(3) would write again what the other process has in its buffers. */
	_exit(status);
}

void cf_fs_daemon_ready(int ready, int status)
{
	unsigned char byte = (unsigned char)status;

	if (ready < 0)
		return;
	while (write(ready, &byte, 1) < 0 && errno == EINTR)
		;
	close(ready);
}

void cf_fs_daemon_detach(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		for (int std = 0; std <= STDERR_FILENO; std++)
			dup2(fd, std);
		if (fd > STDERR_FILENO)
			close(fd);
	}
	if (chdir("/") < 0)
		return; /* then that file system can't be unmounted, no more */
}

void cf_fs_daemon_notify(const char *state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;
	int fd;

	/* A path, or `@` and a name in Linux' abstract space, which begins with a NUL. */
	if (n < 2 || n >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}
