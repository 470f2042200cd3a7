/* The commands of certfsctl about the whole store: its audit log, a new master key, a backup's return. */
#pragma once

#include "core/procedures/admin.h"
#include "core/procedures/unlock.h"

#define CF_AUDIT_HEAD_MAX 96 /* bytes of a head as text, with its NUL */

/*
 * The end of the audit log as text, "NUMBER:HEX": the last line's number and its MAC. Kept elsewhere
 * it shows later whether lines before it were changed or cut off. *ret_seq is the number.
 */
int cf_audit_head(const struct cf_core *core, int64_t *ret_seq, char text[CF_AUDIT_HEAD_MAX],
		  struct cf_err *err);

int cf_admin_audit_head(const struct cf_admin *admin, struct cf_err *err);   /* reports it */
int cf_admin_audit_verify(const struct cf_admin *admin, struct cf_err *err); /* word 1: a head */

/*
 * A new master key. Word 1, where there is one: "--drop-slots", to remove all key slots but the one
 * that unlocked the store. Nobody else may have the store. Reports the new head.
 */
int cf_admin_rekey(const struct cf_admin *admin, struct cf_err *err);

/*
 * Put the backup `file` in the place of the store how->store, which may be there, damaged or missing,
 * once the backup was unlocked with what how says and found sound. Of admin only report and
 * progress are used. -EBUSY while it is mounted; -EIO,
 * with findings to report(), for a backup that is damaged. On failure before the last step the store
 * is as it was; a crash leaves either of both.
 */
int cf_restore(const struct cf_unlock *how, const char *file, const struct cf_admin *admin,
	       struct cf_err *err);
