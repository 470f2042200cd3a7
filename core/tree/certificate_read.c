/* The content of a certificate's files; see certificate_private.h. */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/key.h"
#include "core/crypto/pem.h"
#include "core/procedures/chain.h"
#include "core/procedures/export.h"
#include "core/procedures/view.h"
#include "core/tree/certificate_private.h"

/* -- one-line values --------------------------------------------------------------------------- */

static int line(struct cf_buf *out, const char *text, struct cf_err *err)
{
	int r = *text ? cf_text_show(out, text, err) : 0;

	return r < 0 || !*text ? r : cf_buf_puts(out, "\n", err);
}

static int time_line(struct cf_buf *out, cf_time time, struct cf_err *err)
{
	char text[CF_TIME_TEXT_MAX];

	return line(out, cf_time_text(time, text), err);
}

#define LINE(fn, text)                                                                             \
	int fn(struct cf_at *at, struct cf_buf *out, struct cf_err *err)                           \
	{                                                                                          \
		return line(out, text, err);                                                       \
	}                                                                                          \
	_Static_assert(1, "needs a semicolon")

LINE(cf_read_status, cf_status_text(&at->cert));
LINE(cf_read_subject, at->cert.subject);
LINE(cf_read_friendly_name, at->cert.friendly_name);
LINE(cf_read_exportable, at->cert.exportable ? "yes" : "no");
LINE(cf_read_issuer, at->cert.issuer);
LINE(cf_read_serial, at->cert.serial);

int cf_read_key_type(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	const char *text = cf_key_type_text((int)at->cert.key_type);

	return line(out, text ? text : at->cert.key_algorithm, err);
}

int cf_read_not_before(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return time_line(out, at->cert.not_before, err);
}

int cf_read_not_after(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return time_line(out, at->cert.not_after, err);
}

int cf_read_thumbprint(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	char hex[41];

	return line(out, cf_text_hex(at->cert.sha1, 20, hex), err);
}

/* DNS form is lower case: RFC 6698 section 2.2 leaves it open, dig(1) and openssl print so. */
int cf_read_tlsa(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	char hex[2 * CF_SUM_SIZE + 1];

	cf_text_fold(cf_text_hex(at->cert.spki_sum, CF_SUM_SIZE, hex));
	return cf_buf_printf(out, err, "3 1 1 %s\n", hex);
}

/* Lists hold one value per line already; each was checked or escaped before it was stored. */
int cf_read_domains(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_buf_puts(out, at->cert.domains, err);
}

int cf_read_services(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_buf_puts(out, at->cert.services, err);
}

/* -- views ---------------------------------------------------------------------------------------- */

typedef int view_fn(const struct cf_view *view, struct cf_buf *out, struct cf_err *err);

static int show(struct cf_at *at, view_fn *fn, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	struct cf_view view = {
		.db = at->db,
		.root = &at->root,
		.server = &at->server,
		.settings = &settings,
		.cert = &at->cert,
		.now = at->now,
	};
	int r = cf_settings_load(at->db, &at->server, &settings, err);

	return r < 0 ? r : fn(&view, out, err);
}

int cf_read_info(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return show(at, cf_view_info, out, err);
}

int cf_read_json(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return show(at, cf_view_json, out, err);
}

int cf_read_why(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	int r;

	if (at->dir->deleted)
		return cf_view_deleted(&at->cert, out, err);
	r = cf_refusals_last(at->tree, at->cert.id, out, err);
	return r < 0 ? r : show(at, cf_view_why, out, err);
}

static cf_time later(cf_time a, cf_time b)
{
	return a > b ? a : b;
}

/* When settings of the server that are shown last changed. */
static cf_time settings_time(const struct cf_at *at, enum cf_setting_id from, enum cf_setting_id to)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	cf_time time = 0;

	if (cf_settings_load(at->db, &at->server, &settings, NULL) < 0)
		return 0;
	for (int id = from; id <= (int)to; id++)
		time = later(time, settings.time[id]);
	return time;
}

/* `info` shows everything of the certificate, and its server's fqdn. */
cf_time cf_time_info(const struct cf_at *at)
{
	return later(later(at->server.t_name, later(at->cert.ctime, at->cert.verdict_since)),
		     settings_time(at, CF_SETTING_FQDN, CF_SETTING_FQDN));
}

cf_time cf_time_why(const struct cf_at *at)
{
	cf_time time;

	if (at->dir->deleted)
		return at->cert.deleted;
	time = later(cf_time_info(at), cf_refusals_time(at->tree, at->cert.id));
	time = later(time, later(at->server.t_export_password, at->server.t_use));
	time = later(time,
		     settings_time(at, CF_SETTING_VERSION, CF_SETTING_UM_CALL_ROUTER_STARTUP_MODE));
	return later(time, at->root.t_export_password);
}

/* -- certificates and requests -------------------------------------------------------------------- */

static int blob_pem(struct cf_at *at, enum cf_blob kind, const char *label, struct cf_buf *out,
		    struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	int r = cf_store_blob_get(at->db, &at->cert, kind, &der, err);

	return r < 0 ? r : cf_pem_write(label, cf_span_buf(&der), out, err);
}

int cf_read_request(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return blob_pem(at, CF_BLOB_REQUEST, "CERTIFICATE REQUEST", out, err);
}

int cf_read_request_der(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_store_blob_get(at->db, &at->cert, CF_BLOB_REQUEST, out, err);
}

int cf_read_leaf(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_store_blob_get(at->db, &at->cert, CF_BLOB_LEAF, out, err);
}

int cf_read_leaf_pem(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return blob_pem(at, CF_BLOB_LEAF, "CERTIFICATE", out, err);
}

int cf_read_chain(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_issuers_done) struct cf_issuers issuers = { 0 };
	int r = cf_issuers_load(at->db, &at->cert, &issuers, err);

	for (size_t i = 0; i < issuers.n && r == 0; i++)
		r = cf_pem_write("CERTIFICATE", issuers.items[i], out, err);
	return r;
}

int cf_read_fullchain(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_read_leaf_pem(at, out, err);

	return r < 0 ? r : cf_read_chain(at, out, err);
}

int cf_read_p7b(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_issuers_done) struct cf_issuers issuers = { 0 };
	cf_auto(cf_buf_done) struct cf_buf leaf = { 0 };
	cf_auto(cf_free) struct cf_span *all = NULL;
	int r = cf_issuers_load(at->db, &at->cert, &issuers, err);

	if (r == 0)
		r = cf_read_leaf(at, &leaf, err);
	if (r < 0)
		return r;
	all = calloc(issuers.n + 1, sizeof(*all));
	if (!all)
		return cf_fail_memory(err);
	all[0] = cf_span_buf(&leaf);
	if (issuers.n)
		memcpy(all + 1, issuers.items, issuers.n * sizeof(*all));
	return cf_p7b_write(all, issuers.n + 1, out, err);
}

#define SIZE(fn, bytes)                                                                            \
	uint64_t fn(const struct cf_at *at)                                                        \
	{                                                                                          \
		return (uint64_t)(bytes);                                                          \
	}                                                                                          \
	_Static_assert(1, "needs a semicolon")

SIZE(cf_size_request, cf_pem_size("CERTIFICATE REQUEST", (size_t)at->cert.request_len));
SIZE(cf_size_request_der, at->cert.request_len);
SIZE(cf_size_leaf, at->cert.leaf_len);
SIZE(cf_size_leaf_pem, cf_pem_size("CERTIFICATE", (size_t)at->cert.leaf_len));
SIZE(cf_size_chain, at->cert.chain_pem_len);
SIZE(cf_size_fullchain, cf_size_leaf_pem(at) + cf_size_chain(at));
SIZE(cf_size_p7b, at->cert.p7b_len);
SIZE(cf_size_pfx, at->cert.pfx_len);
SIZE(cf_size_private, cf_export_key_size(&at->cert, false));
SIZE(cf_size_combined, cf_export_key_size(&at->cert, true));

#define TIME(fn, when)                                                                             \
	cf_time fn(const struct cf_at *at)                                                         \
	{                                                                                          \
		return when;                                                                       \
	}                                                                                          \
	_Static_assert(1, "needs a semicolon")

TIME(cf_time_subject, at->cert.t_subject);
TIME(cf_time_domains, at->cert.t_domains);
TIME(cf_time_key_type, at->cert.t_key_type);
TIME(cf_time_exportable, at->cert.t_exportable);
TIME(cf_time_friendly, at->cert.t_friendly);
TIME(cf_time_request, at->cert.t_request ? at->cert.t_request : at->cert.created);
TIME(cf_time_complete, at->cert.t_complete);
TIME(cf_time_chain, at->cert.t_chain);
TIME(cf_time_services, at->cert.t_services);
TIME(cf_time_status,
     later(cf_time_request(at), later(at->cert.t_complete, at->cert.verdict_since)));
TIME(cf_time_password, at->cert.t_password ? at->cert.t_password : at->cert.created);
TIME(cf_time_pfx, cf_export_time(&at->root, &at->server, &at->cert));

bool cf_has_request(const struct cf_at *at)
{
	return at->cert.request_len != 0;
}

bool cf_has_issuers(const struct cf_at *at)
{
	return at->cert.n_issuers != 0;
}

bool cf_is_exportable(const struct cf_at *at)
{
	return !cf_export_blocked(&at->root, &at->server, &at->cert, at->now);
}

int cf_read_pfx(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_export_build(at->ctx, at->cert.id, out, err);
}

bool cf_has_keys(const struct cf_at *at)
{
	return at->tree->options.keys && !cf_export_key_blocked(&at->cert, at->now);
}

int cf_read_private(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_export_key(at->ctx, at->cert.id, false, out, err);
}

int cf_read_combined(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_export_key(at->ctx, at->cert.id, true, out, err);
}
