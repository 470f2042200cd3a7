/*
 * certfs(1): mounts a store. Up to three processes: one that waits until the mount can be used
 * (not with -f), the supervisor without keys (supervisor.c), and the worker, which is here: it
 * opens and unlocks the store, mounts it, serves it, and closes all that in the reverse order.
 */
#include "fs/fs.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "core/procedures/unlock.h"
#include "fs/ask.h"

#define PAUSE_MS 50  /* between two looks at a store that is busy */
#define BUSY_MS 3000 /* how long it may be */

/* -- the worker -------------------------------------------------------------------------------- */

/* Before there is a key: no core dump, no other process of the user in this one's memory. */
static int harden(struct cf_err *err)
{
	const struct rlimit none = { 0 };

	umask(077);
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return cf_fail(err, errno, "this process can't be protected: %s", strerror(errno));
	return 0;
}

static size_t cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 1 ? (size_t)n : 1;
}

/* umount(8) returns before the mount's process has closed the store: one that is busy may be ending. */
static int unlock(const struct cf_unlock *how, struct cf_core *core, size_t *damaged,
		  struct cf_err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000 * 1000 };
	int r;

	for (int waited = 0;; waited += PAUSE_MS) {
		r = cf_unlock(how, core, damaged, err);
		if (r != -EBUSY || waited >= BUSY_MS)
			return r;
		cf_err_reset(err);
		nanosleep(&pause, NULL);
	}
}

static int open_store(struct cf_fs *fs, struct cf_clock *clock, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf who = { 0 }, passphrase = { 0 };
	struct cf_unlock how = {
		.store = fs->options->store,
		.key_file = fs->options->key_file,
		.keyring = fs->options->keyring,
		.credentials = getenv("CREDENTIALS_DIRECTORY"),
		.create = !fs->options->read_only,
		.read_only = fs->options->read_only,
		.clock = clock,
	};
	const bool is_new = access(how.store, F_OK) < 0 && errno == ENOENT;
	size_t damaged = 0;
	int r = cf_buf_printf(&who, err, "the mount at %s", fs->options->mountpoint);

	how.who = cf_buf_text(&who);
	if (r == 0)
		r = cf_fs_ask_read(fs->options, &passphrase, err);
	how.passphrase = passphrase.len ? &passphrase : NULL;
	if (r == 0)
		r = unlock(&how, fs->core, &damaged, err);
	if (r == 0 && is_new) /* or a slip in its name would look like the loss of everything */
		cf_fs_log(fs->log, LOG_NOTICE, "%s was not there; a new store was made", how.store);
	if (r == 0 && damaged > 0)
		cf_fs_log(fs->log, LOG_ERR,
			  "%zu servers were changed outside certfs; run certfsctl %s check",
			  damaged, fs->options->store);
	return r;
}

static void log_sentence(void *arg, const char *sentence)
{
	cf_fs_log(arg, LOG_NOTICE, "%s", sentence);
}

static int open_tree(struct cf_fs *fs, struct cf_err *err)
{
	const struct cf_tree_options options = {
		.uid = fs->options->has_uid ? fs->options->uid : getuid(),
		.gid = fs->options->has_gid ? fs->options->gid : getgid(),
		.umask = fs->options->umask,
		.keys = fs->options->keys,
		.without_secrets = fs->options->read_only,
		.others = fs->options->others,
		.log = log_sentence,
		.log_arg = fs->log,
	};

	fs->core->uid = options.uid;
	fs->core->gid = options.gid;
	fs->core->umask = options.umask;
	return cf_tree_new(fs->core, &options, &fs->tree, err);
}

static void tell_mounted(struct cf_fs *fs)
{
	char message = CF_FS_MOUNTED;

	if (!fs->options->foreground) {
		cf_fs_log_to_system(fs->log);
		cf_fs_daemon_detach();
	}
	cf_fs_log(fs->log, LOG_INFO, "%s", fs->confined);
	if (send(fs->decoders->fd, &message, 1, MSG_NOSIGNAL) < 0)
		return; /* the timer's thread notices that the supervisor is gone */
}

/* Everything from the open store to the end of the mount. */
static int serve(struct cf_fs *fs, struct cf_err *err)
{
	struct cf_err control = { 0 };
	int r = open_tree(fs, err);

	/* certfsctl asks whoever writes. */
	if (!fs->options->read_only && cf_fs_control_open(fs, &control) < 0)
		cf_fs_log(fs->log, LOG_WARNING, "%s; certfsctl can't reach this mount",
			  control.text);
	if (r == 0)
		r = cf_fs_session_mount(fs, err);
	/*
	 * Not earlier: who looks at the mountpoint of an automount waits for the mount, except for
	 * the process group that makes it.
	 */
	if (r == 0 && !fs->options->foreground)
		setsid();
	if (r == 0)
		cf_fs_confine(fs);
	if (r == 0)
		r = cf_fs_pool_new(cores() + 1, true, &fs->pool, err);
	if (r == 0)
		r = cf_fs_pool_new(1, false, &fs->pages, err);
	if (r == 0)
		r = cf_fs_invalidate_start(fs, err);
	if (r == 0)
		r = cf_fs_testing_start(fs, err);
	if (r == 0)
		r = cf_fs_timer_start(fs, err);
	if (r == 0)
		r = cf_fs_control_start(fs, err);
	if (r < 0)
		return r;
	tell_mounted(fs);
	cf_fs_audit_head(fs, "mounted");
	return cf_fs_session_run(fs, err);
}

/* In this order, because each may use what comes after it. */
static void close_all(struct cf_fs *fs)
{
	cf_fs_control_stop(fs);
	cf_fs_timer_stop(fs);
	cf_fs_pool_close(fs->pool);
	cf_fs_pool_close(fs->pages);
	cf_fs_invalidate_stop(fs);
	cf_fs_timer_free(fs);
	cf_fs_session_close(fs);
	cf_fs_testing_stop(fs);
	cf_fs_pool_free(fs->pool);
	cf_fs_pool_free(fs->pages);
	cf_fs_pool_free(fs->tell_inodes);
	cf_fs_pool_free(fs->tell_entries);
	cf_fs_handles_close(fs);
	cf_tree_free(fs->tree);
	cf_fs_audit_head(fs, "unmounted");
	cf_unlock_close(fs->core);
}

static int work(int fd, const struct cf_fs_options *options)
{
	struct cf_clock clock = { 0 };
	struct cf_fs_log log = { 0 };
	struct cf_err err = { 0 };
	struct cf_fs_decoders decoders = { .fd = fd, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct cf_judging judging = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct cf_core core = {
		.judging = &judging,
		.decoder = {
			.start = cf_fs_decoders_start,
			.system_id = cf_fs_decoders_system_id,
			.at_once = cores(),
			.arg = &decoders,
		},
	};
	struct cf_fs fs = {
		.core = &core,
		.options = options,
		.log = &log,
		.decoders = &decoders,
		.main = pthread_self(),
		.handles_lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int r = harden(&err);

	decoders.fs = &fs;
	judging.progress = cf_fs_log_judging;
	judging.arg = &fs;
	if (r == 0)
		r = open_store(&fs, &clock, &err);
	if (r == 0)
		r = serve(&fs, &err);
	close_all(&fs);
	if (r < 0)
		cf_fs_log(&log, LOG_ERR, "%s", err.text);
	close(fd);
	return r < 0 ? 1 : 0;
}

/* -- the program ------------------------------------------------------------------------------- */

static int check_mountpoint(const char *mountpoint, struct cf_err *err)
{
	struct stat st;

	cf_fs_unmount_dead(mountpoint);
	if (stat(mountpoint, &st) < 0)
		return cf_fail(err, errno, "the mountpoint %s can't be used: %s", mountpoint,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return cf_fail(err, ENOTDIR, "the mountpoint %s is not a directory", mountpoint);
	return 0;
}

int main(int argc, char **argv)
{
	cf_auto(cf_fs_options_done) struct cf_fs_options options = { 0 };
	const struct cf_fs_log log = { 0 };
	struct cf_err err = { 0 };
	int ready = -1;
	int r = cf_fs_options_parse(argc, argv, &options, &err);

	if (r == 0 && options.help)
		return fputs(cf_fs_options_help(), stdout) < 0;
	if (r == 0 && options.version)
		return puts("certfs " CF_VERSION) < 0;
	if (r < 0) {
		cf_fs_log(&log, LOG_ERR, "%s", err.text);
		return r == -EINVAL ? 2 : 1;
	}
	r = check_mountpoint(options.mountpoint, &err);
	if (r == 0 && cf_fs_ask(&options) < 0)
		return 1;
	if (r == 0 && !options.foreground)
		r = cf_fs_daemon_start(&ready, &err);
	if (r < 0) {
		cf_fs_log(&log, LOG_ERR, "%s", err.text);
		return 1;
	}
	return cf_fs_supervise(&options, ready, work);
}
