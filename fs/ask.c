/* The passphrase on its way to the worker: asked for on the terminal, or read from a descriptor. */
#include "fs/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "core/base/terminal.h"
#include "core/procedures/unlock.h"

static bool have_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The child. A pipe holds more than the longest passphrase, so nobody need read yet. */
static int ask_into(const struct cf_fs_options *options, int pipe, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf prompt = { 0 }, answer = { 0 };
	struct stat st;
	bool is_new = lstat(options->store, &st) < 0 && errno == ENOENT;
	int r = cf_buf_printf(&prompt, err, "%s for %s: ", is_new ? "New passphrase" : "Passphrase",
			      options->store);

	if (r == 0)
		r = (is_new ? cf_terminal_ask_new : cf_terminal_ask)(
			cf_buf_text(&prompt), CF_PASSPHRASE_MAX, &answer, err);
	if (r == 0)
		r = cf_buf_append(&answer, "\n", 1, err);
	if (r < 0)
		return r;
	if (write(pipe, answer.data, answer.len) != (ssize_t)answer.len)
		return cf_fail(err, EIO, "the passphrase can't be passed on");
	return 0;
}

static int run_child(const struct cf_fs_options *options, int pipe)
{
	const struct cf_fs_log log = { 0 };
	struct cf_err err = { 0 };

	prctl(PR_SET_DUMPABLE, 0);
	if (ask_into(options, pipe, &err) == 0)
		return 0;
	cf_fs_log(&log, LOG_ERR, "%s", err.text);
	return 1;
}

/* The answer's end of the pipe in *ret. */
static int ask(const struct cf_fs_options *options, int *ret, struct cf_err *err)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cf_fail(err, errno, "a pipe can't be made: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		_exit(run_child(options, ends[1]));
	close(ends[1]);
	*ret = ends[0];
	if (pid < 0)
		return cf_fail(err, errno, "a process can't be started: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
}

int cf_fs_ask(struct cf_fs_options *options)
{
	const struct cf_unlock how = {
		.key_file = options->key_file,
		.keyring = options->keyring,
		.credentials = getenv("CREDENTIALS_DIRECTORY"),
	};
	const struct cf_fs_log log = { 0 };
	struct cf_err err = { 0 };
	int r;

	if (options->has_passphrase_fd || !cf_unlock_must_ask(&how) || !have_terminal())
		return 0;
	r = ask(options, &options->passphrase_fd, &err);
	options->has_passphrase_fd = r == 0;
	if (err.code)
		cf_fs_log(&log, LOG_ERR, "%s", err.text);
	return r;
}

int cf_fs_ask_read(const struct cf_fs_options *options, struct cf_buf *out, struct cf_err *err)
{
	int r;

	if (!options->has_passphrase_fd)
		return 0;
	r = cf_line_read(options->passphrase_fd, CF_PASSPHRASE_MAX, out, err);
	if (r == 0 && out->len == 0)
		r = cf_fail(err, EINVAL, "a passphrase can't be empty");
	/* Not to be inherited by fusermount3. */
	if (options->passphrase_fd > STDERR_FILENO)
		close(options->passphrase_fd);
	return cf_note(err, r, "the passphrase");
}
