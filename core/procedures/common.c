/* What the procedures share; see common.h. */
#include "core/procedures/common.h"

#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "core/store/event.h"

void cf_ctx_done(struct cf_ctx *ctx)
{
	cf_changes_done(&ctx->changes);
}

int cf_fail_damaged(struct cf_err *err, const char *name)
{
	return cf_fail(err, EIO,
		       "'%s' was changed outside certfs; nothing of it is served until it is "
		       "restored from a backup",
		       name);
}

/* "Not there" inside a transaction on a known id means: deleted since. */
static int gone(int r, const char *what, struct cf_err *err)
{
	if (r != -ENOENT)
		return r;
	cf_err_reset(err);
	return cf_fail(err, ESTALE, "the %s has been deleted", what);
}

int cf_load_server(struct cf_db *db, int64_t server, struct cf_server *ret, struct cf_err *err)
{
	int r = gone(cf_store_server_get(db, server, ret, err), "server", err);

	if (r == 0 && ret->damaged)
		r = cf_fail_damaged(err, ret->name);
	return r;
}

int cf_load_root(struct cf_db *db, struct cf_root *ret, struct cf_err *err)
{
	int r = cf_store_root_get(db, ret, err);

	if (r == 0 && ret->damaged)
		r = cf_fail_damaged(err, "/");
	return r;
}

static bool in_group(const struct cf_caller *caller, gid_t gid)
{
	for (size_t i = 0; i < caller->n_groups; i++)
		if (caller->groups[i] == gid)
			return true;
	return caller->gid == gid;
}

/* What was set of uid, gid and mode, over what counts where they were not. */
static struct cf_owns over(struct cf_owns below, int64_t uid, int64_t gid, int64_t mode)
{
	return (struct cf_owns){
		.uid = uid < 0 ? below.uid : (uid_t)uid,
		.gid = gid < 0 ? below.gid : (gid_t)gid,
		.mode = mode < 0 ? below.mode : (mode_t)mode,
	};
}

struct cf_owns cf_server_owns(const struct cf_core *core, const struct cf_server *server)
{
	const struct cf_owns mount = { .uid = core->uid, .gid = core->gid, .mode = 0755 };

	return over(mount, server->uid, server->gid, server->mode);
}

struct cf_owns cf_certificate_owns(const struct cf_core *core, const struct cf_server *server,
				   const struct cf_certificate *cert)
{
	return over(cf_server_owns(core, server), cert->uid, cert->gid, cert->mode);
}

/* The first class that fits decides, as in path_resolution(7). bits: of rwx. */
static bool may(const struct cf_ctx *ctx, struct cf_owns owns, mode_t bits)
{
	const struct cf_caller *caller = &ctx->caller;
	mode_t mode = owns.mode & ~ctx->core->umask;

	if (caller->uid == 0)
		return true;
	if (caller->uid == owns.uid)
		mode >>= 6;
	else if (in_group(caller, owns.gid))
		mode >>= 3;
	return (mode & bits) == bits;
}

bool cf_may_write(const struct cf_ctx *ctx, const struct cf_server *server,
		  const struct cf_certificate *cert)
{
	return may(ctx, cf_server_owns(ctx->core, server), 01) &&
	       may(ctx, cf_certificate_owns(ctx->core, server, cert), 03);
}

int cf_set_timed(char **slot, const char *text, cf_time *t, cf_time now, struct cf_err *err)
{
	if (*slot && !strcmp(*slot, text))
		return 0;
	*t = now;
	return cf_set_text(slot, text, err);
}

int cf_touch_root(struct cf_db *db, struct cf_err *err)
{
	struct cf_root root;
	int r = cf_load_root(db, &root, err);

	if (r < 0)
		return r;
	root.mtime = root.ctime = cf_db_now(db);
	return cf_store_root_update(db, &root, CF_WHAT_LISTING, err);
}

int cf_load_certificate(struct cf_db *db, int64_t certificate, struct cf_certificate *ret,
			struct cf_server *server, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	int r = gone(cf_store_certificate_get(db, certificate, &row, err), "certificate", err);

	if (r == 0 && row.damaged)
		r = cf_fail_damaged(err, row.name);
	if (r == 0 && server)
		r = cf_load_server(db, row.server, server, err);
	if (r < 0)
		return r;
	*ret = row;
	row = (struct cf_certificate){ 0 };
	return 0;
}

int cf_change_server(struct cf_ctx *ctx, int64_t server, struct cf_change_set *ret,
		     struct cf_err *err)
{
	int r = cf_store_begin(ctx->core->store, ret->frees, &ret->db, err);

	return r < 0 ? r : cf_load_server(ret->db, server, &ret->server, err);
}

int cf_change_certificate(struct cf_ctx *ctx, int64_t certificate, struct cf_change_set *ret,
			  struct cf_err *err)
{
	int r = cf_store_begin(ctx->core->store, ret->frees, &ret->db, err);

	if (r < 0)
		return r;
	return cf_load_certificate(ret->db, certificate, &ret->cert, &ret->server, err);
}

void cf_change_set_done(struct cf_change_set *set)
{
	cf_db_done(set->db);
	set->db = NULL;
	cf_certificate_done(&set->cert);
}

struct line {
	struct cf_buf buf;
	struct cf_err *err;
	int r;
};

static void put_text(struct line *line, const char *name, const char *value)
{
	if (line->r == 0)
		line->r = cf_buf_printf(&line->buf, line->err, ",\"%s\":", name);
	if (line->r == 0)
		line->r = cf_text_json(&line->buf, value, line->err);
}

int cf_audit(struct cf_ctx *ctx, struct cf_db *db, const char *operation, const char *server,
	     const struct cf_certificate *cert, const char *detail, struct cf_err *err)
{
	static const uint8_t none[CF_SUM_SIZE];
	struct line line = { .err = err };
	char time[CF_TIME_TEXT_MAX], hex[2 * CF_SUM_SIZE + 1];
	int64_t seq;

	line.r = cf_store_event_next_seq(db, &seq, err);
	if (line.r == 0)
		line.r = cf_buf_printf(&line.buf, err, "{\"seq\":%lld,\"time\":\"%s\"",
				       (long long)seq, cf_time_text(cf_db_now(db), time));
	put_text(&line, "operation", operation);
	if (server)
		put_text(&line, "server", server);
	if (cert)
		put_text(&line, "certificate", cert->name);
	if (cert && !cf_equal(cert->spki_sum, none, sizeof(none)))
		put_text(&line, "key", cf_text_hex(cert->spki_sum, CF_SUM_SIZE, hex));
	if (detail)
		put_text(&line, "detail", detail);
	if (line.r == 0)
		line.r = cf_buf_printf(&line.buf, err, ",\"uid\":%u,\"gid\":%u,\"pid\":%d",
				       (unsigned)ctx->caller.uid, (unsigned)ctx->caller.gid,
				       (int)ctx->caller.pid);
	put_text(&line, "comm", ctx->caller.comm);
	put_text(&line, "result", "ok");
	if (line.r == 0)
		line.r = cf_buf_puts(&line.buf, "}\n", err);
	if (line.r == 0)
		line.r = cf_store_event_add(db, cf_buf_text(&line.buf), err);
	cf_buf_done(&line.buf);
	return line.r;
}
