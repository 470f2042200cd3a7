/* What is shown of foreign text: nothing in it is obeyed by a terminal, a browser or a shell. */
#include "tests/fuzz/fuzz.h"

#include "core/base/text.h"

static void harmless(const struct cf_buf *buf, const char *forbidden)
{
	const char *text = cf_buf_text(buf);

	for (const char *p = text; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
	assert(!strpbrk(text, forbidden));
	assert(cf_text_utf8_ok(text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cf_auto(cf_free) char *text = fuzz_text(data, len);
	cf_auto(cf_buf_done) struct cf_buf shown = { 0 }, html = { 0 }, json = { 0 }, shell = { 0 },
					   normal = { 0 };
	size_t quotes = 0;

	assert(cf_text_show(&shown, text, NULL) == 0);
	harmless(&shown, "");
	assert(cf_text_html(&html, text, NULL) == 0);
	harmless(&html, "<>\"'");
	assert(cf_text_json(&json, text, NULL) == 0);
	harmless(&json, "");
	assert(cf_text_powershell(&shell, text, NULL) == 0);
	harmless(&shell, "");
	for (const char *p = shell.data; *p; p++)
		quotes += *p == '\'';
	assert(quotes % 2 == 0);
	cf_text_normalize(cf_span(data, len), &normal, NULL);
	return 0;
}
