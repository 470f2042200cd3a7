/* Certificates: changing rows, and telling what changed; see certificate.h. */
#include <errno.h>
#include <string.h>

#include "core/store/found.h"
#include "core/store/row_private.h"

static int taken(int r, const char *name, struct cf_err *err)
{
	if (r == -EEXIST)
		return cf_fail(err, EEXIST, "there is already a certificate '%s'", name);
	return r;
}

static int listing(struct cf_db *db, int64_t server, struct cf_err *err)
{
	return cf_db_changed(db, CF_OBJECT_SERVER, server, 0, CF_WHAT_LISTING, err);
}

int cf_store_certificate_insert(struct cf_db *db, struct cf_certificate *row, struct cf_err *err)
{
	int r;

	row->t_name = db->now;
	r = taken(cf_row_insert(db, &cf_table_certificate, row, row->server, err), row->name, err);

	if (r == 0)
		r = cf_found_update(db, NULL, row, err);
	if (r == 0)
		r = cf_db_changed(db, CF_OBJECT_CERTIFICATE, row->id, row->server, CF_WHAT_STATE,
				  err);
	return r < 0 ? r : listing(db, row->server, err);
}

/* The name that no longer leads to the row: in its server, or in _deleted. */
static int gone(struct cf_db *db, const struct cf_certificate *old, struct cf_err *err)
{
	if (old->deleted)
		return cf_db_gone(db, CF_OBJECT_DELETED_CERTIFICATE, old->id, old->server,
				  old->deleted_name, err);
	return cf_db_gone(db, CF_OBJECT_CERTIFICATE, old->id, old->server, old->name, err);
}

static bool is_moved(const struct cf_certificate *old, const struct cf_certificate *row)
{
	return old->server != row->server || strcmp(old->name, row->name) != 0 ||
	       !old->deleted != !row->deleted;
}

/* What update tells: the row, and where it no longer or newly is. */
static int tell(struct cf_db *db, const struct cf_certificate *row,
		const struct cf_certificate *old, unsigned what, struct cf_err *err)
{
	const bool moved = old->server != row->server;
	int r = cf_db_changed(db, CF_OBJECT_CERTIFICATE, row->id, row->server, what, err);

	if (r < 0 || !is_moved(old, row))
		return r;
	r = gone(db, old, err);
	if (r == 0)
		r = listing(db, row->server, err);
	if (r == 0 && moved)
		r = listing(db, old->server, err);
	return r;
}

int cf_store_certificate_update(struct cf_db *db, struct cf_certificate *row, unsigned what,
				struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate old = { 0 };
	int r = cf_store_certificate_get_any(db, row->id, &old, err);

	if (r == 0)
		r = cf_row_current(&cf_table_certificate, row, &old, old.damaged, err);
	if (r == 0 && is_moved(&old, row))
		row->t_name = db->now;
	if (r == 0)
		r = taken(cf_row_update(db, &cf_table_certificate, row, &old,
					(struct cf_row_place){ old.server, row->server }, err),
			  row->name, err);
	if (r == 0)
		r = cf_found_update(db, &old, row, err);
	return r < 0 ? r : tell(db, row, &old, what, err);
}

int cf_store_certificate_purge(struct cf_db *db, const struct cf_certificate *row,
			       struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate old = { 0 };
	int r = cf_store_certificate_get_any(db, row->id, &old, err);

	if (r == 0)
		r = cf_row_current(&cf_table_certificate, row, &old, old.damaged, err);
	if (r == 0)
		r = cf_store_secret_purge(db, CF_OBJECT_CERTIFICATE, row->id, err);
	if (r == 0)
		r = cf_found_update(db, &old, NULL, err);
	if (r == 0)
		r = cf_row_delete(db, &cf_table_certificate, &old, old.server, err);
	if (r == 0)
		r = gone(db, &old, err);
	return r < 0 ? r : listing(db, old.server, err);
}
