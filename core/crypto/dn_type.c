/* The attribute types of distinguished names and what their values may be; see dn_private.h. */
#include "core/crypto/dn_private.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/objects.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/crypto/dn.h"

#define UTF8 V_ASN1_UTF8STRING
#define PRINTABLE V_ASN1_PRINTABLESTRING
#define IA5 V_ASN1_IA5STRING

/* Limits: RFC 5280 appendix A.1, for the rest X.520. Keywords: Windows' where RFC 4514 has none. */
static const struct cf_dn_type types[] = {
	{ "CN", { "commonName" }, NID_commonName, UTF8, 64, false },
	{ "C", { "countryName" }, NID_countryName, PRINTABLE, 2, true },
	{ "S", { "ST", "stateOrProvinceName" }, NID_stateOrProvinceName, UTF8, 128, true },
	{ "L", { "localityName" }, NID_localityName, UTF8, 128, false },
	{ "O", { "organizationName" }, NID_organizationName, UTF8, 64, true },
	{ "OU", { "organizationalUnitName" }, NID_organizationalUnitName, UTF8, 64, false },
	{ "DC", { "domainComponent" }, NID_domainComponent, IA5, 63, true },
	{ "E", { "emailAddress", "EMAIL" }, NID_pkcs9_emailAddress, IA5, 255, false },
	{ "UID", { "userId" }, NID_userId, UTF8, 256, false },
	{ "STREET", { "streetAddress" }, NID_streetAddress, UTF8, 128, false },
	{ "POSTALCODE", { NULL }, NID_postalCode, UTF8, 40, false },
	{ "SERIALNUMBER", { NULL }, NID_serialNumber, PRINTABLE, 64, false },
	{ "T", { "title" }, NID_title, UTF8, 64, false },
	{ "SN", { "surname" }, NID_surname, UTF8, 32768, false },
	{ "G", { "GN", "givenName" }, NID_givenName, UTF8, 32768, false },
	{ "I", { "initials" }, NID_initials, UTF8, 32768, false },
	{ "NAME", { NULL }, NID_name, UTF8, 32768, false },
	{ "PSEUDONYM", { NULL }, NID_pseudonym, UTF8, 128, false },
	{ "GENERATIONQUALIFIER", { NULL }, NID_generationQualifier, UTF8, 32768, false },
	{ "DNQUALIFIER", { NULL }, NID_dnQualifier, PRINTABLE, 0, false },
	{ "DESCRIPTION", { NULL }, NID_description, UTF8, 1024, false },
	{ "BUSINESSCATEGORY", { NULL }, NID_businessCategory, UTF8, 128, false },
	{ "ORGANIZATIONIDENTIFIER", { NULL }, NID_organizationIdentifier, UTF8, 0, false },
	{ "JURISDICTIONC", { NULL }, NID_jurisdictionCountryName, PRINTABLE, 2, false },
	{ "JURISDICTIONS",
	  { "JURISDICTIONST" },
	  NID_jurisdictionStateOrProvinceName,
	  UTF8,
	  128,
	  false },
	{ "JURISDICTIONL", { NULL }, NID_jurisdictionLocalityName, UTF8, 128, false },
};

static bool is(const char *name, const char *keyword, size_t n)
{
	return name && strlen(name) == n && !strncasecmp(name, keyword, n);
}

const struct cf_dn_type *cf_dn_type_keyword(const char *keyword, size_t n)
{
	for (size_t i = 0; i < CF_COUNT(types); i++)
		if (is(types[i].keyword, keyword, n) || is(types[i].aliases[0], keyword, n) ||
		    is(types[i].aliases[1], keyword, n))
			return &types[i];
	return NULL;
}

const struct cf_dn_type *cf_dn_type_nid(int nid)
{
	for (size_t i = 0; i < CF_COUNT(types); i++)
		if (types[i].nid == nid)
			return &types[i];
	return NULL;
}

bool cf_dn_is_oid(const char *text)
{
	for (const char *p = text;; p++) {
		size_t n = strspn(p, "0123456789");

		if (!n || (p[n] && p[n] != '.'))
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

bool cf_dn_type_known(const char *type)
{
	return cf_dn_type_keyword(type, strlen(type)) ||
	       cf_dn_is_oid(strncasecmp(type, "OID.", 4) ? type : type + 4);
}

static size_t characters(const struct cf_buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += (text->data[i] & 0xc0) != 0x80;
	return n;
}

static bool charset_ok(int string, const struct cf_buf *text)
{
	if (string == UTF8)
		return true;
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];

		if (c >= 0x80)
			return false;
		if (string == PRINTABLE && !isalnum(c) && !strchr(" '()+,-./:=?", c))
			return false;
	}
	return true;
}

static bool country_ok(const struct cf_buf *text)
{
	return text->len == 2 && isalpha((unsigned char)text->data[0]) &&
	       isalpha((unsigned char)text->data[1]);
}

int cf_dn_check(const struct cf_dn_type *type, const char *label, const struct cf_buf *text,
		const ASN1_STRING *string, struct cf_err *err)
{
	if (!text->len && (!string || type || !ASN1_STRING_length(string)))
		return cf_fail(err, EINVAL, "%s: the value is missing", label);
	if (!cf_text_utf8_ok(cf_buf_text(text), text->len))
		return cf_fail(err, EINVAL, "%s: the value isn't UTF-8, or has a NUL", label);
	if (!type)
		return 0;
	if (type->string == PRINTABLE && type->max == 2 && !country_ok(text))
		return cf_fail(err, EINVAL, "%s=%.64s: a country is two letters", label,
			       text->data);
	if (type->max && type->nid != NID_commonName && characters(text) > type->max)
		return cf_fail(err, EINVAL, "%s: the value has more than %zu characters", label,
			       type->max);
	if (string || charset_ok(type->string, text))
		return 0;
	if (type->string == IA5)
		return cf_fail(err, EINVAL, "%s=%.64s: only ASCII can stand here", label,
			       text->data);
	return cf_fail(err, EINVAL,
		       "%s=%.64s: only letters, digits, blanks and ' ( ) + , - . / : = ? can stand "
		       "here",
		       label, text->data);
}
