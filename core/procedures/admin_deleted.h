/* certfsctl deleted, undelete and purge: what lies in _deleted, by the names it has there. */
#pragma once

#include "core/procedures/admin.h"

/* One line each: when it was deleted, when it will be removed for good, and its name. */
int cf_admin_deleted(const struct cf_admin *admin, struct cf_err *err);

/* NAME [TO]: EX01 or EX01/mail, back to where it was or to another name. */
int cf_admin_undelete(const struct cf_admin *admin, struct cf_err *err);

/* NAME or --all. */
int cf_admin_purge(const struct cf_admin *admin, struct cf_err *err);
