/* core/procedures/create, property, request: servers, drafts, and how they become requests. */
#include "tests/unit/tree_fixture.h"

#include "core/tree/node_private.h"

static int set_up(void **state)
{
	struct fixture *f;

	fx_setup(state);
	f = *state;
	fx_ok(f, fx_mkdir(f, "EX01"));
	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	return 0;
}

static int move(struct fixture *f, const char *from, const char *to)
{
	struct cf_attr attr;
	uint64_t parent = CF_TREE_ROOT, new_parent = CF_TREE_ROOT;

	assert_int_equal(fx_lookup(f, from, &parent, &attr), 0);
	fx_lookup(f, to, &new_parent, &attr);
	cf_err_reset(&f->err);
	return cf_tree_rename(f->tree, &f->ctx, parent, fx_name(from), new_parent, fx_name(to), 0,
			      &f->err);
}

static void server__names_differ_in_more_than_case(void **state)
{
	struct fixture *f = *state;

	fx_assert_refused(f, fx_mkdir(f, "ex01"), EEXIST, "'EX01'");
	fx_assert_refused(f, fx_mkdir(f, "_x"), EPERM, "belong to certfs");
	fx_ok(f, move(f, "EX01", "ex01"));
	assert_true(fx_exists(f, "ex01/mail"));
	assert_false(fx_exists(f, "EX01"));
}

static void rename__keeps_inode_and_moves_between_servers(void **state)
{
	struct fixture *f = *state;
	uint64_t ino = fx_stat(f, "EX01/mail").ino;

	fx_ok(f, fx_mkdir(f, "EX02"));
	fx_ok(f, move(f, "EX01/mail", "EX02/web"));
	assert_int_equal(fx_stat(f, "EX02/web").ino, ino);
	assert_false(fx_exists(f, "EX01/mail"));
	fx_assert_refused(f, move(f, "EX02/web", "EX02/_web"), EPERM, "belong to certfs");
	fx_assert_refused(f, move(f, "EX02/web", "EX02/a:b"), EPERM, "printable UTF-8");
	assert_int_equal(fx_stat(f, "EX02/web").ino, ino);
}

static void move__keeps_the_key_and_needs_empty_services(void **state)
{
	struct fixture *f = *state;

	fx_valid(f, "EX01", "a");
	fx_ok(f, fx_write(f, "EX01/a/export.password", "x\n"));
	fx_ok(f, fx_mkdir(f, "EX02"));
	fx_ok(f, move(f, "EX01/a", "EX02/a"));
	fx_ok(f, fx_read(f, "EX02/a/export.pfx"));
	fx_ok(f, fx_append(f, "EX02/a/services", "SMTP\n"));
	fx_assert_refused(f, move(f, "EX02/a", "EX01/a"), EBUSY, "has services of EX02");
	fx_assert_text(f, "EX02/a/services", "SMTP\n");
}

/* Each property: a value that is taken, one that is not and changes nothing. */
static void property__good_values_are_set_and_bad_ones_change_nothing(void **state)
{
	static const struct {
		const char *file, *good, *shown, *bad, *words;
	} cases[] = {
		{ "subject", "C=US, CN=mail.contoso.com\n", "CN=mail.contoso.com, C=US\n",
		  "O=Contoso\n", "CN" },
		{ "domains", "a.example\nA.example\n10.0.0.1\n", "a.example\n10.0.0.1\n", "a..b\n",
		  "'a..b' is not a domain name" },
		{ "domains", "@server, b.example\n", "EX01\nb.example\n", "@nobody\n", "@fqdn" },
		{ "key-type", "p384\n", "p384\n", "rsa1024\n", "no CA" },
		{ "exportable", "NO\n", "no\n", "maybe\n", "yes or no" },
		{ "friendly-name", "Mail \xc3\xbc\n", "Mail \xc3\xbc\n", "a\x1b[1mb\n",
		  "not printable" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		char path[512];

		fx_path(path, "EX01/mail/%s", cases[i].file);
		fx_ok(f, fx_write(f, path, cases[i].good));
		fx_assert_text(f, path, cases[i].shown);
		fx_assert_refused(f, fx_write(f, path, cases[i].bad), EINVAL, cases[i].words);
		fx_assert_text(f, path, cases[i].shown);
	}
}

static void friendly_name__has_at_most_63_characters(void **state)
{
	struct fixture *f = *state;
	char name[130] = "";

	for (int i = 0; i < 63; i++)
		strcat(name, "\xc3\xbc");
	fx_ok(f, fx_write(f, "EX01/mail/friendly-name", name));
	strcat(name, "x");
	fx_assert_refused(f, fx_write(f, "EX01/mail/friendly-name", name), EINVAL,
			  "at most 63 characters, not 64");
}

static void unlink__resets_a_file_of_a_draft(void **state)
{
	struct fixture *f = *state;
	uint64_t ino = fx_stat(f, "EX01/mail").ino;

	fx_ok(f, fx_write(f, "EX01/mail/key-type", "p256"));
	fx_ok(f, cf_tree_unlink(f->tree, &f->ctx, ino, "key-type", &f->err));
	fx_assert_text(f, "EX01/mail/key-type", "rsa2048\n");
	fx_ok(f, cf_tree_unlink(f->tree, &f->ctx, ino, "status", &f->err));
	fx_assert_text(f, "EX01/mail/status", "Draft\n");
	fx_request(f, "EX01", "made");
	ino = fx_stat(f, "EX01/made").ino;
	fx_assert_refused(f, cf_tree_unlink(f->tree, &f->ctx, ino, "key-type", &f->err), EPERM,
			  "part of a request");
	fx_assert_text(f, "EX01/made/key-type", "p256\n");
}

static void request__takes_properties_and_the_name_line_by_line(void **state)
{
	struct fixture *f = *state;
	struct cf_open *open;

	fx_ok(f, fx_open_file(f, "EX01/mail/request.csr", O_WRONLY | O_CREAT, &open));
	fx_ok(f, cf_tree_flush(f->tree, &f->ctx, open, &f->err));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("key-type = p2"), &f->err));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 13,
			       cf_span_text("56\r\ndomains = b.example, c.example\n"), &f->err));
	fx_assert_text(f, "EX01/mail/status", "Draft\n");
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 48, cf_span_text("subject = CN=a.example\n"),
			       &f->err));
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	fx_assert_text(f, "EX01/mail/domains", "a.example\nb.example\nc.example\n");
	fx_assert_refused(
		f, cf_tree_write(f->tree, &f->ctx, open, 71, cf_span_text("more\n"), &f->err),
		EACCES, "nothing can be added");
	cf_tree_release(f->tree, open);
}

static void request__unfinished_name_is_taken_at_close(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_write(f, "EX01/mail/key-type", "p256\n"));
	fx_ok(f, fx_write(f, "EX01/mail/request.csr", "CN=a.example"));
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
}

static void request__touch_uses_the_files_of_the_draft(void **state)
{
	struct fixture *f = *state;
	struct cf_setattr set = { .has_mtime = true, .has_atime = true, .mtime = CF_SECOND };
	struct cf_open *open;
	struct cf_attr attr;
	uint64_t parent;

	fx_ok(f, fx_write(f, "EX01/mail/key-type", "p256\n"));
	fx_ok(f, fx_open_file(f, "EX01/mail/request.csr", O_WRONLY | O_CREAT, &open));
	assert_int_equal(fx_lookup(f, "EX01/mail/request.csr", &parent, &attr), -ENOENT);
	cf_err_reset(&f->err);
	fx_ok(f, cf_tree_setattr(f->tree, &f->ctx, open->ino, open, &set, &attr, &f->err));
	cf_tree_release(f->tree, open);
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	fx_assert_text(f, "EX01/mail/subject", "CN=EX01\n");
	fx_assert_text(f, "EX01/mail/domains", "EX01\n");
}

/* cp -p sets times before it closes, and tells the kernel no handle: the line waits for close(2). */
static void request__times_set_while_a_line_waits_make_nothing(void **state)
{
	struct fixture *f = *state;
	struct cf_setattr set = { .has_mtime = true, .has_atime = true, .mtime = CF_SECOND };
	struct cf_open *open;
	struct cf_attr attr;

	fx_ok(f, fx_write(f, "EX01/mail/key-type", "p256\n"));
	fx_ok(f, fx_open_file(f, "EX01/mail/request.csr", O_WRONLY | O_CREAT, &open));
	fx_ok(f, cf_tree_write(f->tree, &f->ctx, open, 0, cf_span_text("CN=a.example"), &f->err));
	fx_ok(f, cf_tree_setattr(f->tree, &f->ctx, open->ino, NULL, &set, &attr, &f->err));
	fx_assert_text(f, "EX01/mail/status", "Draft\n");
	fx_ok(f, cf_tree_flush(f->tree, &f->ctx, open, &f->err));
	cf_tree_release(f->tree, open);
	fx_assert_text(f, "EX01/mail/subject", "CN=a.example\n");
}

static void request__lines_move_the_times_of_what_they_change(void **state)
{
	struct fixture *f = *state;
	cf_time before = fx_stat(f, "EX01/mail/key-type").mtime;
	cf_time same = fx_stat(f, "EX01/mail/exportable").mtime;

	fx_ok(f, fx_write(f, "EX01/mail/request.csr",
			  "key-type = p256\nfriendly-name = X\nCN=a.example\n"));
	assert_true(fx_stat(f, "EX01/mail/key-type").mtime > before);
	assert_true(fx_stat(f, "EX01/mail/friendly-name").mtime > before);
	assert_true(fx_stat(f, "EX01/mail/subject").mtime > before);
	assert_int_equal(fx_stat(f, "EX01/mail/exportable").mtime, same);
}

static void request__refused_lines_leave_the_draft_as_it_was(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "key-type = rsa1024\nCN=a.example\n", "rsa1024" },
		{ "CN=a.example\nkey-type = p256\n", "the name is the last line" },
		{ "CN=a.example\njunk", "the name is the last line" },
		{ "colour = red\nCN=a.example\n",
		  "neither a property nor the beginning of a name" },
		{ "CN=*.*.example\n", "wildcard" },
		{ "CN=bad_name.example\n", "bad_name.example" },
		{ "domains = a_b\nCN=Contoso Mail\n", "a_b" },
		{ "O=Contoso\n", "CN" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(cases); i++) {
		fx_assert_refused(f, fx_write(f, "EX01/mail/request.csr", cases[i].text), EINVAL,
				  cases[i].words);
		fx_assert_text(f, "EX01/mail/status", "Draft\n");
		fx_assert_text(f, "EX01/mail/subject", "");
		fx_assert_text(f, "EX01/mail/key-type", "rsa2048\n");
		fx_assert_text(f, "EX01/mail/domains", "");
	}
}

static void request__is_made_once(void **state)
{
	struct fixture *f = *state;
	struct cf_buf first = { 0 };

	fx_request(f, "EX01", "once");
	fx_ok(f, fx_read(f, "EX01/once/request.csr"));
	cf_buf_move(&first, &f->text);
	fx_assert_refused(f, fx_write(f, "EX01/once/request.csr", "CN=b.example\n"), EACCES,
			  "the request is made");
	fx_assert_text(f, "EX01/once/request.csr", first.data);
	cf_buf_done(&first);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(server__names_differ_in_more_than_case),
		T(rename__keeps_inode_and_moves_between_servers),
		T(move__keeps_the_key_and_needs_empty_services),
		T(property__good_values_are_set_and_bad_ones_change_nothing),
		T(friendly_name__has_at_most_63_characters),
		T(unlink__resets_a_file_of_a_draft),
		T(request__takes_properties_and_the_name_line_by_line),
		T(request__unfinished_name_is_taken_at_close),
		T(request__touch_uses_the_files_of_the_draft),
		T(request__times_set_while_a_line_waits_make_nothing),
		T(request__lines_move_the_times_of_what_they_change),
		T(request__refused_lines_leave_the_draft_as_it_was),
		T(request__is_made_once),
	};

	return cmocka_run_group_tests_name("draft", tests, NULL, NULL);
}
