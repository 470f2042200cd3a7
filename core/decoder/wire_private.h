/*
 * What travels between a client and its decoder. Both are the same build, but the decoder has
 * parsed foreign bytes: its answer is checked like foreign bytes too.
 *
 * Job: three integers (kind, leaves, bytes of payload), then the payload: the passwords and the
 * dropped file, or a packed struct cf_verify. Answer: its length, then 0 or an errno, the sentence,
 * and for 0 the result.
 */
#pragma once

#include "core/decoder/decoder.h"

#define CF_WIRE_HEADER (3 * 8)
#define CF_WIRE_LENGTH 8
#define CF_WIRE_JOB_MAX (64u * 1024 * 1024)

/*
 * Every byte of a file comes back once as DER, and at most a few times as text, where the worst
 * escape makes nine of two.
 */
#define CF_WIRE_DECODED_MAX (24u * 1024 * 1024)
#define CF_WIRE_VERDICT_MAX (CF_ERR_MAX + 256u)

enum cf_wire_kind {
	CF_WIRE_DECODE = 1,
	CF_WIRE_VERIFY = 2,
};

struct cf_wire_job {
	enum cf_wire_kind kind;
	size_t n_leaves;
	size_t payload;
};

/* CPU time that a job may take, in seconds. */
int cf_wire_seconds(size_t n_leaves);

int cf_wire_put_job(const struct cf_wire_job *job, struct cf_buf *out, struct cf_err *err);
bool cf_wire_get_job(struct cf_span in, struct cf_wire_job *ret);

/* A dropped file with the passwords to try. Everything points into what was unpacked. */
struct cf_wire_decode {
	struct cf_span passwords[CF_PASSWORDS_MAX];
	size_t n_passwords;
	struct cf_span bytes;
};

int cf_wire_put_decode(struct cf_span bytes, const struct cf_passwords *passwords,
		       struct cf_buf *out, struct cf_err *err);
bool cf_wire_get_decode(struct cf_span in, struct cf_wire_decode *ret);

/* A struct cf_verify whose arrays are its own and whose spans lie in what was unpacked. */
struct cf_wire_verify {
	struct cf_verify job;
	struct cf_span *spans;
};

int cf_wire_put_verify(const struct cf_verify *job, struct cf_buf *out, struct cf_err *err);
int cf_wire_get_verify(struct cf_span in, struct cf_wire_verify *ret, struct cf_err *err);
void cf_wire_verify_done(struct cf_wire_verify *verify);
CF_DEFINE_DONE(struct cf_wire_verify, cf_wire_verify_done);

/*
 * Results. Reading checks everything that can be checked without parsing DER: counts, kinds,
 * sizes, that texts are UTF-8 and safe to show, digests, that issuers are the job's. A false
 * answer sets u->bad. 0 or -ENOMEM.
 */
int cf_wire_put_decoded(const struct cf_decoded *decoded, struct cf_buf *out, struct cf_err *err);
int cf_wire_get_decoded(struct cf_unpack *u, struct cf_decoded *ret, struct cf_err *err);
int cf_wire_put_verdicts(const struct cf_verify *job, const struct cf_verdict *verdicts,
			 struct cf_buf *out, struct cf_err *err);
int cf_wire_get_verdicts(struct cf_unpack *u, const struct cf_verify *job, struct cf_verdict *ret,
			 struct cf_err *err);

/*
 * A text from u as a new string: UTF-8 that shows no control character but, in a list, LF. Any
 * other sets u->bad and leaves *ret NULL. 0 or -ENOMEM.
 */
int cf_wire_text(struct cf_unpack *u, bool list, char **ret, struct cf_err *err);
