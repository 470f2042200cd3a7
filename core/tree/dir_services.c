/* EX01/_services: one link per service to the certificate it now uses. */
#include "core/procedures/rules.h"
#include "core/tree/node_private.h"

static int load(struct cf_at *at, struct cf_err *err)
{
	return cf_load_server(at->db, at->id, &at->server, err);
}

static void attr(const struct cf_at *at, struct cf_attr *ret)
{
	cf_dir_server.attr(at, ret);
	ret->mode &= ~(mode_t)0222;
	ret->mode |= 0200;
	ret->mtime = ret->ctime = at->server.t_use;
}

static uint64_t parent(const struct cf_at *at)
{
	return cf_ino(CF_KIND_SERVER, 0, at->id);
}

/* Row 1 is service 0. */
static int64_t used(const struct cf_at *at, const struct cf_file *file)
{
	return at->server.use[file->row - 1];
}

static int read_link(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate cert = { 0 };
	int r = cf_store_certificate_get(at->db, used(at, at->file), &cert, err);

	return r < 0 ? r : cf_buf_printf(out, err, "../%s", cert.name);
}

#define PRESENT(fn, service)                                                                       \
	static bool fn(const struct cf_at *at)                                                     \
	{                                                                                          \
		return at->server.use[service] != 0;                                               \
	}                                                                                          \
	_Static_assert(1, "needs a semicolon")

PRESENT(has_imap, CF_SERVICE_IMAP);
PRESENT(has_pop, CF_SERVICE_POP);
PRESENT(has_um, CF_SERVICE_UM);
PRESENT(has_iis, CF_SERVICE_IIS);
PRESENT(has_smtp, CF_SERVICE_SMTP);
PRESENT(has_um_call_router, CF_SERVICE_UM_CALL_ROUTER);
PRESENT(has_smtp_default, CF_SERVICE_SMTP_DEFAULT);

#define LINK(service, word, is_present)                                                            \
	{                                                                                          \
		.row = (service) + 1, .name = (word), .type = CF_FILE_LINK,                        \
		.present = (is_present), .mode = 0777, .depends = CF_WHAT_SERVICES,                \
		.read = read_link,                                                                 \
	}

static const struct cf_file files[] = {
	LINK(CF_SERVICE_IMAP, "IMAP", has_imap),
	LINK(CF_SERVICE_POP, "POP", has_pop),
	LINK(CF_SERVICE_UM, "UM", has_um),
	LINK(CF_SERVICE_IIS, "IIS", has_iis),
	LINK(CF_SERVICE_SMTP, "SMTP", has_smtp),
	LINK(CF_SERVICE_UM_CALL_ROUTER, "UMCallRouter", has_um_call_router),
	LINK(CF_SERVICE_SMTP_DEFAULT, "SMTP-default", has_smtp_default),
	{ 0 },
};

const struct cf_dir cf_dir_services = {
	.kind = CF_KIND_SERVICES,
	.what = "_services",
	.files = files,
	.load = load,
	.attr = attr,
	.parent = parent,
};
