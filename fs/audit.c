/*
 * The head of the audit log goes to the journal, where whoever can change the store may not reach
 * it: certfsctl(1) tells later whether the log still contains it.
 */
#include "fs/fs.h"

#include <syslog.h>

#include "core/procedures/upkeep.h"

/* After so many lines, or a day, the next round of the timer tells another head. */
#define LINES 1000
#define DAY (24 * 60 * 60 * (cf_time)CF_SECOND)

void cf_fs_audit_head(struct cf_fs *fs, const char *when)
{
	char head[CF_AUDIT_HEAD_MAX];
	struct cf_err err = { 0 };
	int64_t seq;

	if (!fs->core->vault)
		return; /* it was never unlocked */
	if (cf_audit_head(fs->core, &seq, head, &err) < 0) {
		cf_fs_log(fs->log, LOG_ERR, "the audit log of %s: %s", fs->options->store,
			  err.text);
		return;
	}
	fs->head_seq = seq;
	fs->head_time = cf_clock_now(fs->core->clock);
	cf_fs_log(fs->log, LOG_NOTICE, "%s %s: its audit log ends with %s", fs->options->store,
		  when, head);
}

void cf_fs_audit_look(struct cf_fs *fs)
{
	char head[CF_AUDIT_HEAD_MAX];
	int64_t seq;

	if (fs->head_time == 0) /* the first one is told when the mount is there */
		return;
	if (cf_audit_head(fs->core, &seq, head, NULL) < 0 || seq == fs->head_seq)
		return;
	if (seq - fs->head_seq >= LINES || cf_clock_now(fs->core->clock) - fs->head_time >= DAY)
		cf_fs_audit_head(fs, "in use");
}
