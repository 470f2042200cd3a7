/* Distinguished names from DER to text; see dn.h. */
#include <errno.h>
#include <limits.h>
#include <openssl/objects.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/crypto/dn.h"
#include "core/crypto/dn_private.h"
#include "core/crypto/ossl_private.h"

int cf_dn_utf8(const ASN1_STRING *value, struct cf_buf *out, struct cf_err *err)
{
	unsigned char *text = NULL;
	int n = ASN1_STRING_to_UTF8(&text, value);
	int r = 1;

	if (n >= 0)
		r = cf_buf_append(out, text, (size_t)n, err);
	else if (cf_ossl_drain())
		r = cf_fail_memory(err);
	OPENSSL_free(text);
	return r;
}

/* One character of a value (RFC 4514 section 2.4); blanks as hex, so that trimming keeps them. */
static int show_char(struct cf_buf *out, const char *s, size_t len, const char *with,
		     struct cf_err *err)
{
	uint32_t code;
	bool known = cf_text_utf8(s, len, &code) == len;
	int r = 0;

	if (known && !cf_text_unsafe(code) && !(len == 1 && strchr(with, *s)))
		return cf_buf_append(out, s, len, err);
	if (len == 1 && *s != ' ' && *s && strchr(with, *s))
		return cf_buf_printf(out, err, "\\%c", *s);
	for (size_t i = 0; i < len && r == 0; i++)
		r = cf_buf_printf(out, err, "\\%02X", (unsigned char)s[i]);
	return r;
}

static int show_text(struct cf_buf *out, const char *s, size_t n, struct cf_err *err)
{
	for (size_t at = 0; at < n;) {
		uint32_t code;
		size_t len = cf_text_utf8(s + at, n - at, &code);
		const char *with = "\"+,;<>\\";
		int r;

		if (!len)
			len = 1;
		if (at == 0)
			with = "\"+,;<>\\ #";
		else if (at + len == n)
			with = "\"+,;<>\\ ";
		r = show_char(out, s + at, len, with, err);
		if (r < 0)
			return r;
		at += len;
	}
	return 0;
}

static int show_hex(struct cf_buf *out, const ASN1_STRING *value, struct cf_err *err)
{
	unsigned char *der = NULL;
	int n = i2d_ASN1_PRINTABLE(value, &der);
	int r;

	if (n < 0)
		return cf_ossl_fail(err, EBADMSG, "reading a name");
	r = cf_buf_puts(out, "#", err);
	for (int i = 0; i < n && r == 0; i++)
		r = cf_buf_printf(out, err, "%02X", der[i]);
	OPENSSL_free(der);
	return r;
}

static int show_oid(struct cf_buf *out, const ASN1_OBJECT *oid, struct cf_err *err)
{
	int n = OBJ_obj2txt(NULL, 0, oid, 1);
	char *room;

	if (n <= 0)
		return cf_ossl_fail(err, EBADMSG, "reading a name");
	room = cf_buf_room(out, (size_t)n, err);
	if (!room)
		return -ENOMEM;
	OBJ_obj2txt(room, n + 1, oid, 1);
	cf_buf_seal(out, (size_t)n);
	return 0;
}

/* TYPE=VALUE. dotted: write the OID, though the type has a keyword. */
static int show_entry(struct cf_buf *out, const X509_NAME_ENTRY *entry, bool dotted,
		      struct cf_err *err)
{
	const ASN1_OBJECT *oid = X509_NAME_ENTRY_get_object(entry);
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
	const struct cf_dn_type *type = cf_dn_type_nid(OBJ_obj2nid(oid));
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	int tag = ASN1_STRING_type(value);
	bool hex = true;
	int r;

	if (type &&
	    (tag == V_ASN1_UTF8STRING || tag == V_ASN1_PRINTABLESTRING || tag == type->string)) {
		r = cf_dn_utf8(value, &text, err);
		if (r < 0)
			return r;
		hex = r > 0;
	}
	if (type && !dotted)
		r = cf_buf_puts(out, type->keyword, err);
	else
		r = show_oid(out, oid, err);
	if (r == 0)
		r = cf_buf_puts(out, "=", err);
	if (r == 0)
		r = hex ? show_hex(out, value, err) : show_text(out, text.data, text.len, err);
	return r;
}

/*
 * True when the most specific part would make cf_dn_parse() take the text as written. Its type is
 * then shown as an OID, which doesn't. A name without CN is only read back by cf_dn_parse_shown(),
 * and stays readable.
 */
static bool would_mislead(const X509_NAME *name, int first)
{
	const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, first);
	const struct cf_dn_type *type =
		cf_dn_type_nid(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));

	return first > 0 && type && type->first &&
	       X509_NAME_get_index_by_NID(name, NID_commonName, -1) >= 0;
}

static int show_name(struct cf_buf *out, const X509_NAME *name, struct cf_err *err)
{
	int end = X509_NAME_entry_count(name);
	bool any = false;

	/* Parts backwards, the values within a part (they have the same set number) forwards. */
	while (end > 0) {
		int set = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, end - 1));
		int start = end - 1;

		while (start > 0 &&
		       X509_NAME_ENTRY_set(X509_NAME_get_entry(name, start - 1)) == set)
			start--;
		for (int i = start; i < end; i++) {
			const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
			int r = any ? cf_buf_puts(out, i > start ? "+" : ", ", err) : 0;

			if (r == 0)
				r = show_entry(out, entry, !any && would_mislead(name, i), err);
			if (r < 0)
				return r;
			any = true;
		}
		end = start;
	}
	return 0;
}

static int load(struct cf_span der, X509_NAME **ret, struct cf_err *err)
{
	const unsigned char *p = der.data;
	X509_NAME *name = der.len <= LONG_MAX ? d2i_X509_NAME(NULL, &p, (long)der.len) : NULL;

	if (!name)
		return cf_ossl_fail(err, EBADMSG, "reading a name");
	if (p != (const unsigned char *)der.data + der.len) {
		X509_NAME_free(name);
		return cf_fail(err, EBADMSG, "reading a name: bytes follow it");
	}
	*ret = name;
	return 0;
}

int cf_dn_show(struct cf_span der, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(X509_NAME_free) X509_NAME *name = NULL;
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	int r = load(der, &name, err);

	if (r == 0)
		r = show_name(&text, name, err);
	return r < 0 ? r : cf_buf_append(out, text.data, text.len, err);
}

int cf_dn_common_name(struct cf_span der, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(X509_NAME_free) X509_NAME *name = NULL;
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	cf_auto(cf_buf_done) struct cf_buf shown = { 0 };
	int r = load(der, &name, err);
	int at = -1;

	if (r < 0)
		return r;
	for (int i = -1; (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0;)
		at = i;
	if (at < 0)
		return 0;
	r = cf_dn_utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), &text, err);
	if (r != 0)
		return r < 0 ? r : 0;
	for (size_t from = 0; from < text.len && r == 0;) {
		r = cf_text_show(&shown, text.data + from, err);
		from += strlen(text.data + from);
		/* A NUL must not hide what follows it. */
		if (r == 0 && from++ < text.len)
			r = cf_buf_puts(&shown, "\\x00", err);
	}
	return r < 0 ? r : cf_buf_append(out, shown.data, shown.len, err);
}
