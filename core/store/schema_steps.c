/* What the database looks like, as the steps that make it. */
#include "core/store/store_private.h"

/*
 * Step n takes a database from user_version n to n + 1. Steps that have been released are
 * history: never edit one, add another. Names are unique without regard to ASCII case, so the
 * tree can be shared with Windows. id: never reused, it is in st_ino. uuid: salt of the row's
 * own key. version: raised by every change. mac: over all other columns.
 */
const char *const cf_schema_steps[] = {
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

	/* Key slots: the master key, wrapped once each. Read before there is a key to check MACs with. */
	"CREATE TABLE slot ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,"
	"  type INTEGER NOT NULL," /* 1 key file, 2 passphrase, 3 recovery key */
	"  params BLOB NOT NULL,"  /* when it was made, and of the key derivation */
	"  wrapped BLOB NOT NULL"  /* the master key, sealed */
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
	"  t_access INTEGER NOT NULL,"            /* when owner, group or mode last changed */
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
	"  kind INTEGER NOT NULL," /* 1 private key, 2 export password, 3 import password; 4 to 6
				    * key of no certificate yet: RSA 2048, 3072, 4096 */
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
	"  kind INTEGER PRIMARY KEY," /* as above, 3 expiring, 4 notices, 5 overview */
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

const size_t cf_schema_n_steps = CF_COUNT(cf_schema_steps);
