/* Making sense of a dropped file: which parts it has; see decode.h. */
#include "core/crypto/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/crypto/decode_private.h"

/* What a label promises. A label that is not here is text around what matters. */
enum promise {
	OBJECT, /* the content decides, since PKCS#7 under CERTIFICATE is common */
	KEY,
	REQUEST,
	REFUSED,
};

static const struct label {
	const char *text;
	enum promise promise;
	const char *refusal;
} labels[] = {
	{ "CERTIFICATE", OBJECT, NULL },
	{ "X509 CERTIFICATE", OBJECT, NULL },
	{ "PKCS7", OBJECT, NULL },
	{ "PKCS #7 SIGNED DATA", OBJECT, NULL },
	{ "CMS", OBJECT, NULL },
	{ "X509 CRL", OBJECT, NULL },
	{ "PRIVATE KEY", KEY, NULL },
	{ "RSA PRIVATE KEY", KEY, NULL },
	{ "EC PRIVATE KEY", KEY, NULL },
	{ "CERTIFICATE REQUEST", REQUEST, NULL },
	{ "NEW CERTIFICATE REQUEST", REQUEST, NULL },
	{ "ENCRYPTED PRIVATE KEY", OBJECT, NULL },
	{ "TRUSTED CERTIFICATE", REFUSED,
	  "a block 'TRUSTED CERTIFICATE' is OpenSSL's own; openssl x509 makes a plain one of it" },
};

void cf_item_done(struct cf_item *item)
{
	cf_buf_done(&item->der);
	cf_cert_info_done(&item->info);
	free(item->friendly_name);
	*item = (struct cf_item){ 0 };
}

void cf_decoded_done(struct cf_decoded *decoded)
{
	for (size_t i = 0; i < decoded->n; i++)
		cf_item_done(&decoded->items[i]);
	free(decoded->items);
	*decoded = (struct cf_decoded){ 0 };
}

static bool same(const struct cf_item *a, const struct cf_item *b)
{
	return a->kind == b->kind && a->der.len == b->der.len &&
	       !memcmp(a->der.data, b->der.data, a->der.len);
}

int cf_walk_keep(struct cf_walk *walk, struct cf_item *item, struct cf_err *err)
{
	struct cf_decoded *out = &walk->out;
	struct cf_item *items;

	/* The same again counts, since it was taken apart again. */
	if (walk->n_items++ == CF_DROP_ITEMS_MAX)
		return cf_fail(err, EFBIG, "more than %d certificates, CRLs and keys in one file",
			       CF_DROP_ITEMS_MAX);
	if (item->kind == CF_ITEM_CERTIFICATE && walk->n_certificates++ == CF_DROP_CERTS_MAX)
		return cf_fail(err, EFBIG, "more than %d certificates in one file",
			       CF_DROP_CERTS_MAX);
	for (size_t i = 0; i < out->n; i++) {
		if (!same(&out->items[i], item))
			continue;
		if (!out->items[i].friendly_name)
			out->items[i].friendly_name = cf_take(&item->friendly_name);
		return 0;
	}
	items = reallocarray(out->items, out->n + 1, sizeof(*items));
	if (!items)
		return cf_fail_memory(err);
	out->items = items;
	items[out->n++] = *item;
	*item = (struct cf_item){ 0 };
	return 0;
}

static const struct label *find_label(const char *text)
{
	for (size_t i = 0; i < CF_COUNT(labels); i++)
		if (!strcmp(labels[i].text, text))
			return &labels[i];
	return NULL;
}

static int walk_block(struct cf_walk *walk, const struct cf_armor *block, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	const struct label *label = find_label(block->label);
	int r;

	if (!label)
		return 0;
	if (label->promise == REQUEST)
		walk->saw_request = true;
	if (label->promise == REFUSED)
		return cf_fail(err, EINVAL, "%s", label->refusal);
	if (label->promise == REQUEST)
		return 0;
	r = cf_armor_decode(block->body, &der, err);
	if (r == 0 && label->promise == KEY && block->encrypted)
		r = cf_walk_old_key(walk, block->headers, cf_span_buf(&der), err);
	else if (r == 0 && label->promise == KEY)
		r = cf_walk_key(walk, cf_span_buf(&der), NULL, err);
	else if (r == 0)
		r = cf_walk_der(walk, cf_span_buf(&der), err);
	return r == -EBADMSG ? cf_note(err, r, "block '%s'", block->label) : r;
}

static bool begins(struct cf_span bytes, const char *with)
{
	return bytes.len > strlen(with) && !memcmp(bytes.data, with, strlen(with));
}

/* Nothing that is known; of what is often sent in its place, say what to do with it. */
static int fail_unknown(struct cf_span bytes, struct cf_err *err)
{
	if (begins(bytes, "PK\x03\x04"))
		return cf_fail(err, EBADMSG,
			       "this is a ZIP archive; drop the files that are in it");
	if (begins(bytes, "\xfe\xed\xfe\xed"))
		return cf_fail(err, EBADMSG,
			       "this is a key store of Java; keytool -importkeystore "
			       "-deststoretype PKCS12 makes a PKCS#12 of it");
	return cf_fail(err, EBADMSG, "there is no certificate in it");
}

/* Base64 without the lines around it, as a CA's web page shows it. */
static int walk_bare(struct cf_walk *walk, struct cf_span text, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	int r = cf_armor_decode(text, &der, NULL);

	if (r == -ENOMEM)
		return cf_fail_memory(err);
	if (r < 0 || !der.len || der.data[0] != 0x30)
		return fail_unknown(text, err);
	return cf_walk_der(walk, cf_span_buf(&der), err);
}

static int walk_text(struct cf_walk *walk, struct cf_span text, struct cf_err *err)
{
	struct cf_span rest = text;
	struct cf_armor block;
	bool any = false;
	int r;

	while ((r = cf_armor_next(&rest, &block, err)) > 0) {
		any = true;
		r = walk_block(walk, &block, err);
		if (r < 0)
			return r;
	}
	return r == 0 && !any ? walk_bare(walk, text, err) : r;
}

/*
 * DER is a SEQUENCE. A text may start with the digit 0 too, but then what would be the length
 * is an ASCII character, and that is the length of next to nothing.
 */
static bool looks_like_der(struct cf_span bytes)
{
	const unsigned char *p = bytes.data;

	return bytes.len >= 2 && p[0] == 0x30 && (p[1] >= 0x80 || p[1] + 2u == bytes.len);
}

/* What is missing for the walk to be of use. */
static int check_whole(const struct cf_walk *walk, struct cf_err *err)
{
	bool key = false;

	for (size_t i = 0; i < walk->out.n; i++)
		key = key || walk->out.items[i].kind == CF_ITEM_KEY;
	if (walk->out.n && !key)
		return 0;
	if (walk->n_certificates)
		return 0;
	if (key)
		return cf_fail(err, EINVAL,
			       "a private key without its certificate; put "
			       "both into one PEM file, or into a PKCS#12");
	if (walk->saw_request)
		return cf_fail(err, EINVAL,
			       "a request, not a certificate; only certificates can be imported");
	return cf_fail(err, EBADMSG, "there is no certificate in it");
}

static int walk_file(struct cf_walk *walk, struct cf_span bytes, struct cf_err *err)
{
	int r = looks_like_der(bytes) ? cf_walk_der(walk, bytes, err) : walk_text(walk, bytes, err);

	return r < 0 ? r : check_whole(walk, err);
}

int cf_decode(struct cf_span bytes, const struct cf_passwords *passwords, struct cf_decoded *ret,
	      struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf clean = { 0 };
	struct cf_walk walk = { 0 };
	int r;

	if (bytes.len > CF_DROP_MAX)
		return cf_fail(err, EFBIG, "the file has more than %d bytes", CF_DROP_MAX);
	r = cf_text_normalize(bytes, &clean, err);
	if (r < 0)
		return r;
	if (!clean.len)
		return cf_fail(err, EBADMSG, "the file is empty");
	r = cf_walk_candidates(&walk, passwords, err);
	if (r == 0)
		r = walk_file(&walk, cf_span_buf(&clean), err);
	cf_buf_done(&walk.held);
	if (r < 0) {
		cf_decoded_done(&walk.out);
		return r;
	}
	*ret = walk.out;
	return 0;
}
