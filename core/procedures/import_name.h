/* What an imported certificate is called. */
#pragma once

#include "core/base/name.h"
#include "core/procedures/common.h"

/*
 * The name of a new certificate's directory: after the file (without its ending, and unless it is
 * called export, certificate or combined), else after its friendly name, else its common name.
 * What can't be in a name is replaced; there is always one.
 *
 * file  NULL when it named another certificate already
 */
void cf_import_name(const char *file, const char *friendly_name, const char *common_name,
		    char ret[CF_CERTIFICATE_NAME_MAX + 1]);

/*
 * Insert a draft of that name. Where the file doesn't name it (NULL), it takes the next one that
 * is free: with -2, -3 … *ret is released with cf_certificate_done(). 0, -EEXIST, -EIO, -ENOMEM.
 */
int cf_import_insert(struct cf_db *db, struct cf_server *server, const char *file,
		     const char *friendly_name, const char *common_name, struct cf_certificate *ret,
		     struct cf_err *err);
