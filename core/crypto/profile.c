/* The profile of Exchange's certificates; see profile_private.h. */
#include "core/crypto/profile_private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/name.h"
#include "core/crypto/request.h"

#define KEY_USAGE_DIGITAL_SIGNATURE 0 /* bit numbers, RFC 5280 section 4.2.1.3 */
#define KEY_USAGE_KEY_ENCIPHERMENT 2

CF_DEFINE_AUTO(ASN1_BIT_STRING, ASN1_BIT_STRING_free);
CF_DEFINE_AUTO(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free);
CF_DEFINE_AUTO(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);
CF_DEFINE_AUTO(GENERAL_NAME, GENERAL_NAME_free);

void cf_extensions_free(X509_EXTENSIONS *list)
{
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

/* The value as its own ASN.1 type; no name passes through a parser of text. */
static int add_extension(X509_EXTENSIONS **list, int nid, void *value, bool critical,
			 struct cf_err *err)
{
	if (!value || X509V3_add1_i2d(list, nid, value, critical, X509V3_ADD_APPEND) != 1)
		return cf_ossl_fail(err, EIO, "adding an extension to a request");
	return 0;
}

static int add_key_usage(X509_EXTENSIONS **list, struct cf_err *err)
{
	cf_auto(ASN1_BIT_STRING_free) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

	if (!bits || !ASN1_BIT_STRING_set_bit(bits, KEY_USAGE_DIGITAL_SIGNATURE, 1) ||
	    !ASN1_BIT_STRING_set_bit(bits, KEY_USAGE_KEY_ENCIPHERMENT, 1))
		return cf_ossl_fail(err, EIO, "adding an extension to a request");
	return add_extension(list, NID_key_usage, bits, true, err);
}

static int add_purpose(X509_EXTENSIONS **list, struct cf_err *err)
{
	cf_auto(EXTENDED_KEY_USAGE_free) EXTENDED_KEY_USAGE *purposes = EXTENDED_KEY_USAGE_new();

	if (!purposes || sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_server_auth)) <= 0)
		return cf_ossl_fail(err, EIO, "adding an extension to a request");
	return add_extension(list, NID_ext_key_usage, purposes, false, err);
}

static int add_constraints(X509_EXTENSIONS **list, struct cf_err *err)
{
	cf_auto(BASIC_CONSTRAINTS_free) BASIC_CONSTRAINTS *none = BASIC_CONSTRAINTS_new();

	return add_extension(list, NID_basic_constraints, none, true, err);
}

/* One line of `domains` as dNSName or iPAddress (RFC 5280 section 4.2.1.6). */
static int add_domain(GENERAL_NAMES *names, const char *domain, struct cf_err *err)
{
	cf_auto(GENERAL_NAME_free) GENERAL_NAME *name = GENERAL_NAME_new();
	unsigned char ip[16];
	size_t ip_len;
	bool is_ip = cf_name_ip(domain, ip, &ip_len);
	ASN1_STRING *value = ASN1_STRING_type_new(is_ip ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	int r = cf_name_domain(domain, err);

	if (!name || !value ||
	    !ASN1_STRING_set(value, is_ip ? (const void *)ip : domain,
			     is_ip ? (int)ip_len : (int)strlen(domain))) {
		ASN1_STRING_free(value);
		return cf_ossl_fail(err, EIO, "adding a name to a request");
	}
	GENERAL_NAME_set0_value(name, is_ip ? GEN_IPADD : GEN_DNS, value);
	if (r < 0)
		return r;
	if (sk_GENERAL_NAME_push(names, name) <= 0)
		return cf_ossl_fail(err, EIO, "adding a name to a request");
	(void)cf_take(&name);
	return 0;
}

static int add_domains(X509_EXTENSIONS **list, const char *domains, bool critical,
		       struct cf_err *err)
{
	cf_auto(GENERAL_NAMES_free) GENERAL_NAMES *names = GENERAL_NAMES_new();

	if (!names)
		return cf_ossl_fail(err, EIO, "adding a name to a request");
	for (const char *p = domains; *p;) {
		size_t n = strcspn(p, "\n");
		char line[CF_DOMAIN_MAX + 1];
		int r;

		if (n > CF_DOMAIN_MAX)
			return cf_fail(err, EINVAL, "a domain name has at most %d bytes",
				       CF_DOMAIN_MAX);
		memcpy(line, p, n);
		line[n] = '\0';
		p += n + (p[n] == '\n');
		if (!n)
			continue;
		if (sk_GENERAL_NAME_num(names) >= CF_DOMAINS_MAX)
			return cf_fail(err, EINVAL, "a request has at most %d domains",
				       CF_DOMAINS_MAX);
		r = add_domain(names, line, err);
		if (r < 0)
			return r;
	}
	if (!sk_GENERAL_NAME_num(names))
		return cf_fail(err, EINVAL, "a request needs at least one domain");
	return add_extension(list, NID_subject_alt_name, names, critical, err);
}

/* In the order in which Exchange writes them. */
int cf_profile(const char *domains, bool names_alone, X509_EXTENSIONS **ret, struct cf_err *err)
{
	cf_auto(cf_extensions_free) X509_EXTENSIONS *list = NULL;
	int r = add_key_usage(&list, err);

	if (r == 0)
		r = add_domains(&list, domains, names_alone, err);
	if (r == 0)
		r = add_purpose(&list, err);
	if (r == 0)
		r = add_constraints(&list, err);
	if (r == 0)
		*ret = cf_take(&list);
	return r;
}

X509_NAME *cf_profile_name(struct cf_span der)
{
	const unsigned char *p = der.data;
	X509_NAME *name = NULL;

	if (der.len <= LONG_MAX)
		name = d2i_X509_NAME(NULL, &p, (long)der.len);
	if (name && p == (const unsigned char *)der.data + der.len)
		return name;
	X509_NAME_free(name);
	return NULL;
}
