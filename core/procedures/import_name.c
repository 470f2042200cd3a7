/* What an imported certificate is called; see import_name.h. */
#include "core/procedures/import_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"

/* Names that programs give to any such file. */
static bool says_nothing(const char *stem)
{
	static const char *const generic[] = { "export", "certificate", "combined" };

	for (size_t i = 0; i < CF_COUNT(generic); i++)
		if (!strcasecmp(stem, generic[i]))
			return true;
	return false;
}

void cf_import_name(const char *file, const char *friendly_name, const char *common_name,
		    char ret[CF_CERTIFICATE_NAME_MAX + 1])
{
	char stem[256] = "";
	char *dot;

	if (file)
		snprintf(stem, sizeof(stem), "%s", file);
	dot = strrchr(stem, '.');
	if (dot)
		*dot = '\0';
	if (!says_nothing(stem) && cf_name_make(stem, ret))
		return;
	if (cf_name_make(friendly_name, ret) || cf_name_make(common_name, ret) ||
	    cf_name_make(stem, ret))
		return;
	strcpy(ret, "imported");
}
