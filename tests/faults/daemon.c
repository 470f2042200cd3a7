/* What certfs-testing has between SQLite and the disk: a sync fails when the daemon is told so. */
#include <sqlite3.h>
#include <stdlib.h>

#include "fs/fs.h"
#include "tests/faults/vfs.h"

static int ask(void *arg, const struct test_io *io)
{
	(void)arg;
	return io->call == TEST_CALL_SYNC && cf_fs_testing_sync_fails() ? SQLITE_IOERR_FSYNC
									: SQLITE_OK;
}

/* Before main() opens a store. */
__attribute__((constructor)) static void ask_before_io(void)
{
	if (test_vfs_register("certfs-testing", 1, ask, NULL) != SQLITE_OK)
		abort();
}
