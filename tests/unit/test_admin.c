/* core/procedures/admin: the commands of certfsctl, and the address of the socket. */
#include "tests/unit/store_fixture.h"

#include "core/procedures/admin.h"

#define W(text) ((char *)(text)) /* a word is not const, as in argv */

static const struct cf_admin_command *find(struct fixture *f, int n, char **words, int *ret)
{
	cf_err_reset(&f->err);
	*ret = 0;
	return cf_admin_find(cf_admin_commands, n, words, false, ret, &f->err);
}

static void find__takes_each_command_with_the_words_it_needs(void **state)
{
	struct fixture *f = *state;
	char *check[] = { W("check") };
	char *backup[] = { W("backup"), W("/file") };
	int r;

	assert_string_equal(find(f, 1, check, &r)->name, "check");
	assert_string_equal(find(f, 2, backup, &r)->name, "backup");
}

static void find__with_too_few_or_too_many_words_says_the_usage(void **state)
{
	struct fixture *f = *state;
	char *words[] = { W("backup"), W("/file"), W("/other") };
	int r;

	assert_null(find(f, 1, words, &r));
	assert_int_equal(r, -EINVAL);
	assert_string_equal(f->err.text, "usage: backup FILE");
	assert_null(find(f, 3, words, &r));
	assert_int_equal(r, -EINVAL);
}

static void find__of_another_word_or_none_is_ENOENT(void **state)
{
	struct fixture *f = *state;
	char *words[] = { W("checks") };
	int r;

	assert_null(find(f, 1, words, &r));
	assert_int_equal(r, -ENOENT);
	assert_null(find(f, 0, words, &r));
	assert_int_equal(r, -ENOENT);
}

static void ignore(void *arg, const char *line)
{
	(void)line;
	++*(int *)arg;
}

static int run(struct fixture *f, int n, char **words)
{
	const struct cf_core core = { .store = f->store, .vault = f->vault, .clock = &f->clock };
	struct cf_ctx ctx = { .core = &core };
	int lines = 0, r;
	const struct cf_admin admin = {
		.ctx = &ctx,
		.n = n - 1,
		.words = words + 1,
		.report = ignore,
		.arg = &lines,
	};
	const struct cf_admin_command *command = find(f, n, words, &r);

	assert_non_null(command);
	return command->run(&admin, &f->err);
}

static void split__takes_words_that_end_in_NUL_and_empty_ones(void **state)
{
	char text[] = "undelete\0\0EX01/mail";
	char *words[CF_ADMIN_WORDS];

	(void)state;
	assert_int_equal(cf_admin_split(text, sizeof(text), words), 3);
	assert_string_equal(words[0], "undelete");
	assert_string_equal(words[1], "");
	assert_string_equal(words[2], "EX01/mail");
}

static void split__of_nothing_of_too_much_or_of_what_has_no_end_is_none(void **state)
{
	char text[CF_ADMIN_MAX + 1] = { 0 };
	char *words[CF_ADMIN_WORDS];

	(void)state;
	assert_int_equal(cf_admin_split(text, 0, words), -1);
	assert_int_equal(cf_admin_split(text, CF_ADMIN_WORDS, words), CF_ADMIN_WORDS);
	assert_int_equal(cf_admin_split(text, CF_ADMIN_WORDS + 1, words), -1);
	memset(text, 'x', sizeof(text));
	assert_int_equal(cf_admin_split(text, 10, words), -1);
	text[CF_ADMIN_MAX - 1] = text[CF_ADMIN_MAX] = '\0';
	assert_int_equal(cf_admin_split(text, CF_ADMIN_MAX, words), 1);
	/* What recv(2) says of a longer message that begins like this one. */
	assert_int_equal(cf_admin_split(text, CF_ADMIN_MAX + 1, words), -1);
}

static void check__of_a_sound_store_is_0(void **state)
{
	char *words[] = { W("check") };

	assert_int_equal(run(*state, 1, words), 0);
}

static void backup__makes_a_new_file_for_the_owner_alone(void **state)
{
	struct fixture *f = *state;
	char copy[160];
	char *words[] = { W("backup"), copy };
	struct stat st;

	snprintf(copy, sizeof(copy), "%s/copy", f->dir);
	assert_ok(f, run(f, 2, words));
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(run(f, 2, words), -EEXIST);
}

/* The mounting process has another folder than who asks. */
/* Listens beside a store of this name and connects to it. */
static void reach(struct fixture *f, const char *store)
{
	struct sockaddr_un address;
	int folder, server = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	int client = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	assert_ok(f, cf_admin_address(store, &address, &folder, &f->err));
	assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(unlink(address.sun_path), 0);
	close(client);
	close(server);
	if (folder >= 0)
		close(folder);
}

static void address__is_beside_the_store_also_below_a_long_path(void **state)
{
	struct fixture *f = *state;
	char folder[300], store[400];

	reach(f, f->path);
	snprintf(folder, sizeof(folder), "%s/%0100d", f->dir, 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(store, sizeof(store), "%s/store", folder);
	reach(f, store);
	assert_int_equal(rmdir(folder), 0);
}

static void address__of_a_long_name_is_ENAMETOOLONG(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address;
	char store[400];
	int folder;

	snprintf(store, sizeof(store), "%s/%0200d", f->dir, 0);
	assert_int_equal(cf_admin_address(store, &address, &folder, &f->err), -ENAMETOOLONG);
	assert_int_equal(folder, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(find__takes_each_command_with_the_words_it_needs),
		TEST(find__with_too_few_or_too_many_words_says_the_usage),
		TEST(find__of_another_word_or_none_is_ENOENT),
		TEST(split__takes_words_that_end_in_NUL_and_empty_ones),
		TEST(split__of_nothing_of_too_much_or_of_what_has_no_end_is_none),
		TEST(check__of_a_sound_store_is_0),
		TEST(backup__makes_a_new_file_for_the_owner_alone),
		TEST(address__is_beside_the_store_also_below_a_long_path),
		TEST(address__of_a_long_name_is_ENAMETOOLONG),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
