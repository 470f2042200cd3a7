/* Packing what is to be verified, and the verdicts; see wire_private.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/decoder/wire_private.h"

#define LISTS 4

static int put_list(const struct cf_span *spans, size_t n, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_int(out, (int64_t)n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = cf_pack_bytes(out, spans[i], err);
	return r;
}

int cf_wire_put_verify(const struct cf_verify *job, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_int(out, job->now, err);

	if (r == 0)
		r = put_list(job->leaves, job->n_leaves, out, err);
	if (r == 0)
		r = put_list(job->issuers, job->n_issuers, out, err);
	if (r == 0)
		r = put_list(job->anchors, job->n_anchors, out, err);
	return r < 0 ? r : put_list(job->crls, job->n_crls, out, err);
}

int cf_wire_get_verify(struct cf_span in, struct cf_wire_verify *ret, struct cf_err *err)
{
	struct cf_unpack u = { .in = in };
	struct cf_verify *job = &ret->job;
	struct {
		const struct cf_span **spans;
		size_t *n;
	} lists[LISTS] = {
		{ &job->leaves, &job->n_leaves },
		{ &job->issuers, &job->n_issuers },
		{ &job->anchors, &job->n_anchors },
		{ &job->crls, &job->n_crls },
	};
	size_t used = 0;

	/* A span takes eight bytes at least, so this many are enough. */
	ret->spans = calloc(in.len / 8 + 1, sizeof(*ret->spans));
	if (!ret->spans)
		return cf_fail_memory(err);
	job->now = cf_unpack_int(&u);
	for (size_t l = 0; l < LISTS; l++) {
		uint64_t n = (uint64_t)cf_unpack_int(&u);

		*lists[l].spans = ret->spans + used;
		for (uint64_t i = 0; !u.bad && i < n; i++)
			ret->spans[used++] = cf_unpack_bytes(&u);
		*lists[l].n = (size_t)n;
	}
	return u.bad || u.in.len ? cf_fail(err, EBADMSG, "the job is damaged") : 0;
}

void cf_wire_verify_done(struct cf_wire_verify *verify)
{
	free(verify->spans);
	*verify = (struct cf_wire_verify){ 0 };
}

/* Which of the job's issuers this is; n_issuers when it is none. */
static size_t index_of(const struct cf_verify *job, struct cf_span der)
{
	for (size_t i = 0; i < job->n_issuers; i++)
		if (job->issuers[i].len == der.len &&
		    !memcmp(job->issuers[i].data, der.data, der.len))
			return i;
	return job->n_issuers;
}

/* Issuers travel as numbers: what comes back can then only be what the client itself sent. */
static int put_verdict(const struct cf_verify *job, const struct cf_verdict *v, struct cf_buf *out,
		       struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf numbers = { 0 };
	struct cf_unpack u = { .in = cf_span_buf(&v->issuers) };
	int r = 0;

	while (r == 0 && u.in.len && !u.bad)
		r = cf_pack_int(&numbers, (int64_t)index_of(job, cf_unpack_bytes(&u)), err);
	if (r == 0)
		r = cf_pack_int(out, v->status, err);
	if (r == 0)
		r = cf_pack_int(out, v->root_ca, err);
	if (r == 0)
		r = cf_pack_bytes(out, cf_span_text(v->reason), err);
	if (r == 0)
		r = cf_pack_int(out, v->next_change, err);
	return r < 0 ? r : cf_pack_bytes(out, cf_span_buf(&numbers), err);
}

int cf_wire_put_verdicts(const struct cf_verify *job, const struct cf_verdict *verdicts,
			 struct cf_buf *out, struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->n_leaves; i++)
		r = put_verdict(job, &verdicts[i], out, err);
	return r;
}

static int get_verdict(struct cf_unpack *u, const struct cf_verify *job, struct cf_verdict *ret,
		       struct cf_err *err)
{
	int64_t status = cf_unpack_int(u);
	int64_t root_ca = cf_unpack_int(u);
	struct cf_unpack numbers = { 0 };
	int r = cf_wire_text(u, false, &ret->reason, err);

	if (r < 0)
		return r;
	ret->next_change = cf_unpack_int(u);
	numbers.in = cf_unpack_bytes(u);
	if (status < CF_VERDICT_REVOKED || status > CF_VERDICT_VALID || root_ca < CF_ROOT_UNKNOWN ||
	    root_ca > CF_ROOT_THIRD_PARTY || (!u->bad && strlen(ret->reason) >= CF_ERR_MAX))
		u->bad = true;
	if (u->bad)
		return 0;
	ret->status = (enum cf_verdict_status)status;
	ret->root_ca = (enum cf_root_ca)root_ca;
	while (r == 0 && numbers.in.len && !numbers.bad) {
		uint64_t i = (uint64_t)cf_unpack_int(&numbers);

		if (numbers.bad || i >= job->n_issuers)
			numbers.bad = true;
		else
			r = cf_pack_bytes(&ret->issuers, job->issuers[i], err);
	}
	if (numbers.bad)
		u->bad = true;
	return r;
}

int cf_wire_get_verdicts(struct cf_unpack *u, const struct cf_verify *job, struct cf_verdict *ret,
			 struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && !u->bad && i < job->n_leaves; i++)
		r = get_verdict(u, job, &ret[i], err);
	return r;
}
