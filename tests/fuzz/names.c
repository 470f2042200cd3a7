/* Names of servers, certificates, domains and files; those that are made of another's text are good. */
#include "tests/fuzz/fuzz.h"

#include "core/base/name.h"

static void judge(int r, const struct cf_err *err)
{
	if (r < 0)
		fuzz_refused(r, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cf_auto(cf_free) char *text = fuzz_text(data, len);
	char made[CF_CERTIFICATE_NAME_MAX + 1];
	struct cf_err server = { 0 }, certificate = { 0 }, domain = { 0 };
	unsigned char ip[16];
	size_t ip_len = 0;

	judge(cf_name_server(text, &server), &server);
	judge(cf_name_certificate(text, &certificate), &certificate);
	judge(cf_name_domain(text, &domain), &domain);
	if (cf_name_ip(text, ip, &ip_len))
		assert(ip_len == 4 || ip_len == 16);
	if (cf_name_make(text, made))
		assert(cf_name_certificate(made, NULL) == 0);
	cf_name_is_drop(text);
	cf_name_is_crl(text);
	cf_name_is_staging(text);
	return 0;
}
