/* The values of a draft's files: the first line is the property, the rest its value. */
#include "tests/fuzz/fuzz.h"

#include "core/procedures/property.h"
#include "core/store/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[] = { "subject", "domains", "key-type", "exportable",
					     "friendly-name" };
	struct cf_settings settings = { .server = "EX01" };
	struct cf_certificate row = { .state = CF_STATE_DRAFT };
	struct cf_err err = { 0 };
	char *text;
	int r;

	if (!len)
		return 0;
	fuzz_ossl();
	text = fuzz_text(data + 1, len - 1);
	r = cf_property_set(&row, &settings, names[data[0] % CF_COUNT(names)], text, &err);
	if (r < 0)
		fuzz_refused(r, &err);
	cf_certificate_done(&row);
	free(text);
	return 0;
}
