/* Distinguished names: what is read, what is refused, and that the shown form comes back. */
#include "tests/support.h"

#include <openssl/err.h>

#include "core/crypto/dn.h"
#include "core/crypto/ossl_private.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define UE "\xc3\xbc" /* u with two dots: two bytes, one character */

static void parse(const char *text, struct cf_dn *dn)
{
	struct cf_err err = { 0 };

	if (cf_dn_parse(text, dn, &err) < 0)
		fail_msg("'%s': %s", text, err.text);
	assert_int_equal(ERR_peek_error(), 0);
}

static void assert_hex(const struct cf_buf *der, const char *hex)
{
	cf_auto(cf_buf_done) struct cf_buf got = { 0 };

	for (size_t i = 0; i < der->len; i++)
		assert_int_equal(cf_buf_printf(&got, NULL, "%02x", (uint8_t)der->data[i]), 0);
	assert_string_equal(cf_buf_text(&got), hex);
}

/* text is shown as shown, and shown is the same DER again. */
static void assert_shown(const char *text, const char *shown)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
	cf_auto(cf_dn_done) struct cf_dn again = { 0 };

	parse(text, &dn);
	assert_string_equal(dn.shown, shown);
	parse(shown, &again);
	assert_string_equal(again.shown, shown);
	assert_int_equal(again.der.len, dn.der.len);
	assert_memory_equal(again.der.data, dn.der.data, dn.der.len);
	assert_string_equal(again.common_name, dn.common_name);
}

static void assert_der(const char *text, const char *hex)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };

	parse(text, &dn);
	assert_hex(&dn.der, hex);
}

static void assert_common_name(const char *text, const char *common_name)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
	cf_auto(cf_buf_done) struct cf_buf shown = { 0 };

	parse(text, &dn);
	assert_string_equal(dn.common_name, common_name);
	assert_int_equal(cf_dn_common_name(cf_span_buf(&dn.der), &shown, NULL), 0);
	if (strlen(common_name) <= 64)
		assert_string_equal(cf_buf_text(&shown), common_name);
}

static void assert_refused(const char *text, const char *sentence)
{
	struct cf_dn dn = { .shown = NULL };
	struct cf_err err = { 0 };

	assert_int_equal(cf_dn_parse(text, &dn, &err), -EINVAL);
	assert_string_equal(err.text, sentence);
	assert_null(dn.der.data);
	assert_null(dn.shown);
	assert_null(dn.common_name);
	assert_int_equal(ERR_peek_error(), 0);
}

/* A name of the kind that others put into certificates. */
struct foreign {
	const char *oid;
	int string;
	const char *value;
	int len;
	int set; /* 0: a part of its own, -1: joins the one before */
};

static void make(const struct foreign *values, size_t n, struct cf_buf *der)
{
	cf_auto(X509_NAME_free) X509_NAME *name = X509_NAME_new();
	unsigned char *bytes = NULL;
	int len;

	for (size_t i = 0; i < n; i++) {
		cf_auto(ASN1_OBJECT_free) ASN1_OBJECT *oid = OBJ_txt2obj(values[i].oid, 1);

		assert_int_equal(X509_NAME_add_entry_by_OBJ(name, oid, values[i].string,
							    (const unsigned char *)values[i].value,
							    values[i].len, -1, values[i].set),
				 1);
	}
	len = i2d_X509_NAME(name, &bytes);
	assert_true(len > 0);
	assert_int_equal(cf_buf_append(der, bytes, (size_t)len, NULL), 0);
	OPENSSL_free(bytes);
}

/* A foreign name is shown as shown; written back it is the same DER if same says so. */
static void assert_foreign(const struct foreign *values, size_t n, const char *shown, bool same)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	cf_auto(cf_dn_done) struct cf_dn again = { 0 };

	make(values, n, &der);
	assert_int_equal(cf_dn_show(cf_span_buf(&der), &text, NULL), 0);
	assert_string_equal(text.data, shown);
	if (!same)
		return;
	parse(text.data, &again);
	assert_int_equal(again.der.len, der.len);
	assert_memory_equal(again.der.data, der.data, der.len);
}

static void parse__example_of_the_interface_is_shown_most_specific_first(void **state)
{
	(void)state;
	assert_shown("C=US,S=WA,L=Redmond,O=\"Contoso, Ltd.\",OU=IT,CN=mail.contoso.com",
		     "CN=mail.contoso.com, OU=IT, O=Contoso\\, Ltd., L=Redmond, S=WA, C=US");
	assert_common_name("C=US, O=Contoso, CN=mail.contoso.com", "mail.contoso.com");
}

static void parse__country_is_PrintableString_others_UTF8_or_IA5(void **state)
{
	(void)state;
	assert_der("C=US,CN=a", "3019310b3009060355040613025553310a300806035504030c0161");
	assert_der(
		"C=de,SERIALNUMBER=1,CN=" UE,
		"3026310b3009060355040613026465310a30080603550405130131310b300906035504030c02c3bc");
	assert_der(
		"DC=x,E=a@b,CN=a",
		"30333111300f060a0992268993f22c6401191601783112301006092a864886f70d0109011603614062"
		"310a300806035504030c0161");
}

static void parse__C_DC_S_O_first_is_as_written_any_other_reversed(void **state)
{
	(void)state;
	assert_shown("C=US,CN=a", "CN=a, C=US");
	assert_shown("DC=com,CN=a", "CN=a, DC=com");
	assert_shown("S=WA,CN=a", "CN=a, S=WA");
	assert_shown("st=WA,CN=a", "CN=a, S=WA");
	assert_shown("O=x,CN=a", "CN=a, O=x");
	assert_shown("CN=a,OU=b,O=c", "CN=a, OU=b, O=c");
	assert_shown("OU=b,CN=a,C=US", "OU=b, CN=a, C=US");
	assert_shown("L=b,CN=a", "L=b, CN=a");
}

static void parse__O_as_most_specific_can_be_written_back(void **state)
{
	(void)state;
	assert_shown("C=US,CN=a,O=x", "2.5.4.10=x, CN=a, C=US");
	assert_shown("O=x+CN=a,C=US", "2.5.4.6=US, CN=a+O=x");
	assert_shown("O=x+CN=a", "CN=a+O=x");
}

static void parse__keywords_in_any_case_and_OIDs(void **state)
{
	(void)state;
	assert_shown("cn=a, ou=b, St=c", "CN=a, OU=b, S=c");
	assert_shown("commonName=a, emailAddress=x@y, UID=u", "CN=a, E=x@y, UID=u");
	assert_shown("2.5.4.3=a, OID.2.5.4.11=b", "CN=a, OU=b");
	assert_shown(" CN = a ; OU\t=\tb ", "CN=a, OU=b");
}

static void parse__unknown_OID_is_UTF8_and_shown_as_hex(void **state)
{
	(void)state;
	assert_shown("CN=a, 1.2.3.4=A", "CN=a, 1.2.3.4=#0C0141");
	assert_shown("CN=a, 1.2.3.4=#0c0141", "CN=a, 1.2.3.4=#0C0141");
	assert_shown("CN=a, 1.2.3.4=#030201fe", "CN=a, 1.2.3.4=#030201FE");
	assert_shown("CN=a, 1.2.3.4=#3003020100", "CN=a, 1.2.3.4=#3003020100");
}

static void parse__escapes_and_quotes(void **state)
{
	(void)state;
	assert_shown("CN=a, O=b\\,c\\;d\\+e\\\"f\\\\g\\<h\\>i=j",
		     "CN=a, O=b\\,c\\;d\\+e\\\"f\\\\g\\<h\\>i=j");
	assert_shown("CN=a, O=\"b,c;d+e\\\"f\\\\g<h>\"", "CN=a, O=b\\,c\\;d\\+e\\\"f\\\\g\\<h\\>");
	assert_shown("CN=a, O=\"say \"\"b\"\"\"", "CN=a, O=say \\\"b\\\"");
	assert_shown("CN=a, O=\\c3\\BC", "CN=a, O=" UE);
	assert_shown("CN=a, O=\\0Ab\\1b[0m\\E2\\80\\AEc", "CN=a, O=\\0Ab\\1B[0m\\E2\\80\\AEc");
}

static void parse__blanks_at_the_ends_stay_only_when_asked_for(void **state)
{
	(void)state;
	assert_shown("CN= a b , O=c", "CN=a b, O=c");
	assert_shown("CN=\\ a\\ , O=\" c \"", "CN=\\20a\\20, O=\\20c\\20");
	assert_shown("CN=a, O=\\20", "CN=a, O=\\20");
	assert_shown("CN=a, O=\\#b#", "CN=a, O=\\#b#");
	assert_shown("CN=a, O=\"#b\"", "CN=a, O=\\#b");
}

static void parse__multi_valued_part_is_one_set(void **state)
{
	(void)state;
	assert_shown("CN=a, OU=c + O=b, C=US", "CN=a, O=b+OU=c, C=US");
	assert_shown("C=US, OU=c + O=b, CN=a", "CN=a, O=b+OU=c, C=US");
	assert_der("OU=b+CN=a", "30163114300806035504030c01613008060355040b0c0162");
}

static void parse__same_type_twice_in_a_part_is_EINVAL_twice_in_a_name_is_fine(void **state)
{
	(void)state;
	assert_refused("CN=a+CN=b", "CN: between + signs a type can stand only once");
	assert_refused("C=US,OU=x,CN=b+O=a+CN=c", "CN: between + signs a type can stand only once");
	assert_shown("CN=a, OU=b, OU=c", "CN=a, OU=b, OU=c");
	assert_shown("OU=b, CN=a+OU=b", "OU=b, CN=a+OU=b");
}

static void parse__most_specific_CN_is_the_common_name(void **state)
{
	(void)state;
	assert_common_name("CN=a, CN=b", "a");
	assert_common_name("O=x, CN=a, CN=b", "b");
	assert_common_name("O=x, CN=#0c0162", "b");
}

static void parse__CN_over_64_bytes_stays_out_of_der(void **state)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };

	(void)state;
	parse("C=US, CN=" A64 "a", &dn);
	assert_string_equal(dn.shown, "C=US");
	assert_string_equal(dn.common_name, A64 "a");
	assert_hex(&dn.der, "300d310b3009060355040613025553");
	cf_dn_done(&dn);
	parse("CN=" A64 "a", &dn);
	assert_string_equal(dn.shown, "");
	assert_hex(&dn.der, "3000");
	cf_dn_done(&dn);
	parse("CN=" A64 "a+OU=b, L=c+OU=d", &dn);
	assert_string_equal(dn.shown, "OU=b, L=c+OU=d");
	cf_dn_done(&dn);
	/* 64 characters, but 65 bytes. */
	parse("CN=" UE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &dn);
	assert_string_equal(dn.shown, "");
}

static void parse__CN_of_64_bytes_is_in_der(void **state)
{
	(void)state;
	assert_shown("CN=" A64, "CN=" A64);
}

static void parse__limits_are_those_of_RFC_5280(void **state)
{
	(void)state;
	assert_shown("CN=a, O=" A64, "CN=a, O=" A64);
	assert_refused("CN=a, O=" A64 "a", "O: the value has more than 64 characters");
	assert_shown("CN=a, L=" A64 A64, "CN=a, L=" A64 A64);
	assert_refused("CN=a, L=" A64 A64 "a", "L: the value has more than 128 characters");
	/* Characters, not bytes. */
	assert_shown("CN=a, L=" A64 UE, "CN=a, L=" A64 UE);
	assert_refused("CN=a, OU=#0c41"
		       "616161616161616161616161616161616161616161616161616161616161"
		       "6161616161616161616161616161616161616161616161616161616161616161616161",
		       "OU: the value has more than 64 characters");
}

static void parse__country_is_two_letters(void **state)
{
	(void)state;
	assert_shown("C=US,CN=a", "CN=a, C=US");
	assert_refused("C=USA,CN=a", "C=USA: a country is two letters");
	assert_refused("C=U,CN=a", "C=U: a country is two letters");
	assert_refused("C=U1,CN=a", "C=U1: a country is two letters");
	assert_refused("C=" UE ",CN=a", "C=" UE ": a country is two letters");
	assert_refused("CN=a,C=#0c03555341", "C=USA: a country is two letters");
}

static void parse__characters_that_a_type_has_not_are_EINVAL(void **state)
{
	(void)state;
	assert_refused("CN=a,DC=" UE, "DC=" UE ": only ASCII can stand here");
	assert_refused("CN=a,E=" UE "@x", "E=" UE "@x: only ASCII can stand here");
	assert_refused(
		"CN=a,SERIALNUMBER=1_2",
		"SERIALNUMBER=1_2: only letters, digits, blanks and ' ( ) + , - . / : = ? can "
		"stand here");
	assert_shown("CN=a,SERIALNUMBER=1 '()\\+\\,-./:=?", "CN=a, SERIALNUMBER=1 '()\\+\\,-./:=?");
}

static void parse__name_without_CN_is_EINVAL(void **state)
{
	(void)state;
	assert_refused("C=US,O=x", "the name has no CN; add CN=<host name>");
	assert_refused("", "the name is empty");
	assert_refused(" \t", "the name is empty");
}

static void parse__empty_parts_and_values_are_EINVAL(void **state)
{
	(void)state;
	assert_refused("CN=a,", "a part of the name is empty");
	assert_refused("CN=a,,O=b", "a part of the name is empty");
	assert_refused("CN=", "CN: the value is missing");
	assert_refused("CN=\"\"", "CN: the value is missing");
	assert_refused("O=,CN=a", "O: the value is missing");
	assert_refused("CN=a,O=#0c00", "O: the value is missing");
	assert_refused("CN=a,1.2.3.4=#0c00", "1.2.3.4: the value is missing");
}

static void parse__what_is_no_type_is_EINVAL(void **state)
{
	static const char rest[] = " is no attribute type; known are C, S, L, O, OU, CN, DC, E and "
				   "others of RFC 4514, and OIDs";
	static const char *const types[] = { "FOO", "/C", "1.99.x", "3.1", "1.2..4", "1.2.", "" };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(types); i++) {
		char text[64], sentence[256];

		snprintf(text, sizeof(text), "%s=x,CN=a", types[i]);
		snprintf(sentence, sizeof(sentence), "'%s'%s%s", types[i], rest,
			 types[i][0] == '/' ? "; parts are separated by commas" : "");
		assert_refused(text, sentence);
	}
	assert_refused("CN=a,mail", "'mail': a name has parts of the form TYPE=VALUE, such as "
				    "CN=mail.contoso.com; a comma in a value is written \\,");
	assert_refused("CN=a," A64 "=x", "'" A64 "': no attribute type is that long");
}

static void parse__broken_escapes_and_quotes_are_EINVAL(void **state)
{
	static const char escape[] =
		"CN: after a backslash comes one of , ; + \" # \\ < = > or two hex digits";

	(void)state;
	assert_refused("CN=a\\", escape);
	assert_refused("CN=a\\q", escape);
	assert_refused("CN=a\\4", escape);
	assert_refused("CN=\"a", "CN: the closing quote is missing");
	assert_refused("CN=\"a\\\"", "CN: the closing quote is missing");
	assert_refused("CN=\"a\"b", "CN: text follows the closing quote");
	assert_refused("CN=a\"b", "CN: \" < and > have to be written as \\\" \\< \\>");
	assert_refused("CN=<server>", "CN: \" < and > have to be written as \\\" \\< \\>");
}

static void parse__raw_control_and_invisible_characters_are_EINVAL(void **state)
{
	static const char sentence[] =
		"CN: a control or invisible character has to be written as \\ "
		"and two hex digits a byte";

	(void)state;
	assert_refused("CN=a\tb", sentence);
	assert_refused("CN=\x1b[2J", sentence);
	assert_refused("CN=\xe2\x80\xae"
		       "a",
		       sentence);
	assert_refused("CN=\"a\nb\"", sentence);
}

static void parse__NUL_and_broken_UTF8_are_EINVAL(void **state)
{
	static const char sentence[] = "O: the value isn't UTF-8, or has a NUL";

	(void)state;
	assert_refused("O=\xff,CN=a", "O: the value isn't UTF-8");
	assert_refused("O=a\\ff,CN=a", sentence);
	assert_refused("O=a\\00b,CN=a", sentence);
	assert_refused("O=#0c0100,CN=a", sentence);
	assert_refused("O=#0c01ff,CN=a", "O: the value isn't text");
}

static void parse__hex_that_is_no_DER_string_is_EINVAL(void **state)
{
	static const char sentence[] =
		"O: # starts the hex digits of a string in DER; write \\# for the sign";
	static const char *const values[] = { "#",          "#zz",       "#0c",      "#0c01",
					      "#0c0161 61", "#0c016161", "#0c81016", "#0c810161",
					      "#020101",    "#0c016" };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(values); i++) {
		char text[64];

		snprintf(text, sizeof(text), "O=%s,CN=a", values[i]);
		assert_refused(text, sentence);
	}
	assert_refused("O=#030201fe,CN=a", "O: the value isn't text");
}

static void show__strings_that_the_parser_would_not_choose_come_back(void **state)
{
	const struct foreign values[] = {
		{ "2.5.4.10", V_ASN1_BMPSTRING, "\0A\0\xfc", 4, 0 },
		{ "2.5.4.11", V_ASN1_T61STRING, "A\xfc", 2, 0 },
		{ "2.5.4.7", V_ASN1_IA5STRING, "x", 1, 0 },
		{ "2.5.4.8", V_ASN1_UNIVERSALSTRING, "\0\0\0A", 4, 0 },
		{ "1.2.3.4", V_ASN1_PRINTABLESTRING, "x", 1, 0 },
		{ "2.5.4.3", V_ASN1_UTF8STRING, "a", 1, 0 },
	};

	(void)state;
	assert_foreign(values, CF_COUNT(values),
		       "CN=a, 1.2.3.4=#130178, S=#1C0400000041, L=#160178, OU=#140241FC, "
		       "O=#1E04004100FC",
		       true);
}

static void show__PrintableString_is_text(void **state)
{
	const struct foreign values[] = {
		{ "2.5.4.6", V_ASN1_PRINTABLESTRING, "US", 2, 0 },
		{ "2.5.4.10", V_ASN1_PRINTABLESTRING, "DigiCert Inc", 12, 0 },
		{ "2.5.4.3", V_ASN1_PRINTABLESTRING, "*.contoso.com", 13, 0 },
	};

	(void)state;
	assert_foreign(values, CF_COUNT(values), "CN=*.contoso.com, O=DigiCert Inc, C=US", false);
}

static void show__control_characters_come_back(void **state)
{
	const struct foreign values[] = {
		{ "2.5.4.10", V_ASN1_UTF8STRING, "\x1b]0;x\x07\n,\xe2\x80\xae", 11, 0 },
		{ "2.5.4.11", V_ASN1_UTF8STRING, " # ", 3, 0 },
		{ "2.5.4.3", V_ASN1_UTF8STRING, "\x7f\xc2\x85#", 4, -1 },
	};

	(void)state;
	assert_foreign(values, CF_COUNT(values),
		       "OU=\\20#\\20+CN=\\7F\\C2\\85#, O=\\1B]0\\;x\\07\\0A\\,\\E2\\80\\AE", true);
}

static void show__name_without_CN_keeps_its_keywords(void **state)
{
	const struct foreign values[] = {
		{ "2.5.4.6", V_ASN1_PRINTABLESTRING, "US", 2, 0 },
		{ "2.5.4.10", V_ASN1_UTF8STRING, "x", 1, 0 },
	};

	(void)state;
	assert_foreign(values, 2, "O=x, C=US", false);
	assert_foreign(values, 1, "C=US", false);
}

static void show__broken_names_are_EBADMSG_and_add_nothing(void **state)
{
	/* The last one: its string isn't UTF-8. */
	static const char bad_utf8[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\xff";
	static const char *const names[] = {
		"", "x", "\x30\x02", "\x31\x00", "\x30\x80", bad_utf8
	};
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < CF_COUNT(names); i++) {
		struct cf_err err = { 0 };
		struct cf_span der = cf_span(names[i], strlen(names[i]) + 1);

		assert_int_equal(cf_dn_show(der, &out, &err), -EBADMSG);
		assert_memory_equal(err.text, "reading a name: ", 16);
		assert_int_equal(cf_dn_common_name(der, &out, NULL), -EBADMSG);
	}
	assert_int_equal(out.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
}

static void common_name__shows_what_is_behind_a_NUL(void **state)
{
	const struct foreign values[] = {
		{ "2.5.4.3", V_ASN1_UTF8STRING, "x", 1, 0 },
		{ "2.5.4.3", V_ASN1_UTF8STRING, "good.com\0.evil\x1b\0", 16, 0 },
		{ "2.5.4.10", V_ASN1_UTF8STRING, "y", 1, 0 },
	};
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	(void)state;
	make(values, CF_COUNT(values), &der);
	assert_int_equal(cf_dn_common_name(cf_span_buf(&der), &out, NULL), 0);
	assert_string_equal(cf_buf_text(&out), "good.com\\x00.evil\\x1b\\x00");
	cf_buf_reset(&out);
	assert_int_equal(cf_dn_show(cf_span_buf(&der), &out, NULL), 0);
	assert_string_equal(cf_buf_text(&out), "2.5.4.10=y, CN=good.com\\00.evil\\1B\\00, CN=x");
}

static void common_name__is_nothing_without_CN_or_text(void **state)
{
	const struct foreign values[] = {
		{ "2.5.4.10", V_ASN1_UTF8STRING, "x", 1, 0 },
		{ "2.5.4.3", V_ASN1_BIT_STRING, "\xff", 1, 0 },
	};
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	(void)state;
	make(values, 1, &der);
	assert_int_equal(cf_dn_common_name(cf_span_buf(&der), &out, NULL), 0);
	assert_int_equal(out.len, 0);
	cf_buf_reset(&der);
	make(values, 2, &der);
	assert_int_equal(cf_dn_common_name(cf_span_buf(&der), &out, NULL), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
}

/* Whatever bytes come, the parser answers; what it takes, it shows and takes again. */
static void parse__random_text_round_trips_or_is_refused(void **state)
{
	static const char *const pieces[] = { "CN=",  "O=",   "C=US",    ",",   "+",  ";",
					      "\\",   "\"",   "#0c0141", " ",   "a",  "=",
					      UE,     "\\20", "1.2.3=",  "\\,", "OU", "\xff",
					      "CN=a", "DC=x", "\t" };
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
		char text[128] = "";

		for (int i = rand_r(&seed) % 12; i >= 0; i--)
			strcat(text, pieces[(size_t)rand_r(&seed) % CF_COUNT(pieces)]);
		if (cf_dn_parse(text, &dn, NULL) == 0 && strstr(dn.shown, "CN="))
			assert_shown(dn.shown, dn.shown);
	}
}

/* Names of foreign certificates, as they are shown: without CN, or nothing at all. */
static void parse_shown__takes_what_parse_refuses_and_gives_the_same_otherwise(void **state)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 }, empty = { 0 }, same = { 0 };
	struct cf_err err = { 0 };

	(void)state;
	assert_int_equal(cf_dn_parse("O=Contoso", &dn, &err), -EINVAL);
	assert_int_equal(cf_dn_parse_shown("O=Contoso", &dn, &err), 0);
	assert_string_equal(dn.shown, "O=Contoso");
	assert_string_equal(dn.common_name, "");
	assert_int_equal(cf_dn_parse("", &empty, &err), -EINVAL);
	assert_int_equal(cf_dn_parse_shown("", &empty, &err), 0);
	assert_string_equal(empty.shown, "");
	assert_int_equal(empty.der.len, 2);
	assert_memory_equal(empty.der.data, "\x30\x00", 2);
	assert_int_equal(cf_dn_parse_shown("CN=a, X=1", &same, &err), -EINVAL);
	assert_int_equal(cf_dn_parse_shown("CN=a, O=b", &same, &err), 0);
	assert_string_equal(same.common_name, "a");
	/* Never as written: what is shown is most specific first. */
	cf_dn_done(&dn);
	assert_int_equal(cf_dn_parse_shown("O=x, C=US", &dn, &err), 0);
	assert_string_equal(dn.shown, "O=x, C=US");
}

/* -- names at random ------------------------------------------------------------------------- */

struct random_value {
	const char *keywords[3]; /* the first one is in upper case; NULL: there is none */
	const char *oid;
	int string;
	bool starts; /* a name that starts with the keyword is taken as written */
	char bytes[64];
	size_t len;
};

struct random_part {
	struct random_value values[3];
	size_t n;
};

static unsigned below(unsigned *seed, unsigned n)
{
	return (unsigned)rand_r(seed) % n;
}

static void random_value(unsigned *seed, bool may_be_cn, struct random_value *v)
{
	static const struct random_value kinds[] = {
		{ { "CN", "commonName" }, "2.5.4.3", V_ASN1_UTF8STRING, false },
		{ { "C", "countryName" }, "2.5.4.6", V_ASN1_PRINTABLESTRING, true },
		{ { "S", "ST", "stateOrProvinceName" }, "2.5.4.8", V_ASN1_UTF8STRING, true },
		{ { "O", "organizationName" }, "2.5.4.10", V_ASN1_UTF8STRING, true },
		{ { "DC", "domainComponent" },
		  "0.9.2342.19200300.100.1.25",
		  V_ASN1_IA5STRING,
		  true },
		{ { "L" }, "2.5.4.7", V_ASN1_UTF8STRING, false },
		{ { "OU", "organizationalUnitName" }, "2.5.4.11", V_ASN1_UTF8STRING, false },
		{ { "E", "emailAddress" }, "1.2.840.113549.1.9.1", V_ASN1_IA5STRING, false },
		{ { "SERIALNUMBER" }, "2.5.4.5", V_ASN1_PRINTABLESTRING, false },
		{ { NULL }, "1.3.6.1.4.1.311.99.1", V_ASN1_UTF8STRING, false },
		{ { NULL }, "2.999.7", V_ASN1_UTF8STRING, false },
	};
	static const char *const pieces[] = {
		"a",
		"Z",
		"0",
		" ",
		"'",
		"-",
		".",
		":", /* printable */
		"\"",
		"#",
		",",
		";",
		"+",
		"=",
		"\\",
		"<",
		">",
		"\n",
		"\x1b",
		"\x7f",
		"&",
		"@", /* ASCII */
		UE,
		"\xe6\xbc\xa2",
		"\xf0\x9f\x98\x80",
		"\xe2\x80\xae",
		"\xe2\x80\x8e",
		"\xc2\x85",
	};
	unsigned n;

	*v = kinds[(may_be_cn ? 0 : 1) + below(seed, CF_COUNT(kinds) - (may_be_cn ? 0 : 1))];
	n = v->string == V_ASN1_PRINTABLESTRING ? 8 : v->string == V_ASN1_IA5STRING ? 22 : 28;
	assert_int_equal(CF_COUNT(pieces), 28);
	if (!strcmp(v->oid, "2.5.4.6")) {
		v->len = 2;
		memcpy(v->bytes, below(seed, 2) ? "US" : "de", 2);
		return;
	}
	for (unsigned i = below(seed, 9); i < 10; i++) {
		const char *piece = pieces[below(seed, n)];

		memcpy(v->bytes + v->len, piece, strlen(piece));
		v->len += strlen(piece);
	}
}

/* Parts in the order of the DER. */
static size_t random_name(unsigned *seed, struct random_part parts[4], bool cn)
{
	size_t n = 1 + below(seed, 4);
	size_t with_cn = below(seed, (unsigned)n);

	memset(parts, 0, 4 * sizeof(*parts));
	for (size_t i = 0; i < n; i++) {
		size_t wanted = below(seed, 4) ? 1 : 1 + below(seed, 3);

		while (parts[i].n < wanted) {
			struct random_value *v = &parts[i].values[parts[i].n];
			bool again = false;

			do
				random_value(seed, cn, v);
			while (cn && i == with_cn && !parts[i].n && strcmp(v->oid, "2.5.4.3") != 0);
			for (size_t k = 0; k < parts[i].n; k++)
				again |= !strcmp(parts[i].values[k].oid, v->oid);
			parts[i].n += !again;
		}
	}
	return n;
}

static void random_der(const struct random_part *parts, size_t n, struct cf_buf *der)
{
	struct foreign values[12];
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parts[i].n; k++) {
			const struct random_value *v = &parts[i].values[k];

			values[count++] = (struct foreign){ v->oid, v->string, v->bytes,
							    (int)v->len, k ? -1 : 0 };
		}
	make(values, count, der);
}

static void put(struct cf_buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct cf_buf *out, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_int_equal(cf_buf_puts(out, text, NULL), 0);
}

static void put_hex(struct cf_buf *out, const struct random_value *v)
{
	int tag = v->string == V_ASN1_UTF8STRING ? 12 : v->string == V_ASN1_IA5STRING ? 22 : 19;

	put(out, "#%02x%02X", (unsigned)tag, (unsigned)v->len);
	for (size_t i = 0; i < v->len; i++)
		put(out, i & 1 ? "%02X" : "%02x", (uint8_t)v->bytes[i]);
}

/* With everything escaped that has to be, and some that hasn't. */
static void put_escaped(unsigned *seed, struct cf_buf *out, const struct random_value *v,
			bool quoted)
{
	for (size_t i = 0; i < v->len; i++) {
		uint8_t c = (uint8_t)v->bytes[i];
		bool end = i == 0 || i + 1 == v->len;

		if (quoted && c == '"' && below(seed, 2))
			put(out, "\"\"");
		else if (c >= 0x80 || c < 0x20 || c == 0x7f || !below(seed, 10))
			put(out, "\\%02x", c);
		else if (c == '"' || c == '\\' || (!quoted && strchr(",+;<>", c)) ||
			 (!quoted && end && strchr(" #", c)))
			put(out, "\\%c", c);
		else
			put(out, "%c", c);
	}
}

static void put_value(unsigned *seed, struct cf_buf *out, const struct random_value *v, bool dotted)
{
	static const char *const blanks[] = { "", "", " ", "  " };
	size_t n = 0;

	while (n < 3 && v->keywords[n])
		n++;
	put(out, "%s", blanks[below(seed, 4)]);
	if (dotted || !n)
		put(out, "%s%s", below(seed, 2) ? "OID." : "", v->oid);
	else
		put(out, "%s", v->keywords[below(seed, (unsigned)n)]);
	put(out, "%s=%s", blanks[below(seed, 4)], blanks[below(seed, 4)]);
	switch (below(seed, 4)) {
	case 0:
		put(out, "\"");
		put_escaped(seed, out, v, true);
		put(out, "\"");
		break;
	case 1:
		put_hex(out, v);
		break;
	default:
		put_escaped(seed, out, v, false);
	}
	put(out, "%s", blanks[below(seed, 4)]);
}

/* As people could write it: as it is, when it starts with what says so, else reversed. */
static void random_text(unsigned *seed, const struct random_part *parts, size_t n,
			struct cf_buf *out)
{
	bool as_written = parts[0].values[0].starts && below(seed, 2);

	for (size_t i = 0; i < n; i++) {
		const struct random_part *part = &parts[as_written ? i : n - 1 - i];

		for (size_t k = 0; k < part->n; k++) {
			bool first = !i && !k;
			bool dotted = !(first && as_written) &&
				      ((first && part->values[k].starts) || !below(seed, 6));

			if (!first)
				put(out, "%s", k ? "+" : below(seed, 4) ? "," : ";");
			put_value(seed, out, &part->values[k], dotted);
		}
	}
}

static void assert_same_der(const struct cf_buf *got, const struct cf_buf *wanted, const char *text,
			    int round)
{
	if (got->len != wanted->len || memcmp(got->data, wanted->data, got->len) != 0)
		fail_msg("round %d: '%s' is another name", round, text);
}

/* Shown, read back and shown again; with a CN by whoever copies it into a request too. */
static void assert_comes_back(const struct cf_buf *der, bool cn, int round)
{
	cf_auto(cf_buf_done) struct cf_buf shown = { 0 };
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 }, written = { 0 };
	struct cf_err err = { 0 };

	assert_int_equal(cf_dn_show(cf_span_buf(der), &shown, NULL), 0);
	for (size_t i = 0; i < shown.len; i++)
		assert_true((uint8_t)shown.data[i] >= 0x20 && shown.data[i] != 0x7f);
	if (cf_dn_parse_shown(cf_buf_text(&shown), &dn, &err) < 0)
		fail_msg("round %d: '%s': %s", round, cf_buf_text(&shown), err.text);
	assert_same_der(&dn.der, der, cf_buf_text(&shown), round);
	assert_string_equal(dn.shown, cf_buf_text(&shown));
	if (!cn)
		return;
	parse(cf_buf_text(&shown), &written);
	assert_same_der(&written.der, der, cf_buf_text(&shown), round);
}

static int rounds(int few)
{
	return getenv("CERTFS_TEST_MORE") ? 50 * few : few;
}

/* What people write in whatever form is the name they mean, and what is shown of it comes back. */
static void random__names_are_read_as_meant_and_come_back(void **state)
{
	unsigned seed = 20260101;

	(void)state;
	for (int round = 0; round < rounds(6000); round++) {
		cf_auto(cf_buf_done) struct cf_buf der = { 0 }, text = { 0 };
		cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
		struct random_part parts[4];
		size_t n = random_name(&seed, parts, true);

		random_der(parts, n, &der);
		random_text(&seed, parts, n, &text);
		parse(cf_buf_text(&text), &dn);
		assert_same_der(&dn.der, &der, cf_buf_text(&text), round);
		assert_comes_back(&der, true, round);
	}
}

/* Certificates of others: their subjects are read back when they are renewed. */
static void random__names_without_CN_come_back_and_not_reversed(void **state)
{
	unsigned seed = 20260102;

	(void)state;
	for (int round = 0; round < rounds(6000); round++) {
		cf_auto(cf_buf_done) struct cf_buf der = { 0 };
		struct random_part parts[4];
		size_t n = random_name(&seed, parts, false);

		random_der(parts, n, &der);
		assert_comes_back(&der, false, round);
	}
}

/* The same with strings of types that nobody chooses today. */
static void random__names_with_other_strings_come_back(void **state)
{
	static const int strings[] = { V_ASN1_T61STRING, V_ASN1_BMPSTRING, V_ASN1_NUMERICSTRING,
				       V_ASN1_BIT_STRING };
	unsigned seed = 20260103;

	(void)state;
	for (int round = 0; round < rounds(3000); round++) {
		cf_auto(cf_buf_done) struct cf_buf der = { 0 };
		struct random_part parts[4];
		size_t n = random_name(&seed, parts, false);
		struct random_value *v = &parts[below(&seed, (unsigned)n)].values[0];

		v->string = strings[below(&seed, CF_COUNT(strings))];
		if (!v->keywords[0] || v->string != V_ASN1_BIT_STRING) {
			memcpy(v->bytes, "1234", 4); /* all of them may hold that */
			v->len = 4;
		}
		if (v->keywords[0] && (v->string == V_ASN1_BIT_STRING || v->keywords[0][0] == 'C'))
			continue;
		random_der(parts, n, &der);
		assert_comes_back(&der, false, round);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse__example_of_the_interface_is_shown_most_specific_first),
		cmocka_unit_test(parse__country_is_PrintableString_others_UTF8_or_IA5),
		cmocka_unit_test(parse__C_DC_S_O_first_is_as_written_any_other_reversed),
		cmocka_unit_test(parse__O_as_most_specific_can_be_written_back),
		cmocka_unit_test(parse__keywords_in_any_case_and_OIDs),
		cmocka_unit_test(parse__unknown_OID_is_UTF8_and_shown_as_hex),
		cmocka_unit_test(parse__escapes_and_quotes),
		cmocka_unit_test(parse__blanks_at_the_ends_stay_only_when_asked_for),
		cmocka_unit_test(parse__multi_valued_part_is_one_set),
		cmocka_unit_test(
			parse__same_type_twice_in_a_part_is_EINVAL_twice_in_a_name_is_fine),
		cmocka_unit_test(parse__most_specific_CN_is_the_common_name),
		cmocka_unit_test(parse__CN_over_64_bytes_stays_out_of_der),
		cmocka_unit_test(parse__CN_of_64_bytes_is_in_der),
		cmocka_unit_test(parse__limits_are_those_of_RFC_5280),
		cmocka_unit_test(parse__country_is_two_letters),
		cmocka_unit_test(parse__characters_that_a_type_has_not_are_EINVAL),
		cmocka_unit_test(parse__name_without_CN_is_EINVAL),
		cmocka_unit_test(parse__empty_parts_and_values_are_EINVAL),
		cmocka_unit_test(parse__what_is_no_type_is_EINVAL),
		cmocka_unit_test(parse__broken_escapes_and_quotes_are_EINVAL),
		cmocka_unit_test(parse__raw_control_and_invisible_characters_are_EINVAL),
		cmocka_unit_test(parse__NUL_and_broken_UTF8_are_EINVAL),
		cmocka_unit_test(parse__hex_that_is_no_DER_string_is_EINVAL),
		cmocka_unit_test(parse__random_text_round_trips_or_is_refused),
		cmocka_unit_test(show__strings_that_the_parser_would_not_choose_come_back),
		cmocka_unit_test(show__PrintableString_is_text),
		cmocka_unit_test(show__control_characters_come_back),
		cmocka_unit_test(show__name_without_CN_keeps_its_keywords),
		cmocka_unit_test(show__broken_names_are_EBADMSG_and_add_nothing),
		cmocka_unit_test(common_name__shows_what_is_behind_a_NUL),
		cmocka_unit_test(common_name__is_nothing_without_CN_or_text),
		cmocka_unit_test(random__names_are_read_as_meant_and_come_back),
		cmocka_unit_test(random__names_without_CN_come_back_and_not_reversed),
		cmocka_unit_test(random__names_with_other_strings_come_back),
		cmocka_unit_test(
			parse_shown__takes_what_parse_refuses_and_gives_the_same_otherwise),
	};

	return cmocka_run_group_tests_name("dn", tests, NULL, NULL);
}
