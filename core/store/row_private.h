/*
 * Rows as structs. A table is described once, as a list of columns; reading, binding and what
 * its MAC is computed over follow from that list. A module writes it as a macro,
 *
 *   #define COLUMNS(X) X(name, FIXED, name) X(mtime, INT, mtime) ...
 *   #define ROW struct cf_trust
 *
 * column, kind and member of ROW, and pastes it into its statements with CF_COLUMN_NAMES and
 * the like. Every table begins with id, uuid, version, mac, which aren't in the list.
 */
#pragma once

#include "core/store/store_private.h"

enum cf_column_kind {
	CF_COLUMN_INT,   /* int64_t */
	CF_COLUMN_BOOL,  /* bool */
	CF_COLUMN_TEXT,  /* char *, never NULL after a read */
	CF_COLUMN_FIXED, /* char[size], NUL-terminated */
	CF_COLUMN_BYTES, /* uint8_t[size] */
	CF_COLUMN_BUF,   /* struct cf_buf */
};

struct cf_column {
	const char *parameter; /* ":name" */
	enum cf_column_kind kind;
	size_t offset;
	size_t size;
};

struct cf_table {
	const char *name;
	int64_t format; /* goes into the MAC; raised when the columns change */
	const struct cf_column *columns;
	size_t n_columns;
	size_t n_keys; /* the first columns are those that indexes are made of */
	size_t size;   /* of the struct */
	size_t id, uuid, version, mac;
	const struct cf_sql *sql;
	int next; /* its statements: any next row by id, :after; and the three that write */
	int insert, update, delete;
	int update_plain; /* all columns but the keys; not used where n_keys is 0 */
	void (*done)(void *row);
};

#define CF_COLUMN_NAME(column, kind, member) ", " #column
#define CF_COLUMN_PARAMETER(column, kind, member) ", :" #column
#define CF_COLUMN_SET(column, kind, member) ", " #column " = :" #column

/* The three statements that name all columns. */
#define CF_SELECT(table, columns)                                                                  \
	"SELECT id, uuid, version, mac" columns(CF_COLUMN_NAME) " FROM " table " "
#define CF_INSERT(table, columns)                                                                  \
	"INSERT INTO " table " (id, uuid, version, mac" columns(                                   \
		CF_COLUMN_NAME) ")"                                                                \
				" VALUES (:id, :uuid, :version, :mac" columns(                     \
					CF_COLUMN_PARAMETER) ")"
#define CF_UPDATE(table, columns)                                                                  \
	"UPDATE " table " SET uuid = :uuid, version = :version, mac = :mac" columns(               \
		CF_COLUMN_SET) " WHERE id = :id"

/* The description; ROW is the struct. */
#define CF_COLUMN_ENTRY(column, column_kind, member)                                               \
	{ .parameter = ":" #column,                                                                \
	  .kind = CF_COLUMN_##column_kind,                                                         \
	  .offset = offsetof(ROW, member),                                                         \
	  .size = sizeof(((ROW *)0)->member) },

/*
 * Step a statement made with CF_SELECT. 1: *ret is overwritten with the row, and *damaged tells
 * whether it isn't what certfs wrote; 0: no row. *ret is untouched unless 1.
 */
int cf_row_step(struct cf_db *db, const struct cf_table *table, sqlite3_stmt *stmt, void *ret,
		bool *damaged, struct cf_err *err);

/*
 * For who watches the transaction: how many rows a table has, how many lines the audit log. The
 * caller says one_more for each. Where nobody watches nothing is counted. 0, -EIO, -ENOMEM.
 */
int cf_progress_rows(struct cf_db *db, const struct cf_table *table, struct cf_progress *ret,
		     struct cf_err *err);
int cf_progress_events(struct cf_db *db, struct cf_progress *ret, struct cf_err *err);
void cf_progress_one_more(struct cf_db *db, struct cf_progress *progress);

/* The same for what is one thing only. */
void cf_progress_at(struct cf_db *db, const char *what);

/*
 * Insert row, count it in server's tally. Fills id, version, mac, and uuid if it is all zero.
 * -EEXIST without words where an index says so; row is as it was on failure.
 */
int cf_row_insert(struct cf_db *db, const struct cf_table *table, void *row, int64_t server,
		  struct cf_err *err);

/* Whose tallies count the row: before and after. */
struct cf_row_place {
	int64_t from, to;
};

/*
 * Write all columns of row, whose stored state is old: the same version and MAC (-EAGAIN), and
 * not damaged (-EIO). Raises version; moves the tallies. -EEXIST as above.
 */
int cf_row_update(struct cf_db *db, const struct cf_table *table, void *row, const void *old,
		  struct cf_row_place place, struct cf_err *err);

/* Refuse a change of old by somebody who last saw row. -EAGAIN, -EIO. */
int cf_row_current(const struct cf_table *table, const void *row, const void *old, bool damaged,
		   struct cf_err *err);

/* Delete the row with id, which server's tally counted. */
int cf_row_delete(struct cf_db *db, const struct cf_table *table, const void *row, int64_t server,
		  struct cf_err *err);

/* The MAC that row should have. */
int cf_row_mac(struct cf_db *db, const struct cf_table *table, const void *row,
	       uint8_t out[CF_SUM_SIZE], struct cf_err *err);

/* A member of a row; one that is an integer. */
static inline void *cf_row_at(const void *row, size_t offset)
{
	return (char *)row + offset;
}

static inline int64_t *cf_row_int(const void *row, size_t offset)
{
	return cf_row_at(row, offset);
}

/* Members that every row has. */
int64_t cf_row_id(const struct cf_table *table, const void *row);
struct cf_row_id cf_row_member(const struct cf_table *table, const void *row);

/* For the check: all tables with MACs. */
extern const struct cf_table cf_table_root, cf_table_server, cf_table_certificate, cf_table_issuer,
	cf_table_secret, cf_table_trust, cf_table_setting, cf_table_slot;
