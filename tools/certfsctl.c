/*
 * certfsctl(1): what an administrator asks of a store beside its tree. The process that has the
 * store mounted does it, over the socket beside the store; of a store that isn't mounted,
 * certfsctl does it itself.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto/ossl.h"
#include "tools/certfsctl.h"

#define PAUSE_MS 50  /* between two looks at a store that is busy */
#define BUSY_MS 5000 /* how long it may be */

enum status complain(const char *text, enum status status)
{
	fprintf(stderr, "certfsctl: %s\n", text);
	return status;
}

void print_line(void *arg, const char *line)
{
	screen_clear(arg);
	puts(line);
}

/* Keys and passphrases will be in this process. */
static void harden(void)
{
	const struct rlimit none = { 0 };

	umask(077);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

/* -- by whom ----------------------------------------------------------------------------------- */

/* Have the mounting process do it. */
static enum status by_mount(struct request *request, int fd)
{
	struct cf_err err = { 0 };
	enum status status;

	if (request->command && request->command->unmounted) {
		cf_fail(&err, EBUSY, "%s is mounted, and %s needs it unmounted", request->store,
			request->command->name);
		return complain(err.text, FAILED);
	}
	status = get_secret(request);
	return status == DONE ? ask(request, fd) : status;
}

static enum status unknown(const struct request *request)
{
	struct cf_err err = { 0 };

	cf_fail(&err, EINVAL,
		"there is no command '%s' for a store that isn't mounted; "
		"certfsctl --help lists them",
		request->words[0]);
	return complain(err.text, USAGE);
}

/*
 * The mounting process does it if there is one. A store that is being mounted or unmounted right
 * now is busy without answering, for a moment.
 */
static enum status do_command(struct request *request)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000 * 1000 };
	struct cf_err err = { 0 };
	enum status status;
	bool busy = false;
	int fd;

	screen_start(&request->screen,
		     request->command ? request->command->name : request->words[0], request->quiet);
	/* Whoever has it mounted can't open a file elsewhere. */
	if (request->command && request->command->aside)
		return run(request, &busy);
	for (int waited = 0;; waited += PAUSE_MS) {
		if (reach(request->store, &fd, &err) < 0)
			return complain(err.text, FAILED);
		if (fd >= 0) {
			status = by_mount(request, fd);
			close(fd);
			return status;
		}
		if (!request->command)
			return unknown(request);
		busy = waited < BUSY_MS;
		status = run(request, &busy);
		if (!busy)
			return status;
		nanosleep(&pause, NULL);
	}
}

/* -- the command line -------------------------------------------------------------------------- */

static enum status help(void)
{
	puts("usage: certfsctl [OPTION...] STORE COMMAND\n\n"
	     "    certfsctl STORE init    make a store, with --key-file its key file too\n"
	     "    certfsctl STORE restore FILE");
	for (const struct cf_admin_command *c = cf_admin_commands; c->name; c++)
		printf("    certfsctl STORE %s%s\n", c->name, c->usage);
	puts("\n"
	     "    --key-file FILE           unlock with the 32 bytes in FILE\n"
	     "    --passphrase-fd N         unlock with the passphrase read from descriptor N\n"
	     "    --keyring NAME            unlock with a key in the kernel's keyrings\n"
	     "    --new-passphrase-fd N     read the new passphrase from descriptor N\n"
	     "    -q, --quiet               no progress on the terminal\n"
	     "    --help, --version\n"
	     "\n"
	     "Of a store that is mounted the mounting process does it, and nothing is unlocked;\n"
	     "backup only reads, and needs neither.\n"
	     "Passphrases are asked for on the terminal where no descriptor is given.\n"
	     "The manual: certfsctl(1).");
	return DONE;
}

static enum status serve(struct request *request)
{
	struct cf_err err = { 0 };
	enum status status;

	if (strcmp(request->words[0], "init") == 0)
		return init(request);
	if (strcmp(request->words[0], "restore") == 0)
		return restore(request);
	request->command = cf_admin_find(cf_admin_commands, request->n, request->words, true,
					 &request->n_name, &err);
	if (request->n_name == -EINVAL)
		return complain(err.text, USAGE);
	status = do_command(request);
	if (status != DONE)
		take_back(request);
	return status;
}

static bool take_fd(const char *text, int *ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < 0 || v > INT_MAX)
		return false;
	*ret = (int)v;
	return true;
}

/* One option of getopt's. False: it isn't understood. */
static bool take_option(struct request *request, int letter)
{
	static char all[] = "--all", drop_slots[] = "--drop-slots";

	switch (letter) {
	case 'k':
		request->key_file = optarg;
		return true;
	case 'q':
		request->quiet = true;
		return true;
	case 'r':
		request->keyring = optarg;
		return true;
	case 'p':
		return take_fd(optarg, &request->passphrase_fd);
	case 'a':
	case 'd':
		request->extra = letter == 'a' ? all : drop_slots;
		return true;
	case 'H':
		request->extra = optarg;
		return true;
	case 'n':
		return take_fd(optarg, &request->new_passphrase_fd);
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "key-file", required_argument, NULL, 'k' },
		{ "keyring", required_argument, NULL, 'r' },
		{ "passphrase-fd", required_argument, NULL, 'p' },
		{ "new-passphrase-fd", required_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		/* Words of purge, rekey and audit verify. */
		{ "all", no_argument, NULL, 'a' },
		{ "drop-slots", no_argument, NULL, 'd' },
		{ "head", required_argument, NULL, 'H' },
		{ 0 },
	};
	struct request request = { .passphrase_fd = -1, .new_passphrase_fd = -1 };
	struct cf_err err = { 0 };
	enum status status;
	int letter;

	while ((letter = getopt_long(argc, argv, "hqV", longs, NULL)) >= 0) {
		if (letter == 'h')
			return help();
		if (letter == 'V')
			return puts("certfsctl " CF_VERSION) < 0;
		if (letter == '?')
			return USAGE; /* getopt has said why */
		if (!take_option(&request, letter))
			return complain("a descriptor is a number", USAGE);
	}
	if (argc - optind < 2)
		return complain("STORE or COMMAND is missing; see certfsctl --help", USAGE);
	request.n = argc - optind - 1;
	request.words = argv + optind + 1;
	if (request.extra)
		request.words[request.n++] = request.extra; /* where argv had its NULL */
	harden();
	if (cf_ossl_init(&err) < 0 || cf_unlock_path(argv[optind], &request.store, &err) < 0)
		return complain(err.text, FAILED);
	status = serve(&request);
	cf_buf_done(&request.passphrase);
	cf_buf_done(&request.secret);
	free(request.store);
	return status;
}
