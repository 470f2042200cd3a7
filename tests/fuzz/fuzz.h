/* What every target has; libFuzzer calls it, or replay.c in an ordinary build. */
#pragma once

#undef NDEBUG /* a property that isn't looked at holds always */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/pack.h"
#include "core/crypto/ossl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The input as a text: up to its first NUL. */
static inline char *fuzz_text(const uint8_t *data, size_t len)
{
	char *text = calloc(1, len + 1);

	assert(text);
	if (len)
		memcpy(text, data, len);
	return text;
}

/* Start OpenSSL as certfs does, with the first input: it takes milliseconds. */
static inline void fuzz_ossl(void)
{
	static bool started;

	assert(started || cf_ossl_init(NULL) == 0);
	started = true;
}

/* A refusal has its errno and a sentence that a terminal can show. */
static inline void fuzz_refused(int r, const struct cf_err *err)
{
	assert(r < 0);
	assert(err->code == -r);
	assert(*err->text);
	for (const char *p = err->text; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}
