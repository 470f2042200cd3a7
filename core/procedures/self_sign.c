/* Self-signed certificates; see self_sign.h. */
#include "core/procedures/self_sign.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/crypto/self_sign.h"
#include "core/procedures/plan_private.h"
#include "core/procedures/rules.h"

static const char services[] = "services";
static const char subject_key_id[] = "subject-key-identifier";

bool cf_self_signed_line_known(const char *name)
{
	return !strcasecmp(name, services) || !strcasecmp(name, subject_key_id);
}

/* Words that are none are refused before a key is made. */
static int check_services(const char *text, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf words = { 0 };
	enum cf_service service;
	char *save = NULL;
	int r = cf_buf_puts(&words, text, err);

	if (r < 0)
		return r;
	for (char *word = strtok_r(words.data, ", \t\n", &save); word && r == 0;
	     word = strtok_r(NULL, ", \t\n", &save))
		r = cf_service_parse(word, &service, err);
	return r;
}

int cf_self_signed_line(struct cf_plan *plan, const struct cf_assignment *line, struct cf_err *err)
{
	int r;

	if (strcasecmp(line->name, services) != 0) {
		cf_buf_reset(&plan->subject_key_id);
		return cf_subject_key_id_parse(line->value, &plan->subject_key_id, err);
	}
	r = check_services(line->value, err);
	return r < 0 ? r : cf_buf_printf(&plan->services, err, "%s\n", line->value);
}

/* What was just signed, read back by a decoder. */
static int decode(struct cf_ctx *ctx, struct cf_plan *plan, struct cf_err *err)
{
	const struct cf_item *leaf;
	int r = cf_decoder_decode(&ctx->core->decoder, cf_span_buf(&plan->der), NULL,
				  &plan->decoded, err);

	if (r < 0)
		return r;
	leaf = plan->decoded.items;
	if (plan->decoded.n != 1 || leaf->kind != CF_ITEM_CERTIFICATE || !leaf->info.self_signed ||
	    memcmp(leaf->info.spki_sum, plan->row.spki_sum, CF_SUM_SIZE) != 0)
		return cf_fail(err, EIO, "the certificate that was made can't be read back");
	return 0;
}

static int load_pool(struct cf_ctx *ctx, struct cf_plan *plan, struct cf_err *err)
{
	cf_auto(cf_db_done) struct cf_db *db = NULL;
	int r = cf_store_read(ctx->core->store, &db, err);

	return r < 0 ? r : cf_pool_load(db, plan->server.id, &plan->pool, err);
}

int cf_self_signed_sign(struct cf_ctx *ctx, struct cf_plan *plan, const struct cf_key *key,
			struct cf_err *err)
{
	struct cf_self_sign what = {
		.subject = cf_span_buf(&plan->subject.der),
		.domains = cf_buf_text(&plan->domains),
		.subject_key_id = cf_span_buf(&plan->subject_key_id),
		.now = cf_clock_now(ctx->core->clock),
	};
	struct cf_span leaf;
	int r = cf_self_sign(key, &what, &plan->der, err);

	if (r == 0)
		r = decode(ctx, plan, err);
	if (r == 0)
		r = load_pool(ctx, plan, err);
	if (r < 0)
		return r;
	leaf = cf_span_buf(&plan->decoded.items[0].der);
	return cf_judge(ctx, &plan->pool, &leaf, 1, &plan->verdict, err);
}

int cf_self_signed_make(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines,
			size_t n_lines, struct cf_err *err)
{
	return cf_draft_make(ctx, certificate, true, lines, n_lines, err);
}
