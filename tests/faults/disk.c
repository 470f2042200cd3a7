/* See disk.h. */
#include "tests/faults/disk.h"

#include <sqlite3.h>

#define BLOCK ((size_t)512) /* what a disk writes whole or not at all */

static uint64_t dice(uint64_t *seed, uint64_t sides)
{
	/* splitmix64: the same everywhere */
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % sides;
}

int disk_record(void *arg, const struct test_io *io)
{
	struct disk_log *log = arg;
	struct disk_op *op;

	if (io->call == TEST_CALL_READ || io->call == TEST_CALL_LOCK || io->call == TEST_CALL_SHM)
		return SQLITE_OK;
	if (log->n == log->cap) {
		log->cap = log->cap ? log->cap * 2 : 256;
		log->ops = realloc(log->ops, log->cap * sizeof(*log->ops));
		assert_non_null(log->ops);
	}
	op = &log->ops[log->n++];
	*op = (struct disk_op){
		.call = io->call,
		.file = io->file,
		.offset = (size_t)io->offset,
		.len = (size_t)io->len,
	};
	if (io->call == TEST_CALL_WRITE) {
		op->data = malloc(op->len);
		assert_non_null(op->data);
		memcpy(op->data, io->data, op->len);
	}
	op->failed = io->call == TEST_CALL_SYNC && log->failing[io->file] > 0;
	if (!op->failed)
		return SQLITE_OK;
	log->failing[io->file]--;
	return SQLITE_IOERR_FSYNC;
}

void disk_log_done(struct disk_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->ops[i].data);
	free(log->ops);
	*log = (struct disk_log){ 0 };
}

/* -- one file -------------------------------------------------------------------------------- */

static void resize(struct disk_image *image, size_t len)
{
	if (len > image->cap) {
		image->cap = len * 2;
		image->bytes = realloc(image->bytes, image->cap);
		assert_non_null(image->bytes);
	}
	if (len > image->len) /* what was never written reads as zeros */
		memset(image->bytes + image->len, 0, len - image->len);
	image->len = len;
}

static void put(struct disk_image *image, const struct disk_op *op, size_t from, size_t to)
{
	if (op->offset + to > image->len)
		resize(image, op->offset + to);
	memcpy(image->bytes + op->offset + from, op->data + from, to - from);
}

static void apply(struct disk_image *image, const struct disk_op *op)
{
	switch (op->call) {
	case TEST_CALL_CREATE:
		image->exists = true;
		break;
	case TEST_CALL_DELETE:
		image->exists = false;
		image->len = 0;
		break;
	case TEST_CALL_WRITE:
		put(image, op, 0, op->len);
		break;
	case TEST_CALL_TRUNCATE:
		resize(image, op->offset);
		break;
	default:
		break;
	}
}

/* Some blocks of a write, cut where the disk's blocks begin; anything else whole. */
static void apply_torn(struct disk_image *image, const struct disk_op *op, uint64_t *seed)
{
	if (op->call != TEST_CALL_WRITE) {
		apply(image, op);
		return;
	}
	for (size_t from = 0, to; from < op->len; from = to) {
		to = BLOCK - (op->offset + from) % BLOCK + from;
		if (to > op->len)
			to = op->len;
		if (dice(seed, 2))
			put(image, op, from, to);
	}
}

/* -- all of them ----------------------------------------------------------------------------- */

void disk_start(struct disk *disk, const struct disk_log *log, uint64_t loses)
{
	*disk = (struct disk){ .log = log, .loses = loses };
	for (int f = 0; f < TEST_FILE_COUNT_; f++) {
		disk->pending[f] = calloc(log->n + 1, sizeof(*disk->pending[f]));
		assert_non_null(disk->pending[f]);
	}
	disk->certain[TEST_FILE_MAIN].exists = true;
}

static bool is_name(const struct disk_op *op)
{
	return op->call == TEST_CALL_CREATE || op->call == TEST_CALL_DELETE;
}

/* The first n of what is pending for a file have reached the disk; true if it was made by them. */
static bool reached(struct disk *disk, enum test_file file, size_t n)
{
	size_t *pending = disk->pending[file];
	bool made = false;

	for (size_t i = 0; i < n; i++) {
		const struct disk_op *op = &disk->log->ops[pending[i]];

		made = made || op->call == TEST_CALL_CREATE;
		apply(&disk->certain[file], op);
	}
	disk->n_pending[file] -= n;
	memmove(pending, pending + n, disk->n_pending[file] * sizeof(*pending));
	return made;
}

/* The folder is synced: the names are certain, bytes that came after them aren't. */
static void sync_names(struct disk *disk)
{
	for (int f = 0; f < TEST_FILE_COUNT_; f++)
		for (size_t n = disk->n_pending[f]; n > 0; n--)
			if (is_name(&disk->log->ops[disk->pending[f][n - 1]])) {
				reached(disk, (enum test_file)f, n);
				break;
			}
}

/* Any of them, in any order, whole or torn. */
static void apply_anything(struct disk_image *image, const struct disk_log *log,
			   const size_t *numbers, size_t n, uint64_t *seed)
{
	size_t *order = malloc((n + 1) * sizeof(*order));

	assert_non_null(order);
	for (size_t i = 0; i < n; i++) {
		size_t j = dice(seed, i + 1);

		order[i] = order[j];
		order[j] = numbers[i];
	}
	for (size_t i = 0; i < n; i++)
		switch (dice(seed, 3)) {
		case 0:
			break;
		case 1:
			apply_torn(image, &log->ops[order[i]], seed);
			break;
		default:
			apply(image, &log->ops[order[i]]);
		}
	free(order);
}

/* Names are spared: SQLite syncs the folder only after the file. */
static void lose(struct disk *disk, enum test_file file)
{
	sync_names(disk);
	if (disk->loses == 0)
		reached(disk, file, disk->n_pending[file]);
	else
		apply_anything(&disk->certain[file], disk->log, disk->pending[file],
			       disk->n_pending[file], &disk->loses);
	disk->n_pending[file] = 0;
}

void disk_step(struct disk *disk)
{
	const struct disk_op *op = &disk->log->ops[disk->at];
	enum test_file file = op->file;

	if (op->failed) {
		lose(disk, file);
	} else if (op->call == TEST_CALL_SYNC) {
		/* SQLite syncs the folder, too, when it first syncs a file that is new in it. */
		if (reached(disk, file, disk->n_pending[file]))
			sync_names(disk);
	} else {
		disk->pending[file][disk->n_pending[file]++] = disk->at;
	}
	disk->at++;
}

void disk_done(struct disk *disk)
{
	for (int f = 0; f < TEST_FILE_COUNT_; f++) {
		free(disk->certain[f].bytes);
		free(disk->pending[f]);
	}
}

/*
 * Names are written apart from bytes: whether a file that was deleted or made just now is there is
 * settled first, then what became of the bytes of the one that is.
 */
static void settle_names(const struct disk *disk, enum test_file file, uint64_t *seed,
			 struct disk_image *image, size_t *from, size_t *to)
{
	const size_t *numbers = disk->pending[file];

	for (size_t i = *from; i < *to; i++) {
		const struct disk_op *op = &disk->log->ops[numbers[i]];

		if (!is_name(op))
			continue;
		if (dice(seed, 2)) {
			*to = i; /* it and all that came after it never happened */
			return;
		}
		apply(image, op);
		*from = i + 1;
	}
}

void disk_cut(const struct disk *disk, enum test_file file, enum disk_luck luck, uint64_t *seed,
	      struct disk_image *image)
{
	const struct disk_image *certain = &disk->certain[file];
	const size_t *numbers = disk->pending[file];
	size_t from = 0, to = disk->n_pending[file];

	*image = (struct disk_image){ .exists = certain->exists };
	resize(image, certain->len);
	if (certain->len)
		memcpy(image->bytes, certain->bytes, certain->len);
	switch (luck) {
	case DISK_NOTHING:
		break;
	case DISK_EVERYTHING:
		for (size_t i = 0; i < to; i++)
			apply(image, &disk->log->ops[numbers[i]]);
		break;
	case DISK_LAST_TORN:
		for (size_t i = 0; i + 1 < to; i++)
			apply(image, &disk->log->ops[numbers[i]]);
		if (to)
			apply_torn(image, &disk->log->ops[numbers[to - 1]], seed);
		break;
	case DISK_ANYTHING:
		settle_names(disk, file, seed, image, &from, &to);
		apply_anything(image, disk->log, numbers + from, to - from, seed);
	}
}
