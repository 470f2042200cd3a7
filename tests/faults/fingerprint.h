/* All that a store holds, as one number: two stores that differ anywhere differ here. */
#pragma once

#include "tests/support.h"

#include <sqlite3.h>

/* FNV-1a. */
static inline uint64_t fingerprint_add(uint64_t sum, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 0x100000001b3;
	return sum;
}

static inline uint64_t fingerprint_rows(sqlite3 *sq, const char *sql, uint64_t sum)
{
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_prepare_v2(sq, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			int type = sqlite3_column_type(stmt, i);
			int len = sqlite3_column_bytes(stmt, i);

			sum = fingerprint_add(sum, &type, sizeof(type));
			sum = fingerprint_add(sum, &len, sizeof(len));
			if (len)
				sum = fingerprint_add(sum, sqlite3_column_blob(stmt, i),
						      (size_t)len);
		}
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	return sum;
}

/* Every row of every table, through a connection. */
static inline uint64_t fingerprint(sqlite3 *sq)
{
	uint64_t sum = 0xcbf29ce484222325;
	sqlite3_stmt *tables;

	assert_int_equal(sqlite3_prepare_v2(sq,
					    "SELECT 'SELECT * FROM \"' || name || '\"' "
					    "FROM sqlite_schema WHERE type = 'table' ORDER BY name",
					    -1, &tables, NULL),
			 SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW)
		sum = fingerprint_rows(sq, (const char *)sqlite3_column_text(tables, 0), sum);
	assert_int_equal(sqlite3_finalize(tables), SQLITE_OK);
	return sum;
}
