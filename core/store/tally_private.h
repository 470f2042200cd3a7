/*
 * Tallies: what shows rows that were deleted, added or put back from outside. A tally is how
 * many rows there are and the sum modulo 2^256 of their members, HMAC(K_set, table, id, version,
 * MAC). Each server's is sealed in a row of its own; that row is itself a member of the root's,
 * so a server's rows can't be put back together with their tally.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/store/store.h"

struct cf_sum {
	uint64_t limb[4]; /* least significant first */
};

struct cf_tally {
	int64_t count;
	struct cf_sum sum;
};

/* Add (sign 1) or take away (-1) one member; add all of another tally; compare. */
void cf_tally_member_add(struct cf_tally *tally, const uint8_t member[CF_SUM_SIZE], int sign);
void cf_tally_add(struct cf_tally *tally, const struct cf_tally *other);
bool cf_tally_equal(const struct cf_tally *a, const struct cf_tally *b);

/* What a member stands for. */
struct cf_row_id {
	int64_t id;
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
};

/* What the root's tally seals. */
struct cf_root_record {
	int64_t version;
	struct cf_tally rows;    /* the root row, servers, _trust, the root's secrets */
	struct cf_tally tallies; /* the tallies of all servers */
	int64_t event_seq;       /* the last event: its number, MAC, and where the next starts */
	uint8_t event_mac[CF_SUM_SIZE];
	int64_t event_end;
	cf_time last_commit;
};

/* Which tallies don't add up. */
struct cf_damage {
	bool root;
	bool all; /* every server, since theirs can't be told from old ones */
	int64_t *servers;
	size_t n, cap;
};

int cf_damage_add(struct cf_damage *damage, int64_t server, struct cf_err *err);
bool cf_damage_has(const struct cf_damage *damage, int64_t server);
void cf_damage_done(struct cf_damage *damage);
CF_DEFINE_DONE(struct cf_damage, cf_damage_done);
