/* Sealed values. What is in them is core/vault's business. */
#pragma once

#include "core/store/store.h"

/* The numbers are stored. */
enum cf_secret_kind {
	CF_SECRET_KEY = 1,             /* private key of a certificate */
	CF_SECRET_EXPORT_PASSWORD = 2, /* of a certificate, a server or the root */
	CF_SECRET_IMPORT_PASSWORD = 3, /* of a server or the root */
	/* Keys of the root that belong to nothing yet; their owner counts from 1. */
	CF_SECRET_READY_RSA2048 = 4,
	CF_SECRET_READY_RSA3072 = 5,
	CF_SECRET_READY_RSA4096 = 6,
};

struct cf_secret {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	int64_t server; /* whose tally counts it; 0: the root's */
	int64_t object; /* enum cf_object of the owner */
	int64_t owner;  /* id of the owner; 0 for the root, but for its keys their numbers */
	int64_t kind;   /* enum cf_secret_kind */
	struct cf_buf sealed;
};

/* 0, -ENOENT, -EIO when the row isn't what certfs wrote or its server is damaged. */
int cf_store_secret_get(struct cf_db *db, enum cf_object object, int64_t owner,
			enum cf_secret_kind kind, struct cf_secret *ret, struct cf_err *err);

/* The next by owner of this object and kind after an owner. 1, or 0 at the end; -EIO as above. */
int cf_store_secret_next(struct cf_db *db, enum cf_object object, enum cf_secret_kind kind,
			 int64_t after, struct cf_secret *ret, struct cf_err *err);

/*
 * Insert (id 0: fills uuid if it is all zero, id, version, mac) or update (id set, -EAGAIN on
 * another version).
 */
int cf_store_secret_put(struct cf_db *db, struct cf_secret *row, struct cf_err *err);
int cf_store_secret_delete(struct cf_db *db, const struct cf_secret *row, struct cf_err *err);

/* When a certificate moves to another server its secrets move to that tally. */
int cf_store_secret_move(struct cf_db *db, enum cf_object object, int64_t owner, int64_t server,
			 struct cf_err *err);

void cf_secret_done(struct cf_secret *secret);
CF_DEFINE_DONE(struct cf_secret, cf_secret_done);
