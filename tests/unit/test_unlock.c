/* core/procedures/unlock: a store and its key file, made together, never one for an old other. */
#include "tests/unit/store_fixture.h"

#include "core/procedures/unlock.h"

/* A folder of its own, a store and a key file that may be there or not. */
struct place {
	struct fixture base;
	char key[200];
	struct cf_clock clock;
	struct cf_core core;
};

static int setup_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	make_folder(&p->base);
	snprintf(p->key, sizeof(p->key), "%s/key", p->base.dir);
	*state = p;
	return 0;
}

static int teardown_place(void **state)
{
	struct place *p = *state;

	cf_unlock_close(&p->core);
	return teardown(state);
}

static int unlock(struct place *p, struct cf_unlock how)
{
	how.store = how.store ? how.store : p->base.path;
	how.who = "a test";
	how.clock = &p->clock;
	return cf_unlock(&how, &p->core, &p->base.damaged, &p->base.err);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void make_both(struct place *p)
{
	assert_ok(&p->base, unlock(p, (struct cf_unlock){ .key_file = p->key, .create = true }));
	cf_unlock_close(&p->core);
}

static void unlock__where_neither_is_there_makes_both_for_the_owner_alone(void **state)
{
	struct place *p = *state;
	struct stat st;

	make_both(p);
	assert_int_equal(stat(p->key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(p->base.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(&p->base, unlock(p, (struct cf_unlock){ .key_file = p->key }));
	assert_int_equal(p->base.damaged, 0);
	assert_non_null(p->core.store);
	assert_non_null(p->core.vault);
	assert_ptr_equal(p->core.clock, &p->clock);
}

static void unlock__a_key_that_is_there_serves_a_new_store(void **state)
{
	struct place *p = *state;
	uint8_t before[CF_KEY_SIZE], after[CF_KEY_SIZE];

	assert_ok(&p->base, cf_vault_key_file_create(p->key, before, &p->base.err));
	make_both(p);
	assert_ok(&p->base, cf_vault_key_file_read(p->key, after, &p->base.err));
	assert_memory_equal(before, after, sizeof(before));
}

static void unlock__an_old_store_gets_no_new_key(void **state)
{
	struct place *p = *state;

	make_both(p);
	assert_int_equal(unlink(p->key), 0);
	assert_int_equal(unlock(p, (struct cf_unlock){ .key_file = p->key, .create = true }),
			 -ENOENT);
	assert_non_null(strstr(p->base.err.text, p->key));
	assert_false(is_there(p->key));
	assert_null(p->core.store);
}

static void unlock__another_stores_key_is_EKEYREJECTED_and_named(void **state)
{
	struct place *p = *state;
	uint8_t key[CF_KEY_SIZE];

	make_both(p);
	assert_int_equal(unlink(p->key), 0);
	assert_ok(&p->base, cf_vault_key_file_create(p->key, key, &p->base.err));
	assert_int_equal(unlock(p, (struct cf_unlock){ .key_file = p->key, .create = true }),
			 -EKEYREJECTED);
	assert_non_null(strstr(p->base.err.text, p->base.path));
	assert_non_null(strstr(p->base.err.text, p->key));
	assert_null(p->core.store);
	assert_null(p->core.vault);
}

static void unlock__without_a_key_file_is_ENOKEY_and_makes_nothing(void **state)
{
	struct place *p = *state;

	assert_int_equal(unlock(p, (struct cf_unlock){ .create = true }), -ENOKEY);
	assert_non_null(strstr(p->base.err.text, "key-file="));
	assert_false(is_there(p->base.path));
}

static void unlock__a_store_that_is_missing_is_ENOENT_unless_it_may_be_made(void **state)
{
	struct place *p = *state;

	assert_int_equal(unlock(p, (struct cf_unlock){ .key_file = p->key }), -ENOENT);
	assert_non_null(strstr(p->base.err.text, p->base.path));
	assert_false(is_there(p->key));
}

static void unlock__only_create_refuses_each_that_exists_and_makes_no_other(void **state)
{
	struct place *p = *state;
	const struct cf_unlock both = { .key_file = p->key, .create = true, .only_create = true };
	uint8_t key[CF_KEY_SIZE];

	assert_ok(&p->base, cf_vault_key_file_create(p->key, key, &p->base.err));
	assert_int_equal(unlock(p, both), -EEXIST);
	assert_false(is_there(p->base.path));
	cf_err_reset(&p->base.err);
	make_both(p);
	assert_int_equal(unlink(p->key), 0);
	assert_int_equal(unlock(p, both), -EEXIST);
	assert_false(is_there(p->key));
}

static void unlock__a_key_that_was_made_goes_when_the_store_cannot_be_made(void **state)
{
	struct place *p = *state;
	char nowhere[200];

	snprintf(nowhere, sizeof(nowhere), "%s/nowhere/store", p->base.dir);
	assert_true(unlock(p, (struct cf_unlock){
				      .store = nowhere, .key_file = p->key, .create = true }) < 0);
	assert_false(is_there(p->key));
}

/* The power went between the store and its first key. */
static void unlock__a_store_without_any_key_is_finished(void **state)
{
	struct place *p = *state;
	struct fixture *f = &p->base;

	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	close_store(f);
	assert_ok(f, cf_vault_key_file_create(p->key, f->key, &f->err));
	make_both(p);
	assert_ok(f, unlock(p, (struct cf_unlock){ .key_file = p->key }));
}

static void unlock__without_key_opens_and_unlocks_nothing(void **state)
{
	struct place *p = *state;

	make_both(p);
	assert_ok(&p->base, unlock(p, (struct cf_unlock){ .without_key = true }));
	assert_non_null(p->core.store);
	assert_null(p->core.vault);
}

static void path__of_a_link_is_the_store_itself(void **state)
{
	struct place *p = *state;
	char link[200];
	char *real = NULL;

	make_both(p);
	snprintf(link, sizeof(link), "%s/other", p->base.dir);
	assert_int_equal(symlink("store", link), 0);
	assert_ok(&p->base, cf_unlock_path(link, &real, &p->base.err));
	assert_string_equal(real, p->base.path);
	free(real);
}

static void path__of_a_new_store_is_in_its_folder_which_must_exist(void **state)
{
	struct place *p = *state;
	char *path = NULL;
	char name[200];

	assert_ok(&p->base, cf_unlock_path(p->base.path, &path, &p->base.err));
	assert_string_equal(path, p->base.path);
	free(path);
	snprintf(name, sizeof(name), "%s/nowhere/store", p->base.dir);
	assert_int_equal(cf_unlock_path(name, &path, &p->base.err), -ENOENT);
	cf_err_reset(&p->base.err);
	snprintf(name, sizeof(name), "%s/", p->base.dir);
	assert_int_equal(cf_unlock_path(name, &path, &p->base.err), -EINVAL);
	cf_err_reset(&p->base.err);
	assert_int_equal(cf_unlock_path("", &path, &p->base.err), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_place, teardown_place)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(unlock__where_neither_is_there_makes_both_for_the_owner_alone),
		TEST(unlock__a_key_that_is_there_serves_a_new_store),
		TEST(unlock__an_old_store_gets_no_new_key),
		TEST(unlock__another_stores_key_is_EKEYREJECTED_and_named),
		TEST(unlock__without_a_key_file_is_ENOKEY_and_makes_nothing),
		TEST(unlock__a_store_that_is_missing_is_ENOENT_unless_it_may_be_made),
		TEST(unlock__only_create_refuses_each_that_exists_and_makes_no_other),
		TEST(unlock__a_key_that_was_made_goes_when_the_store_cannot_be_made),
		TEST(unlock__a_store_without_any_key_is_finished),
		TEST(unlock__without_key_opens_and_unlocks_nothing),
		TEST(path__of_a_link_is_the_store_itself),
		TEST(path__of_a_new_store_is_in_its_folder_which_must_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
