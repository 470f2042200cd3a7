/* Settings: values by name, of the root and of servers. What they mean is core/procedures' business. */
#pragma once

#include "core/store/store.h"

struct cf_setting {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	int64_t server; /* 0: the root's */
	char name[32];
	char *value;  /* "": the default */
	cf_time time; /* when what it amounts to last changed */
};

/* The next by id of a server (0: of the root): 1, or 0 at the end. A damaged one is -EIO. */
int cf_store_setting_next(struct cf_db *db, int64_t server, int64_t after, struct cf_setting *ret,
			  struct cf_err *err);

/*
 * Set one, by row->server and row->name: inserted, or written over. Fills id, uuid, version, mac.
 * Records CF_WHAT_SETTINGS of the server or of the root. 0, -ENOMEM, -EIO.
 */
int cf_store_setting_put(struct cf_db *db, struct cf_setting *row, struct cf_err *err);

void cf_setting_done(struct cf_setting *row);
CF_DEFINE_DONE(struct cf_setting, cf_setting_done);
