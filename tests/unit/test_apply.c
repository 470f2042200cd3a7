/* _apply.ps1: what it says, and that nothing from outside gets out of its quotes. */
#include "tests/unit/tree_fixture.h"

#include "core/base/text.h"

#define SCRIPT "EX01/_apply.ps1"

/* -- PowerShell's single-quoted strings, as its tokenizer reads them ----------------------------- */

struct lexed {
	struct cf_buf shape; /* the script without comments, each string as S */
	char strings[64][512];
	size_t n;
};

static bool is_quote(uint32_t code)
{
	return code == '\'' || (code >= 0x2018 && code <= 0x201b);
}

static uint32_t next_code(const char **p)
{
	uint32_t code = 0;
	size_t n = cf_text_utf8(*p, strnlen(*p, 4), &code);

	assert_int_not_equal(n, 0);
	*p += n;
	return code;
}

/* A string starts at *p, behind its quote; what it says goes to value. */
static void lex_string(const char **p, char value[512])
{
	size_t n = 0;

	for (;;) {
		const char *from = *p;
		uint32_t code = next_code(p);

		assert_false(cf_text_unsafe(code));
		if (is_quote(code)) {
			const char *peek = *p;

			if (!*peek || !is_quote(next_code(&peek)))
				break;
			from = *p;
			*p = peek;
		}
		assert_in_range(n + 4, 4, 511);
		memcpy(value + n, from, (size_t)(*p - from));
		n += (size_t)(*p - from);
	}
	value[n] = '\0';
}

static void skip_comment(const char **p)
{
	while (**p != '\n')
		assert_false(cf_text_unsafe(next_code(p)));
	(*p)++;
}

static void lex(const char *script, struct lexed *ret)
{
	const char *p = script;

	*ret = (struct lexed){ 0 };
	assert_memory_equal(p, "\xef\xbb\xbf", 3);
	p += 3;
	while (*p) {
		bool at_start = p == script + 3 || p[-1] == '\n';
		uint32_t code;

		if (at_start && (*p == '#' || *p == '\n')) {
			skip_comment(&p);
			continue;
		}
		code = next_code(&p);
		if (is_quote(code)) {
			assert_in_range(ret->n, 0, CF_COUNT(ret->strings) - 1);
			lex_string(&p, ret->strings[ret->n++]);
			code = 'S';
		}
		assert_true(code == '\n' || (code >= ' ' && code < 0x7f));
		assert_null(strchr("\"`#<>&;%!", (int)code));
		cf_buf_printf(&ret->shape, NULL, "%c", (int)code);
	}
	assert_int_equal(p[-1], '\n');
}

static bool has_string(const struct lexed *lexed, const char *text)
{
	for (size_t i = 0; i < lexed->n; i++)
		if (!strcmp(lexed->strings[i], text))
			return true;
	return false;
}

/* Every line of a script without its comments is one of these. */
static void assert_shape(const struct lexed *lexed)
{
	static const char *const lines[] = {
		"$ErrorActionPreference = S",
		"$Server = S",
		("if ($PSScriptRoot) { "
		 "[System.IO.Directory]::SetCurrentDirectory($PSScriptRoot) }"),
		("$Present = @(Get-ExchangeCertificate -Server $Server | "
		 "ForEach-Object { $_.Thumbprint })"),
		"$SharedPassword = Read-Host -AsSecureString -Prompt S",
		"if ($Present -notcontains S) {",
		"if ($Present -contains S) {",
		"    $Password = $SharedPassword",
		"    $Password = Read-Host -AsSecureString -Prompt S",
		("    Import-ExchangeCertificate -Server $Server -FileData "
		 "([System.IO.File]::ReadAllBytes(S)) -Password $Password "
		 "-PrivateKeyExportable $true"),
		("    Import-ExchangeCertificate -Server $Server -FileData "
		 "([System.IO.File]::ReadAllBytes(S)) -Password $Password "
		 "-FriendlyName S -PrivateKeyExportable $true"),
		"Enable-ExchangeCertificate -Server $Server -Thumbprint S -Services S",
		"Enable-ExchangeCertificate -Server $Server -Thumbprint S -Services S -Force",
		"    Enable-ExchangeCertificate -Server $Server -Thumbprint S -Services S",
		"}",
	};
	const char *p = lexed->shape.data;

	while (*p) {
		size_t n = strcspn(p, "\n"), i = 0;

		while (i < CF_COUNT(lines) &&
		       (strlen(lines[i]) != n || memcmp(lines[i], p, n) != 0))
			i++;
		if (i == CF_COUNT(lines))
			fail_msg("a line of another shape: %.*s", (int)n, p);
		p += n + 1;
	}
}

static void read_script(struct fixture *f, struct lexed *ret)
{
	fx_ok(f, fx_read(f, SCRIPT));
	lex(f->text.data, ret);
	assert_shape(ret);
}

/* -- the lexer itself can fail ------------------------------------------------------------------- */

static void lexer__reads_quotes_as_powershell_does(void **state)
{
	static const char script[] = "\xef\xbb\xbf# it's\n$Server = 'a''b'\n"
				     "$Server = '\xe2\x80\x98\xe2\x80\x98"
				     "c\xe2\x80\x99\n";
	struct lexed lexed;

	(void)state;
	lex(script, &lexed);
	assert_string_equal(lexed.shape.data, "$Server = S\n$Server = S\n");
	assert_string_equal(lexed.strings[0], "a'b");
	assert_string_equal(lexed.strings[1], "\xe2\x80\x98"
					      "c");
	cf_buf_done(&lexed.shape);
}

/* -- what it says -------------------------------------------------------------------------------- */

static const char *thumbprint(struct fixture *f, const char *certificate)
{
	char path[512];

	fx_path(path, "%s/thumbprint", certificate);
	fx_ok(f, fx_read(f, path));
	f->text.data[40] = '\0';
	return f->text.data;
}

static void apply__a_server_without_certificates_only_begins(void **state)
{
	struct fixture *f = *state;
	struct lexed lexed;

	fx_ok(f, fx_mkdir(f, "EX01"));
	read_script(f, &lexed);
	assert_int_equal(lexed.n, 2); /* 'Stop' and the server */
	assert_true(has_string(&lexed, "EX01"));
	assert_non_null(strstr(f->text.data, "not run against a real Exchange"));
	assert_non_null(strstr(f->text.data, "-DoNotRequireSsl"));
	assert_non_null(strstr(f->text.data, "-NetworkServiceAllowed"));
	cf_buf_done(&lexed.shape);
}

static void apply__hostile_names_stay_in_their_quotes(void **state)
{
	/* None of these may start a string, end one, or a line. */
	static const char *const names[] = {
		"x'; Remove-Item C$",
		"x\xe2\x80\x98; Remove-Item C$",
		"x\xe2\x80\x99; Remove-Item C$",
		"x\xe2\x80\x9a; Remove-Item C$",
		"x\xe2\x80\x9b; Remove-Item C$",
		"'",
		"''",
		"$(Get-Content) `n # @' \xe2\x80\x9c\xe2\x80\x9d",
		"\xc3\x91\xc3\x92\xc2\xbf",
	};
	struct fixture *f = *state;
	struct lexed lexed;

	for (size_t i = 0; i < CF_COUNT(names); i++) {
		char path[512];

		fx_path(path, "EX01/%s", names[i]);
		fx_valid(f, "EX01", names[i]);
		fx_path(path, "EX01/%s/friendly-name", names[i]);
		fx_ok(f, fx_write(f, path, names[i]));
		fx_path(path, "EX01/%s/export.password", names[i]);
		fx_ok(f, fx_write(f, path, "secret\n"));
		fx_path(path, "EX01/%s/services", names[i]);
		fx_ok(f, fx_append(f, path, "SMTP, IIS\n"));
		read_script(f, &lexed);
		assert_true(has_string(&lexed, names[i]));
		fx_path(path, "%s\\export.pfx", names[i]);
		assert_true(has_string(&lexed, path));
		assert_null(strstr(f->text.data, "secret"));
		cf_buf_done(&lexed.shape);
	}
}

static void apply__a_hostile_subject_stays_in_its_comment(void **state)
{
	struct fixture *f = *state;
	struct lexed lexed;
	struct made m;

	fx_trust(f);
	fx_request(f, "EX01", "mail");
	m = fx_answer(f, "EX01/mail",
		      (struct spec){ .cn = "a\nRemove-Item C:\r'\xc2\x85\xe2\x80\xa8" });
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	made_done(&m);
	fx_ok(f, fx_write(f, "_export.password", "secret\n"));
	read_script(f, &lexed);
	assert_non_null(strstr(f->text.data, "Remove-Item"));
	assert_null(strstr(lexed.shape.data, "Remove-Item"));
	cf_buf_done(&lexed.shape);
}

static void apply__imports_what_is_exportable_and_names_the_rest(void **state)
{
	struct fixture *f = *state;
	struct lexed lexed;

	fx_valid(f, "EX01", "mail");
	fx_request(f, "EX01", "pending");
	read_script(f, &lexed);
	assert_null(strstr(lexed.shape.data, "Import-"));
	assert_non_null(strstr(f->text.data, "# mail: no password is set"));
	assert_non_null(strstr(f->text.data, "# pending: the request waits"));
	cf_buf_done(&lexed.shape);
	fx_ok(f, fx_write(f, "_export.password", "secret\n"));
	read_script(f, &lexed);
	assert_non_null(strstr(lexed.shape.data, "Import-"));
	assert_true(has_string(&lexed, "mail\\export.pfx"));
	assert_true(has_string(&lexed, "Password in _export.password of the root"));
	assert_null(strstr(f->text.data, "# mail: no password"));
	assert_non_null(strstr(f->text.data, "# pending: the request waits"));
	cf_buf_done(&lexed.shape);
	fx_ok(f, fx_write(f, "EX01/_export.password", "secret\n"));
	read_script(f, &lexed);
	assert_true(has_string(&lexed, "Password in _export.password of EX01"));
	cf_buf_done(&lexed.shape);
}

static void apply__keeps_the_smtp_default_unless_it_was_assigned(void **state)
{
	struct fixture *f = *state;
	struct lexed lexed;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_write(f, "_export.password", "secret\n"));
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	read_script(f, &lexed);
	assert_null(strstr(lexed.shape.data, "-Force"));
	assert_non_null(strstr(f->text.data, "answer N"));
	assert_null(strstr(f->text.data, "EdgeSubscription"));
	cf_buf_done(&lexed.shape);
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP-default\n"));
	read_script(f, &lexed);
	assert_non_null(strstr(lexed.shape.data, "-Force"));
	assert_null(strstr(f->text.data, "answer N"));
	assert_non_null(strstr(f->text.data, "# New-EdgeSubscription"));
	assert_null(strstr(f->text.data, "iisreset"));
	fx_ok(f, fx_append(f, "EX01/mail/services", "IIS\n"));
	cf_buf_done(&lexed.shape);
	read_script(f, &lexed);
	assert_non_null(strstr(f->text.data, "\n# iisreset\n"));
	cf_buf_done(&lexed.shape);
}

static void apply__removes_what_was_replaced_only_as_a_comment(void **state)
{
	struct fixture *f = *state;
	char old[41], line[160];
	struct lexed lexed;

	fx_valid(f, "EX01", "mail");
	fx_valid(f, "EX01", "next");
	fx_ok(f, fx_write(f, "_export.password", "secret\n"));
	fx_ok(f, fx_append(f, "EX01/mail/services", "IIS\n"));
	snprintf(old, sizeof(old), "%s", thumbprint(f, "EX01/mail"));
	read_script(f, &lexed);
	assert_true(has_string(&lexed, old));
	assert_null(strstr(f->text.data, "Remove-ExchangeCertificate"));
	cf_buf_done(&lexed.shape);
	fx_ok(f, fx_append(f, "EX01/next/services", "IIS\n"));
	read_script(f, &lexed);
	assert_false(has_string(&lexed, old));
	snprintf(line, sizeof(line),
		 "\n# Remove-ExchangeCertificate -Server $Server -Thumbprint '%s'\n", old);
	assert_non_null(strstr(f->text.data, line));
	cf_buf_done(&lexed.shape);
}

static void apply__a_date_that_passes_is_its_time(void **state)
{
	struct fixture *f = *state;
	struct cf_attr before, after;
	struct lexed lexed;
	cf_time until;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_write(f, "_export.password", "secret\n"));
	before = fx_stat(f, SCRIPT);
	fx_ok(f, fx_read(f, "EX01/mail/not-after"));
	f->text.data[f->text.len - 1] = '\0';
	assert_true(cf_time_parse(f->text.data, &until));
	cf_clock_set(&f->clock, until - CF_SECOND);
	after = fx_stat(f, SCRIPT);
	assert_int_equal(after.mtime, before.mtime);
	assert_int_equal(after.size, before.size);
	cf_clock_set(&f->clock, until + 5 * CF_SECOND);
	after = fx_stat(f, SCRIPT);
	assert_int_equal(after.mtime, until);
	assert_int_equal(after.ctime, until);
	read_script(f, &lexed);
	assert_null(strstr(lexed.shape.data, "Import-"));
	assert_non_null(strstr(f->text.data, "# mail: it has expired"));
	cf_buf_done(&lexed.shape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lexer__reads_quotes_as_powershell_does),
		cmocka_unit_test_setup_teardown(apply__a_server_without_certificates_only_begins,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(apply__hostile_names_stay_in_their_quotes, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(apply__a_hostile_subject_stays_in_its_comment,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
			apply__imports_what_is_exportable_and_names_the_rest, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(
			apply__keeps_the_smtp_default_unless_it_was_assigned, fx_setup,
			fx_teardown),
		cmocka_unit_test_setup_teardown(apply__removes_what_was_replaced_only_as_a_comment,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(apply__a_date_that_passes_is_its_time, fx_setup,
						fx_teardown),
	};

	return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}
