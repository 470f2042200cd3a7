/*
 * Requests to the control socket: their words, the commands these call, and what the commands make of
 * the rest, on a store with something in _deleted. Those that take a passphrase are only found, as
 * deriving a key takes half a second.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/procedures/admin.h"
#include "core/procedures/create.h"
#include "core/procedures/delete.h"
#include "tests/fuzz/fuzz.h"

static struct {
	char dir[64], path[96];
	struct cf_clock clock;
	struct cf_core core;
} host;

static void remove_store(void)
{
	char command[128];

	cf_store_close(host.core.store);
	cf_vault_close(host.core.vault);
	snprintf(command, sizeof(command), "rm -rf '%s'", host.dir);
	if (system(command) != 0)
		perror(host.dir);
}

static void make_store(void)
{
	static const char *const names[] = { "mail", "web", "a b", "ü" };
	const uint8_t key[CF_KEY_SIZE] = { 1 };
	const struct cf_store_options options = {
		.path = host.path, .create = true, .clock = &host.clock, .unsafe_fast = true
	};
	struct cf_ctx ctx = { .core = &host.core };
	int64_t server, certificate;

	if (host.core.store)
		return;
	fuzz_ossl();
	snprintf(host.dir, sizeof(host.dir), "/tmp/certfs-fuzz-XXXXXX");
	assert(mkdtemp(host.dir));
	snprintf(host.path, sizeof(host.path), "%s/store", host.dir);
	assert(cf_store_open(&options, &host.core.store, NULL, NULL) == 0);
	assert(cf_vault_create(host.core.store, CF_SLOT_KEY(key), &host.core.vault, NULL) == 0);
	host.core.clock = &host.clock;
	assert(cf_server_create(&ctx, "EX01", &server, NULL) == 0);
	for (size_t i = 0; i < CF_COUNT(names); i++) {
		assert(cf_draft_create(&ctx, server, names[i], &certificate, NULL) == 0);
		assert(cf_certificate_delete(&ctx, certificate, NULL) == 0);
	}
	cf_ctx_done(&ctx);
	atexit(remove_store);
}

/* A line for a terminal. */
static void hear(void *arg, const char *line)
{
	(void)arg;
	for (const char *p = line; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void run(const struct cf_admin_command *command, int n, char **words)
{
	struct cf_ctx ctx = { .core = &host.core, .caller = { .comm = "fuzz" } };
	const struct cf_admin admin = { .ctx = &ctx, .n = n, .words = words, .report = hear };
	struct cf_err err = { 0 };
	int r;

	assert(n >= command->min && n <= command->max);
	/* As the socket does. */
	if (command->unmounted || command->aside || command->secret == CF_ADMIN_PASSPHRASE)
		return;
	r = command->run(&admin, &err);
	if (r < 0)
		fuzz_refused(r, &err);
	cf_ctx_done(&ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct cf_admin_command *command;
	char *text = malloc(len + 1), *words[CF_ADMIN_WORDS];
	struct cf_err err = { 0 };
	int n, n_name = 0;

	assert(text);
	make_store();
	if (len)
		memcpy(text, data, len);
	n = cf_admin_split(text, len, words);
	assert(n <= CF_ADMIN_WORDS && (n < 0) == (len == 0 || n == -1));
	for (int i = 0; i < n; i++)
		assert(words[i] >= text && words[i] + strlen(words[i]) < text + len);
	if (n > 0) {
		command = cf_admin_find(cf_admin_commands, n, words, false, &n_name, &err);
		if (command)
			run(command, n - n_name, words + n_name);
		else if (n_name != -ENOENT)
			fuzz_refused(n_name, &err);
	}
	free(text);
	return 0;
}
