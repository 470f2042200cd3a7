/* Sizes and times of files that are rendered of many rows. See kept.c. */
#pragma once

#include "core/tree/node_private.h"

struct cf_kept *cf_kept_new(void);
void cf_kept_free(struct cf_kept *kept);

/* A change was told of that concerns this inode, if it is such a file: it will be rendered anew. */
void cf_kept_outdated(struct cf_tree *tree, uint64_t ino);

/* Size and time of a file that is rendered of many rows, at->file: kept while its state stays. */
int cf_kept_size(struct cf_at *at, uint64_t *ret_size, cf_time *ret_time, struct cf_err *err);
