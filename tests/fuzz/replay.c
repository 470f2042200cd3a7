/*
 * A target in an ordinary build: replay SEED... feeds it every file named, or every line of a file
 * *.lines (with \n, \t, \\ and \xHH), and of each a number of variants that are the same every time.
 * CERTFS_TEST_MORE=1 makes more.
 */
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

#define MOST ((size_t)1 << 20)

static unsigned long n_inputs;

static uint64_t dice(uint64_t *seed, uint64_t sides)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % sides;
}

/* In memory of just that size, so that a byte too many is noticed. */
static void feed(const uint8_t *data, size_t len)
{
	uint8_t *copy = calloc(1, len ? len : 1);

	assert(copy);
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	n_inputs++;
}

static void vary(const uint8_t *data, size_t len, uint64_t seed)
{
	static const uint8_t odd[] = {
		0, 1, 0x7f, 0x80, 0xff, '\\', '"', '\'', '<', ',', '=', '\n'
	};
	uint8_t *copy = malloc(len + 1);
	size_t at = dice(&seed, len + 1);

	assert(copy);
	memcpy(copy, data, len);
	switch (dice(&seed, 4)) {
	case 0: /* cut off */
		len = at;
		break;
	case 1: /* a bit flipped */
		if (at < len)
			copy[at] ^= (uint8_t)(1 << dice(&seed, 8));
		break;
	case 2: /* an odd byte put in */
		memmove(copy + at + 1, copy + at, len - at);
		copy[at] = odd[dice(&seed, sizeof(odd))];
		len++;
		break;
	default: /* a part left out */
		if (at < len) {
			size_t n = dice(&seed, len - at) + 1;

			memmove(copy + at, copy + at + n, len - at - n);
			len -= n;
		}
	}
	feed(copy, len);
	free(copy);
}

static void feed_all(const uint8_t *data, size_t len)
{
	const char *more = getenv("CERTFS_TEST_MORE");
	/* A large one may have a key derivation in it. */
	uint64_t n = len < 512 ? 40 : 2;

	if (more && *more && strcmp(more, "0") != 0)
		n *= 50;

	feed(data, len);
	for (uint64_t i = 0; i < n; i++)
		vary(data, len, i);
}

static int hex(int c)
{
	return c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0';
}

static void feed_line(uint8_t *line, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] != '\\' || i + 1 == len) {
			line[n++] = line[i];
			continue;
		}
		switch (line[++i]) {
		case 'n':
			line[n++] = '\n';
			break;
		case 't':
			line[n++] = '\t';
			break;
		case 'x':
			assert(i + 2 < len);
			line[n++] = (uint8_t)(hex(line[i + 1]) << 4 | hex(line[i + 2]));
			i += 2;
			break;
		default:
			line[n++] = line[i];
		}
	}
	feed_all(line, n);
}

static void replay(const char *path)
{
	const char *dot = strrchr(path, '.');
	uint8_t *data = malloc(MOST);
	FILE *in = fopen(path, "r");
	size_t len;

	assert(data);
	if (!in) {
		perror(path);
		exit(1);
	}
	len = fread(data, 1, MOST, in);
	fclose(in);
	if (dot && strcmp(dot, ".lines") == 0) {
		for (uint8_t *p = data, *end; p < data + len; p = end + 1) {
			end = memchr(p, '\n', (size_t)(data + len - p));
			if (!end)
				end = data + len;
			feed_line(p, (size_t)(end - p));
		}
	} else {
		feed_all(data, len);
	}
	free(data);
}

int main(int argc, char **argv)
{
	feed((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%lu inputs of %d files\n", n_inputs, argc - 1);
	return n_inputs < 2;
}
