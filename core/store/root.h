/* The root row: what belongs to the whole store and to no server; and the store's own keys. */
#pragma once

#include "core/store/store.h"

struct cf_root {
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	bool damaged;              /* the row isn't what certfs wrote */
	cf_time mtime, ctime;      /* of / */
	cf_time t_export_password; /* when it was last set or cleared; 0: never */
	cf_time t_import_password;
	bool has_export_password;
	bool has_import_password;
	int64_t trust_epoch; /* grows whenever _trust or the system store changes */
	cf_time t_trust;     /* mtime of _trust */
	cf_time t_deleted;   /* mtime of _deleted; 0: nothing was deleted yet */
	uint8_t system_sum
		[CF_SUM_SIZE]; /* SHA-256 of the system store's file at the last verdicts */
};

int cf_store_root_get(struct cf_db *db, struct cf_root *ret, struct cf_err *err);
/* version must be the one read (-EAGAIN otherwise); it is raised by one in *row. */
int cf_store_root_update(struct cf_db *db, struct cf_root *row, unsigned what, struct cf_err *err);

/* The store's own keys (K_pfx, K_set), sealed under the master key; opaque here. */
int cf_store_wrapped_get(struct cf_db *db, struct cf_buf *ret, struct cf_err *err);
int cf_store_wrapped_put(struct cf_db *db, struct cf_span sealed, struct cf_err *err);
