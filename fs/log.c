/* The log: one line for what an administrator should know, and for every refusal. */
#include "fs/fs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define JUDGING_MS 1000

/* systemd says in the environment which file its journal reads: the output may have been redirected. */
static bool journal_reads(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char name[64];
	struct stat st;

	if (!stream || fstat(fd, &st) < 0)
		return false;
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(name, stream) == 0;
}

/*
 * Whole lines in one write(2), so that those of several threads and processes don't mix. The journal
 * knows whose they are, and takes their priority from a number in front, see sd-daemon(3).
 */
static void write_line(int priority, const char *text)
{
	char line[CF_ERR_MAX + 128];
	int len = journal_reads(STDERR_FILENO)
			  ? snprintf(line, sizeof(line) - 1, "<%d>%s", priority, text)
			  : snprintf(line, sizeof(line) - 1, "certfs: %s", text);

	if (len < 0)
		return;
	if ((size_t)len > sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return; /* nobody left to tell */
}

void cf_fs_log(const struct cf_fs_log *log, int priority, const char *fmt, ...)
{
	char text[CF_ERR_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (log->system)
		syslog(LOG_DAEMON | priority, "%s", text);
	else
		write_line(priority, text);
}

void cf_fs_log_refusal(const struct cf_fs_log *log, int r, const struct cf_err *err)
{
	cf_fs_log(log, r == -EIO ? LOG_ERR : LOG_INFO, "%s: %s", cf_errno_name(-r),
		  err->code != 0 ? err->text : strerror(-r));
}

void cf_fs_log_judging(void *arg, const struct cf_progress *progress)
{
	struct cf_fs *fs = arg;
	struct cf_fs_log *log = fs->log;
	const bool over = progress->all > 0;

	if (progress->done == 0 && !over)
		log->judging = (struct cf_beat){ 0 };
	if (!log->judging_told && cf_beat_due(&log->judging, JUDGING_MS, JUDGING_MS)) {
		log->judging_told = true;
		cf_fs_log(log, LOG_NOTICE,
			  "judging all certificates anew, as what is trusted has changed");
	}
	if (progress->done == 0 && !over)
		cf_fs_testing_fault(fs, "judge-all");
	if (!over || !log->judging_told)
		return;
	log->judging_told = false;
	cf_fs_log(log, LOG_NOTICE, "judged %lld certificates anew", (long long)progress->done);
}

/* fuse_log.h's levels are those of syslog(3). */
__attribute__((format(printf, 2, 0))) static void libfuse_to_system(enum fuse_log_level level,
								    const char *fmt, va_list ap)
{
	vsyslog(LOG_DAEMON | (int)level, fmt, ap);
}

void cf_fs_log_to_system(struct cf_fs_log *log)
{
	openlog("certfs", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	fuse_set_log_func(libfuse_to_system);
	log->system = true;
}
