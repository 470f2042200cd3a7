/* Which names are allowed where (certfs(5)), and which files are drops or staging files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

#define CF_SERVER_NAME_MAX 255
#define CF_CERTIFICATE_NAME_MAX 200
#define CF_DOMAIN_MAX 255

/* 0, -EINVAL, -EPERM (such names belong to certfs), -EEXIST (README.txt) or -ENAMETOOLONG, with a sentence that names name and rule. */
int cf_name_server(const char *name, struct cf_err *err);
int cf_name_certificate(const char *name, struct cf_err *err);

/*
 * The name that a certificate gets which comes with this text as its name: "*." becomes "_.", what
 * a name can't have "_". False when nothing is left of it.
 */
bool cf_name_make(const char *text, char ret[CF_CERTIFICATE_NAME_MAX + 1]);

/*
 * One entry of `domains`: letters, digits, '-', '.', up to 255 bytes, a wildcard "*." leftmost
 * once; or an IPv4 or IPv6 address. 0 or -EINVAL.
 */
int cf_name_domain(const char *name, struct cf_err *err);

/* True for an IPv4 or IPv6 address in text form; *ret gets 4 or 16 bytes and *ret_len how many. */
bool cf_name_ip(const char *name, unsigned char ret[16], size_t *ret_len);

/* True for names that end in .cer .crt .der .pem .p7b .p7c .p12 .pfx (and .crl), in any case. */
bool cf_name_is_drop(const char *name);
bool cf_name_is_crl(const char *name);

/*
 * True when name is word but for case, or for a slip of the fingers: one letter too many, too few,
 * another one, or two neighbours swapped.
 */
bool cf_name_is_slip(const char *name, const char *word);

/* True for the names programs use while they save: .x, x~, #x#, x.part, x.tmp, sedXXXXXX, 4913 … */
bool cf_name_is_staging(const char *name);
