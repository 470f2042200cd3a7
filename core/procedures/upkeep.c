/* The audit log's head, a new master key, and a backup's return; see upkeep.h. */
#include "core/procedures/upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/procedures/common.h"
#include "core/store/event.h"

/* -- the audit log --------------------------------------------------------------------------- */

int cf_audit_head(const struct cf_core *core, int64_t *ret_seq, char text[CF_AUDIT_HEAD_MAX],
		  struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	char hex[2 * CF_SUM_SIZE + 1];
	uint8_t mac[CF_SUM_SIZE];
	int r = cf_store_read(core->store, &db, err);

	if (r == 0)
		r = cf_store_event_head(db, ret_seq, mac, err);
	if (r < 0)
		return r;
	snprintf(text, CF_AUDIT_HEAD_MAX, "%lld:%s", (long long)*ret_seq,
		 cf_text_hex(mac, sizeof(mac), hex));
	return 0;
}

int cf_admin_audit_head(const struct cf_admin *admin, struct cf_err *err)
{
	char text[CF_AUDIT_HEAD_MAX];
	int64_t seq;
	int r = cf_audit_head(admin->ctx->core, &seq, text, err);

	if (r == 0)
		admin->report(admin->arg, text);
	return r;
}

/* A head's number; the rest is in *ret_hex. */
static int read_head(const char *text, int64_t *ret_seq, const char **ret_hex, struct cf_err *err)
{
	char *end;
	long long seq;

	errno = 0;
	seq = strtoll(text, &end, 10);
	if (errno || end == text || seq < 0 || *end != ':' ||
	    strlen(end + 1) != (size_t)2 * CF_SUM_SIZE ||
	    strspn(end + 1, "0123456789ABCDEFabcdef") != (size_t)2 * CF_SUM_SIZE)
		return cf_fail(err, EINVAL, "'%s' is no head of an audit log, NUMBER:HEX", text);
	*ret_seq = seq;
	*ret_hex = end + 1;
	return 0;
}

/* 1 and a sentence when the log doesn't contain that head. */
static int compare_head(const struct cf_admin *admin, struct cf_db *db, const char *text,
			struct cf_err *err)
{
	char line[160], hex[2 * CF_SUM_SIZE + 1];
	struct cf_err why = { 0 };
	uint8_t mac[CF_SUM_SIZE];
	const char *wanted = NULL;
	int64_t seq = 0;
	int r = read_head(text, &seq, &wanted, err);

	if (r < 0 || seq == 0) /* before the first line there was nothing */
		return r;
	r = cf_store_event_mac(db, seq, mac, &why);
	if (r == -ENOENT)
		snprintf(line, sizeof(line),
			 "the audit log: line %lld, with which it ended then, is missing",
			 (long long)seq);
	else if (r < 0)
		return cf_fail(err, -r, "%s", why.text);
	else if (strcasecmp(cf_text_hex(mac, sizeof(mac), hex), wanted) != 0)
		snprintf(line, sizeof(line),
			 "the audit log: line %lld isn't the one with which it ended then",
			 (long long)seq);
	else
		return 0;
	admin->report(admin->arg, line);
	return 1;
}

int cf_admin_audit_verify(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_admin_read(admin, &db, err);
	int n = 0;

	if (r == 0)
		n = r = cf_store_event_check(db, admin->report, admin->arg, err);
	if (r >= 0 && admin->n > 0)
		r = compare_head(admin, db, admin->words[0], err);
	return r < 0 ? r : n > 0 || r > 0;
}

/* -- a new master key ------------------------------------------------------------------------ */

static int rekey(const struct cf_admin *admin, bool drop_slots, struct cf_err *err)
{
	const struct cf_core *core = admin->ctx->core;
	cf_auto(cf_vault_close) struct cf_vault *old = NULL;
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_begin(core->store, false, &db, err);

	if (r < 0)
		return r;
	cf_db_watch(db, admin->progress, admin->arg);
	r = cf_vault_rekey(core->vault, db, drop_slots, &old, err);
	if (r < 0)
		return r;
	r = cf_audit(admin->ctx, db, "rekey", NULL, NULL, NULL, err);
	if (r == 0)
		r = cf_store_commit(&db, &admin->ctx->changes, err);
	if (r < 0)
		cf_vault_rekey_undo(core->vault, old);
	return r;
}

/* How many findings. */
static int check(const struct cf_admin *admin, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_admin_read(admin, &db, err);

	return r < 0 ? r : cf_store_check_in(db, admin->report, admin->arg, err);
}

int cf_admin_rekey(const struct cf_admin *admin, struct cf_err *err)
{
	const bool drop = admin->n > 0;
	int r;

	if (drop && strcmp(admin->words[0], "--drop-slots") != 0)
		return cf_fail(err, EINVAL, "usage: rekey [--drop-slots]");
	/* What isn't as certfs wrote it must not be made to look as if it were. */
	r = check(admin, err);
	if (r > 0)
		return cf_fail(err, EIO, "the store is damaged; restore a backup first");
	if (r == 0)
		r = rekey(admin, drop, err);
	return r < 0 ? r : cf_admin_audit_head(admin, err);
}

/* -- a backup's return ----------------------------------------------------------------------- */

/* Unlock the backup and look through it. */
static int check_backup(const struct cf_unlock *how, const char *file, const struct cf_admin *admin,
			struct cf_err *err)
{
	struct cf_clock clock = { 0 };
	struct cf_core core = { 0 };
	struct cf_ctx ctx = { .core = &core };
	struct cf_admin inside = *admin;
	struct cf_unlock backup = *how;
	int r;

	inside.ctx = &ctx;
	backup.store = file;
	backup.create = backup.only_create = backup.without_key = false;
	backup.read_only = true;
	backup.clock = &clock;
	r = cf_unlock(&backup, &core, NULL, err);
	if (r == 0)
		r = check(&inside, err);
	if (r > 0)
		r = cf_fail(err, EIO, "the backup %s is damaged; nothing was restored", file);
	cf_unlock_close(&core);
	return r;
}

static int record(const struct cf_unlock *how, const char *file, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	struct cf_core core = { 0 };
	struct cf_ctx ctx = {
		.core = &core,
		.caller = { .uid = getuid(), .gid = getgid(), .pid = getpid(), .comm = "certfsctl" }
	};
	int r = cf_unlock(how, &core, NULL, err);

	if (r == 0)
		r = cf_store_begin(core.store, false, &db, err);
	if (r == 0)
		r = cf_audit(&ctx, db, "restore", NULL, NULL, file, err);
	if (r == 0)
		r = cf_store_commit(&db, &ctx.changes, err);
	cf_db_done(cf_take(&db));
	cf_ctx_done(&ctx);
	cf_unlock_close(&core);
	return r;
}

int cf_restore(const struct cf_unlock *how, const char *file, const struct cf_admin *admin,
	       struct cf_err *err)
{
	int r = check_backup(how, file, admin, err);

	if (r == 0)
		r = cf_store_replace(how->store, file, how->who, err);
	return r < 0 ? r : record(how, file, err);
}
