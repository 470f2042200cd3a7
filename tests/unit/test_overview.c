/* _overview.html: read by a strict reader, nothing from outside is markup in it. */
#include "tests/unit/tree_fixture.h"

#include "core/base/text.h"
#include "core/crypto/pem.h"
#include "core/crypto/seal.h"

#define PAGE "_overview.html"

/* -- a reader that knows nothing but what the page is made of ------------------------------------ */

static const char *const tags[] = {
	"html",  "head", "meta", "title",  "style", "body", "header", "main", "footer", "section",
	"h1",    "h2",   "p",    "dl",     "div",   "dt",   "dd",     "time", "svg",    "desc",
	"g",     "rect", "path", "circle", "text",  "ul",   "ol",     "li",   "table",  "thead",
	"tbody", "tr",   "th",   "td",     "a",     "bdi",  "span",   "code",
};

static const char *const attributes[] = {
	"lang",    "charset", "http-equiv", "content",         "name",        "datetime",
	"class",   "id",      "role",       "aria-labelledby", "aria-hidden", "tabindex",
	"viewBox", "x",       "y",          "width",           "height",      "d",
	"cx",      "cy",      "r",          "scope",           "href",        "data-label",
};

struct reader {
	const char *p;
	char open[16][16]; /* elements that are open */
	size_t depth;
	size_t n_tags, n_links;
	struct cf_buf text; /* between tags, entities resolved */
};

static bool is_known(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* One character of text or of a value, in which < > and quotes are written as entities. */
static void read_char(struct reader *r, struct cf_buf *out)
{
	static const struct {
		const char *entity;
		char c;
	} entities[] = {
		{ "&lt;", '<' },   { "&gt;", '>' },   { "&amp;", '&' },
		{ "&quot;", '"' }, { "&#39;", '\'' },
	};
	uint32_t code = 0;
	size_t n;

	if (*r->p == '&') {
		for (size_t i = 0; i < CF_COUNT(entities); i++) {
			n = strlen(entities[i].entity);
			if (strncmp(r->p, entities[i].entity, n) != 0)
				continue;
			r->p += n;
			cf_buf_append(out, &entities[i].c, 1, NULL);
			return;
		}
		fail_msg("a bare & at %.40s", r->p);
	}
	n = cf_text_utf8(r->p, strnlen(r->p, 4), &code);
	assert_int_not_equal(n, 0);
	assert_true(code == '\n' || !cf_text_unsafe(code));
	assert_true(code != '>' && code != '"');
	cf_buf_append(out, r->p, n, NULL);
	r->p += n;
}

static void read_name(struct reader *r, char name[16])
{
	size_t n = strspn(r->p, "abcdefghijklmnopqrstuvwxyz-BX123");

	assert_in_range(n, 1, 15);
	memcpy(name, r->p, n);
	name[n] = '\0';
	r->p += n;
}

/* Addresses lead into the mount and nowhere else. */
static void check_address(struct reader *r, const char *address)
{
	size_t n = strlen(address);

	r->n_links++;
	assert_memory_equal(address, "./", 2);
	for (size_t i = 2; i < n; i++) {
		if (address[i] == '%') {
			assert_non_null(strchr("0123456789ABCDEF", address[i + 1]));
			assert_non_null(strchr("0123456789ABCDEF", address[i + 2]));
		}
		assert_non_null(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-._~%/",
				       address[i]));
	}
	assert_null(strstr(address, "//"));
	assert_null(strstr(address, ".."));
}

static void read_attribute(struct reader *r)
{
	struct cf_buf value = { 0 };
	char name[16];

	assert_int_equal(*r->p++, ' ');
	read_name(r, name);
	if (!is_known(attributes, CF_COUNT(attributes), name))
		fail_msg("an attribute '%s'", name);
	assert_memory_equal(r->p, "=\"", 2);
	r->p += 2;
	while (*r->p != '"')
		if (!strcmp(name, "content") && *r->p == '\'')
			r->p++;
		else
			read_char(r, &value);
	r->p++;
	if (!strcmp(name, "href"))
		check_address(r, cf_buf_text(&value));
	cf_buf_done(&value);
}

static void read_tag(struct reader *r)
{
	bool end = r->p[1] == '/';
	char name[16];

	r->p += end ? 2 : 1;
	read_name(r, name);
	if (!is_known(tags, CF_COUNT(tags), name))
		fail_msg("an element '%s'", name);
	r->n_tags++;
	if (end) {
		assert_int_not_equal(r->depth, 0);
		assert_string_equal(r->open[--r->depth], name);
		assert_int_equal(*r->p++, '>');
		return;
	}
	while (*r->p == ' ')
		read_attribute(r);
	if (r->p[0] == '/') {
		assert_int_equal(*++r->p, '>');
		r->p++;
		return;
	}
	assert_int_equal(*r->p++, '>');
	if (!strcmp(name, "meta"))
		return;
	assert_in_range(r->depth, 0, CF_COUNT(r->open) - 1);
	strcpy(r->open[r->depth++], name);
	if (!strcmp(name,
		    "style")) /* certfs's own, see page__allows_its_own_style_and_nothing_else */
		r->p = strstr(r->p, "</style>");
	assert_non_null(r->p);
}

static struct reader read_page(struct fixture *f)
{
	static const char doctype[] = "<!DOCTYPE html>\n";
	struct reader r = { 0 };

	fx_ok(f, fx_read(f, PAGE));
	r.p = f->text.data;
	assert_memory_equal(r.p, doctype, strlen(doctype));
	r.p += strlen(doctype);
	while (*r.p)
		if (*r.p == '<')
			read_tag(&r);
		else
			read_char(&r, &r.text);
	assert_int_equal(r.depth, 0);
	return r;
}

static void says(struct reader *r, const char *text)
{
	if (!strstr(cf_buf_text(&r->text), text))
		fail_msg("the page doesn't say '%s': %s", text, cf_buf_text(&r->text));
}

static void done(struct reader *r)
{
	cf_buf_done(&r->text);
}

/* -- what it shows -------------------------------------------------------------------------------- */

static void page__of_an_empty_store_says_so(void **state)
{
	struct fixture *f = *state;
	struct reader r = read_page(f);

	says(&r, "0 certificates on 0 servers");
	says(&r, "No servers yet");
	done(&r);
}

static void page__shows_every_server_and_certificate(void **state)
{
	struct fixture *f = *state;
	struct reader r;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	fx_request(f, "EX01", "web");
	fx_ok(f, fx_mkdir(f, "EX01/draft"));
	fx_ok(f, fx_mkdir(f, "EX02"));
	r = read_page(f);
	says(&r, "3 certificates on 2 servers");
	says(&r, "mail.contoso.com");
	says(&r, "Valid");
	says(&r, "SMTP SMTP-default");
	says(&r, "PendingRequest");
	says(&r, "Draft");
	says(&r, "EX02");
	says(&r, "No certificates.");
	says(&r, "mail on EX01"); /* on the time line */
	fx_ok(f, fx_read(f, "EX01/mail/not-after"));
	f->text.data[10] = '\0';
	says(&r, f->text.data);
	done(&r);
}

static void page__hostile_names_are_no_markup(void **state)
{
	static const char *const names[] = {
		"mail",        "a'onclick=alert(1) x='", "a&lt;script&gt;",
		"&amp;#x3c;b", "javascript;alert(1)",    "a%3Cb%3E]]",
		"--!",         "{}@import x;",
	};
	struct fixture *f = *state;
	size_t n_tags = 0;

	fx_valid(f, "EX01", "mail");
	for (size_t i = 0; i < CF_COUNT(names); i++) {
		uint64_t server = fx_stat(f, "EX01").ino;
		struct reader r;

		if (i)
			fx_ok(f, cf_tree_rename(f->tree, &f->ctx, server, names[i - 1], server,
						names[i], 0, &f->err));
		r = read_page(f);
		says(&r, names[i]);
		if (!i)
			n_tags = r.n_tags;
		assert_int_equal(r.n_tags, n_tags);
		assert_int_equal(r.n_links, 1);
		done(&r);
	}
}

static void page__hostile_subjects_and_issuers_are_no_markup(void **state)
{
	struct fixture *f = *state;
	struct made evil =
		make((struct spec){ .cn = "<script>alert(1)</script>\"'&\n\x01", .ca = true });
	struct reader r;
	struct made m;

	fx_request(f, "EX01", "mail");
	m = fx_answer(f, "EX01/mail",
		      (struct spec){ .cn = "</title><img src=x onerror=alert(1)>",
				     .issuer = &evil,
				     .dns = "<b>.contoso.com\">" });
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	made_done(&m);
	made_done(&evil);
	r = read_page(f);
	says(&r, "Untrusted");
	says(&r, "\\<script\\>alert(1)"); /* of the issuer that is missing, with its own escapes */
	says(&r, "<b>.contoso.com\">");
	done(&r);
}

static void page__allows_its_own_style_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	uint8_t sum[CF_SHA256_SIZE];
	struct cf_buf wanted = { 0 };
	const char *style, *end;
	struct reader r = read_page(f);

	style = strstr(f->text.data, "<style>") + strlen("<style>");
	end = strstr(style, "</style>");
	assert_int_equal(cf_sha256(cf_span(style, (size_t)(end - style)), sum, NULL), 0);
	assert_int_equal(
		cf_buf_puts(&wanted, "content=\"default-src 'none'; style-src 'sha256-", NULL), 0);
	assert_int_equal(cf_base64(cf_span(sum, sizeof(sum)), &wanted, NULL), 0);
	assert_int_equal(cf_buf_puts(&wanted, "'; base-uri 'none'; form-action 'none'\"", NULL), 0);
	assert_non_null(strstr(f->text.data, wanted.data));
	assert_null(strstr(style, "url("));
	assert_null(strstr(style, "@import"));
	assert_null(strstr(f->text.data, "://"));
	assert_null(strstr(f->text.data, "<script"));
	cf_buf_done(&wanted);
	done(&r);
}

static void page__shows_500_and_counts_the_others(void **state)
{
	struct fixture *f = *state;
	struct reader r;

	fx_ok(f, fx_mkdir(f, "EX01"));
	for (int i = 0; i < 510; i++) {
		char path[512];

		fx_path(path, "EX01/draft-%d", i);
		fx_ok(f, fx_mkdir(f, path));
	}
	r = read_page(f);
	says(&r, "510 certificates on 1 server.");
	says(&r, "Only the 500 certificates that are most urgent are shown.");
	assert_int_equal(r.n_links, 500);
	done(&r);
}

static void page__dates_that_pass_are_its_time(void **state)
{
	struct fixture *f = *state;
	struct cf_attr before, soon;
	struct reader r;
	cf_time end;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_read(f, "EX01/mail/not-after"));
	f->text.data[f->text.len - 1] = '\0';
	assert_true(cf_time_parse(f->text.data, &end));
	r = read_page(f);
	assert_null(strstr(f->text.data, "class=\"soon\"><th"));
	done(&r);
	before = fx_stat(f, PAGE);
	cf_clock_set(&f->clock, end - 31 * 86400 * CF_SECOND);
	assert_int_equal(fx_stat(f, PAGE).mtime, before.mtime);
	assert_int_equal(fx_stat(f, PAGE).size, before.size);
	cf_clock_set(&f->clock, end - 29 * 86400 * CF_SECOND);
	soon = fx_stat(f, PAGE);
	assert_int_equal(soon.mtime, end - 30 * 86400 * CF_SECOND);
	assert_int_equal(soon.ctime, soon.mtime);
	r = read_page(f);
	assert_non_null(strstr(f->text.data, "class=\"soon\"><th"));
	done(&r);
}

/* Months are narrower than years' numbers. */
static void page__two_years_never_stand_side_by_side(void **state)
{
	static const struct {
		const char *now;
		int years;
	} cases[] = {
		{ "2040-10-15T00:00:00Z", 3 }, /* to September 2042 */
		{ "2041-12-15T00:00:00Z", 2 }, /* to November 2043, without its own */
		{ "2043-01-15T00:00:00Z", 2 }, /* to December 2044 */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		char name[16];
		cf_time now;
		struct reader r;
		int n = 0;

		assert_true(cf_time_parse(cases[i].now, &now));
		cf_clock_set(&f->clock, now);
		snprintf(name, sizeof(name), "m%zu", i);
		fx_valid(f, "EX01", name);
		r = read_page(f);
		for (const char *p = f->text.data; (p = strstr(p, "class=\"year\"")); p++)
			n++;
		assert_int_equal(n, cases[i].years);
		done(&r);
	}
}

static void no_inode(void *arg, uint64_t ino)
{
	(void)arg;
	(void)ino;
}

static void no_entry(void *arg, uint64_t parent, const char *name)
{
	(void)arg;
	(void)parent;
	(void)name;
}

/* What fs does after a commit. */
static void tell(struct fixture *f)
{
	const struct cf_notices notices = { no_inode, no_entry, NULL };

	cf_tree_notices(f->tree, &f->ctx.changes, &notices);
	cf_changes_done(&f->ctx.changes);
}

static void page__is_looked_at_quickly_once_it_was_rendered(void **state)
{
	struct fixture *f = *state;
	uint64_t page, script;

	fx_ok(f, fx_mkdir(f, "EX01"));
	page = fx_stat(f, PAGE).ino;
	script = fx_stat(f, "EX01/_apply.ps1").ino;
	tell(f);
	assert_int_equal(cf_tree_look_pace(f->tree, page, ""), CF_PAGE);
	assert_int_equal(cf_tree_look_pace(f->tree, CF_TREE_ROOT, PAGE), CF_PAGE);
	assert_int_equal(cf_tree_look_pace(f->tree, CF_TREE_ROOT, NULL), CF_PAGE);
	assert_int_equal(cf_tree_look_pace(f->tree, CF_TREE_ROOT, "EX01"), CF_QUICK);
	fx_stat(f, PAGE);
	assert_int_equal(cf_tree_look_pace(f->tree, page, ""), CF_QUICK);
	assert_int_equal(cf_tree_look_pace(f->tree, CF_TREE_ROOT, PAGE), CF_QUICK);
	assert_int_equal(cf_tree_look_pace(f->tree, CF_TREE_ROOT, NULL), CF_QUICK);
	assert_int_equal(cf_tree_pace(f->tree, CF_REQUEST_OPEN, page, 0, NULL), CF_PAGE);
	fx_stat(f, "EX01/_apply.ps1");
	assert_int_equal(cf_tree_look_pace(f->tree, script, ""), CF_QUICK);
	/* What only the page shows doesn't concern the script. */
	fx_ok(f, fx_mkdir(f, "EX02"));
	tell(f);
	assert_int_equal(cf_tree_look_pace(f->tree, page, ""), CF_PAGE);
	assert_int_equal(cf_tree_look_pace(f->tree, script, ""), CF_QUICK);
	fx_request(f, "EX01", "mail");
	tell(f);
	assert_int_equal(cf_tree_look_pace(f->tree, script, ""), CF_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(page__of_an_empty_store_says_so, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(page__shows_every_server_and_certificate, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(page__hostile_names_are_no_markup, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(page__hostile_subjects_and_issuers_are_no_markup,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(page__allows_its_own_style_and_nothing_else,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(page__shows_500_and_counts_the_others, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(page__two_years_never_stand_side_by_side, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(page__dates_that_pass_are_its_time, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(page__is_looked_at_quickly_once_it_was_rendered,
						fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests_name("overview", tests, NULL, NULL);
}
