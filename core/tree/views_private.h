/* What the views of the root share: _by-thumbprint, _by-domain, _expiring, _notifications. */
#pragma once

#include "core/procedures/notify.h"
#include "core/store/found.h"
#include "core/tree/node_private.h"

/* Owner and mode of a view's directories. */
void cf_view_attr(const struct cf_at *at, struct cf_attr *ret);
uint64_t cf_view_parent(const struct cf_at *at);

/*
 * The name of a link that has a certificate's name in it: prefix, server, certificate, with blanks
 * between them (a server's name has none). One that would be longer than a name can be has "_" and
 * the certificate's number instead, which no server's and no certificate's name begins with.
 */
void cf_view_label(char ret[256], const char *prefix, const char *server,
		   const struct cf_certificate *cert);

/*
 * A name and a server as the id of one inode. False when one of them is over its share of the 48
 * bits: a million servers, or 268 million names in the life of a store.
 */
bool cf_pair(int64_t found, int64_t server, int64_t *ret);
int64_t cf_pair_found(int64_t pair);
int64_t cf_pair_server(int64_t pair);

/* _notifications, a file of the root. */
int cf_read_notifications(struct cf_at *at, struct cf_buf *out, struct cf_err *err);
cf_time cf_notifications_time(const struct cf_at *at);
