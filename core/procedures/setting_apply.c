/* What of a certificate follows its server's settings; see setting.h. */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/pkcs12.h"
#include "core/procedures/export.h"
#include "core/procedures/setting.h"

int cf_setting_apply(struct cf_db *db, const struct cf_settings *settings,
		     struct cf_certificate *row, bool *ret_changed, struct cf_err *err)
{
	bool old = !strcmp(cf_setting(settings, CF_SETTING_PFX_ENCRYPTION), "3des-sha1");
	int64_t encryption = old ? CF_PFX_3DES_SHA1 : CF_PFX_AES256_SHA256;
	int64_t iterations = atol(cf_setting(settings, CF_SETTING_PFX_ITERATIONS));

	*ret_changed = row->pfx_encryption != encryption || row->pfx_iterations != iterations;
	if (!*ret_changed)
		return 0;
	row->pfx_encryption = encryption;
	row->pfx_iterations = iterations;
	row->t_pfx = cf_db_now(db);
	return cf_export_resize(db, row, err);
}

int cf_setting_apply_to_all(struct cf_db *db, const struct cf_settings *settings, int64_t server,
			    struct cf_err *err)
{
	int64_t after = 0;
	bool changed;

	for (;;) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
		int r = cf_store_certificate_next(db, server, after, &row, err);

		if (r <= 0)
			return r;
		after = row.id;
		if (row.damaged || row.state != CF_STATE_COMPLETE)
			continue;
		r = cf_setting_apply(db, settings, &row, &changed, err);
		if (r == 0 && changed)
			r = cf_store_certificate_update(db, &row, CF_WHAT_SETTINGS, err);
		if (r < 0)
			return r;
	}
}
