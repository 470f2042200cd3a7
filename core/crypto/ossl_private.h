/* OpenSSL's errors and objects, for this folder only. */
#pragma once

#include <stdbool.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/base/buf.h"
#include "core/base/pack.h"

/* Properties for what may come from any provider; without them only the default one is asked. */
#define CF_OSSL_ANY "-provider"

/*
 * Drain OpenSSL's queue into err ("what: reason") and return -code. The queue is empty
 * afterwards. An allocation failure anywhere in the queue makes it -ENOMEM.
 */
int cf_ossl_fail(struct cf_err *err, int code, const char *what);

/*
 * Empty the queue where what is in it isn't the cause. True when an allocation failed: then a
 * caller that was about to blame the input says -ENOMEM instead.
 */
bool cf_ossl_drain(void);

/* The private key behind struct cf_key. */
struct cf_key {
	EVP_PKEY *pkey;
};

CF_DEFINE_AUTO(X509, X509_free);
CF_DEFINE_AUTO(X509_NAME, X509_NAME_free);
CF_DEFINE_AUTO(X509_REQ, X509_REQ_free);
CF_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free);
CF_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
CF_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);
CF_DEFINE_AUTO(BIO, BIO_free_all);
CF_DEFINE_AUTO(GENERAL_NAMES, GENERAL_NAMES_free);
CF_DEFINE_AUTO(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free);
CF_DEFINE_AUTO(ASN1_OBJECT, ASN1_OBJECT_free);
CF_DEFINE_AUTO(ASN1_STRING, ASN1_STRING_free);
CF_DEFINE_AUTO(X509_NAME_ENTRY, X509_NAME_ENTRY_free);
CF_DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);
CF_DEFINE_AUTO(EVP_MD, EVP_MD_free);
CF_DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free);
CF_DEFINE_AUTO(EVP_MAC, EVP_MAC_free);
CF_DEFINE_AUTO(EVP_MAC_CTX, EVP_MAC_CTX_free);
CF_DEFINE_AUTO(EVP_KDF, EVP_KDF_free);
CF_DEFINE_AUTO(EVP_KDF_CTX, EVP_KDF_CTX_free);
