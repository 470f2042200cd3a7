/* Verdicts over time: dates that pass, clocks that are set, decoders that fail. */
#include "tests/unit/tree_fixture.h"

#include <sys/socket.h>

#include "core/crypto/pem.h"
#include "core/procedures/status.h"

/* A decoder that dies of some of its jobs, as a plan says: one letter a job, d for those. */
struct plan {
	const char *next;
	int started;
	uint8_t system;
};

static int start(void *arg, int *ret_fd, struct cf_err *err)
{
	struct plan *plan = arg;
	int fds[2];

	plan->started++;
	if (!*plan->next || *plan->next++ != 'd')
		return cf_decoder_fork(NULL, ret_fd, err);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[1]);
	*ret_fd = fds[0];
	return 0;
}

static int system_id(void *arg, uint8_t ret[32], struct cf_err *err)
{
	const struct plan *plan = arg;

	(void)err;
	memset(ret, plan->system, 32);
	return 0;
}

static cf_time at(const char *text)
{
	cf_time t;

	assert_true(cf_time_parse(text, &t));
	return t;
}

static cf_time tick(struct fixture *f)
{
	cf_time next;

	fx_ok(f, cf_tree_tick(f->tree, &f->ctx, &next, &f->err));
	return next;
}

static void go_to(struct fixture *f, const char *time)
{
	cf_clock_set(&f->clock, at(time) + CF_SECOND / 2);
	tick(f);
}

static int drop_crl(struct fixture *f, const char *path, long serial, const char *from,
		    const char *to)
{
	struct cf_buf der = make_crl(&f->intermediate, serial, from, to);
	int r = fx_write_bytes(f, path, O_WRONLY | O_CREAT | O_TRUNC, cf_span_buf(&der));

	cf_buf_done(&der);
	return r;
}

static void answer(struct fixture *f, struct spec spec)
{
	struct made m;

	fx_request(f, "EX01", "mail");
	m = fx_answer(f, "EX01/mail", spec);
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	made_done(&m);
}

static void decoder__that_dies_of_one_certificate_spares_the_others(void **state)
{
	struct fixture *f = *state;
	struct made other = make((struct spec){ .cn = "Another Root", .ca = true });
	struct plan plan = { .next = "" };

	fx_valid(f, "EX01", "a");
	fx_valid(f, "EX01", "b");
	fx_ok(f, fx_read(f, "EX01/a/chain.pem"));
	f->core.decoder = (struct cf_decoder){ .start = start, .arg = &plan };
	/* The file itself, both certificates, the first, the second. */
	plan.next = ".dd.";
	fx_ok(f, fx_drop(f, "_trust/another.cer", &other));
	assert_int_equal(plan.started, 4);
	fx_assert_text(f, "EX01/a/status", "Unknown\n");
	fx_ok(f, fx_read(f, "EX01/a/why"));
	assert_non_null(strstr(cf_buf_text(&f->text), "it can't be judged: its decoder died"));
	assert_true(fx_exists(f, "EX01/a/chain.pem"));
	fx_assert_text(f, "EX01/b/status", "Valid\n");
	/* It is tried again by itself. */
	cf_clock_set(&f->clock, cf_clock_now(&f->clock) + 601 * CF_SECOND);
	tick(f);
	fx_assert_text(f, "EX01/a/status", "Valid\n");
	made_done(&other);
}

static void system_store__is_looked_at_and_judged_by_when_it_changed(void **state)
{
	struct fixture *f = *state;
	struct plan plan = { .next = "", .system = 1 };

	fx_valid(f, "EX01", "a");
	f->core.decoder =
		(struct cf_decoder){ .start = start, .system_id = system_id, .arg = &plan };
	tick(f);
	plan.started = 0;
	cf_clock_set(&f->clock, cf_clock_now(&f->clock) + 11 * CF_SECOND);
	tick(f);
	assert_int_equal(plan.started, 0); /* nothing is judged without a reason */
	plan.system = 2;
	cf_clock_set(&f->clock, cf_clock_now(&f->clock) + 11 * CF_SECOND);
	tick(f);
	assert_int_equal(plan.started, 1);
}

/* The clock was in 2030 for a while; now it is 2026 again, and "now" stays where the commit was. */
static void clock__set_back_stops_no_timer(void **state)
{
	struct fixture *f = *state;
	struct plan plan = { .next = "", .system = 1 };
	cf_time next;

	answer(f, (struct spec){ .to = "20350101000000Z" });
	f->core.decoder =
		(struct cf_decoder){ .start = start, .system_id = system_id, .arg = &plan };
	go_to(f, "2030-01-01T00:00:00Z");
	fx_ok(f, fx_mkdir(f, "EX02"));
	cf_clock_set(&f->clock, at("2026-01-01T00:00:00Z"));
	assert_true(cf_clock_now(&f->clock) >= at("2030-01-01T00:00:00Z"));
	next = tick(f);
	assert_true(cf_tree_pause(f->tree) > 0 && cf_tree_pause(f->tree) <= 10 * CF_SECOND);
	assert_true(next > at("2030-01-01T00:00:00Z"));
	/* Files that were dropped in are forgotten, the system store is looked at. */
	fx_trust(f);
	plan.system = 2;
	plan.started = 0;
	cf_clock_set(&f->clock, at("2026-01-01T00:01:01Z"));
	tick(f);
	assert_false(fx_exists(f, "EX01/mail/answer.cer"));
	assert_int_equal(plan.started, 1);
}

static void hear(void *arg, const struct cf_progress *progress)
{
	int64_t *heard = arg;

	heard[0]++;
	heard[1] = progress->done;
	heard[2] += progress->all != 0;
}

/* Who comes second waits, or leaves it to the first; nobody does it again. */
static void judging_all__is_done_once(void **state)
{
	struct fixture *f = *state;
	struct plan plan = { .next = "", .system = 1 };
	int64_t heard[3] = { 0 };
	struct cf_judging judging = { .lock = PTHREAD_MUTEX_INITIALIZER,
				      .progress = hear,
				      .arg = heard };

	fx_valid(f, "EX01", "a");
	fx_valid(f, "EX02", "b");
	f->core.decoder =
		(struct cf_decoder){ .start = start, .system_id = system_id, .arg = &plan };
	f->core.judging = &judging;
	pthread_mutex_lock(&judging.lock); /* somebody is at it */
	tick(f);
	assert_int_equal(plan.started, 0);
	assert_int_equal(heard[0], 0);
	pthread_mutex_unlock(&judging.lock);
	fx_ok(f, cf_status_refresh_all(&f->ctx, false, &f->err));
	assert_int_equal(plan.started, 2); /* a server each */
	assert_int_equal(heard[0], 4);
	assert_int_equal(heard[1], 2);
	assert_int_equal(heard[2], 1);
	/* Whoever waited finds it done. */
	fx_ok(f, cf_status_refresh_all(&f->ctx, false, &f->err));
	fx_ok(f, cf_status_refresh_all(&f->ctx, true, &f->err));
	assert_int_equal(plan.started, 2);
	assert_int_equal(heard[0], 4);
	plan.system = 2;
	fx_ok(f, cf_status_refresh_all(&f->ctx, true, &f->err));
	assert_int_equal(plan.started, 4);
	assert_int_equal(heard[2], 2);
}

static void dates__carry_over_to_mtime(void **state)
{
	struct fixture *f = *state;

	fx_trust(f);
	answer(f, (struct spec){ .from = "20200101000000Z", .to = "20300101000000Z" });
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	go_to(f, "2029-12-31T23:59:59Z");
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	assert_true(fx_stat(f, "EX01/mail/status").mtime < at("2029-01-01T00:00:00Z"));
	go_to(f, "2030-01-01T00:00:00Z");
	fx_assert_text(f, "EX01/mail/status", "DateInvalid\n");
	assert_true(fx_stat(f, "EX01/mail/status").mtime == at("2030-01-01T00:00:00Z"));
	assert_true(fx_stat(f, "EX01/mail/info").mtime == at("2030-01-01T00:00:00Z"));
	assert_true(fx_stat(f, "EX01/mail").mtime == at("2030-01-01T00:00:00Z"));
}

static void dates__that_passed_unseen_give_the_last_one(void **state)
{
	struct fixture *f = *state;
	struct made ca = make((struct spec){
		.cn = "Short CA", .ca = true, .issuer = &f->root, .to = "20290101000000Z" });

	fx_trust(f);
	fx_ok(f, fx_drop(f, "_trust/short.cer", &ca));
	answer(f, (struct spec){ .issuer = &ca, .to = "20300101000000Z" });
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	go_to(f, "2031-01-01T00:00:00Z");
	fx_assert_text(f, "EX01/mail/status", "DateInvalid\n");
	fx_ok(f, fx_read(f, "EX01/mail/why"));
	assert_non_null(strstr(cf_buf_text(&f->text), "it expired on 2030-01-01T00:00:00Z"));
	assert_true(fx_stat(f, "EX01/mail/status").mtime == at("2030-01-01T00:00:00Z"));
	made_done(&ca);
}

static void crl__past_its_next_update_at_that_second(void **state)
{
	struct fixture *f = *state;

	fx_trust(f);
	answer(f, (struct spec){ .to = "20350101000000Z", .serial = 7 });
	fx_ok(f, drop_crl(f, "_trust/ca.crl", 8, "20250101000000Z", "20300601000000Z"));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	go_to(f, "2030-06-01T00:00:00Z");
	fx_assert_text(f, "EX01/mail/status", "RevocationCheckFailure\n");
	assert_true(fx_stat(f, "EX01/mail/status").mtime == at("2030-06-01T00:00:00Z"));
	fx_ok(f, drop_crl(f, "_trust/ca.crl", 8, "20300601000000Z", "20310601000000Z"));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	assert_true(fx_stat(f, "EX01/mail/status").mtime > at("2030-06-01T00:00:00Z"));
	fx_ok(f, drop_crl(f, "_trust/ca.crl", 7, "20300601000001Z", "20310601000000Z"));
	fx_assert_text(f, "EX01/mail/status", "Revoked\n");
}

/* The verdict stays as it is, and still export.pfx goes with the certificate's own date. */
static void export__of_a_revoked_certificate_goes_with_its_date(void **state)
{
	struct fixture *f = *state;

	fx_trust(f);
	answer(f, (struct spec){ .to = "20300101000000Z", .serial = 7 });
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "x\n"));
	fx_ok(f, drop_crl(f, "_trust/ca.crl", 7, "20250101000000Z", "20310601000000Z"));
	fx_assert_text(f, "EX01/mail/status", "Revoked\n");
	assert_true(fx_exists(f, "EX01/mail/export.pfx"));
	assert_true(fx_stat(f, "EX01/mail").mtime < at("2030-01-01T00:00:00Z"));
	go_to(f, "2030-01-01T00:00:00Z");
	fx_assert_text(f, "EX01/mail/status", "Revoked\n");
	assert_false(fx_exists(f, "EX01/mail/export.pfx"));
	assert_true(fx_stat(f, "EX01/mail").mtime == at("2030-01-01T00:00:00Z"));
}

/* A root in PEM, after a million bytes of remarks. */
static int drop_large(struct fixture *f, int n)
{
	struct cf_buf text = { 0 };
	char path[64];
	void *room = cf_buf_room(&text, 1000000, NULL);
	int r;

	assert_non_null(room);
	memset(room, '\n', 1000000);
	cf_buf_seal(&text, 1000000);
	assert_int_equal(cf_pem_write("CERTIFICATE", cf_span_buf(&f->root.der), &text, NULL), 0);
	snprintf(path, sizeof(path), "_trust/%d.pem", n);
	r = fx_write_bytes(f, path, O_CREAT | O_TRUNC, cf_span_buf(&text));
	cf_buf_done(&text);
	return r;
}

static void trust__has_a_limit_for_all_its_files(void **state)
{
	struct fixture *f = *state;
	struct cf_attr before;

	for (int i = 0; i < 8; i++)
		fx_ok(f, drop_large(f, i));
	before = fx_stat(f, "_trust");
	fx_assert_refused(f, drop_large(f, 8), ENOSPC, "8388608 are the most");
	assert_false(fx_exists(f, "_trust/8.pem"));
	assert_true(fx_stat(f, "_trust").mtime == before.mtime);
	/* One in the place of another of its size is no more than before. */
	fx_ok(f, drop_large(f, 7));
	fx_ok(f, cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "_trust").ino, "0.pem", &f->err));
	fx_ok(f, drop_large(f, 8));
	assert_true(fx_exists(f, "_trust/8.pem"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(decoder__that_dies_of_one_certificate_spares_the_others),
		CASE(system_store__is_looked_at_and_judged_by_when_it_changed),
		CASE(judging_all__is_done_once),
		CASE(clock__set_back_stops_no_timer),
		CASE(dates__carry_over_to_mtime),
		CASE(dates__that_passed_unseen_give_the_last_one),
		CASE(crl__past_its_next_update_at_that_second),
		CASE(trust__has_a_limit_for_all_its_files),
		CASE(export__of_a_revoked_certificate_goes_with_its_date),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
