/* Opening a store with its key, and making both where there is neither. */
#include "core/procedures/unlock.h"

#include "core/store/root.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A store that doesn't exist yet: its folder must. */
static int path_of_new(const char *store, char **ret, struct cf_err *err)
{
	cf_auto(cf_free) char *copy = strdup(store);
	cf_auto(cf_free) char *copy_too = strdup(store);
	cf_auto(cf_free) char *folder = NULL;
	char *path;

	if (!copy || !copy_too)
		return cf_fail_memory(err);
	folder = realpath(dirname(copy), NULL);
	if (!folder)
		return cf_fail(err, errno, "the folder of the store %s can't be used: %s", store,
			       strerror(errno));
	path = malloc(strlen(folder) + 1 + strlen(store) + 1);
	if (!path)
		return cf_fail_memory(err);
	stpcpy(stpcpy(stpcpy(path, strcmp(folder, "/") == 0 ? "" : folder), "/"),
	       basename(copy_too));
	*ret = path;
	return 0;
}

int cf_unlock_path(const char *store, char **ret, struct cf_err *err)
{
	size_t len = strlen(store);
	char *path;

	if (len == 0 || store[len - 1] == '/')
		return cf_fail(err, EINVAL, "'%s' does not name a store", store);
	path = realpath(store, NULL);
	if (!path && errno == ENOENT)
		return path_of_new(store, ret, err);
	if (!path)
		return cf_fail(err, errno, "the store %s can't be used: %s", store,
			       strerror(errno));
	*ret = path;
	return 0;
}

/* What unlocks, and what it is called in a sentence. */
struct secret {
	struct cf_slot_secret with;
	uint8_t key[CF_KEY_SIZE];
	char name[CF_ERR_MAX / 2];
	bool made; /* the key file, just now */
};

static int get_key_file(const struct cf_unlock *how, bool store_exists, struct secret *ret,
			struct cf_err *err)
{
	int r;

	snprintf(ret->name, sizeof(ret->name), "the key file %s", how->key_file);
	if (!how->only_create) {
		r = cf_vault_key_file_read(how->key_file, ret->key, err);
		if (r != -ENOENT || store_exists || !how->create)
			return r;
		cf_err_reset(err);
	}
	r = cf_vault_key_file_create(how->key_file, ret->key, err);
	ret->made = r == 0;
	return r;
}

/* The path of the credential, owned by the caller; NULL when there is none. */
static char *credential(const struct cf_unlock *how)
{
	char *path = NULL;

	if (!how->credentials || asprintf(&path, "%s/certfs.key", how->credentials) < 0)
		return NULL;
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int get_credential(const struct cf_unlock *how, bool store_exists, struct secret *ret,
			  struct cf_err *err)
{
	cf_auto(cf_free) char *path = credential(how);

	if (!path)
		return cf_fail(err, ENOKEY,
			       "nothing unlocks %s: give -o key-file=FILE%s, -o passphrase-fd=N, "
			       "-o keyring=NAME or the credential certfs.key, or start certfs on a "
			       "terminal, where it asks for a passphrase",
			       how->store, store_exists ? "" : " (it is made too)");
	snprintf(ret->name, sizeof(ret->name), "the credential %s", path);
	return cf_vault_credential_read(path, ret->key, err);
}

/* What unlocks the store that is there or about to be. */
static int get_secret(const struct cf_unlock *how, bool store_exists, struct secret *ret,
		      struct cf_err *err)
{
	ret->with = *CF_SLOT_KEY(ret->key);
	if (how->key_file)
		return get_key_file(how, store_exists, ret, err);
	if (how->keyring) {
		snprintf(ret->name, sizeof(ret->name), "the key '%s' of the keyring", how->keyring);
		return cf_vault_keyring_read(how->keyring, ret->key, err);
	}
	if (!how->passphrase)
		return get_credential(how, store_exists, ret, err);
	snprintf(ret->name, sizeof(ret->name), "a passphrase");
	ret->with = (struct cf_slot_secret){ .type = CF_SLOT_PASSPHRASE,
					     .bytes = cf_span_buf(how->passphrase) };
	return 0;
}

bool cf_unlock_must_ask(const struct cf_unlock *how)
{
	cf_auto(cf_free) char *path = credential(how);

	return !path && !how->key_file && !how->keyring && !how->passphrase;
}

/* True when the store has no key yet: new, or the power went while it was being made. */
static int is_fresh(struct cf_store *store, bool *ret, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	int r = cf_store_read(store, &db, err);

	if (r == 0)
		r = cf_store_slot_next(db, 0, &slot, err);
	if (r < 0)
		return r;
	*ret = r == 0;
	return 0;
}

static int unlock(const struct cf_unlock *how, const struct secret *secret, struct cf_core *core,
		  size_t *ret_damaged, struct cf_err *err)
{
	bool fresh;
	int r = is_fresh(core->store, &fresh, err);

	if (r < 0)
		return r;
	if (fresh && how->create)
		return cf_vault_create(core->store, &secret->with, &core->vault, err);
	return cf_note(err,
		       cf_vault_unlock(core->store, &secret->with, &core->vault, ret_damaged, err),
		       "%s with %s", how->store, secret->name);
}

static void remove_new(const char *store)
{
	static const char *const endings[] = { "-wal", "-shm", ".lock", ".reserve", "" };

	for (size_t i = 0; i < CF_COUNT(endings); i++) {
		char *path = malloc(strlen(store) + strlen(endings[i]) + 1);

		if (path) {
			stpcpy(stpcpy(path, store), endings[i]);
			unlink(path);
		}
		free(path);
	}
}

/* The store is open, or there is a secret and it comes next. */
static int open_and_unlock(const struct cf_unlock *how, const struct secret *secret,
			   struct cf_core *core, size_t *ret_damaged, struct cf_err *err)
{
	struct cf_store_options options = {
		.path = how->store,
		.create = how->create,
		.read_only = how->read_only,
		.who = how->who,
		.clock = how->clock,
	};
	bool created = false;
	int r = cf_store_open(&options, &core->store, &created, err);

	if (r == 0 && secret)
		r = unlock(how, secret, core, ret_damaged, err);
	if (r < 0) {
		cf_unlock_close(core);
		if (created)
			remove_new(how->store);
	}
	return r;
}

int cf_unlock(const struct cf_unlock *how, struct cf_core *core, size_t *ret_damaged,
	      struct cf_err *err)
{
	struct secret secret = { 0 };
	struct stat st;
	bool exists = lstat(how->store, &st) == 0;
	int r = 0;

	if (ret_damaged)
		*ret_damaged = 0;
	if (!exists && errno != ENOENT)
		return cf_fail(err, errno, "the store %s can't be used: %s", how->store,
			       strerror(errno));
	if (!exists && !how->create)
		return cf_fail(err, ENOENT, "there is no store %s", how->store);
	if (exists && how->only_create)
		return cf_fail(err, EEXIST, "%s exists and is left alone", how->store);
	core->clock = how->clock;
	if (!how->without_key)
		r = get_secret(how, exists, &secret, err);
	if (r == 0)
		r = open_and_unlock(how, how->without_key ? NULL : &secret, core, ret_damaged, err);
	if (r < 0 && secret.made)
		unlink(how->key_file);
	explicit_bzero(&secret, sizeof(secret));
	return r;
}

void cf_unlock_close(struct cf_core *core)
{
	cf_store_close(core->store);
	cf_vault_close(core->vault);
	core->store = NULL;
	core->vault = NULL;
}
