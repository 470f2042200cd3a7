/* A file in memory: what delivery.c judges and staged.c keeps. */
#pragma once

#include "core/tree/node_private.h"

/* One file in memory. All fields are guarded by tree->lock. */
struct cf_staged {
	struct cf_staged *next;
	uint64_t id;
	uint64_t parent;
	char *name;
	bool named;       /* the name still leads here */
	bool accepted;    /* judged and taken */
	int refused;      /* errno of a write that was refused: what is here is a part only */
	bool unlinked;    /* a client removed the name */
	bool secret;      /* and it held a key: its bytes are not given out */
	bool dirty;       /* written since it was last judged */
	uint64_t written; /* counts writes */
	struct cf_buf data;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	cf_time mtime, ctime;
	bool has_mtime; /* a client set it */
	unsigned references, opens;
	cf_time since; /* last close, in ticks */
};

/* Free what neither a name nor a handle leads to. The caller has tree->lock. */
void cf_staged_collect(struct cf_tree *tree);
