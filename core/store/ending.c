/* Certificates in the order of a date; see ending.h. */
#include "core/store/ending.h"

#include "core/store/found.h"
#include "core/store/store_private.h"

#define THERE "deleted = 0 AND state = 3"

enum {
	NEXT,
	NEXT_STATUS,
	NEXT_PENDING,
	LAST,
	FIRST,
	ALL,
	VALID,
	COUNT_
};

static const char *const text[] = {
	[NEXT] = "SELECT id, not_after FROM certificate INDEXED BY certificate_end WHERE " THERE
		 " AND not_after <= :until AND (not_after, id) > (:date, :after)"
		 " ORDER BY not_after, id LIMIT 1",
	[NEXT_STATUS] = "SELECT id, not_after FROM certificate INDEXED BY certificate_status"
			" WHERE " THERE " AND status = :status AND not_after <= :until"
			" AND (not_after, id) > (:date, :after)"
			" ORDER BY not_after, id LIMIT 1",
	[NEXT_PENDING] = "SELECT id, t_request FROM certificate INDEXED BY certificate_pending"
			 " WHERE deleted = 0 AND state = 2"
			 " AND (t_request, id) > (:date, :after) ORDER BY t_request, id LIMIT 1",
	[LAST] = "SELECT not_after FROM certificate INDEXED BY certificate_end WHERE " THERE
		 " AND not_after <= :until ORDER BY not_after DESC LIMIT 1",
	[FIRST] = "SELECT not_after FROM certificate INDEXED BY certificate_end WHERE " THERE
		  " AND not_after > :until ORDER BY not_after LIMIT 1",
	[ALL] = "SELECT count(*) FROM certificate INDEXED BY certificate_server"
		" WHERE deleted = 0",
	[VALID] = "SELECT count(*) FROM certificate INDEXED BY certificate_status WHERE " THERE
		  " AND status = :status",
};

static const struct cf_sql sql = { CF_MODULE_ENDING, COUNT_, text };

/* Bind where the walk is, step, and move it. */
static int step(struct cf_db *db, sqlite3_stmt *stmt, struct cf_ending *at, struct cf_err *err)
{
	int r;

	cf_bind_int(stmt, ":date", at->date);
	cf_bind_int(stmt, ":after", at->id);
	r = cf_step(db, stmt, err);
	if (r <= 0)
		return r;
	at->id = sqlite3_column_int64(stmt, 0);
	at->date = sqlite3_column_int64(stmt, 1);
	return 1;
}

int cf_store_ending_next(struct cf_db *db, cf_time until, struct cf_ending *at, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":until", until);
	return step(db, stmt, at, err);
}

int cf_store_ending_next_status(struct cf_db *db, int64_t status, cf_time until,
				struct cf_ending *at, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT_STATUS, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":status", status);
	cf_bind_int(stmt, ":until", until);
	return step(db, stmt, at, err);
}

int cf_store_ending_next_pending(struct cf_db *db, struct cf_ending *at, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT_PENDING, &stmt, err);

	return r < 0 ? r : step(db, stmt, at, err);
}

int cf_store_ending_count(struct cf_db *db, struct cf_ending_counts *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *all = NULL, *valid = NULL;
	int r = cf_stmt(db, &sql, ALL, &all, err);

	if (r == 0)
		r = cf_step(db, all, err);
	if (r >= 0)
		r = cf_stmt(db, &sql, VALID, &valid, err);
	if (r < 0)
		return r;
	cf_bind_int(valid, ":status", CF_FOUND_VALID);
	r = cf_step(db, valid, err);
	if (r < 0)
		return r;
	ret->all = sqlite3_column_int64(all, 0);
	ret->valid = sqlite3_column_int64(valid, 0);
	return 0;
}

/* One date, or what stands for none. */
static int date(struct cf_db *db, int which, cf_time until, cf_time none, cf_time *ret,
		struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, which, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":until", until);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = r ? sqlite3_column_int64(stmt, 0) : none;
	return 0;
}

int cf_store_ending_around(struct cf_db *db, cf_time until, cf_time *ret_last, cf_time *ret_first,
			   struct cf_err *err)
{
	int r = date(db, LAST, until, 0, ret_last, err);

	return r < 0 ? r : date(db, FIRST, until, CF_NEVER, ret_first, err);
}
