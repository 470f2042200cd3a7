/* What brings the real server to the state of its folder: commands of the Exchange Management Shell. */
#pragma once

#include "core/procedures/common.h"

/*
 * Write the script: import what can be exported, enable services, and what else there is to do as
 * comments. Every value in it is quoted by cf_text_powershell(), every other word from outside
 * stands in a comment of one line. The same state gives the same bytes.
 *
 * root, server  as loaded in the transaction db
 * now           decides what has expired
 *
 * 0, -ENOMEM, -EIO. Form: UTF-8 with a byte order mark, without which Windows PowerShell 5.1 reads
 * a script in the code page of its machine, where some bytes of UTF-8 are quotes.
 */
int cf_apply_write(struct cf_db *db, const struct cf_root *root, const struct cf_server *server,
		   cf_time now, struct cf_page *ret, struct cf_err *err);
