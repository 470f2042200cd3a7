/* What the parts of dn.h share: the attribute types that have a keyword. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/crypto/ossl_private.h"

struct cf_dn_type {
	const char *keyword;    /* as shown, upper case */
	const char *aliases[2]; /* understood too; NULL when there are fewer */
	int nid;                /* OpenSSL's number */
	int string;             /* V_ASN1_…: how a value is encoded */
	size_t max;             /* characters (of a CN: bytes); 0 for no limit */
	bool first;             /* a name that starts with it is encoded as written */
};

/* The type of a keyword of n bytes in any case, or of an OpenSSL number; NULL if there is none. */
const struct cf_dn_type *cf_dn_type_keyword(const char *keyword, size_t n);
const struct cf_dn_type *cf_dn_type_nid(int nid);

/* Digits between single dots. OpenSSL would take an empty arc for 0, and show a longer OID. */
bool cf_dn_is_oid(const char *text);

/*
 * The rules for what a value is, however it was written.
 *
 * type    NULL for an OID without keyword
 * label   what the type is called in sentences
 * text    the value as UTF-8; empty for what isn't text
 * string  the value of a #hex form, whose encoding is its writer's choice; NULL otherwise
 *
 * 0 or -EINVAL with a sentence.
 */
int cf_dn_check(const struct cf_dn_type *type, const char *label, const struct cf_buf *text,
		const ASN1_STRING *string, struct cf_err *err);

/* Append a string of any ASN.1 type as UTF-8. 0, -ENOMEM, or 1 when it isn't text. */
int cf_dn_utf8(const ASN1_STRING *value, struct cf_buf *out, struct cf_err *err);
