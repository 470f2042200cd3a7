/* What an imported certificate is called; see import_name.h. */
#include "core/procedures/import_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"
#include "core/procedures/create.h"

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

int cf_import_insert(struct cf_db *db, struct cf_server *server, const char *file,
		     const char *friendly_name, const char *common_name, struct cf_certificate *ret,
		     struct cf_err *err)
{
	char name[CF_CERTIFICATE_NAME_MAX + 1], numbered[CF_CERTIFICATE_NAME_MAX + 1];
	int r;

	cf_import_name(file, friendly_name, common_name, name);
	r = cf_draft_insert(db, server, name, ret, file ? err : NULL);
	for (int n = 2; !file && r == -EEXIST; n++) {
		int cut = CF_CERTIFICATE_NAME_MAX - 12;

		while (cut > 0 && strlen(name) > (size_t)cut && (name[cut] & 0xc0) == 0x80)
			cut--;
		snprintf(numbered, sizeof(numbered), "%.*s-%d", cut, name, n);
		r = cf_draft_insert(db, server, numbered, ret, NULL);
	}
	return r < 0 && !file ? cf_fail(err, -r, "no place for '%s'", name) : r;
}
