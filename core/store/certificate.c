/* Certificates, requests and drafts; see certificate.h. */
#include "core/store/certificate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/store/row_private.h"

#define ROW struct cf_certificate
/* What indexes are made of; and the rest. */
#define KEYS(X)                                                                                    \
	X(server, INT, server)                                                                     \
	X(name, FIXED, name)                                                                       \
	X(deleted, INT, deleted)                                                                   \
	X(deleted_name, FIXED, deleted_name)                                                       \
	X(spki_sum, BYTES, spki_sum)                                                               \
	X(sha1, BYTES, sha1)                                                                       \
	X(next_change, INT, next_change)                                                           \
	X(state, INT, state)                                                                       \
	X(status, INT, status)                                                                     \
	X(t_request, INT, t_request)                                                               \
	X(not_after, INT, not_after)
#define PLAIN(X)                                                                                   \
	X(with_server, INT, with_server)                                                           \
	X(uid, INT, uid)                                                                           \
	X(gid, INT, gid)                                                                           \
	X(mode, INT, mode)                                                                         \
	X(created, INT, created)                                                                   \
	X(mtime, INT, mtime)                                                                       \
	X(ctime, INT, ctime)                                                                       \
	X(t_name, INT, t_name)                                                                     \
	X(subject, TEXT, subject)                                                                  \
	X(domains, TEXT, domains)                                                                  \
	X(key_type, INT, key_type)                                                                 \
	X(exportable, INT, exportable)                                                             \
	X(exportable_given, INT, exportable_given)                                                 \
	X(friendly_name, TEXT, friendly_name)                                                      \
	X(t_subject, INT, t_subject)                                                               \
	X(t_domains, INT, t_domains)                                                               \
	X(t_key_type, INT, t_key_type)                                                             \
	X(t_exportable, INT, t_exportable)                                                         \
	X(t_access, INT, t_access)                                                                 \
	X(t_friendly, INT, t_friendly)                                                             \
	X(key_len, INT, key_len)                                                                   \
	X(request_sha1, BYTES, request_sha1)                                                       \
	X(request_len, INT, request_len)                                                           \
	X(issuer, TEXT, issuer)                                                                    \
	X(serial, TEXT, serial)                                                                    \
	X(key_algorithm, TEXT, key_algorithm)                                                      \
	X(signature_algorithm, TEXT, signature_algorithm)                                          \
	X(enhanced_key_usage, TEXT, enhanced_key_usage)                                            \
	X(key_usage, TEXT, key_usage)                                                              \
	X(subject_key_id, TEXT, subject_key_id)                                                    \
	X(key_bits, INT, key_bits)                                                                 \
	X(x509_version, INT, x509_version)                                                         \
	X(self_signed, INT, self_signed)                                                           \
	X(not_before, INT, not_before)                                                             \
	X(leaf_len, INT, leaf_len)                                                                 \
	X(t_complete, INT, t_complete)                                                             \
	X(n_issuers, INT, n_issuers)                                                               \
	X(chain_pem_len, INT, chain_pem_len)                                                       \
	X(p7b_len, INT, p7b_len)                                                                   \
	X(t_chain, INT, t_chain)                                                                   \
	X(pfx_encryption, INT, pfx_encryption)                                                     \
	X(pfx_iterations, INT, pfx_iterations)                                                     \
	X(pfx_len, INT, pfx_len)                                                                   \
	X(t_pfx, INT, t_pfx)                                                                       \
	X(t_password, INT, t_password)                                                             \
	X(has_password, INT, has_password)                                                         \
	X(services, TEXT, services)                                                                \
	X(t_services, INT, t_services)                                                             \
	X(reason, TEXT, reason)                                                                    \
	X(root_ca, INT, root_ca)                                                                   \
	X(verdict_since, INT, verdict_since)                                                       \
	X(request_sum, BYTES, request_sum)                                                         \
	X(leaf_sum, BYTES, leaf_sum)                                                               \
	X(chain_sum, BYTES, chain_sum)
#define COLUMNS(X) KEYS(X) PLAIN(X)

#define SELECT CF_SELECT("certificate", COLUMNS)

enum {
	GET,
	FIND,
	NEXT,
	NEXT_ANY,
	NEXT_ROW,
	NEXT_WITH_KEY,
	NEXT_WITH_THUMBPRINT,
	NEXT_DUE,
	EARLIEST,
	SIZE,
	INSERT,
	UPDATE,
	UPDATE_PLAIN,
	DELETE,
	COUNT_,
};

static const char *const text[] = {
	[GET] = SELECT "WHERE id = :id",
	[FIND] = SELECT "WHERE server = :server AND name = :name COLLATE NOCASE AND deleted = 0",
	[NEXT] = SELECT "INDEXED BY certificate_server"
			" WHERE server = :server AND id > :after AND deleted = 0"
			" ORDER BY id LIMIT 1",
	[NEXT_ANY] = SELECT "WHERE id > :after AND deleted = 0 ORDER BY id LIMIT 1",
	[NEXT_ROW] = SELECT "WHERE id > :after ORDER BY id LIMIT 1",
	[NEXT_WITH_KEY] = SELECT "INDEXED BY certificate_key"
				 " WHERE spki_sum = :sum AND id > :after AND deleted = 0"
				 " ORDER BY id LIMIT 1",
	[NEXT_WITH_THUMBPRINT] = SELECT "INDEXED BY certificate_thumbprint"
					" WHERE sha1 = :sum AND id > :after AND deleted = 0"
					" ORDER BY id LIMIT 1",
	[NEXT_DUE] = SELECT "WHERE id = (SELECT min(id) FROM certificate"
			    " INDEXED BY certificate_due"
			    " WHERE next_change <= :time AND id > :after AND deleted = 0)",
	[EARLIEST] = "SELECT next_change FROM certificate INDEXED BY certificate_due"
		     " WHERE deleted = 0 ORDER BY next_change LIMIT 1",
	[SIZE] = "SELECT count(*) FROM certificate INDEXED BY certificate_server"
		 " WHERE server = :server AND deleted = 0",
	[INSERT] = CF_INSERT("certificate", COLUMNS),
	[UPDATE] = CF_UPDATE("certificate", COLUMNS),
	[UPDATE_PLAIN] = CF_UPDATE("certificate", PLAIN),
	[DELETE] = "DELETE FROM certificate WHERE id = :id",
};

static const struct cf_sql sql = { CF_MODULE_CERTIFICATE, COUNT_, text };

static const struct cf_column columns[] = { COLUMNS(CF_COLUMN_ENTRY) };

#define ONE(column, kind, member) +1

static void done(void *row)
{
	cf_certificate_done(row);
}

const struct cf_table cf_table_certificate = {
	.name = "certificate",
	.format = 1,
	.columns = columns,
	.n_columns = CF_COUNT(columns),
	.n_keys = 0 KEYS(ONE),
	.size = sizeof(struct cf_certificate),
	.id = offsetof(struct cf_certificate, id),
	.uuid = offsetof(struct cf_certificate, uuid),
	.version = offsetof(struct cf_certificate, version),
	.mac = offsetof(struct cf_certificate, mac),
	.sql = &sql,
	.next = NEXT_ROW,
	.insert = INSERT,
	.update = UPDATE,
	.update_plain = UPDATE_PLAIN,
	.delete = DELETE,
	.done = done,
};

void cf_certificate_done(struct cf_certificate *row)
{
	for (size_t i = 0; i < CF_COUNT(columns); i++)
		if (columns[i].kind == CF_COLUMN_TEXT) {
			char **slot = (char **)((char *)row + columns[i].offset);

			free(*slot);
			*slot = NULL;
		}
}

int cf_set_text(char **slot, const char *words, struct cf_err *err)
{
	char *copy = strdup(words);

	if (!copy)
		return cf_fail_memory(err);
	free(*slot);
	*slot = copy;
	return 0;
}

/* -- reading --------------------------------------------------------------------------------- */

static int step(struct cf_db *db, sqlite3_stmt *stmt, struct cf_certificate *ret,
		struct cf_err *err)
{
	bool damaged;
	int r = cf_row_step(db, &cf_table_certificate, stmt, ret, &damaged, err);

	if (r > 0)
		ret->damaged = damaged;
	return r;
}

/* Nothing found is an error, with words. */
static int must(int r, const char *name, struct cf_err *err)
{
	if (r == 0 && name)
		return cf_fail(err, ENOENT, "no certificate '%s'", name);
	if (r == 0)
		return cf_fail(err, ENOENT, "the certificate is gone");
	return r < 0 ? r : 0;
}

int cf_store_certificate_get_any(struct cf_db *db, int64_t id, struct cf_certificate *ret,
				 struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, GET, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":id", id);
	return must(step(db, stmt, ret, err), NULL, err);
}

int cf_store_certificate_get(struct cf_db *db, int64_t id, struct cf_certificate *ret,
			     struct cf_err *err)
{
	struct cf_certificate row;
	int r = cf_store_certificate_get_any(db, id, &row, err);

	if (r < 0)
		return r;
	/* Of a damaged row nothing is believed, not even that it was deleted. */
	if (row.deleted && !row.damaged) {
		cf_certificate_done(&row);
		return must(0, NULL, err);
	}
	*ret = row;
	return 0;
}

/* 1 and *ret, or 0. A row the index led to, though it isn't the one asked for, is damage. */
static int by_name(struct cf_db *db, int64_t server, const char *name, struct cf_certificate *ret,
		   struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, FIND, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	cf_bind_text(stmt, ":name", name);
	r = step(db, stmt, ret, err);
	if (r > 0 && (ret->server != server || strcasecmp(ret->name, name) != 0 || ret->deleted))
		ret->damaged = true;
	return r;
}

int cf_store_certificate_find(struct cf_db *db, int64_t server, const char *name,
			      struct cf_certificate *ret, struct cf_err *err)
{
	struct cf_certificate row;
	int r = by_name(db, server, name, &row, err);

	if (r <= 0)
		return must(r, name, err);
	if (!row.damaged && strcmp(row.name, name) != 0) {
		cf_certificate_done(&row);
		return must(0, name, err);
	}
	*ret = row;
	return 0;
}

int cf_store_certificate_find_folded(struct cf_db *db, int64_t server, const char *name,
				     struct cf_certificate *ret, struct cf_err *err)
{
	return must(by_name(db, server, name, ret, err), name, err);
}

int cf_store_certificate_next(struct cf_db *db, int64_t server, int64_t after,
			      struct cf_certificate *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	cf_bind_int(stmt, ":after", after);
	r = step(db, stmt, ret, err);
	if (r > 0 && (ret->server != server || ret->deleted))
		ret->damaged = true;
	return r;
}

static int next(struct cf_db *db, int which, int64_t after, struct cf_certificate *ret,
		struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, which, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", after);
	return step(db, stmt, ret, err);
}

int cf_store_certificate_next_any(struct cf_db *db, int64_t after, struct cf_certificate *ret,
				  struct cf_err *err)
{
	return next(db, NEXT_ANY, after, ret, err);
}

int cf_certificate_next_row(struct cf_db *db, int64_t after, struct cf_certificate *ret,
			    struct cf_err *err)
{
	return next(db, NEXT_ROW, after, ret, err);
}

static int next_with(struct cf_db *db, int which, struct cf_span sum, int64_t after,
		     struct cf_certificate *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, which, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_bytes(stmt, ":sum", sum);
	cf_bind_int(stmt, ":after", after);
	return step(db, stmt, ret, err);
}

int cf_store_certificate_next_with_key(struct cf_db *db, const uint8_t spki_sum[CF_SUM_SIZE],
				       int64_t after, struct cf_certificate *ret,
				       struct cf_err *err)
{
	int r = next_with(db, NEXT_WITH_KEY, cf_span(spki_sum, CF_SUM_SIZE), after, ret, err);

	if (r > 0 && memcmp(ret->spki_sum, spki_sum, CF_SUM_SIZE) != 0)
		ret->damaged = true;
	return r;
}

int cf_store_certificate_next_with_thumbprint(struct cf_db *db, const uint8_t sha1[20],
					      int64_t after, struct cf_certificate *ret,
					      struct cf_err *err)
{
	int r = next_with(db, NEXT_WITH_THUMBPRINT, cf_span(sha1, 20), after, ret, err);

	if (r > 0 && memcmp(ret->sha1, sha1, 20) != 0)
		ret->damaged = true;
	return r;
}

int cf_store_certificate_next_due(struct cf_db *db, cf_time t, int64_t after,
				  struct cf_certificate *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT_DUE, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":time", t);
	cf_bind_int(stmt, ":after", after);
	return step(db, stmt, ret, err);
}

int cf_store_certificate_earliest(struct cf_db *db, cf_time *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, EARLIEST, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = r ? sqlite3_column_int64(stmt, 0) : CF_NEVER;
	return 0;
}

int cf_store_certificate_count(struct cf_db *db, int64_t server, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, SIZE, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":server", server);
	r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}
