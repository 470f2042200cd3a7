/* What the files of certfsctl(1) share. */
#pragma once

#include "core/procedures/admin.h"
#include "core/procedures/unlock.h"

enum status {
	DONE = 0,
	FAILED = 1,
	USAGE = 2
};

/* The line that shows how far a command has come. */
struct screen {
	const char *command;
	bool on;   /* standard error is a terminal */
	int width; /* of what stands there now; 0: nothing */
	struct cf_beat beat;
};

/* What the command line said. */
struct request {
	const char *key_file;
	const char *keyring;
	int passphrase_fd;     /* -1: none was given */
	int new_passphrase_fd; /* -1 */
	char *extra;           /* an option that is the command's last word; NULL */
	char *store;           /* absolute, owned */
	int n;
	char **words;                           /* the command and what follows it */
	int n_name;                             /* how many of these are the command's name */
	const struct cf_admin_command *command; /* NULL: only the mounting process may know it */
	struct cf_buf passphrase;               /* that unlocks, once it was read */
	struct cf_buf secret;                   /* the last word, where it is one */
	const char *made;                       /* a key file that was made for it; NULL */
	bool quiet;                             /* no progress */
	struct screen screen;
};

/* A sentence on standard error; returns status. */
enum status complain(const char *text, enum status status);

/* A line on standard output; a cf_admin_report_fn whose arg is a struct screen. */
void print_line(void *arg, const char *line);

/* -- certfsctl_progress.c: a line on a terminal that is rewritten, and gone in the end ------------ */

/* From now on: a command begins, or goes on after people were asked. */
void screen_start(struct screen *screen, const char *command, bool quiet);

/* Say how far it is, if it is time; the other is a cf_progress_fn. */
void screen_text(struct screen *screen, const char *text);
void screen_show(void *arg, const struct cf_progress *progress);

/* Before anything else is written, and at the end. */
void screen_clear(struct screen *screen);

/* complain() instead of the line; FAILED. */
enum status complain_after(struct screen *screen, const char *text);

/* -- certfsctl_secret.c: what must not be an argument ------------------------------------------- */

/* Read or ask for the passphrase that unlocks a store, unless something else does. */
enum status get_passphrase(struct request *request, const char *store, bool is_new);

/*
 * Put the secret that the command takes into request->secret: a new passphrase, or the bytes of the
 * key file that is named, which is made where it does not exist.
 */
enum status get_secret(struct request *request);

/* After the command failed: a key file that was made for it goes again. */
void take_back(const struct request *request);

/* -- certfsctl_socket.c: by the process that has the store mounted ------------------------------ */

/* A socket to it in *ret; -1 when there is none. 0, or a negative errno otherwise. */
int reach(const char *store, int *ret, struct cf_err *err);

/* Have it do the command. */
enum status ask(struct request *request, int fd);

/* -- certfsctl_store.c: by ourselves ------------------------------------------------------------ */

enum status init(struct request *request);
enum status restore(struct request *request);

/* The command on a store that isn't mounted. -EBUSY in *ret_busy: it may be mounted by now. */
enum status run(struct request *request, bool *ret_busy);
