/*
 * Writing DER (ITU-T X.690) front to back. What was written since a place can be wrapped into a
 * tag and a length afterwards, so nothing has to be measured first. The same calls also only
 * count: then nothing is kept, and data may be NULL.
 */
#pragma once

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/pack.h"

#define CF_DER_INTEGER 0x02
#define CF_DER_BIT_STRING 0x03
#define CF_DER_OCTET_STRING 0x04
#define CF_DER_BMP_STRING 0x1e
#define CF_DER_SEQUENCE 0x30
#define CF_DER_SET 0x31
#define CF_DER_CONTEXT_0 0x80             /* [0] IMPLICIT, primitive */
#define CF_DER_CONTEXT_0_CONSTRUCTED 0xa0 /* [0] EXPLICIT, or IMPLICIT of a SEQUENCE or SET */

/* Zero-initialise. Released with cf_der_done(). */
struct cf_der {
	struct cf_buf buf; /* stays empty when counting */
	size_t len;        /* bytes written so far */
	bool counting;
	bool failed; /* out of memory; later calls do nothing, so a caller checks once */
};

/* Raw bytes; a primitive value; an INTEGER that is not negative; OpenSSL's object by number. */
void cf_der_raw(struct cf_der *w, struct cf_span bytes);
void cf_der_put(struct cf_der *w, unsigned char tag, struct cf_span value);
void cf_der_int(struct cf_der *w, unsigned int value);
void cf_der_oid(struct cf_der *w, int nid);

/* AlgorithmIdentifier with a parameter that is NULL (RFC 5280 section 4.1.1.2). */
void cf_der_algorithm(struct cf_der *w, int nid);

/* Everything since start (an earlier w->len) becomes the content of one value. */
void cf_der_wrap(struct cf_der *w, size_t start, unsigned char tag);

/* The same for SET OF: DER wants the members in order of their encodings (section 11.6). */
void cf_der_wrap_set_of(struct cf_der *w, size_t start);

/* How many bytes tag and length take in front of n bytes. */
size_t cf_der_header_size(size_t n);

void cf_der_done(struct cf_der *w);
CF_DEFINE_DONE(struct cf_der, cf_der_done);
