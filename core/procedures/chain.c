/* A certificate's verdict and issuers; see chain.h. */
#include "core/procedures/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/pem.h"
#include "core/procedures/export.h"

/* Split packed DER into spans; the count is what unpacks. */
static int split(struct cf_issuers *issuers, struct cf_err *err)
{
	struct cf_unpack u = { .in = cf_span_buf(&issuers->packed) };
	size_t cap = 0;

	while (u.in.len && !u.bad) {
		struct cf_span der = cf_unpack_bytes(&u);

		if (issuers->n == cap) {
			struct cf_span *more;

			cap = cap ? cap * 2 : 4;
			more = realloc(issuers->items, cap * sizeof(*more));
			if (!more)
				return cf_fail_memory(err);
			issuers->items = more;
		}
		issuers->items[issuers->n++] = der;
	}
	return u.bad ? cf_fail(err, EIO, "the stored issuers can't be read") : 0;
}

int cf_issuers_load(struct cf_db *db, const struct cf_certificate *row, struct cf_issuers *ret,
		    struct cf_err *err)
{
	cf_auto(cf_issuers_done) struct cf_issuers issuers = { 0 };
	int r = 0;

	if (row->n_issuers)
		r = cf_store_blob_get(db, row, CF_BLOB_CHAIN, &issuers.packed, err);
	if (r == 0)
		r = split(&issuers, err);
	if (r < 0)
		return r;
	*ret = issuers;
	issuers = (struct cf_issuers){ 0 };
	return 0;
}

void cf_issuers_done(struct cf_issuers *issuers)
{
	free(issuers->items);
	cf_buf_done(&issuers->packed);
	issuers->items = NULL;
	issuers->n = 0;
}

/* chain.pem, chain.p7b and export.pfx change their size with the issuers. */
static int resize(struct cf_db *db, struct cf_certificate *row, const struct cf_issuers *issuers,
		  struct cf_err *err)
{
	struct cf_span *all = calloc(issuers->n + 1, sizeof(*all));

	if (!all)
		return cf_fail_memory(err);
	row->chain_pem_len = 0;
	all[0] = cf_span(NULL, (size_t)row->leaf_len);
	for (size_t i = 0; i < issuers->n; i++) {
		all[i + 1] = issuers->items[i];
		row->chain_pem_len += (int64_t)cf_pem_size("CERTIFICATE", issuers->items[i].len);
	}
	row->p7b_len = (int64_t)cf_p7b_size(all, issuers->n + 1);
	free(all);
	return cf_export_resize(db, row, err);
}

/* Replace the issuers unless they are the same. */
static int apply_issuers(struct cf_db *db, struct cf_certificate *row,
			 const struct cf_verdict *verdict, unsigned *what, struct cf_err *err)
{
	cf_auto(cf_issuers_done) struct cf_issuers old = { 0 }, fresh = { 0 };
	int r = cf_issuers_load(db, row, &old, err);

	if (r < 0)
		return r;
	if (row->t_chain && old.packed.len == verdict->issuers.len &&
	    (!old.packed.len || !memcmp(old.packed.data, verdict->issuers.data, old.packed.len)))
		return 0;
	r = cf_buf_append(&fresh.packed, verdict->issuers.data, verdict->issuers.len, err);
	if (r == 0)
		r = split(&fresh, err);
	if (r == 0)
		r = cf_store_blob_put(db, row, CF_BLOB_CHAIN, cf_span_buf(&fresh.packed), err);
	if (r < 0)
		return r;
	row->n_issuers = (int64_t)fresh.n;
	row->t_chain = cf_db_now(db);
	*what |= CF_WHAT_CHAIN;
	return resize(db, row, &fresh, err);
}

int cf_verdict_apply(struct cf_db *db, struct cf_certificate *row, const struct cf_verdict *verdict,
		     cf_time since, unsigned *ret_what, struct cf_err *err)
{
	cf_time next = verdict->next_change;
	unsigned what = 0;
	int r = 0;

	if (row->status != verdict->status || row->root_ca != verdict->root_ca ||
	    strcmp(row->reason ? row->reason : "", verdict->reason)) {
		what |= CF_WHAT_VERDICT;
		row->status = verdict->status;
		row->root_ca = verdict->root_ca;
		row->verdict_since = since;
		r = cf_set_text(&row->reason, verdict->reason, err);
	}
	/* export.pfx goes with NotAfter, whatever the verdict is. */
	if (row->not_after > cf_db_now(db) && row->not_after < next)
		next = row->not_after;
	if (row->next_change != next) {
		row->next_change = next;
		what |= CF_WHAT_VERDICT;
	}
	if (r == 0)
		r = apply_issuers(db, row, verdict, &what, err);
	if (r == 0)
		*ret_what = what;
	return r;
}

const char *cf_status_text(const struct cf_certificate *row)
{
	if (row->state == CF_STATE_DRAFT)
		return "Draft";
	if (row->state == CF_STATE_PENDING)
		return "PendingRequest";
	switch (row->status) {
	case CF_VERDICT_REVOKED:
		return "Revoked";
	case CF_VERDICT_DATE_INVALID:
		return "DateInvalid";
	case CF_VERDICT_INVALID:
		return "Invalid";
	case CF_VERDICT_UNTRUSTED:
		return "Untrusted";
	case CF_VERDICT_REVOCATION_CHECK_FAILURE:
		return "RevocationCheckFailure";
	case CF_VERDICT_VALID:
		return "Valid";
	default:
		return "Unknown";
	}
}

const char *cf_root_ca_text(const struct cf_certificate *row)
{
	switch (row->root_ca) {
	case CF_ROOT_NONE:
		return "None";
	case CF_ROOT_ENTERPRISE:
		return "Enterprise";
	case CF_ROOT_THIRD_PARTY:
		return "ThirdParty";
	default:
		return "Unknown";
	}
}
