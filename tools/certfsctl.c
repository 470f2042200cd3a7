/*
 * certfsctl(1): what an administrator asks of a store beside its tree. The process that has the
 * store mounted does it, over the socket beside the store; of a store that isn't mounted,
 * certfsctl does it itself.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto/ossl.h"
#include "core/procedures/admin.h"
#include "core/procedures/unlock.h"

#define PAUSE_MS 50  /* between two looks at a store that is busy */
#define BUSY_MS 5000 /* how long it may be */

enum status {
	DONE = 0,
	FAILED = 1,
	USAGE = 2
};

/* What the command line said. */
struct request {
	const char *key_file;
	char *store; /* absolute, owned */
	int n;
	char **words;                           /* the command and what follows it */
	const struct cf_admin_command *command; /* NULL: only the mounting process may know it */
};

static enum status complain(const char *text, enum status status)
{
	fprintf(stderr, "certfsctl: %s\n", text);
	return status;
}

static void print_line(void *arg, const char *line)
{
	(void)arg;
	puts(line);
}

/* -- by the process that has it mounted -------------------------------------------------------- */

/* A socket to it; -1 when there is none; a negative errno otherwise. */
static int reach(const char *store, int *ret, struct cf_err *err)
{
	struct sockaddr_un address;
	int folder, fd, code = 0;
	int r = cf_admin_address(store, &address, &folder, err);

	*ret = -1;
	if (r == -ENAMETOOLONG) {
		cf_err_reset(err); /* the mount has no socket there either */
		return 0;
	}
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		code = errno;
	if (folder >= 0)
		close(folder);
	if (code == 0) {
		*ret = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (code == ENOENT || code == ECONNREFUSED)
		return 0;
	return cf_fail(err, code, "%s.control can't be used: %s", store, strerror(code));
}

static enum status send_words(const struct request *request, int fd)
{
	char text[CF_ADMIN_MAX];
	size_t len = 0;

	for (int i = 0; i < request->n; i++) {
		size_t n = strlen(request->words[i]) + 1;

		if (n > sizeof(text) - len || i == CF_ADMIN_WORDS)
			return complain("the command is too long", USAGE);
		memcpy(text + len, request->words[i], n);
		len += n;
	}
	if (send(fd, text, len, MSG_NOSIGNAL) < 0)
		return complain("the mount of this store went away", FAILED);
	return DONE;
}

static enum status ask(const struct request *request, int fd)
{
	char text[CF_ADMIN_MAX + 2];
	enum status status = send_words(request, fd);
	ssize_t n;

	if (status != DONE)
		return status;
	while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		text[n] = '\0';
		if (text[0] == CF_ADMIN_STATUS)
			return (unsigned char)text[1];
		if (text[0] == CF_ADMIN_OUT)
			print_line(NULL, text + 1);
		else
			complain(text + 1, FAILED);
	}
	return complain("the mount of this store went away before it was done", FAILED);
}

/* -- by ourselves ------------------------------------------------------------------------------ */

/* Keys will be in this process. */
static void harden(void)
{
	const struct rlimit none = { 0 };

	umask(077);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static int open_store(const struct request *request, struct cf_core *core, struct cf_clock *clock,
		      bool only_create, struct cf_err *err)
{
	const struct cf_unlock how = {
		.store = request->store,
		.key_file = request->key_file,
		.create = only_create,
		.only_create = only_create,
		.without_key = !only_create && request->command->without_key,
		.who = "certfsctl",
		.clock = clock,
	};
	int r = cf_ossl_init(err);

	harden();
	return r < 0 ? r : cf_unlock(&how, core, NULL, err);
}

static enum status init(const struct request *request)
{
	struct cf_clock clock = { 0 };
	struct cf_core core = { 0 };
	struct cf_err err = { 0 };

	if (request->n != 1 || !request->key_file)
		return complain("usage: certfsctl STORE init --key-file FILE", USAGE);
	if (open_store(request, &core, &clock, true, &err) < 0)
		return complain(err.text, FAILED);
	cf_unlock_close(&core);
	return DONE;
}

/* Whether the command can be run without the mounting process. */
static enum status may_run(const struct request *request)
{
	struct cf_err err = { 0 };

	if (!request->command) {
		cf_fail(&err, EINVAL,
			"there is no command '%s' for a store that isn't mounted; "
			"certfsctl --help lists them",
			request->words[0]);
		return complain(err.text, USAGE);
	}
	if (!request->command->without_key && !request->key_file) {
		cf_fail(&err, ENOKEY,
			"%s isn't mounted, so its key is needed: certfsctl --key-file FILE %s %s",
			request->store, request->store, request->command->name);
		return complain(err.text, FAILED);
	}
	return DONE;
}

static enum status run(const struct request *request, const struct cf_core *core)
{
	struct cf_ctx ctx = {
		.core = core,
		.caller = { .uid = getuid(),
			    .gid = getgid(),
			    .pid = getpid(),
			    .comm = "certfsctl" },
	};
	const struct cf_admin admin = {
		.ctx = &ctx,
		.n = request->n - 1,
		.words = request->words + 1,
		.report = print_line,
	};
	struct cf_err err = { 0 };
	int r = request->command->run(&admin, &err);

	cf_ctx_done(&ctx);
	if (r < 0)
		complain(err.text, FAILED);
	return r == 0 ? DONE : FAILED;
}

/* -- either ------------------------------------------------------------------------------------ */

/*
 * The mounting process does it if there is one. A store that is being mounted or unmounted right
 * now is busy without answering, for a moment.
 */
static enum status do_command(const struct request *request)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000 * 1000 };
	struct cf_clock clock = { 0 };
	struct cf_core core = { .decoder.start = cf_decoder_fork };
	struct cf_err err = { 0 };
	enum status status;
	int fd, r;

	for (int waited = 0;; waited += PAUSE_MS) {
		r = reach(request->store, &fd, &err);
		if (r < 0)
			return complain(err.text, FAILED);
		if (fd >= 0) {
			status = ask(request, fd);
			close(fd);
			return status;
		}
		status = may_run(request);
		if (status != DONE)
			return status;
		r = open_store(request, &core, &clock, false, &err);
		if (r != -EBUSY || waited >= BUSY_MS)
			break;
		cf_err_reset(&err);
		nanosleep(&pause, NULL);
	}
	if (r < 0)
		return complain(err.text, FAILED);
	status = run(request, &core);
	cf_unlock_close(&core);
	return status;
}

/* -- the command line -------------------------------------------------------------------------- */

static enum status help(void)
{
	puts("usage: certfsctl [--key-file FILE] STORE COMMAND\n"
	     "\n"
	     "    certfsctl STORE init --key-file FILE    make a store and its key file");
	for (const struct cf_admin_command *c = cf_admin_commands; c->name; c++)
		printf("    certfsctl %sSTORE %s%s\n", c->without_key ? "" : "[--key-file FILE] ",
		       c->name, c->usage);
	puts("\nOf a store that is mounted the mounting process does it, and no key is needed.\n"
	     "The manual: certfsctl(1).");
	return DONE;
}

/* The word that names a file, made absolute: the mounting process has another folder. */
static int make_absolute(struct request *request, char **ret, struct cf_err *err)
{
	char **word = &request->words[request->command->file];
	cf_auto(cf_free) char *cwd = NULL;
	char *path;

	if (**word == '/')
		return 0;
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return cf_fail(err, errno, "the working directory is gone");
	path = malloc(strlen(cwd) + 1 + strlen(*word) + 1);
	if (!path)
		return cf_fail_memory(err);
	stpcpy(stpcpy(stpcpy(path, cwd), "/"), *word);
	*word = *ret = path;
	return 0;
}

static enum status serve(struct request *request)
{
	cf_auto(cf_free) char *file = NULL;
	struct cf_err err = { 0 };
	int r = 0;

	if (strcmp(request->words[0], "init") == 0)
		return init(request);
	request->command = cf_admin_find(cf_admin_commands, request->n, request->words, &r, &err);
	if (r == -EINVAL)
		return complain(err.text, USAGE);
	if (request->command && request->command->file > 0 &&
	    make_absolute(request, &file, &err) < 0)
		return complain(err.text, FAILED);
	return do_command(request);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "key-file", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "all", no_argument, NULL, 'a' }, /* a word of purge */
		{ 0 },
	};
	struct request request = { 0 };
	struct cf_err err = { 0 };
	char word[] = "--all";
	char *all = NULL;
	enum status status;
	int letter;

	while ((letter = getopt_long(argc, argv, "hV", longs, NULL)) >= 0) {
		switch (letter) {
		case 'k':
			request.key_file = optarg;
			break;
		case 'a':
			all = word;
			break;
		case 'h':
			return help();
		case 'V':
			return puts("certfsctl " CF_VERSION) < 0;
		default:
			return USAGE; /* getopt has said why */
		}
	}
	if (argc - optind < 2)
		return complain("STORE or COMMAND is missing; see certfsctl --help", USAGE);
	request.n = argc - optind - 1;
	request.words = argv + optind + 1;
	if (all)
		request.words[request.n++] = all; /* where argv had its NULL */
	if (cf_unlock_path(argv[optind], &request.store, &err) < 0)
		return complain(err.text, FAILED);
	status = serve(&request);
	free(request.store);
	return status;
}
