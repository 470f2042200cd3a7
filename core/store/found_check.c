/* Whether the tables of found.h say what the certificates say. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/text.h"
#include "core/store/found_private.h"

enum {
	NEXT,
	HAS,
	EMPTY,
	COUNT_
};

static const char *const text[] = {
	[NEXT] = "SELECT i.id, i.server, i.self_signed, i.not_before, f.kind, f.name"
		 " FROM found_in i JOIN found f ON f.id = i.found"
		 " WHERE i.certificate = :certificate AND i.id > :after ORDER BY i.id LIMIT 1",
	[HAS] = "SELECT 1 FROM found_in i JOIN found f ON f.id = i.found"
		" WHERE f.kind = :kind AND f.name = :name AND i.certificate = :certificate",
	[EMPTY] = "SELECT count(*) FROM found f"
		  " WHERE NOT EXISTS (SELECT 1 FROM found_in WHERE found = f.id)",
};

static const struct cf_sql sql = { CF_MODULE_FOUND_CHECK, COUNT_, text };

struct check {
	struct cf_db *db;
	const struct cf_certificate *row;
	void (*report)(void *arg, const char *sentence);
	void *arg;
};

static void found(const struct check *c, const char *name, const char *what)
{
	char sentence[2048];

	snprintf(sentence, sizeof(sentence), "certificate %" PRId64 " (%s) is %s under '%s'",
		 c->row->id, c->row->name, what, name);
	c->report(c->arg, sentence);
}

/* What should be there is. */
static int has(const struct check *c, enum cf_view_kind kind, const char *name, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(c->db, &sql, HAS, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":kind", kind);
	cf_bind_text(stmt, ":name", name);
	cf_bind_int(stmt, ":certificate", c->row->id);
	r = cf_step(c->db, stmt, err);
	if (r == 0)
		found(c, name, "not found");
	return r < 0 ? r : 0;
}

static int all_there(const struct check *c, struct cf_err *err)
{
	const char *line = c->row->domains;
	char name[256];
	int r;

	if (c->row->deleted || c->row->state != CF_STATE_COMPLETE)
		return 0;
	r = has(c, CF_VIEW_THUMBPRINT, cf_text_hex(c->row->sha1, 20, name), err);
	while (r == 0 && c->row->status == CF_FOUND_VALID && cf_found_next_domain(&line, name))
		r = has(c, CF_VIEW_DOMAIN, name, err);
	return r;
}

/* What is there should be. 1, or 0 at the end. */
static int next_right(const struct check *c, int64_t *after, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	struct cf_found_in in = { 0 };
	const char *name;
	int r = cf_stmt(c->db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":certificate", c->row->id);
	cf_bind_int(stmt, ":after", *after);
	r = cf_step(c->db, stmt, err);
	if (r <= 0)
		return r;
	*after = sqlite3_column_int64(stmt, 0);
	in.server = sqlite3_column_int64(stmt, 1);
	in.self_signed = sqlite3_column_int64(stmt, 2);
	in.not_before = sqlite3_column_int64(stmt, 3);
	name = (const char *)sqlite3_column_text(stmt, 5);
	if (!name)
		return cf_fail_memory(err);
	if (!cf_found_is_right(&in, (enum cf_view_kind)sqlite3_column_int64(stmt, 4), name, c->row))
		found(c, name, "wrongly found");
	return 1;
}

static int check_empty(struct check *c, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(c->db, &sql, EMPTY, &stmt, err);

	if (r == 0)
		r = cf_step(c->db, stmt, err);
	if (r < 0)
		return r;
	if (sqlite3_column_int64(stmt, 0))
		c->report(c->arg, "there are names under which no certificate is found");
	return 0;
}

int cf_found_check(struct cf_db *db, void (*report)(void *arg, const char *sentence), void *arg,
		   struct cf_err *err)
{
	struct check c = { .db = db, .report = report, .arg = arg };
	int64_t id = 0;
	int r;

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		int64_t after = 0;

		r = cf_certificate_next_row(db, id, &row, err);
		if (r <= 0)
			break;
		id = row.id;
		c.row = &row;
		if (row.damaged) /* reported as what it is */
			continue;
		r = all_there(&c, err);
		while (r == 0 && (r = next_right(&c, &after, err)) > 0)
			r = 0;
		if (r < 0)
			return r;
	}
	return r < 0 ? r : check_empty(&c, err);
}
