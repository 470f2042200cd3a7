/* Words of the service table. */
#include "tests/fuzz/fuzz.h"

#include <strings.h>

#include "core/procedures/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cf_auto(cf_free) char *text = fuzz_text(data, len);
	enum cf_service service;
	struct cf_err err = { 0 };
	int r = cf_service_parse(text, &service, &err);

	if (r < 0)
		fuzz_refused(r, &err);
	else
		assert(strcasecmp(cf_service_text(service), text) == 0);
	return 0;
}
