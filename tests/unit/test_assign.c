/* core/procedures/rules, assign, delete: who may carry which service, and what that prevents. */
#include "tests/unit/tree_fixture.h"

#include "core/procedures/rules.h"

static int set_up(void **state)
{
	fx_setup(state);
	fx_valid(*state, "EX01", "mail");
	return 0;
}

/* What a service of EX01 uses, or NULL. */
static const char *used(struct fixture *f, const char *service)
{
	struct cf_attr attr;
	uint64_t parent;
	char path[512];

	fx_path(path, "EX01/_services/%s", service);
	if (fx_lookup(f, path, &parent, &attr) < 0)
		return NULL;
	cf_buf_done(&f->text);
	fx_ok(f, cf_tree_readlink(f->tree, &f->ctx, attr.ino, &f->text, &f->err));
	assert_int_equal(attr.size, f->text.len);
	return f->text.data;
}

static int remove_dir(struct fixture *f, const char *path)
{
	struct cf_attr attr;
	uint64_t parent = 0;

	assert_int_equal(fx_lookup(f, path, &parent, &attr), 0);
	return cf_tree_rmdir(f->tree, &f->ctx, parent, fx_name(path), &f->err);
}

static void assign__words_in_any_case_commas_and_blanks(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_append(f, "EX01/mail/services", "iis, Imap\tPOP\n"));
	fx_assert_text(f, "EX01/mail/services", "IIS\nIMAP\nPOP\n");
	assert_string_equal(used(f, "IIS"), "../mail");
	assert_string_equal(used(f, "POP"), "../mail");
	assert_null(used(f, "SMTP"));
}

static void assign__twice_adds_nothing_and_succeeds(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	fx_ok(f, fx_append(f, "EX01/mail/services", "smtp\nSMTP\n"));
	fx_assert_text(f, "EX01/mail/services", "SMTP\n");
}

static void assign__each_write_is_taken_whole_or_refused_whole(void **state)
{
	struct fixture *f = *state;

	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "SMTP\nBAD\nIIS\n"), EINVAL,
			  "'BAD' is not a service: IIS, IMAP, POP, SMTP, SMTP-default");
	fx_assert_text(f, "EX01/mail/services", "");
	assert_null(used(f, "SMTP"));
}

static void assign__first_smtp_is_the_default_and_a_later_one_leaves_it(void **state)
{
	struct fixture *f = *state;

	fx_valid(f, "EX01", "web");
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	assert_string_equal(used(f, "SMTP-default"), "../mail");
	fx_ok(f, fx_append(f, "EX01/web/services", "SMTP\n"));
	assert_string_equal(used(f, "SMTP"), "../web");
	assert_string_equal(used(f, "SMTP-default"), "../mail");
	fx_ok(f, fx_append(f, "EX01/web/services", "SMTP-default\n"));
	assert_string_equal(used(f, "SMTP-default"), "../web");
	fx_assert_text(f, "EX01/web/services", "SMTP\nSMTP-default\n");
}

static void assign__um_is_not_a_service_of_2019(void **state)
{
	struct fixture *f = *state;

	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "UM\n"), EOPNOTSUPP, "UM");
	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "UMCallRouter\n"), EOPNOTSUPP,
			  "UMCallRouter");
	fx_assert_text(f, "EX01/mail/services", "");
}

static void assign__wildcard_is_refused_for_imap_and_pop_alone(void **state)
{
	struct fixture *f = *state;
	struct made m;

	fx_request(f, "EX01", "wild");
	m = fx_answer(f, "EX01/wild", (struct spec){ .dns = "*.contoso.com" });
	fx_ok(f, fx_drop(f, "EX01/wild/a.cer", &m));
	made_done(&m);
	fx_assert_refused(f, fx_append(f, "EX01/wild/services", "IMAP\n"), EINVAL,
			  "Set-ImapSettings");
	fx_assert_refused(f, fx_append(f, "EX01/wild/services", "POP\n"), EINVAL,
			  "Set-PopSettings");
	fx_assert_text(f, "EX01/wild/services", "");
	fx_ok(f, fx_append(f, "EX01/wild/services", "IIS SMTP\n"));
	fx_assert_text(f, "EX01/wild/services", "IIS\nSMTP\n");
}

static void assign__needs_a_valid_certificate(void **state)
{
	struct fixture *f = *state;
	struct made m;

	fx_request(f, "EX01", "old");
	m = fx_answer(f, "EX01/old", (struct spec){ .to = "20250101000000Z" });
	fx_ok(f, fx_drop(f, "EX01/old/a.cer", &m));
	made_done(&m);
	fx_assert_text(f, "EX01/old/status", "DateInvalid\n");
	fx_assert_refused(f, fx_append(f, "EX01/old/services", "SMTP\n"), EKEYEXPIRED,
			  "expired on 2025-01-01T00:00:00Z");
	assert_int_equal(
		cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "_trust").ino, "root.cer", &f->err), 0);
	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "SMTP\n"), EINVAL, "isn't Valid");
	fx_assert_text(f, "EX01/mail/services", "");
}

static void services__only_append_for_everybody(void **state)
{
	struct fixture *f = *state;
	struct cf_setattr set = { .has_mtime = true, .mtime = CF_SECOND };
	struct cf_attr attr = fx_stat(f, "EX01/mail/services"), ret;
	struct cf_open *open;
	unsigned flags;

	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	fx_assert_refused(f, fx_open_file(f, "EX01/mail/services", O_WRONLY, &open), EPERM,
			  "only takes what is appended");
	fx_assert_refused(f, fx_open_file(f, "EX01/mail/services", O_RDWR | O_APPEND, &open), EPERM,
			  "only takes what is appended");
	fx_assert_refused(
		f, fx_open_file(f, "EX01/mail/services", O_WRONLY | O_APPEND | O_TRUNC, &open),
		EPERM, "only takes what is appended");
	cf_err_reset(&f->err);
	fx_assert_refused(f, cf_tree_setattr(f->tree, &f->ctx, attr.ino, NULL, &set, &ret, &f->err),
			  EPERM, "times stay");
	cf_err_reset(&f->err);
	fx_assert_refused(
		f,
		cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "EX01/mail").ino, "services", &f->err),
		EPERM, "can't be removed");
	fx_assert_text(f, "EX01/mail/services", "SMTP\n");
	fx_ok(f, cf_tree_get_flags(f->tree, &f->ctx, attr.ino, &flags, &f->err));
	assert_int_equal(flags, 0x20);
	fx_ok(f, cf_tree_get_flags(f->tree, &f->ctx, fx_stat(f, "EX01/mail/info").ino, &flags,
				   &f->err));
	assert_int_equal(flags, 0);
}

/* A handle writes in pieces that end anywhere. */
static void services__partial_lines_wait_for_the_rest(void **state)
{
	struct fixture *f = *state;
	struct cf_open *open;

	fx_ok(f, fx_open_file(f, "EX01/mail/services", O_WRONLY | O_APPEND, &open));
	fx_assert_refused(
		f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("IIS\nSM\n"), &f->err),
		EINVAL, "'SM' is not a service");
	cf_err_reset(&f->err);
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("IIS\n"), &f->err));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("SM"), &f->err));
	fx_assert_text(f, "EX01/mail/services", "IIS\n");
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("TP\nPO"), &f->err));
	fx_assert_text(f, "EX01/mail/services", "IIS\nSMTP\n");
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("P"), &f->err));
	fx_ok(f, cf_tree_flush(f->tree, &f->ctx, open, &f->err));
	cf_tree_release(f->tree, open);
	fx_assert_text(f, "EX01/mail/services", "IIS\nSMTP\nPOP\n");
}

static void delete__in_use_is_EBUSY_and_names_services_and_way_out(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	fx_assert_refused(f, remove_dir(f, "EX01/mail"), EBUSY, "used by SMTP, SMTP-default");
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	fx_valid(f, "EX01", "web");
	fx_ok(f, fx_append(f, "EX01/web/services", "SMTP-default\n"));
	fx_ok(f, remove_dir(f, "EX01/mail"));
	assert_false(fx_exists(f, "EX01/mail"));
	cf_err_reset(&f->err);
	fx_assert_refused(f, remove_dir(f, "EX01"), ENOTEMPTY, "has 1 certificates");
}

static void delete__name_is_free_again(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, remove_dir(f, "EX01/mail"));
	fx_ok(f, fx_mkdir(f, "EX01/Mail"));
	fx_ok(f, remove_dir(f, "EX01/Mail"));
	fx_ok(f, remove_dir(f, "EX01"));
	fx_ok(f, fx_mkdir(f, "EX01"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(assign__words_in_any_case_commas_and_blanks),
		T(assign__twice_adds_nothing_and_succeeds),
		T(assign__each_write_is_taken_whole_or_refused_whole),
		T(assign__first_smtp_is_the_default_and_a_later_one_leaves_it),
		T(assign__um_is_not_a_service_of_2019),
		T(assign__wildcard_is_refused_for_imap_and_pop_alone),
		T(assign__needs_a_valid_certificate),
		T(services__only_append_for_everybody),
		T(services__partial_lines_wait_for_the_rest),
		T(delete__in_use_is_EBUSY_and_names_services_and_way_out),
		T(delete__name_is_free_again),
	};

	return cmocka_run_group_tests_name("assign", tests, NULL, NULL);
}
