/*
 * CRLs of every kind, both ways: what revokes, and what must not because it is about others, by
 * somebody else, or taken back.
 */
#include "tests/support.h"

#include "core/crypto/chain.h"
#include "core/crypto/ossl.h"
#include "tests/unit/ca.h"

#define LIST_MAX 16
#define SERIAL 77 /* of the leaf */

#define BEGIN "20250101000000Z"
#define END "20270101000000Z"

/* A root, an issuing CA, a leaf; what the job is given of it; everything made, to be freed. */
struct fixture {
	struct made root, ca, leaf;
	struct made more[LIST_MAX];
	size_t n_more;
	struct cf_buf ders[LIST_MAX];
	struct cf_span leaves[1], issuers[LIST_MAX], anchors[1], crls[LIST_MAX];
	struct cf_verify job;
	struct cf_verdict got;
	struct cf_err err;
};

/* What a CRL says. Everything that is 0 is absent. */
struct list {
	const struct made *ca;     /* whose name it has */
	const struct made *signer; /* NULL: ca */
	const char *from, *to;     /* BEGIN and END */
	long serial;               /* listed */
	long crowd;                /* so many others are listed too, from 1000 on */
	int reason;                /* of the entry: a CRL_REASON, 0 none */
	const struct made *of;     /* whose certificate the entry means, in an indirect one */
	const char *partition;     /* the URI of its distribution point */
	int some_reasons;          /* only this bit of ReasonFlags */
	bool only_ca, only_user, indirect;
	long number, delta_of;
	bool freshest; /* there are deltas */
	bool odd;      /* a critical extension that nobody knows */
};

static cf_time at(const char *text)
{
	cf_time t;

	assert_true(cf_time_parse(text, &t));
	return t;
}

static const struct made *also(struct fixture *f, struct spec spec)
{
	assert_true(f->n_more < LIST_MAX);
	f->more[f->n_more] = make(spec);
	return &f->more[f->n_more++];
}

static void issuer(struct fixture *f, const struct made *m)
{
	f->issuers[f->job.n_issuers++] = cf_span_buf(&m->der);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->root = make((struct spec){ .cn = "Root", .ca = true });
	f->ca = make((struct spec){ .cn = "Issuing", .ca = true, .issuer = &f->root });
	f->leaf =
		make((struct spec){ .cn = "mail.contoso.com", .issuer = &f->ca, .serial = SERIAL });
	f->anchors[0] = cf_span_buf(&f->root.der);
	f->job = (struct cf_verify){ .leaves = f->leaves,
				     .n_leaves = 1,
				     .issuers = f->issuers,
				     .anchors = f->anchors,
				     .n_anchors = 1,
				     .crls = f->crls,
				     .now = at("2026-01-01T00:00:00Z") };
	issuer(f, &f->ca);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	made_done(&f->root);
	made_done(&f->ca);
	made_done(&f->leaf);
	for (size_t i = 0; i < f->n_more; i++)
		made_done(&f->more[i]);
	for (size_t i = 0; i < f->job.n_crls; i++)
		cf_buf_done(&f->ders[i]);
	cf_verdict_done(&f->got);
	free(f);
	return 0;
}

/* -- making CRLs ----------------------------------------------------------------------------- */

static void add(X509_CRL *crl, int nid, void *value, int critical)
{
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, nid, value, critical, 0), 1);
}

static void add_number(X509_CRL *crl, int nid, long n, int critical)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	ASN1_INTEGER_set(number, n);
	add(crl, nid, number, critical);
	ASN1_INTEGER_free(number);
}

static GENERAL_NAMES *a_uri(const char *uri)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();

	ASN1_STRING_set(value, uri, -1);
	GENERAL_NAME_set0_value(name, GEN_URI, value);
	sk_GENERAL_NAME_push(names, name);
	return names;
}

static GENERAL_NAMES *a_dn(const X509_NAME *dn)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(dn));
	sk_GENERAL_NAME_push(names, name);
	return names;
}

static DIST_POINT_NAME *point(const char *uri)
{
	DIST_POINT_NAME *name = DIST_POINT_NAME_new();

	name->type = 0;
	name->name.fullname = a_uri(uri);
	return name;
}

static void add_scope(X509_CRL *crl, const struct list *list)
{
	ISSUING_DIST_POINT *scope = ISSUING_DIST_POINT_new();

	if (list->partition)
		scope->distpoint = point(list->partition);
	if (list->some_reasons) {
		scope->onlysomereasons = ASN1_BIT_STRING_new();
		ASN1_BIT_STRING_set_bit(scope->onlysomereasons, list->some_reasons, 1);
	}
	scope->onlyCA = list->only_ca ? 0xff : 0;
	scope->onlyuser = list->only_user ? 0xff : 0;
	scope->indirectCRL = list->indirect ? 0xff : 0;
	add(crl, NID_issuing_distribution_point, scope, 1);
	ISSUING_DIST_POINT_free(scope);
}

static void add_entry(X509_CRL *crl, const struct list *list, long serial)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	ASN1_INTEGER_set(number, serial);
	X509_REVOKED_set_serialNumber(entry, number);
	X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)X509_CRL_get0_lastUpdate(crl));
	if (list->reason) {
		ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

		ASN1_ENUMERATED_set(reason, list->reason);
		X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0);
		ASN1_ENUMERATED_free(reason);
	}
	if (list->of) {
		GENERAL_NAMES *names = a_dn(X509_get_subject_name(list->of->x));

		X509_REVOKED_add1_ext_i2d(entry, NID_certificate_issuer, names, 1, 0);
		GENERAL_NAMES_free(names);
	}
	ASN1_INTEGER_free(number);
	assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
}

static void add_key_id(X509_CRL *crl, EVP_PKEY *key)
{
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();

	authority->keyid = key_id(key);
	add(crl, NID_authority_key_identifier, authority, 0);
	AUTHORITY_KEYID_free(authority);
}

static void add_odd(X509_CRL *crl)
{
	ASN1_OBJECT *object = OBJ_txt2obj("1.2.3.4.5", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5", 2);
	ext = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
	X509_CRL_add_ext(crl, ext, -1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

static CRL_DIST_POINTS *points(const char *uri, const X509_NAME *by)
{
	CRL_DIST_POINTS *list = sk_DIST_POINT_new_null();
	DIST_POINT *one = DIST_POINT_new();

	if (uri)
		one->distpoint = point(uri);
	if (by)
		one->CRLissuer = a_dn(by);
	sk_DIST_POINT_push(list, one);
	return list;
}

static void add_extensions_of(X509_CRL *crl, const struct list *list, EVP_PKEY *key)
{
	add_key_id(crl, key);
	if (list->number)
		add_number(crl, NID_crl_number, list->number, 0);
	if (list->delta_of)
		add_number(crl, NID_delta_crl, list->delta_of, 1);
	if (list->freshest) {
		CRL_DIST_POINTS *where = points("http://crl.contoso.com/delta", NULL);

		add(crl, NID_freshest_crl, where, 0);
		CRL_DIST_POINTS_free(where);
	}
	if (list->partition || list->some_reasons || list->only_ca || list->only_user ||
	    list->indirect)
		add_scope(crl, list);
	if (list->odd)
		add_odd(crl);
}

static void set_times(X509_CRL *crl, const struct list *list)
{
	ASN1_TIME *t = ASN1_TIME_new();

	ASN1_TIME_set_string_X509(t, list->from ? list->from : BEGIN);
	X509_CRL_set1_lastUpdate(crl, t);
	ASN1_TIME_set_string_X509(t, list->to ? list->to : END);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_TIME_free(t);
}

/* Make it, and put it among the CRLs of the job. */
static void crl(struct fixture *f, struct list list)
{
	EVP_PKEY *key = list.signer ? list.signer->key : list.ca->key;
	struct cf_buf *out = &f->ders[f->job.n_crls];
	X509_CRL *made = X509_CRL_new();
	unsigned char *der = NULL;
	int len;

	assert_true(f->job.n_crls < LIST_MAX);
	X509_CRL_set_version(made, 1);
	X509_CRL_set_issuer_name(made, X509_get_subject_name(list.ca->x));
	set_times(made, &list);
	if (list.serial)
		add_entry(made, &list, list.serial);
	for (long i = 0; i < list.crowd; i++)
		add_entry(made, &list, 1000 + i);
	add_extensions_of(made, &list, key);
	assert_true(X509_CRL_sign(made, key, EVP_sha256()) > 0);
	len = i2d_X509_CRL(made, &der);
	assert_true(len > 0);
	assert_int_equal(cf_buf_append(out, der, (size_t)len, NULL), 0);
	OPENSSL_free(der);
	X509_CRL_free(made);
	f->crls[f->job.n_crls++] = cf_span_buf(out);
}

static void no_crls(struct fixture *f)
{
	while (f->job.n_crls)
		cf_buf_done(&f->ders[--f->job.n_crls]);
}

/* -- judging --------------------------------------------------------------------------------- */

static void assert_status_of(struct fixture *f, const struct made *leaf,
			     enum cf_verdict_status status)
{
	f->leaves[0] = cf_span_buf(&leaf->der);
	cf_verdict_done(&f->got);
	if (cf_chain_verify(NULL, &f->job, &f->got, &f->err) < 0)
		fail_msg("%s", f->err.text);
	if (f->got.status != status)
		fail_msg("status %d: %s", (int)f->got.status, f->got.reason);
}

static void assert_status(struct fixture *f, enum cf_verdict_status status)
{
	assert_status_of(f, &f->leaf, status);
}

static void add_points(X509 *x, const char *uri, const X509_NAME *by)
{
	CRL_DIST_POINTS *where = points(uri, by);

	X509_add1_ext_i2d(x, NID_crl_distribution_points, where, 0, 0);
	CRL_DIST_POINTS_free(where);
}

#define PART_A "http://crl.contoso.com/a"
#define PART_B "http://crl.contoso.com/b"

static void in_part_a(X509 *x)
{
	add_points(x, PART_A, NULL);
}

static void by_central(X509 *x)
{
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"Central", -1,
				   -1, 0);
	add_points(x, NULL, name);
	X509_NAME_free(name);
}

static void crl__about_others_does_not_revoke(void **state)
{
	struct fixture *f = *state;

	crl(f, (struct list){ .ca = &f->ca, .serial = SERIAL + 1, .crowd = 3 });
	assert_status(f, CF_VERDICT_VALID);
	crl(f, (struct list){ .ca = &f->root, .serial = SERIAL });
	assert_status(f, CF_VERDICT_VALID);
	no_crls(f);
	crl(f, (struct list){ .ca = &f->ca, .serial = SERIAL });
	assert_status(f, CF_VERDICT_REVOKED);
	assert_string_equal(f->got.reason, "it was revoked, says the CRL in _trust");
}

static void crl__of_thousands_is_searched(void **state)
{
	struct fixture *f = *state;

	crl(f, (struct list){ .ca = &f->ca, .crowd = 5000 });
	assert_status(f, CF_VERDICT_VALID);
	no_crls(f);
	crl(f, (struct list){ .ca = &f->ca, .serial = SERIAL, .crowd = 5000 });
	assert_status(f, CF_VERDICT_REVOKED);
}

static void several__the_latest_counts(void **state)
{
	struct fixture *f = *state;
	const struct list old = { .ca = &f->ca,
				  .serial = SERIAL,
				  .reason = CRL_REASON_CERTIFICATE_HOLD };
	const struct list later = { .ca = &f->ca, .from = "20250601000000Z" };

	crl(f, old);
	assert_status(f, CF_VERDICT_REVOKED);
	crl(f, later);
	assert_status(f, CF_VERDICT_VALID);
	no_crls(f);
	crl(f, later);
	crl(f, old);
	assert_status(f, CF_VERDICT_VALID);
}

static void dates__of_a_crl_to_come(void **state)
{
	struct fixture *f = *state;

	crl(f, (struct list){ .ca = &f->ca, .from = "20260201000000Z" });
	assert_status(f, CF_VERDICT_REVOCATION_CHECK_FAILURE);
	assert_string_equal(f->got.reason,
			    "the CRL of 'CN=Issuing' in _trust is of a date that is to come");
	assert_true(f->got.next_change == at("2026-02-01T00:00:00Z"));
	f->job.now = f->got.next_change;
	assert_status(f, CF_VERDICT_VALID);
	assert_true(f->got.next_change == at("2027-01-01T00:00:00Z"));
}

static void partition__only_its_own_counts(void **state)
{
	struct fixture *f = *state;
	const struct made *leaf = also(
		f, (struct spec){ .cn = "a", .issuer = &f->ca, .serial = 5, .more = in_part_a });

	crl(f, (struct list){ .ca = &f->ca, .serial = 5, .partition = PART_B });
	assert_status_of(f, leaf, CF_VERDICT_VALID);
	/* Past its next update, it isn't missed either. */
	crl(f, (struct list){
		       .ca = &f->ca, .serial = 5, .partition = PART_B, .to = "20250201000000Z" });
	assert_status_of(f, leaf, CF_VERDICT_VALID);
	crl(f, (struct list){ .ca = &f->ca, .serial = 6, .partition = PART_A });
	assert_status_of(f, leaf, CF_VERDICT_VALID);
	crl(f, (struct list){
		       .ca = &f->ca, .serial = 5, .partition = PART_A, .from = "20250301000000Z" });
	assert_status_of(f, leaf, CF_VERDICT_REVOKED);
}

static void scope__of_CAs_or_users_only(void **state)
{
	struct fixture *f = *state;
	long ca_serial = ASN1_INTEGER_get(X509_get_serialNumber(f->ca.x));

	crl(f, (struct list){ .ca = &f->ca, .serial = SERIAL, .only_ca = true });
	crl(f, (struct list){ .ca = &f->root, .serial = ca_serial, .only_user = true });
	assert_status(f, CF_VERDICT_VALID);
	crl(f, (struct list){ .ca = &f->ca, .serial = SERIAL, .only_user = true });
	assert_status(f, CF_VERDICT_REVOKED);
	no_crls(f);
	crl(f, (struct list){ .ca = &f->root, .serial = ca_serial, .only_ca = true });
	assert_status(f, CF_VERDICT_REVOKED);
	assert_string_equal(f->got.reason,
			    "its issuer 'CN=Issuing' was revoked, says the CRL in _trust");
}

static void scope__of_some_reasons(void **state)
{
	struct fixture *f = *state;
	const struct list some = { .ca = &f->ca, .some_reasons = 1 };
	struct list listed = some;

	crl(f, some);
	assert_status(f, CF_VERDICT_VALID);
	listed.serial = SERIAL;
	listed.reason = CRL_REASON_KEY_COMPROMISE;
	listed.some_reasons = 2;
	crl(f, listed);
	assert_status(f, CF_VERDICT_REVOKED);
}

static void signer__is_another_key_of_the_CA(void **state)
{
	struct fixture *f = *state;
	const struct made *key = also(f, (struct spec){ .cn = "Issuing",
							.ca = true,
							.issuer = &f->root,
							.to = "20260601000000Z" });

	crl(f, (struct list){ .ca = &f->ca, .signer = key, .serial = SERIAL });
	assert_status(f, CF_VERDICT_VALID); /* nobody knows that key */
	issuer(f, key);
	assert_status(f, CF_VERDICT_REVOKED);
	/* The key's certificate expires: its CRL no longer counts, and that date is known. */
	no_crls(f);
	crl(f, (struct list){ .ca = &f->ca, .signer = key, .serial = SERIAL + 1 });
	assert_status(f, CF_VERDICT_VALID);
	assert_true(f->got.next_change == at("2026-06-01T00:00:00Z"));
}

static void signer__that_the_anchor_does_not_vouch_for(void **state)
{
	struct fixture *f = *state;
	const struct made *stranger = also(f, (struct spec){ .cn = "Issuing", .ca = true });
	const struct made *expired = also(f, (struct spec){ .cn = "Issuing",
							    .ca = true,
							    .issuer = &f->root,
							    .to = "20210101000000Z" });
	const struct made *user = also(f, (struct spec){ .cn = "Issuing", .issuer = &f->root });

	issuer(f, stranger);
	issuer(f, expired);
	issuer(f, user);
	crl(f, (struct list){ .ca = &f->ca, .signer = stranger, .serial = SERIAL });
	assert_status(f, CF_VERDICT_VALID);
	crl(f, (struct list){ .ca = &f->ca, .signer = expired, .serial = SERIAL });
	assert_status(f, CF_VERDICT_VALID);
	crl(f, (struct list){ .ca = &f->ca, .signer = user, .serial = SERIAL });
	assert_status(f, CF_VERDICT_VALID);
	crl(f, (struct list){ .ca = &f->ca, .serial = SERIAL });
	assert_status(f, CF_VERDICT_REVOKED);
}

static void no_crl_sign(X509 *x)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();

	ASN1_BIT_STRING_set_bit(usage, 5, 1);
	X509_add1_ext_i2d(x, NID_key_usage, usage, 1, X509V3_ADD_REPLACE);
	ASN1_BIT_STRING_free(usage);
}

static void signer__without_the_right_to_sign_CRLs(void **state)
{
	struct fixture *f = *state;
	const struct made *ca = also(
		f,
		(struct spec){ .cn = "Mute", .ca = true, .issuer = &f->root, .more = no_crl_sign });
	const struct made *leaf = also(f, (struct spec){ .cn = "a", .issuer = ca, .serial = 9 });

	issuer(f, ca);
	assert_status_of(f, leaf, CF_VERDICT_VALID);
	crl(f, (struct list){ .ca = ca, .serial = 9 });
	assert_status_of(f, leaf, CF_VERDICT_REVOCATION_CHECK_FAILURE);
	assert_string_equal(f->got.reason, "the CRL of 'CN=Mute' in _trust can't be used: its "
					   "signer may not sign CRLs (key usage)");
}

static void indirect__lists_certificates_of_others(void **state)
{
	struct fixture *f = *state;
	const struct made *central =
		also(f, (struct spec){ .cn = "Central", .ca = true, .issuer = &f->root });
	const struct made *leaf = also(
		f, (struct spec){ .cn = "a", .issuer = &f->ca, .serial = 5, .more = by_central });

	issuer(f, central);
	crl(f, (struct list){ .ca = central, .serial = 5, .indirect = true });
	assert_status_of(f, leaf, CF_VERDICT_VALID); /* of Central's own number 5 */
	no_crls(f);
	crl(f, (struct list){ .ca = central, .serial = 5, .of = &f->root, .indirect = true });
	assert_status_of(f, leaf, CF_VERDICT_VALID);
	no_crls(f);
	crl(f, (struct list){ .ca = central, .serial = 5, .of = &f->ca, .indirect = true });
	assert_status_of(f, leaf, CF_VERDICT_REVOKED);
	/* A certificate that doesn't refer to it isn't its concern. */
	no_crls(f);
	crl(f, (struct list){ .ca = central, .serial = SERIAL, .of = &f->ca, .indirect = true });
	assert_status(f, CF_VERDICT_VALID);
	no_crls(f);
	crl(f, (struct list){ .ca = central, .serial = 5, .of = &f->ca });
	assert_status_of(f, leaf, CF_VERDICT_VALID); /* not an indirect one, it says */
}

static void delta__adds_to_its_base(void **state)
{
	struct fixture *f = *state;
	const struct list base = { .ca = &f->ca, .number = 7, .freshest = true };
	const struct list delta = { .ca = &f->ca,
				    .number = 8,
				    .delta_of = 7,
				    .from = "20250601000000Z",
				    .serial = SERIAL };

	crl(f, delta);
	assert_status(f, CF_VERDICT_VALID); /* without its base */
	crl(f, base);
	assert_status(f, CF_VERDICT_REVOKED);
}

static void delta__takes_back_a_hold(void **state)
{
	struct fixture *f = *state;
	const struct list base = { .ca = &f->ca,
				   .number = 7,
				   .freshest = true,
				   .serial = SERIAL,
				   .reason = CRL_REASON_CERTIFICATE_HOLD };
	struct list delta = { .ca = &f->ca,
			      .number = 8,
			      .delta_of = 7,
			      .from = "20250601000000Z",
			      .serial = SERIAL,
			      .reason = CRL_REASON_REMOVE_FROM_CRL };

	crl(f, base);
	assert_status(f, CF_VERDICT_REVOKED);
	crl(f, delta);
	assert_status(f, CF_VERDICT_VALID);
	/* A delta that is past its next update is no news. */
	no_crls(f);
	delta.to = "20250701000000Z";
	crl(f, base);
	crl(f, delta);
	f->job.now = at("2025-06-15T00:00:00Z");
	assert_status(f, CF_VERDICT_VALID);
	assert_true(f->got.next_change == at("2025-07-01T00:00:00Z"));
	f->job.now = f->got.next_change;
	assert_status(f, CF_VERDICT_REVOCATION_CHECK_FAILURE);
}

static void delta__the_latest_counts(void **state)
{
	struct fixture *f = *state;
	const struct list base = { .ca = &f->ca, .number = 7, .freshest = true };
	const struct list first = {
		.ca = &f->ca, .number = 8, .delta_of = 7, .from = "20250601000000Z"
	};
	struct list second = first;

	second.number = 9;
	second.from = "20250701000000Z";
	second.serial = SERIAL;
	crl(f, base);
	crl(f, first);
	assert_status(f, CF_VERDICT_VALID);
	crl(f, second);
	assert_status(f, CF_VERDICT_REVOKED);
	no_crls(f);
	crl(f, second);
	crl(f, first);
	crl(f, base);
	assert_status(f, CF_VERDICT_REVOKED);
}

static void extension__that_is_critical_and_unknown(void **state)
{
	struct fixture *f = *state;

	crl(f, (struct list){ .ca = &f->ca, .serial = SERIAL, .odd = true });
	assert_status(f, CF_VERDICT_REVOCATION_CHECK_FAILURE);
	assert_non_null(strstr(f->got.reason, "critical"));
	/* One that is understood decides, and OpenSSL takes the better one. */
	crl(f, (struct list){ .ca = &f->ca });
	assert_status(f, CF_VERDICT_VALID);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(crl__about_others_does_not_revoke),
		CASE(crl__of_thousands_is_searched),
		CASE(several__the_latest_counts),
		CASE(dates__of_a_crl_to_come),
		CASE(partition__only_its_own_counts),
		CASE(scope__of_CAs_or_users_only),
		CASE(scope__of_some_reasons),
		CASE(signer__is_another_key_of_the_CA),
		CASE(signer__that_the_anchor_does_not_vouch_for),
		CASE(signer__without_the_right_to_sign_CRLs),
		CASE(indirect__lists_certificates_of_others),
		CASE(delta__adds_to_its_base),
		CASE(delta__takes_back_a_hold),
		CASE(delta__the_latest_counts),
		CASE(extension__that_is_critical_and_unknown),
	};

	if (cf_ossl_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("chain_crl", tests, NULL, NULL);
}
