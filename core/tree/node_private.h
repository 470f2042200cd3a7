/*
 * How directories are described. A kind of directory is a table: struct cf_dir with its rows,
 * struct cf_file. Lookup, listing, attributes, permission and dispatch are written once (node.c,
 * file.c, change.c) and read the tables.
 */
#pragma once

#include <pthread.h>

#include "core/procedures/common.h"
#include "core/procedures/create.h"
#include "core/procedures/request.h"
#include "core/store/found.h"
#include "core/store/trust.h"
#include "core/tree/removed_private.h"
#include "core/tree/tree.h"

/* Kinds of directory, the top six bits of st_ino. Never reused: an NFS client remembers them. */
enum cf_kind {
	CF_KIND_ROOT = 0,
	CF_KIND_SERVER = 1,
	CF_KIND_CERTIFICATE = 2,
	CF_KIND_TRUST = 3,
	CF_KIND_SERVICES = 4,
	CF_KIND_ROOT_SETTINGS = 5,
	CF_KIND_SERVER_SETTINGS = 6,
	CF_KIND_DELETED = 20,
	CF_KIND_DELETED_SERVER = 21,
	CF_KIND_DELETED_CERTIFICATE = 22,
	CF_KIND_DELETED_PART = 23, /* of a server that is there itself */
	CF_KIND_BY_THUMBPRINT = 16,
	CF_KIND_THUMBPRINT = 17,
	CF_KIND_BY_DOMAIN = 18,
	CF_KIND_DOMAIN = 19,
	CF_KIND_EXPIRING = 30,
	CF_KIND_STAGED = 63, /* files in memory: staging and what was just delivered */
};

/* st_ino: kind 6 bits, row 10, id 48. Row 0 is the directory itself. The root comes out as 1. */
uint64_t cf_ino(enum cf_kind kind, unsigned row, int64_t id);

enum cf_file_type {
	CF_FILE = 0,
	CF_FILE_DIRECTORY,
	CF_FILE_LINK,
};

/* States of a certificate as bits, for rows that exist in some of them. */
#define CF_IN_DRAFT (1u << CF_STATE_DRAFT)
#define CF_IN_PENDING (1u << CF_STATE_PENDING)
#define CF_IN_COMPLETE (1u << CF_STATE_COMPLETE)

struct cf_dir;
struct cf_file;

/* One node with the rows it is made of, loaded for one request. */
struct cf_at {
	struct cf_tree *tree;
	struct cf_ctx *ctx;
	struct cf_db *db;
	bool owns_db;
	const struct cf_dir *dir;
	const struct cf_file *file; /* NULL: the directory itself */
	int64_t id;
	cf_time now;
	struct cf_root root;
	struct cf_server server;    /* in a server and below */
	struct cf_certificate cert; /* in a certificate */
	struct cf_trust trust;      /* a file of _trust */

	/* in a view */
	struct cf_found found;        /* a name in _by-thumbprint or _by-domain */
	struct cf_found_in in;        /* a link there */
	cf_time window, window_since; /* of _expiring: the setting, and when it was made */
	char label[256];              /* the link's name */
};

typedef int cf_read_fn(struct cf_at *at, struct cf_buf *out, struct cf_err *err);

/* One row is one virtual file. Everything the filesystem knows about it is here. */
struct cf_file {
	unsigned row;     /* number in st_ino: 1 to 1023, never reused */
	const char *name; /* NULL: .find and .next of the directory know the names */
	enum cf_file_type type;
	enum cf_kind kind; /* of a directory: the table it leads to */
	unsigned states;   /* CF_IN_ bits; 0: it does not depend on the state */
	bool (*present)(const struct cf_at *at); /* a further condition */
	mode_t mode;
	mode_t draft_mode;       /* in a draft, where that differs */
	unsigned creatable;      /* CF_IN_ bits in which it may be created while it is absent */
	unsigned depends;        /* cf_what of its object that change attributes or content */
	unsigned server_depends; /* cf_what of its server (PASSWORD: of the root too) that do */
	unsigned below_depends;  /* cf_what of the certificates below its directory that do */
	size_t limit;            /* most bytes a writer may send through one handle */

	/* content: read renders the whole, or read_part a part of something large */
	cf_read_fn *read;
	int (*read_part)(struct cf_at *at, uint64_t offset, size_t n, struct cf_buf *out,
			 struct cf_err *err);
	/*
	 * or render, of many rows: once for each open, and for its size and times (which it says
	 * itself) once for each state of the store
	 */
	int (*render)(struct cf_at *at, struct cf_page *ret, struct cf_err *err);
	uint64_t (*size)(const struct cf_at *at); /* exact; NULL: what read renders */
	cf_time (*time)(const struct cf_at *at);  /* mtime and ctime; NULL: the object's */

	/* changing, at most one of these */
	int (*set)(struct cf_ctx *ctx, int64_t id, const struct cf_file *file, const char *text,
		   struct cf_err *err); /* the whole value, in write(2) */
	int (*append)(struct cf_ctx *ctx, int64_t id, const char *lines,
		      struct cf_err *err); /* complete lines, in write(2) */
	int (*compose)(struct cf_ctx *ctx, int64_t id, const struct cf_assignment *lines, size_t n,
		       struct cf_err *err); /* property lines, once the name is there */
	bool deliver; /* the whole content, in close(2): a drop like any other name */

	bool add_to;     /* O_APPEND adds to the value that is there */
	bool write_only; /* reads as empty */
	bool secret;     /* holds a key: snapshot at open, never cached, each reading recorded */
	bool volatile_;  /* changes without a commit: nothing of it is remembered */
	bool one_line;   /* of .compose: any line is the name, an empty one too */
	bool fleeting;   /* gone once it was written; a program that has it open still sees it */
	bool view;       /* with allow_other, its owner's alone */
	bool immutable;  /* chattr's append-only flag is shown, and times can't be set */
};

/* A directory that is renamed into one of another kind. */
struct cf_move {
	const struct cf_dir *dir; /* what is moved */
	int64_t id;
	const char *name;
	int64_t from; /* id of the directory it is in now */
	int64_t to;   /* id of the directory it is moved into */
	const char *new_name;
};

/* One kind of directory. */
struct cf_dir {
	enum cf_kind kind;
	const char *what;                                          /* for sentences: "a server" */
	const struct cf_file *files;                               /* ends with a row of zeros */
	int (*load)(struct cf_at *at, struct cf_err *err);         /* fill at by at->id; -ESTALE */
	void (*attr)(const struct cf_at *at, struct cf_attr *ret); /* of the directory itself */
	uint64_t (*parent)(const struct cf_at *at);
	const struct cf_dir *const *child; /* what .find and .next lead to; NULL: no such entries */
	unsigned child_row; /* row of these: 0 directories, else files of this table */
	int (*find)(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err);
	int (*next)(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err);
	const char *(*name)(const struct cf_at *child); /* of a child as loaded */
	bool remember_absent; /* the kernel may remember that a name is not there */

	int (*mkdir)(struct cf_ctx *ctx, int64_t id, const char *name, int64_t *ret_id,
		     struct cf_err *err);
	int (*rmdir)(struct cf_ctx *ctx, int64_t child, struct cf_err *err);
	int (*unlink)(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_err *err);
	int (*rename)(struct cf_ctx *ctx, int64_t child, const char *name, int64_t new_id,
		      const char *new_name, struct cf_err *err); /* between two of this kind */
	/* What is renamed into here from another kind of directory; NULL: nothing. */
	int (*receive)(struct cf_ctx *ctx, const struct cf_move *move, struct cf_err *err);
	bool replaces; /* .receive doesn't mind what is there already */
	bool deleted;  /* in _deleted: only what can be read and is no secret is there */
	/* A dropped file; NULL: none is taken here. */
	int (*deliver)(struct cf_ctx *ctx, int64_t id, const char *name, struct cf_span bytes,
		       mode_t mode, cf_time mtime, struct cf_err *err);
	bool (*takes)(const char *name); /* which names are drops here */
	bool keeps;                      /* a delivered file stays listed, with its mode (_trust) */
	bool view;                       /* with allow_other, its owner's alone */
	bool stages; /* no drops, but staging files, for programs that rename onto a file */
	int (*access)(struct cf_ctx *ctx, int64_t id, const struct cf_setattr *set,
		      struct cf_err *err); /* chmod, chown of the directory itself */
};

extern const struct cf_dir cf_dir_root, cf_dir_server, cf_dir_certificate, cf_dir_trust,
	cf_dir_services, cf_dir_root_settings, cf_dir_server_settings, cf_dir_deleted,
	cf_dir_deleted_server, cf_dir_deleted_part, cf_dir_deleted_certificate,
	cf_dir_by_thumbprint, cf_dir_thumbprint, cf_dir_by_domain, cf_dir_domain, cf_dir_expiring;

#define CF_ROOT_ROW_NOTIFICATIONS 33 /* row of _notifications in the root */
#define CF_ROOT_ROW_OVERVIEW 34      /* of _overview.html */

/* All of them, NULL at the end: what a test walks. */
extern const struct cf_dir *const cf_dirs[];

/* What never changes is as old as the file system's first day, whatever is mounted when. */
cf_time cf_constant_time(const struct cf_at *at);

/* -- node.c ------------------------------------------------------------------------------------- */

/* Load a node for one request. -ESTALE when it is gone. *at is released with cf_at_done(). */
int cf_at_load(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, struct cf_at *at,
	       struct cf_err *err);
void cf_at_done(struct cf_at *at);
CF_DEFINE_DONE(struct cf_at, cf_at_done);

/* Prepare a child that shares its parent's transaction and rows. */
void cf_at_child(const struct cf_at *parent, const struct cf_dir *dir, struct cf_at *ret);

uint64_t cf_at_ino(const struct cf_at *at);
const struct cf_dir *cf_dir_of(uint64_t ino); /* NULL: no such */
int64_t cf_ino_id(uint64_t ino);
bool cf_is_certificate(uint64_t ino); /* a certificate's directory, or a file in it */

/* Is the row there in this state? Is it writable now? */
bool cf_file_present(const struct cf_at *at, const struct cf_file *file);
mode_t cf_file_mode(const struct cf_at *at, const struct cf_file *file);
bool cf_file_creatable(const struct cf_at *at, const struct cf_file *file);

/* What a SETATTR says of owner, group and mode, for a directory that keeps them. */
struct cf_access cf_access_of(const struct cf_setattr *set);

/* The row with this fixed name, present or not; NULL. */
const struct cf_file *cf_file_find(const struct cf_dir *dir, const char *name);
const struct cf_file *cf_file_numbered(const struct cf_dir *dir, unsigned row);
const struct cf_file *cf_file_of(uint64_t ino); /* NULL: a directory, or no such */

/* Attributes of a loaded node. */
int cf_at_attr(struct cf_at *at, struct cf_attr *ret, struct cf_err *err);

/* Find a name in a loaded directory. -ENOENT. */
int cf_at_find(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err);

/* Append the path of a loaded node, without a slash in front; name may be NULL. */
int cf_at_path(const struct cf_at *at, const char *name, struct cf_buf *out, struct cf_err *err);

/* -- dir_deleted.c ------------------------------------------------------------------------------ */

bool cf_is_deleted(uint64_t ino); /* _deleted, or in it */

/*
 * What the kernel must forget when something went into _deleted, came back or was purged. True when
 * the change was about nothing else.
 */
bool cf_notice_deleted(struct cf_tree *tree, struct cf_ctx *ctx, const struct cf_change *change,
		       const struct cf_notices *notices);
/* The same for what lies there of a server whose row changed. */
void cf_notice_deleted_of(struct cf_at *server, unsigned what, const struct cf_notices *notices);

/* -- the tree's own memory ------------------------------------------------------------------------ */

struct cf_staged;
struct cf_refusals;
struct cf_kept;

struct cf_tree {
	const struct cf_core *core;
	struct cf_tree_options options;
	pthread_mutex_t lock;         /* guards the five below */
	struct cf_staged *staged;     /* list, newest first */
	struct cf_open *composing;    /* open handles of compose rows */
	uint64_t last_staged;         /* id of the newest */
	size_t staged_bytes;          /* of those that count against the limit */
	struct cf_removed removed;    /* the last one */
	struct cf_refusals *refusals; /* has a lock of its own */
	struct cf_kept *kept;         /* has a lock of its own */
	_Atomic int64_t
		checked_system; /* when the system store was last looked at, in ticks; 0 never */
	_Atomic int64_t checked_dates; /* when the dates of the views were */
};

/* Attributes of a child that was found in a loaded directory: a row of it, or another node. */
int cf_at_child_attr(struct cf_at *at, struct cf_at *child, struct cf_attr *ret,
		     struct cf_err *err);

/* A fixed row as a node: a directory row leads into its own table. */
int cf_at_enter(struct cf_at *at, const struct cf_file *file, struct cf_at *child,
		struct cf_err *err);

/* -- views.c --------------------------------------------------------------------------------------- */

/* Call notices for a change of a view. False: it is of something else. */
bool cf_notice_view(struct cf_tree *tree, const struct cf_change *change,
		    const struct cf_notices *notices);

/* Tell what appeared in the views since a date passed, and when the next one does. */
int cf_views_tick(struct cf_tree *tree, struct cf_ctx *ctx, cf_time now, cf_time *ret_next,
		  struct cf_err *err);

/* -- refusal.c -------------------------------------------------------------------------------------- */

struct cf_refusals *cf_refusals_new(void);
void cf_refusals_free(struct cf_refusals *refusals);

/*
 * Remember that something was refused: for `_errors`, and for `why` of the certificate that the
 * inode belongs to. Puts the path in front of the sentence, adds CF_WHAT_REFUSED to ctx->changes,
 * and returns r.
 */
int cf_refuse(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t ino, const char *name, int r,
	      struct cf_err *err);

/* Append the last refusal of a certificate, or nothing; all of them, oldest first. */
int cf_refusals_last(struct cf_tree *tree, int64_t certificate, struct cf_buf *out,
		     struct cf_err *err);
int cf_refusals_all(struct cf_tree *tree, struct cf_buf *out, struct cf_err *err);
cf_time cf_refusals_time(struct cf_tree *tree, int64_t certificate); /* 0: of all */

/* -- file.c -------------------------------------------------------------------------------------------- */

/* An open file that has state. */
struct cf_open {
	pthread_mutex_t lock;
	uint64_t ino;
	const struct cf_dir *dir;
	const struct cf_file *file; /* NULL: staged is set */
	int64_t id;
	struct cf_staged *staged;
	struct cf_buf in; /* what was written and is not yet taken; of a set row all of it */
	_Atomic uint64_t received; /* bytes this handle took */
	_Atomic bool waiting;      /* a line without its newline is in .in */
	int refused;               /* deliver, compose: errno of a write that was refused */
	struct cf_err refusal;     /* compose: why it was */
	struct cf_open *next;      /* compose: the tree's list of such handles */
	bool dirty;                /* deliver: written since it was last judged */
	bool finished;             /* compose: the request is made */
	bool recorded;             /* secret: the reading is in the audit log */
	struct cf_buf snapshot;    /* secret: the content */
	struct cf_lines *lines;    /* compose: the properties so far */
};

struct cf_open *cf_open_new(uint64_t ino, struct cf_err *err); /* NULL: out of memory */
void cf_open_free(struct cf_open *open);
CF_DEFINE_AUTO(struct cf_open, cf_open_free);

/* Handles of compose rows are known to the tree while they are open. */
void cf_open_list(struct cf_tree *tree, struct cf_open *open);
void cf_open_unlist(struct cf_tree *tree, struct cf_open *open);

/* Has an open handle of this inode taken bytes? The kernel tells no handle with utimens(2). */
bool cf_open_is_written(struct cf_tree *tree, uint64_t ino);
/* Whether what the handle wrote is so long: busybox vi cuts it there, which changes nothing. */
bool cf_open_holds(struct cf_open *open, uint64_t size);

/* What the present state allows: 0, -EACCES, -EPERM with the sentence. */
int cf_file_may_open(const struct cf_at *at, int flags, struct cf_err *err);

/* -- lines.c ---------------------------------------------------------------------------------------------- */

/* Take what a handle wrote line by line. 0; on failure nothing of this write was taken. */
int cf_lines_append(struct cf_ctx *ctx, struct cf_open *open, struct cf_span data,
		    struct cf_err *err);
int cf_lines_compose(struct cf_ctx *ctx, struct cf_open *open, struct cf_span data,
		     struct cf_err *err);
int cf_lines_set(struct cf_ctx *ctx, struct cf_open *open, uint64_t offset, struct cf_span data,
		 struct cf_err *err);
/* Forget what waits and what was remembered of earlier lines. */
void cf_lines_forget(struct cf_open *open);
/* The last line had no newline, and nothing more comes: take it now. */
int cf_lines_flush(struct cf_ctx *ctx, struct cf_open *open, struct cf_err *err);
/* A whole text that was renamed to request.csr. */
int cf_lines_whole(struct cf_ctx *ctx, int64_t id, const struct cf_file *file, struct cf_span data,
		   struct cf_err *err);
void cf_lines_free(struct cf_lines *lines);

/* -- delivery.c ------------------------------------------------------------------------------------------- */

/* By name or by inode number, with a reference; NULL when there is none. */
struct cf_staged *cf_staged_find(struct cf_tree *tree, uint64_t parent, const char *name);
struct cf_staged *cf_staged_get(struct cf_tree *tree, uint64_t ino);
void cf_staged_put(struct cf_tree *tree, struct cf_staged *staged); /* accepts NULL */

/* A new file in memory. -ENOSPC when there are too many. It comes with a reference. */
int cf_staged_create(struct cf_tree *tree, struct cf_ctx *ctx, uint64_t parent, const char *name,
		     mode_t mode, struct cf_staged **ret, struct cf_err *err);
void cf_staged_attr(struct cf_tree *tree, struct cf_staged *staged, struct cf_attr *ret);
/* The inode of its directory, and its name appended to out. */
int cf_staged_place(struct cf_tree *tree, struct cf_staged *staged, uint64_t *ret_parent,
		    struct cf_buf *out, struct cf_err *err);
void cf_staged_opened(struct cf_tree *tree, struct cf_staged *staged, int flags);
void cf_staged_closed(struct cf_tree *tree, struct cf_staged *staged);
int cf_staged_read(struct cf_tree *tree, struct cf_staged *staged, uint64_t offset, size_t n,
		   struct cf_buf *out, struct cf_err *err);
int cf_staged_write(struct cf_tree *tree, struct cf_staged *staged, uint64_t offset,
		    struct cf_span data, struct cf_err *err);
int cf_staged_setattr(struct cf_tree *tree, struct cf_staged *staged, const struct cf_setattr *set,
		      struct cf_err *err);
bool cf_staged_any(struct cf_tree *tree, uint64_t parent); /* files in this directory? */
bool cf_staged_is_dirty(struct cf_tree *tree, struct cf_staged *staged);

/* close(2) of a handle: a final name that was written is judged. */
int cf_staged_flush(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_staged *staged,
		    struct cf_err *err);
/* rename(2): to another staging name, to a writable file, or to a final name, which is judged. */
int cf_staged_rename(struct cf_tree *tree, struct cf_ctx *ctx, struct cf_staged *staged,
		     uint64_t new_parent, const char *new_name, struct cf_err *err);
/* The name no longer leads to it. */
void cf_staged_unlink(struct cf_tree *tree, struct cf_staged *staged);

/* Free what has had its time; when something next will have, in ticks. */
cf_time cf_staged_expire(struct cf_tree *tree, cf_time ticks);
