/* The passphrase on its way to the worker. */
#pragma once

#include "fs/fs.h"

/*
 * Where nothing else unlocks the store and there is a terminal: have a process of its own ask
 * there, and let *options read the answer from a pipe: neither this process nor the supervisor
 * ever has it. 0; negative when asking failed, which was said.
 */
int cf_fs_ask(struct cf_fs_options *options);

/* Read it, in the worker. 0 and nothing in *out when there is none to read. */
int cf_fs_ask_read(const struct cf_fs_options *options, struct cf_buf *out, struct cf_err *err);
