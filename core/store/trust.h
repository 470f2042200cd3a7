/* The files of _trust. */
#pragma once

#include "core/store/store.h"

struct cf_trust {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	bool damaged;
	char name[256];
	struct cf_buf data; /* the file's bytes as dropped */
	/* decoded: cf_pack_int(enum cf_item_kind), cf_pack_int(is anchor), cf_pack_bytes(DER) … */
	struct cf_buf items;
	int64_t mode; /* permission bits */
	cf_time mtime, ctime;
};

/* As for servers: 0 or -ENOENT, exact or folded name, next by id. */
int cf_store_trust_get(struct cf_db *db, int64_t id, struct cf_trust *ret, struct cf_err *err);
int cf_store_trust_find(struct cf_db *db, const char *name, struct cf_trust *ret,
			struct cf_err *err);
int cf_store_trust_find_folded(struct cf_db *db, const char *name, struct cf_trust *ret,
			       struct cf_err *err);
int cf_store_trust_next(struct cf_db *db, int64_t after, struct cf_trust *ret, struct cf_err *err);

/* Bytes of all files, as dropped. */
int cf_store_trust_bytes(struct cf_db *db, int64_t *ret, struct cf_err *err);

/* Record CF_OBJECT_TRUST; a removed or renamed one with its name as gone. */
int cf_store_trust_insert(struct cf_db *db, struct cf_trust *row, struct cf_err *err);
int cf_store_trust_update(struct cf_db *db, struct cf_trust *row, struct cf_err *err);
int cf_store_trust_delete(struct cf_db *db, const struct cf_trust *row, struct cf_err *err);

void cf_trust_done(struct cf_trust *row);
CF_DEFINE_DONE(struct cf_trust, cf_trust_done);
