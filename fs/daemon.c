/* Going to the background: the first process waits until the mount can be used. */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
		setsid();
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
