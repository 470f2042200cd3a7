/* The audit log; see event.h. */
#include "core/store/event.h"

#include <errno.h>
#include <string.h>

#include "core/store/store_private.h"

#define FORMAT 1 /* of what the chain's MAC covers */

enum {
	ADD,
	LAST,
	READ,
	NEXT,
	COUNT_
};

static const char *const text[] = {
	[ADD] = "INSERT INTO event (seq, time, start, line, mac)"
		" VALUES (:seq, :time, :start, :line, :mac)",
	[LAST] = "SELECT start + length(CAST(line AS BLOB)), time FROM event"
		 " ORDER BY seq DESC LIMIT 1",
	[READ] = "SELECT start, line FROM event WHERE start >="
		 " (SELECT max(start) FROM event WHERE start <= :offset) ORDER BY start",
	[NEXT] = "SELECT seq, time, start, line, mac FROM event WHERE seq > :after"
		 " ORDER BY seq LIMIT 1",
};

static const struct cf_sql sql = { CF_MODULE_EVENT, COUNT_, text };

int cf_event_mac(struct cf_db *db, const struct cf_event *event, const uint8_t before[CF_SUM_SIZE],
		 uint8_t out[CF_SUM_SIZE], struct cf_err *err)
{
	const struct cf_store_keys *keys = &db->store->keys;
	struct cf_buf *scratch = &db->conn->scratch;
	int r;

	scratch->len = 0;
	r = cf_pack_int(scratch, FORMAT, err);
	if (r == 0)
		r = cf_pack_bytes(scratch, cf_span(before, CF_SUM_SIZE), err);
	if (r == 0)
		r = cf_pack_int(scratch, event->seq, err);
	if (r == 0)
		r = cf_pack_int(scratch, event->time, err);
	if (r == 0)
		r = cf_pack_int(scratch, event->start, err);
	if (r == 0)
		r = cf_pack_bytes(scratch, event->line, err);
	if (r == 0)
		r = keys->mac(keys->arg, "event", cf_span_buf(scratch), out, err);
	return r;
}

static int insert(struct cf_db *db, const struct cf_event *event, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, ADD, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":seq", event->seq);
	cf_bind_int(stmt, ":time", event->time);
	cf_bind_int(stmt, ":start", event->start);
	cf_bind_text(stmt, ":line", event->line.data);
	cf_bind_bytes(stmt, ":mac", cf_span(event->mac, sizeof(event->mac)));
	return cf_step(db, stmt, err);
}

int cf_store_event_add(struct cf_db *db, const char *line, struct cf_err *err)
{
	const size_t len = strlen(line);
	struct cf_event event;
	int r = cf_root_record(db, err);

	if (r < 0)
		return r;
	if (len == 0 || strchr(line, '\n') != line + len - 1)
		return cf_fail(err, EINVAL, "an event is one line");
	event = (struct cf_event){ .seq = db->root.event_seq + 1,
				   .time = db->now,
				   .start = db->root.event_end,
				   .line = cf_span(line, len) };
	/* Chained to what is sealed, not to what is stored: a gap made from outside stays one. */
	r = cf_event_mac(db, &event, db->root.event_mac, event.mac, err);
	if (r == 0)
		r = insert(db, &event, err);
	if (r < 0)
		return r;
	db->root.event_seq = event.seq;
	db->root.event_end = event.start + (int64_t)len;
	memcpy(db->root.event_mac, event.mac, sizeof(event.mac));
	return cf_db_changed(db, CF_OBJECT_AUDIT, 0, 0, CF_WHAT_STATE, err);
}

int cf_store_event_next_seq(struct cf_db *db, int64_t *ret, struct cf_err *err)
{
	int r = cf_root_record(db, err);

	if (r == 0)
		*ret = db->root.event_seq + 1;
	return r;
}

int cf_store_event_size(struct cf_db *db, int64_t *ret, cf_time *ret_time, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, LAST, &stmt, err);

	if (r == 0)
		r = cf_step(db, stmt, err);
	if (r < 0)
		return r;
	*ret = r ? sqlite3_column_int64(stmt, 0) : 0;
	if (ret_time)
		*ret_time = r ? sqlite3_column_int64(stmt, 1) : 0;
	return 0;
}

int cf_store_event_read(struct cf_db *db, int64_t offset, size_t n, struct cf_buf *out,
			struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	const size_t len_before = out->len;
	int r = cf_stmt(db, &sql, READ, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":offset", offset);
	while (n && (r = cf_step(db, stmt, err)) > 0) {
		struct cf_span line = cf_column_span(stmt, 1);
		int64_t skip = offset - sqlite3_column_int64(stmt, 0);
		size_t take;

		if (skip < 0) /* a gap that certfs didn't make: what follows moves up */
			skip = 0;
		if ((uint64_t)skip >= line.len)
			continue;
		take = line.len - (size_t)skip;
		if (take > n)
			take = n;
		r = cf_buf_append(out, (const char *)line.data + skip, take, err);
		if (r < 0)
			break;
		n -= take;
		offset += (int64_t)take;
	}
	if (r < 0 && out->len > len_before) {
		out->len = len_before;
		out->data[len_before] = '\0';
	}
	return r < 0 ? r : 0;
}

int cf_event_next(struct cf_db *db, int64_t after, struct cf_buf *line, struct cf_event *ret,
		  struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, NEXT, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", after);
	r = cf_step(db, stmt, err);
	if (r <= 0)
		return r;
	line->len = 0;
	r = cf_column_buf(stmt, 3, line, err);
	if (r < 0)
		return r;
	*ret = (struct cf_event){ .seq = sqlite3_column_int64(stmt, 0),
				  .time = sqlite3_column_int64(stmt, 1),
				  .start = sqlite3_column_int64(stmt, 2),
				  .line = cf_span_buf(line) };
	cf_column_bytes(stmt, 4, ret->mac, sizeof(ret->mac)); /* else zero, which fits nothing */
	return 1;
}

int cf_store_event_head(struct cf_db *db, int64_t *ret_seq, uint8_t mac[CF_SUM_SIZE],
			struct cf_err *err)
{
	int r = cf_root_record(db, err);

	if (r < 0)
		return r;
	*ret_seq = db->root.event_seq;
	memcpy(mac, db->root.event_mac, CF_SUM_SIZE);
	return 0;
}

int cf_store_event_mac(struct cf_db *db, int64_t seq, uint8_t mac[CF_SUM_SIZE], struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf line = { 0 };
	struct cf_event event;
	int r = cf_event_next(db, seq - 1, &line, &event, err);

	if (r < 0)
		return r;
	if (r == 0 || event.seq != seq)
		return cf_fail(err, ENOENT, "the audit log has no line %lld", (long long)seq);
	memcpy(mac, event.mac, CF_SUM_SIZE);
	return 0;
}
