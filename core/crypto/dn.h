/* Distinguished names: what people write and read, and the DER between (RFC 5280, RFC 4514). */
#pragma once

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/pack.h"

struct cf_dn {
	struct cf_buf der; /* Name, DER; empty sequence when only a too long CN was given */
	char *shown;       /* most specific first, RFC 4514, safe to show; can be written back */
	char *common_name; /* the CN as UTF-8 text (the most specific one), not escaped, never NULL */
};

/*
 * Parse a name as Windows and OpenSSL users write it:
 * `C=US,S=WA,L=Redmond,O="Contoso, Ltd.",OU=IT,CN=mail.contoso.com`. S and ST are the same. RFC
 * 4514 escapes (\, \" \# \+ \; \\ \20 hex pairs), quotes, multi-valued RDNs with +, dotted OIDs,
 * OID=#hex. A name that starts with C, DC, S/ST or O is encoded as written, any other reversed.
 * CN is required; C is two letters (PrintableString); lengths are the upper bounds of RFC 5280
 * appendix A; values are UTF-8 (PrintableString for C, serialNumber; IA5String for DC, email). A
 * CN over 64 bytes stays out of the DER and the shown form, but is returned in common_name.
 * Refused: empty values, NUL, raw control and bidirectional characters (hex pairs are taken).
 *
 * text   one line, NUL-terminated; borrowed
 * ret    filled on success, released with cf_dn_done(); untouched on failure
 *
 * 0, -ENOMEM, or -EINVAL with a sentence that names the part and the rule.
 */
int cf_dn_parse(const char *text, struct cf_dn *ret, struct cf_err *err);

/* True for what can stand in front of the equals sign: a keyword, or an OID. */
bool cf_dn_type_known(const char *type);

/*
 * The same for a name as cf_dn_show() shows it: most specific first, whatever it starts with. It
 * may be empty or have no CN.
 */
int cf_dn_parse_shown(const char *text, struct cf_dn *ret, struct cf_err *err);

/*
 * Append a Name (DER) in the form of .shown: RFC 4514 with ", " between RDNs, most specific first,
 * `S` for state; control and bidi characters escaped as RFC 4514 hex pairs so that the result is
 * safe in a terminal. Parsing it gives the same DER for every name that cf_dn_parse() made, and
 * for foreign ones too but for this: UTF8String and PrintableString are both shown as text and
 * come back as what cf_dn_parse() chooses (equal names by RFC 5280 section 7.1). Other string
 * types and types without keyword are shown as #hex. If the most specific part is a C, DC, S or O
 * beside a CN, its type is shown as an OID, or the text would be taken as written. out is
 * unchanged on failure. 0, -ENOMEM, -EBADMSG.
 */
int cf_dn_show(struct cf_span der, struct cf_buf *out, struct cf_err *err);

/* Append the most specific CN as escaped text; nothing when there is none. 0, -ENOMEM, -EBADMSG. */
int cf_dn_common_name(struct cf_span der, struct cf_buf *out, struct cf_err *err);

void cf_dn_done(struct cf_dn *dn);
CF_DEFINE_DONE(struct cf_dn, cf_dn_done);
