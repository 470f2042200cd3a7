/* What the files of a certificate hold, how large that is, and when it last changed. */
#pragma once

#include "core/tree/node_private.h"

cf_read_fn cf_read_status, cf_read_info, cf_read_json, cf_read_why;
cf_read_fn cf_read_subject, cf_read_domains, cf_read_key_type, cf_read_exportable;
cf_read_fn cf_read_friendly_name, cf_read_request, cf_read_request_der, cf_read_tlsa;
cf_read_fn cf_read_leaf, cf_read_leaf_pem, cf_read_chain, cf_read_fullchain, cf_read_p7b;
cf_read_fn cf_read_pfx, cf_read_private, cf_read_combined, cf_read_services, cf_read_thumbprint,
	cf_read_issuer, cf_read_serial;
cf_read_fn cf_read_not_before, cf_read_not_after;

typedef uint64_t cf_size_fn(const struct cf_at *at);

cf_size_fn cf_size_request, cf_size_request_der, cf_size_leaf, cf_size_leaf_pem;
cf_size_fn cf_size_chain, cf_size_fullchain, cf_size_p7b, cf_size_pfx;
cf_size_fn cf_size_private, cf_size_combined;

typedef cf_time cf_time_fn(const struct cf_at *at);

cf_time_fn cf_time_subject, cf_time_domains, cf_time_key_type, cf_time_exportable;
cf_time_fn cf_time_friendly, cf_time_request, cf_time_complete, cf_time_chain;
cf_time_fn cf_time_services, cf_time_status, cf_time_password, cf_time_pfx, cf_time_info;
cf_time_fn cf_time_why;

/* What a certificate's directory is made of; in _deleted too. */
extern const struct cf_file cf_certificate_files[];

bool cf_has_request(const struct cf_at *at); /* an imported certificate has none */
bool cf_has_issuers(const struct cf_at *at);
bool cf_is_exportable(const struct cf_at *at);
bool cf_has_keys(const struct cf_at *at); /* mounted with -o keys, and the key may leave */
