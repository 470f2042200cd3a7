/* Reading textual encodings (RFC 7468) more leniently than OpenSSL: any line length and ending. */
#pragma once

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/pack.h"

#define CF_ARMOR_LABEL_MAX 64

struct cf_armor {
	char label[CF_ARMOR_LABEL_MAX]; /* between BEGIN and the dashes */
	struct cf_span body;            /* what stands between the two lines; borrowed */
	struct cf_span headers;         /* RFC 1421 lines before the Base64; usually empty */
	bool encrypted;                 /* its headers say Proc-Type: 4,ENCRYPTED (RFC 1421) */
};

/*
 * Take the next block from *rest, text of any kind. 1: *ret holds it and *rest is what follows;
 * 0: there is none; -EBADMSG: a block that has no end.
 */
int cf_armor_next(struct cf_span *rest, struct cf_armor *ret, struct cf_err *err);

/*
 * Append what a body, or bare Base64 (RFC 4648 section 4), stands for. Blanks, CR and LF count as
 * nothing wherever they are. 0, -ENOMEM, or -EBADMSG; out is unchanged then.
 */
int cf_armor_decode(struct cf_span body, struct cf_buf *out, struct cf_err *err);
