/* What lies in _deleted; see deleted.h. */
#include "core/procedures/deleted.h"

#include <errno.h>

static int not_there(struct cf_err *err)
{
	cf_err_reset(err);
	return cf_fail(err, ESTALE, "it doesn't lie in _deleted any more");
}

int cf_load_deleted_server(struct cf_db *db, int64_t server, struct cf_server *ret,
			   struct cf_err *err)
{
	int r = cf_store_server_get_any(db, server, ret, err);

	if (r == 0 && ret->damaged)
		return cf_fail_damaged(err, ret->name);
	if (r == -ENOENT || (r == 0 && !ret->deleted_name[0]))
		return not_there(err);
	return r;
}

int cf_load_deleted(struct cf_db *db, int64_t certificate, struct cf_certificate *ret,
		    struct cf_server *server, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	int r = cf_store_certificate_get_any(db, certificate, &row, err);

	if (r == 0 && row.damaged)
		return cf_fail_damaged(err, row.name);
	if (r == -ENOENT || (r == 0 && !row.deleted))
		return not_there(err);
	if (r == 0 && server)
		r = cf_load_deleted_server(db, row.server, server, err);
	if (r < 0)
		return r;
	*ret = row;
	row = (struct cf_certificate){ 0 };
	return 0;
}

/* Is any of the server's certificates deleted? 1 or 0. */
static int has_deleted(struct cf_db *db, int64_t server, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

	return cf_store_deleted_next(db, server, 0, &row, err);
}

int cf_touch_deleted(struct cf_db *db, struct cf_server *server, unsigned what, struct cf_err *err)
{
	struct cf_root root;
	int r = server->deleted ? 1 : has_deleted(db, server->id, err);

	if (r > 0 && !server->deleted_name[0])
		r = cf_store_deleted_name(db, 0, server->name, server->id, server->deleted_name,
					  err);
	else if (r == 0)
		server->deleted_name[0] = '\0';
	server->t_deleted = cf_db_now(db);
	if (r >= 0)
		r = cf_store_server_update(db, server, what | CF_WHAT_DELETED, err);
	if (r == 0)
		r = cf_load_root(db, &root, err);
	if (r < 0)
		return r;
	root.t_deleted = cf_db_now(db);
	return cf_store_root_update(db, &root, CF_WHAT_DELETED, err);
}

int cf_deleted_with_key(struct cf_db *db, const uint8_t spki_sum[CF_SUM_SIZE], struct cf_buf *out,
			struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	struct cf_server server;
	int r = cf_store_deleted_next_with_key(db, spki_sum, 0, &row, err);

	if (r <= 0)
		return r;
	r = cf_store_server_get_any(db, row.server, &server, err);
	if (r == 0)
		r = cf_buf_printf(out, err, "_deleted/%s/%s", server.deleted_name,
				  row.deleted_name);
	return r < 0 ? r : 1;
}
