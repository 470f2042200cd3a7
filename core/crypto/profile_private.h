/* What requests and self-signed certificates have in common: Exchange's extensions. */
#pragma once

#include "core/crypto/ossl_private.h"

void cf_extensions_free(X509_EXTENSIONS *list);
CF_DEFINE_AUTO(X509_EXTENSIONS, cf_extensions_free);

/*
 * keyUsage, subjectAltName, extKeyUsage and basicConstraints, as cf_request_build() says.
 *
 * domains      one name per line; borrowed
 * names_alone  the subject is empty, so that the names are critical
 *
 * 0 and *ret; -EINVAL, -ENOMEM, -EIO.
 */
int cf_profile(const char *domains, bool names_alone, X509_EXTENSIONS **ret, struct cf_err *err);

/* A Name from its DER and nothing behind it; NULL with the reason in OpenSSL's queue. */
X509_NAME *cf_profile_name(struct cf_span der);
