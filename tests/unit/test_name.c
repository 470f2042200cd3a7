/* Names: for each one that is allowed a neighbour that is not. */
#include "tests/support.h"

#include "core/base/cleanup.h"
#include "core/base/name.h"

typedef int name_fn(const char *name, struct cf_err *err);

static void assert_name(name_fn *check, const char *name, int r, const char *sentence)
{
	struct cf_err err = { 0 };
	int got = check(name, &err);

	if (got != r)
		fail_msg("'%s' gives %d (%s), not %d", name, got, err.text, r);
	assert_string_equal(err.text, sentence ? sentence : "");
}

static void assert_ok(name_fn *check, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_name(check, names[i], 0, NULL);
}

static const char *repeat(char *text, char c, size_t n)
{
	memset(text, c, n);
	text[n] = '\0';
	return text;
}

static void server__letters_digits_and_three_signs(void **state)
{
	static const char *const names[] = { "EX01", "EX02.contoso.com", "a", "9-_.x", "readme" };
	char text[300];

	(void)state;
	assert_ok(cf_name_server, names, CF_COUNT(names));
	assert_name(cf_name_server, repeat(text, 'a', 255), 0, NULL);
	assert_name(cf_name_server, repeat(text, 'a', 256), -ENAMETOOLONG,
		    "a server's name has at most 255 bytes");
	assert_name(cf_name_server, "EX 1", -EINVAL,
		    "'EX 1': a server's name has letters (a to z), digits, - _ and . only");
	assert_name(cf_name_server, "E\xc3\xbc", -EINVAL,
		    "'E\xc3\xbc': a server's name has letters (a to z), digits, - _ and . only");
	assert_name(cf_name_server, "-x", -EINVAL,
		    "'-x': a server's name starts with a letter (a to z) or a digit");
	assert_name(cf_name_server, "", -EINVAL,
		    "'': a server's name starts with a letter (a to z) or a digit");
}

static void slip__is_one_letter_or_case(void **state)
{
	static const char *const slips[] = { "request.csr",  "Request.CSR", "reqest.csr",
					     "requesst.csr", "reqeust.csr", "request.cs",
					     "request.csrr", "requesz.csr", "equest.csr",
					     "erquest.csr",  "request.crs" };
	static const char *const others[] = { "",
					      "request",
					      "request.der",
					      "req.csr",
					      "rqeeust.csr",
					      "requests.cs",
					      "arequest.cs",
					      "certificate" };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(slips); i++)
		if (!cf_name_is_slip(slips[i], "request.csr"))
			fail_msg("'%s' is a slip", slips[i]);
	for (size_t i = 0; i < CF_COUNT(others); i++)
		if (cf_name_is_slip(others[i], "request.csr"))
			fail_msg("'%s' is none", others[i]);
	assert_true(cf_name_is_slip("RENEW", "renew"));
	assert_false(cf_name_is_slip("abd", "abc")); /* too short to tell */
}

static void server__names_of_certfs_are_refused(void **state)
{
	(void)state;
	assert_name(cf_name_server, "_x", -EPERM, "'_x': names that begin with _ belong to certfs");
	assert_name(cf_name_server, ".x", -EPERM, "'.x': a name can't begin with a dot");
	assert_name(cf_name_server, "ReadMe.TXT", -EEXIST, "'ReadMe.TXT' belongs to certfs");
}

static void certificate__printable_UTF8(void **state)
{
	static const char *const names[] = { "mail",          "mail 2027",    "README.txt",
					     "m\xc3\xbcller", "\xe2\x9c\x89", "(1) [x] #'&+=@",
					     "x.~",           "console" };
	char text[300];

	(void)state;
	assert_ok(cf_name_certificate, names, CF_COUNT(names));
	assert_name(cf_name_certificate, repeat(text, 'a', 200), 0, NULL);
	assert_name(cf_name_certificate, repeat(text, 'a', 201), -ENAMETOOLONG,
		    "a certificate's name has at most 200 bytes");
}

static void certificate__what_Windows_refuses_is_EINVAL(void **state)
{
	static const char *const signs[] = { "a/b",  "a\\b", "a:b", "a*b", "a?b",
					     "a\"b", "a<b",  "a>b", "a|b" };
	static const char *const devices[] = {
		"CON",      "nul",  "Aux.pem", "COM1",        "lpt9.x.y",
		"prn .txt", "COM0", "CONIN$",  "COM\xc2\xb9", "lpt\xc2\xb3.pem"
	};

	(void)state;
	for (size_t i = 0; i < CF_COUNT(signs); i++)
		assert_int_equal(cf_name_certificate(signs[i], NULL), -EINVAL);
	for (size_t i = 0; i < CF_COUNT(devices); i++)
		assert_int_equal(cf_name_certificate(devices[i], NULL), -EINVAL);
	assert_name(cf_name_certificate, "nul", -EINVAL,
		    "'nul' is the name of a device of Windows");
	assert_name(cf_name_certificate, "a:b", -EINVAL,
		    "'a:b': a certificate's name is printable UTF-8 without / \\ : * ? \" < > |");
	assert_name(cf_name_certificate, "x ", -EINVAL,
		    "'x ': a certificate's name can't end in a blank or a dot");
	assert_name(cf_name_certificate, "x.", -EINVAL,
		    "'x.': a certificate's name can't end in a blank or a dot");
	assert_name(cf_name_certificate, "~x", -EINVAL,
		    "'~x': a certificate's name can't start with ~");
	assert_int_equal(cf_name_certificate("COM10", NULL), 0);
	assert_int_equal(cf_name_certificate("NULL", NULL), 0);
}

static void certificate__invisible_characters_are_EINVAL_and_escaped(void **state)
{
	(void)state;
	assert_name(
		cf_name_certificate, "a\x1b", -EINVAL,
		"'a\\x1b': a certificate's name is printable UTF-8 without / \\ : * ? \" < > |");
	assert_int_equal(cf_name_certificate("a\xe2\x80\xae"
					     "b",
					     NULL),
			 -EINVAL);
	assert_int_equal(cf_name_certificate("a\xff", NULL), -EINVAL);
	assert_int_equal(cf_name_certificate("a\nb", NULL), -EINVAL);
}

static void certificate__names_of_certfs_are_EPERM(void **state)
{
	(void)state;
	assert_int_equal(cf_name_certificate("_services", NULL), -EPERM);
	assert_int_equal(cf_name_certificate(".hidden", NULL), -EPERM);
	assert_int_equal(cf_name_certificate("", NULL), -EINVAL);
}

static void domain__names_wildcards_and_addresses(void **state)
{
	static const char *const names[] = { "a",
					     "mail.contoso.com",
					     "*.contoso.com",
					     "EX01",
					     "xn--mller-kva.de",
					     "10.0.0.1",
					     "fe80::1",
					     "::",
					     "1a.2-b" };
	char text[300];

	(void)state;
	assert_ok(cf_name_domain, names, CF_COUNT(names));
	assert_name(cf_name_domain, repeat(text, 'a', 255), 0, NULL);
	assert_name(cf_name_domain, repeat(text, 'a', 256), -EINVAL,
		    "a domain name has at most 255 bytes");
}

static void domain__anything_else_is_EINVAL(void **state)
{
	static const char *const names[] = { "",   ".",  "*.", ".a",  "a.",  "a..b",
					     "-a", "a-", "*",  "*.-", "*..a" };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(names); i++)
		assert_int_equal(cf_name_domain(names[i], NULL), -EINVAL);
	assert_name(cf_name_domain, "a.*.b", -EINVAL,
		    "'a.*.b': a wildcard is *. at the left, once");
	assert_name(cf_name_domain, "*.*.b", -EINVAL,
		    "'*.*.b': a wildcard is *. at the left, once");
	assert_name(cf_name_domain, "a_b", -EINVAL,
		    "'a_b': a domain name has letters, digits, - and . only");
	assert_name(cf_name_domain, "a..b", -EINVAL, "'a..b' is not a domain name");
	assert_int_equal(cf_name_domain("m\xc3\xbcller.de", NULL), -EINVAL);
	assert_int_equal(cf_name_domain("a b", NULL), -EINVAL);
	assert_int_equal(cf_name_domain("fe80::1%eth0", NULL), -EINVAL);
}

static void ip__gives_its_bytes(void **state)
{
	unsigned char ip[16];
	size_t n;

	(void)state;
	assert_true(cf_name_ip("10.0.0.1", ip, &n));
	assert_int_equal(n, 4);
	assert_memory_equal(ip, "\x0a\0\0\x01", 4);
	assert_true(cf_name_ip("::1", ip, &n));
	assert_int_equal(n, 16);
	assert_memory_equal(ip, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	assert_false(cf_name_ip("10.0.0", ip, &n));
	assert_false(cf_name_ip("10.0.0.256", ip, &n));
	assert_false(cf_name_ip("mail", ip, &n));
}

static void drop__endings_in_any_case(void **state)
{
	static const char *const yes[] = { "a.cer", "a.CRT", "a.der", "a.pem",       "a.p7b",
					   "a.P7C", "a.p12", "a.pfx", "export.x.pfx" };
	static const char *const no[] = { "a.crl", "a.txt", ".pem", ".x.pem", "pem", "a.pem~", "" };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(yes); i++)
		assert_true(cf_name_is_drop(yes[i]));
	for (size_t i = 0; i < CF_COUNT(no); i++)
		assert_false(cf_name_is_drop(no[i]));
	assert_true(cf_name_is_crl("a.CRL"));
	assert_false(cf_name_is_crl("a.cer"));
	assert_false(cf_name_is_crl(".crl"));
}

static void staging__names_that_programs_use_while_they_save(void **state)
{
	static const char *const yes[] = { ".goutputstream-X",
					   "a~",
					   "#a#",
					   "a.part",
					   "a.partial",
					   "a.tmp",
					   "a.swp",
					   "4913",
					   "seda1B2c3",
					   "XXa1B2c3",
					   "domainsXQdkC9",
					   "a.crdownload",
					   ".x",
					   "...",
					   "a.sw~" };
	static const char *const no[] = {
		"mail",     "a.pem",   "4914",     "sedabc",     "sedabcdefg", "~",  "XXabcdefg",
		"XXm1.cer", "domains", "domainsX", "infoXQdkC9", ".",          "..", "#",
		"part",     "tmp",     ""
	};

	(void)state;
	for (size_t i = 0; i < CF_COUNT(yes); i++)
		if (!cf_name_is_staging(yes[i]))
			fail_msg("'%s'", yes[i]);
	for (size_t i = 0; i < CF_COUNT(no); i++)
		if (cf_name_is_staging(no[i]))
			fail_msg("'%s'", no[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server__letters_digits_and_three_signs),
		cmocka_unit_test(server__names_of_certfs_are_refused),
		cmocka_unit_test(slip__is_one_letter_or_case),
		cmocka_unit_test(certificate__printable_UTF8),
		cmocka_unit_test(certificate__what_Windows_refuses_is_EINVAL),
		cmocka_unit_test(certificate__invisible_characters_are_EINVAL_and_escaped),
		cmocka_unit_test(certificate__names_of_certfs_are_EPERM),
		cmocka_unit_test(domain__names_wildcards_and_addresses),
		cmocka_unit_test(domain__anything_else_is_EINVAL),
		cmocka_unit_test(ip__gives_its_bytes),
		cmocka_unit_test(drop__endings_in_any_case),
		cmocka_unit_test(staging__names_that_programs_use_while_they_save),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
