/* The commands of certfsctl, and where its socket is. */
#include "core/procedures/admin.h"
#include "core/procedures/admin_deleted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/procedures/slots.h"
#include "core/procedures/upkeep.h"

int cf_admin_read(const struct cf_admin *admin, struct cf_db **ret, struct cf_err *err)
{
	int r = cf_store_read(admin->ctx->core->store, ret, err);

	if (r == 0)
		cf_db_watch(*ret, admin->progress, admin->arg);
	return r;
}

static int run_check(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int n = cf_admin_read(admin, &db, err);

	if (n == 0)
		n = cf_store_check_in(db, admin->report, admin->arg, err);

	return n > 0 ? 1 : n;
}

static int run_backup(const struct cf_admin *admin, struct cf_err *err)
{
	return cf_store_backup(admin->ctx->core->store, admin->words[0], err);
}

const struct cf_admin_command cf_admin_commands[] = {
	{ .name = "check", .usage = "", .run = run_check },
	{ .name = "backup",
	  .usage = " FILE",
	  .min = 1,
	  .max = 1,
	  .without_key = true,
	  .aside = true,
	  .run = run_backup },
	{ .name = "deleted", .usage = "", .run = cf_admin_deleted },
	{ .name = "undelete", .usage = " NAME [TO]", .min = 1, .max = 2, .run = cf_admin_undelete },
	{ .name = "purge", .usage = " NAME|--all", .min = 1, .max = 1, .run = cf_admin_purge },
	{ .name = "audit head", .usage = "", .run = cf_admin_audit_head },
	{ .name = "audit verify",
	  .usage = " [--head HEAD]",
	  .max = 1,
	  .run = cf_admin_audit_verify },
	{ .name = "rekey",
	  .usage = " [--drop-slots]",
	  .max = 1,
	  .unmounted = true,
	  .run = cf_admin_rekey },
	{ .name = "slots add passphrase",
	  .usage = "",
	  .min = 1,
	  .max = 1,
	  .secret = CF_ADMIN_PASSPHRASE,
	  .run = cf_admin_slots_add_passphrase },
	{ .name = "slots add key-file",
	  .usage = " FILE",
	  .min = 1,
	  .max = 1,
	  .secret = CF_ADMIN_KEY,
	  .run = cf_admin_slots_add_key },
	{ .name = "slots add recovery", .usage = "", .run = cf_admin_slots_add_recovery },
	{ .name = "slots remove",
	  .usage = " SLOT",
	  .min = 1,
	  .max = 1,
	  .run = cf_admin_slots_remove },
	{ .name = "slots", .usage = "", .without_key = true, .run = cf_admin_slots },
	{ .name = "passwd",
	  .usage = " [SLOT]",
	  .min = 1,
	  .max = 2,
	  .secret = CF_ADMIN_PASSPHRASE,
	  .run = cf_admin_passwd },
	{ 0 },
};

int cf_admin_split(char *text, size_t len, char *words[CF_ADMIN_WORDS])
{
	int n = 0;

	if (len == 0 || len > CF_ADMIN_MAX || text[len - 1] != '\0')
		return -1;
	for (size_t at = 0; at < len; at += strlen(text + at) + 1) {
		if (n == CF_ADMIN_WORDS)
			return -1;
		words[n++] = text + at;
	}
	return n;
}

/* How many words the name has, when the first of these are they; 0: they aren't. */
static int words_of(const char *name, int n, char *const *words)
{
	int count = 0;

	while (*name) {
		size_t len = strcspn(name, " ");

		if (count == n || strlen(words[count]) != len ||
		    memcmp(words[count], name, len) != 0)
			return 0;
		count++;
		name += len + (name[len] == ' ');
	}
	return count;
}

const struct cf_admin_command *cf_admin_find(const struct cf_admin_command *table, int n,
					     char *const *words, bool typed, int *ret_n,
					     struct cf_err *err)
{
	for (const struct cf_admin_command *c = table; c->name; c++) {
		const int count = words_of(c->name, n, words);
		const int added = typed && c->secret == CF_ADMIN_PASSPHRASE;

		if (count == 0)
			continue;
		if (n - count + added >= c->min && n - count + added <= c->max) {
			*ret_n = count;
			return c;
		}
		*ret_n = cf_fail(err, EINVAL, "usage: %s%s", c->name, c->usage);
		return NULL;
	}
	*ret_n = -ENOENT;
	return NULL;
}

int cf_admin_address(const char *store, struct sockaddr_un *ret, int *ret_folder,
		     struct cf_err *err)
{
	static const char ending[] = ".control";
	const char *slash = strrchr(store, '/');
	cf_auto(cf_free) char *folder = NULL;
	int n;

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	*ret_folder = -1;
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s%s", store, ending);
	if (n >= 0 && (size_t)n < sizeof(ret->sun_path))
		return 0;
	folder = strndup(store, slash ? (size_t)(slash - store) + 1 : 0);
	if (!folder)
		return cf_fail_memory(err);
	*ret_folder = open(*folder ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_folder < 0)
		return cf_fail(err, errno, "the folder of %s can't be used: %s", store,
			       strerror(errno));
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s%s", *ret_folder,
		     slash ? slash + 1 : store, ending);
	if (n >= 0 && (size_t)n < sizeof(ret->sun_path))
		return 0;
	close(*ret_folder);
	*ret_folder = -1;
	return cf_fail(err, ENAMETOOLONG,
		       "the name of the store %s is too long for a socket "
		       "beside it",
		       store);
}
