/* Looking; see view.h. One table says what the properties are, for text and JSON alike. */
#include "core/procedures/view.h"

#include <string.h>

#include "core/base/text.h"
#include "core/crypto/key.h"
#include "core/procedures/chain.h"
#include "core/procedures/rules.h"

#define NAME_WIDTH 20 /* of the longest name; Format-List pads to it */

enum type {
	TEXT,
	LIST, /* one per line */
	FLAG,
	NUMBER, /* 0: not known */
	TIME,   /* 0: not known */
};

/* A property's value. text points into the row or into scratch. */
struct value {
	const char *text;
	int64_t number;
	struct cf_buf scratch;
};

typedef int value_fn(const struct cf_view *view, struct value *value, struct cf_err *err);

static bool is_complete(const struct cf_view *view)
{
	return view->cert->state == CF_STATE_COMPLETE;
}

static int hex(struct value *value, bool known, const uint8_t *data, size_t n, struct cf_err *err)
{
	char digits[2 * CF_SUM_SIZE + 1];
	int r = known ? cf_buf_puts(&value->scratch, cf_text_hex(data, n, digits), err) : 0;

	value->text = cf_buf_text(&value->scratch);
	return r;
}

static int identity(const struct cf_view *view, struct value *value, struct cf_err *err)
{
	char digits[41] = "";
	int r;

	if (is_complete(view))
		cf_text_hex(view->cert->sha1, 20, digits);
	r = cf_buf_printf(&value->scratch, err, "%s\\%s",
			  cf_setting(view->settings, CF_SETTING_FQDN), digits);
	value->text = cf_buf_text(&value->scratch);
	return r;
}

static int thumbprint(const struct cf_view *view, struct value *value, struct cf_err *err)
{
	return hex(value, is_complete(view), view->cert->sha1, 20, err);
}

static int request(const struct cf_view *view, struct value *value, struct cf_err *err)
{
	return hex(value, view->cert->request_len, view->cert->request_sha1, 20, err);
}

/* Exchange's order: IMAP, POP, UM, IIS, SMTP, UMCallRouter. The default isn't one of them. */
static int services(const struct cf_view *view, struct value *value, struct cf_err *err)
{
	for (int i = 0; i < CF_SERVICE_SMTP_DEFAULT; i++) {
		const char *word = cf_service_text((enum cf_service)i);
		const char *line = view->cert->services;
		size_t n = strlen(word);
		int r = 0;

		while (*line && (strncmp(line, word, n) || line[n] != '\n'))
			line += strcspn(line, "\n") + 1;
		if (*line)
			r = cf_buf_printf(&value->scratch, err, "%s%s",
					  value->scratch.len ? ", " : "", word);
		if (r < 0)
			return r;
	}
	value->text = value->scratch.len ? value->scratch.data : "None";
	return 0;
}

static int send_as_trusted_issuer(const struct cf_view *view, struct value *value,
				  struct cf_err *err)
{
	(void)view;
	(void)err;
	value->number = 0;
	return 0;
}

static int has_private_key(const struct cf_view *view, struct value *value, struct cf_err *err)
{
	(void)err;
	value->number = view->cert->key_len != 0;
	return 0;
}

/* The bits of the key that is asked for, while there is no certificate to say so. */
static int key_size(const struct cf_view *view, struct value *value, struct cf_err *err)
{
	static const int bits[] = { 0, 2048, 3072, 4096, 256, 384 };

	(void)err;
	value->number = view->cert->key_bits;
	if (!is_complete(view) && view->cert->key_type < (int64_t)CF_COUNT(bits))
		value->number = bits[view->cert->key_type];
	return 0;
}

static int key_algorithm(const struct cf_view *view, struct value *value, struct cf_err *err)
{
	(void)err;
	value->text = view->cert->key_algorithm;
	if (!is_complete(view))
		value->text = view->cert->key_type >= CF_KEY_P256 ? "ECC" : "RSA";
	return 0;
}

#define PLAIN_TEXT(fn, field)                                                                      \
	static int fn(const struct cf_view *view, struct value *value, struct cf_err *err)         \
	{                                                                                          \
		(void)err;                                                                         \
		value->text = field;                                                               \
		return 0;                                                                          \
	}                                                                                          \
	_Static_assert(1, "needs a semicolon")

#define PLAIN_NUMBER(fn, field)                                                                    \
	static int fn(const struct cf_view *view, struct value *value, struct cf_err *err)         \
	{                                                                                          \
		(void)err;                                                                         \
		value->number = field;                                                             \
		return 0;                                                                          \
	}                                                                                          \
	_Static_assert(1, "needs a semicolon")

PLAIN_TEXT(friendly_name, view->cert->friendly_name);
PLAIN_TEXT(subject, view->cert->subject);
PLAIN_TEXT(domains, view->cert->domains);
PLAIN_TEXT(status, cf_status_text(view->cert));
PLAIN_TEXT(issuer, view->cert->issuer);
PLAIN_TEXT(serial, view->cert->serial);
PLAIN_TEXT(signature_algorithm, view->cert->signature_algorithm);
PLAIN_TEXT(root_ca, cf_root_ca_text(view->cert));
PLAIN_TEXT(enhanced_key_usage, view->cert->enhanced_key_usage);
PLAIN_TEXT(key_usage, view->cert->key_usage);
PLAIN_TEXT(subject_key_id, view->cert->subject_key_id);
PLAIN_NUMBER(self_signed, view->cert->self_signed);
PLAIN_NUMBER(not_before, view->cert->not_before);
PLAIN_NUMBER(not_after, view->cert->not_after);
PLAIN_NUMBER(exportable, view->cert->exportable);
PLAIN_NUMBER(version, view->cert->x509_version);

static const struct property {
	const char *name;
	enum type type;
	value_fn *value;
} properties[] = {
	{ "Identity", TEXT, identity },
	{ "FriendlyName", TEXT, friendly_name },
	{ "Subject", TEXT, subject },
	{ "CertificateDomains", LIST, domains },
	{ "Thumbprint", TEXT, thumbprint },
	{ "Services", TEXT, services },
	{ "Status", TEXT, status },
	{ "IsSelfSigned", FLAG, self_signed },
	{ "Issuer", TEXT, issuer },
	{ "SerialNumber", TEXT, serial },
	{ "NotBefore", TIME, not_before },
	{ "NotAfter", TIME, not_after },
	{ "HasPrivateKey", FLAG, has_private_key },
	{ "PrivateKeyExportable", FLAG, exportable },
	{ "PublicKeySize", NUMBER, key_size },
	{ "KeyAlgorithm", TEXT, key_algorithm },
	{ "SignatureAlgorithm", TEXT, signature_algorithm },
	{ "RootCAType", TEXT, root_ca },
	{ "EnhancedKeyUsageList", LIST, enhanced_key_usage },
	{ "KeyUsage", TEXT, key_usage },
	{ "SubjectKeyIdentifier", TEXT, subject_key_id },
	{ "CertificateRequest", TEXT, request },
	{ "DnsNameList", LIST, domains },
	{ "Version", NUMBER, version },
	{ "SendAsTrustedIssuer", FLAG, send_as_trusted_issuer },
	{ "Archived", FLAG, send_as_trusted_issuer },
};

/* Call fn for each line of a list. */
static int each_line(const char *list, struct cf_buf *out, const char *separator,
		     int (*put)(struct cf_buf *, const char *, struct cf_err *), struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf copy = { 0 };
	char *save = NULL;
	bool first = true;
	int r = cf_buf_puts(&copy, list, err);

	if (r < 0)
		return r;
	for (char *line = strtok_r(copy.data, "\n", &save); line && r == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!first)
			r = cf_buf_puts(out, separator, err);
		if (r == 0)
			r = put(out, line, err);
		first = false;
	}
	return r;
}

static int put_info(enum type type, const struct value *value, struct cf_buf *out,
		    struct cf_err *err)
{
	char time[CF_TIME_TEXT_MAX];
	int r;

	switch (type) {
	case TEXT:
		return cf_text_show(out, value->text, err);
	case LIST:
		r = cf_buf_puts(out, "{", err);
		if (r == 0)
			r = each_line(value->text, out, ", ", cf_text_show, err);
		return r < 0 ? r : cf_buf_puts(out, "}", err);
	case FLAG:
		return cf_buf_puts(out, value->number ? "True" : "False", err);
	case NUMBER:
		return value->number ? cf_buf_printf(out, err, "%lld", (long long)value->number)
				     : 0;
	default:
		return value->number ? cf_buf_puts(out, cf_time_text(value->number, time), err) : 0;
	}
}

static int put_json(enum type type, const struct value *value, struct cf_buf *out,
		    struct cf_err *err)
{
	char time[CF_TIME_TEXT_MAX];
	int r;

	switch (type) {
	case TEXT:
		return cf_text_json(out, value->text, err);
	case LIST:
		r = cf_buf_puts(out, "[", err);
		if (r == 0)
			r = each_line(value->text, out, ", ", cf_text_json, err);
		return r < 0 ? r : cf_buf_puts(out, "]", err);
	case FLAG:
		return cf_buf_puts(out, value->number ? "true" : "false", err);
	case NUMBER:
		if (value->number)
			return cf_buf_printf(out, err, "%lld", (long long)value->number);
		return cf_buf_puts(out, "null", err);
	default:
		if (value->number)
			return cf_text_json(out, cf_time_text(value->number, time), err);
		return cf_buf_puts(out, "null", err);
	}
}

/* How a form begins a property, writes its value, and ends it. */
struct form {
	const char *prefix; /* takes the width and the name */
	int width;
	int (*put)(enum type type, const struct value *value, struct cf_buf *out,
		   struct cf_err *err);
	const char *suffix, *last_suffix;
};

static int put_all(const struct cf_view *view, const struct form *form, struct cf_buf *out,
		   struct cf_err *err)
{
	for (size_t i = 0; i < CF_COUNT(properties); i++) {
		const struct property *p = &properties[i];
		bool last = i + 1 == CF_COUNT(properties);
		struct value value = { .text = "" };
		int r = p->value(view, &value, err);

		if (r == 0)
			r = cf_buf_printf(out, err, "%s%s%*s", form->prefix, p->name,
					  form->width ? form->width - (int)strlen(p->name) : 0, "");
		if (r == 0)
			r = cf_buf_puts(out, form->width ? " : " : "\": ", err);
		if (r == 0)
			r = form->put(p->type, &value, out, err);
		if (r == 0)
			r = cf_buf_puts(out, last ? form->last_suffix : form->suffix, err);
		cf_buf_done(&value.scratch);
		if (r < 0)
			return r;
	}
	return 0;
}

int cf_view_info(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	static const struct form form = { "", NAME_WIDTH, put_info, "\n", "\n" };

	return put_all(view, &form, out, err);
}

int cf_view_json(const struct cf_view *view, struct cf_buf *out, struct cf_err *err)
{
	static const struct form form = { "  \"", 0, put_json, ",\n", "\n}\n" };
	int r = cf_buf_puts(out, "{\n", err);

	return r < 0 ? r : put_all(view, &form, out, err);
}
