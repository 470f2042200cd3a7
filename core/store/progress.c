/* Telling whoever watches a transaction how far it has come; see cf_db_watch(). */
#include "core/store/row_private.h"

enum {
	FIRST_TABLE,
	LAST_EVENT = 7,
	COUNT_
};

static const char *const text[] = {
	[FIRST_TABLE] = "SELECT count(*) FROM server",
	[1] = "SELECT count(*) FROM certificate",
	[2] = "SELECT count(*) FROM issuer",
	[3] = "SELECT count(*) FROM secret",
	[4] = "SELECT count(*) FROM trust",
	[5] = "SELECT count(*) FROM setting",
	[6] = "SELECT count(*) FROM slot",
	[LAST_EVENT] = "SELECT max(seq) FROM event",
};

static const struct {
	const struct cf_table *table;
	const char *plural;
} tables[] = {
	[FIRST_TABLE] = { &cf_table_server, "servers" },
	[1] = { &cf_table_certificate, "certificates" },
	[2] = { &cf_table_issuer, "issuers" },
	[3] = { &cf_table_secret, "secrets" },
	[4] = { &cf_table_trust, "files of _trust" },
	[5] = { &cf_table_setting, "settings" },
	[6] = { &cf_table_slot, "key slots" },
};

static const struct cf_sql sql = { CF_MODULE_PROGRESS, COUNT_, text };

void cf_db_watch(struct cf_db *db, cf_progress_fn *progress, void *arg)
{
	db->progress = progress;
	db->progress_arg = arg;
}

static int count(struct cf_db *db, int statement, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, statement, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

int cf_progress_rows(struct cf_db *db, const struct cf_table *table, struct cf_progress *ret,
		     struct cf_err *err)
{
	*ret = (struct cf_progress){ 0 };
	for (int i = 0; db->progress && i < (int)CF_COUNT(tables); i++) {
		if (tables[i].table != table)
			continue;
		ret->what = tables[i].plural;
		return count(db, i, &ret->all, err);
	}
	return 0;
}

int cf_progress_events(struct cf_db *db, struct cf_progress *ret, struct cf_err *err)
{
	*ret = (struct cf_progress){ .what = "lines of the audit log" };
	return db->progress ? count(db, LAST_EVENT, &ret->all, err) : 0;
}

void cf_progress_one_more(struct cf_db *db, struct cf_progress *progress)
{
	progress->done++;
	if (db->progress && progress->what)
		db->progress(db->progress_arg, progress);
}

void cf_progress_at(struct cf_db *db, const char *what)
{
	const struct cf_progress progress = { .what = what };

	if (db->progress)
		db->progress(db->progress_arg, &progress);
}
