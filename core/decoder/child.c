/* The decoder's own process: take one job, lock up, do it, answer, exit; see decoder.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/decoder/sandbox_private.h"
#include "core/decoder/wire_private.h"

/* Memory beyond what the process had at fork: parsed objects are many times their DER. */
#define MEMORY (256u * 1024 * 1024)
#define MEMORY_PER_BYTE 16

static _Noreturn void end(int status)
{
	_exit(status);
}

static void read_all(int fd, void *data, size_t n)
{
	char *p = data;

	while (n) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			end(EXIT_FAILURE);
		p += got;
		n -= (size_t)got;
	}
}

static void send_all(int fd, const struct cf_buf *buf)
{
	for (size_t done = 0; done < buf->len;) {
		ssize_t put = send(fd, buf->data + done, buf->len - done, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			end(EXIT_FAILURE);
		done += (size_t)put;
	}
}

static int do_decode(struct cf_span payload, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_decoded_done) struct cf_decoded decoded = { 0 };
	struct cf_wire_decode job;
	struct cf_passwords passwords;
	int r;

	if (!cf_wire_get_decode(payload, &job))
		return cf_fail(err, EBADMSG, "the job is damaged");
	passwords = (struct cf_passwords){ .items = job.passwords, .n = job.n_passwords };
	r = cf_decode(job.bytes, &passwords, &decoded, err);
	return r < 0 ? r : cf_wire_put_decoded(&decoded, out, err);
}

static int do_verify(const struct cf_system_store *system, struct cf_span payload,
		     struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_wire_verify_done) struct cf_wire_verify verify = { 0 };
	struct cf_verdict *verdicts;
	int r = cf_wire_get_verify(payload, &verify, err);

	if (r < 0)
		return r;
	verdicts = calloc(verify.job.n_leaves + 1, sizeof(*verdicts));
	if (!verdicts)
		return cf_fail_memory(err);
	r = cf_chain_verify(system, &verify.job, verdicts, err);
	if (r == 0)
		r = cf_wire_put_verdicts(&verify.job, verdicts, out, err);
	for (size_t i = 0; i < verify.job.n_leaves; i++)
		cf_verdict_done(&verdicts[i]);
	free(verdicts);
	return r;
}

/* Result or error as the answer that the client waits for. */
static void answer(int fd, int r, const struct cf_buf *result, const struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf body = { 0 };
	cf_auto(cf_buf_done) struct cf_buf whole = { 0 };

	if (cf_pack_int(&body, r, NULL) < 0 ||
	    cf_pack_bytes(&body, cf_span_text(r < 0 ? err->text : ""), NULL) < 0 ||
	    (r == 0 && cf_buf_append(&body, result->data, result->len, NULL) < 0) ||
	    cf_pack_bytes(&whole, cf_span_buf(&body), NULL) < 0)
		end(EXIT_FAILURE);
	send_all(fd, &whole);
}

_Noreturn void cf_decoder_child(int fd, const struct cf_system_store *system)
{
	char header[CF_WIRE_HEADER];
	struct cf_buf result = { 0 };
	struct cf_wire_job job;
	struct cf_err err = { 0 };
	char *payload;
	int r;

	cf_sandbox_close(fd);
	/* The C library reads the time zone's file at first use, even for gmtime_r(). */
	tzset();
	read_all(fd, header, sizeof(header));
	if (!cf_wire_get_job(cf_span(header, sizeof(header)), &job))
		end(EXIT_FAILURE);
	tzset(); /* gmtime(3) opens the time zone's file once, which it may not later */
	cf_sandbox_lock(fd, cf_wire_seconds(job.n_leaves), MEMORY + job.payload * MEMORY_PER_BYTE);
	payload = malloc(job.payload + 1);
	if (!payload)
		end(EXIT_FAILURE);
	read_all(fd, payload, job.payload);
	if (job.kind == CF_WIRE_DECODE)
		r = do_decode(cf_span(payload, job.payload), &result, &err);
	else
		r = do_verify(system, cf_span(payload, job.payload), &result, &err);
	answer(fd, r, &result, &err);
	/* The process ends anyway; valgrind would call these lost. */
	cf_buf_done(&result);
	explicit_bzero(payload, job.payload); /* it may hold passwords and a key */
	free(payload);
	end(EXIT_SUCCESS);
}

/*
 * The one in between exits at once and is waited for by its number, so a program's other children
 * are left alone; the decoder becomes an orphan whom init reaps, however late it ends.
 */
static void fork_twice(int fd, const struct cf_system_store *system)
{
	pid_t pid = fork();

	if (pid == 0)
		cf_decoder_child(fd, system);
	_exit(pid < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

int cf_decoder_fork(void *arg, int *ret_fd, struct cf_err *err)
{
	int fds[2], status = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return cf_fail(err, EIO, "a socket for a decoder: %m");
	pid = fork();
	if (pid == 0)
		fork_twice(fds[1], arg);
	close(fds[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			/* Somebody else reaps, or SIGCHLD is ignored; the socket tells the rest. */
			status = 0;
			break;
		}
	if (pid < 0 || status != 0) {
		close(fds[0]);
		return cf_fail(err, EIO, "no process for a decoder could be started");
	}
	*ret_fd = fds[0];
	return 0;
}
