/*
 * The processes of a mount: the one that waits for it, the keyless supervisor, and the worker, which
 * holds the keys and is confined. main.c has the order; this is how they talk.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "core/base/error.h"

struct cf_fs;
struct cf_fs_options;

/* -- daemon.c: going to the background --------------------------------------------------------- */

/*
 * Go on in a new process and session; the calling process waits there until *ret_ready is written
 * to or closed, and exits with the byte that came, 1 for none. 0 or a negative errno.
 */
int cf_fs_daemon_start(int *ret_ready, struct cf_err *err);

/* Let the first process exit with this status. ready is closed. */
void cf_fs_daemon_ready(int ready, int status);

/* Let go of the terminal and the folder. */
void cf_fs_daemon_detach(void);

/* Tell a service manager that asks for it by $NOTIFY_SOCKET; state is of sd_notify(3). */
void cf_fs_daemon_notify(const char *state);

/* Tell a service manager that asks for it by $NOTIFY_SOCKET; state is of sd_notify(3). */
void cf_fs_daemon_notify(const char *state);

/* -- supervisor.c: the keyless parent ---------------------------------------------------------- */

/* What the worker writes to its supervisor; each is a message of one byte. */
enum cf_fs_message {
	CF_FS_MOUNTED = 'm',   /* no answer */
	CF_FS_DECODER = 'd',   /* answer: CF_FS_DONE with a descriptor, or CF_FS_FAILED */
	CF_FS_SYSTEM_ID = 's', /* answer: CF_FS_DONE and the 32 bytes */
	CF_FS_UNMOUNT = 'u',   /* answer: CF_FS_DONE, whatever came of it */
	CF_FS_DONE = 'y',
	CF_FS_FAILED = 'n',
};

/*
 * Fork the worker, which runs work() with the socket to its supervisor; in it that is what this
 * returns. In the supervisor: serve the worker, unmount when it dies, and return the exit status.
 * ready as from cf_fs_daemon_start(), -1 in the foreground.
 */
int cf_fs_supervise(const struct cf_fs_options *options, int ready,
		    int (*work)(int fd, const struct cf_fs_options *options));

/* Unmount what a worker that died has left: only a mount that answers ENOTCONN. */
void cf_fs_unmount_dead(const char *mountpoint);

/* -- confine.c: the worker, once everything is open -------------------------------------------- */

/* No way back. Call before there is a second thread. What holds from then on is in fs->confined. */
void cf_fs_confine(struct cf_fs *fs);

/* -- decoders.c: the worker's end -------------------------------------------------------------- */

struct cf_fs_decoders {
	int fd;               /* to the supervisor */
	pthread_mutex_t lock; /* one question at a time */
	struct cf_fs *fs;     /* for the faults of a testing build */
};

/* cf_decoder.start and .system_id; arg is the struct above. */
int cf_fs_decoders_start(void *arg, int *ret_fd, struct cf_err *err);
int cf_fs_decoders_system_id(void *arg, uint8_t ret[32], struct cf_err *err);

/* Have the supervisor unmount. */
void cf_fs_decoders_unmount(struct cf_fs_decoders *decoders);
