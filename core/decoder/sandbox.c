/* Locking a decoder up; see sandbox_private.h. */
#include "core/decoder/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/decoder/decoder.h"

#define CALL_ANY 0u

/* The one place that knows of sanitizers and valgrind: they need more than the program does. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

bool cf_decoder_is_watched(void)
{
	return SANITIZED || RUNNING_ON_VALGRIND;
}

bool cf_sandbox_filters(void)
{
	return !RUNNING_ON_VALGRIND;
}

/* Shadow memory is terabytes of address space. */
bool cf_sandbox_limits_memory(void)
{
	return !cf_decoder_is_watched();
}

/* A report goes to standard error. */
static bool keeps_stderr(void)
{
	return cf_decoder_is_watched();
}

static const int sanitizer_calls[] = {
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(sched_yield),
	SCMP_SYS(prctl),       SCMP_SYS(readlink),     SCMP_SYS(getrusage),
};

static _Noreturn void give_up(void)
{
	_exit(EXIT_FAILURE);
}

/* Close first to last, those that are open. */
static void close_all(int first, int last)
{
	if (keeps_stderr() && first <= STDERR_FILENO && last >= STDERR_FILENO) {
		close_all(first, STDERR_FILENO - 1);
		first = STDERR_FILENO + 1;
	}
	if (first > last || close_range((unsigned int)first, (unsigned int)last, 0) == 0)
		return;
	/* Linux before 5.9, and valgrind. */
	if (errno != ENOSYS)
		give_up();
	for (long most = sysconf(_SC_OPEN_MAX); first <= last && first < most; first++)
		close(first);
}

void cf_sandbox_close(int fd)
{
	/* Not those of crashes: a sanitizer's handlers for them are wanted. */
	static const int signals[] = { SIGALRM, SIGXCPU, SIGTERM, SIGINT,  SIGHUP,
				       SIGQUIT, SIGCHLD, SIGUSR1, SIGUSR2, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < CF_COUNT(signals); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		give_up();
	alarm(CF_DECODER_SECONDS * CF_DECODER_PATIENCE);
	close_all(0, fd - 1);
	close_all(fd + 1, INT_MAX);
}

/* Address space of this process in bytes; a lot when /proc does not tell. */
static rlim_t address_space(void)
{
	char text[64];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return (rlim_t)1 << 32;
	text[n] = '\0';
	return (rlim_t)strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit both = { .rlim_cur = most, .rlim_max = most };

	if (setrlimit(resource, &both) < 0)
		give_up();
}

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], CALL_ANY) < 0)
			return -1;
	return 0;
}

/* On fd: what a job needs. Anywhere: memory that is not code, time, random bytes, the end. */
static int add_rules(scmp_filter_ctx filter, int fd)
{
	static const int calls[] = {
		SCMP_SYS(brk),
		SCMP_SYS(munmap),
		SCMP_SYS(mremap),
		SCMP_SYS(madvise),
		SCMP_SYS(futex),
		SCMP_SYS(getrandom),
		SCMP_SYS(getpid),
		SCMP_SYS(gettid),
		SCMP_SYS(clock_gettime),
		SCMP_SYS(gettimeofday),
		SCMP_SYS(time),
		SCMP_SYS(sysinfo), /* qsort(3) of more than a kilobyte asks for it */
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(rt_sigprocmask),
		SCMP_SYS(restart_syscall),
		SCMP_SYS(exit),
		SCMP_SYS(exit_group),
	};
	static const int socket_calls[] = { SCMP_SYS(read), SCMP_SYS(recvfrom), SCMP_SYS(sendto) };
	static const int map_calls[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

	for (size_t i = 0; i < CF_COUNT(socket_calls); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, socket_calls[i], 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0)) < 0)
			return -1;
	for (size_t i = 0; i < CF_COUNT(map_calls); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, map_calls[i], 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0)
			return -1;
	if (keeps_stderr() && (allow_all(filter, sanitizer_calls, CF_COUNT(sanitizer_calls)) < 0 ||
			       seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
						SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0)) < 0))
		return -1;
	return allow_all(filter, calls, CF_COUNT(calls));
}

static void filter_calls(int fd)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!filter || add_rules(filter, fd) < 0 || seccomp_load(filter) < 0)
		give_up();
	seccomp_release(filter);
}

void cf_sandbox_lock(int fd, int seconds, size_t memory)
{
	alarm((unsigned int)seconds * CF_DECODER_PATIENCE);
	limit(RLIMIT_CPU, (rlim_t)seconds);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	if (cf_sandbox_limits_memory())
		limit(RLIMIT_AS, address_space() + memory);
	if (!RUNNING_ON_VALGRIND) /* which refuses it */
		limit(RLIMIT_NOFILE, 0);
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up();
	if (cf_sandbox_filters())
		filter_calls(fd);
}
