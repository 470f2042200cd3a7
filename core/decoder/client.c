/* A decoder's client: send the job, wait for the answer no longer than agreed; see decoder.h. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/decoder/wire_private.h"

#define GRACE_MS 1000 /* how much longer than the decoder's own watchdog we wait */
#define STEP 65536
#define LEAVES_PER_DECODER 32 /* at least, where there are several */

/* Why an exchange ended; negative values are errnos. */
enum outcome {
	ANSWERED,
	DIED,
	LATE,
	NONSENSE,
};

struct exchange {
	int fd;
	const struct cf_buf *job;
	size_t sent;
	struct cf_buf *reply; /* the length in front is part of it */
	size_t want;          /* bytes of it, as far as known */
	size_t most;          /* that an honest answer can have */
	int64_t start_ms;
	int seconds;
	int outcome; /* an enum outcome */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void put(struct exchange *x)
{
	ssize_t n = send(x->fd, x->job->data + x->sent, x->job->len - x->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		x->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		x->sent = x->job->len; /* nobody listens: reading will tell why */
}

static int get(struct exchange *x, struct cf_err *err)
{
	size_t n = x->want - x->reply->len;
	struct cf_unpack u;
	int64_t len;
	ssize_t got;
	void *room;

	n = n < STEP ? n : STEP;
	room = cf_buf_room(x->reply, n, err);
	if (!room)
		return -ENOMEM;
	got = recv(x->fd, room, n, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return ANSWERED;
	if (got <= 0)
		return DIED;
	cf_buf_seal(x->reply, (size_t)got);
	if (x->reply->len != CF_WIRE_LENGTH || x->want != CF_WIRE_LENGTH)
		return ANSWERED;
	u = (struct cf_unpack){ .in = cf_span_buf(x->reply) };
	len = cf_unpack_int(&u);
	if (len <= 0 || (uint64_t)len > x->most)
		return NONSENSE;
	x->want += (size_t)len;
	return ANSWERED;
}

/* The milliseconds that an exchange has left. */
static int64_t left_of(const struct exchange *x)
{
	return x->start_ms + x->seconds * CF_DECODER_PATIENCE * 1000 + GRACE_MS - now_ms();
}

static bool goes_on(const struct exchange *x)
{
	return x->outcome == ANSWERED && x->reply->len < x->want;
}

/* What poll(2) found out about one. */
static void step(struct exchange *x, short found, struct cf_err *err)
{
	if (found & POLLOUT)
		put(x);
	if (found & ~POLLOUT)
		x->outcome = get(x, err);
	else if (left_of(x) <= 0)
		x->outcome = LATE;
}

/* Until each has its outcome. */
static void pump(struct exchange *all, size_t n, struct cf_err *err)
{
	for (;;) {
		struct pollfd fds[CF_DECODER_AT_ONCE];
		int64_t left = INT_MAX;
		bool any = false;

		for (size_t i = 0; i < n; i++) {
			const bool on = goes_on(&all[i]);

			fds[i] = (struct pollfd){ .fd = on ? all[i].fd : -1, .events = POLLIN };
			if (!on)
				continue;
			any = true;
			if (all[i].sent < all[i].job->len)
				fds[i].events |= POLLOUT;
			left = left_of(&all[i]) < left ? left_of(&all[i]) : left;
		}
		if (!any)
			return;
		if (poll(fds, n, left > 0 ? (int)left : 0) < 0) {
			for (size_t i = 0; i < n; i++)
				if (errno != EINTR && goes_on(&all[i]))
					all[i].outcome = DIED;
			continue;
		}
		for (size_t i = 0; i < n; i++)
			if (goes_on(&all[i]))
				step(&all[i], fds[i].revents, err);
	}
}

static int explain(const struct exchange *x, int outcome, struct cf_err *err)
{
	/* A decoder whose own watchdog was quicker than ours has died of the same. */
	if (outcome == DIED && now_ms() - x->start_ms >= x->seconds * 1000)
		outcome = LATE;
	switch (outcome) {
	case ANSWERED:
		return 0;
	case DIED:
		return cf_fail(
			err, EBADMSG,
			"its decoder died of it: it is damaged, made to do harm, or too large "
			"for the memory that one may have");
	case LATE:
		return cf_fail(err, EBADMSG, "its decoder took longer than %d s and was stopped",
			       x->seconds);
	case NONSENSE:
		return cf_fail(err, EBADMSG, "its decoder answered nonsense");
	default:
		return outcome;
	}
}

/* One exchange, with what was packed for it. */
struct job {
	struct cf_buf packed, reply;
	size_t n_leaves;
	size_t most; /* bytes that an honest answer can have */
};

static void job_done(struct job *job)
{
	cf_buf_done(&job->packed);
	cf_buf_done(&job->reply);
}
CF_DEFINE_DONE(struct job, job_done);

/* Send each job to a fresh decoder of its own; the replies get the answers without their lengths. */
static int exchange(const struct cf_decoder *decoder, struct job *jobs, size_t n,
		    struct cf_err *err)
{
	struct exchange all[CF_DECODER_AT_ONCE];
	size_t started = 0;
	int r = 0;

	for (; started < n && r == 0; started += r == 0) {
		struct job *job = &jobs[started];

		all[started] = (struct exchange){
			.job = &job->packed,
			.reply = &job->reply,
			.want = CF_WIRE_LENGTH,
			.most = job->most,
			.start_ms = now_ms(),
			.seconds = cf_wire_seconds(job->n_leaves),
		};
		r = decoder->start(decoder->arg, &all[started].fd, err);
	}
	if (r < 0)
		r = r == -ENOMEM ? r : cf_note(err, -EIO, "starting a decoder");
	else
		pump(all, n, err);
	for (size_t i = 0; i < started; i++) {
		if (r == 0)
			r = explain(&all[i], all[i].outcome, err);
		close(all[i].fd);
	}
	return r;
}

/* The errno and sentence in front of a result. Nothing else than these may come from a decoder. */
static int get_status(struct cf_unpack *u, struct cf_err *err)
{
	static const int codes[] = { EBADMSG, EINVAL, EFBIG, ENOKEY, EKEYREJECTED, ENOMEM, EIO };
	int64_t code = cf_unpack_int(u);
	cf_auto(cf_free) char *text = NULL;
	int r = cf_wire_text(u, false, &text, err);

	if (r < 0 || u->bad || code == 0)
		return r;
	for (size_t i = 0; i < CF_COUNT(codes); i++)
		if (code == -codes[i] && !u->in.len)
			return cf_fail(err, codes[i], "%s", text);
	u->bad = true;
	return 0;
}

/* Put the header in front of what the payload will be. */
static int begin(enum cf_wire_kind kind, size_t n_leaves, struct cf_span payload,
		 struct cf_buf *out, struct cf_err *err)
{
	struct cf_wire_job job = { .kind = kind, .n_leaves = n_leaves, .payload = payload.len };
	int r = cf_wire_put_job(&job, out, err);

	return r < 0 ? r : cf_buf_append(out, payload.data, payload.len, err);
}

/* Start reading an answer: u is left at the result. */
static int open_reply(const struct cf_buf *reply, struct cf_unpack *u, struct cf_err *err)
{
	struct cf_unpack whole = { .in = cf_span_buf(reply) };

	*u = (struct cf_unpack){ .in = cf_unpack_bytes(&whole), .bad = whole.bad };
	return get_status(u, err);
}

/* After reading: whether all of it made sense. */
static int close_reply(const struct cf_unpack *u, int r, struct cf_err *err)
{
	if (r == 0 && (u->bad || u->in.len))
		return cf_fail(err, EBADMSG, "its decoder answered nonsense");
	return r;
}

int cf_decoder_decode(const struct cf_decoder *decoder, struct cf_span bytes,
		      const struct cf_passwords *passwords, struct cf_decoded *ret,
		      struct cf_err *err)
{
	cf_auto(cf_decoded_done) struct cf_decoded decoded = { 0 };
	cf_auto(cf_buf_done) struct cf_buf payload = { 0 };
	cf_auto(job_done) struct job job = { .most = CF_WIRE_DECODED_MAX };
	struct cf_unpack u;
	int r;

	/* What is too large is refused before anything looks at it, so that can happen here. */
	if (bytes.len > CF_DROP_MAX)
		return cf_decode(bytes, NULL, ret, err);
	r = cf_wire_put_decode(bytes, passwords, &payload, err);
	if (r == 0)
		r = begin(CF_WIRE_DECODE, 0, cf_span_buf(&payload), &job.packed, err);
	if (r == 0)
		r = exchange(decoder, &job, 1, err);
	if (r == 0)
		r = open_reply(&job.reply, &u, err);
	if (r == 0 && !u.bad)
		r = cf_wire_get_decoded(&u, &decoded, err);
	if (r < 0)
		return r;
	r = close_reply(&u, r, err);
	if (r < 0)
		return r;
	*ret = decoded;
	decoded = (struct cf_decoded){ 0 };
	return 0;
}

/* -- verifying ------------------------------------------------------------------------------- */

/* The leaves of the i-th of n parts. */
static struct cf_verify part_of(const struct cf_verify *whole, size_t i, size_t n)
{
	const size_t from = whole->n_leaves * i / n, to = whole->n_leaves * (i + 1) / n;
	struct cf_verify part = *whole;

	part.leaves = whole->leaves + from;
	part.n_leaves = to - from;
	return part;
}

/* In how many parts: a decoder costs as much as the first few certificates. */
static size_t parts_of(const struct cf_decoder *decoder, size_t n_leaves)
{
	const size_t most =
		decoder->at_once < CF_DECODER_AT_ONCE ? decoder->at_once : CF_DECODER_AT_ONCE;
	const size_t n = n_leaves / LEAVES_PER_DECODER;

	return n > most ? (most ? most : 1) : (n ? n : 1);
}

static int too_many(const struct cf_verify *job, struct cf_err *err)
{
	return cf_fail(err, EFBIG,
		       "%zu certificates and all they are judged with are too many at once",
		       job->n_leaves);
}

static int pack_verify(const struct cf_verify *part, struct job *job, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf payload = { 0 };
	int r = cf_wire_put_verify(part, &payload, err);

	if (r < 0)
		return r;
	if (payload.len > CF_WIRE_JOB_MAX)
		return too_many(part, err);
	job->n_leaves = part->n_leaves;
	job->most = CF_WIRE_VERDICT_MAX * (part->n_leaves + 1);
	return begin(CF_WIRE_VERIFY, part->n_leaves, cf_span_buf(&payload), &job->packed, err);
}

static int read_verdicts(const struct cf_verify *part, const struct job *job,
			 struct cf_verdict *ret, struct cf_err *err)
{
	struct cf_unpack u;
	int r = open_reply(&job->reply, &u, err);

	if (r < 0)
		return r;
	if (!u.bad)
		r = cf_wire_get_verdicts(&u, part, ret, err);
	return close_reply(&u, r, err);
}

int cf_decoder_verify(const struct cf_decoder *decoder, const struct cf_verify *job,
		      struct cf_verdict *ret, struct cf_err *err)
{
	const size_t n = parts_of(decoder, job->n_leaves);
	struct job jobs[CF_DECODER_AT_ONCE] = { 0 };
	struct cf_verify parts[CF_DECODER_AT_ONCE];
	bool asked;
	int r = 0;

	if (job->n_leaves > CF_DECODER_LEAVES_MAX)
		return too_many(job, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		parts[i] = part_of(job, i, n);
		r = pack_verify(&parts[i], &jobs[i], err);
	}
	asked = r == 0;
	if (r == 0)
		r = exchange(decoder, jobs, n, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_verdicts(&parts[i], &jobs[i], ret + (parts[i].leaves - job->leaves), err);
	for (size_t i = 0; i < n; i++)
		job_done(&jobs[i]);
	for (size_t i = 0; i < job->n_leaves && r < 0 && asked; i++)
		cf_verdict_done(&ret[i]);
	return r;
}
