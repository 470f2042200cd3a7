/* What a power cut leaves of a store: put it on the disk, open it, and tell what it holds. */
#pragma once

#include "tests/unit/tree_fixture.h"

#include "core/store/event.h"
#include "core/store/store_private.h"
#include "tests/faults/disk.h"
#include "tests/faults/fingerprint.h"

struct left {
	uint64_t sum;
	int64_t events; /* lines of the audit log */
};

static inline void left_put_file(const char *store, const char *suffix,
				 const struct disk_image *image)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s%s", store, suffix);
	unlink(path);
	if (!image->exists)
		return;
	out = fopen(path, "w");
	assert_non_null(out);
	if (image->len)
		assert_int_equal(fwrite(image->bytes, 1, image->len, out), image->len);
	assert_int_equal(fclose(out), 0);
}

/* Make the files that the cut leaves. *seed moves on. */
static inline void left_put(const char *store, const struct disk *disk, enum disk_luck luck,
			    uint64_t *seed)
{
	static const char *const suffixes[] = { "", "-wal", "-journal" };
	char shm[128];

	for (int file = 0; file < TEST_FILE_COUNT_; file++) {
		struct disk_image image;

		disk_cut(disk, (enum test_file)file, luck, seed, &image);
		left_put_file(store, suffixes[file], &image);
		free(image.bytes);
	}
	snprintf(shm, sizeof(shm), "%s-shm", store);
	unlink(shm);
}

static inline void left_remove(const char *store)
{
	static const char *const suffixes[] = {
		"", "-wal", "-shm", "-journal", ".lock", ".reserve"
	};
	char path[128];

	for (size_t i = 0; i < CF_COUNT(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", store, suffixes[i]);
		unlink(path);
	}
}

/* Keep a finding of cf_store_check(); arg has CF_ERR_MAX bytes. */
static inline void left_keep(void *arg, const char *sentence)
{
	snprintf(arg, CF_ERR_MAX, "%s", sentence);
}

static inline int64_t left_events(struct cf_store *store, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int64_t next = -1;

	assert_int_equal(cf_store_read(store, &db, err), 0);
	assert_int_equal(cf_store_event_next_seq(db, &next, err), 0);
	return next;
}

/* Open what is on the disk now, see that it is sound, and tell what it holds. */
static inline int left_look(const char *path, struct left *ret, struct cf_err *err)
{
	const struct cf_store_options options = { .path = path, .unsafe_fast = true };
	cf_auto(cf_store_close) struct cf_store *store = NULL;
	struct cf_vault *vault = NULL;
	char finding[CF_ERR_MAX] = "";
	size_t damaged = 0;
	int r = cf_store_open(&options, &store, NULL, err);

	if (r == 0)
		r = fx_unlock(store, &vault, &damaged, err);
	if (r == 0 && damaged)
		r = cf_fail(err, EIO, "%zu servers are damaged", damaged);
	if (r == 0)
		r = cf_store_check(store, left_keep, finding, err);
	if (r > 0)
		r = cf_fail(err, EIO, "%d findings: %s", r, finding);
	if (r == 0) {
		ret->sum = fingerprint(store->writer->sq);
		ret->events = left_events(store, err);
	}
	cf_store_close(cf_take(&store));
	cf_vault_close(vault);
	return r;
}

static inline int left_by_cut(const char *store, const struct disk *disk, enum disk_luck luck,
			      uint64_t *seed, struct left *ret, struct cf_err *err)
{
	left_put(store, disk, luck, seed);
	return left_look(store, ret, err);
}
