/* Dropped files without a password: PEM, DER, PKCS#7, CRLs, keys. */
#include "tests/fuzz/fuzz.h"

#include "core/crypto/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct cf_passwords none = { 0 };
	struct cf_decoded out = { 0 };
	struct cf_err err = { 0 };
	int r;

	fuzz_ossl();
	r = cf_decode(cf_span(data, len), &none, &out, &err);
	if (r == 0)
		assert(out.n > 0 && out.n <= CF_DROP_ITEMS_MAX);
	else
		fuzz_refused(r, &err);
	cf_decoded_done(&out);
	return 0;
}
