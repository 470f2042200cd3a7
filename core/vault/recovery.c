/* Recovery keys: 160 random bits that are printed once and typed in; see vault.h. */
#include <errno.h>
#include <string.h>

#include "core/vault/vault.h"

#define RANDOM_SIZE 20 /* bytes; 32 characters of 5 bits */
#define N_RANDOM 32
#define N_CHECK 4 /* characters; 20 bits of a digest */
#define N_ALL (N_RANDOM + N_CHECK)
#define GROUP 6

/* Crockford's: without I, L, O and U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int cf_recovery_make(uint8_t key[CF_KEY_SIZE], struct cf_err *err)
{
	uint8_t random[RANDOM_SIZE];
	int r = cf_random(random, sizeof(random), err);

	if (r == 0) {
		memset(key, 0, CF_KEY_SIZE);
		memcpy(key, random, sizeof(random));
	}
	explicit_bzero(random, sizeof(random));
	return r;
}

/* The n-th group of 5 bits. */
static unsigned bits_at(const uint8_t *data, size_t n)
{
	size_t bit = n * 5;
	unsigned two = (unsigned)data[bit / 8] << 8 | data[bit / 8 + 1];

	return two >> (11 - bit % 8) & 31;
}

/* All characters as numbers: those of the key, then the check. */
static int number(const uint8_t key[CF_KEY_SIZE], uint8_t out[N_ALL], struct cf_err *err)
{
	static const char purpose[] = "certfs recovery key";
	uint8_t sum[CF_SHA256_SIZE], text[sizeof(purpose) + RANDOM_SIZE];
	int r;

	memcpy(text, purpose, sizeof(purpose));
	memcpy(text + sizeof(purpose), key, RANDOM_SIZE);
	r = cf_sha256(cf_span(text, sizeof(text)), sum, err);
	for (size_t i = 0; i < N_RANDOM; i++)
		out[i] = (uint8_t)bits_at(key, i);
	for (size_t i = 0; i < N_CHECK && r == 0; i++)
		out[N_RANDOM + i] = (uint8_t)bits_at(sum, i);
	explicit_bzero(text, sizeof(text));
	return r;
}

int cf_recovery_show(const uint8_t key[CF_KEY_SIZE], char text[CF_RECOVERY_TEXT_MAX],
		     struct cf_err *err)
{
	uint8_t numbers[N_ALL];
	int r = number(key, numbers, err);
	char *p = text;

	for (size_t i = 0; i < N_ALL && r == 0; i++) {
		if (i && i % GROUP == 0)
			*p++ = '-';
		*p++ = alphabet[numbers[i]];
	}
	*p = '\0';
	explicit_bzero(numbers, sizeof(numbers));
	return r;
}

/* A typed character's number; 32 for what is passed over; -1 for what can't be there. */
static int read_char(char c)
{
	const char *found;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == ' ' || c == '-' || c == '\t')
		return 32;
	if (c == 'O')
		return 0;
	if (c == 'I' || c == 'L')
		return 1;
	found = c ? strchr(alphabet, c) : NULL;
	return found ? (int)(found - alphabet) : -1;
}

bool cf_recovery_read(struct cf_span text, uint8_t key[CF_KEY_SIZE], bool *ret_typo)
{
	uint8_t typed[N_ALL], right[N_ALL], read[CF_KEY_SIZE + 1] = { 0 };
	const char *p = text.data;
	size_t n = 0;
	bool fits = false;

	*ret_typo = false;
	for (size_t i = 0; i < text.len && n <= N_ALL; i++) {
		int v = read_char(p[i]);

		if (v < 0)
			n = N_ALL; /* and one more: not of that form */
		if (v != 32 && n++ < N_ALL)
			typed[n - 1] = (uint8_t)v;
	}
	if (n == N_ALL) {
		for (size_t i = 0; i < N_RANDOM; i++) {
			unsigned two = (unsigned)typed[i] << (11 - i * 5 % 8);

			read[i * 5 / 8] |= (uint8_t)(two >> 8);
			read[i * 5 / 8 + 1] |= (uint8_t)two;
		}
		fits = number(read, right, NULL) == 0 && cf_equal(typed, right, sizeof(right));
		*ret_typo = !fits;
	}
	if (fits)
		memcpy(key, read, CF_KEY_SIZE);
	explicit_bzero(typed, sizeof(typed));
	explicit_bzero(right, sizeof(right));
	explicit_bzero(read, sizeof(read));
	return fits;
}
