/* The log: one line for what an administrator should know, and for every refusal. */
#include "fs/fs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* Whole lines in one write(2), so that those of several threads and processes don't mix. */
static void write_line(const char *text)
{
	char line[CF_ERR_MAX + 128];
	int len = snprintf(line, sizeof(line) - 1, "certfs: %s", text);

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
		write_line(text);
}

void cf_fs_log_refusal(const struct cf_fs_log *log, int r, const struct cf_err *err)
{
	cf_fs_log(log, r == -EIO ? LOG_ERR : LOG_INFO, "%s: %s", cf_errno_name(-r),
		  err->code != 0 ? err->text : strerror(-r));
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
