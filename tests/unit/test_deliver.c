/* core/procedures/complete, trust and core/tree/delivery, staged: what is dropped, and what becomes of it. */
#include "tests/unit/tree_fixture.h"

#include <openssl/pem.h>

static int set_up(void **state)
{
	fx_setup(state);
	fx_request(*state, "EX01", "mail");
	return 0;
}

static int drop_text(struct fixture *f, const char *path, const char *text)
{
	return fx_write(f, path, text);
}

static int rename_in(struct fixture *f, const char *dir, const char *from, const char *to)
{
	uint64_t ino = fx_stat(f, dir).ino;

	return cf_tree_rename(f->tree, &f->ctx, ino, from, ino, to, 0, &f->err);
}

static void answer__is_judged_at_close_and_answers_for_a_minute(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct cf_setattr set = { .has_mode = true, .mode = 0600 };
	struct cf_attr attr;
	cf_time next;

	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	attr = fx_stat(f, "EX01/mail/answer.cer");
	assert_int_equal(attr.size, m.der.len);
	fx_ok(f, cf_tree_setattr(f->tree, &f->ctx, attr.ino, NULL, &set, &attr, &f->err));
	cf_clock_set(&f->clock, cf_clock_now(&f->clock) + 61 * CF_SECOND);
	fx_ok(f, cf_tree_tick(f->tree, &f->ctx, &next, &f->err));
	assert_false(fx_exists(f, "EX01/mail/answer.cer"));
	made_done(&m);
}

static void answer__for_another_key_is_EKEYREJECTED_and_names_the_right_one(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });

	fx_request(f, "EX02", "web");
	fx_assert_refused(f, fx_drop(f, "EX02/web/answer.cer", &m), EKEYREJECTED, "EX01/mail");
	fx_assert_text(f, "EX02/web/status", "PendingRequest\n");
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	assert_false(fx_exists(f, "EX02/web/answer.cer"));
	made_done(&m);
	m = make((struct spec){ .cn = "stranger.example", .issuer = &f->root });
	fx_assert_refused(f, fx_drop(f, "EX02/web/answer.cer", &m), EKEYREJECTED,
			  "a key that isn't here");
	fx_assert_refused(f, fx_drop(f, "EX02/answer.cer", &m), ENOKEY, "a key that isn't here");
	made_done(&m);
}

static void answer__finds_its_request_from_server_and_root(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });

	fx_ok(f, fx_drop(f, "answer.cer", &m));
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	made_done(&m);
}

static void answer__again_changes_nothing_and_another_one_is_EEXIST(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made other = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct cf_attr before, after;

	fx_ok(f, fx_drop(f, "EX01/mail/certificate.cer", &m));
	before = fx_stat(f, "EX01/mail/certificate.cer");
	fx_ok(f, fx_drop(f, "EX01/mail/certificate.cer", &m));
	fx_ok(f, fx_drop(f, "EX01/mail/again.cer", &m));
	after = fx_stat(f, "EX01/mail/certificate.cer");
	assert_int_equal(before.ino, after.ino);
	assert_int_equal(before.size, after.size);
	assert_int_equal(before.mtime, after.mtime);
	assert_int_equal(before.ctime, after.ctime);
	fx_assert_refused(f, fx_drop(f, "EX01/mail/other.cer", &other), EEXIST,
			  "another certificate");
	fx_ok(f, fx_read(f, "EX01/mail/certificate.cer"));
	assert_int_equal(f->text.len, m.der.len);
	assert_memory_equal(f->text.data, m.der.data, m.der.len);
	made_done(&other);
	made_done(&m);
}

static void refused__garbage_size_and_kinds_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct cf_open *open;

	fx_assert_refused(f, drop_text(f, "EX01/mail/a.cer", "not a certificate"), EBADMSG, "");
	fx_assert_refused(f, fx_drop(f, "EX01/mail/a.cer", &f->root), EINVAL, "_trust");
	fx_ok(f, fx_open_file(f, "EX01/mail/big.cer", O_WRONLY | O_CREAT, &open));
	fx_assert_refused(
		f, cf_tree_write(f->tree, &f->ctx, open, 1 << 20, cf_span_text("x"), &f->err),
		EFBIG, "at most 1048576 bytes");
	cf_tree_release(f->tree, open);
	fx_assert_refused(f, drop_text(f, "EX01/mail/a.txt", "x"), EPERM, ".cer .crt");
	fx_assert_refused(f, drop_text(f, "EX01/mail/_a.cer", "x"), EPERM, ".cer .crt");
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
}

static void staging__name_is_judged_when_it_gets_its_final_name(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });

	fx_ok(f, fx_drop(f, "EX01/mail/.answer.cer.Ab12Cd", &m));
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	fx_assert_refused(f, rename_in(f, "EX01/mail", ".answer.cer.Ab12Cd", "services"), EPERM,
			  "appended");
	fx_assert_refused(f, rename_in(f, "EX01/mail", ".answer.cer.Ab12Cd", "status"), EACCES,
			  "status can only be read");
	cf_err_reset(&f->err);
	fx_ok(f, rename_in(f, "EX01/mail", ".answer.cer.Ab12Cd", "answer.cer"));
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	assert_false(fx_exists(f, "EX01/mail/.answer.cer.Ab12Cd"));
	assert_true(fx_exists(f, "EX01/mail/answer.cer"));
	made_done(&m);
}

/* What was refused in write(2) leaves a part behind, and a part is not what was meant. */
static void refused__write_makes_the_rest_worth_nothing(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct cf_open *open;

	fx_ok(f, fx_open_file(f, "EX01/mail/a.cer", O_WRONLY | O_CREAT, &open));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_buf(&m.der), &f->err));
	fx_assert_refused(
		f, cf_tree_write(f->tree, &f->ctx, open, 1 << 20, cf_span_text("x"), &f->err),
		EFBIG, "at most");
	cf_err_reset(&f->err);
	fx_assert_refused(f, cf_tree_flush(f->tree, &f->ctx, open, &f->err), EFBIG,
			  "nothing is taken");
	cf_tree_release(f->tree, open);
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	made_done(&m);
}

static void unlinked__drop_is_not_delivered(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	uint64_t dir = fx_stat(f, "EX01/mail").ino;
	struct cf_open *open;

	fx_ok(f, fx_open_file(f, "EX01/mail/a.cer", O_WRONLY | O_CREAT, &open));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_buf(&m.der), &f->err));
	fx_ok(f, cf_tree_unlink(f->tree, &f->ctx, dir, "a.cer", &f->err));
	fx_ok(f, cf_tree_flush(f->tree, &f->ctx, open, &f->err));
	cf_tree_release(f->tree, open);
	assert_false(fx_exists(f, "EX01/mail/a.cer"));
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	made_done(&m);
}

/* A name that an accepted file gets elsewhere is judged like any other. */
static void accepted__renamed_elsewhere_is_judged_there(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	uint64_t mail = fx_stat(f, "EX01/mail").ino, web;

	fx_request(f, "EX01", "web");
	web = fx_stat(f, "EX01/web").ino;
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	fx_assert_refused(f, rename_in(f, "EX01/mail", "answer.cer", "services"), EPERM,
			  "only takes what is appended");
	fx_assert_refused(
		f,
		cf_tree_rename(f->tree, &f->ctx, mail, "answer.cer", web, "answer.cer", 0, &f->err),
		EKEYREJECTED, "EX01/mail");
	cf_err_reset(&f->err);
	fx_ok(f, rename_in(f, "EX01/mail", "answer.cer", "other.cer"));
	assert_true(fx_exists(f, "EX01/mail/other.cer"));
	fx_assert_text(f, "EX01/web/status", "PendingRequest\n");
	made_done(&m);
}

static void staging__is_only_where_drops_are_taken(void **state)
{
	struct fixture *f = *state;
	uint64_t mail = fx_stat(f, "EX01/mail").ino, services = fx_stat(f, "EX01/_services").ino;

	fx_ok(f, drop_text(f, "EX01/mail/a.tmp", "x"));
	fx_assert_refused(
		f, cf_tree_rename(f->tree, &f->ctx, mail, "a.tmp", services, "b.tmp", 0, &f->err),
		EPERM, "_services");
	assert_true(fx_exists(f, "EX01/mail/a.tmp"));
	fx_assert_refused(f, drop_text(f, "EX01/mail/sedna.cer", "x"), EBADMSG, "");
}

static void answer__with_a_private_key_is_refused_and_gone(void **state)
{
	static const char path[] = "EX01/mail/both.pem";
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	struct made other = make((struct spec){ .cn = "other.example" });
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	PEM_write_bio_X509(bio, m.x);
	PEM_write_bio_X509(bio, other.x);
	PEM_write_bio_PrivateKey(bio, other.key, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &text);
	fx_assert_refused(f, fx_write_bytes(f, path, O_CREAT | O_TRUNC, cf_span(text, (size_t)n)),
			  EEXIST, "has a key and a request already");
	assert_false(fx_exists(f, path));
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	BIO_free(bio);
	made_done(&other);
	made_done(&m);
}

static void answer__elsewhere_needs_the_right_to_write_there(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });

	f->ctx.caller.uid = 4711;
	f->ctx.caller.gid = 4711;
	fx_assert_refused(f, fx_drop(f, "EX01/answer.cer", &m), EACCES, "may not write");
	f->ctx.caller.uid = 0;
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	fx_ok(f, fx_drop(f, "EX01/answer.cer", &m));
	made_done(&m);
}

static void staging__onto_a_property_sets_it(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, drop_text(f, "EX01/mail/sedAbCdEf", "From sed\n"));
	fx_ok(f, rename_in(f, "EX01/mail", "sedAbCdEf", "friendly-name"));
	fx_assert_text(f, "EX01/mail/friendly-name", "From sed\n");
	fx_ok(f, fx_write_bytes(f, "EX01/mail/sedAbCdEf", O_CREAT, cf_span("ab\0cd", 5)));
	fx_assert_refused(f, rename_in(f, "EX01/mail", "sedAbCdEf", "friendly-name"), EPERM,
			  "no NUL");
	fx_assert_text(f, "EX01/mail/friendly-name", "From sed\n");
}

static void staging__64_files_at_a_time(void **state)
{
	struct fixture *f = *state;
	char path[512];

	for (int i = 0; i < 64; i++) {
		fx_path(path, "EX01/mail/%d.tmp", i);
		fx_ok(f, drop_text(f, path, "x"));
	}
	fx_assert_refused(f, drop_text(f, "EX01/mail/64.tmp", "x"), ENOSPC, "64 files");
	cf_err_reset(&f->err);
	fx_ok(f, cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "EX01/mail").ino, "3.tmp", &f->err));
	fx_ok(f, drop_text(f, "EX01/mail/64.tmp", "x"));
}

static void issuers__that_came_along_or_come_later_complete_the_chain(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ 0 });

	fx_ok(f, fx_drop(f, "_trust/root.cer", &f->root));
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	assert_false(fx_exists(f, "EX01/mail/chain.pem"));
	fx_ok(f, fx_drop(f, "EX01/mail/issuer.cer", &f->intermediate));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	assert_true(fx_exists(f, "EX01/mail/chain.pem"));
	made_done(&m);
}

static void trust__keeps_name_bytes_and_time(void **state)
{
	struct fixture *f = *state;
	struct cf_attr attr;
	struct cf_setattr set = { .has_mtime = true, .mtime = 5 * CF_SECOND };

	fx_ok(f, fx_drop(f, "_trust/Test Root.cer", &f->root));
	attr = fx_stat(f, "_trust/Test Root.cer");
	assert_int_equal(attr.size, f->root.der.len);
	fx_ok(f, cf_tree_setattr(f->tree, &f->ctx, attr.ino, NULL, &set, &attr, &f->err));
	assert_int_equal(fx_stat(f, "_trust/Test Root.cer").mtime, 5 * CF_SECOND);
	fx_assert_refused(f, fx_drop(f, "_trust/test root.cer", &f->root), EEXIST, "only in case");
	fx_assert_refused(f, drop_text(f, "_trust/x.cer", "x"), EBADMSG, "");
	assert_false(fx_exists(f, "_trust/x.cer"));
}

static void time__that_passes_makes_it_DateInvalid_and_takes_the_export_away(void **state)
{
	struct fixture *f = *state;
	struct made m = fx_answer(f, "EX01/mail", (struct spec){ .to = "20300101000000Z" });
	cf_time next;
	cf_time end;

	fx_trust(f);
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "x\n"));
	assert_true(fx_exists(f, "EX01/mail/export.pfx"));
	assert_true(cf_time_parse("2030-01-01T00:00:00Z", &end));
	fx_ok(f, cf_tree_tick(f->tree, &f->ctx, &next, &f->err));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	cf_clock_set(&f->clock, end + CF_SECOND);
	fx_ok(f, cf_tree_tick(f->tree, &f->ctx, &next, &f->err));
	fx_assert_text(f, "EX01/mail/status", "DateInvalid\n");
	assert_int_equal(fx_stat(f, "EX01/mail/status").mtime, end);
	assert_false(fx_exists(f, "EX01/mail/export.pfx"));
	made_done(&m);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answer__is_judged_at_close_and_answers_for_a_minute),
		T(answer__for_another_key_is_EKEYREJECTED_and_names_the_right_one),
		T(answer__finds_its_request_from_server_and_root),
		T(answer__again_changes_nothing_and_another_one_is_EEXIST),
		T(refused__garbage_size_and_kinds_change_nothing),
		T(staging__name_is_judged_when_it_gets_its_final_name),
		T(staging__onto_a_property_sets_it),
		T(refused__write_makes_the_rest_worth_nothing),
		T(unlinked__drop_is_not_delivered),
		T(accepted__renamed_elsewhere_is_judged_there),
		T(staging__is_only_where_drops_are_taken),
		T(answer__with_a_private_key_is_refused_and_gone),
		T(answer__elsewhere_needs_the_right_to_write_there),
		T(staging__64_files_at_a_time),
		T(issuers__that_came_along_or_come_later_complete_the_chain),
		T(trust__keeps_name_bytes_and_time),
		T(time__that_passes_makes_it_DateInvalid_and_takes_the_export_away),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
