/* Certification requests (PKCS#10, RFC 2986) with the profile of Exchange's certificates. */
#pragma once

#include "core/crypto/key.h"

#define CF_DOMAINS_MAX 1000 /* names in one request */

/*
 * Build a request and sign it.
 *
 * key      signs with SHA-256 (P-384: SHA-384); its public half goes in; borrowed
 * subject  Name as DER, from cf_dn_parse(); borrowed
 * domains  one name per line, checked by cf_name_domain(); an IP address becomes an
 *          iPAddress, anything else a dNSName; borrowed
 * out      the request's DER is appended; unchanged on failure
 *
 * Extensions (RFC 5280 section 4.2.1), as Exchange makes them: keyUsage critical
 * digitalSignature and keyEncipherment (EC keys: digitalSignature and keyEncipherment too, as
 * Exchange does), subjectAltName (critical when the subject is empty), extKeyUsage serverAuth,
 * basicConstraints critical and empty. No other attribute: Windows' ones tell host and account.
 *
 * 0, -EINVAL (no names, over CF_DOMAINS_MAX, or one that cf_name_domain() refuses), -ENOMEM, -EIO.
 */
int cf_request_build(const struct cf_key *key, struct cf_span subject, const char *domains,
		     struct cf_buf *out, struct cf_err *err);

/*
 * Append the names that a request asks for, as cf_cert_info has them of a certificate: a newline
 * between each two. 0, -EBADMSG, -ENOMEM.
 */
int cf_request_domains(struct cf_span der, struct cf_buf *out, struct cf_err *err);
