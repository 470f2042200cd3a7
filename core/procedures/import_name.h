/* What an imported certificate is called. */
#pragma once

#include "core/base/name.h"

/*
 * The name of a new certificate's directory: after the file (without its ending, and unless it is
 * called export, certificate or combined), else after its friendly name, else its common name.
 * What can't be in a name is replaced; there is always one.
 *
 * file  NULL when it named another certificate already
 */
void cf_import_name(const char *file, const char *friendly_name, const char *common_name,
		    char ret[CF_CERTIFICATE_NAME_MAX + 1]);
