/* A decoder's client: send the job, wait for the answer no longer than agreed; see decoder.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/decoder/wire_private.h"

#define GRACE_MS 1000 /* how much longer than the decoder's own watchdog we wait */
#define STEP 65536

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

static int pump(struct exchange *x, struct cf_err *err)
{
	int64_t deadline = x->start_ms + x->seconds * CF_DECODER_PATIENCE * 1000 + GRACE_MS;
	int r = ANSWERED;

	while (r == ANSWERED && x->reply->len < x->want) {
		struct pollfd p = { .fd = x->fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		int n;

		if (left <= 0)
			return LATE;
		if (x->sent < x->job->len)
			p.events |= POLLOUT;
		n = poll(&p, 1, (int)left);
		if (n < 0 && errno != EINTR)
			return DIED;
		if (n <= 0)
			continue;
		if (p.revents & POLLOUT)
			put(x);
		if (p.revents & ~POLLOUT)
			r = get(x, err);
	}
	return r;
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

/* Send job to a fresh decoder; reply gets the answer without its length. */
static int exchange(const struct cf_decoder *decoder, const struct cf_buf *job, size_t n_leaves,
		    size_t most, struct cf_buf *reply, struct cf_err *err)
{
	struct exchange x = {
		.job = job,
		.reply = reply,
		.want = CF_WIRE_LENGTH,
		.most = most,
		.start_ms = now_ms(),
		.seconds = cf_wire_seconds(n_leaves),
	};
	int r = decoder->start(decoder->arg, &x.fd, err);

	if (r < 0)
		return r == -ENOMEM ? r : cf_note(err, -EIO, "starting a decoder");
	r = explain(&x, pump(&x, err), err);
	close(x.fd);
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
	cf_auto(cf_buf_done) struct cf_buf job = { 0 };
	cf_auto(cf_buf_done) struct cf_buf reply = { 0 };
	struct cf_unpack u;
	int r;

	/* What is too large is refused before anything looks at it, so that can happen here. */
	if (bytes.len > CF_DROP_MAX)
		return cf_decode(bytes, NULL, ret, err);
	r = cf_wire_put_decode(bytes, passwords, &payload, err);
	if (r == 0)
		r = begin(CF_WIRE_DECODE, 0, cf_span_buf(&payload), &job, err);
	if (r == 0)
		r = exchange(decoder, &job, 0, CF_WIRE_DECODED_MAX, &reply, err);
	if (r == 0)
		r = open_reply(&reply, &u, err);
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

int cf_decoder_verify(const struct cf_decoder *decoder, const struct cf_verify *job,
		      struct cf_verdict *ret, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf payload = { 0 };
	cf_auto(cf_buf_done) struct cf_buf packed = { 0 };
	cf_auto(cf_buf_done) struct cf_buf reply = { 0 };
	size_t most = CF_WIRE_VERDICT_MAX * (job->n_leaves + 1);
	struct cf_unpack u;
	int r;

	r = cf_wire_put_verify(job, &payload, err);
	if (r < 0)
		return r;
	if (job->n_leaves > CF_DECODER_LEAVES_MAX || payload.len > CF_WIRE_JOB_MAX)
		return cf_fail(err, EFBIG, "%zu certificates of %zu bytes at once are too many",
			       job->n_leaves, payload.len);
	r = begin(CF_WIRE_VERIFY, job->n_leaves, cf_span_buf(&payload), &packed, err);
	if (r == 0)
		r = exchange(decoder, &packed, job->n_leaves, most, &reply, err);
	if (r == 0)
		r = open_reply(&reply, &u, err);
	if (r < 0)
		return r;
	if (!u.bad)
		r = cf_wire_get_verdicts(&u, job, ret, err);
	r = close_reply(&u, r, err);
	if (r < 0)
		for (size_t i = 0; i < job->n_leaves; i++)
			cf_verdict_done(&ret[i]);
	return r;
}
