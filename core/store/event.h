/*
 * The audit log: one line of JSON per event, chained by MACs, appended in the change's own
 * transaction. `start` is the offset of a line in _audit.log, so reading any part is one query.
 */
#pragma once

#include "core/store/store.h"

/* Append line (ends in LF). Its MAC covers the MAC before it. Records CF_OBJECT_AUDIT. */
int cf_store_event_add(struct cf_db *db, const char *line, struct cf_err *err);

/* The sequence number that the next event will get (it is part of the line). */
int cf_store_event_next_seq(struct cf_db *db, int64_t *ret, struct cf_err *err);

/* Bytes of the whole log, and the time of the last event's commit (0 when empty). */
int cf_store_event_size(struct cf_db *db, int64_t *ret, cf_time *ret_time, struct cf_err *err);

/* Append up to n bytes of the log from offset to out. */
int cf_store_event_read(struct cf_db *db, int64_t offset, size_t n, struct cf_buf *out,
			struct cf_err *err);

/*
 * The end of the log as it is sealed: the last event's number (0: none yet) and MAC. Kept
 * elsewhere, it shows a log that was cut off together with the rest of the store.
 */
int cf_store_event_head(struct cf_db *db, int64_t *ret_seq, uint8_t mac[CF_SUM_SIZE],
			struct cf_err *err);

/* The MAC of one event, to compare with such a head. -ENOENT when there is no such event. */
int cf_store_event_mac(struct cf_db *db, int64_t seq, uint8_t mac[CF_SUM_SIZE], struct cf_err *err);

/*
 * Walk the chain from the first event to the sealed end. Each finding is a sentence to report().
 * Returns how many, or a negative errno.
 */
int cf_store_event_check(struct cf_db *db, void (*report)(void *arg, const char *sentence),
			 void *arg, struct cf_err *err);
