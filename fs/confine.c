/*
 * Confining the worker, which holds the keys, once everything is open and before there is a second
 * thread: no new privileges, no files but those beside the store (Landlock), no system calls but
 * those that serving takes (seccomp). What a kernel doesn't have or permit is left out; the log says
 * what there is. The supervisor stays as it is: fusermount3(1) needs its privileges.
 */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "core/decoder/decoder.h"

/* -- files ------------------------------------------------------------------------------------- */

#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>

/* Of later kernels than the headers may be. */
#define ACCESS_TRUNCATE ((uint64_t)1 << 14)  /* ABI 3 */
#define ACCESS_IOCTL_DEV ((uint64_t)1 << 15) /* ABI 5 */
#define ACCESS_NET ((uint64_t)3)             /* ABI 4: bind and connect of TCP */
#define SCOPES ((uint64_t)3)                 /* ABI 6: abstract sockets, signals */

struct ruleset {
	uint64_t files, net, scopes;
};

/* What is forbidden wherever no rule allows it. */
static struct ruleset handled_by(long abi, size_t *ret_size)
{
	struct ruleset set = { .files = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };

	if (abi >= 2)
		set.files |= LANDLOCK_ACCESS_FS_MAKE_SYM << 1; /* REFER */
	if (abi >= 3)
		set.files |= ACCESS_TRUNCATE;
	if (abi >= 5)
		set.files |= ACCESS_IOCTL_DEV;
	if (abi >= 4)
		set.net = ACCESS_NET;
	if (abi >= 6)
		set.scopes = SCOPES;
	*ret_size = abi >= 6 ? sizeof(set) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	return set;
}

/* What isn't there needs no rule. */
static bool allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	long r = 0;

	if (rule.parent_fd < 0)
		return errno == ENOENT;
	r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return r == 0;
}

/* The store's folder for SQLite, the lock and the socket; /proc for the names of callers. */
static bool allow_all(int ruleset, const char *folder, uint64_t handled)
{
	const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE;
	const uint64_t write = LANDLOCK_ACCESS_FS_WRITE_FILE;
	const uint64_t own = read | write | LANDLOCK_ACCESS_FS_READ_DIR |
			     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
			     LANDLOCK_ACCESS_FS_MAKE_SOCK | (handled & ACCESS_TRUNCATE);

	/* A report of a sanitizer names functions, which are read from programs and libraries. */
	return (!cf_decoder_is_watched() || allow(ruleset, "/", read)) &&
	       allow(ruleset, folder, own) &&
	       allow(ruleset, "/proc", read | LANDLOCK_ACCESS_FS_READ_DIR) &&
	       allow(ruleset, "/dev/null", read | write) && allow(ruleset, "/dev/urandom", read);
}

/* The version of Landlock that holds from here on; 0: none. */
static long restrict_files(const char *store)
{
	const char *slash = strrchr(store, '/');
	cf_auto(cf_free) char *folder = strndup(store, slash ? (size_t)(slash - store) + 1 : 0);
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset set;
	size_t size;
	int ruleset;
	bool fine;

	if (abi < 1 || !folder)
		return 0;
	set = handled_by(abi, &size);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (ruleset < 0)
		return 0;
	fine = allow_all(ruleset, folder, set.files) &&
	       syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	close(ruleset);
	return fine ? abi : 0;
}
#else
static long restrict_files(const char *store)
{
	(void)store;
	return 0;
}
#endif

/* -- system calls ------------------------------------------------------------------------------ */

/*
 * What serving, SQLite, OpenSSL and the C library make, those of other versions among them. By
 * name, since an older libseccomp doesn't know all of them. What isn't here is answered ENOSYS, for
 * which libraries have another way; a wrong guess must not end the mount.
 */
static const char calls[] =
	/* files that are open, and those that Landlock lets be opened */
	"read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek "
	"close close_range fsync fdatasync ftruncate ftruncate64 fallocate sync_file_range "
	"fadvise64 fadvise64_64 flock fcntl fcntl64 dup dup2 dup3 pipe pipe2 splice tee "
	"open openat stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx "
	"statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2 readlink readlinkat "
	"getdents getdents64 getcwd chdir unlink unlinkat umask fchmod fchown fchown32 "
	/* waiting */
	"poll ppoll ppoll_time64 select pselect6 _newselect epoll_create1 epoll_ctl epoll_wait "
	"epoll_pwait eventfd2 timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime "
	"signalfd4 nanosleep clock_nanosleep clock_nanosleep_time64 restart_syscall "
	/* memory */
	"brk munmap mremap madvise mlock mlock2 munlock mincore membarrier "
	/* threads and signals */
	"futex futex_time64 futex_waitv set_robust_list get_robust_list rseq set_tid_address "
	"sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler "
	"sched_get_priority_max sched_get_priority_min gettid getpid getppid tgkill exit "
	"exit_group rt_sigaction rt_sigprocmask rt_sigreturn sigreturn rt_sigpending "
	"rt_sigtimedwait rt_sigtimedwait_time64 rt_sigsuspend sigaltstack "
	/* about itself, the time and the machine */
	"getuid geteuid getgid getegid getuid32 geteuid32 getgid32 getegid32 getrlimit ugetrlimit "
	"getrusage uname sysinfo clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
	"gettimeofday time getrandom getcpu "
	/* sockets: certfsctl's, the supervisor's, decoders', syslog(3)'s */
	"connect accept accept4 sendto sendmsg send recvfrom recvmsg recv getsockopt setsockopt "
	"getsockname getpeername shutdown";

/* What nothing in the worker does by accident. */
static const char deadly[] = "execve execveat ptrace process_vm_readv process_vm_writev bpf "
			     "kexec_load init_module finit_module";

/* A call under conditions. */
static int allow_if(scmp_filter_ctx filter, const char *name, unsigned n, struct scmp_arg_cmp a,
		    struct scmp_arg_cmp b)
{
	int nr = seccomp_syscall_resolve_name(name);
	const struct scmp_arg_cmp both[] = { a, b };

	return nr == __NR_SCMP_ERROR ? 0
				     : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, nr, n, both);
}

/* names: separated by blanks. */
static int add_names(scmp_filter_ctx filter, uint32_t action, const char *names)
{
	cf_auto(cf_free) char *copy = strdup(names);
	char *rest = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *name = copy ? strtok_r(copy, " ", &rest) : NULL; name && r == 0;
	     name = strtok_r(NULL, " ", &rest)) {
		int nr = seccomp_syscall_resolve_name(name);

		if (nr != __NR_SCMP_ERROR)
			r = seccomp_rule_add(filter, action, nr, 0u);
	}
	return r;
}

/* Threads but no processes, memory but no code, sockets of this machine, a look at its limits. */
static int add_conditions(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp none = { 0 };
	int r = allow_if(filter, "clone", 1,
			 SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD), none);

	if (r == 0)
		r = allow_if(filter, "mmap", 1, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), none);
	if (r == 0)
		r = allow_if(filter, "mmap2", 1, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
			     none);
	if (r == 0)
		r = allow_if(filter, "mprotect", 1, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
			     none);
	if (r == 0)
		r = allow_if(filter, "socket", 1, SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX), none);
	if (r == 0)
		r = allow_if(filter, "prlimit64", 2, SCMP_A0_32(SCMP_CMP_EQ, 0),
			     SCMP_A2_64(SCMP_CMP_EQ, 0));
	if (r == 0)
		r = allow_if(filter, "prctl", 1, SCMP_A0_32(SCMP_CMP_EQ, PR_SET_NAME), none);
	return r < 0 ? r
		     : allow_if(filter, "prctl", 1, SCMP_A0_32(SCMP_CMP_EQ, PR_GET_DUMPABLE), none);
}

/* 0 or a negative errno. */
static int filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r = filter ? 0 : -ENOMEM;

	if (r == 0)
		r = add_names(filter, SCMP_ACT_ALLOW, calls);
	if (r == 0)
		r = add_names(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (r == 0)
		r = add_conditions(filter);
	if (r == 0) {
		/* Best effort, and of libseccomp 2.5: a search tree, and no slower branches. */
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
		r = seccomp_load(filter);
	}
	if (filter)
		seccomp_release(filter);
	return r;
}

/* -- all of it --------------------------------------------------------------------------------- */

static void *end_thread(void *arg)
{
	pthread_exit(arg);
}

/* What the C library would open later: the unwinder for a thread's end, the time zone. */
static void load_now(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_thread, NULL) == 0)
		pthread_join(thread, NULL);
	tzset();
}

void cf_fs_confine(struct cf_fs *fs)
{
	const char *made = "only those that serving takes";
	char opened[64] = "those that its user may";
	long abi;

	load_now();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		snprintf(fs->confined, sizeof(fs->confined),
			 "the process that holds the keys isn't confined: %s", strerror(errno));
		return;
	}
	abi = restrict_files(fs->options->store);
	if (abi > 0)
		snprintf(opened, sizeof(opened), "only those beside the store (Landlock %ld)", abi);
	if (cf_decoder_is_watched())
		made = "all, in a program that is looked into";
	else if (filter_calls() < 0)
		made = "all, as this kernel takes no filter";
	snprintf(fs->confined, sizeof(fs->confined),
		 "the process that holds the keys opens %s as files, and makes %s as system calls",
		 opened, made);
}
