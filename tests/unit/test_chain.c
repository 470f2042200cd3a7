/* Verdicts on chains: every word of Status, why, until when, and which issuers go along. */
#include "tests/support.h"

#include <openssl/pem.h>
#include <unistd.h>

#include "core/crypto/chain.h"
#include "core/crypto/ossl.h"
#include "core/crypto/pem.h"
#include "tests/unit/ca.h"

#define LIST_MAX 64

/* A small world: a root, an issuing CA and a leaf, and what the job is given of it. */
struct fixture {
	struct made root, ca, leaf;
	struct cf_system_store *system;
	struct cf_span leaves[1], issuers[LIST_MAX], anchors[LIST_MAX], crls[LIST_MAX];
	struct cf_verify job;
	struct cf_verdict got;
	struct cf_err err;
};

static cf_time at(const char *text)
{
	cf_time t;

	assert_true(cf_time_parse(text, &t));
	return t;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->root = make((struct spec){ .cn = "Root", .ca = true });
	f->ca = make((struct spec){
		.cn = "Issuing", .ca = true, .issuer = &f->root, .to = "20350101000000Z" });
	f->leaf = make((struct spec){ .cn = "mail.contoso.com",
				      .issuer = &f->ca,
				      .to = "20300101000000Z",
				      .serial = 77 });
	f->job = (struct cf_verify){ .leaves = f->leaves,
				     .n_leaves = 1,
				     .issuers = f->issuers,
				     .anchors = f->anchors,
				     .crls = f->crls,
				     .now = at("2026-01-01T00:00:00Z") };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	made_done(&f->root);
	made_done(&f->ca);
	made_done(&f->leaf);
	cf_verdict_done(&f->got);
	cf_system_store_free(f->system);
	free(f);
	return 0;
}

static void issuer(struct fixture *f, const struct made *m)
{
	f->issuers[f->job.n_issuers++] = cf_span_buf(&m->der);
}

static void anchor(struct fixture *f, const struct made *m)
{
	f->anchors[f->job.n_anchors++] = cf_span_buf(&m->der);
}

static void crl(struct fixture *f, const struct cf_buf *der)
{
	f->crls[f->job.n_crls++] = cf_span_buf(der);
}

static void verify(struct fixture *f, const struct made *leaf)
{
	f->leaves[0] = cf_span_buf(&leaf->der);
	cf_verdict_done(&f->got);
	if (cf_chain_verify(f->system, &f->job, &f->got, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void assert_verdict(struct fixture *f, enum cf_verdict_status status, const char *reason)
{
	if (f->got.status != status)
		fail_msg("status %d: %s", (int)f->got.status, f->got.reason);
	assert_string_equal(f->got.reason, reason);
}

/* The issuers that go along are these, in this order, and no more. */
static void assert_issuers(struct fixture *f, const struct made *const *list)
{
	struct cf_unpack u = { .in = cf_span_buf(&f->got.issuers) };

	for (; *list; list++) {
		struct cf_span der = cf_unpack_bytes(&u);

		assert_false(u.bad);
		assert_int_equal(der.len, (*list)->der.len);
		assert_memory_equal(der.data, (*list)->der.data, der.len);
	}
	assert_int_equal(u.in.len, 0);
}

/* Let the system's store hold one certificate. */
static void system_has(struct fixture *f, const struct made *m)
{
	char path[] = "/tmp/certfs-test-XXXXXX";
	struct cf_buf text = { 0 };
	int fd = mkstemp(path);
	size_t n;

	assert_true(fd >= 0);
	assert_int_equal(cf_buf_puts(&text, "# a comment\n", NULL), 0);
	assert_int_equal(cf_pem_write("CERTIFICATE", cf_span("0\3\2\1\5", 5), &text, NULL), 0);
	assert_int_equal(cf_pem_write("CERTIFICATE", cf_span_buf(&m->der), &text, NULL), 0);
	assert_int_equal(write(fd, text.data, text.len), text.len);
	close(fd);
	assert_int_equal(cf_system_store_load(path, &f->system, &n, &f->err), 0);
	assert_int_equal(n, 1);
	unlink(path);
	cf_buf_done(&text);
}

static void verify__through_an_intermediate_to_trust_is_Valid(void **state)
{
	struct fixture *f = *state;

	issuer(f, &f->ca);
	anchor(f, &f->root);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_int_equal(f->got.root_ca, CF_ROOT_ENTERPRISE);
	assert_true(f->got.next_change == at("2030-01-01T00:00:00Z"));
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
}

static void verify__the_system_store_wins_over_trust(void **state)
{
	struct fixture *f = *state;

	system_has(f, &f->root);
	issuer(f, &f->ca);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_int_equal(f->got.root_ca, CF_ROOT_THIRD_PARTY);
	anchor(f, &f->root);
	verify(f, &f->leaf);
	assert_int_equal(f->got.root_ca, CF_ROOT_THIRD_PARTY);
}

static void verify__missing_issuer_is_named(void **state)
{
	struct fixture *f = *state;

	anchor(f, &f->root);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_UNTRUSTED,
		       "the certificate of the issuer 'CN=Issuing' is missing; drop it into the "
		       "server, a root into _trust");
	assert_int_equal(f->got.root_ca, CF_ROOT_UNKNOWN);
	assert_issuers(f, (const struct made *[]){ NULL });
}

static void verify__missing_root_is_named_and_the_rest_goes_along(void **state)
{
	struct fixture *f = *state;

	issuer(f, &f->ca);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_UNTRUSTED,
		       "the certificate of the issuer 'CN=Root' is missing; drop it into the "
		       "server, a root into _trust");
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
	assert_true(f->got.next_change == at("2030-01-01T00:00:00Z"));
}

static void verify__a_root_that_is_only_an_issuer_is_no_anchor(void **state)
{
	struct fixture *f = *state;

	issuer(f, &f->root);
	issuer(f, &f->ca);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_UNTRUSTED,
		       "the root 'CN=Root' is not trusted; it is neither in the system's store nor "
		       "in _trust");
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
	anchor(f, &f->root);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
}

static void verify__self_signed_is_its_own_anchor(void **state)
{
	struct fixture *f = *state;
	struct made self = make((struct spec){ .cn = "EX01", .to = "20300101000000Z" });

	verify(f, &self);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_int_equal(f->got.root_ca, CF_ROOT_NONE);
	assert_true(f->got.next_change == at("2030-01-01T00:00:00Z"));
	assert_issuers(f, (const struct made *[]){ NULL });
	f->job.now = at("2030-01-01T00:00:00Z");
	verify(f, &self);
	assert_verdict(f, CF_VERDICT_DATE_INVALID, "it expired on 2030-01-01T00:00:00Z");
	made_done(&self);
}

static void foreign_key_id(X509 *x)
{
	EVP_PKEY *other = make_key();
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();

	authority->keyid = key_id(other);
	X509_add1_ext_i2d(x, NID_authority_key_identifier, authority, 0, X509V3_ADD_REPLACE);
	AUTHORITY_KEYID_free(authority);
	EVP_PKEY_free(other);
}

static void verify__self_signed_with_an_odd_key_identifier_is_its_own_anchor(void **state)
{
	struct fixture *f = *state;
	struct made self = make((struct spec){ .cn = "EX01", .more = foreign_key_id });

	verify(f, &self);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_int_equal(f->got.root_ca, CF_ROOT_NONE);
	made_done(&self);
}

static void verify__self_signed_by_another_key_is_Invalid(void **state)
{
	struct fixture *f = *state;
	struct made self = make((struct spec){ .cn = "EX01", .bad_signature = true });

	verify(f, &self);
	assert_verdict(f, CF_VERDICT_INVALID, "it has a signature that isn't by 'CN=EX01'");
	assert_int_equal(f->got.root_ca, CF_ROOT_UNKNOWN);
	made_done(&self);
}

static void dates__the_second_of_not_after_is_too_late(void **state)
{
	struct fixture *f = *state;

	issuer(f, &f->ca);
	anchor(f, &f->root);
	f->job.now = at("2030-01-01T00:00:00Z") - 1;
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	f->job.now = f->got.next_change;
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_DATE_INVALID, "it expired on 2030-01-01T00:00:00Z");
	assert_true(f->got.next_change == CF_NEVER);
	assert_int_equal(f->got.root_ca, CF_ROOT_ENTERPRISE);
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
}

static void dates__not_yet_valid_changes_at_not_before(void **state)
{
	struct fixture *f = *state;

	issuer(f, &f->ca);
	anchor(f, &f->root);
	f->job.now = at("2019-06-01T00:00:00Z");
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_DATE_INVALID, "it isn't valid before 2020-01-01T00:00:00Z");
	assert_true(f->got.next_change == at("2020-01-01T00:00:00Z"));
	f->job.now = f->got.next_change;
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
}

static void dates__an_issuer_that_expires_first_decides(void **state)
{
	struct fixture *f = *state;
	struct made ca = make((struct spec){ .cn = "Issuing",
					     .ca = true,
					     .issuer = &f->root,
					     .key = f->ca.key,
					     .to = "20270101000000Z" });

	issuer(f, &ca);
	anchor(f, &f->root);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_true(f->got.next_change == at("2027-01-01T00:00:00Z"));
	f->job.now = f->got.next_change;
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_DATE_INVALID,
		       "its issuer 'CN=Issuing' expired on 2027-01-01T00:00:00Z");
	/* Also where no anchor is known, and at the top. */
	f->job.n_anchors = 0;
	verify(f, &f->leaf);
	assert_int_equal(f->got.status, CF_VERDICT_DATE_INVALID);
	/* A renewed certificate of the same CA mends it. */
	anchor(f, &f->root);
	issuer(f, &f->ca);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_true(f->got.next_change == at("2030-01-01T00:00:00Z"));
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
	/* And stays the issuer when the leaf itself expires. */
	f->job.now = f->got.next_change;
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_DATE_INVALID, "it expired on 2030-01-01T00:00:00Z");
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
	made_done(&ca);
}

static void dates__an_expired_root_decides_too(void **state)
{
	struct fixture *f = *state;

	issuer(f, &f->ca);
	anchor(f, &f->root);
	f->job.now = at("2041-01-01T00:00:00Z");
	verify(f, &f->root);
	assert_verdict(f, CF_VERDICT_DATE_INVALID, "it expired on 2040-01-01T00:00:00Z");
}

static void verify__wrong_signature_is_Invalid(void **state)
{
	struct fixture *f = *state;
	struct made bad = make((struct spec){ .cn = "a", .issuer = &f->ca, .bad_signature = true });
	struct made bad_ca = make((struct spec){ .cn = "Issuing",
						 .ca = true,
						 .issuer = &f->root,
						 .key = f->ca.key,
						 .bad_signature = true });

	issuer(f, &f->ca);
	anchor(f, &f->root);
	verify(f, &bad);
	assert_verdict(f, CF_VERDICT_INVALID, "it has a signature that isn't by 'CN=Issuing'");
	f->job.n_issuers = 0;
	issuer(f, &bad_ca);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_INVALID,
		       "its issuer 'CN=Issuing' has a signature that isn't by 'CN=Root'");
	made_done(&bad);
	made_done(&bad_ca);
}

static void verify__client_only_is_Invalid(void **state)
{
	struct fixture *f = *state;
	struct made m = make((struct spec){ .cn = "a", .issuer = &f->ca, .eku = NID_client_auth });

	issuer(f, &f->ca);
	anchor(f, &f->root);
	verify(f, &m);
	assert_verdict(f, CF_VERDICT_INVALID,
		       "it isn't meant for servers (key usage, enhanced key usage)");
	made_done(&m);
}

static void verify__name_constraints_are_kept(void **state)
{
	struct fixture *f = *state;
	struct made ca = make((struct spec){
		.cn = "Only Fabrikam", .ca = true, .issuer = &f->root, .permit = "fabrikam.com" });
	struct made good = make((struct spec){ .cn = "mail.fabrikam.com", .issuer = &ca });
	struct made bad = make((struct spec){ .cn = "mail.contoso.com", .issuer = &ca });

	issuer(f, &ca);
	anchor(f, &f->root);
	verify(f, &good);
	assert_verdict(f, CF_VERDICT_VALID, "");
	verify(f, &bad);
	assert_verdict(f, CF_VERDICT_INVALID,
		       "it has a name that the name constraints of an issuer forbid");
	made_done(&ca);
	made_done(&good);
	made_done(&bad);
}

static void verify__issuers_that_are_no_cas_are_Invalid(void **state)
{
	struct fixture *f = *state;
	struct made leaf_as_ca = make((struct spec){ .cn = "b", .issuer = &f->leaf });
	struct made mute = make((struct spec){
		.cn = "Mute", .ca = true, .may_not_sign = true, .issuer = &f->root });
	struct made by_mute = make((struct spec){ .cn = "c", .issuer = &mute });
	struct made narrow = make(
		(struct spec){ .cn = "Narrow", .ca = true, .path_len = 1, .issuer = &f->root });
	struct made below = make((struct spec){ .cn = "Below", .ca = true, .issuer = &narrow });
	struct made deep = make((struct spec){ .cn = "d", .issuer = &below });

	issuer(f, &f->ca);
	issuer(f, &f->leaf);
	issuer(f, &mute);
	issuer(f, &narrow);
	issuer(f, &below);
	anchor(f, &f->root);
	verify(f, &leaf_as_ca);
	assert_int_equal(f->got.status, CF_VERDICT_INVALID);
	verify(f, &by_mute);
	assert_verdict(f, CF_VERDICT_INVALID,
		       "its issuer 'CN=Mute' may not sign certificates (key usage)");
	verify(f, &deep);
	assert_verdict(f, CF_VERDICT_INVALID,
		       "its issuer 'CN=Narrow': path length constraint exceeded");
	made_done(&leaf_as_ca);
	made_done(&mute);
	made_done(&by_mute);
	made_done(&narrow);
	made_done(&below);
	made_done(&deep);
}

static void crl__listed_is_Revoked_for_ever(void **state)
{
	struct fixture *f = *state;
	struct cf_buf der = make_crl(&f->ca, 77, "20250101000000Z", "20270101000000Z");

	issuer(f, &f->ca);
	anchor(f, &f->root);
	crl(f, &der);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_REVOKED, "it was revoked, says the CRL in _trust");
	assert_true(f->got.next_change == CF_NEVER);
	assert_int_equal(f->got.root_ca, CF_ROOT_ENTERPRISE);
	/* An old list says it as well, and a date that passed does not outrank it. */
	f->job.now = at("2031-01-01T00:00:00Z");
	verify(f, &f->leaf);
	assert_int_equal(f->got.status, CF_VERDICT_REVOKED);
	cf_buf_done(&der);
}

static void crl__of_the_root_revokes_the_intermediate(void **state)
{
	struct fixture *f = *state;
	long serial = ASN1_INTEGER_get(X509_get_serialNumber(f->ca.x));
	struct cf_buf der = make_crl(&f->root, serial, "20250101000000Z", "20270101000000Z");

	issuer(f, &f->ca);
	anchor(f, &f->root);
	crl(f, &der);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_REVOKED,
		       "its issuer 'CN=Issuing' was revoked, says the CRL in _trust");
	cf_buf_done(&der);
}

static void crl__in_force_is_Valid_until_its_next_update(void **state)
{
	struct fixture *f = *state;
	struct cf_buf der = make_crl(&f->ca, 78, "20250101000000Z", "20270101000000Z");
	struct cf_buf newer = make_crl(&f->ca, 78, "20260901000000Z", "20280101000000Z");

	issuer(f, &f->ca);
	anchor(f, &f->root);
	crl(f, &der);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_true(f->got.next_change == at("2027-01-01T00:00:00Z"));
	f->job.now = f->got.next_change;
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_REVOCATION_CHECK_FAILURE,
		       "the CRL of 'CN=Issuing' in _trust is past its next update; a new one is "
		       "needed");
	assert_true(f->got.next_change == at("2030-01-01T00:00:00Z"));
	crl(f, &newer);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	cf_buf_done(&der);
	cf_buf_done(&newer);
}

static void crl__by_anybody_else_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct made twin = make((struct spec){ .cn = "Issuing", .ca = true });
	struct cf_buf forged = make_crl(&twin, 77, "20250101000000Z", "20270101000000Z");
	struct cf_buf other = make_crl(&f->root, 77, "20250101000000Z", "20250201000000Z");

	issuer(f, &f->ca);
	anchor(f, &f->root);
	crl(f, &forged);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	/* The root's list is out of date, and 77 is no number of the root's. */
	crl(f, &other);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_REVOCATION_CHECK_FAILURE,
		       "the CRL of 'CN=Root' in _trust is past its next update; a new one is "
		       "needed");
	made_done(&twin);
	cf_buf_done(&forged);
	cf_buf_done(&other);
}

/* What holds at once is told in the order of Status in certfs(5). */
static void order__the_first_that_holds_is_the_status(void **state)
{
	struct fixture *f = *state;
	struct made m = make((struct spec){ .cn = "a",
					    .issuer = &f->ca,
					    .eku = NID_client_auth,
					    .serial = 99,
					    .to = "20250601000000Z" });
	struct made fresh = make(
		(struct spec){ .cn = "a", .issuer = &f->ca, .serial = 99, .eku = NID_client_auth });
	struct made good = make((struct spec){ .cn = "a", .issuer = &f->ca, .serial = 100 });
	struct cf_buf der = make_crl(&f->ca, 99, "20240101000000Z", "20250101000000Z");

	/* Revoked, expired, wrong usage, no anchor, stale CRL: one less each time. */
	issuer(f, &f->ca);
	crl(f, &der);
	verify(f, &m);
	assert_int_equal(f->got.status, CF_VERDICT_REVOKED);
	f->job.n_crls = 0;
	verify(f, &m);
	assert_int_equal(f->got.status, CF_VERDICT_DATE_INVALID);
	verify(f, &fresh);
	assert_int_equal(f->got.status, CF_VERDICT_INVALID);
	crl(f, &der);
	verify(f, &good);
	assert_int_equal(f->got.status, CF_VERDICT_UNTRUSTED);
	anchor(f, &f->root);
	verify(f, &good);
	assert_int_equal(f->got.status, CF_VERDICT_REVOCATION_CHECK_FAILURE);
	f->job.n_crls = 0;
	verify(f, &good);
	assert_int_equal(f->got.status, CF_VERDICT_VALID);
	made_done(&m);
	made_done(&fresh);
	made_done(&good);
	cf_buf_done(&der);
}

/* Same name, other key, no key identifier that would tell them apart; in both orders. */
static void twins__the_one_that_signed_is_found(void **state)
{
	struct fixture *f = *state;
	struct made old = make(
		(struct spec){ .cn = "CA", .ca = true, .no_key_id = true, .issuer = &f->root });
	struct made renewed = make(
		(struct spec){ .cn = "CA", .ca = true, .no_key_id = true, .issuer = &f->root });
	struct made by_old = make((struct spec){ .cn = "a", .issuer = &old, .no_key_id = true });
	struct made by_new =
		make((struct spec){ .cn = "b", .issuer = &renewed, .no_key_id = true });

	anchor(f, &f->root);
	issuer(f, &old);
	issuer(f, &renewed);
	verify(f, &by_old);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_issuers(f, (const struct made *[]){ &old, NULL });
	verify(f, &by_new);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_issuers(f, (const struct made *[]){ &renewed, NULL });
	/* Only the wrong twin is there. */
	f->job.n_issuers = 1;
	verify(f, &by_new);
	assert_verdict(f, CF_VERDICT_INVALID, "it has a signature that isn't by 'CN=CA'");
	made_done(&old);
	made_done(&renewed);
	made_done(&by_old);
	made_done(&by_new);
}

/* One key, certified by a root nobody trusts, an expired one, and the one that is an anchor. */
static void cross_signed__the_way_to_an_anchor_is_found(void **state)
{
	struct fixture *f = *state;
	struct made other = make((struct spec){ .cn = "Other Root", .ca = true });
	struct made cross = make(
		(struct spec){ .cn = "Issuing", .ca = true, .issuer = &other, .key = f->ca.key });
	struct made stale = make((struct spec){ .cn = "Issuing",
						.ca = true,
						.issuer = &f->root,
						.key = f->ca.key,
						.to = "20210101000000Z" });

	issuer(f, &cross);
	issuer(f, &stale);
	issuer(f, &other);
	anchor(f, &f->root);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_DATE_INVALID,
		       "its issuer 'CN=Issuing' expired on 2021-01-01T00:00:00Z");
	issuer(f, &f->ca);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_issuers(f, (const struct made *[]){ &f->ca, NULL });
	/* The other root becomes an anchor, the first one none: the cross certificate is the way. */
	f->job.n_anchors = 0;
	anchor(f, &other);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_issuers(f, (const struct made *[]){ &cross, NULL });
	made_done(&other);
	made_done(&cross);
	made_done(&stale);
}

/* A root whose key was renewed: the new key is certified by the old one under the same name. */
static void rollover__new_with_old_leads_to_the_old_root(void **state)
{
	struct fixture *f = *state;
	struct made link = make((struct spec){ .cn = "Root", .ca = true, .issuer = &f->root });
	struct made leaf = make((struct spec){ .cn = "a", .issuer = &link, .no_key_id = true });

	issuer(f, &link);
	anchor(f, &f->root);
	verify(f, &leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
	assert_issuers(f, (const struct made *[]){ &link, NULL });
	made_done(&link);
	made_done(&leaf);
}

/* Two CAs that certify each other, and a crowd with one name: it ends, and soon. */
static void search__loops_and_crowds_end(void **state)
{
	struct fixture *f = *state;
	struct made a = make((struct spec){ .cn = "A", .ca = true });
	struct made b = make((struct spec){ .cn = "B", .ca = true, .issuer = &a });
	struct made a_by_b =
		make((struct spec){ .cn = "A", .ca = true, .issuer = &b, .key = a.key });
	struct made leaf = make((struct spec){ .cn = "a", .issuer = &a });
	struct made crowd[50];

	issuer(f, &b);
	issuer(f, &a_by_b);
	for (size_t i = 0; i < 50; i++) {
		crowd[i] = make((struct spec){ .cn = i % 2 ? "A" : "B",
					       .ca = true,
					       .key = i % 2 ? a.key : b.key,
					       .issuer = i % 2 ? &b : &a });
		issuer(f, &crowd[i]);
	}
	verify(f, &leaf);
	assert_int_equal(f->got.status, CF_VERDICT_UNTRUSTED);
	for (size_t i = 0; i < 50; i++)
		made_done(&crowd[i]);
	made_done(&a);
	made_done(&b);
	made_done(&a_by_b);
	made_done(&leaf);
}

static void search__too_long_a_chain_is_Invalid(void **state)
{
	struct fixture *f = *state;
	struct made chain[14];

	for (int i = 0; i < 14; i++) {
		char cn[16];

		snprintf(cn, sizeof(cn), "CA %d", i);
		chain[i] = make((struct spec){
			.cn = cn, .ca = i < 13, .issuer = i ? &chain[i - 1] : NULL });
		if (i && i < 13)
			issuer(f, &chain[i]);
	}
	anchor(f, &chain[0]);
	verify(f, &chain[11]);
	assert_verdict(f, CF_VERDICT_VALID, "");
	verify(f, &chain[13]);
	assert_verdict(f, CF_VERDICT_INVALID, "its chain has more than 12 certificates");
	for (int i = 0; i < 14; i++)
		made_done(&chain[i]);
}

static void verify__broken_issuers_and_crls_are_left_out(void **state)
{
	struct fixture *f = *state;

	f->issuers[f->job.n_issuers++] = cf_span("junk", 4);
	issuer(f, &f->ca);
	f->anchors[f->job.n_anchors++] = cf_span("0\x82", 2);
	anchor(f, &f->root);
	f->crls[f->job.n_crls++] = cf_span("", 0);
	verify(f, &f->leaf);
	assert_verdict(f, CF_VERDICT_VALID, "");
}

static void verify__a_broken_leaf_is_EBADMSG_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct cf_span leaves[2] = { cf_span_buf(&f->leaf.der), cf_span("junk", 4) };
	struct cf_verdict verdicts[2] = { 0 };

	f->job.leaves = leaves;
	f->job.n_leaves = 2;
	assert_int_equal(cf_chain_verify(NULL, &f->job, verdicts, &f->err), -EBADMSG);
	assert_null(verdicts[0].reason);
	assert_int_equal(verdicts[0].issuers.len, 0);
}

static void verify__hostile_issuer_names_are_escaped_in_the_reason(void **state)
{
	struct fixture *f = *state;
	struct made ca = make((struct spec){ .cn = "x\x1b[31m\nValid", .ca = true });
	struct made leaf = make((struct spec){ .cn = "a", .issuer = &ca });

	verify(f, &leaf);
	assert_int_equal(f->got.status, CF_VERDICT_UNTRUSTED);
	assert_null(strpbrk(f->got.reason, "\x1b\n"));
	made_done(&ca);
	made_done(&leaf);
}

static void system_store__without_a_file_is_empty(void **state)
{
	struct fixture *f = *state;
	size_t n = 1;

	assert_int_equal(cf_system_store_load(NULL, &f->system, &n, &f->err), 0);
	assert_int_equal(n, 0);
	cf_system_store_free(f->system);
	assert_int_equal(cf_system_store_load("/nonexistent/ca.pem", &f->system, &n, &f->err), 0);
	assert_int_equal(n, 0);
	cf_system_store_free(f->system);
	assert_int_equal(cf_system_store_load("/dev/null", &f->system, &n, &f->err), 0);
	assert_int_equal(n, 0);
	cf_system_store_free(f->system);
	f->system = NULL;
	assert_int_equal(cf_system_store_load("/tmp", &f->system, &n, &f->err), -EIO);
	assert_string_equal(f->err.text, "reading '/tmp': Is a directory");
	assert_null(f->system);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(verify__through_an_intermediate_to_trust_is_Valid),
		CASE(verify__the_system_store_wins_over_trust),
		CASE(verify__missing_issuer_is_named),
		CASE(verify__missing_root_is_named_and_the_rest_goes_along),
		CASE(verify__a_root_that_is_only_an_issuer_is_no_anchor),
		CASE(verify__self_signed_is_its_own_anchor),
		CASE(verify__self_signed_with_an_odd_key_identifier_is_its_own_anchor),
		CASE(verify__self_signed_by_another_key_is_Invalid),
		CASE(dates__the_second_of_not_after_is_too_late),
		CASE(dates__not_yet_valid_changes_at_not_before),
		CASE(dates__an_issuer_that_expires_first_decides),
		CASE(dates__an_expired_root_decides_too),
		CASE(verify__wrong_signature_is_Invalid),
		CASE(verify__client_only_is_Invalid),
		CASE(verify__name_constraints_are_kept),
		CASE(verify__issuers_that_are_no_cas_are_Invalid),
		CASE(crl__listed_is_Revoked_for_ever),
		CASE(crl__of_the_root_revokes_the_intermediate),
		CASE(crl__in_force_is_Valid_until_its_next_update),
		CASE(crl__by_anybody_else_does_not_count),
		CASE(order__the_first_that_holds_is_the_status),
		CASE(twins__the_one_that_signed_is_found),
		CASE(cross_signed__the_way_to_an_anchor_is_found),
		CASE(rollover__new_with_old_leads_to_the_old_root),
		CASE(search__loops_and_crowds_end),
		CASE(search__too_long_a_chain_is_Invalid),
		CASE(verify__broken_issuers_and_crls_are_left_out),
		CASE(verify__a_broken_leaf_is_EBADMSG_and_leaves_nothing),
		CASE(verify__hostile_issuer_names_are_escaped_in_the_reason),
		CASE(system_store__without_a_file_is_empty),
	};

	if (cf_ossl_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
