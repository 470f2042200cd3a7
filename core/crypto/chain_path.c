/*
 * Finding certification paths (RFC 4158). OpenSSL builds one path and does not come back to a
 * fork, so a renewed or cross-signed CA would make it fail at the wrong twin; here every path is
 * followed, and OpenSSL judges the ones found.
 */
#include "core/crypto/chain_private.h"

struct search {
	const struct cf_pool *pool;
	struct cf_path path;
	int paths_left;
	int edges_left;
	cf_path_fn *visit;
	void *arg;
};

static bool visit(struct search *s, enum cf_path_end end)
{
	s->path.end = end;
	return s->visit(&s->path, s->arg) || --s->paths_left <= 0;
}

/*
 * The same name with the same key again is a loop, whatever else differs (RFC 4158 section 5.2):
 * CAs that certify each other, or a crowd of certificates for one CA.
 */
static bool in_path(const struct cf_path *path, X509 *x)
{
	for (size_t i = 0; i < path->n; i++) {
		X509 *other = path->certificates[i];

		if (!X509_NAME_cmp(X509_get_subject_name(x), X509_get_subject_name(other)) &&
		    EVP_PKEY_eq(X509_get0_pubkey(x), X509_get0_pubkey(other)) == 1)
			return true;
	}
	return false;
}

/*
 * Did item issue top? *end is told why not when name and key identifier say it did. A signature
 * that doesn't verify outranks a forbidden use, as it may come from a twin of the real issuer.
 */
static bool issued(struct search *s, const struct cf_pool_item *item, X509 *top,
		   enum cf_path_end *end)
{
	int r = X509_check_issued(item->x, top);

	if (r != X509_V_OK && r != X509_V_ERR_KEYUSAGE_NO_CERTSIGN)
		return false;
	if (s->edges_left-- <= 0)
		return false;
	if (!cf_x509_signed_by(top, item->x)) {
		if (*end == CF_PATH_MISSING)
			*end = CF_PATH_BAD_SIGNATURE;
		return false;
	}
	if (r != X509_V_OK)
		*end = CF_PATH_MAY_NOT_SIGN;
	return r == X509_V_OK;
}

/* Follow every edge from the last certificate of the path. True when the visitor has enough. */
static bool extend(struct search *s)
{
	struct cf_path *path = &s->path;
	X509 *top = path->certificates[path->n - 1];
	enum cf_path_end end = CF_PATH_MISSING;
	bool any = false;

	if (cf_x509_self_issued(top) && cf_x509_signed_by(top, top))
		return visit(s, CF_PATH_ROOT);
	if (path->n == CF_PATH_MAX)
		return visit(s, CF_PATH_TOO_LONG);
	for (size_t i = 0; i < s->pool->n; i++) {
		const struct cf_pool_item *item = &s->pool->items[i];
		bool enough;

		if (!issued(s, item, top, &end) || in_path(path, item->x))
			continue;
		any = true;
		path->certificates[path->n] = item->x;
		path->items[path->n++] = item;
		if (item->kind == CF_POOL_ISSUER)
			enough = extend(s);
		else
			enough = visit(s, CF_PATH_ANCHORED);
		path->n--;
		if (enough)
			return true;
	}
	/* Its own name as issuer, and a signature that is not its own. */
	if (end == CF_PATH_MISSING && cf_x509_self_issued(top))
		end = CF_PATH_BAD_SIGNATURE;
	return any ? false : visit(s, end);
}

void cf_path_search(const struct cf_pool *pool, X509 *leaf, cf_path_fn *visit_fn, void *arg)
{
	struct search s = {
		.pool = pool,
		.path = { .certificates = { leaf }, .n = 1 },
		.paths_left = CF_PATHS_TRIED,
		.edges_left = CF_EDGES_TRIED,
		.visit = visit_fn,
		.arg = arg,
	};

	if (cf_x509_self_issued(leaf) && cf_x509_signed_by(leaf, leaf))
		visit(&s, CF_PATH_ANCHORED);
	else
		extend(&s);
}
