/* Looking for damage everywhere; see cf_store_check(). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/store/certificate.h"
#include "core/store/event.h"
#include "core/store/found.h"
#include "core/store/row_private.h"

enum {
	QUICK,
	FOREIGN,
	BLOBS,
	COUNT_
};

static const char *const text[] = {
	[QUICK] = "PRAGMA quick_check",
	[FOREIGN] = "PRAGMA foreign_key_check",
	[BLOBS] = "SELECT count(*) FROM blob",
};

static const struct cf_sql sql = { CF_MODULE_CHECK, COUNT_, text };

static const struct cf_table *const tables[] = {
	&cf_table_root,   &cf_table_server, &cf_table_certificate, &cf_table_issuer,
	&cf_table_secret, &cf_table_trust,  &cf_table_setting,     &cf_table_slot,
};

struct findings {
	struct cf_db *db;
	cf_report_fn *report;
	void *arg;
	int n;
};

static void found(struct findings *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void found(struct findings *f, const char *fmt, ...)
{
	struct cf_err why = { 0 };
	char sentence[CF_ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	cf_fail(&why, EIO, "%s", sentence); /* escapes */
	f->n++;
	f->report(f->arg, why.text);
}

/* What the tallies and the audit log report counts, too. */
static void count(void *arg, const char *sentence)
{
	found(arg, "%s", sentence);
}

static int quick_check(struct findings *f, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *quick = NULL, *foreign = NULL;
	int r = cf_stmt(f->db, &sql, QUICK, &quick, err);

	cf_progress_at(f->db, "the database");
	while (r == 0 && (r = cf_step(f->db, quick, err)) > 0) {
		const char *line = (const char *)sqlite3_column_text(quick, 0);

		r = 0;
		if (!line || strstr(line, "error code=7")) /* SQLITE_NOMEM is no damage */
			return cf_fail_memory(err);
		if (strcmp(line, "ok") != 0)
			found(f, "the database: %s", line);
	}
	if (r == 0)
		r = cf_stmt(f->db, &sql, FOREIGN, &foreign, err);
	while (r == 0 && (r = cf_step(f->db, foreign, err)) > 0) {
		found(f, "%s %" PRId64 " belongs to nothing", sqlite3_column_text(foreign, 0),
		      (int64_t)sqlite3_column_int64(foreign, 1));
		r = 0;
	}
	return r;
}

/* A finding or an end: what can't be read is a finding, out of memory isn't. */
static int blob(struct findings *f, const struct cf_certificate *row, enum cf_blob kind,
		int64_t *n_blobs, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf data = { 0 };
	struct cf_err why = { 0 };
	int r = cf_store_blob_get(f->db, row, kind, &data, &why);

	if (r == -EIO && !f->db->broken) {
		found(f, "certificate %" PRId64 " (%s): %s", row->id, row->name, why.text);
		r = 0;
	} else if (r == 0) {
		*n_blobs -= 1;
	}
	return r == 0 || r == -ENOENT ? 0 : cf_fail(err, -r, "%s", why.text);
}

/* Every blob that a row names, and none besides. */
static int blobs(struct findings *f, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_progress progress;
	int64_t id = 0, n_blobs;
	int r = cf_stmt(f->db, &sql, BLOBS, &stmt, err);

	if (r == 0)
		r = cf_step(f->db, stmt, err);
	if (r >= 0)
		r = cf_progress_rows(f->db, &cf_table_certificate, &progress, err);
	if (r < 0)
		return r;
	progress.what = "certificates with their contents";
	n_blobs = sqlite3_column_int64(stmt, 0);
	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		r = cf_certificate_next_row(f->db, id, &row, err);
		if (r <= 0)
			break;
		id = row.id;
		r = 0;
		cf_progress_one_more(f->db, &progress);
		for (int kind = CF_BLOB_REQUEST; kind <= CF_BLOB_CHAIN && r == 0; kind++)
			if (!row.damaged)
				r = blob(f, &row, (enum cf_blob)kind, &n_blobs, err);
		if (r < 0)
			break;
	}
	if (r == 0 && n_blobs > 0 && f->n == 0)
		found(f, "%" PRId64 " stored contents belong to no certificate", n_blobs);
	return r;
}

/* The MAC of every row of one table. */
static int macs(struct findings *f, const struct cf_table *table, struct cf_err *err)
{
	union {
		max_align_t align;
		char bytes[2048];
	} row;
	struct cf_progress progress;
	int64_t after = 0;
	int r = cf_progress_rows(f->db, table, &progress, err);

	if (r < 0)
		return r;
	for (;;) {
		cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
		bool damaged;

		r = cf_stmt(f->db, table->sql, table->next, &stmt, err);
		if (r < 0)
			return r;
		cf_bind_int(stmt, ":after", after);
		r = cf_row_step(f->db, table, stmt, &row, &damaged, err);
		if (r <= 0)
			return r;
		after = cf_row_id(table, &row);
		table->done(&row);
		cf_progress_one_more(f->db, &progress);
		if (damaged)
			found(f, "%s %" PRId64 ": its record isn't what certfs wrote", table->name,
			      after);
	}
}

/* What can't even be read is one finding; the rest is still looked at. */
static int tolerate(struct findings *f, int r, struct cf_err *why, struct cf_err *err)
{
	if (r == -EIO && f->db->broken && f->db->corrupt) {
		found(f, "%s", why->text);
		f->db->broken = 0;
		r = 0;
	}
	if (r < 0)
		return cf_fail(err, -r, "%s", why->text);
	cf_err_reset(why);
	return 0;
}

static int check(struct findings *f, struct cf_err *err)
{
	cf_auto(cf_damage_done) struct cf_damage damage = { 0 };
	struct cf_err why = { 0 };
	int r = tolerate(f, quick_check(f, &why), &why, err);

	for (size_t i = 0; i < CF_COUNT(tables) && r == 0; i++)
		r = tolerate(f, macs(f, tables[i], &why), &why, err);
	cf_progress_at(f->db, "whether rows are missing");
	if (r == 0)
		r = cf_tally_verify(f->db, &damage, count, f, err);
	if (r == 0)
		r = tolerate(f, blobs(f, &why), &why, err);
	cf_progress_at(f->db, "what the views say");
	if (r == 0)
		r = tolerate(f, cf_found_check(f->db, count, f, &why), &why, err);
	if (r == 0) {
		r = cf_store_event_check(f->db, count, f, &why);
		r = tolerate(f, r < 0 ? r : 0, &why, err);
	}
	return r;
}

int cf_store_check_in(struct cf_db *db, void (*report)(void *arg, const char *sentence), void *arg,
		      struct cf_err *err)
{
	struct findings f = { .db = db, .report = report, .arg = arg };
	int r;

	if (!db->store->have_keys)
		return cf_fail(err, EIO, "the store is not unlocked");
	r = check(&f, err);
	return r < 0 ? r : f.n;
}

int cf_store_check(struct cf_store *store, void (*report)(void *arg, const char *sentence),
		   void *arg, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(store, &db, err);

	return r < 0 ? r : cf_store_check_in(db, report, arg, err);
}

/* -- the audit log --------------------------------------------------------------------------- */

/* One event against what stands before it. */
static int follow(struct findings *f, const struct cf_event *event, const struct cf_event *before,
		  struct cf_err *err)
{
	uint8_t mac[CF_SUM_SIZE];
	int r = cf_event_mac(f->db, event, before->mac, mac, err);

	if (r < 0)
		return r;
	if (event->seq != before->seq + 1)
		found(f, "the audit log: lines %" PRId64 " to %" PRId64 " are missing",
		      before->seq + 1, event->seq - 1);
	else if (event->start != before->start + (int64_t)before->line.len)
		found(f, "the audit log: line %" PRId64 " isn't where it was", event->seq);
	else if (memcmp(mac, event->mac, sizeof(mac)) != 0)
		found(f, "the audit log: line %" PRId64 " isn't what certfs wrote", event->seq);
	return 0;
}

int cf_store_event_check(struct cf_db *db, void (*report)(void *arg, const char *sentence),
			 void *arg, struct cf_err *err)
{
	struct findings f = { .db = db, .report = report, .arg = arg };
	cf_auto(cf_buf_done) struct cf_buf line = { 0 };
	struct cf_event event, before = { 0 };
	struct cf_progress progress;
	struct cf_err why = { 0 };
	int r = cf_progress_events(db, &progress, err);

	if (r < 0)
		return r;
	while ((r = cf_event_next(db, before.seq, &line, &event, err)) > 0) {
		r = follow(&f, &event, &before, err);
		if (r < 0)
			return r;
		before = event;
		cf_progress_one_more(db, &progress);
	}
	if (r == 0)
		r = cf_root_record(db, &why);
	if (r == -EIO && !db->broken)
		found(&f, "the audit log: its end isn't known, since %s", why.text);
	else if (r < 0)
		return cf_fail(err, -r, "%s", why.text);
	else if (before.seq != db->root.event_seq ||
		 memcmp(before.mac, db->root.event_mac, CF_SUM_SIZE) != 0)
		found(&f, "the audit log ends at line %" PRId64 ", not as certfs left it",
		      before.seq);
	return f.n;
}
