/*
 * The system's trust anchors in the process that starts decoders: loaded before it forks, loaded
 * again when their file changes.
 */
#pragma once

#include "core/crypto/chain.h"

#define CF_SYSTEM_ID_SIZE 32

/* Zero-initialise but for path. */
struct cf_system {
	const char *path; /* PEM bundle; borrowed; NULL: no anchors */
	struct cf_system_store *store;
	uint8_t id[CF_SYSTEM_ID_SIZE]; /* changes whenever the file does */
	size_t n;                      /* anchors in it */
};

/*
 * Start OpenSSL and load the anchors. A file that is missing or holds none is an empty store, and
 * .n tells. 0, -ENOMEM, -EIO.
 */
int cf_system_open(struct cf_system *system, struct cf_err *err);

/*
 * Load again if the file is another one now. Returns 1 if so, 0 if not; on failure the former
 * anchors stay in use, to be tried again at the next call.
 */
int cf_system_refresh(struct cf_system *system, struct cf_err *err);

void cf_system_close(struct cf_system *system);
CF_DEFINE_DONE(struct cf_system, cf_system_close);
