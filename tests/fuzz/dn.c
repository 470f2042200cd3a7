/* Distinguished names as people write them, and as DER. What is shown can be written back. */
#include "tests/fuzz/fuzz.h"

#include "core/crypto/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cf_auto(cf_free) char *text = fuzz_text(data, len);
	cf_auto(cf_buf_done) struct cf_buf shown = { 0 };
	struct cf_dn dn = { 0 }, again = { 0 };
	struct cf_err err = { 0 };
	int r;

	fuzz_ossl();
	r = cf_dn_parse(text, &dn, &err);
	if (r < 0) {
		fuzz_refused(r, &err);
	} else {
		assert(cf_dn_parse_shown(dn.shown, &again, &err) == 0);
		assert(again.der.len == dn.der.len);
		assert(memcmp(again.der.data, dn.der.data, dn.der.len) == 0);
		assert(strcmp(again.shown, dn.shown) == 0);
	}
	cf_dn_done(&dn);
	cf_dn_done(&again);
	cf_err_reset(&err);
	if (cf_dn_show(cf_span(data, len), &shown, &err) == 0)
		for (const char *p = cf_buf_text(&shown); *p; p++)
			assert((unsigned char)*p >= 0x20 && *p != 0x7f);
	return 0;
}
