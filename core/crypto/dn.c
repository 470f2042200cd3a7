/* Distinguished names from text to DER; see dn.h. dn_show.c has the way back. */
#include "core/crypto/dn.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/objects.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/crypto/dn_private.h"
#include "core/crypto/ossl_private.h"

#define SEPARATORS ",;+"
#define BLANKS " \t"

struct parser {
	const char *p; /* what is left of the text */
	X509_NAME *name;
	bool as_written; /* false: parts are added in front */
	bool in_part;    /* the part that is read has a value in the name */
	bool has_cn;
	bool shown; /* never as written; a name without CN, or without anything, is one too */
	struct cf_buf common_name;
	struct cf_err *err;
};

/* One TYPE=VALUE. What it is called in sentences is how the type was written. */
struct value {
	char label[64];
	const struct cf_dn_type *type; /* NULL for an OID without keyword */
	ASN1_OBJECT *oid;
	struct cf_buf text; /* UTF-8; of #hex when it is text */
	ASN1_STRING *string;
};

static void value_done(struct value *v)
{
	cf_buf_done(&v->text);
	ASN1_OBJECT_free(v->oid);
	ASN1_STRING_free(v->string);
}

CF_DEFINE_DONE(struct value, value_done);

static int refuse(struct parser *ps, const struct value *v, const char *why)
{
	return cf_fail(ps->err, EINVAL, "%s: %s", v->label, why);
}

static void skip_blanks(struct parser *ps)
{
	ps->p += strspn(ps->p, BLANKS);
}

static bool at_end(const char *p)
{
	return !*p || strchr(SEPARATORS, *p);
}

/* TYPE and the equals sign. */
static int read_type(struct parser *ps, struct value *v)
{
	size_t whole = strcspn(ps->p, SEPARATORS);
	size_t n = strcspn(ps->p, "=" SEPARATORS);
	const char *type = ps->p;
	const char *oid;

	if (!whole)
		return cf_fail(ps->err, EINVAL, "a part of the name is empty");
	if (type[n] != '=')
		return cf_fail(ps->err, EINVAL,
			       "'%.*s': a name has parts of the form TYPE=VALUE, such as "
			       "CN=mail.contoso.com; a comma in a value is written \\,",
			       (int)(whole > 64 ? 64 : whole), type);
	ps->p += n + 1;
	while (n && strchr(BLANKS, type[n - 1]))
		n--;
	if (n >= sizeof(v->label))
		return cf_fail(ps->err, EINVAL, "'%.64s': no attribute type is that long", type);
	memcpy(v->label, type, n);
	v->label[n] = '\0';
	v->type = cf_dn_type_keyword(v->label, n);
	oid = strncasecmp(v->label, "OID.", 4) ? v->label : v->label + 4;
	if (v->type)
		v->oid = OBJ_nid2obj(v->type->nid);
	else if (cf_dn_is_oid(oid))
		v->oid = OBJ_txt2obj(oid, 1);
	if (cf_ossl_drain() && !v->oid)
		return cf_fail_memory(ps->err);
	if (!v->oid)
		return cf_fail(ps->err, EINVAL,
			       "'%s' is no attribute type; known are C, S, L, O, OU, CN, DC, E and "
			       "others of RFC 4514, and OIDs%s",
			       v->label, *v->label == '/' ? "; parts are separated by commas" : "");
	if (!v->type)
		v->type = cf_dn_type_nid(OBJ_obj2nid(v->oid));
	return 0;
}

static int read_escape(struct parser *ps, struct value *v)
{
	char c = ps->p[1];

	if (isxdigit((unsigned char)c) && isxdigit((unsigned char)ps->p[2])) {
		const char hex[] = { c, ps->p[2], '\0' };

		c = (char)strtoul(hex, NULL, 16);
		ps->p += 3;
	} else if (c && strchr(" \"#+,;<=>\\", c)) {
		ps->p += 2;
	} else {
		return refuse(
			ps, v,
			"after a backslash comes one of , ; + \" # \\ < = > or two hex digits");
	}
	return cf_buf_append(&v->text, &c, 1, ps->err);
}

/* One character that stands for itself. */
static int read_raw(struct parser *ps, struct value *v)
{
	uint32_t code;
	size_t n = cf_text_utf8(ps->p, strnlen(ps->p, 4), &code);
	int r;

	if (!n)
		return refuse(ps, v, "the value isn't UTF-8");
	if (cf_text_unsafe(code))
		return refuse(
			ps, v,
			"a control or invisible character has to be written as \\ and two hex "
			"digits a byte");
	r = cf_buf_append(&v->text, ps->p, n, ps->err);
	ps->p += n;
	return r;
}

static int read_quoted(struct parser *ps, struct value *v)
{
	int r = 0;

	for (ps->p++; r == 0;) {
		if (!*ps->p)
			return refuse(ps, v, "the closing quote is missing");
		if (*ps->p == '\\') {
			r = read_escape(ps, v);
		} else if (*ps->p != '"') {
			r = read_raw(ps, v);
		} else if (ps->p[1] == '"') {
			/* As Windows writes a quote. */
			r = cf_buf_append(&v->text, "\"", 1, ps->err);
			ps->p += 2;
		} else {
			ps->p++;
			skip_blanks(ps);
			return at_end(ps->p) ? 0 : refuse(ps, v, "text follows the closing quote");
		}
	}
	return r;
}

static int read_plain(struct parser *ps, struct value *v)
{
	int r = 0;

	while (r == 0 && !at_end(ps->p)) {
		size_t blanks = strspn(ps->p, BLANKS);

		if (blanks && at_end(ps->p + blanks))
			ps->p += blanks;
		else if (*ps->p == '\\')
			r = read_escape(ps, v);
		else if (strchr("\"<>", *ps->p))
			r = refuse(ps, v, "\" < and > have to be written as \\\" \\< \\>");
		else
			r = read_raw(ps, v);
	}
	return r;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* #hex: the value as DER (RFC 4514 section 2.4). Leaves its text in v->text when it has one. */
static int read_hex(struct parser *ps, struct value *v)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	const unsigned char *p;
	unsigned char *again = NULL;
	int n, r = 0;

	for (ps->p++; r == 0 && hex_digit(ps->p[0]) >= 0 && hex_digit(ps->p[1]) >= 0; ps->p += 2) {
		char byte = (char)(hex_digit(ps->p[0]) << 4 | hex_digit(ps->p[1]));

		r = cf_buf_append(&der, &byte, 1, ps->err);
	}
	skip_blanks(ps);
	if (r < 0)
		return r;
	p = (const unsigned char *)cf_buf_text(&der);
	v->string = at_end(ps->p) ? d2i_ASN1_PRINTABLE(NULL, &p, (long)der.len) : NULL;
	n = v->string ? i2d_ASN1_PRINTABLE(v->string, &again) : -1;
	if (n < 0 && cf_ossl_drain())
		r = cf_fail_memory(ps->err);
	else if (n < 0 || (size_t)n != der.len || memcmp(again, cf_buf_text(&der), der.len) != 0)
		r = refuse(ps, v,
			   "# starts the hex digits of a string in DER; write \\# for the sign");
	OPENSSL_free(again);
	if (r == 0)
		r = cf_dn_utf8(v->string, &v->text, ps->err);
	if (r <= 0)
		return r;
	/* A bit string and the like is fine where nothing is known of the type. */
	n = ASN1_STRING_type(v->string);
	if (v->type || (n != V_ASN1_BIT_STRING && n != V_ASN1_SEQUENCE))
		return refuse(ps, v, "the value isn't text");
	return 0;
}

/* X.501 section 9.3: a part (RDN) has one value of a type. Those of ours are at one end. */
static bool repeats(const struct parser *ps, const struct value *v)
{
	int n = X509_NAME_entry_count(ps->name);
	int set = -1;

	for (int i = 0; i < n && ps->in_part; i++) {
		const X509_NAME_ENTRY *e =
			X509_NAME_get_entry(ps->name, ps->as_written ? n - 1 - i : i);

		if (i && X509_NAME_ENTRY_set(e) != set)
			break;
		set = X509_NAME_ENTRY_set(e);
		if (!OBJ_cmp(X509_NAME_ENTRY_get_object(e), v->oid))
			return true;
	}
	return false;
}

/* Put the value into the name: as the next one, or in front of those that are there. */
static int add(struct parser *ps, const struct value *v)
{
	cf_auto(X509_NAME_ENTRY_free) X509_NAME_ENTRY *entry = NULL;
	int string = v->type ? v->type->string : V_ASN1_UTF8STRING;
	int at = ps->as_written ? -1 : 0;
	int joins = ps->as_written ? -1 : 1;
	bool ok;

	if (repeats(ps, v))
		return refuse(ps, v, "between + signs a type can stand only once");
	entry = X509_NAME_ENTRY_create_by_OBJ(NULL, v->oid, string,
					      (const unsigned char *)cf_buf_text(&v->text),
					      (int)v->text.len);
	ok = entry != NULL;
	if (ok && v->string)
		ok = ASN1_STRING_copy(X509_NAME_ENTRY_get_data(entry), v->string) == 1;
	if (!ok || X509_NAME_add_entry(ps->name, entry, at, ps->in_part ? joins : 0) != 1)
		return cf_ossl_fail(ps->err, EINVAL, v->label);
	ps->in_part = true;
	return 0;
}

static int take_common_name(struct parser *ps, struct value *v)
{
	/* The most specific one is the last when as written, else the first. */
	if (ps->as_written || !ps->has_cn) {
		cf_buf_reset(&ps->common_name);
		if (cf_buf_append(&ps->common_name, v->text.data, v->text.len, ps->err) < 0)
			return -ENOMEM;
	}
	ps->has_cn = true;
	return 0;
}

/* One TYPE=VALUE up to the separator after it. */
static int read_value(struct parser *ps, bool is_first)
{
	cf_auto(value_done) struct value v = { 0 };
	int r;

	skip_blanks(ps);
	r = read_type(ps, &v);
	if (r < 0)
		return r;
	if (is_first) {
		const struct cf_dn_type *type = cf_dn_type_keyword(v.label, strlen(v.label));

		ps->as_written = type && type->first && !ps->shown;
	}
	skip_blanks(ps);
	if (*ps->p == '#')
		r = read_hex(ps, &v);
	else
		r = *ps->p == '"' ? read_quoted(ps, &v) : read_plain(ps, &v);
	if (r == 0)
		r = cf_dn_check(v.type, v.label, &v.text, v.string, ps->err);
	if (r < 0 || !v.type || v.type->nid != NID_commonName)
		return r < 0 ? r : add(ps, &v);
	r = take_common_name(ps, &v);
	return r < 0 || v.text.len > v.type->max ? r : add(ps, &v);
}

static int read_name(struct parser *ps)
{
	bool is_first = true;

	skip_blanks(ps);
	if (!*ps->p && ps->shown)
		return 0;
	if (!*ps->p)
		return cf_fail(ps->err, EINVAL, "the name is empty");
	for (;;) {
		int r = read_value(ps, is_first);

		if (r < 0)
			return r;
		if (!*ps->p)
			break;
		if (*ps->p++ != '+')
			ps->in_part = false;
		is_first = false;
	}
	if (!ps->has_cn && !ps->shown)
		return cf_fail(ps->err, EINVAL, "the name has no CN; add CN=<host name>");
	return 0;
}

static int finish(struct parser *ps, struct cf_dn *dn)
{
	cf_auto(cf_buf_done) struct cf_buf shown = { 0 };
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(ps->name, &der);
	int r;

	if (n < 0)
		return cf_ossl_fail(ps->err, EINVAL, "encoding the name");
	r = cf_buf_append(&dn->der, der, (size_t)n, ps->err);
	OPENSSL_free(der);
	if (r == 0)
		r = cf_dn_show(cf_span_buf(&dn->der), &shown, ps->err);
	if (r < 0)
		return r;
	if (cf_ossl_drain())
		return cf_fail_memory(ps->err);
	dn->shown = strdup(cf_buf_text(&shown));
	dn->common_name = strdup(cf_buf_text(&ps->common_name));
	return dn->shown && dn->common_name ? 0 : cf_fail_memory(ps->err);
}

static int parse(const char *text, bool shown, struct cf_dn *ret, struct cf_err *err)
{
	cf_auto(X509_NAME_free) X509_NAME *name = X509_NAME_new();
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
	struct parser ps = { .p = text, .name = name, .shown = shown, .err = err };
	int r;

	if (!name)
		return cf_ossl_fail(err, ENOMEM, "making a name");
	r = read_name(&ps);
	if (r == 0)
		r = finish(&ps, &dn);
	cf_buf_done(&ps.common_name);
	if (r < 0)
		return r;
	*ret = dn;
	dn = (struct cf_dn){ 0 };
	return 0;
}

int cf_dn_parse(const char *text, struct cf_dn *ret, struct cf_err *err)
{
	return parse(text, false, ret, err);
}

int cf_dn_parse_shown(const char *text, struct cf_dn *ret, struct cf_err *err)
{
	return parse(text, true, ret, err);
}

void cf_dn_done(struct cf_dn *dn)
{
	cf_buf_done(&dn->der);
	free(dn->shown);
	free(dn->common_name);
	*dn = (struct cf_dn){ 0 };
}
