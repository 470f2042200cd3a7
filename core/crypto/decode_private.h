/* What decode.c keeps while it walks through a file. */
#pragma once

#include "core/crypto/decode.h"

struct cf_walk {
	struct cf_decoded out;
	size_t n_certificates;
	bool saw_request; /* refused only when nothing else is there */
};

void cf_item_done(struct cf_item *item);
CF_DEFINE_DONE(struct cf_item, cf_item_done);

/*
 * Move an item into the walk, unless the same is there already; *item is empty or still to be
 * released afterwards. 0, -EFBIG, -ENOMEM.
 */
int cf_walk_keep(struct cf_walk *walk, struct cf_item *item, struct cf_err *err);

/* Add one object of DER; what it is, its structure says. 0 or an errno of cf_decode(). */
int cf_walk_der(struct cf_walk *walk, struct cf_span der, struct cf_err *err);

/*
 * Add a private key: PKCS#8 or the traditional forms of RSA (RFC 8017) and EC (RFC 5915) keys. Its
 * halves must belong together. 0, -ENOMEM, -EBADMSG, -EINVAL.
 */
int cf_walk_key(struct cf_walk *walk, struct cf_span der, struct cf_err *err);
