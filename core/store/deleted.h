/*
 * What was deleted and not yet removed for good: the rows behind _deleted. A server has a name
 * there (deleted_name) while it is deleted itself or any of its certificates is; a certificate has
 * one while it is deleted.
 */
#pragma once

#include "core/store/certificate.h"
#include "core/store/server.h"

/* By its name in _deleted, exactly. 0 or -ENOENT. *ret is overwritten (not released first). */
int cf_store_deleted_server(struct cf_db *db, const char *name, struct cf_server *ret,
			    struct cf_err *err);
int cf_store_deleted_certificate(struct cf_db *db, int64_t server, const char *name,
				 struct cf_certificate *ret, struct cf_err *err);

/*
 * The next by id: of the servers that have a name in _deleted; of a server's deleted certificates;
 * of all deleted ones with this public key. 1, or 0 at the end.
 */
int cf_store_deleted_next_server(struct cf_db *db, int64_t after, struct cf_server *ret,
				 struct cf_err *err);
int cf_store_deleted_next(struct cf_db *db, int64_t server, int64_t after,
			  struct cf_certificate *ret, struct cf_err *err);
int cf_store_deleted_next_with_key(struct cf_db *db, const uint8_t spki_sum[CF_SUM_SIZE],
				   int64_t after, struct cf_certificate *ret, struct cf_err *err);

/* The certificate that was deleted next after (time, id). 1, or 0 when it was after `until`. */
int cf_store_deleted_next_until(struct cf_db *db, cf_time time, int64_t id, cf_time until,
				struct cf_certificate *ret, struct cf_err *err);

/* When what lies in _deleted for the longest time was deleted; CF_NEVER when nothing does. */
int cf_store_deleted_oldest(struct cf_db *db, cf_time *ret, struct cf_err *err);

/*
 * The name that one gets in _deleted: `name`, or with -2, -3 … behind it when that is taken by
 * another than `own` (its id; 0: anybody's). server 0: of a server. out has 256 bytes.
 */
int cf_store_deleted_name(struct cf_db *db, int64_t server, const char *name, int64_t own,
			  char out[256], struct cf_err *err);
