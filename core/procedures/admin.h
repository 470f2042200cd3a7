/*
 * What an administrator asks of a store, beside its tree. certfsctl runs these commands itself, or
 * has the process run them that has the store mounted, over the socket STORE.control
 * (SOCK_SEQPACKET, 0600).
 *
 * A request is one message: the words of the command, each ended by a NUL, at most CF_ADMIN_MAX
 * bytes. The answer is one message for each line, without its newline, behind a byte that says
 * what it is: CF_ADMIN_OUT for standard output, CF_ADMIN_ERR for standard error, CF_ADMIN_PROGRESS
 * for whoever waits at a terminal; and at the end CF_ADMIN_STATUS and one byte, the exit status. Names of files in a request are absolute.
 */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "core/procedures/context.h"

#define CF_ADMIN_MAX 8192
#define CF_ADMIN_WORDS 16 /* most words in a request */

enum cf_admin_message {
	CF_ADMIN_OUT = 'o',
	CF_ADMIN_ERR = 'e',
	CF_ADMIN_PROGRESS = 'p', /* cf_progress_text(), at most a few times a second */
	CF_ADMIN_STATUS = 'x',
};

/* Takes one line for standard output. */
typedef void cf_admin_report_fn(void *arg, const char *line);

/* What a command gets: on whose behalf, its words after the name, and where its lines go. */
struct cf_admin {
	struct cf_ctx *ctx;
	int n;
	char *const *words;
	cf_admin_report_fn *report;
	cf_progress_fn *progress; /* NULL: nobody watches */
	void *arg;                /* of both */
	void *host;               /* for the commands that the host of the socket adds */
};

/* What certfsctl(1) adds to a command's words as its last one, so that it is never an argument. */
enum cf_admin_secret {
	CF_ADMIN_NO_SECRET,
	CF_ADMIN_PASSPHRASE, /* a new one, asked for or read from a descriptor */
	CF_ADMIN_KEY,        /* in place of the name of a key file: its bytes in hex */
};

/* A command; an array of them ends with an empty row. */
struct cf_admin_command {
	const char *name;  /* one word or several */
	const char *usage; /* the words after the name, for people */
	int min, max;      /* how many words it takes, with a secret */
	enum cf_admin_secret secret;
	bool without_key; /* works on a store that is not unlocked */
	bool unmounted;   /* works on a store that is not mounted only */
	bool aside;       /* certfsctl(1) does it beside a mount, with a store that it only reads */
	/* 0; 1: it was done, and what it found is bad; or a negative errno with a sentence. */
	int (*run)(const struct cf_admin *admin, struct cf_err *err);
};

/* The commands of every store. Of two whose names begin alike the longer one comes first. */
extern const struct cf_admin_command cf_admin_commands[];

/* A request of len bytes into its words, which stay in it: how many, or -1 when it is none. */
int cf_admin_split(char *text, size_t len, char *words[CF_ADMIN_WORDS]);

/*
 * The command that these words call, found in the table; *ret_n is how many of them are its name.
 * typed: a passphrase is not among them yet. NULL with *ret_n -ENOENT when it isn't there, with
 * -EINVAL and a sentence about its usage when the number of words is wrong.
 */
const struct cf_admin_command *cf_admin_find(const struct cf_admin_command *table, int n,
					     char *const *words, bool typed, int *ret_n,
					     struct cf_err *err);

/* cf_store_read() with a transaction that whoever waits for the command can watch. */
int cf_admin_read(const struct cf_admin *admin, struct cf_db **ret, struct cf_err *err);

/*
 * The address of a store's socket, for bind(2) or connect(2). A path too long for an address goes
 * by way of its folder: *ret_folder is then a descriptor to keep open until the call is over, -1
 * otherwise. 0, -ENOMEM, or the errno of the folder.
 */
int cf_admin_address(const char *store, struct sockaddr_un *ret, int *ret_folder,
		     struct cf_err *err);
