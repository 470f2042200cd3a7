/* Starting OpenSSL. Everything else of this folder assumes that it was called. */
#pragma once

#include "core/base/error.h"

/*
 * Load OpenSSL's providers and algorithms once, before the process gives up the file system and
 * before it forks: a child then starts warm. May be called again. 0 or -EIO.
 */
int cf_ossl_init(struct cf_err *err);
