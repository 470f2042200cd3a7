/* Passphrases and key files for certfsctl(1): from a terminal, a descriptor or a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/terminal.h"
#include "core/base/text.h"
#include "tools/certfsctl.h"

/* From the descriptor if there is one, else the terminal. */
static int get_line(int fd, const char *prompt, bool is_new, struct cf_buf *out, struct cf_err *err)
{
	if (fd >= 0)
		return cf_line_read(fd, CF_PASSPHRASE_MAX, out, err);
	if (is_new)
		return cf_terminal_ask_new(prompt, CF_PASSPHRASE_MAX, out, err);
	return cf_terminal_ask(prompt, CF_PASSPHRASE_MAX, out, err);
}

enum status get_passphrase(struct request *request, const char *store, bool is_new)
{
	cf_auto(cf_buf_done) struct cf_buf prompt = { 0 };
	struct cf_err err = { 0 };
	const struct cf_unlock how = {
		.key_file = request->key_file,
		.keyring = request->keyring,
		.credentials = getenv("CREDENTIALS_DIRECTORY"),
	};
	int r;

	if (request->passphrase.len || !cf_unlock_must_ask(&how))
		return DONE;
	if (!is_new && access(store, F_OK) < 0 && errno == ENOENT) {
		cf_fail(&err, ENOENT, "there is no store %s", store);
		return complain(err.text, FAILED);
	}
	r = cf_buf_printf(&prompt, &err, "%s for %s: ", is_new ? "New passphrase" : "Passphrase",
			  store);
	if (r == 0)
		r = get_line(request->passphrase_fd, cf_buf_text(&prompt), is_new,
			     &request->passphrase, &err);
	if (r == -ENOTTY) {
		cf_err_reset(&err);
		cf_fail(&err, ENOKEY,
			"nothing unlocks %s%s: give --key-file FILE, --passphrase-fd N, --keyring "
			"NAME or the credential certfs.key, or start certfsctl on a terminal, "
			"where it asks for a passphrase",
			store, store == request->store && !is_new ? ", which isn't mounted" : "");
	}
	if (r == 0 && !request->passphrase.len)
		r = cf_fail(&err, EINVAL, "a passphrase can't be empty");
	return r < 0 ? complain(err.text, FAILED) : DONE;
}

static int key_from_file(struct request *request, const char *path, struct cf_err *err)
{
	char hex[2 * CF_KEY_SIZE + 1];
	uint8_t key[CF_KEY_SIZE];
	int r = cf_vault_key_file_read(path, key, err);

	if (r == -ENOENT) {
		cf_err_reset(err);
		r = cf_vault_key_file_create(path, key, err);
		request->made = r == 0 ? path : NULL;
	}
	if (r == 0)
		r = cf_buf_puts(&request->secret, cf_text_hex(key, sizeof(key), hex), err);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	return r;
}

enum status get_secret(struct request *request)
{
	cf_auto(cf_buf_done) struct cf_buf prompt = { 0 };
	struct cf_err err = { 0 };
	int r = 0;

	switch (request->command ? request->command->secret : CF_ADMIN_NO_SECRET) {
	case CF_ADMIN_NO_SECRET:
		return DONE;
	case CF_ADMIN_PASSPHRASE:
		r = cf_buf_printf(&prompt, &err, "New passphrase for %s: ", request->store);
		if (r == 0)
			r = get_line(request->new_passphrase_fd, cf_buf_text(&prompt), true,
				     &request->secret, &err);
		if (r == -ENOTTY) {
			cf_err_reset(&err);
			cf_fail(&err, ENOKEY,
				"there is no terminal to ask for the new passphrase on; give "
				"--new-passphrase-fd N");
		}
		break;
	case CF_ADMIN_KEY:
		r = key_from_file(request, request->words[--request->n], &err);
		break;
	}
	if (r == 0 && !request->secret.len)
		r = cf_fail(&err, EINVAL, "a passphrase can't be empty");
	return r < 0 ? complain(err.text, FAILED) : DONE;
}

void take_back(const struct request *request)
{
	if (request->made)
		unlink(request->made);
}
