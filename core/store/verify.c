/*
 * Checking the tallies: count all rows as they lie in the tables (never through an index, which
 * could tell another story) and compare with what is sealed. What a difference means:
 *
 *   a server's rows don't match its tally       that server is damaged
 *   the root's rows, the end of the audit log   the root is damaged: its secrets are refused
 *   or the time of the last commit differ
 *   the set of tallies isn't the one that the   every server is damaged: one of them was put
 *   root's tally counted, or the root's tally   back together with its rows, and nothing says
 *   itself isn't authentic or is older than     which
 *   one that was seen
 *
 * Rows with a good MAC are still served; secrets of what is damaged aren't (secret.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/store_private.h"

enum {
	FIRST_TABLE,
	LAST_TABLE = 7,
	TALLIES,
	LAST_EVENT,
	LAST_COMMIT,
	COUNT_
};

static const char *const text[] = {
	[FIRST_TABLE] = "SELECT id, version, mac, 0 FROM root NOT INDEXED",
	[1] = "SELECT id, version, mac, 0 FROM server NOT INDEXED",
	[2] = "SELECT id, version, mac, server FROM certificate NOT INDEXED",
	[3] = "SELECT id, version, mac, server FROM issuer NOT INDEXED",
	[4] = "SELECT id, version, mac, server FROM secret NOT INDEXED",
	[5] = "SELECT id, version, mac, 0 FROM trust NOT INDEXED",
	[6] = "SELECT id, version, mac, server FROM setting NOT INDEXED",
	[LAST_TABLE] = "SELECT id, version, mac, 0 FROM slot NOT INDEXED",
	[TALLIES] = "SELECT server, version, sealed FROM tally NOT INDEXED WHERE server <> 0",
	[LAST_EVENT] = ("SELECT seq, mac, start + length(CAST(line AS BLOB)) FROM event"
			" ORDER BY seq DESC LIMIT 1"),
	[LAST_COMMIT] = "SELECT last_commit FROM header",
};

static const char *const tables[] = {
	[FIRST_TABLE] = "root", [1] = "server", [2] = "certificate", [3] = "issuer",
	[4] = "secret",         [5] = "trust",  [6] = "setting",     [LAST_TABLE] = "slot",
};

static const struct cf_sql sql = { CF_MODULE_VERIFY, COUNT_, text };

/* -- which servers are damaged --------------------------------------------------------------- */

int cf_damage_add(struct cf_damage *damage, int64_t server, struct cf_err *err)
{
	if (server == 0)
		damage->root = true;
	if (server == 0 || cf_damage_has(damage, server))
		return 0;
	if (damage->n == damage->cap) {
		size_t cap = damage->cap ? damage->cap * 2 : 4;
		int64_t *servers = realloc(damage->servers, cap * sizeof(*servers));

		if (!servers)
			return cf_fail_memory(err);
		damage->servers = servers;
		damage->cap = cap;
	}
	damage->servers[damage->n++] = server;
	return 0;
}

bool cf_damage_has(const struct cf_damage *damage, int64_t server)
{
	if (server == 0)
		return damage->root;
	for (size_t i = 0; i < damage->n; i++)
		if (damage->servers[i] == server)
			return true;
	return damage->all;
}

void cf_damage_done(struct cf_damage *damage)
{
	free(damage->servers);
	*damage = (struct cf_damage){ 0 };
}

/* -- counting -------------------------------------------------------------------------------- */

/* What was counted for one server. */
struct count {
	int64_t server;
	struct cf_tally tally;
	bool used;
	bool sealed; /* its tally was there and fits */
};

/* Counts by server, in an open hash table; and what was found. */
struct survey {
	struct cf_db *db;
	struct count *counts;
	size_t n, cap; /* cap is a power of two */
	struct cf_tally tallies;
	struct cf_damage damage;
	cf_report_fn *report;
	void *arg;
};

static void survey_done(struct survey *s)
{
	free(s->counts);
	cf_damage_done(&s->damage);
}
CF_DEFINE_DONE(struct survey, survey_done);

static struct count *slot(struct count *counts, size_t cap, int64_t server)
{
	size_t i = (size_t)((uint64_t)server * 0x9e3779b97f4a7c15ULL >> 20) & (cap - 1);

	while (counts[i].used && counts[i].server != server)
		i = (i + 1) & (cap - 1);
	return &counts[i];
}

static int grow(struct survey *s, struct cf_err *err)
{
	size_t cap = s->cap ? s->cap * 2 : 64;
	struct count *counts = calloc(cap, sizeof(*counts));

	if (!counts)
		return cf_fail_memory(err);
	for (size_t i = 0; i < s->cap; i++)
		if (s->counts[i].used)
			*slot(counts, cap, s->counts[i].server) = s->counts[i];
	free(s->counts);
	s->counts = counts;
	s->cap = cap;
	return 0;
}

/* The count of a server, made on first use. NULL: out of memory. */
static struct count *count_of(struct survey *s, int64_t server, struct cf_err *err)
{
	struct count *c;

	if (s->n * 2 >= s->cap && grow(s, err) < 0)
		return NULL;
	c = slot(s->counts, s->cap, server);
	if (!c->used) {
		c->used = true;
		c->server = server;
		s->n++;
	}
	return c;
}

/* Remember damage of a server (0: the root), and say why. */
static int found(struct survey *s, int64_t server, const char *why, struct cf_err *err)
{
	char sentence[160];

	if (server)
		snprintf(sentence, sizeof(sentence), "server %" PRId64 ": %s", server, why);
	else
		snprintf(sentence, sizeof(sentence), "the root: %s", why);
	if (s->report)
		s->report(s->arg, sentence);
	return cf_damage_add(&s->damage, server, err);
}

/* Count the rows of one table. */
static int count_table(struct survey *s, int table, struct cf_err *err)
{
	const struct cf_store_keys *keys = &s->db->store->keys;
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(s->db, &sql, table, &stmt, err);

	while (r == 0 && (r = cf_step(s->db, stmt, err)) > 0) {
		uint8_t mac[CF_SUM_SIZE] = { 0 }, member[CF_SUM_SIZE];
		struct count *c = count_of(s, sqlite3_column_int64(stmt, 3), err);

		if (!c)
			return -ENOMEM;
		cf_column_bytes(stmt, 2, mac, sizeof(mac)); /* else zero, which fits nothing */
		r = keys->member(keys->arg, tables[table], sqlite3_column_int64(stmt, 0),
				 sqlite3_column_int64(stmt, 1), mac, member, err);
		cf_tally_member_add(&c->tally, member, 1);
	}
	return r;
}

/* -- comparing ------------------------------------------------------------------------------- */

static int compare_server(struct survey *s, sqlite3_stmt *stmt, struct cf_err *err)
{
	const int64_t server = sqlite3_column_int64(stmt, 0);
	const int64_t version = sqlite3_column_int64(stmt, 1);
	const struct cf_span sealed = cf_column_span(stmt, 2);
	struct count *c = count_of(s, server, err);
	uint8_t member[CF_SUM_SIZE];
	struct cf_tally tally;
	int r;

	if (!c)
		return -ENOMEM;
	r = cf_tally_member(s->db, server, version, sealed, member, err);
	if (r < 0)
		return r;
	cf_tally_member_add(&s->tallies, member, 1);
	r = cf_tally_open(s->db, server, version, sealed, &tally, NULL);
	if (r == -ENOMEM)
		return cf_fail_memory(err);
	c->sealed = true;
	if (r < 0)
		return found(s, server, "its tally isn't what certfs wrote", err);
	if (cf_tally_equal(&tally, &c->tally))
		return 0;
	return found(s, server,
		     tally.count < c->tally.count   ? "rows were added or put back from outside"
		     : tally.count > c->tally.count ? "rows were deleted from outside"
						    : "rows were replaced from outside",
		     err);
}

static int compare_servers(struct survey *s, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *stmt = NULL;
	int r = cf_stmt(s->db, &sql, TALLIES, &stmt, err);

	while (r == 0 && (r = cf_step(s->db, stmt, err)) > 0)
		r = compare_server(s, stmt, err);
	for (size_t i = 0; i < s->cap && r == 0; i++)
		if (s->counts[i].used && s->counts[i].server && !s->counts[i].sealed)
			r = found(s, s->counts[i].server, "its tally is missing", err);
	return r;
}

/* Every server, since nothing says which of them is as it was. */
static int all_damaged(struct survey *s, const char *why, struct cf_err *err)
{
	int r = found(s, 0, why, err);

	for (size_t i = 0; i < s->cap && r == 0; i++)
		if (s->counts[i].used && s->counts[i].server)
			r = cf_damage_add(&s->damage, s->counts[i].server, err);
	s->damage.all = true;
	return r;
}

/* The end of the audit log and the time in the header, against the root's tally. */
static int compare_ends(struct survey *s, const struct cf_root_record *record, struct cf_err *err)
{
	cf_auto(cf_stmt_done) sqlite3_stmt *event = NULL, *header = NULL;
	uint8_t mac[CF_SUM_SIZE] = { 0 };
	int64_t seq = 0, end = 0;
	int r = cf_stmt(s->db, &sql, LAST_EVENT, &event, err);

	if (r == 0)
		r = cf_step(s->db, event, err);
	if (r > 0) {
		seq = sqlite3_column_int64(event, 0);
		cf_column_bytes(event, 1, mac, sizeof(mac));
		end = sqlite3_column_int64(event, 2);
	}
	if (r >= 0)
		r = cf_stmt(s->db, &sql, LAST_COMMIT, &header, err);
	if (r == 0)
		r = cf_step(s->db, header, err);
	if (r < 0)
		return r;
	if (r == 0 || sqlite3_column_int64(header, 0) != record->last_commit)
		return found(s, 0, "the time of the last commit isn't what certfs wrote", err);
	if (seq != record->event_seq || end != record->event_end ||
	    memcmp(mac, record->event_mac, sizeof(mac)) != 0)
		return found(s, 0, "the end of the audit log isn't what certfs wrote", err);
	return 0;
}

static int compare_root(struct survey *s, struct cf_err *err)
{
	struct count *c = count_of(s, 0, err);
	struct cf_err why = { 0 };
	int r;

	if (!c)
		return -ENOMEM;
	r = cf_root_record(s->db, &why);
	if (r == -EIO && !s->db->broken)
		return all_damaged(s, why.text, err);
	if (r < 0)
		return cf_fail(err, -r, "%s", why.text);
	if (s->db->root.version < s->db->store->root_version)
		return all_damaged(s, "an older state of the store was put back", err);
	if (!cf_tally_equal(&s->db->root.tallies, &s->tallies))
		r = all_damaged(s, "the tallies of the servers aren't those certfs wrote", err);
	if (r == 0 && !cf_tally_equal(&s->db->root.rows, &c->tally))
		r = found(s, 0, "rows were deleted, added or put back from outside", err);
	return r < 0 ? r : compare_ends(s, &s->db->root, err);
}

static int survey(struct survey *s, struct cf_err *err)
{
	int r = 0;

	for (int table = FIRST_TABLE; table <= LAST_TABLE && r == 0; table++)
		r = count_table(s, table, err);
	if (r == 0)
		r = compare_servers(s, err);
	return r < 0 ? r : compare_root(s, err);
}

int cf_tally_verify(struct cf_db *db, struct cf_damage *ret, cf_report_fn *report, void *arg,
		    struct cf_err *err)
{
	cf_auto(survey_done) struct survey s = { .db = db, .report = report, .arg = arg };
	struct cf_err why = { 0 };
	int r = survey(&s, &why);

	/* A page that can't be read must not keep the rest from being served. */
	if (r == -EIO && db->broken && db->corrupt) {
		db->broken = 0;
		r = all_damaged(&s, why.text, err);
	}
	if (r < 0)
		return cf_fail(err, -r, "%s", why.text);
	*ret = s.damage;
	s.damage = (struct cf_damage){ 0 };
	return 0;
}

int cf_store_verify(struct cf_db *db, struct cf_err *err)
{
	struct cf_store *store = db->store;
	struct cf_damage damage = { 0 }, old;
	int r = cf_tally_verify(db, &damage, NULL, NULL, err);

	if (r < 0)
		return r;
	if (db->root_loaded) {
		cf_clock_commit(store->clock, db->root.last_commit);
		if (db->root.version > store->root_version)
			store->root_version = db->root.version;
	}
	pthread_mutex_lock(&store->lock);
	old = store->damage;
	store->damage = damage;
	pthread_mutex_unlock(&store->lock);
	atomic_store(&store->any_damage, damage.root || damage.all || damage.n);
	cf_damage_done(&old);
	store->n_verified++;
	return 0;
}

bool cf_store_damaged(struct cf_store *store, int64_t server)
{
	bool damaged;

	if (!atomic_load(&store->any_damage))
		return false;
	pthread_mutex_lock(&store->lock);
	damaged = cf_damage_has(&store->damage, server);
	pthread_mutex_unlock(&store->lock);
	return damaged;
}
