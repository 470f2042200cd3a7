/*
 * Foreign DER is parsed in processes of their own: no key of the store, limits on time and memory,
 * one job each. This is both ends: the client in the worker and in certfsctl, the server in the
 * child.
 */
#pragma once

#include "core/crypto/chain.h"
#include "core/crypto/decode.h"

#define CF_DECODER_SECONDS 5       /* of CPU time for one dropped file */
#define CF_DECODER_PATIENCE 6      /* as much wall time, times this: others may need the machine */
#define CF_DECODER_LEAVES_MAX 4096 /* leaves in one batch */
#define CF_DECODER_AT_ONCE 4       /* decoders for one batch, at most */

/*
 * How a client gets a decoder: start() returns a connected stream socket to a fresh one, which the
 * client closes. Called from several threads at once. 0, or a negative errno with a sentence.
 */
struct cf_decoder {
	int (*start)(void *arg, int *ret_fd, struct cf_err *err);
	/* 32 bytes that change whenever the decoders' system store does; NULL: it never does. */
	int (*system_id)(void *arg, uint8_t ret[32], struct cf_err *err);
	size_t at_once; /* decoders that may share a batch; 0: one */
	void *arg;
};

/*
 * cf_decode() and cf_chain_verify() in a decoder. Same parameters and results, and also -EBADMSG
 * when the decoder died, ran out of its limits or answered nonsense, each with its sentence; -EIO
 * when none could be started. Verification's CPU time grows with the number of leaves (5 s and
 * 50 ms a leaf); -EFBIG for more than CF_DECODER_LEAVES_MAX of them or 64 MiB in all.
 * What a decoder answers is checked like foreign bytes: sizes, counts, that texts are safe to show,
 * that issuers are among those of the job; thumbprints are computed here.
 */
int cf_decoder_decode(const struct cf_decoder *decoder, struct cf_span bytes,
		      const struct cf_passwords *passwords, struct cf_decoded *ret,
		      struct cf_err *err);
int cf_decoder_verify(const struct cf_decoder *decoder, const struct cf_verify *job,
		      struct cf_verdict *ret, struct cf_err *err);

/*
 * The child's side: close every other descriptor, default signal actions, alarm(2) as watchdog;
 * take the job's header; RLIMIT_CPU, RLIMIT_AS (not under sanitizers and valgrind), RLIMIT_NOFILE
 * 0, RLIMIT_FSIZE 0, RLIMIT_CORE 0, no_new_privs, seccomp (the socket, memory, time, exit; killed
 * otherwise; not under valgrind); serve the job from fd; _exit. Call right after fork(2) from a
 * process with one thread that called cf_ossl_init().
 */
_Noreturn void cf_decoder_child(int fd, const struct cf_system_store *system);

/*
 * Whether this program runs under a sanitizer or valgrind, which make system calls and take memory of
 * their own. The one place that knows.
 */
bool cf_decoder_is_watched(void);

/*
 * A start() for programs without a supervisor (certfsctl, tests): forks from the calling
 * process, which should have one thread. Forks twice, so that init reaps the decoder; the process
 * between is waited for by its number, and gives the program one SIGCHLD. arg is the
 * struct cf_system_store, or NULL for an empty one. 0 or -EIO.
 */
int cf_decoder_fork(void *arg, int *ret_fd, struct cf_err *err);
