/* What lies in _deleted: loading it, and the directories that show it. */
#pragma once

#include "core/procedures/common.h"
#include "core/store/deleted.h"

/* How long what was deleted can be brought back. */
#define CF_DELETED_KEPT (30 * 86400 * (cf_time)CF_SECOND)

/*
 * In a transaction that the caller has: a deleted certificate, and its server (may be NULL), which
 * may be deleted too. 0; -ESTALE: it doesn't lie in _deleted (any more); -EIO.
 */
int cf_load_deleted(struct cf_db *db, int64_t certificate, struct cf_certificate *ret,
		    struct cf_server *server, struct cf_err *err);

/* A server that has a directory in _deleted. 0, -ESTALE, -EIO. */
int cf_load_deleted_server(struct cf_db *db, int64_t server, struct cf_server *ret,
			   struct cf_err *err);

/*
 * Something went into the server's directory in _deleted, or left it: give the directory a name if
 * it has none, or take it when nothing is left, move the times, and write the row with `what`
 * besides CF_WHAT_DELETED.
 */
int cf_touch_deleted(struct cf_db *db, struct cf_server *server, unsigned what, struct cf_err *err);

/*
 * Append the path in _deleted of a request or certificate that has this public key. 1, or 0 when
 * there is none.
 */
int cf_deleted_with_key(struct cf_db *db, const uint8_t spki_sum[CF_SUM_SIZE], struct cf_buf *out,
			struct cf_err *err);
