/* Every row under other keys; see rekey.h. */
#include "core/store/rekey.h"

#include <errno.h>
#include <string.h>

#include "core/store/row_private.h"

enum {
	EVENT_MAC,
	COUNT_
};

static const char *const text[] = {
	[EVENT_MAC] = "UPDATE event SET mac = :mac WHERE seq = :seq",
};

static const struct cf_sql sql = { CF_MODULE_REKEY, COUNT_, text };

static const struct cf_table *const tables[] = {
	&cf_table_secret, /* first: a key is bound to its certificate, which is read for that */
	&cf_table_root,   &cf_table_server,  &cf_table_certificate, &cf_table_issuer,
	&cf_table_trust,  &cf_table_setting, &cf_table_slot,
};

void cf_store_use_keys(struct cf_store *store, const struct cf_store_keys *keys)
{
	store->keys = *keys;
}

/* Whose tally counts a row: its column of that name, or the root's. */
static int64_t server_of(const struct cf_table *table, const void *row)
{
	for (size_t i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].parameter, ":server") == 0)
			return *cf_row_int(row, table->columns[i].offset);
	return 0;
}

static int reseal(const struct cf_store_rekey *how, const struct cf_table *table, void *row,
		  struct cf_err *err)
{
	if (table == &cf_table_secret)
		return how->secret(how->arg, row, err);
	if (table == &cf_table_slot)
		return how->slot(how->arg, row, err);
	return 0;
}

union row {
	max_align_t align;
	char bytes[2048];
};

/* The next row, checked under the old keys. 1 or 0. */
static int next(struct cf_db *db, const struct cf_table *table, int64_t after, union row *ret,
		struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	bool damaged;
	int r = cf_stmt(db, table->sql, table->next, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":after", after);
	r = cf_row_step(db, table, stmt, ret, &damaged, err);
	if (r > 0 && damaged) {
		r = cf_fail(err, EIO, "%s %lld isn't what certfs wrote; restore a backup",
			    table->name, (long long)cf_row_id(table, ret));
		table->done(ret);
	}
	return r;
}

static int rekey_table(struct cf_db *db, const struct cf_table *table,
		       const struct cf_store_rekey *how, struct cf_err *err)
{
	const struct cf_store_keys before = db->store->keys;
	struct cf_progress progress;
	int64_t after = 0;
	int r = cf_progress_rows(db, table, &progress, err);

	if (r < 0)
		return r;
	for (;;) {
		union row row, old;
		int64_t server;

		r = next(db, table, after, &row, err);
		if (r <= 0)
			return r;
		after = cf_row_id(table, &row);
		server = server_of(table, &row);
		memcpy(&old, &row, table->size); /* what cf_row_update() compares is not resealed */
		r = reseal(how, table, &row, err);
		db->store->keys = how->keys;
		if (r == 0)
			r = cf_row_update(db, table, &row, &old,
					  (struct cf_row_place){ server, server }, err);
		db->store->keys = before;
		table->done(&row);
		if (r < 0)
			return r;
		cf_progress_one_more(db, &progress);
	}
}

static int put_mac(struct cf_db *db, const struct cf_event *event, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(db, &sql, EVENT_MAC, &stmt, err);

	if (r < 0)
		return r;
	cf_bind_int(stmt, ":seq", event->seq);
	cf_bind_bytes(stmt, ":mac", cf_span(event->mac, sizeof(event->mac)));
	return cf_step(db, stmt, err);
}

/* The chain anew, from the first line to the last, which the root's tally seals. */
static int rekey_events(struct cf_db *db, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf line = { 0 };
	struct cf_event event = { 0 };
	uint8_t mac[CF_SUM_SIZE] = { 0 };
	struct cf_progress progress;
	int r = cf_root_record(db, err);

	if (r == 0)
		r = cf_progress_events(db, &progress, err);
	while (r == 0 && (r = cf_event_next(db, event.seq, &line, &event, err)) > 0) {
		r = cf_event_mac(db, &event, mac, event.mac, err);
		memcpy(mac, event.mac, sizeof(mac));
		if (r == 0)
			r = put_mac(db, &event, err);
		cf_progress_one_more(db, &progress);
	}
	if (r == 0 && event.seq != db->root.event_seq)
		r = cf_fail(err, EIO, "the audit log isn't what certfs wrote; restore a backup");
	if (r == 0)
		memcpy(db->root.event_mac, mac, sizeof(mac));
	return r;
}

int cf_store_rekey(struct cf_db *db, const struct cf_store_rekey *how, struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; i < CF_COUNT(tables) && r == 0; i++)
		r = rekey_table(db, tables[i], how, err);
	db->store->keys = how->keys;
	return r < 0 ? r : rekey_events(db, err);
}
