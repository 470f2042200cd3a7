/* certfsctl(1) on a store that isn't mounted: it is opened here. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/procedures/upkeep.h"
#include "tools/certfsctl.h"

/* What the command line says about unlocking. */
static struct cf_unlock how_to_unlock(const struct request *request, struct cf_clock *clock)
{
	return (struct cf_unlock){
		.store = request->store,
		.key_file = request->key_file,
		.keyring = request->keyring,
		.passphrase = request->passphrase.len ? &request->passphrase : NULL,
		.credentials = getenv("CREDENTIALS_DIRECTORY"),
		.who = "certfsctl",
		.clock = clock,
	};
}

static int open_store(const struct request *request, struct cf_core *core, struct cf_clock *clock,
		      bool only_create, struct cf_err *err)
{
	struct cf_unlock how = how_to_unlock(request, clock);

	how.create = how.only_create = only_create;
	how.without_key = !only_create && request->command->without_key;
	how.read_only = !only_create && request->command->aside;
	return cf_unlock(&how, core, NULL, err);
}

enum status restore(struct request *request)
{
	struct cf_clock clock = { 0 };
	struct cf_unlock how;
	const struct cf_admin admin = {
		.report = print_line,
		.progress = screen_show,
		.arg = &request->screen,
	};
	struct cf_err err = { 0 };
	enum status status;
	int fd;

	if (request->n != 2)
		return complain("usage: certfsctl STORE restore FILE", USAGE);
	if (reach(request->store, &fd, &err) < 0)
		return complain(err.text, FAILED);
	if (fd >= 0) {
		close(fd);
		cf_fail(&err, EBUSY, "%s is mounted, and restore needs it unmounted",
			request->store);
		return complain(err.text, FAILED);
	}
	status = get_passphrase(request, request->words[1], false);
	if (status != DONE)
		return status;
	how = how_to_unlock(request, &clock);
	screen_start(&request->screen, "restore", request->quiet);
	if (cf_restore(&how, request->words[1], &admin, &err) < 0)
		return complain_after(&request->screen, err.text);
	screen_clear(&request->screen);
	return DONE;
}

enum status init(struct request *request)
{
	struct cf_clock clock = { 0 };
	struct cf_core core = { 0 };
	struct cf_err err = { 0 };
	enum status status;

	if (request->n != 1)
		return complain("usage: certfsctl [--key-file FILE] STORE init", USAGE);
	status = get_passphrase(request, request->store, true);
	if (status != DONE)
		return status;
	if (open_store(request, &core, &clock, true, &err) < 0)
		return complain(err.text, FAILED);
	cf_unlock_close(&core);
	return DONE;
}

static enum status run_command(struct request *request, const struct cf_core *core)
{
	char *words[CF_ADMIN_WORDS];
	struct cf_ctx ctx = {
		.core = core,
		.caller = { .uid = getuid(),
			    .gid = getgid(),
			    .pid = getpid(),
			    .comm = "certfsctl" },
	};
	struct cf_admin admin = {
		.ctx = &ctx,
		.words = words,
		.report = print_line,
		.progress = screen_show,
		.arg = &request->screen,
	};
	struct cf_err err = { 0 };
	int r;

	for (int i = request->n_name; i < request->n && admin.n < CF_ADMIN_WORDS - 1; i++)
		words[admin.n++] = request->words[i];
	if (request->command->secret)
		words[admin.n++] = request->secret.data;
	r = request->command->run(&admin, &err);
	cf_ctx_done(&ctx);
	screen_clear(&request->screen);
	if (r < 0)
		complain(err.text, FAILED);
	return r == 0 ? DONE : FAILED;
}

enum status run(struct request *request, bool *ret_busy)
{
	struct cf_clock clock = { 0 };
	struct cf_core core = { .decoder.start = cf_decoder_fork };
	struct cf_err err = { 0 };
	enum status status = DONE;
	int r;

	if (!request->command->without_key && !request->passphrase.len) {
		status = get_passphrase(request, request->store, false);
		if (request->passphrase.len) /* typing it took no time of ours */
			screen_start(&request->screen, request->command->name, request->quiet);
	}
	if (status != DONE) {
		*ret_busy = false;
		return status;
	}
	r = open_store(request, &core, &clock, false, &err);
	if (r == -EBUSY && *ret_busy)
		return FAILED;
	*ret_busy = false;
	if (r < 0)
		return complain(err.text, FAILED);
	/* Asked for once it is known that the store opens. */
	status = get_secret(request);
	if (status == DONE)
		status = run_command(request, &core);
	cf_unlock_close(&core);
	return status;
}
