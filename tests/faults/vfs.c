/* See vfs.h. */
#include "tests/faults/vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct layer {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	test_io_fn *ask;
	void *arg;
};

/* SQLite allocates szOsFile bytes: the layer's own and, behind them, the real one's. */
struct file {
	sqlite3_file base;
	struct layer *layer;
	enum test_file which;
	sqlite3_file behind[];
};

static sqlite3_file *real(sqlite3_file *base)
{
	return ((struct file *)base)->behind;
}

static int may(sqlite3_file *base, struct test_io io)
{
	struct file *file = (struct file *)base;

	if (file->which == TEST_FILE_COUNT_)
		return SQLITE_OK;
	io.file = file->which;
	return file->layer->ask(file->layer->arg, &io);
}

/* -- a file ---------------------------------------------------------------------------------- */

static int file_close(sqlite3_file *base)
{
	return real(base)->pMethods->xClose(real(base));
}

static int file_read(sqlite3_file *base, void *out, int len, sqlite3_int64 offset)
{
	int rc =
		may(base, (struct test_io){ .call = TEST_CALL_READ, .offset = offset, .len = len });

	return rc ? rc : real(base)->pMethods->xRead(real(base), out, len, offset);
}

static int file_write(sqlite3_file *base, const void *data, int len, sqlite3_int64 offset)
{
	int rc = may(base,
		     (struct test_io){
			     .call = TEST_CALL_WRITE, .offset = offset, .data = data, .len = len });

	return rc ? rc : real(base)->pMethods->xWrite(real(base), data, len, offset);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	int rc = may(base, (struct test_io){ .call = TEST_CALL_TRUNCATE, .offset = size });

	return rc ? rc : real(base)->pMethods->xTruncate(real(base), size);
}

static int file_sync(sqlite3_file *base, int flags)
{
	int rc = may(base, (struct test_io){ .call = TEST_CALL_SYNC });

	return rc ? rc : real(base)->pMethods->xSync(real(base), flags);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	return real(base)->pMethods->xFileSize(real(base), ret);
}

static int file_lock(sqlite3_file *base, int level)
{
	int rc = may(base, (struct test_io){ .call = TEST_CALL_LOCK });

	return rc ? rc : real(base)->pMethods->xLock(real(base), level);
}

static int file_unlock(sqlite3_file *base, int level)
{
	return real(base)->pMethods->xUnlock(real(base), level);
}

static int file_check_lock(sqlite3_file *base, int *ret)
{
	return real(base)->pMethods->xCheckReservedLock(real(base), ret);
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
	return real(base)->pMethods->xFileControl(real(base), op, arg);
}

static int file_sector(sqlite3_file *base)
{
	return real(base)->pMethods->xSectorSize(real(base));
}

static int file_character(sqlite3_file *base)
{
	return real(base)->pMethods->xDeviceCharacteristics(real(base));
}

static int shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **ret)
{
	int rc = may(base, (struct test_io){ .call = TEST_CALL_SHM });

	return rc ? rc : real(base)->pMethods->xShmMap(real(base), page, size, extend, ret);
}

static int shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
	return real(base)->pMethods->xShmLock(real(base), offset, n, flags);
}

static void shm_barrier(sqlite3_file *base)
{
	real(base)->pMethods->xShmBarrier(real(base));
}

static int shm_unmap(sqlite3_file *base, int delete)
{
	return real(base)->pMethods->xShmUnmap(real(base), delete);
}

/* Version 2: with a WAL, without mapping the database, which would go past the layer. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_character,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* -- the layer ------------------------------------------------------------------------------- */

static sqlite3_vfs *below(sqlite3_vfs *vfs)
{
	return ((struct layer *)vfs)->real;
}

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
		      int *ret_flags)
{
	struct file *file = (struct file *)base;
	int exists = 0, rc = SQLITE_OK;

	file->base.pMethods = NULL;
	file->layer = (struct layer *)vfs;
	file->which = flags & SQLITE_OPEN_MAIN_DB        ? TEST_FILE_MAIN
		      : flags & SQLITE_OPEN_WAL          ? TEST_FILE_WAL
		      : flags & SQLITE_OPEN_MAIN_JOURNAL ? TEST_FILE_JOURNAL
							 : TEST_FILE_COUNT_;
	if (name && flags & SQLITE_OPEN_CREATE)
		rc = below(vfs)->xAccess(below(vfs), name, SQLITE_ACCESS_EXISTS, &exists);
	if (rc == SQLITE_OK && flags & SQLITE_OPEN_CREATE && !exists)
		rc = may(base, (struct test_io){ .call = TEST_CALL_CREATE });
	if (rc == SQLITE_OK)
		rc = below(vfs)->xOpen(below(vfs), name, real(base), flags, ret_flags);
	/* SQLite closes what has methods, even where opening failed. */
	if (rc == SQLITE_OK)
		file->base.pMethods = &methods;
	return rc;
}

static int layer_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	struct layer *layer = (struct layer *)vfs;
	const char *dash = strrchr(name, '-');
	struct test_io io = { .call = TEST_CALL_DELETE, .file = TEST_FILE_COUNT_ };
	int rc = SQLITE_OK;

	if (dash && strcmp(dash, "-wal") == 0)
		io.file = TEST_FILE_WAL;
	if (dash && strcmp(dash, "-journal") == 0)
		io.file = TEST_FILE_JOURNAL;
	if (io.file != TEST_FILE_COUNT_)
		rc = layer->ask(layer->arg, &io);
	return rc ? rc : layer->real->xDelete(layer->real, name, sync_dir);
}

static int layer_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	return below(vfs)->xAccess(below(vfs), name, flags, ret);
}

static int layer_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	return below(vfs)->xFullPathname(below(vfs), name, size, out);
}

static int layer_random(sqlite3_vfs *vfs, int len, char *out)
{
	return below(vfs)->xRandomness(below(vfs), len, out);
}

static int layer_sleep(sqlite3_vfs *vfs, int us)
{
	return below(vfs)->xSleep(below(vfs), us);
}

static int layer_time(sqlite3_vfs *vfs, double *ret)
{
	return below(vfs)->xCurrentTime(below(vfs), ret);
}

static int layer_time64(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
	return below(vfs)->xCurrentTimeInt64(below(vfs), ret);
}

static int layer_error(sqlite3_vfs *vfs, int len, char *out)
{
	return below(vfs)->xGetLastError(below(vfs), len, out);
}

int test_vfs_register(const char *name, int as_default, test_io_fn *ask, void *arg)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);
	struct layer *layer = calloc(1, sizeof(*layer));

	if (!layer || !real) {
		free(layer);
		return SQLITE_NOMEM;
	}
	layer->real = real;
	layer->ask = ask;
	layer->arg = arg;
	layer->vfs = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = (int)sizeof(struct file) + real->szOsFile,
		.mxPathname = real->mxPathname,
		.zName = name,
		.xOpen = layer_open,
		.xDelete = layer_delete,
		.xAccess = layer_access,
		.xFullPathname = layer_path,
		.xRandomness = layer_random,
		.xSleep = layer_sleep,
		.xCurrentTime = layer_time,
		.xGetLastError = layer_error,
		.xCurrentTimeInt64 = layer_time64,
	};
	return sqlite3_vfs_register(&layer->vfs, as_default);
}

void test_vfs_unregister(const char *name)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(name);

	sqlite3_vfs_unregister(vfs);
	free(vfs); /* which the layer begins with */
}
