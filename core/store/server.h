/* Servers. Names are unique without regard to ASCII case. */
#pragma once

#include "core/store/store.h"

/* The services of Exchange, in the order of `Get-ExchangeCertificate`. The numbers are stored. */
enum cf_service {
	CF_SERVICE_IMAP = 0,
	CF_SERVICE_POP = 1,
	CF_SERVICE_UM = 2,
	CF_SERVICE_IIS = 3,
	CF_SERVICE_SMTP = 4,
	CF_SERVICE_UM_CALL_ROUTER = 5,
	CF_SERVICE_SMTP_DEFAULT = 6, /* the default for SMTP between servers */
	CF_SERVICE_COUNT_ = 7,
};

struct cf_server {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	bool damaged; /* the row isn't what certfs wrote */
	char name[256];
	int64_t uid, gid, mode;         /* -1: the mount's */
	cf_time created, mtime, ctime;  /* mtime: the listing */
	int64_t use[CF_SERVICE_COUNT_]; /* certificate that each service now uses; 0 none */
	cf_time t_access;               /* when owner, group or mode last changed */
	cf_time t_name;                 /* when it was last renamed */
	cf_time t_use;                  /* when that last changed: mtime of _services */
	bool has_export_password, has_import_password;
	cf_time t_export_password, t_import_password; /* when last set or cleared; 0 never */
	cf_time deleted;                              /* 0: it is there */
	char deleted_name[256]; /* in _deleted; "": neither it nor any of its certificates is */
	cf_time t_deleted;      /* mtime of its directory there */
};

/*
 * 0 or -ENOENT ("no server 'X'"). find is exact, find_folded ignores ASCII case. Only what
 * isn't deleted.
 */
int cf_store_server_get(struct cf_db *db, int64_t id, struct cf_server *ret, struct cf_err *err);
int cf_store_server_find(struct cf_db *db, const char *name, struct cf_server *ret,
			 struct cf_err *err);
int cf_store_server_find_folded(struct cf_db *db, const char *name, struct cf_server *ret,
				struct cf_err *err);

/* The server with the next id after `after`: 1, or 0 at the end. */
int cf_store_server_next(struct cf_db *db, int64_t after, struct cf_server *ret,
			 struct cf_err *err);
/* Also what is deleted; only what is deleted, next by id. */
int cf_store_server_get_any(struct cf_db *db, int64_t id, struct cf_server *ret,
			    struct cf_err *err);
int cf_store_server_next_deleted(struct cf_db *db, int64_t after, struct cf_server *ret,
				 struct cf_err *err);
int cf_store_server_count(struct cf_db *db, int64_t *ret, struct cf_err *err);

/*
 * Fills id, uuid, version, mac. -EEXIST when the folded name is taken. Records
 * CF_OBJECT_SERVER, and LISTING of the root.
 */
int cf_store_server_insert(struct cf_db *db, struct cf_server *row, struct cf_err *err);

/* Write all columns. -EAGAIN when row->version isn't the stored one; -EEXIST as above. */
int cf_store_server_update(struct cf_db *db, struct cf_server *row, unsigned what,
			   struct cf_err *err);

/*
 * Remove a server for good, with its issuers, secrets and settings. -EAGAIN as above; -ENOTEMPTY while it
 * has certificates (deleted ones count). Records LISTING of the root.
 */
int cf_store_server_purge(struct cf_db *db, const struct cf_server *row, struct cf_err *err);
