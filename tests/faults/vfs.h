/*
 * A file layer for SQLite that asks a function before each call that matters to what is on disk:
 * to record it, or to make it fail. What is let through goes to SQLite's own layer.
 */
#pragma once

#include <stdint.h>

/* Which file of the store. Others (there are none) are not asked about. */
enum test_file {
	TEST_FILE_MAIN,
	TEST_FILE_WAL,
	TEST_FILE_JOURNAL,
	TEST_FILE_COUNT_,
};

enum test_call {
	TEST_CALL_CREATE, /* opened for the first time, or anew after it was deleted */
	TEST_CALL_READ,
	TEST_CALL_WRITE,
	TEST_CALL_TRUNCATE,
	TEST_CALL_SYNC,
	TEST_CALL_DELETE,
	TEST_CALL_LOCK,
	TEST_CALL_SHM, /* the index of the WAL, which is memory */
};

/* A call that is about to be made. */
struct test_io {
	enum test_call call;
	enum test_file file;
	int64_t offset;   /* of reads and writes; the new size of a truncation */
	const void *data; /* of writes */
	int len;
};

/* SQLITE_OK lets the call through; another code is the call's result, and nothing is done. */
typedef int test_io_fn(void *arg, const struct test_io *io);

/*
 * Register it as `name`, which must live on; as_default: for every database that doesn't ask for
 * another. The function may be called by several threads. Returns SQLite's code.
 */
int test_vfs_register(const char *name, int as_default, test_io_fn *ask, void *arg);
/* Take it back, when all that used it is closed. */
void test_vfs_unregister(const char *name);
