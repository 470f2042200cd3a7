/* What the database looks like, how an older one is brought up to date, and what is refused. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/store/store_private.h"

#define APPLICATION_ID 0x63667331 /* "cfs1": the mark of a store */
#define FORMAT 1                  /* of sealed values and MACs */
#define KNOWN_FLAGS 0             /* features a store can't be used without knowing */

/*
 * Step n takes a database from user_version n to n + 1. Steps that have been released are
 * history: never edit one, add another. Names are unique without regard to ASCII case, so the
 * tree can be shared with Windows. id: never reused, it is in st_ino. uuid: salt of the row's
 * own key. version: raised by every change. mac: over all other columns.
 */
static const char *const steps[] = {
	/* 0 -> 1 */
	"PRAGMA application_id = 0x63667331;"
	"PRAGMA user_version = 1;"

	"CREATE TABLE header ("
	"  id INTEGER PRIMARY KEY CHECK (id = 1),"
	"  uuid BLOB NOT NULL,"           /* of the store; in everything that is sealed */
	"  format INTEGER NOT NULL,"      /* of sealed values and MACs */
	"  flags INTEGER NOT NULL,"       /* bits; one that isn't known is refused */
	"  created INTEGER NOT NULL,"     /* all times: nanoseconds since 1970 */
	"  last_commit INTEGER NOT NULL," /* for looking; the root's tally counts */
	"  wrapped BLOB NOT NULL"         /* the store's own keys; empty: never finished */
	") STRICT;"

	/* Key slots: the master key, wrapped once each. The wrapping authenticates them. */
	"CREATE TABLE slot ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  type INTEGER NOT NULL,"
	"  params BLOB NOT NULL," /* of the key derivation */
	"  wrapped BLOB NOT NULL"
	") STRICT;"

	/* What shows rows that came, went or came back from outside. */
	"CREATE TABLE tally ("
	"  server INTEGER PRIMARY KEY," /* 0: the root's */
	"  version INTEGER NOT NULL,"
	"  sealed BLOB NOT NULL"
	") STRICT;"

	"CREATE TABLE root ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id = 1),"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  mtime INTEGER NOT NULL, ctime INTEGER NOT NULL," /* of / */
	"  t_export_password INTEGER NOT NULL,"             /* last set or cleared; 0: never */
	"  t_import_password INTEGER NOT NULL,"
	"  has_export_password INTEGER NOT NULL,"
	"  has_import_password INTEGER NOT NULL,"
	"  trust_epoch INTEGER NOT NULL," /* grows whenever what is trusted changes */
	"  t_trust INTEGER NOT NULL,"     /* mtime of _trust */
	"  t_deleted INTEGER NOT NULL,"   /* mtime of _deleted */
	"  system_sum BLOB NOT NULL"      /* SHA-256 of the system store at the last verdicts */
	") STRICT;"

	"CREATE TABLE server ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  name TEXT NOT NULL,"
	"  uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL," /* -1: the mount's */
	"  created INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,"
	"  use_imap INTEGER NOT NULL," /* use_: certificate that the service now uses; 0: none */
	"  use_pop INTEGER NOT NULL, use_um INTEGER NOT NULL, use_iis INTEGER NOT NULL,"
	"  use_smtp INTEGER NOT NULL, use_um_call_router INTEGER NOT NULL,"
	"  use_smtp_default INTEGER NOT NULL,"
	"  t_name INTEGER NOT NULL,"              /* when it was last renamed */
	"  t_use INTEGER NOT NULL,"               /* when one of them last changed */
	"  has_export_password INTEGER NOT NULL," /* the passwords are in secret */
	"  has_import_password INTEGER NOT NULL,"
	"  t_export_password INTEGER NOT NULL, t_import_password INTEGER NOT NULL,"
	"  deleted INTEGER NOT NULL,"   /* when; 0: it is there */
	"  deleted_name TEXT NOT NULL," /* in _deleted; empty: it has nothing there */
	"  t_deleted INTEGER NOT NULL"  /* mtime of its directory there */
	") STRICT;"
	"CREATE UNIQUE INDEX server_name ON server (name COLLATE NOCASE) WHERE deleted = 0;"
	"CREATE UNIQUE INDEX server_deleted ON server (deleted_name COLLATE NOCASE)"
	"  WHERE deleted_name <> '';"

	"CREATE TABLE certificate ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  server INTEGER NOT NULL REFERENCES server (id),"
	"  name TEXT NOT NULL,"
	"  deleted INTEGER NOT NULL,"     /* when; 0: it is there */
	"  deleted_name TEXT NOT NULL,"   /* in _deleted; empty: it is there */
	"  with_server INTEGER NOT NULL," /* it was deleted together with its server */
	"  uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL,"
	"  created INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,"
	"  t_name INTEGER NOT NULL," /* when it last got its name or place */
	"  state INTEGER NOT NULL,"  /* 1 draft, 2 pending request, 3 certificate */
	/* what was asked for; of a certificate: what it says. t_: last change of that part */
	"  subject TEXT NOT NULL, domains TEXT NOT NULL, key_type INTEGER NOT NULL,"
	"  exportable INTEGER NOT NULL, exportable_given INTEGER NOT NULL,"
	"  friendly_name TEXT NOT NULL,"
	"  t_subject INTEGER NOT NULL, t_domains INTEGER NOT NULL,"
	"  t_key_type INTEGER NOT NULL, t_exportable INTEGER NOT NULL,"
	"  t_friendly INTEGER NOT NULL, t_access INTEGER NOT NULL,"
	/* key and request. _len: bytes of DER; _sum: SHA-256 */
	"  spki_sum BLOB NOT NULL, key_len INTEGER NOT NULL,"
	"  request_sha1 BLOB NOT NULL, request_len INTEGER NOT NULL, t_request INTEGER NOT NULL,"
	/* the certificate, as certfs shows it */
	"  issuer TEXT NOT NULL, serial TEXT NOT NULL, key_algorithm TEXT NOT NULL,"
	"  signature_algorithm TEXT NOT NULL, enhanced_key_usage TEXT NOT NULL,"
	"  key_usage TEXT NOT NULL, subject_key_id TEXT NOT NULL,"
	"  sha1 BLOB NOT NULL," /* thumbprint */
	"  key_bits INTEGER NOT NULL, x509_version INTEGER NOT NULL,"
	"  self_signed INTEGER NOT NULL, not_before INTEGER NOT NULL,"
	"  not_after INTEGER NOT NULL, leaf_len INTEGER NOT NULL, t_complete INTEGER NOT NULL,"
	/* its issuers, and how long the files are that show them */
	"  n_issuers INTEGER NOT NULL, chain_pem_len INTEGER NOT NULL,"
	"  p7b_len INTEGER NOT NULL, t_chain INTEGER NOT NULL,"
	/* export.pfx */
	"  pfx_encryption INTEGER NOT NULL, pfx_iterations INTEGER NOT NULL,"
	"  pfx_len INTEGER NOT NULL, t_pfx INTEGER NOT NULL, t_password INTEGER NOT NULL,"
	"  has_password INTEGER NOT NULL,"
	"  services TEXT NOT NULL, t_services INTEGER NOT NULL," /* in the order assigned */
	/* the verdict, and when time alone changes it */
	"  status INTEGER NOT NULL, reason TEXT NOT NULL, root_ca INTEGER NOT NULL,"
	"  verdict_since INTEGER NOT NULL, next_change INTEGER NOT NULL,"
	/* digests of the blobs; zero: there is none */
	"  request_sum BLOB NOT NULL, leaf_sum BLOB NOT NULL, chain_sum BLOB NOT NULL"
	") STRICT;"
	"CREATE UNIQUE INDEX certificate_name ON certificate (server, name COLLATE NOCASE)"
	"  WHERE deleted = 0;"
	"CREATE INDEX certificate_server ON certificate (server, id) WHERE deleted = 0;"
	"CREATE INDEX certificate_key ON certificate (spki_sum, id) WHERE deleted = 0;"
	"CREATE INDEX certificate_thumbprint ON certificate (sha1, id) WHERE deleted = 0;"
	"CREATE INDEX certificate_due ON certificate (next_change, id) WHERE deleted = 0;"
	"CREATE UNIQUE INDEX certificate_deleted"
	"  ON certificate (server, deleted_name COLLATE NOCASE) WHERE deleted <> 0;"
	"CREATE INDEX certificate_deleted_server ON certificate (server, id) WHERE deleted <> 0;"
	"CREATE INDEX certificate_deleted_key ON certificate (spki_sum, id) WHERE deleted <> 0;"
	"CREATE INDEX certificate_deleted_time ON certificate (deleted, id) WHERE deleted <> 0;"
	"CREATE INDEX certificate_end ON certificate (not_after, id)"
	"  WHERE deleted = 0 AND state = 3;"
	"CREATE INDEX certificate_status ON certificate (status, not_after, id)"
	"  WHERE deleted = 0 AND state = 3;"
	"CREATE INDEX certificate_pending ON certificate (t_request, id)"
	"  WHERE deleted = 0 AND state = 2;"

	/* DER, under the certificate's digests. kind: 1 request, 2 leaf, 3 issuers */
	"CREATE TABLE blob ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  certificate INTEGER NOT NULL REFERENCES certificate (id) ON DELETE CASCADE,"
	"  kind INTEGER NOT NULL,"
	"  data BLOB NOT NULL,"
	"  UNIQUE (certificate, kind)"
	") STRICT;"

	/* Issuers that came along to a server. */
	"CREATE TABLE issuer ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  server INTEGER NOT NULL REFERENCES server (id),"
	"  sum BLOB NOT NULL," /* SHA-256 of der */
	"  der BLOB NOT NULL,"
	"  UNIQUE (server, sum)"
	") STRICT;"
	"CREATE INDEX issuer_server ON issuer (server, id);"

	/* Sealed values. */
	"CREATE TABLE secret ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  server INTEGER NOT NULL," /* whose tally counts it; 0: the root's */
	"  object INTEGER NOT NULL," /* enum cf_object of the owner, and its id */
	"  owner INTEGER NOT NULL,"
	"  kind INTEGER NOT NULL," /* 1 private key, 2 export password, 3 import password */
	"  sealed BLOB NOT NULL,"
	"  UNIQUE (object, owner, kind)"
	") STRICT;"

	/* The files of _trust. */
	"CREATE TABLE trust ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  name TEXT NOT NULL,"
	"  data BLOB NOT NULL,"  /* as dropped */
	"  items BLOB NOT NULL," /* as decoded */
	"  mode INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL"
	") STRICT;"
	"CREATE UNIQUE INDEX trust_name ON trust (name COLLATE NOCASE);"

	/* What was set in _settings. */
	"CREATE TABLE setting ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  server INTEGER NOT NULL," /* 0: the root's */
	"  name TEXT NOT NULL,"
	"  value TEXT NOT NULL," /* empty: the default */
	"  time INTEGER NOT NULL,"
	"  UNIQUE (server, name)"
	") STRICT;"
	"CREATE INDEX setting_server ON setting (server, id);"

	/*
	 * Derived from the certificates, without MACs: by what they are found. What is read here
	 * is compared with the certificate it leads to.
	 */
	"CREATE TABLE found ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  kind INTEGER NOT NULL," /* 1 thumbprint, 2 domain */
	"  name TEXT NOT NULL,"    /* as listed: hex in upper case, domain in lower case */
	"  parent TEXT NOT NULL,"  /* of a domain: what follows its first label */
	"  time INTEGER NOT NULL," /* when something under it last changed */
	"  UNIQUE (kind, name)"
	") STRICT;"
	"CREATE INDEX found_kind ON found (kind, id);"
	"CREATE INDEX found_parent ON found (parent, id) WHERE kind = 2;"
	"CREATE TABLE found_in ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  found INTEGER NOT NULL REFERENCES found (id) ON DELETE CASCADE,"
	"  server INTEGER NOT NULL,"
	"  certificate INTEGER NOT NULL REFERENCES certificate (id),"
	"  self_signed INTEGER NOT NULL, not_before INTEGER NOT NULL," /* the order of selection */
	"  time INTEGER NOT NULL," /* since when it is there, or is the one selected */
	"  UNIQUE (found, certificate)"
	") STRICT;"
	"CREATE INDEX found_in_order ON found_in"
	"  (found, server, self_signed, not_before DESC, certificate DESC);"
	"CREATE INDEX found_in_id ON found_in (found, id);"
	"CREATE INDEX found_in_certificate ON found_in (certificate);"
	"CREATE INDEX found_in_server ON found_in (server, id);"
	"CREATE TABLE view_time ("
	"  kind INTEGER PRIMARY KEY," /* as above, 3 expiring, 4 notices */
	"  time INTEGER NOT NULL,"    /* when the view last changed */
	"  horizon INTEGER NOT NULL"  /* how far NotAfter may lie ahead to be of concern to it */
	") STRICT;"

	/* The audit log. */
	"CREATE TABLE event ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  time INTEGER NOT NULL,"
	"  start INTEGER NOT NULL," /* offset of the line in _audit.log */
	"  line TEXT NOT NULL,"     /* ends in LF */
	"  mac BLOB NOT NULL"       /* covers the MAC before it */
	") STRICT;"
	"CREATE INDEX event_start ON event (start);",
};

#define VERSION ((int64_t)CF_COUNT(steps))

enum {
	HEADER_ADD,
	HEADER_READ,
	IS_EMPTY,
	COUNT_
};

static const char *const text[] = {
	[HEADER_ADD] = "INSERT INTO header (id, uuid, format, flags, created, last_commit, wrapped)"
		       " VALUES (1, :uuid, :format, :flags, :created, 0, :wrapped)",
	[HEADER_READ] = "SELECT uuid, format, flags, length(wrapped) FROM header",
	[IS_EMPTY] = "SELECT NOT EXISTS (SELECT 1 FROM slot) AND NOT EXISTS (SELECT 1 FROM server)"
		     " AND NOT EXISTS (SELECT 1 FROM secret)"
		     " AND NOT EXISTS (SELECT 1 FROM trust) AND NOT EXISTS (SELECT 1 FROM event)",
};

static const struct cf_sql sql = { CF_MODULE_SCHEMA, COUNT_, text };

/* Run text of ours outside the prepared statements. */
static int run(sqlite3 *sq, const char *statements, struct cf_err *err)
{
	int rc = sqlite3_exec(sq, statements, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : cf_conn_fail(sq, sqlite3_extended_errcode(sq), err);
}

/* A pragma's number. */
static int number(sqlite3 *sq, const char *pragma, int64_t *ret, struct cf_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(sq, pragma, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : cf_conn_fail(sq, rc, err);
}

static int header_add(struct cf_store *store, struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	uint8_t uuid[CF_UUID_SIZE];
	int r = cf_stmt(db, &sql, HEADER_ADD, &stmt, err);

	if (r < 0)
		return r;
	if (getrandom(uuid, sizeof(uuid), 0) != sizeof(uuid))
		return cf_fail(err, EIO, "no random bytes: %s", strerror(errno));
	cf_bind_bytes(stmt, ":uuid", cf_span(uuid, sizeof(uuid)));
	cf_bind_int(stmt, ":format", FORMAT);
	cf_bind_int(stmt, ":flags", KNOWN_FLAGS);
	cf_bind_int(stmt, ":created", cf_clock_now(store->clock));
	cf_bind_bytes(stmt, ":wrapped", cf_span(NULL, 0));
	return cf_step(db, stmt, err);
}

/* One step, one transaction. */
static int migrate(struct cf_store *store, struct cf_conn *conn, int64_t from, struct cf_err *err)
{
	int r = run(conn->sq, "BEGIN IMMEDIATE", err);

	if (r == 0)
		r = run(conn->sq, steps[from], err);
	if (r == 0 && from == 0)
		r = header_add(store, &conn->db, err);
	if (r == 0)
		r = run(conn->sq, "COMMIT", err);
	if (r < 0)
		run(conn->sq, "ROLLBACK", NULL);
	return r;
}

/* All of a schema as one text. */
static int describe(sqlite3 *sq, struct cf_buf *out, struct cf_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r = 0, rc = sqlite3_prepare_v2(sq,
					   "SELECT type || ' ' || name || ' ' || tbl_name || ' ' ||"
					   "  coalesce(sql, '') FROM sqlite_schema"
					   " WHERE name NOT IN ('sqlite_stat1', 'sqlite_stat4')"
					   " ORDER BY type, name",
					   -1, &stmt, NULL);

	while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		r = cf_buf_append(out, sqlite3_column_text(stmt, 0),
				  (size_t)sqlite3_column_bytes(stmt, 0), err);
		if (r == 0)
			r = cf_buf_append(out, "\n", 1, err);
	}
	sqlite3_finalize(stmt);
	if (r == 0 && rc != SQLITE_DONE)
		r = cf_conn_fail(sq, rc, err);
	return r;
}

/* Tables that aren't the steps' own could make a statement of ours mean something else. */
static int compare(struct cf_store *store, sqlite3 *sq, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf here = { 0 }, ours = { 0 };
	sqlite3 *memory = NULL;
	int rc = sqlite3_open(":memory:", &memory);
	int r = rc == SQLITE_OK ? 0 : cf_conn_fail(memory, rc, err);

	for (size_t i = 0; i < CF_COUNT(steps) && r == 0; i++)
		r = run(memory, steps[i], err);
	if (r == 0)
		r = describe(memory, &ours, err);
	if (r == 0)
		r = describe(sq, &here, err);
	sqlite3_close(memory);
	if (r == 0 && (here.len != ours.len || memcmp(here.data, ours.data, here.len) != 0))
		r = cf_fail(err, EINVAL, "the tables of %s are not those certfs makes",
			    store->path);
	return r;
}

int cf_header_read(struct cf_store *store, struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *header = NULL, *empty = NULL;
	int64_t format, flags;
	int r = cf_stmt(db, &sql, HEADER_READ, &header, err);

	if (r == 0)
		r = cf_stmt(db, &sql, IS_EMPTY, &empty, err);
	if (r == 0)
		r = cf_step(db, header, err);
	if (r < 0)
		return r;
	if (r == 0 || !cf_column_bytes(header, 0, store->uuid, sizeof(store->uuid)))
		return cf_fail(err, EINVAL, "%s has no header", store->path);
	format = sqlite3_column_int64(header, 1);
	flags = sqlite3_column_int64(header, 2);
	if (format != FORMAT)
		return cf_fail(err, EINVAL, "%s is of format %lld; this certfs knows %d",
			       store->path, (long long)format, FORMAT);
	if (flags & ~(int64_t)KNOWN_FLAGS)
		return cf_fail(err, EINVAL,
			       "%s uses a feature that this certfs doesn't know (flags %#llx)",
			       store->path, (unsigned long long)flags);
	store->fresh = false;
	if (sqlite3_column_int64(header, 3) != 0)
		return 0;
	r = cf_step(db, empty, err);
	store->fresh = r > 0 && sqlite3_column_int64(empty, 0);
	return r < 0 ? r : 0;
}

int cf_schema_bring(struct cf_store *store, struct cf_conn *conn, bool create, struct cf_err *err)
{
	int64_t id = 0, version = 0, n_tables = -1;
	int r = number(conn->sq, "PRAGMA application_id", &id, err);

	if (r == 0)
		r = number(conn->sq, "PRAGMA user_version", &version, err);
	if (r < 0)
		return r;
	if (id == 0 && version == 0 && create)
		r = number(conn->sq, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
	if (r < 0)
		return r;
	if (n_tables != 0 && (id != APPLICATION_ID || version < 1))
		return cf_fail(err, EINVAL, "%s is not a certfs store", store->path);
	if (version > VERSION)
		return cf_fail(
			err, EINVAL,
			"%s was written by a newer certfs (version %lld; this one knows %lld)",
			store->path, (long long)version, (long long)VERSION);
	if (store->read_only && version < VERSION)
		return cf_fail(err, EINVAL, "%s is of an older version; mount it for writing once",
			       store->path);
	if (!store->read_only)
		r = run(conn->sq, "PRAGMA journal_mode = WAL", err);
	while (r == 0 && version < VERSION)
		r = migrate(store, conn, version++, err);
	if (r == 0)
		r = compare(store, conn->sq, err);
	return r;
}
