/* Refusals of a name that is certfs's, or that nothing can have: why, and what to do instead. */
#pragma once

#include "core/tree/node_private.h"

/* EACCES: a row can't be written or made now. */
int cf_unable_write(const struct cf_at *at, const struct cf_file *file, struct cf_err *err);

/* EPERM: no file can have this name here. */
int cf_unable_drop(const struct cf_at *at, const char *name, struct cf_err *err);

/* EPERM: a name that is certfs's can't be "removed" or "renamed". file may be NULL. */
int cf_unable_change(const struct cf_at *at, const struct cf_file *file, const char *name,
		     const char *how, struct cf_err *err);
