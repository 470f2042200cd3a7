/* _expiring: a link to each certificate that has expired or will soon, and isn't replaced yet. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/store/ending.h"
#include "core/tree/views_private.h"

#define ROW_LINK 1

/* "2026-12-15" of NotAfter, which sorts, and who it is. */
static void make_label(struct cf_at *at)
{
	char date[CF_TIME_TEXT_MAX];

	cf_time_text(at->cert.not_after, date);
	date[10] = '\0';
	cf_view_label(at->label, date, at->server.name, &at->cert);
}

/* Load one certificate. 1: it is listed here, 0: not. */
static int enter(struct cf_at *child, int64_t id, cf_time window, struct cf_err *err)
{
	int r;

	cf_certificate_done(&child->cert);
	child->cert = (struct cf_certificate){ 0 };
	r = cf_load_certificate(child->db, id, &child->cert, &child->server, err);
	if (r < 0)
		return r;
	child->id = id;
	child->window = window;
	make_label(child);
	return cf_is_expiring(&child->server, &child->cert, child->now + window);
}

static int load(struct cf_at *at, struct cf_err *err)
{
	int r = cf_expiring_window(at->db, &at->window, &at->window_since, err);

	if (r < 0 || !at->file)
		return r;
	r = enter(at, at->id, at->window, err);
	if (r == 0)
		return cf_fail(err, ESTALE, "'%s' is no longer expiring", at->cert.name);
	return r < 0 ? r : 0;
}

static cf_time later(cf_time a, cf_time b)
{
	return a > b ? a : b;
}

/* Since when the link is there, and says this. */
static cf_time link_time(const struct cf_at *at)
{
	cf_time time = later(at->cert.not_after - at->window, at->cert.t_complete);

	return later(later(time, at->window_since), later(at->cert.t_name, at->server.t_name));
}

static void attr(const struct cf_at *at, struct cf_attr *ret)
{
	cf_time time = 0, last = 0, first;

	cf_view_attr(at, ret);
	if (at->file) {
		ret->mtime = ret->ctime = link_time(at);
		return;
	}
	cf_store_view_time(at->db, CF_VIEW_EXPIRING, &time, NULL);
	cf_store_ending_around(at->db, at->now + at->window, &last, &first, NULL);
	if (last)
		time = later(time, last - at->window);
	ret->mtime = ret->ctime = time > 0 ? time : cf_constant_time(at);
}

/* The certificate that a name speaks of, by what stands in it. -ENOENT. */
static int find_certificate(struct cf_at *at, const char *name, int64_t *ret, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate cert = { 0 };
	struct cf_server server;
	char head[256];
	const char *rest;
	int r;

	if (strlen(name) < 12 || name[10] != ' ')
		return cf_fail(err, ENOENT, "no '%s' here", name);
	name += 11;
	if (sscanf(name, "_%ld", ret) == 1)
		return 0;
	rest = strchr(name, ' ');
	if (!rest)
		return cf_fail(err, ENOENT, "no '%s' here", name);
	snprintf(head, sizeof(head), "%.*s", (int)(rest - name), name);
	r = cf_store_server_find(at->db, head, &server, err);
	if (r == 0)
		r = cf_store_certificate_find(at->db, server.id, rest + 1, &cert, err);
	*ret = cert.id;
	return r;
}

static int find(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	int64_t id = 0;
	int r = find_certificate(at, name, &id, err);

	if (r == 0)
		r = enter(child, id, at->window, err);
	child->window_since = at->window_since;
	if (r == -ESTALE) {
		cf_err_reset(err);
		r = 0;
	}
	if (r < 0)
		return r;
	if (!r || strcmp(child->label, name) != 0)
		return cf_fail(err, ENOENT, "no '%s' here", name);
	return 0;
}

/* In the order of the dates; the cookie is the id of the last one, whose date is looked up again. */
static int next(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err)
{
	cf_auto(cf_certificate_done) struct cf_certificate last = { 0 };
	struct cf_ending ending = { .id = after };
	int r = after ? cf_store_certificate_get_any(at->db, after, &last, err) : 0;

	if (r == -ENOENT) { /* purged between two calls: what is left is listed another time */
		cf_err_reset(err);
		return 0;
	}
	if (r < 0)
		return r;
	ending.date = last.not_after;
	child->window_since = at->window_since;
	while ((r = cf_store_ending_next(at->db, at->now + at->window, &ending, err)) > 0) {
		r = enter(child, ending.id, at->window, err);
		if (r > 0)
			return 1;
		if (r < 0 && r != -EIO && r != -ESTALE)
			return r;
		cf_err_reset(err);
	}
	return r;
}

static const char *link_name(const struct cf_at *child)
{
	return child->label;
}

static int read_link(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_buf_printf(out, err, "../%s/%s", at->server.name, at->cert.name);
}

static const struct cf_file files[] = {
	{
		.row = ROW_LINK,
		.type = CF_FILE_LINK,
		.mode = 0777,
		.read = read_link,
		.volatile_ = true,
	},
	{ 0 },
};

static const struct cf_dir *const self = &cf_dir_expiring;

const struct cf_dir cf_dir_expiring = {
	.kind = CF_KIND_EXPIRING,
	.what = "_expiring",
	.files = files,
	.load = load,
	.attr = attr,
	.parent = cf_view_parent,
	.child = &self,
	.child_row = ROW_LINK,
	.find = find,
	.next = next,
	.name = link_name,
	.view = true,
};
