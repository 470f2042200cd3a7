/*
 * What the files of fs/ share. One struct cf_fs is one mount in the worker process; one struct
 * cf_fs_call is one request on its way to its only reply.
 *
 * Threads of the worker: libfuse's, which run what is quick; the pool, which runs what is slow;
 * two that notify the kernel (invalidate.c); one that waits for dates, signals and the supervisor
 * (timer.c); one for certfsctl (control.c). None of them waits for another one of them.
 */
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "core/procedures/admin.h"
#include "core/tree/tree.h"
#include "fs/jobs.h"
#include "fs/process.h"

/* Seconds for which the kernel remembers what no notice says otherwise about. */
#define CF_FS_REMEMBER 3600.0

/* -- log.c: the only place that writes to the log ---------------------------------------------- */

struct cf_fs_log {
	bool system; /* syslog(3); else standard error */
	/* Of judging all certificates, which one thread does. */
	struct cf_beat judging;
	bool judging_told;
};

/* One line. priority as in syslog(3). */
void cf_fs_log(const struct cf_fs_log *log, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A refused request: its errno and the sentence. r is negative; damage is more urgent. */
void cf_fs_log_refusal(const struct cf_fs_log *log, int r, const struct cf_err *err);

/* A cf_progress_fn of a struct cf_fs: two lines when judging all certificates takes over a second. */
void cf_fs_log_judging(void *arg, const struct cf_progress *progress);

/* From now on to syslog(3), libfuse's own lines too. */
void cf_fs_log_to_system(struct cf_fs_log *log);

/* -- options.c --------------------------------------------------------------------------------- */

/* What the command line said. Zero-initialise; all strings are owned. */
struct cf_fs_options {
	bool help, version; /* nothing else is filled in then */
	bool foreground, debug;
	char *store;      /* absolute */
	char *mountpoint; /* absolute */
	char *key_file;   /* absolute; NULL: not given */
	char *keyring;    /* description of a key; NULL: not given */
	bool has_passphrase_fd;
	int passphrase_fd;
	char *ca_file;  /* absolute */
	bool keys;      /* with files that hold keys as they are */
	bool read_only; /* of a store that another mount may be writing */
	bool has_uid, has_gid;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool others;         /* allow_other */
	struct cf_buf mount; /* what follows libfuse's -o */
};

/* Understand argv. 0, -EINVAL with a sentence, -ENOMEM, or what the paths' directories gave. */
int cf_fs_options_parse(int argc, char **argv, struct cf_fs_options *ret, struct cf_err *err);
void cf_fs_options_done(struct cf_fs_options *options);
CF_DEFINE_DONE(struct cf_fs_options, cf_fs_options_done);

/* help.c: the text of --help. */
const char *cf_fs_options_help(void);

/* -- the mount --------------------------------------------------------------------------------- */

struct cf_fs_handle;
struct cf_fs_call;
struct cf_fs_timer;
struct cf_fs_control;
struct cf_fs_testing;

struct cf_fs {
	struct cf_core *core;
	struct cf_tree *tree;
	const struct cf_fs_options *options;
	struct cf_fs_log *log;
	struct cf_fs_decoders *decoders;
	struct fuse_session *session;
	char confined[256]; /* how the process is confined, in a sentence */
	bool no_opendir;    /* the kernel keeps listings without being asked to, set by INIT */

	pthread_mutex_t handles_lock;
	LIST_HEAD(, cf_fs_handle) handles; /* all that are open, under handles_lock */

	struct cf_fs_pool *pool;         /* slow requests */
	struct cf_fs_pool *pages;        /* one thread: files that are made of many rows */
	struct cf_fs_pool *tell_inodes;  /* one thread: inodes to forget */
	struct cf_fs_pool *tell_entries; /* one thread: names to forget */
	_Atomic uint64_t epoch;          /* grows with every round of notices */

	struct {
		struct cf_fs_job job;
		_Atomic bool wanted;  /* somebody asked since the last one began */
		_Atomic bool running; /* it is on the pool */
	} refill;

	int64_t head_seq; /* the last line of the audit log that the journal knows of, and since when */
	_Atomic cf_time head_time;
	struct cf_fs_timer *timer;
	struct cf_fs_control *control;
	struct cf_fs_testing *testing; /* NULL in the program that users get */
	pthread_t main;                /* the thread in cf_fs_session_run() */
	_Atomic bool ended;            /* it is out of libfuse's loop */
};

/* -- audit.c: the end of the audit log, for a journal that is kept elsewhere --------------------- */

/* At mount and unmount; and every 1000 lines or day, looked at by the timer. */
void cf_fs_audit_head(struct cf_fs *fs, const char *when);
void cf_fs_audit_look(struct cf_fs *fs);

/* -- session.c --------------------------------------------------------------------------------- */

/* Mount. 0, -EINVAL for options that libfuse refuses, -EIO. */
int cf_fs_session_mount(struct cf_fs *fs, struct cf_err *err);

/* Serve until it is unmounted or cf_fs_session_stop(). 0 or a negative errno. */
int cf_fs_session_run(struct cf_fs *fs, struct cf_err *err);

/* Let cf_fs_session_run() return. Called by the timer's thread. */
void cf_fs_session_stop(struct cf_fs *fs);

/* Unmount what is still mounted, and free. */
void cf_fs_session_close(struct cf_fs *fs);

extern const struct fuse_lowlevel_ops cf_fs_ops; /* ops.c */

/* -- handles.c --------------------------------------------------------------------------------- */

/* What a file that is open keeps, in fi->fh; 0 there when nothing needs to be kept. */
struct cf_fs_handle {
	LIST_ENTRY(cf_fs_handle) links;
	struct cf_open *open;
	struct cf_caller caller; /* who opened: WRITE and FLUSH come from whoever shares it */
	gid_t *groups;           /* of the caller, owned */
	bool secret;
	bool writes;
};

/* A handle for what call has opened, into call->handle. 0 or -ENOMEM. */
int cf_fs_handle_new(struct cf_fs_call *call);

/* Release it and what it holds open. Accepts NULL. */
void cf_fs_handle_free(struct cf_fs *fs, struct cf_fs_handle *handle);

/* All that are left, at the end of the mount. */
void cf_fs_handles_close(struct cf_fs *fs);

/* -- call.c: a request from its start to its reply --------------------------------------------- */

/* What the reply waits for, when the request changed what the kernel may remember. */
enum cf_fs_wait {
	CF_FS_WAIT_NONE,    /* the kernel holds pages that a notice may wait for */
	CF_FS_WAIT_INODES,  /* the kernel may hold a directory's lock */
	CF_FS_WAIT_ENTRIES, /* neither: everything is told before the reply */
};

/* One kind of request. */
struct cf_fs_op {
	void (*run)(struct cf_fs_call *call);  /* calls core/tree; sets call->r and the results */
	int (*reply)(struct cf_fs_call *call); /* success; returns what fuse_reply_*() did */
	void (*lost)(struct cf_fs_call *call); /* undo: the reply reached nobody; may be NULL */
	enum cf_fs_wait wait;
	bool changes; /* something may come of it that is recorded, so who asks is looked up */
	bool probes;  /* that something isn't there is no refusal */
};

struct cf_fs_call {
	struct cf_fs_job job;
	struct cf_fs *fs;
	const struct cf_fs_op *op;
	fuse_req_t req; /* NULL: answered */
	uint64_t epoch; /* of its start */
	struct cf_ctx ctx;
	struct cf_err err;
	int r;

	/* What was asked. Names belong to libfuse until the request is queued. */
	uint64_t ino; /* or the parent of name */
	uint64_t other;
	const char *name;
	const char *new_name;
	uint64_t offset;
	size_t size;
	unsigned flags;
	mode_t mode;
	struct cf_span data;
	struct cf_setattr set;
	struct fuse_file_info fi;
	struct cf_fs_handle *handle;

	/* What came of it. */
	struct cf_attr attr;
	struct cf_open *open;
	struct cf_open_hints hints;
	struct cf_buf bytes;
	bool remember;       /* that the name is absent */
	uint64_t forget_ino; /* pages to drop after the reply; 0 */
	char *kept[2];       /* the names, once queued */
	gid_t *groups;       /* of ctx.caller, owned; NULL once a handle has them */
};

/* A new call; replies ENOMEM and returns NULL when there is no memory for it. */
struct cf_fs_call *cf_fs_call_new(fuse_req_t req, const struct cf_fs_op *op);

/* A call on an open file: takes who opened it for the caller. fi may be NULL. */
struct cf_fs_call *cf_fs_call_open(fuse_req_t req, const struct cf_fs_op *op,
				   const struct fuse_file_info *fi);

/* Run it, here or on the pool, and reply once. The call is gone afterwards. */
void cf_fs_call_go(struct cf_fs_call *call, enum cf_pace pace);

/* The reply, unless it was given: the result of op->reply or the errno. */
void cf_fs_call_reply(struct cf_fs_call *call);
void cf_fs_call_free(struct cf_fs_call *call);

/* stat(2)'s form of attributes, and that of an entry's reply. */
void cf_fs_stat(const struct cf_attr *attr, struct stat *ret);
void cf_fs_entry(const struct cf_fs_call *call, const struct cf_attr *attr,
		 struct fuse_entry_param *ret);

/* For how many seconds the kernel may remember what the call says; 0 if it is to forget it. */
double cf_fs_timeout(const struct cf_fs_call *call, bool forget);

/* Replies that several operations share. */
int cf_fs_reply_done(struct cf_fs_call *call);
int cf_fs_reply_entry(struct cf_fs_call *call);
int cf_fs_reply_attr(struct cf_fs_call *call);

/* -- caller.c: who is asking -------------------------------------------------------------------- */

/* The name of a process into caller->comm; "" when it can't be read. */
void cf_fs_caller_name(struct cf_caller *caller);

/*
 * The supplementary groups of a process into caller->groups, which borrows what is returned: to be
 * freed, NULL for none. To be asked while it waits for the reply, when its id can't be another
 * one's. Root needs none, and who has none that can be read may only do less.
 */
gid_t *cf_fs_caller_groups(struct cf_caller *caller);

/* -- invalidate.c: what the kernel must forget ------------------------------------------------- */

/* Start and end the two threads. */
int cf_fs_invalidate_start(struct cf_fs *fs, struct cf_err *err);
void cf_fs_invalidate_stop(struct cf_fs *fs); /* what comes later isn't told */

/* Tell the kernel what call->ctx.changes made untrue, reply as op->wait says, free the call. */
void cf_fs_invalidate(struct cf_fs_call *call);

/*
 * The same for what didn't come from the kernel, in the calling thread: all is told when it
 * returns. Not from the pool or libfuse's threads, which the kernel may be waiting for.
 */
void cf_fs_invalidate_now(struct cf_fs *fs, const struct cf_ctx *ctx);

/* -- timer.c ----------------------------------------------------------------------------------- */

int cf_fs_timer_start(struct cf_fs *fs, struct cf_err *err);
void cf_fs_timer_stop(struct cf_fs *fs); /* no new round begins */
void cf_fs_timer_free(struct cf_fs *fs); /* once the pool is closed */

/* Something changed that may be due earlier than what is waited for. */
void cf_fs_timer_wake(struct cf_fs *fs);

/* Do now what is due, and tell the kernel. Not from the pool or libfuse's threads: it waits. */
int cf_fs_timer_tick(struct cf_fs *fs, struct cf_err *err);

/* Who asks for what comes from no request. */
void cf_fs_ask_as_certfs(struct cf_fs *fs, struct cf_ctx *ctx);

/* -- refill.c ---------------------------------------------------------------------------------- */

/* Have the ready keys made that are lacking, or dropped that are too many, in a while. */
void cf_fs_refill(struct cf_fs *fs);

/* -- control.c --------------------------------------------------------------------------------- */

/*
 * The socket is there before the mount, so that whoever sees the mount is heard; it is served
 * after it. 0 or a negative errno; without a socket starting and stopping do nothing.
 */
int cf_fs_control_open(struct cf_fs *fs, struct cf_err *err);
int cf_fs_control_start(struct cf_fs *fs, struct cf_err *err);
void cf_fs_control_stop(struct cf_fs *fs);

/* -- testing.c, or untested.c in the program that users get ------------------------------------ */

/* Commands of the socket beyond those of core/procedures/admin.h. Their .host is the cf_fs. */
extern const struct cf_admin_command cf_fs_testing_commands[];
int cf_fs_testing_start(struct cf_fs *fs, struct cf_err *err); /* mounted, not yet serving */
void cf_fs_testing_stop(struct cf_fs *fs);
bool cf_fs_testing_fault(struct cf_fs *fs, const char *point); /* true: fail here; may wait */
bool cf_fs_testing_sync_fails(void); /* for tests/faults/daemon.c; only in certfs-testing */

/* -- ops_dir.c, ops_file.c, ops_flags.c: the operations that ops.c lists ----------------------- */

void cf_fs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void cf_fs_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void cf_fs_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
		      struct fuse_file_info *fi);
void cf_fs_op_readlink(fuse_req_t req, fuse_ino_t ino);
void cf_fs_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev);
void cf_fs_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void cf_fs_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void cf_fs_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void cf_fs_op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name);
void cf_fs_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		     const char *new_name, unsigned flags);
void cf_fs_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
void cf_fs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void cf_fs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi);
void cf_fs_op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off,
		    struct fuse_file_info *fi);
void cf_fs_op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void cf_fs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void cf_fs_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void cf_fs_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi);
void cf_fs_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			  struct fuse_file_info *fi);
void cf_fs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		     struct fuse_file_info *fi);
void cf_fs_op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
		    struct fuse_file_info *fi, unsigned flags, const void *in_buf, size_t in_size,
		    size_t out_size);
