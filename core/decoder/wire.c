/* Packing jobs, and a dropped file's result; see wire_private.h. */
#include "core/decoder/wire_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define MS_PER_LEAF 50
#define KEY_BITS_MAX 65536

int cf_wire_seconds(size_t n_leaves)
{
	return CF_DECODER_SECONDS + (int)((n_leaves * MS_PER_LEAF + 999) / 1000);
}

int cf_wire_put_job(const struct cf_wire_job *job, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_int(out, job->kind, err);

	if (r == 0)
		r = cf_pack_int(out, (int64_t)job->n_leaves, err);
	return r < 0 ? r : cf_pack_int(out, (int64_t)job->payload, err);
}

bool cf_wire_get_job(struct cf_span in, struct cf_wire_job *ret)
{
	struct cf_unpack u = { .in = in };
	int64_t kind = cf_unpack_int(&u);
	int64_t n_leaves = cf_unpack_int(&u);
	int64_t payload = cf_unpack_int(&u);

	if (u.bad || (kind != CF_WIRE_DECODE && kind != CF_WIRE_VERIFY) || n_leaves < 0 ||
	    n_leaves > CF_DECODER_LEAVES_MAX || payload < 0 || payload > CF_WIRE_JOB_MAX)
		return false;
	*ret = (struct cf_wire_job){ .kind = (enum cf_wire_kind)kind,
				     .n_leaves = (size_t)n_leaves,
				     .payload = (size_t)payload };
	return true;
}

int cf_wire_put_decode(struct cf_span bytes, const struct cf_passwords *passwords,
		       struct cf_buf *out, struct cf_err *err)
{
	size_t n = passwords ? passwords->n : 0;
	int r = cf_pack_int(out, (int64_t)n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = cf_pack_bytes(out, passwords->items[i], err);
	return r < 0 ? r : cf_pack_bytes(out, bytes, err);
}

bool cf_wire_get_decode(struct cf_span in, struct cf_wire_decode *ret)
{
	struct cf_unpack u = { .in = in };
	int64_t n = cf_unpack_int(&u);

	if (n < 0 || n > CF_PASSWORDS_MAX)
		return false;
	ret->n_passwords = (size_t)n;
	for (size_t i = 0; i < ret->n_passwords; i++)
		ret->passwords[i] = cf_unpack_bytes(&u);
	ret->bytes = cf_unpack_bytes(&u);
	return !u.bad && !u.in.len;
}

static bool text_ok(struct cf_span text, bool list)
{
	const char *p = text.data;
	size_t n = text.len;

	while (n) {
		uint32_t code;
		size_t len = cf_text_utf8(p, n, &code);

		if (!len || !code || (cf_text_unsafe(code) && !(list && code == '\n')))
			return false;
		p += len;
		n -= len;
	}
	return true;
}

int cf_wire_text(struct cf_unpack *u, bool list, char **ret, struct cf_err *err)
{
	struct cf_span text = cf_unpack_bytes(u);

	*ret = NULL;
	if (!text_ok(text, list))
		u->bad = true;
	if (u->bad)
		return 0;
	*ret = text.len ? strndup(text.data, text.len) : strdup("");
	return *ret ? 0 : cf_fail_memory(err);
}

/* The texts of a certificate, in the order in which they travel. */
static const struct {
	size_t offset;
	bool list;
} texts[] = {
	{ offsetof(struct cf_cert_info, subject), false },
	{ offsetof(struct cf_cert_info, issuer), false },
	{ offsetof(struct cf_cert_info, common_name), false },
	{ offsetof(struct cf_cert_info, domains), true },
	{ offsetof(struct cf_cert_info, serial), false },
	{ offsetof(struct cf_cert_info, key_algorithm), false },
	{ offsetof(struct cf_cert_info, signature_algorithm), false },
	{ offsetof(struct cf_cert_info, enhanced_key_usage), true },
	{ offsetof(struct cf_cert_info, key_usage), false },
	{ offsetof(struct cf_cert_info, subject_key_id), false },
};

static char **text_at(struct cf_cert_info *info, size_t i)
{
	return (char **)((char *)info + texts[i].offset);
}

static int put_info(const struct cf_cert_info *info, struct cf_buf *out, struct cf_err *err)
{
	const int64_t numbers[] = { info->not_before, info->not_after, info->version,
				    info->key_bits,   info->is_ca,     info->self_issued,
				    info->self_signed };
	int r = 0;

	for (size_t i = 0; r == 0 && i < CF_COUNT(texts); i++)
		r = cf_pack_bytes(out, cf_span_text(*text_at((struct cf_cert_info *)info, i)), err);
	for (size_t i = 0; r == 0 && i < CF_COUNT(numbers); i++)
		r = cf_pack_int(out, numbers[i], err);
	return r;
}

static bool get_flag(struct cf_unpack *u)
{
	int64_t v = cf_unpack_int(u);

	if (v != 0 && v != 1)
		u->bad = true;
	return v == 1;
}

static int get_number(struct cf_unpack *u, int64_t least, int64_t most)
{
	int64_t v = cf_unpack_int(u);

	if (v < least || v > most)
		u->bad = true;
	return u->bad ? 0 : (int)v;
}

/* The digests are computed here, so that a decoder cannot pass one certificate off as another. */
static int get_info(struct cf_unpack *u, struct cf_span der, struct cf_cert_info *info,
		    struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < CF_COUNT(texts); i++)
		r = cf_wire_text(u, texts[i].list, text_at(info, i), err);
	if (r < 0)
		return r;
	info->not_before = cf_unpack_int(u);
	info->not_after = cf_unpack_int(u);
	info->version = get_number(u, 1, 3);
	info->key_bits = get_number(u, 1, KEY_BITS_MAX);
	info->is_ca = get_flag(u);
	info->self_issued = get_flag(u);
	info->self_signed = get_flag(u);
	r = cf_sha1(der, info->sha1, err);
	return r < 0 ? r : cf_sha256(der, info->sha256, err);
}

static int put_item(const struct cf_item *item, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_int(out, item->kind, err);

	if (r == 0)
		r = cf_pack_bytes(out, cf_span_buf(&item->der), err);
	if (r == 0 && item->kind != CF_ITEM_CRL)
		r = cf_pack_bytes(out, cf_span(item->info.spki_sum, CF_SHA256_SIZE), err);
	if (r == 0 && item->kind != CF_ITEM_CRL)
		r = cf_pack_bytes(out, cf_span_text(item->friendly_name), err);
	if (r == 0 && item->kind == CF_ITEM_CERTIFICATE)
		r = put_info(&item->info, out, err);
	return r;
}

static int get_item(struct cf_unpack *u, struct cf_item *item, struct cf_err *err)
{
	struct cf_span sum;
	int r;

	item->kind = (enum cf_item_kind)get_number(u, CF_ITEM_CERTIFICATE, CF_ITEM_KEY);
	r = cf_unpack_buf(u, &item->der, err);
	if (r < 0)
		return r;
	if (!item->der.len || item->der.len > CF_DROP_MAX)
		u->bad = true;
	if (u->bad || item->kind == CF_ITEM_CRL)
		return 0;
	sum = cf_unpack_bytes(u);
	if (sum.len != CF_SHA256_SIZE) {
		u->bad = true;
		return 0;
	}
	memcpy(item->info.spki_sum, sum.data, sum.len);
	r = cf_wire_text(u, false, &item->friendly_name, err);
	if (r == 0 && item->friendly_name && !*item->friendly_name)
		cf_free(cf_take(&item->friendly_name));
	if (r < 0 || u->bad || item->kind == CF_ITEM_KEY)
		return r;
	return get_info(u, cf_span_buf(&item->der), &item->info, err);
}

int cf_wire_put_decoded(const struct cf_decoded *decoded, struct cf_buf *out, struct cf_err *err)
{
	int r = cf_pack_int(out, (int64_t)decoded->n, err);

	for (size_t i = 0; r == 0 && i < decoded->n; i++)
		r = put_item(&decoded->items[i], out, err);
	return r;
}

int cf_wire_get_decoded(struct cf_unpack *u, struct cf_decoded *ret, struct cf_err *err)
{
	size_t n = (size_t)get_number(u, 1, CF_DROP_ITEMS_MAX);
	int r = 0;

	if (u->bad)
		return 0;
	ret->items = calloc(n, sizeof(*ret->items));
	if (!ret->items)
		return cf_fail_memory(err);
	ret->n = n;
	for (size_t i = 0; r == 0 && !u->bad && i < n; i++)
		r = get_item(u, &ret->items[i], err);
	return r;
}
