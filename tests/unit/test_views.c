/* Views: what certificates are found by, what is about to end, and what needs attention. */
#include "tests/unit/store_fixture.h"

#include <stdlib.h>

#include "core/crypto/chain.h"
#include "core/procedures/notify.h"
#include "core/procedures/setting.h"
#include "core/store/ending.h"
#include "core/store/found.h"

#define DAY (86400 * CF_SECOND)

/* -- helpers --------------------------------------------------------------------------------- */

/* A Valid certificate of a CA with these domains, "\n" after each. */
struct spec {
	const char *name, *domains;
	bool self_signed;
	cf_time not_before, not_after;
	int64_t status; /* 0: Valid */
	const char *services;
	uint8_t thumbprint;
};

static struct cf_certificate certificate(int64_t server, const struct spec *spec)
{
	struct cf_certificate row = new_certificate(server, spec->name);

	row.state = CF_STATE_COMPLETE;
	row.status = spec->status ? spec->status : CF_VERDICT_VALID;
	row.self_signed = spec->self_signed;
	row.not_before = spec->not_before;
	row.not_after = spec->not_after ? spec->not_after : cf_time_from_seconds(4102444800);
	row.sha1[0] = spec->thumbprint;
	row.verdict_since = row.t_complete = cf_time_from_seconds(1700000000);
	assert_int_equal(cf_set_text(&row.domains, spec->domains ? spec->domains : "", NULL), 0);
	assert_int_equal(cf_set_text(&row.services, spec->services ? spec->services : "", NULL), 0);
	assert_int_equal(cf_set_text(&row.reason, spec->status ? "because" : "", NULL), 0);
	return row;
}

static int64_t add(struct fixture *f, int64_t server, struct spec spec)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = certificate(server, &spec);

	begin(f);
	assert_ok(f, cf_store_certificate_insert(f->db, &row, &f->err));
	commit(f);
	return row.id;
}

static void change(struct fixture *f, int64_t id, void (*how)(struct cf_certificate *row))
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

	begin(f);
	assert_ok(f, cf_store_certificate_get_any(f->db, id, &row, &f->err));
	how(&row);
	assert_ok(f, cf_store_certificate_update(f->db, &row, CF_WHAT_STATE, &f->err));
	commit(f);
}

static void revoke_it(struct cf_certificate *row)
{
	row->status = CF_VERDICT_REVOKED;
}

static void validate_it(struct cf_certificate *row)
{
	row->status = CF_VERDICT_VALID;
}

static void rename_it(struct cf_certificate *row)
{
	strcpy(row->name, "another");
}

static void delete_it(struct cf_certificate *row)
{
	row->deleted = 1;
	strcpy(row->deleted_name, row->name);
}

static void undelete_it(struct cf_certificate *row)
{
	row->deleted = 0;
	row->deleted_name[0] = '\0';
}

/* The certificate selected for a listed name on a server; 0: none. */
static int64_t picked(struct fixture *f, const char *name, int64_t server)
{
	struct cf_found found;
	struct cf_found_in in = { 0 };
	int r;

	start_reading(f);
	r = cf_store_found_find(f->db, CF_VIEW_DOMAIN, name, &found, &f->err);
	if (r > 0)
		r = cf_store_found_pick(f->db, found.id, server, &in, &f->err);
	done(f);
	assert_true(r >= 0);
	return r ? in.certificate : 0;
}

static cf_time picked_since(struct fixture *f, const char *name, int64_t server)
{
	struct cf_found found;
	struct cf_found_in in;

	start_reading(f);
	assert_int_equal(cf_store_found_find(f->db, CF_VIEW_DOMAIN, name, &found, &f->err), 1);
	assert_int_equal(cf_store_found_pick(f->db, found.id, server, &in, &f->err), 1);
	done(f);
	return in.time;
}

static size_t count_names(struct fixture *f, enum cf_view_kind kind)
{
	struct cf_found found = { 0 };
	size_t n = 0;

	start_reading(f);
	while (cf_store_found_next(f->db, kind, found.id, &found, &f->err) > 0)
		n++;
	done(f);
	return n;
}

/* -- what certificates are found by ---------------------------------------------------------- */

static void pick__a_CA_then_the_latest_then_the_last_one(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01"), other = add_server(f, "EX02");
	int64_t own = add(f, server, (struct spec){ "own", "a.test\n", true, 900 });
	int64_t old = 0, new = 0;

	assert_int_equal(picked(f, "a.test", server), own);
	old = add(f, server, (struct spec){ "old", "A.test\n", false, 100 });
	assert_int_equal(picked(f, "a.test", server), old);
	new = add(f, server, (struct spec){ "new", "b.test\na.test\na.TEST\n", false, 200 });
	assert_int_equal(picked(f, "a.test", server), new);
	add(f, server, (struct spec){ "older", "a.test\n", false, 50 });
	assert_int_equal(picked(f, "a.test", server), new);
	assert_int_equal(picked(f, "b.test", server), new);
	assert_int_equal(picked(f, "a.test", other), 0);
	assert_int_equal(count_names(f, CF_VIEW_DOMAIN), 2);
	add(f, server, (struct spec){ "same", "a.test\n", false, 200 });
	assert_true(picked(f, "a.test", server) > new);
	assert_findings(f, "");
}

static void names__that_no_file_can_have_are_left_out(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	char domains[600] = "a/b.test\n..\n.test\n\nok.test\n";

	memset(domains + strlen(domains), 'x', 300);
	add(f, server, (struct spec){ "odd", domains });
	assert_int_equal(count_names(f, CF_VIEW_DOMAIN), 1);
	assert_findings(f, "");
}

static void update__follows_status_name_and_deletion(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	int64_t one =
		add(f, server, (struct spec){ "one", "a.test\n", false, 100, .thumbprint = 1 });
	int64_t two =
		add(f, server, (struct spec){ "two", "a.test\n", false, 200, .thumbprint = 2 });
	cf_time since = picked_since(f, "a.test", server);

	assert_int_equal(picked(f, "a.test", server), two);
	change(f, one, rename_it); /* not the one that is seen */
	assert_int_equal(picked_since(f, "a.test", server), since);
	change(f, two, revoke_it);
	assert_int_equal(picked(f, "a.test", server), one);
	assert_true(picked_since(f, "a.test", server) > 0);
	assert_int_equal(count_names(f, CF_VIEW_THUMBPRINT), 2);
	change(f, one, delete_it);
	assert_int_equal(picked(f, "a.test", server), 0);
	assert_int_equal(count_names(f, CF_VIEW_DOMAIN), 0);
	assert_int_equal(count_names(f, CF_VIEW_THUMBPRINT), 1);
	change(f, two, validate_it);
	change(f, one, undelete_it);
	assert_int_equal(picked(f, "a.test", server), two);
	assert_findings(f, "");
}

/* A row that was never given its texts is what procedures write, too. */
static void update__takes_rows_without_texts(void **state)
{
	struct fixture *f = *state;
	struct cf_certificate row = new_certificate(add_server(f, "EX01"), "bare");

	row.state = CF_STATE_COMPLETE;
	row.status = CF_VERDICT_VALID;
	begin(f);
	assert_ok(f, cf_store_certificate_insert(f->db, &row, &f->err));
	row.friendly_name = (char[]){ "friendly" };
	assert_ok(f, cf_store_certificate_update(f->db, &row, CF_WHAT_FRIENDLY, &f->err));
	commit(f);
	assert_findings(f, "");
}

static void purge__takes_the_entries_along(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	int64_t id = add(f, server, (struct spec){ "one", "a.test\n*.test\n" });
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);

	begin(f);
	assert_ok(f, cf_store_certificate_purge(f->db, &row, &f->err));
	commit(f);
	assert_int_equal(count_names(f, CF_VIEW_DOMAIN), 0);
	assert_int_equal(count_names(f, CF_VIEW_THUMBPRINT), 0);
	assert_findings(f, "");
}

static void wildcard__covers_one_label(void **state)
{
	char wild[256];

	(void)state;
	assert_true(cf_found_wildcard("mail.contoso.com", wild));
	assert_string_equal(wild, "*.contoso.com");
	assert_true(cf_found_wildcard("a.b.contoso.com", wild));
	assert_string_equal(wild, "*.b.contoso.com");
	assert_false(cf_found_wildcard("*.contoso.com", wild));
	assert_false(cf_found_wildcard("localhost", wild));
	assert_false(cf_found_wildcard(".contoso.com", wild));
	assert_false(cf_found_wildcard("host.", wild));
	assert_false(cf_found_wildcard("10.0.0.1", wild));
}

/* The tables have no MAC; certfsctl check says where they aren't what the certificates say. */
static void check__finds_what_was_changed_from_outside(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");

	add(f, server, (struct spec){ "one", "a.test\n", .thumbprint = 1 });
	add(f, server, (struct spec){ "two", "b.test\n", .thumbprint = 2 });
	assert_findings(f, "");
	tamper(f, "UPDATE found SET name = 'bank.test' WHERE name = 'a.test'");
	assert_findings(f, "certificate 1 (one) is not found under 'a.test'\n"
			   "certificate 1 (one) is wrongly found under 'bank.test'\n");
	tamper(f, "UPDATE found SET name = 'a.test' WHERE name = 'bank.test';"
		  "UPDATE found_in SET not_before = 5 WHERE found ="
		  " (SELECT id FROM found WHERE name = 'b.test')");
	assert_findings(f, "certificate 2 (two) is wrongly found under 'b.test'\n");
	tamper(f,
	       "DELETE FROM found_in WHERE found = (SELECT id FROM found WHERE name = 'b.test')");
	assert_findings(f, "certificate 2 (two) is not found under 'b.test'\n"
			   "there are names under which no certificate is found\n");
}

/* -- what ends ------------------------------------------------------------------------------- */

static void ending__is_in_the_order_of_the_dates(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	int64_t c = add(f, server, (struct spec){ "c", .not_after = 30 });
	int64_t a = add(f, server, (struct spec){ "a", .not_after = 10 });
	int64_t b = add(f, server, (struct spec){ "b", .not_after = 30 });
	int64_t gone = add(f, server, (struct spec){ "gone", .not_after = 20 });
	const int64_t wanted[] = { a, c, b };
	struct cf_ending at = { 0 };
	cf_time last, first;

	change(f, gone, delete_it);
	add(f, server, (struct spec){ "later", .not_after = 31 });
	start_reading(f);
	for (size_t i = 0; i < CF_COUNT(wanted); i++) {
		assert_int_equal(cf_store_ending_next(f->db, 30, &at, &f->err), 1);
		assert_int_equal(at.id, wanted[i]);
	}
	assert_int_equal(cf_store_ending_next(f->db, 30, &at, &f->err), 0);
	assert_ok(f, cf_store_ending_around(f->db, 29, &last, &first, &f->err));
	assert_int_equal(last, 10);
	assert_int_equal(first, 30);
	assert_ok(f, cf_store_ending_around(f->db, 31, &last, &first, &f->err));
	assert_int_equal(last, 31);
	assert_true(first == CF_NEVER);
	done(f);
}

/* -- what needs attention -------------------------------------------------------------------- */

static void assert_notices(struct fixture *f, cf_time now, size_t limit, const char *names,
			   bool more)
{
	cf_auto(cf_notice_list_done) struct cf_notice_list list = { 0 };
	char text[512] = "";

	start_reading(f);
	assert_ok(f, cf_notify_list(f->db, now, limit, &list, &f->err));
	done(f);
	for (size_t i = 0; i < list.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
			 list.items[i].name);
	assert_string_equal(text, names);
	assert_int_equal(list.more, more);
}

static void notices__are_in_the_order_of_urgency(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	cf_time now = cf_time_from_seconds(1800000000);
	struct cf_certificate pending = new_certificate(server, "pending");

	add(f, server, (struct spec){ "fine" });
	add(f, server, (struct spec){ "crl", .status = CF_VERDICT_REVOCATION_CHECK_FAILURE });
	add(f, server, (struct spec){ "soon", .not_after = now + 29 * DAY });
	add(f, server, (struct spec){ "sooner", .not_after = now + 2 * DAY });
	add(f, server, (struct spec){ "not-yet", .not_after = now + 31 * DAY });
	add(f, server, (struct spec){ "stranger", .status = CF_VERDICT_UNTRUSTED });
	add(f, server, (struct spec){ "issuer", .status = CF_VERDICT_DATE_INVALID });
	add(f, server,
	    (struct spec){ "over", .status = CF_VERDICT_DATE_INVALID, .not_after = now });
	add(f, server,
	    (struct spec){ "replaced", .status = CF_VERDICT_REVOKED, .services = "SMTP\n" });
	add(f, server, (struct spec){ "revoked", .status = CF_VERDICT_REVOKED });
	add(f, server, (struct spec){ "wrong", .status = CF_VERDICT_INVALID });
	pending.state = CF_STATE_PENDING;
	pending.t_request = 5;
	begin(f);
	assert_ok(f, cf_store_certificate_insert(f->db, &pending, &f->err));
	commit(f);
	assert_notices(f, now, 100, "revoked over issuer wrong stranger crl sooner soon pending ",
		       false);
	assert_notices(f, now, 2, "revoked over ", true);
	assert_notices(f, now + 2 * DAY, 100,
		       "revoked over issuer wrong stranger crl sooner soon not-yet pending ",
		       false);
}

static void notices__say_what_is_the_matter_and_what_to_do(void **state)
{
	struct fixture *f = *state;
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };
	struct spec spec = { "my mail", .services = "SMTP\n" };
	cf_time now = cf_time_from_seconds(1800000000);
	struct cf_server server;
	int64_t id;

	spec.not_after = now + DAY;
	id = add(f, add_server(f, "EX01"), spec);
	begin(f);
	assert_ok(f, cf_store_server_find(f->db, "EX01", &server, &f->err));
	server.use[CF_SERVICE_SMTP] = id;
	assert_ok(f, cf_store_server_update(f->db, &server, CF_WHAT_SERVICES, &f->err));
	commit(f);
	start_reading(f);
	assert_ok(f, cf_notify_text(f->db, now, &out, &f->err));
	done(f);
	assert_string_equal(
		cf_buf_text(&out),
		"2027-01-16\tEX01\tmy mail\texpires on 2027-01-16T08:00:00Z; in use for "
		"SMTP\trenew it (echo > 'EX01/my mail/renew'), and assign its services "
		"to the new one\n");
}

/* -- many ------------------------------------------------------------------------------------ */

/* What a look-up costs must not depend on how many there are: it is measured, and said. */
static void many__a_lookup_is_one_query(void **state)
{
	struct fixture *f = *state;
	const int n = getenv("CERTFS_TEST_MORE") ? 10000 : 300;
	int64_t server = add_server(f, "EX01");
	struct timespec from, to;
	char name[32], domain[64];

	begin(f);
	for (int i = 0; i < n; i++) {
		cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

		snprintf(name, sizeof(name), "c%d", i);
		snprintf(domain, sizeof(domain), "h%d.test\nshared.test\n", i);
		row = certificate(server, &(struct spec){ name, domain, .not_before = i });
		row.sha1[1] = (uint8_t)(i >> 8);
		row.sha1[2] = (uint8_t)i;
		assert_ok(f, cf_store_certificate_insert(f->db, &row, &f->err));
	}
	commit(f);
	assert_int_equal(count_names(f, CF_VIEW_DOMAIN), n + 1);
	assert_int_equal(count_names(f, CF_VIEW_THUMBPRINT), n);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 100; i++)
		assert_int_equal(picked(f, "shared.test", server), n);
	clock_gettime(CLOCK_MONOTONIC, &to);
	print_message(
		"# of %d certificates one is selected in %.1f us\n", n,
		((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
			1e5);
	assert_findings(f, "");
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(pick__a_CA_then_the_latest_then_the_last_one),
		WITH(names__that_no_file_can_have_are_left_out),
		WITH(update__follows_status_name_and_deletion),
		WITH(update__takes_rows_without_texts),
		WITH(purge__takes_the_entries_along),
		cmocka_unit_test(wildcard__covers_one_label),
		WITH(check__finds_what_was_changed_from_outside),
		WITH(ending__is_in_the_order_of_the_dates),
		WITH(notices__are_in_the_order_of_urgency),
		WITH(notices__say_what_is_the_matter_and_what_to_do),
		WITH(many__a_lookup_is_one_query),
	};

	return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
