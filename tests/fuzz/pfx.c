/* Dropped files with passwords at hand: PKCS#12 and encrypted keys. */
#include "tests/fuzz/fuzz.h"

#include "core/crypto/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct cf_span words[] = { cf_span_text("secret"), cf_span_text("") };
	const struct cf_passwords passwords = { .items = words, .n = CF_COUNT(words) };
	struct cf_decoded out = { 0 };
	struct cf_err err = { 0 };
	int r;

	fuzz_ossl();
	r = cf_decode(cf_span(data, len), &passwords, &out, &err);
	if (r < 0)
		fuzz_refused(r, &err);
	cf_decoded_done(&out);
	return 0;
}
