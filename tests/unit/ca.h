/* A certification authority for tests: certificates with whatever is wrong with them, in memory. */
#pragma once

#include "tests/support.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/base/buf.h"
#include "core/base/pack.h"

/* A certificate and its key. */
struct made {
	X509 *x;
	EVP_PKEY *key;
	struct cf_buf der;
};

/* What to make. Everything that is 0 has a sensible default. */
struct spec {
	const char *cn;
	const struct made *issuer; /* NULL: self-signed */
	EVP_PKEY *key;             /* instead of a new one; borrowed */
	bool ca;
	bool may_not_sign;     /* keyUsage without keyCertSign */
	bool no_key_id;        /* neither SKID nor AKID */
	bool bad_signature;    /* a bit flipped */
	long path_len;         /* 0: no constraint, n: n - 1 */
	const char *from;      /* 20200101000000Z */
	const char *to;        /* 20400101000000Z */
	const char *dns;       /* one dNSName; "" for no subjectAltName; NULL: the CN of a leaf */
	int eku;               /* NID; 0: serverAuth on leaves */
	const char *permit;    /* nameConstraints: permitted dNSName */
	long serial;           /* 0: counted */
	void (*more)(X509 *x); /* before signing */
};

static inline EVP_PKEY *make_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

static inline void add_dns(GENERAL_NAMES *names, int type, const void *bytes, int len)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value =
		type == GEN_IPADD ? (ASN1_STRING *)ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

	assert_true(ASN1_STRING_set(value, bytes, len));
	GENERAL_NAME_set0_value(name, type, value);
	assert_true(sk_GENERAL_NAME_push(names, name));
}

static inline void add_names(X509 *x, GENERAL_NAMES *names)
{
	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE),
			 1);
	GENERAL_NAMES_free(names);
}

static inline void add_usage(X509 *x, bool ca, bool may_not_sign)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();

	ASN1_BIT_STRING_set_bit(usage, 0, 1);
	ASN1_BIT_STRING_set_bit(usage, 5, ca && !may_not_sign);
	ASN1_BIT_STRING_set_bit(usage, 6, ca);
	assert_int_equal(X509_add1_ext_i2d(x, NID_key_usage, usage, 1, 0), 1);
	ASN1_BIT_STRING_free(usage);
}

static inline void add_constraints(X509 *x, const struct spec *spec)
{
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();

	basic->ca = spec->ca ? 0xff : 0;
	if (spec->path_len) {
		basic->pathlen = ASN1_INTEGER_new();
		ASN1_INTEGER_set(basic->pathlen, spec->path_len - 1);
	}
	assert_int_equal(X509_add1_ext_i2d(x, NID_basic_constraints, basic, 1, 0), 1);
	BASIC_CONSTRAINTS_free(basic);
	if (spec->permit) {
		NAME_CONSTRAINTS *names = NAME_CONSTRAINTS_new();
		GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
		ASN1_IA5STRING *value = ASN1_IA5STRING_new();

		ASN1_STRING_set(value, spec->permit, -1);
		GENERAL_NAME_set0_value(tree->base, GEN_DNS, value);
		names->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
		sk_GENERAL_SUBTREE_push(names->permittedSubtrees, tree);
		assert_int_equal(X509_add1_ext_i2d(x, NID_name_constraints, names, 1, 0), 1);
		NAME_CONSTRAINTS_free(names);
	}
}

static inline ASN1_OCTET_STRING *key_id(EVP_PKEY *key)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char *der = NULL, sum[20];
	int len = i2d_PUBKEY(key, &der);

	assert_true(EVP_Digest(der, (size_t)len, sum, NULL, EVP_sha1(), NULL));
	OPENSSL_free(der);
	ASN1_OCTET_STRING_set(id, sum, sizeof(sum));
	return id;
}

static inline void add_key_ids(X509 *x, EVP_PKEY *subject, EVP_PKEY *issuer)
{
	ASN1_OCTET_STRING *id = key_id(subject);
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();

	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, 0), 1);
	ASN1_OCTET_STRING_free(id);
	authority->keyid = key_id(issuer);
	assert_int_equal(X509_add1_ext_i2d(x, NID_authority_key_identifier, authority, 0, 0), 1);
	AUTHORITY_KEYID_free(authority);
}

static inline void add_extensions(X509 *x, const struct spec *spec, EVP_PKEY *key, EVP_PKEY *signer)
{
	const char *dns = spec->dns ? spec->dns : spec->ca ? "" : spec->cn;
	int eku = spec->eku ? spec->eku : spec->ca ? 0 : NID_server_auth;

	add_constraints(x, spec);
	add_usage(x, spec->ca, spec->may_not_sign);
	if (*dns) {
		GENERAL_NAMES *names = GENERAL_NAMES_new();

		add_dns(names, GEN_DNS, dns, -1);
		add_names(x, names);
	}
	if (eku) {
		EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();

		sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(eku));
		assert_int_equal(X509_add1_ext_i2d(x, NID_ext_key_usage, usage, 0, 0), 1);
		sk_ASN1_OBJECT_free(usage);
	}
	if (!spec->no_key_id)
		add_key_ids(x, key, signer);
}

/* Sign again after a change, and take the DER anew. */
static inline void made_sign(struct made *m, EVP_PKEY *signer, bool bad)
{
	unsigned char *der = NULL;
	int len;

	EVP_PKEY_up_ref(signer);
	assert_true(X509_sign(m->x, signer, EVP_sha256()) > 0);
	EVP_PKEY_free(signer);
	len = i2d_X509(m->x, &der);
	assert_true(len > 0);
	if (bad)
		der[len - 1] ^= 1;
	cf_buf_done(&m->der);
	assert_int_equal(cf_buf_append(&m->der, der, (size_t)len, NULL), 0);
	OPENSSL_free(der);
	if (bad) {
		const unsigned char *p = (unsigned char *)m->der.data;

		X509_free(m->x);
		m->x = d2i_X509(NULL, &p, len);
		assert_non_null(m->x);
	}
}

static inline struct made make(struct spec spec)
{
	static long serial = 1;
	struct made m = { .x = X509_new(), .key = spec.key };
	X509_NAME *name = X509_get_subject_name(m.x);
	EVP_PKEY *signer;

	if (m.key)
		EVP_PKEY_up_ref(m.key);
	else
		m.key = make_key();
	signer = spec.issuer ? spec.issuer->key : m.key;
	X509_set_version(m.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m.x), spec.serial ? spec.serial : serial++);
	assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					       (const unsigned char *)spec.cn, -1, -1, 0));
	X509_set_issuer_name(m.x, spec.issuer ? X509_get_subject_name(spec.issuer->x) : name);
	ASN1_TIME_set_string_X509(X509_getm_notBefore(m.x),
				  spec.from ? spec.from : "20200101000000Z");
	ASN1_TIME_set_string_X509(X509_getm_notAfter(m.x), spec.to ? spec.to : "20400101000000Z");
	X509_set_pubkey(m.x, m.key);
	add_extensions(m.x, &spec, m.key, signer);
	if (spec.more)
		spec.more(m.x);
	made_sign(&m, signer, spec.bad_signature);
	return m;
}

static inline void made_done(struct made *m)
{
	X509_free(m->x);
	EVP_PKEY_free(m->key);
	cf_buf_done(&m->der);
}

static inline void make_entry(X509_CRL *crl, long serial, ASN1_TIME *when)
{
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	ASN1_INTEGER_set(number, serial);
	X509_REVOKED_set_serialNumber(revoked, number);
	X509_REVOKED_set_revocationDate(revoked, when);
	X509_CRL_add0_revoked(crl, revoked);
	ASN1_INTEGER_free(number);
}

/* A CRL by ca that lists serial (0: none) and so many others, from one date to another, as DER. */
static inline struct cf_buf make_long_crl(const struct made *ca, long serial, long others,
					  const char *from, const char *to)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	struct cf_buf out = { 0 };
	unsigned char *der = NULL;
	int len;

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x));
	ASN1_TIME_set_string_X509(t, from);
	X509_CRL_set1_lastUpdate(crl, t);
	for (long i = 0; i < others; i++)
		make_entry(crl, 1000000 + i, t);
	if (serial)
		make_entry(crl, serial, t);
	ASN1_TIME_set_string_X509(t, to);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_TIME_free(t);
	assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	len = i2d_X509_CRL(crl, &der);
	assert_true(len > 0);
	assert_int_equal(cf_buf_append(&out, der, (size_t)len, NULL), 0);
	OPENSSL_free(der);
	X509_CRL_free(crl);
	return out;
}

static inline struct cf_buf make_crl(const struct made *ca, long serial, const char *from,
				     const char *to)
{
	return make_long_crl(ca, serial, 0, from, to);
}
