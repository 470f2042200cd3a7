/*
 * The thread that waits: for the next date at which a status changes or a file's time is over,
 * for the signal to end, and for the end of the supervisor. What is due is done on the pool.
 */
#include "fs/fs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <syslog.h>
#include <unistd.h>

#define PAUSE_MS 50            /* between two rounds, however often something changes */
#define RETRY (60 * CF_SECOND) /* after a round that failed */

struct cf_fs_timer {
	struct cf_fs *fs;
	pthread_t thread;
	int alarm;            /* timerfd(2) of the real clock */
	int pause;            /* timerfd(2) that the clock's being set does not concern */
	int wake;             /* eventfd(2): something changed, a round is over, or the end */
	int signals;          /* signalfd(2) */
	_Atomic bool changed; /* a round is wanted */
	_Atomic bool running; /* one is on the pool, as .round */
	struct cf_fs_call *round;
	_Atomic bool ending;
};

static void ring(struct cf_fs_timer *t)
{
	uint64_t one = 1;

	if (write(t->wake, &one, sizeof(one)) < 0)
		return; /* it rings already */
}

void cf_fs_timer_wake(struct cf_fs *fs)
{
	struct cf_fs_timer *t = fs->timer;

	/* Where nothing may be written, statuses stay as they are stored. */
	if (t && !fs->options->read_only && !atomic_exchange(&t->changed, true))
		ring(t);
}

/* -- a round ----------------------------------------------------------------------------------- */

void cf_fs_ask_as_certfs(struct cf_fs *fs, struct cf_ctx *ctx)
{
	ctx->core = fs->core;
	ctx->caller.uid = getuid();
	ctx->caller.gid = getgid();
	ctx->caller.pid = getpid();
	strcpy(ctx->caller.comm, "certfs");
}

int cf_fs_timer_tick(struct cf_fs *fs, struct cf_err *err)
{
	struct cf_ctx ctx = { 0 };
	cf_time next;
	int r;

	cf_fs_ask_as_certfs(fs, &ctx);
	r = cf_tree_tick(fs->tree, &ctx, &next, err);
	cf_fs_invalidate_now(fs, &ctx);
	cf_ctx_done(&ctx);
	cf_fs_timer_wake(fs);
	return r;
}

/*
 * The clock can be shifted by a test, so what it calls next isn't the system's time. Nor is it
 * where the clock was set back behind the last commit; but then no date comes before it has caught
 * up, and what doesn't depend on dates doesn't depend on it.
 */
static void arm(struct cf_fs_timer *t, cf_time next, cf_time pause)
{
	struct itimerspec at = { 0 }, after = { 0 };

	if (next != CF_NEVER) {
		cf_time real = next - atomic_load(&t->fs->core->clock->shift_ns);

		at.it_value = cf_time_spec(real > 0 ? real : 1);
	} else {
		/* Never, but a clock that is set is still heard of. */
		at.it_value = cf_time_spec(CF_NEVER);
	}
	timerfd_settime(t->alarm, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
	after.it_value = cf_time_spec(pause > 0 ? pause : 1);
	timerfd_settime(t->pause, 0, &after, NULL);
}

static void run_tick(struct cf_fs_call *call)
{
	struct cf_fs *fs = call->fs;
	cf_time next = CF_NEVER;

	call->r = cf_tree_tick(fs->tree, &call->ctx, &next, &call->err);
	if (call->r < 0)
		cf_fs_log_refusal(fs->log, call->r, &call->err);
	cf_fs_audit_look(fs);
	arm(fs->timer, next, call->r < 0 ? RETRY : cf_tree_pause(fs->tree));
}

static void run_round(struct cf_fs_job *job)
{
	struct cf_fs_call *call = (struct cf_fs_call *)job;
	struct cf_fs_timer *t = call->fs->timer;

	call->op->run(call);
	cf_fs_refill(call->fs);
	cf_fs_invalidate(call);
	atomic_store(&t->running, false);
	ring(t);
}

static void start_round(struct cf_fs_timer *t)
{
	static const struct cf_fs_op op = { .run = run_tick, .wait = CF_FS_WAIT_INODES };
	struct cf_fs_call *call = calloc(1, sizeof(*call));

	if (!call)
		return; /* the next change or date tries again */
	call->fs = t->fs;
	call->op = &op;
	cf_fs_ask_as_certfs(t->fs, &call->ctx);
	call->job.run = run_round;
	t->round = call;
	atomic_store(&t->running, true);
	if (!cf_fs_pool_add(t->fs->pool, &call->job, CF_FS_LATER)) {
		atomic_store(&t->running, false);
		cf_fs_call_free(call);
	}
}

/* -- waiting ----------------------------------------------------------------------------------- */

static void drain(int fd)
{
	uint64_t n;

	/* ECANCELED from the timer: the clock was set, which is as good as its time. */
	if (read(fd, &n, sizeof(n)) < 0)
		return;
}

static void *thread(void *arg)
{
	struct cf_fs_timer *t = arg;
	bool stopped = false;
	int supervisor = t->fs->decoders->fd;

	while (!atomic_load(&t->ending)) {
		struct pollfd fds[] = {
			{ .fd = t->wake, .events = POLLIN },
			{ .fd = t->alarm, .events = POLLIN },
			{ .fd = t->pause, .events = POLLIN },
			{ .fd = stopped ? -1 : t->signals, .events = POLLIN },
			{ .fd = stopped ? -1 : supervisor, .events = 0 }, /* POLLHUP */
		};

		if (poll(fds, CF_COUNT(fds), -1) < 0)
			continue;
		if (fds[0].revents)
			drain(t->wake);
		if (fds[1].revents || fds[2].revents) {
			drain(t->alarm);
			drain(t->pause);
			atomic_store(&t->changed, true);
		}
		if (fds[3].revents || fds[4].revents) {
			if (fds[4].revents)
				cf_fs_log(t->fs->log, LOG_ERR,
					  "the supervisor is gone: unmounting");
			stopped = true;
			cf_fs_session_stop(t->fs);
		}
		if (!stopped && !atomic_load(&t->running) && atomic_exchange(&t->changed, false)) {
			start_round(t);
			poll(NULL, 0, PAUSE_MS);
		}
	}
	return NULL;
}

static int open_all(struct cf_fs_timer *t, struct cf_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	t->alarm = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	t->pause = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->alarm < 0 || t->pause < 0 || t->wake < 0 || t->signals < 0)
		return cf_fail(err, errno, "dates can't be waited for: %s", strerror(errno));
	return 0;
}

static void close_all(struct cf_fs_timer *t)
{
	const int fds[] = { t->alarm, t->pause, t->wake, t->signals };

	for (size_t i = 0; i < CF_COUNT(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(t);
}

int cf_fs_timer_start(struct cf_fs *fs, struct cf_err *err)
{
	struct cf_fs_timer *t = calloc(1, sizeof(*t));
	int r, code;

	if (!t)
		return cf_fail_memory(err);
	t->fs = fs;
	t->alarm = t->pause = t->wake = t->signals = -1;
	r = open_all(t, err);
	if (r < 0) {
		close_all(t);
		return r;
	}
	fs->timer = t;
	cf_fs_timer_wake(fs); /* the first round comes at once */
	code = pthread_create(&t->thread, NULL, thread, t);
	if (code != 0) {
		fs->timer = NULL;
		close_all(t);
		return cf_fail(err, code, "a thread can't be started: %s", strerror(code));
	}
	return 0;
}

void cf_fs_timer_stop(struct cf_fs *fs)
{
	struct cf_fs_timer *t = fs->timer;

	if (!t || atomic_exchange(&t->ending, true))
		return;
	ring(t);
	pthread_join(t->thread, NULL);
}

void cf_fs_timer_free(struct cf_fs *fs)
{
	struct cf_fs_timer *t = fs->timer;

	if (!t)
		return;
	/* A round that the pool didn't get to before it was closed. */
	if (atomic_load(&t->running))
		cf_fs_call_free(t->round);
	close_all(t);
	fs->timer = NULL;
}
