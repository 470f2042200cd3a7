/*
 * A disk that may lose power: what was written to it is recorded, and from any moment on it can be
 * asked what it may hold. What was synced is there. Of what wasn't, any part may be, in any order,
 * each write whole or in blocks of 512 bytes.
 */
#pragma once

#include "tests/support.h"

#include "tests/faults/vfs.h"

struct disk_op {
	enum test_call call;
	enum test_file file;
	size_t offset; /* or size */
	size_t len;
	uint8_t *data;
	bool failed; /* a sync that was made to */
};

struct disk_log {
	struct disk_op *ops;
	size_t n, cap;
	int failing[TEST_FILE_COUNT_]; /* so many syncs of that file fail next */
};

/* A test_io_fn that records, and fails as it is told; arg is the log. */
int disk_record(void *arg, const struct test_io *io);
void disk_log_done(struct disk_log *log);

struct disk_image {
	uint8_t *bytes;
	size_t len, cap;
	bool exists;
};

/* The files at one moment: what is certain, and what isn't yet. */
struct disk {
	const struct disk_log *log;
	size_t at; /* how many of log->ops have happened */
	struct disk_image certain[TEST_FILE_COUNT_];
	size_t *pending[TEST_FILE_COUNT_]; /* numbers of ops */
	size_t n_pending[TEST_FILE_COUNT_];
	uint64_t loses; /* what a failed sync loses, see below; a seed that moves on */
};

/*
 * The database exists and is empty; no operation has happened yet. A sync that fails settles what
 * becomes of all that it should have brought to the disk: as Linux takes that for clean, the next one
 * brings none of it. loses 0: it is all there; else a part, by this seed.
 */
void disk_start(struct disk *disk, const struct disk_log *log, uint64_t loses);
void disk_step(struct disk *disk);
void disk_done(struct disk *disk);

/* How much of what isn't certain is there. */
enum disk_luck {
	DISK_NOTHING,
	DISK_EVERYTHING,
	DISK_LAST_TORN, /* everything, but of the last write only some blocks */
	DISK_ANYTHING,
};

/* What the power cut leaves of one file. Free image->bytes. *seed moves on. */
void disk_cut(const struct disk *disk, enum test_file file, enum disk_luck luck, uint64_t *seed,
	      struct disk_image *image);
