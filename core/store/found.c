/* What certificates are found by: reading; see found.h. */
#include "core/store/found.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/name.h"
#include "core/base/text.h"
#include "core/store/found_private.h"

#define FOUND "SELECT id, kind, name, time FROM found "
#define FOUND_IN                                                                                   \
	"SELECT id, found, server, certificate, self_signed, not_before, time FROM found_in "

enum {
	GET,
	FIND,
	NEXT,
	NEXT_BELOW,
	IN_GET,
	IN_NEXT,
	PICK,
	NEXT_SERVER,
	IN_NEXT_ON,
	COUNT_
};

static const char *const text[] = {
	[GET] = FOUND "WHERE id = :id",
	[FIND] = FOUND "WHERE kind = :kind AND name = :name",
	[NEXT] = FOUND "INDEXED BY found_kind WHERE kind = :kind AND id > :after"
		       " ORDER BY id LIMIT 1",
	[NEXT_BELOW] = FOUND "INDEXED BY found_parent"
			     " WHERE kind = 2 AND parent = :parent AND id > :after"
			     " ORDER BY id LIMIT 1",
	[IN_GET] = FOUND_IN "WHERE id = :id",
	[IN_NEXT] = FOUND_IN "INDEXED BY found_in_id WHERE found = :found AND id > :after"
			     " ORDER BY id LIMIT 1",
	[PICK] = FOUND_IN "INDEXED BY found_in_order WHERE found = :found AND server = :server"
			  " ORDER BY self_signed, not_before DESC, certificate DESC LIMIT 1",
	[NEXT_SERVER] = "SELECT server FROM found_in INDEXED BY found_in_order"
			" WHERE found = :found AND server > :after ORDER BY server LIMIT 1",
	[IN_NEXT_ON] = FOUND_IN "INDEXED BY found_in_order"
				" WHERE found = :found AND server = :server AND id > :after"
				" ORDER BY id LIMIT 1",
};

static const struct cf_sql sql = { CF_MODULE_FOUND, COUNT_, text };

static int step_found(struct cf_db *db, sqlite3_stmt *stmt, struct cf_found *ret,
		      struct cf_err *err)
{
	int r = cf_step(db, stmt, err);
	const char *name;

	if (r <= 0)
		return r;
	name = (const char *)sqlite3_column_text(stmt, 2);
	ret->id = sqlite3_column_int64(stmt, 0);
	ret->kind = sqlite3_column_int64(stmt, 1);
	snprintf(ret->name, sizeof(ret->name), "%s", name ? name : "");
	ret->time = sqlite3_column_int64(stmt, 3);
	return 1;
}

static int step_in(struct cf_db *db, sqlite3_stmt *stmt, struct cf_found_in *ret,
		   struct cf_err *err)
{
	int r = cf_step(db, stmt, err);

	if (r <= 0)
		return r;
	ret->id = sqlite3_column_int64(stmt, 0);
	ret->found = sqlite3_column_int64(stmt, 1);
	ret->server = sqlite3_column_int64(stmt, 2);
	ret->certificate = sqlite3_column_int64(stmt, 3);
	ret->self_signed = sqlite3_column_int64(stmt, 4);
	ret->not_before = sqlite3_column_int64(stmt, 5);
	ret->time = sqlite3_column_int64(stmt, 6);
	return 1;
}

int cf_store_found_get(struct cf_db *db, int64_t id, struct cf_found *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	return step_found(db, stmt, ret, err);
}

int cf_store_found_find(struct cf_db *db, enum cf_view_kind kind, const char *name,
			struct cf_found *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, FIND, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":kind", kind);
	cf_bind_text(stmt, ":name", name);
	return step_found(db, stmt, ret, err);
}

int cf_store_found_next(struct cf_db *db, enum cf_view_kind kind, int64_t after,
			struct cf_found *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":kind", kind);
	cf_bind_int(stmt, ":after", after);
	return step_found(db, stmt, ret, err);
}

int cf_store_found_next_below(struct cf_db *db, const char *domain, int64_t after,
			      struct cf_found *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT_BELOW, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_text(stmt, ":parent", domain);
	cf_bind_int(stmt, ":after", after);
	return step_found(db, stmt, ret, err);
}

int cf_store_found_in_get(struct cf_db *db, int64_t id, struct cf_found_in *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, IN_GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	return step_in(db, stmt, ret, err);
}

int cf_store_found_in_next(struct cf_db *db, int64_t found, int64_t after, struct cf_found_in *ret,
			   struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, IN_NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":found", found);
	cf_bind_int(stmt, ":after", after);
	return step_in(db, stmt, ret, err);
}

int cf_store_found_pick(struct cf_db *db, int64_t found, int64_t server, struct cf_found_in *ret,
			struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, PICK, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":found", found);
	cf_bind_int(stmt, ":server", server);
	return step_in(db, stmt, ret, err);
}

int cf_store_found_next_server(struct cf_db *db, int64_t found, int64_t after, int64_t *ret,
			       struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT_SERVER, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":found", found);
	cf_bind_int(stmt, ":after", after);
	r = cf_step(db, stmt, err);
	if (r > 0)
		*ret = sqlite3_column_int64(stmt, 0);
	return r;
}

int cf_store_found_in_next_on(struct cf_db *db, int64_t found, int64_t server, int64_t after,
			      struct cf_found_in *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, IN_NEXT_ON, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":found", found);
	cf_bind_int(stmt, ":server", server);
	cf_bind_int(stmt, ":after", after);
	return step_in(db, stmt, ret, err);
}

bool cf_found_wildcard(const char *name, char ret[256])
{
	const char *dot = strchr(name, '.');
	unsigned char ip[16];
	size_t n;

	if (!dot || dot == name || !strncmp(name, "*.", 2) || !dot[1] || cf_name_ip(name, ip, &n) ||
	    strlen(dot) + 2 > 256)
		return false;
	ret[0] = '*';
	strcpy(ret + 1, dot);
	return true;
}

bool cf_found_has_domain(const struct cf_certificate *cert, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = cert->domains; *line;) {
		size_t n = strcspn(line, "\n");

		if (n == length && !strncasecmp(line, name, n))
			return true;
		line += n + (line[n] == '\n');
	}
	return false;
}

bool cf_found_is_right(const struct cf_found_in *in, enum cf_view_kind kind, const char *name,
		       const struct cf_certificate *cert)
{
	char hex[41];

	if (cert->damaged || cert->deleted || cert->state != CF_STATE_COMPLETE ||
	    cert->server != in->server || cert->self_signed != in->self_signed ||
	    cert->not_before != in->not_before)
		return false;
	if (kind == CF_VIEW_THUMBPRINT)
		return !strcmp(cf_text_hex(cert->sha1, 20, hex), name);
	return cert->status == CF_FOUND_VALID && cf_found_has_domain(cert, name);
}

bool cf_found_next_domain(const char **line, char ret[256])
{
	while (**line) {
		size_t n = strcspn(*line, "\n");
		const char *start = *line;

		*line += n + (start[n] == '\n');
		if (!n || n > 255 || *start == '.' || memchr(start, '/', n))
			continue;
		memcpy(ret, start, n);
		ret[n] = '\0';
		cf_text_fold(ret);
		return true;
	}
	return false;
}
