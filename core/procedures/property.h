/* What a request asks for, property by property: the files of a draft and the lines of request.csr. */
#pragma once

#include "core/procedures/setting.h"

#define CF_FRIENDLY_NAME_MAX 63 /* characters: Exchange takes names under 64 */
#define CF_COMMON_NAME_MAX 64   /* bytes: RFC 5280 appendix A.1, ub-common-name */
#define CF_PROPERTY_MAX 65536   /* bytes of a value */

/*
 * Set one property ("subject", "domains", "key-type", "exportable", "friendly-name") of a row in
 * memory, checked. An empty subject, list or friendly name is none.
 *
 * row     a draft; of a request or certificate only friendly-name can be set (-EACCES)
 * settings  of its server, for what @server, @fqdn, @accepted, @autodiscover stand for
 * value   one line; domains: names separated by newlines, commas or blanks
 *
 * 0, -EINVAL with a sentence that names value and rule, -EACCES, -ENOMEM; *row unchanged then.
 */
int cf_property_set(struct cf_certificate *row, const struct cf_settings *settings,
		    const char *name, const char *value, struct cf_err *err);

/* The same in a transaction of its own: what writing the file does. */
int cf_property_write(struct cf_ctx *ctx, int64_t certificate, const char *name, const char *value,
		      struct cf_err *err);

/* The value that a new draft has. `name` is a property. */
int cf_property_reset(struct cf_ctx *ctx, int64_t certificate, const char *name,
		      struct cf_err *err);

/* True when `name` is a property. */
bool cf_property_known(const char *name);

/* Append a domain to a list (one per line) unless it is there in any case. 0 or -ENOMEM. */
int cf_domains_add(struct cf_buf *list, const char *domain, struct cf_err *err);
