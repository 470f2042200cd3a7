/* core/vault: key files, key slots, sealed values. */
#include "tests/unit/store_fixture.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "core/vault/vault_private.h"

/* -- helpers --------------------------------------------------------------------------------- */

static const char *key_path(struct fixture *f)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/key", f->dir);
	return path;
}

static const char *sentence(struct fixture *f, const char *why)
{
	static char text[300];

	snprintf(text, sizeof(text), "the key file %s %s", key_path(f), why);
	return text;
}

static void make_file(struct fixture *f, size_t n, mode_t mode)
{
	static const uint8_t bytes[64] = "0123456789abcdef0123456789abcdef";
	int fd;

	unlink(key_path(f));
	fd = open(key_path(f), O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int read_key_file(struct fixture *f)
{
	return cf_vault_key_file_read(key_path(f), f->key, &f->err);
}

/* -- key files ------------------------------------------------------------------------------- */

static void key_file__is_made_once_and_read_back(void **state)
{
	struct fixture *f = *state;
	uint8_t made[CF_KEY_SIZE], other[CF_KEY_SIZE];
	mode_t before = umask(0);
	struct stat st;

	assert_ok(f, cf_vault_key_file_create(key_path(f), made, &f->err));
	umask(before);
	assert_int_equal(stat(key_path(f), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_ok(f, read_key_file(f));
	assert_memory_equal(f->key, made, sizeof(made));
	memset(other, 0, sizeof(other));
	assert_refused(f, EEXIST, sentence(f, "is there already"),
		       cf_vault_key_file_create(key_path(f), other, &f->err));
	for (size_t i = 0; i < sizeof(other); i++)
		assert_int_equal(other[i], 0);
	unlink(key_path(f));
	assert_ok(f, cf_vault_key_file_create(key_path(f), other, &f->err));
	assert_memory_not_equal(other, made, sizeof(made));
}

static void key_file__that_others_could_read_is_EACCES(void **state)
{
	static const mode_t refused[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644 };
	static const mode_t accepted[] = { 0600, 0400, 0700 };
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(refused); i++) {
		make_file(f, 32, refused[i]);
		assert_refused(f, EACCES, sentence(f, "is open to others; chmod 600 it"),
			       read_key_file(f));
		assert_int_equal(f->key[0], 'k'); /* unchanged */
	}
	for (size_t i = 0; i < CF_COUNT(accepted); i++) {
		make_file(f, 32, accepted[i]);
		assert_ok(f, read_key_file(f));
	}
	assert_memory_equal(f->key, "0123456789abcdef0123456789abcdef", 32);
}

static void key_file__has_exactly_32_bytes(void **state)
{
	static const size_t refused[] = { 0, 1, 31, 33, 64 };
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(refused); i++) {
		make_file(f, refused[i], 0600);
		assert_refused(f, EINVAL, sentence(f, "must have exactly 32 bytes"),
			       read_key_file(f));
	}
}

static void key_file__is_a_regular_file(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, ENOENT, sentence(f, "does not exist"), read_key_file(f));
	assert_int_equal(symlink("/dev/null", key_path(f)), 0);
	assert_refused(f, EACCES, sentence(f, "is a symbolic link"), read_key_file(f));
	unlink(key_path(f));
	assert_int_equal(mkfifo(key_path(f), 0600), 0);
	assert_refused(f, EACCES, sentence(f, "is not a regular file"), read_key_file(f));
	unlink(key_path(f));
	assert_int_equal(mkdir(key_path(f), 0700), 0);
	assert_refused(f, EACCES, sentence(f, "is not a regular file"), read_key_file(f));
	rmdir(key_path(f));
}

static void key_file__of_somebody_else_is_EACCES(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		leave_out();
	make_file(f, 32, 0600);
	assert_int_equal(chown(key_path(f), 65534, 65534), 0);
	assert_refused(f, EACCES, sentence(f, "belongs to somebody else"), read_key_file(f));
	assert_int_equal(chown(key_path(f), 0, 0), 0);
	assert_ok(f, read_key_file(f));
}

static void key_file__in_no_folder_is_ENOENT(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, ENOENT, "the key file /dev/shm/not/here/key No such file or directory",
		       cf_vault_key_file_create("/dev/shm/not/here/key", f->key, &f->err));
}

/* -- unlocking ------------------------------------------------------------------------------- */

static int unlock_with(struct fixture *f, uint8_t first_byte)
{
	uint8_t key[CF_KEY_SIZE];

	memcpy(key, f->key, sizeof(key));
	key[0] = first_byte;
	return cf_vault_unlock(f->store, CF_SLOT_KEY(key), &f->vault, NULL, &f->err);
}

static void unlock__another_key_is_EKEYREJECTED(void **state)
{
	struct fixture *f = *state;

	add_server(f, "EX01");
	close_store(f);
	assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
	assert_refused(f, EKEYREJECTED, "the key isn't this store's", unlock_with(f, 'x'));
	assert_null(f->vault);
	assert_refused(f, EIO, "the store is not unlocked",
		       cf_store_begin(f->store, false, &f->db, &f->err));
	assert_ok(f, unlock_with(f, 'k'));
}

static void unlock__every_bit_of_a_slot_matters(void **state)
{
	struct fixture *f = *state;
	int64_t bits = look_up(f, "SELECT 8 * length(wrapped) FROM slot");

	assert_int_equal(bits, 8 * (CF_KEY_SIZE + CF_SEAL_OVERHEAD));
	close_store(f);
	for (int64_t bit = 0; bit < bits; bit++) {
		flip(f, "slot", "wrapped", bit);
		assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
		assert_refused(f, EKEYREJECTED, "the key isn't this store's", unlock_with(f, 'k'));
		close_store(f);
		flip(f, "slot", "wrapped", bit);
	}
	/* Whose it is, when it was made, the store's UUID. */
	for (int64_t bit = 0; bit < 8 * 16; bit += 5) {
		flip(f, "slot", "uuid", bit);
		assert_int_equal(reopen(f), -EKEYREJECTED);
		cf_err_reset(&f->err);
		close_store(f);
		flip(f, "slot", "uuid", bit);
	}
	for (int64_t bit = 0; bit < look_up(f, "SELECT 8 * length(params) FROM slot"); bit += 5) {
		int r;

		flip(f, "slot", "params", bit);
		r = reopen(f);
		assert_true(r == -EKEYREJECTED || r == -EINVAL);
		cf_err_reset(&f->err);
		close_store(f);
		flip(f, "slot", "params", bit);
	}
	flip(f, "header", "uuid", 0);
	assert_int_equal(reopen(f), -EKEYREJECTED);
	cf_err_reset(&f->err);
	flip(f, "header", "uuid", 0);
	assert_ok(f, reopen(f));
}

static void unlock__every_bit_of_the_store_s_own_keys_matters(void **state)
{
	struct fixture *f = *state;
	int64_t bits = look_up(f, "SELECT 8 * length(wrapped) FROM header");

	close_store(f);
	for (int64_t bit = 0; bit < bits; bit += 7) {
		flip(f, "header", "wrapped", bit);
		assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
		assert_refused(f, EIO,
			       "the store's own keys aren't what certfs stored; restore a backup",
			       unlock_with(f, 'k'));
		close_store(f);
		flip(f, "header", "wrapped", bit);
	}
	assert_ok(f, reopen(f));
}

static void unlock__a_slot_of_another_kind_is_passed_over(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	tamper(f, "INSERT INTO slot VALUES (5, x'', 1, x'', 77, x'00', x'00')");
	assert_ok(f, reopen(f));
	assert_true(cf_store_damaged(f->store, 0)); /* but not unnoticed */
	tamper(f, "UPDATE slot SET type = 77");
	assert_int_equal(reopen(f), -EKEYREJECTED);
}

static void unlock__emptied_slots_do_not_make_a_new_store(void **state)
{
	struct fixture *f = *state;

	add_server(f, "EX01");
	close_store(f);
	tamper(f, "DELETE FROM slot");
	assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
	assert_refused(f, EIO, "a tally of the store isn't what certfs wrote",
		       cf_vault_create(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->err));
	assert_refused(f, EIO, "the store is not unlocked",
		       cf_store_begin(f->store, false, &f->db, &f->err));
	assert_int_equal(look_up(f, "SELECT count(*) FROM slot"), 0);
	assert_int_equal(look_up(f, "SELECT count(*) FROM server"), 1);
}

static void keys__are_of_this_store_and_stay(void **state)
{
	struct fixture *f = *state;
	uint8_t pfx[CF_KEY_SIZE], master[CF_KEY_SIZE];

	memcpy(pfx, cf_vault_pfx_key(f->vault), sizeof(pfx));
	memcpy(master, f->vault->master, sizeof(master));
	assert_memory_not_equal(pfx, master, sizeof(pfx));
	assert_memory_not_equal(f->vault->row_key, f->vault->event_key, sizeof(pfx));
	assert_memory_not_equal(f->vault->set_key, f->vault->tally_key, sizeof(pfx));
	assert_ok(f, reopen(f));
	assert_memory_equal(pfx, cf_vault_pfx_key(f->vault), sizeof(pfx));
	close_store(f);
	unlink(f->path);
	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	assert_ok(f, cf_vault_create(f->store, CF_SLOT_KEY(f->key), &f->vault, &f->err));
	assert_memory_not_equal(pfx, cf_vault_pfx_key(f->vault), sizeof(pfx));
	assert_memory_not_equal(master, f->vault->master, sizeof(master));
}

static void keys__are_not_in_the_files_nor_in_children(void **state)
{
	struct fixture *f = *state;
	static const uint8_t zero[CF_KEY_SIZE];
	char path[200], *bytes;
	struct stat st;
	int fd, status;
	pid_t child;

	put_key(f, add_certificate(f, add_server(f, "EX01"), "mail"), 1, "a very private key");
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, i ? "-wal" : "");
		fd = open(path, O_RDONLY);
		assert_int_equal(fstat(fd, &st), 0);
		bytes = malloc((size_t)st.st_size + 1);
		assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
		close(fd);
		assert_null(memmem(bytes, (size_t)st.st_size, "a very private key", 18));
		assert_null(memmem(bytes, (size_t)st.st_size, f->vault->master, CF_KEY_SIZE));
		assert_null(memmem(bytes, (size_t)st.st_size, f->vault->pfx_key, CF_KEY_SIZE));
		assert_null(memmem(bytes, (size_t)st.st_size, f->key, CF_KEY_SIZE));
		free(bytes);
	}
	child = fork();
	if (child == 0)
		_exit(memcmp(f->vault->master, zero, sizeof(zero)) == 0 ? 0 : 1);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* -- values ---------------------------------------------------------------------------------- */

static const struct cf_owner root = { .object = CF_OBJECT_ROOT };

static int put(struct fixture *f, const struct cf_owner *owner, enum cf_secret_kind kind,
	       const char *text)
{
	int r;

	begin(f);
	r = cf_vault_put(f->vault, f->db, owner, kind, cf_span_text(text), &f->err);
	if (r == 0)
		commit(f);
	else
		done(f);
	return r;
}

static void assert_value(struct fixture *f, const struct cf_owner *owner, enum cf_secret_kind kind,
			 const char *text)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };
	int r;

	start_reading(f);
	cf_err_reset(&f->err);
	r = cf_vault_get(f->vault, f->db, owner, kind, &out, &f->err);
	done(f);
	if (!text) {
		assert_int_equal(r, -ENOENT);
		assert_string_equal(f->err.text, "no such secret");
		cf_err_reset(&f->err);
		return;
	}
	assert_ok(f, r);
	assert_string_equal(cf_buf_text(&out), text);
	assert_int_equal(out.len, strlen(text));
}

static void value__is_put_replaced_and_deleted_by_owner_and_kind(void **state)
{
	struct fixture *f = *state;
	const struct cf_owner server = { CF_OBJECT_SERVER, add_server(f, "EX01"), 1, NULL };

	assert_value(f, &root, CF_SECRET_EXPORT_PASSWORD, NULL);
	assert_ok(f, put(f, &root, CF_SECRET_EXPORT_PASSWORD, "root out"));
	assert_ok(f, put(f, &root, CF_SECRET_IMPORT_PASSWORD, "root in"));
	assert_ok(f, put(f, &server, CF_SECRET_EXPORT_PASSWORD, "server out"));
	assert_ok(f, put(f, &root, CF_SECRET_EXPORT_PASSWORD, "root out, again"));
	assert_value(f, &root, CF_SECRET_EXPORT_PASSWORD, "root out, again");
	assert_value(f, &root, CF_SECRET_IMPORT_PASSWORD, "root in");
	assert_value(f, &server, CF_SECRET_EXPORT_PASSWORD, "server out");
	assert_value(f, &server, CF_SECRET_IMPORT_PASSWORD, NULL);
	begin(f);
	assert_ok(f, cf_vault_delete(f->vault, f->db, &root, CF_SECRET_EXPORT_PASSWORD, &f->err));
	assert_ok(f, cf_vault_delete(f->vault, f->db, &root, CF_SECRET_EXPORT_PASSWORD, &f->err));
	commit(f);
	assert_value(f, &root, CF_SECRET_EXPORT_PASSWORD, NULL);
	assert_value(f, &root, CF_SECRET_IMPORT_PASSWORD, "root in");
	assert_int_equal(look_up(f, "SELECT count(*) FROM secret"), 2);
	assert_findings(f, "");
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_value(f, &server, CF_SECRET_EXPORT_PASSWORD, "server out");
}

static void value__may_be_empty(void **state)
{
	struct fixture *f = *state;

	assert_ok(f, put(f, &root, CF_SECRET_EXPORT_PASSWORD, ""));
	assert_value(f, &root, CF_SECRET_EXPORT_PASSWORD, "");
}

static void value__sealed_again_is_other_bytes(void **state)
{
	struct fixture *f = *state;
	struct cf_secret a, b;

	assert_ok(f, put(f, &root, CF_SECRET_EXPORT_PASSWORD, "same"));
	start_reading(f);
	assert_ok(f, cf_store_secret_get(f->db, CF_OBJECT_ROOT, 0, CF_SECRET_EXPORT_PASSWORD, &a,
					 &f->err));
	done(f);
	assert_ok(f, put(f, &root, CF_SECRET_EXPORT_PASSWORD, "same"));
	start_reading(f);
	assert_ok(f, cf_store_secret_get(f->db, CF_OBJECT_ROOT, 0, CF_SECRET_EXPORT_PASSWORD, &b,
					 &f->err));
	done(f);
	assert_int_equal(a.sealed.len, strlen("same") + CF_SEAL_OVERHEAD);
	assert_int_equal(a.sealed.len, b.sealed.len);
	assert_memory_not_equal(a.sealed.data, b.sealed.data, a.sealed.len);
	assert_memory_equal(a.uuid, b.uuid, sizeof(a.uuid));
	assert_int_equal(b.version, a.version + 1);
	cf_secret_done(&a);
	cf_secret_done(&b);
}

static void value__undone_with_its_transaction(void **state)
{
	struct fixture *f = *state;

	assert_ok(f, put(f, &root, CF_SECRET_EXPORT_PASSWORD, "kept"));
	begin(f);
	assert_ok(f, cf_vault_put(f->vault, f->db, &root, CF_SECRET_EXPORT_PASSWORD,
				  cf_span_text("dropped"), &f->err));
	done(f);
	assert_value(f, &root, CF_SECRET_EXPORT_PASSWORD, "kept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITHOUT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
		WITHOUT(key_file__is_made_once_and_read_back),
		WITHOUT(key_file__that_others_could_read_is_EACCES),
		WITHOUT(key_file__has_exactly_32_bytes),
		WITHOUT(key_file__is_a_regular_file),
		WITHOUT(key_file__of_somebody_else_is_EACCES),
		WITHOUT(key_file__in_no_folder_is_ENOENT),
		WITH(unlock__another_key_is_EKEYREJECTED),
		WITH(unlock__every_bit_of_a_slot_matters),
		WITH(unlock__every_bit_of_the_store_s_own_keys_matters),
		WITH(unlock__a_slot_of_another_kind_is_passed_over),
		WITH(unlock__emptied_slots_do_not_make_a_new_store),
		WITH(keys__are_of_this_store_and_stay),
		WITH(keys__are_not_in_the_files_nor_in_children),
		WITH(value__is_put_replaced_and_deleted_by_owner_and_kind),
		WITH(value__may_be_empty),
		WITH(value__sealed_again_is_other_bytes),
		WITH(value__undone_with_its_transaction),
	};

	return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
