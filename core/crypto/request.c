/* Certification requests; see request.h. */
#include "core/crypto/request.h"

#include <errno.h>

#include "core/base/cleanup.h"
#include "core/crypto/certificate_private.h"
#include "core/crypto/profile_private.h"

static int set_subject(X509_REQ *req, struct cf_span der, bool *ret_empty, struct cf_err *err)
{
	cf_auto(X509_NAME_free) X509_NAME *name = cf_profile_name(der);

	if (!name || X509_REQ_set_subject_name(req, name) != 1)
		return cf_ossl_fail(err, EIO, "setting the subject of a request");
	*ret_empty = !X509_NAME_entry_count(name);
	return 0;
}

static int add_extensions(X509_REQ *req, const char *domains, bool names_alone, struct cf_err *err)
{
	cf_auto(cf_extensions_free) X509_EXTENSIONS *list = NULL;
	int r = cf_profile(domains, names_alone, &list, err);

	if (r == 0 && X509_REQ_add_extensions(req, list) != 1)
		r = cf_ossl_fail(err, EIO, "adding the extensions to a request");
	return r;
}

/* A curve of 384 bits deserves a digest as strong (FIPS 186-5 section 6.1.1). */
static const EVP_MD *digest_for(const struct cf_key *key)
{
	bool p384 = EVP_PKEY_is_a(key->pkey, "EC") && EVP_PKEY_get_bits(key->pkey) >= 384;

	return p384 ? EVP_sha384() : EVP_sha256();
}

int cf_request_build(const struct cf_key *key, struct cf_span subject, const char *domains,
		     struct cf_buf *out, struct cf_err *err)
{
	cf_auto(X509_REQ_free) X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	bool empty = false;
	int n, r;

	if (!req || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1)
		return cf_ossl_fail(err, EIO, "making a request");
	r = set_subject(req, subject, &empty, err);
	if (r == 0)
		r = add_extensions(req, domains, empty, err);
	if (r < 0)
		return r;
	if (X509_REQ_set_pubkey(req, key->pkey) != 1 ||
	    X509_REQ_sign(req, key->pkey, digest_for(key)) <= 0)
		return cf_ossl_fail(err, EIO, "signing a request");
	n = i2d_X509_REQ(req, &der);
	if (n < 0)
		return cf_ossl_fail(err, EIO, "encoding a request");
	r = cf_buf_append(out, der, (size_t)n, err);
	OPENSSL_free(der);
	cf_ossl_drain();
	return r;
}

int cf_request_domains(struct cf_span der, struct cf_buf *out, struct cf_err *err)
{
	const unsigned char *p = der.data;
	cf_auto(X509_REQ_free) X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.len);
	cf_auto(cf_extensions_free) X509_EXTENSIONS *list = NULL;
	cf_auto(GENERAL_NAMES_free) GENERAL_NAMES *names = NULL;

	if (req)
		list = X509_REQ_get_extensions(req);
	if (list)
		names = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);
	if (cf_ossl_drain())
		return cf_fail_memory(err);
	if (!names)
		return cf_fail(err, EBADMSG, "the request has no names");
	return cf_domains_text(names, out, err);
}
