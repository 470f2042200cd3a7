/*
 * _by-thumbprint and _by-domain: directories named after what certificates are found by, and in
 * each a link for each server. The tables that say so carry no MAC, so what they lead to is
 * compared with the certificate itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/name.h"
#include "core/base/text.h"
#include "core/tree/views_private.h"

#define ROW_ALIAS 1 /* another spelling of a name that is listed */
#define ROW_LINK 1

static bool is_domain(const struct cf_dir *dir)
{
	return dir == &cf_dir_by_domain || dir == &cf_dir_domain;
}

static enum cf_view_kind kind_of(const struct cf_dir *dir)
{
	return is_domain(dir) ? CF_VIEW_DOMAIN : CF_VIEW_THUMBPRINT;
}

static int gone(int r, struct cf_err *err)
{
	return r == 0 ? cf_fail(err, ESTALE, "there is no such certificate any more") : r;
}

/* -- the names ------------------------------------------------------------------------------- */

static int load_names(struct cf_at *at, struct cf_err *err)
{
	int r = at->file ? gone(cf_store_found_get(at->db, at->id, &at->found, err), err) : 0;

	return r < 0 ? r : 0;
}

static void attr_names(const struct cf_at *at, struct cf_attr *ret)
{
	cf_time time = 0;

	cf_view_attr(at, ret);
	cf_store_view_time(at->db, kind_of(at->dir), &time, NULL);
	if (at->file)
		time = at->found.time;
	ret->mtime = ret->ctime = time ? time : cf_constant_time(at);
}

/* As it is listed: without what people and programs put between the digits, in upper case. */
static bool spell_thumbprint(const char *name, char ret[256])
{
	size_t n = 0;

	for (; *name; name++) {
		if (*name == ' ' || *name == ':')
			continue;
		if (!strncmp(name, "\xe2\x80\x8e", 3)) { /* the Windows dialog copies it along */
			name += 2;
			continue;
		}
		if (n == 40 || !strchr("0123456789abcdefABCDEF", *name))
			return false;
		ret[n++] = *name >= 'a' ? (char)(*name - 'a' + 'A') : *name;
	}
	ret[n] = '\0';
	return n == 40;
}

static bool spell_domain(const char *name, char ret[256])
{
	if (strlen(name) >= 256)
		return false;
	strcpy(ret, name);
	cf_text_fold(ret);
	return true;
}

static int find_name(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	bool domain = is_domain(at->dir);
	char listed[256], wild[256];
	int r = 0;

	if (domain ? spell_domain(name, listed) : spell_thumbprint(name, listed))
		r = cf_store_found_find(at->db, kind_of(at->dir), listed, &child->found, err);
	if (r == 0 && domain && cf_name_domain(name, NULL) == 0 && cf_found_wildcard(listed, wild))
		r = cf_store_found_find(at->db, CF_VIEW_DOMAIN, wild, &child->found, err);
	if (r == 0)
		return cf_fail(err, ENOENT, "no certificate is found under '%s'", name);
	if (r < 0)
		return r;
	child->id = child->found.id;
	if (strcmp(child->found.name, name) != 0) {
		child->dir = at->dir;
		child->file = cf_file_numbered(at->dir, ROW_ALIAS);
	}
	return 0;
}

static int next_name(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err)
{
	int r = cf_store_found_next(at->db, kind_of(at->dir), after, &child->found, err);

	child->id = child->found.id;
	return r;
}

static const char *name_of_name(const struct cf_at *child)
{
	return child->found.name;
}

static int read_alias(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_buf_puts(out, at->found.name, err);
}

/* -- one name -------------------------------------------------------------------------------- */

/* What is listed elsewhere under the wildcard that covers a name counts for it too. 1 or 0. */
static int find_wild(const struct cf_at *at, const struct cf_found *found, struct cf_found *ret,
		     struct cf_err *err)
{
	char name[256];

	if (found->kind != CF_VIEW_DOMAIN || !cf_found_wildcard(found->name, name))
		return 0;
	return cf_store_found_find(at->db, CF_VIEW_DOMAIN, name, ret, err);
}

/* The certificate selected for a name on a server: an exact match before a wildcard. 1 or 0. */
static int pick(struct cf_at *at, const struct cf_found *found, int64_t server,
		struct cf_found_in *ret, struct cf_err *err)
{
	struct cf_found wild;
	int r = cf_store_found_pick(at->db, found->id, server, ret, err);

	if (r == 0) {
		r = find_wild(at, found, &wild, err);
		if (r > 0)
			r = cf_store_found_pick(at->db, wild.id, server, ret, err);
	}
	return r;
}

/* The tables say that child->cert is found under child->found; does it say so itself? */
static bool is_right(const struct cf_at *child)
{
	enum cf_view_kind kind = kind_of(child->dir);
	const char *name = child->found.name;
	char wild[256];

	return cf_found_is_right(&child->in, kind, name, &child->cert) ||
	       (kind == CF_VIEW_DOMAIN && cf_found_wildcard(name, wild) &&
		cf_found_is_right(&child->in, kind, wild, &child->cert));
}

/* Load what child->in leads to, and make the link's name. */
static int enter(struct cf_at *child, struct cf_err *err)
{
	struct cf_found_in first = { 0 };
	int r;

	cf_certificate_done(&child->cert);
	child->cert = (struct cf_certificate){ 0 };
	r = cf_load_certificate(child->db, child->in.certificate, &child->cert, &child->server,
				err);
	if (r == 0 && !is_right(child))
		r = cf_fail(err, EIO,
			    "what '%s' is found by was changed outside certfs; restore a backup",
			    child->cert.name);
	if (r == 0 && !is_domain(child->dir))
		r = cf_store_found_in_next_on(child->db, child->in.found, child->in.server, 0,
					      &first, err);
	if (r < 0)
		return r;
	snprintf(child->label, sizeof(child->label), "%s", child->server.name);
	if (!is_domain(child->dir) && first.id != child->in.id)
		cf_view_label(child->label, "", child->server.name, &child->cert);
	return 0;
}

static int load_name(struct cf_at *at, struct cf_err *err)
{
	int64_t found = at->id;
	int r;

	if (at->file && !is_domain(at->dir)) {
		r = gone(cf_store_found_in_get(at->db, at->id, &at->in, err), err);
		if (r < 0)
			return r;
		found = at->in.found;
	} else if (at->file) {
		found = cf_pair_found(at->id);
	}
	r = gone(cf_store_found_get(at->db, found, &at->found, err), err);
	if (r > 0 && at->found.kind != (int64_t)kind_of(at->dir))
		r = gone(0, err);
	if (r > 0 && at->file && is_domain(at->dir))
		r = gone(pick(at, &at->found, cf_pair_server(at->id), &at->in, err), err);
	if (r > 0 && at->file)
		r = enter(at, err);
	return r < 0 ? r : 0;
}

static void attr_name(const struct cf_at *at, struct cf_attr *ret)
{
	struct cf_found wild;

	cf_view_attr(at, ret);
	ret->mtime = at->file ? at->in.time : at->found.time;
	if (!at->file && find_wild(at, &at->found, &wild, NULL) > 0 && wild.time > ret->mtime)
		ret->mtime = wild.time;
	ret->ctime = ret->mtime;
}

static uint64_t parent_of_name(const struct cf_at *at)
{
	return cf_ino(is_domain(at->dir) ? CF_KIND_BY_DOMAIN : CF_KIND_BY_THUMBPRINT, 0, 0);
}

/* "EX01" is the first one on EX01; "EX01 mail" is another. */
static int find_thumbprint(struct cf_at *at, const char *name, struct cf_at *child,
			   struct cf_err *err)
{
	struct cf_server server;
	char head[256];
	int64_t after = 0;
	int r;

	snprintf(head, sizeof(head), "%.*s", (int)strcspn(name, " "), name);
	r = cf_store_server_find(at->db, head, &server, err);
	while (r == 0 && (r = cf_store_found_in_next_on(at->db, at->found.id, server.id, after,
							&child->in, err)) > 0) {
		after = child->in.id;
		r = enter(child, err);
		if (r == 0 && !strcmp(child->label, name))
			return 0;
	}
	return r < 0 ? r : cf_fail(err, ENOENT, "no '%s' here", name);
}

static int find_link(struct cf_at *at, const char *name, struct cf_at *child, struct cf_err *err)
{
	struct cf_server server;
	int r;

	child->found = at->found;
	if (!is_domain(at->dir)) {
		r = find_thumbprint(at, name, child, err);
		child->id = child->in.id;
		return r;
	}
	r = cf_store_server_find(at->db, name, &server, err);
	if (r < 0)
		return r;
	r = cf_pair(at->found.id, server.id, &child->id)
		    ? pick(at, &at->found, server.id, &child->in, err)
		    : 0;
	if (r == 0)
		return cf_fail(err, ENOENT, "no '%s' here", name);
	return r < 0 ? r : enter(child, err);
}

/* The next server that has one, under the name itself or the wildcard. */
static int next_server(struct cf_at *at, int64_t *server, struct cf_err *err)
{
	int64_t exact = INT64_MAX, covered = INT64_MAX;
	struct cf_found wild;
	int r = cf_store_found_next_server(at->db, at->found.id, *server, &exact, err);

	if (r >= 0)
		r = find_wild(at, &at->found, &wild, err);
	if (r > 0)
		r = cf_store_found_next_server(at->db, wild.id, *server, &covered, err);
	if (r < 0)
		return r;
	*server = exact < covered ? exact : covered;
	return *server != INT64_MAX;
}

static int next_entry(struct cf_at *at, int64_t *after, struct cf_at *child, struct cf_err *err)
{
	int r;

	if (!is_domain(at->dir)) {
		r = cf_store_found_in_next(at->db, at->found.id, *after, &child->in, err);
		child->id = *after = child->in.id;
		return r;
	}
	r = next_server(at, after, err);
	if (r > 0 && !cf_pair(at->found.id, *after, &child->id))
		return 0;
	return r > 0 ? pick(at, &at->found, *after, &child->in, err) : r;
}

/* What was changed outside certfs must not keep the rest from being listed. */
static int next_link(struct cf_at *at, int64_t after, struct cf_at *child, struct cf_err *err)
{
	int r;

	if (is_domain(at->dir))
		after = cf_pair_server(after);
	child->found = at->found;
	while ((r = next_entry(at, &after, child, err)) > 0) {
		r = enter(child, err);
		if (r != -EIO && r != -ESTALE)
			return r < 0 ? r : 1;
		cf_err_reset(err);
	}
	return r;
}

static const char *name_of_link(const struct cf_at *child)
{
	return child->label;
}

static int read_link(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	return cf_buf_printf(out, err, "../../%s/%s", at->server.name, at->cert.name);
}

/* -- the tables ------------------------------------------------------------------------------ */

static const struct cf_file aliases[] = {
	{
		.row = ROW_ALIAS,
		.type = CF_FILE_LINK,
		.mode = 0777,
		.read = read_alias,
		.volatile_ = true, /* nobody knows all spellings that were asked for */
	},
	{ 0 },
};

static const struct cf_file links[] = {
	{
		.row = ROW_LINK,
		.type = CF_FILE_LINK,
		.mode = 0777,
		.read = read_link,
		.volatile_ = true,
	},
	{ 0 },
};

static const struct cf_dir *const thumbprint = &cf_dir_thumbprint;
static const struct cf_dir *const domain_ = &cf_dir_domain;

#define NAMES(number, word, leads_to)                                                              \
	.kind = (number), .what = (word), .files = aliases, .load = load_names,                    \
	.attr = attr_names, .parent = cf_view_parent, .child = (leads_to), .find = find_name,      \
	.next = next_name, .name = name_of_name, .view = true

#define NAME(number, word, leads_to)                                                               \
	.kind = (number), .what = (word), .files = links, .load = load_name, .attr = attr_name,    \
	.parent = parent_of_name, .child = (leads_to), .child_row = ROW_LINK, .find = find_link,   \
	.next = next_link, .name = name_of_link, .view = true

const struct cf_dir cf_dir_by_thumbprint = { NAMES(CF_KIND_BY_THUMBPRINT, "_by-thumbprint",
						   &thumbprint) };
const struct cf_dir cf_dir_by_domain = { NAMES(CF_KIND_BY_DOMAIN, "_by-domain", &domain_) };
const struct cf_dir cf_dir_thumbprint = { NAME(CF_KIND_THUMBPRINT, "_by-thumbprint", &thumbprint) };
const struct cf_dir cf_dir_domain = { NAME(CF_KIND_DOMAIN, "_by-domain", &domain_) };
