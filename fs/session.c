/* libfuse's session: mounting, serving, and ending it without leaving a request unanswered. */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Threads that read requests. What they run is quick, but a change waits for the disk; more than
 * libfuse's ten let readers pass a row of writers. Idle ones stay: starting one costs more than
 * keeping it.
 */
#define MAX_THREADS 16

int cf_fs_session_mount(struct cf_fs *fs, struct cf_err *err)
{
	const char *mountpoint = fs->options->mountpoint;
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	bool fine = fuse_opt_add_arg(&args, "certfs") == 0 && fuse_opt_add_arg(&args, "-o") == 0 &&
		    fuse_opt_add_arg(&args, cf_buf_text(&fs->options->mount)) == 0 &&
		    (!fs->options->debug || fuse_opt_add_arg(&args, "-d") == 0);

	if (!fine) {
		fuse_opt_free_args(&args);
		return cf_fail_memory(err);
	}
	fs->session = fuse_session_new(&args, &cf_fs_ops, sizeof(cf_fs_ops), fs);
	fuse_opt_free_args(&args);
	if (!fs->session)
		return cf_fail(err, EINVAL, "libfuse refuses the options %s",
			       cf_buf_text(&fs->options->mount));
	if (fuse_session_mount(fs->session, mountpoint) < 0) {
		fuse_session_destroy(fs->session);
		fs->session = NULL;
		return cf_fail(err, EIO, "%s can't be mounted at %s; libfuse said why",
			       fs->options->store, mountpoint);
	}
	return 0;
}

/* Only there to interrupt libfuse's loop, which looks then whether its session is over. */
static void on_wake(int signal)
{
	(void)signal;
}

int cf_fs_session_run(struct cf_fs *fs, struct cf_err *err)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int r;

	if (!config)
		return cf_fail_memory(err);
	fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
	fuse_loop_cfg_set_idle_threads(config, MAX_THREADS);
	r = fuse_session_loop_mt(fs->session, config);
	fuse_loop_cfg_destroy(config);
	atomic_store(&fs->ended, true);
	if (r < 0)
		return cf_fail(err, -r, "the connection to the kernel broke: %s", strerror(-r));
	return 0;
}

void cf_fs_session_stop(struct cf_fs *fs)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	const struct sigaction wake = { .sa_handler = on_wake }; /* without SA_RESTART */

	/*
	 * While requests are still being served: a notifier may wait for pages that are locked
	 * until a READ is answered, and would wait for ever afterwards.
	 */
	cf_fs_invalidate_stop(fs);
	sigaction(SIGUSR1, &wake, NULL);
	fuse_session_exit(fs->session);
	while (!atomic_load(&fs->ended)) {
		pthread_kill(fs->main, SIGUSR1);
		nanosleep(&pause, NULL);
	}
}

/*
 * libfuse would unmount by itself, which the confined worker can't: it leaves what is unmounted
 * already alone, and knows that by an error of its descriptor, as of a pipe without a reader.
 */
static void take_device(struct fuse_session *session)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	dup3(ends[1], fuse_session_fd(session), O_CLOEXEC);
	close(ends[0]);
	close(ends[1]);
}

static bool is_unmounted(struct fuse_session *session)
{
	struct pollfd device = { .fd = fuse_session_fd(session) };

	return poll(&device, 1, 0) == 1 && device.revents & POLLERR;
}

void cf_fs_session_close(struct cf_fs *fs)
{
	if (!fs->session)
		return;
	if (!is_unmounted(fs->session))
		cf_fs_decoders_unmount(fs->decoders);
	take_device(fs->session);
	fuse_session_unmount(fs->session);
	fuse_session_destroy(fs->session);
	fs->session = NULL;
}
