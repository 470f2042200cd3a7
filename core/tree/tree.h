/*
 * The tree as the kernel asks for it: every function is one request, takes inode numbers and
 * names, and returns 0 or a negative errno with a sentence. Nothing here knows libfuse.
 *
 * Changes that a request committed are appended to ctx->changes; cf_tree_notices() turns them
 * into inodes and entries that the kernel must forget. A refusal is remembered here (`why`, `_errors`) and is
 * itself such a change, so notices are due after failures too.
 *
 * All functions are thread-safe. Those that cf_tree_pace() calls slow may take seconds and run on the
 * pool; all others answer in well under a millisecond but for waiting for the store's disk.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "core/procedures/context.h"

#define CF_TREE_NAME_MAX 255 /* bytes of any name: statvfs(3) says so */

struct cf_tree;
struct cf_open; /* an open file */

struct cf_tree_options {
	uid_t uid; /* owner of what has no owner of its own */
	gid_t gid;
	mode_t umask;         /* bits taken from every mode */
	bool keys;            /* with private.pem and combined.pem */
	bool without_secrets; /* no file that holds a key: a reading couldn't be recorded */
	bool others;          /* other users are let in: the views are the owner's alone */
	void (*log)(void *arg,
		    const char *sentence); /* something an administrator should know; may be NULL */
	void *log_arg;
};

int cf_tree_new(const struct cf_core *core, const struct cf_tree_options *options,
		struct cf_tree **ret, struct cf_err *err);
void cf_tree_free(struct cf_tree *tree);
CF_DEFINE_AUTO(struct cf_tree, cf_tree_free);

/* Inode number of the root: FUSE_ROOT_ID. */
#define CF_TREE_ROOT 1

/* What stat(2) shows, and what the kernel may remember. */
struct cf_attr {
	uint64_t ino;
	mode_t mode; /* type and permissions */
	nlink_t nlink;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	cf_time mtime, ctime;
	bool forget_entry; /* the name must not be remembered */
	bool forget_attr;  /* the attributes must not be remembered */
};

/* -ENOENT for an absent name. *ret_remember (on -ENOENT): the kernel may remember its absence. */
int cf_tree_lookup(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   struct cf_attr *ret, bool *ret_remember, struct cf_err *err);
/* -ESTALE for an inode that is gone. "open" may be NULL. */
int cf_tree_getattr(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_open *open,
		    struct cf_attr *ret, struct cf_err *err);

/* An entry of a listing. cookie is what continues after it. False: no more fits, it was not taken. */
typedef bool cf_tree_entry_fn(void *arg, const char *name, const struct cf_attr *attr,
			      uint64_t cookie);

/* List a directory from a cookie (0: the start; "." and ".." are included). */
int cf_tree_list(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, uint64_t cookie,
		 cf_tree_entry_fn *entry, void *arg, struct cf_err *err);

int cf_tree_readlink(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_buf *out,
		     struct cf_err *err);

/* How an open file is to be treated. */
struct cf_open_hints {
	bool direct_io;  /* nothing of it may enter the page cache */
	bool keep_cache; /* pages from an earlier open are still right */
	bool no_flush;   /* nothing is decided at close(2) */
	bool secret;     /* forget the inode's pages after release */
};

/* flags as in open(2). *ret may be NULL afterwards: no state is needed for it (pass NULL on). */
int cf_tree_open(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, int flags,
		 struct cf_open **ret, struct cf_open_hints *ret_hints, struct cf_err *err);
int cf_tree_create(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   mode_t mode, int flags, struct cf_attr *ret_attr, struct cf_open **ret,
		   struct cf_open_hints *ret_hints, struct cf_err *err);

/* Append up to n bytes from offset to out; fewer at the end. */
int cf_tree_read(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_open *open,
		 uint64_t offset, size_t n, struct cf_buf *out, struct cf_err *err);

/* Takes all of data or refuses all of it. */
int cf_tree_write(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_open *open, uint64_t offset,
		  struct cf_span data, struct cf_err *err);
int cf_tree_flush(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_open *open,
		  struct cf_err *err);
void cf_tree_release(struct cf_tree *tree, struct cf_open *open);

/* What a SETATTR sets. */
struct cf_setattr {
	bool has_mode, has_uid, has_gid, has_size, has_atime, has_mtime;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	cf_time mtime; /* "now" is already replaced by a time */
};

int cf_tree_setattr(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_open *open,
		    const struct cf_setattr *set, struct cf_attr *ret, struct cf_err *err);

int cf_tree_mkdir(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		  mode_t mode, struct cf_attr *ret, struct cf_err *err);
int cf_tree_rmdir(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		  struct cf_err *err);
int cf_tree_unlink(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   struct cf_err *err);
/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE (renameat2(2)). */
int cf_tree_rename(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		   uint64_t new_parent, const char *new_name, unsigned flags, struct cf_err *err);
/* mknod, symlink and link: always -EPERM, with the sentence. */
int cf_tree_special(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		    const char *what, struct cf_err *err);

/* FS_IOC_GETFLAGS: the flags that lsattr(1) shows. FS_IOC_SETFLAGS is -EPERM where they differ, 0 where not. */
int cf_tree_get_flags(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, unsigned *ret,
		      struct cf_err *err);
int cf_tree_set_flags(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, unsigned flags,
		      struct cf_err *err);

/* -- slow requests ---------------------------------------------------------------------------- */

enum cf_request {
	CF_REQUEST_OPEN,
	CF_REQUEST_WRITE,
	CF_REQUEST_FLUSH,
	CF_REQUEST_SETATTR,
	CF_REQUEST_UNLINK, /* ino is the parent */
	CF_REQUEST_RENAME, /* ino is the old parent, other the new one */
	CF_REQUEST_READ,
};

enum cf_pace {
	CF_QUICK = 0, /* answer in place */
	CF_PAGE,      /* tens of milliseconds, on a thread of its own: many rows are read */
	CF_SLOW,      /* milliseconds, on the pool: a dropped file, an export */
	CF_SLOWEST,   /* seconds, on the pool behind the others: it may make a key */
};

/* How long the request may take, so where it belongs. Costs nothing. */
enum cf_pace cf_tree_pace(struct cf_tree *tree, enum cf_request request, uint64_t ino,
			  uint64_t other, const struct cf_open *open);

/*
 * The same for what only looks: at ino, at a name in it, or through it as a listing (name NULL).
 * What was rendered and is kept since is quick.
 */
enum cf_pace cf_tree_look_pace(struct cf_tree *tree, uint64_t ino, const char *name);

/* -- what the kernel must forget ---------------------------------------------------------------- */

struct cf_notices {
	void (*inode)(void *arg,
		      uint64_t ino); /* attributes and pages, for a directory its listing */
	void (*entry)(void *arg, uint64_t parent, const char *name);
	void *arg;
};

/* Call notices for everything that these changes made untrue. */
void cf_tree_notices(struct cf_tree *tree, const struct cf_changes *changes,
		     const struct cf_notices *notices);

/* -- time --------------------------------------------------------------------------------------- */

/*
 * Do what is due now (verdicts that a date changed, staged and delivered files whose time is
 * over, a system store that changed, first verdicts after mounting) and say when to call again:
 * at *ret_next by the clock (CF_NEVER), and after a pause. Slow: run it on the pool.
 */
int cf_tree_tick(struct cf_tree *tree, struct cf_ctx *ctx, cf_time *ret_next, struct cf_err *err);

/* In how many nanoseconds to call it again, whatever becomes of the clock. */
cf_time cf_tree_pause(struct cf_tree *tree);
