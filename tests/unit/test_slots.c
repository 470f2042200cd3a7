/* Key slots: what opens them, what is refused, and the commands that change them. */
#include "tests/unit/store_fixture.h"

#include "core/procedures/admin.h"
#include "core/vault/vault_private.h"

#define LOG_N CF_SCRYPT_LOG_N_MIN /* quick: 32 MiB and a tenth of a second */

/* -- helpers --------------------------------------------------------------------------------- */

static struct cf_slot_secret text_secret(const char *text)
{
	return (struct cf_slot_secret){ .type = CF_SLOT_PASSPHRASE,
					.bytes = cf_span_text(text),
					.log_n = LOG_N };
}

static int64_t add_slot(struct fixture *f, const struct cf_slot_secret *secret)
{
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };

	assert_ok(f, cf_vault_slot_make(f->vault, secret, cf_store_now(f->store), &slot, &f->err));
	begin(f);
	assert_ok(f, cf_store_slot_add(f->db, &slot, &f->err));
	commit(f);
	return slot.id;
}

static int unlock(struct fixture *f, const struct cf_slot_secret *secret)
{
	int r;

	close_store(f);
	f->clock = (struct cf_clock){ 0 };
	cf_err_reset(&f->err);
	r = open_store(f, (struct cf_store_options){ 0 });
	return r < 0 ? r : cf_vault_unlock(f->store, secret, &f->vault, &f->damaged, &f->err);
}

static int unlock_text(struct fixture *f, const char *text)
{
	const struct cf_slot_secret secret = text_secret(text);

	return unlock(f, &secret);
}

/* The last line that a command reported. */
struct said {
	char last[200];
	int n;
};

static void hear(void *arg, const char *line)
{
	struct said *said = arg;

	snprintf(said->last, sizeof(said->last), "%s", line);
	said->n++;
}

/* A command as certfsctl has it run; words as one text, separated by blanks. */
static int run(struct fixture *f, const char *command, struct said *said)
{
	struct cf_core core = { .store = f->store, .vault = f->vault, .clock = &f->clock };
	struct cf_ctx ctx = { .core = &core, .caller = { .comm = "test" } };
	struct cf_admin admin = { .ctx = &ctx, .report = hear, .arg = said };
	const struct cf_admin_command *row;
	char copy[200], *words[8];
	int n = 0, r;

	memset(said, 0, sizeof(*said));
	cf_err_reset(&f->err);
	snprintf(copy, sizeof(copy), "%s", command);
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " "))
		words[n++] = p;
	row = cf_admin_find(cf_admin_commands, n, words, false, &r, &f->err);
	assert_non_null(row);
	admin.n = n - r;
	admin.words = words + r;
	r = row->run(&admin, &f->err);
	cf_ctx_done(&ctx);
	return r;
}

static int64_t n_slots(struct fixture *f)
{
	return look_up(f, "SELECT count(*) FROM slot");
}

/* -- passphrases ----------------------------------------------------------------------------- */

static void passphrase__opens_beside_the_key_file_and_no_other_does(void **state)
{
	struct fixture *f = *state;
	const struct cf_slot_secret secret = text_secret("correct horse");

	assert_int_equal(add_slot(f, &secret), 2);
	add_server(f, "EX01");
	assert_ok(f, unlock_text(f, "correct horse"));
	assert_int_equal(f->damaged, 0);
	assert_ok(f, unlock(f, CF_SLOT_KEY(f->key)));
	assert_refused(f, EKEYREJECTED, "the passphrase isn't this store's",
		       unlock_text(f, "correct hors"));
	assert_null(f->vault);
	assert_int_equal(unlock_text(f, "correct horse "), -EKEYREJECTED);
	assert_ok(f, unlock_text(f, "correct horse"));
}

static void passphrase__where_there_is_none_says_so(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, EKEYREJECTED, "the passphrase isn't this store's, which has none",
		       unlock_text(f, "anything"));
}

static void passphrase__empty_or_too_long_is_EINVAL(void **state)
{
	struct fixture *f = *state;
	cf_auto(cf_slot_done) struct cf_slot slot = { 0 };
	char longest[CF_PASSPHRASE_MAX + 2];
	struct cf_slot_secret secret = text_secret("");

	memset(longest, 'p', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_refused(f, EINVAL, "a passphrase can't be empty",
		       cf_vault_slot_make(f->vault, &secret, 1, &slot, &f->err));
	secret = text_secret(longest);
	assert_refused(f, EINVAL, "a passphrase has at most 1024 bytes",
		       cf_vault_slot_make(f->vault, &secret, 1, &slot, &f->err));
	longest[CF_PASSPHRASE_MAX] = '\0';
	secret = text_secret(longest);
	add_slot(f, &secret);
	assert_ok(f, unlock_text(f, longest));
}

/* A new store, whose only slot is a passphrase. */
static void make_with_passphrase(struct fixture *f, const char *text)
{
	const struct cf_slot_secret secret = text_secret(text);

	close_store(f);
	unlink(f->path);
	assert_ok(f, open_store(f, (struct cf_store_options){ .create = true }));
	assert_ok(f, cf_vault_create(f->store, &secret, &f->vault, &f->err));
	add_server(f, "EX01");
}

static void passphrase__can_be_the_first_slot_of_a_store(void **state)
{
	struct fixture *f = *state;

	make_with_passphrase(f, "the first");
	assert_ok(f, unlock_text(f, "the first"));
	assert_refused(f, EKEYREJECTED, "the key isn't this store's",
		       unlock(f, CF_SLOT_KEY(f->key)));
}

/* In a slot's params, log_n is the third integer from the end of what is packed, big-endian. */
static void set_log_n(struct fixture *f, int log_n)
{
	char sql[300];

	snprintf(
		sql, sizeof(sql),
		"UPDATE slot SET params = CAST(substr(params, 1, length(params) - 17) || x'%02x' ||"
		" substr(params, length(params) - 15) AS BLOB) WHERE id = 2",
		log_n);
	tamper(f, sql);
}

static void passphrase__a_weaker_or_costlier_derivation_is_refused(void **state)
{
	static const int refused[] = { 0, 1, 10, 14, 21, 30, 63, 64, 255 };
	struct fixture *f = *state;
	const struct cf_slot_secret secret = text_secret("correct horse");
	char sentence[200];

	add_slot(f, &secret);
	close_store(f);
	for (size_t i = 0; i < CF_COUNT(refused); i++) {
		set_log_n(f, refused[i]);
		snprintf(
			sentence, sizeof(sentence),
			"key slot 2 asks for scrypt with N = 2^%d, and certfs accepts 2^15 to 2^20 "
			"only; restore a backup",
			refused[i]);
		assert_refused(f, EINVAL, sentence, unlock_text(f, "correct horse"));
		assert_null(f->vault);
	}
	/* Within what is accepted it is another key. */
	set_log_n(f, LOG_N + 1);
	assert_refused(f, EKEYREJECTED, "the passphrase isn't this store's",
		       unlock_text(f, "correct horse"));
	set_log_n(f, LOG_N);
	assert_ok(f, unlock_text(f, "correct horse"));
	assert_int_equal(f->damaged, 0);
}

static void passphrase__every_part_of_its_parameters_matters(void **state)
{
	struct fixture *f = *state;
	int64_t n;

	make_with_passphrase(f, "correct horse");
	n = look_up(f, "SELECT length(params) FROM slot");
	close_store(f);
	for (int64_t byte = 0; byte < n; byte += 7) {
		int r;

		flip(f, "slot", "params", 8 * byte);
		r = unlock_text(f, "correct horse");
		assert_true(r == -EKEYREJECTED || r == -EINVAL);
		close_store(f);
		flip(f, "slot", "params", 8 * byte);
	}
	assert_ok(f, unlock_text(f, "correct horse"));
}

static void slots__in_great_number_are_refused_before_they_are_tried(void **state)
{
	struct fixture *f = *state;
	const struct cf_slot_secret secret = text_secret("correct horse");

	add_slot(f, &secret);
	close_store(f);
	tamper(f, "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
		  " INSERT INTO slot SELECT i, uuid, version, mac, 1, params, wrapped"
		  " FROM n, slot WHERE slot.id = 1");
	assert_refused(f, EINVAL, "there are more than 16 key slots, which certfs doesn't make",
		       unlock_text(f, "wrong"));
}

static void slots__put_back_from_outside_are_noticed(void **state)
{
	struct fixture *f = *state;
	const struct cf_slot_secret secret = text_secret("old");
	struct said said;

	add_slot(f, &secret);
	tamper(f, "CREATE TABLE kept AS SELECT * FROM slot WHERE id = 2");
	assert_ok(f, run(f, "slots remove 2", &said));
	close_store(f);
	tamper(f, "INSERT INTO slot SELECT * FROM kept; DROP TABLE kept");
	assert_ok(f, unlock_text(f, "old"));
	assert_true(cf_store_damaged(f->store, 0));
	assert_true(cf_store_check(f->store, hear, &said, &f->err) > 0);
}

/* -- recovery keys --------------------------------------------------------------------------- */

static void recovery__text_reads_back_in_any_spelling(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CF_KEY_SIZE], back[CF_KEY_SIZE];
	char text[CF_RECOVERY_TEXT_MAX], other[100];
	bool typo;

	for (int round = 0; round < 200; round++) {
		size_t n = 0;

		assert_ok(f, cf_recovery_make(key, &f->err));
		assert_ok(f, cf_recovery_show(key, text, &f->err));
		assert_int_equal(strlen(text), 41);
		for (size_t i = 0; i < 41; i++)
			assert_true(i % 7 == 6 ? text[i] == '-' : strchr("ILOU-", text[i]) == NULL);
		assert_true(cf_recovery_read(cf_span_text(text), back, &typo));
		assert_memory_equal(key, back, sizeof(key));
		for (const char *p = text; *p; p++) {
			char c = *p == '0' ? 'o' : *p == '1' ? 'l' : *p;

			if (c == '-')
				continue;
			other[n++] = c >= 'A' && c <= 'Z' && round % 2 ? (char)(c + 32) : c;
			other[n++] = ' ';
		}
		other[n] = '\0';
		memset(back, 0, sizeof(back));
		assert_true(cf_recovery_read(cf_span_text(other), back, &typo));
		assert_memory_equal(key, back, sizeof(key));
	}
}

static void recovery__a_wrong_character_is_told_from_a_passphrase(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CF_KEY_SIZE], back[CF_KEY_SIZE] = { 0 };
	char text[CF_RECOVERY_TEXT_MAX];
	bool typo;

	assert_ok(f, cf_recovery_make(key, &f->err));
	assert_ok(f, cf_recovery_show(key, text, &f->err));
	for (size_t i = 0; i < strlen(text); i++) {
		char right = text[i];

		if (right == '-')
			continue;
		text[i] = right == '7' ? '8' : '7';
		assert_false(cf_recovery_read(cf_span_text(text), back, &typo));
		assert_true(typo);
		text[i] = right;
	}
	assert_false(cf_recovery_read(cf_span_text("correct horse battery staple"), back, &typo));
	assert_false(typo);
	assert_false(cf_recovery_read(cf_span(text, strlen(text) - 1), back, &typo));
	assert_false(typo);
	assert_false(cf_recovery_read(cf_span_text(""), back, &typo));
	assert_false(typo);
}

static void recovery__opens_where_a_passphrase_is_asked_for(void **state)
{
	struct fixture *f = *state;
	struct said said;
	char text[200];

	assert_ok(f, run(f, "slots add recovery", &said));
	assert_int_equal(said.n, 1);
	snprintf(text, sizeof(text), "%s", said.last);
	assert_ok(f, unlock_text(f, text));
	text[0] = text[0] == '7' ? '8' : '7';
	assert_refused(f, EKEYREJECTED,
		       "a character of this recovery key is wrong: its check doesn't fit",
		       unlock_text(f, text));
}

static void recovery__is_not_in_the_store_nor_in_the_audit_log(void **state)
{
	struct fixture *f = *state;
	struct said said;
	char sql[300];

	assert_ok(f, run(f, "slots add recovery", &said));
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM event WHERE instr(line, '%.6s')",
		 said.last);
	assert_int_equal(look_up(f, sql), 0);
	assert_int_equal(look_up(f, "SELECT count(*) FROM event WHERE instr(line, 'add-slot')"
				    " AND instr(line, 'recovery 2')"),
			 1);
}

/* -- commands -------------------------------------------------------------------------------- */

static void slots__are_listed_without_being_unlocked(void **state)
{
	struct fixture *f = *state;
	const struct cf_slot_secret secret = text_secret("correct horse");
	struct said said;

	add_slot(f, &secret);
	close_store(f);
	assert_ok(f, open_store(f, (struct cf_store_options){ 0 }));
	assert_ok(f, run(f, "slots", &said));
	assert_int_equal(said.n, 2);
	assert_non_null(strstr(said.last, "2 passphrase 20"));
	assert_non_null(strstr(said.last, "Z scrypt N=2^15 r=8 p=1"));
}

static void slots__the_last_one_stays(void **state)
{
	struct fixture *f = *state;
	struct said said;

	assert_refused(f, EBUSY,
		       "key slot 1 is the last one, and without it nobody could open the store; "
		       "add another one first",
		       run(f, "slots remove 1", &said));
	assert_refused(f, ENOENT, "there is no key slot 7", run(f, "slots remove 7", &said));
	assert_refused(f, EINVAL, "'x' is not the number of a key slot",
		       run(f, "slots remove x", &said));
	assert_int_equal(n_slots(f), 1);
	assert_ok(f, unlock(f, CF_SLOT_KEY(f->key)));
}

static void slots__removed_no_longer_opens(void **state)
{
	struct fixture *f = *state;
	struct said said;
	uint8_t other[CF_KEY_SIZE];

	memset(other, 'x', sizeof(other));
	assert_ok(f, run(f,
			 "slots add key-file "
			 "7878787878787878787878787878787878787878787878787878787878787878",
			 &said));
	assert_ok(f, unlock(f, CF_SLOT_KEY(other)));
	assert_ok(f, run(f, "slots remove 1", &said));
	assert_int_equal(n_slots(f), 1);
	assert_int_equal(unlock(f, CF_SLOT_KEY(f->key)), -EKEYREJECTED);
	assert_ok(f, unlock(f, CF_SLOT_KEY(other)));
	assert_int_equal(cf_store_check(f->store, hear, &said, &f->err), 0);
	assert_refused(f, EINVAL, "a key has exactly 32 bytes",
		       run(f, "slots add key-file 7878", &said));
}

static void slots__more_than_16_are_EBUSY(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CF_KEY_SIZE] = { 0 };
	struct said said;

	for (int i = 2; i <= CF_SLOTS_MAX; i++) {
		key[0] = (uint8_t)i;
		assert_int_equal(add_slot(f, CF_SLOT_KEY(key)), i);
	}
	assert_refused(f, EBUSY, "a store has at most 16 key slots; remove one first",
		       run(f, "slots add recovery", &said));
	assert_int_equal(said.n, 0);
	assert_int_equal(n_slots(f), CF_SLOTS_MAX);
	assert_ok(f, unlock(f, CF_SLOT_KEY(f->key)));
}

static void passwd__adds_the_first_and_changes_the_only_one(void **state)
{
	struct fixture *f = *state;
	struct said said;

	assert_ok(f, run(f, "passwd first", &said));
	assert_int_equal(n_slots(f), 2);
	assert_ok(f, run(f, "passwd second", &said));
	assert_int_equal(n_slots(f), 2);
	assert_int_equal(look_up(f, "SELECT max(id) FROM slot"), 2);
	assert_int_equal(unlock_text(f, "first"), -EKEYREJECTED);
	assert_ok(f, unlock_text(f, "second"));
	assert_int_equal(f->damaged, 0);
	assert_int_equal(cf_store_check(f->store, hear, &said, &f->err), 0);
	assert_int_equal(look_up(f, "SELECT count(*) FROM event WHERE instr(line, 'second')"), 0);
	assert_int_equal(look_up(f, "SELECT count(*) FROM event WHERE instr(line, 'change-slot')"),
			 1);
}

static void passwd__with_several_wants_to_know_which(void **state)
{
	struct fixture *f = *state;
	struct said said;

	assert_ok(f, run(f, "slots add passphrase alice", &said));
	assert_ok(f, run(f, "slots add passphrase bob", &said));
	assert_refused(f, EINVAL,
		       "there are 2 passphrases: name the slot of one, as slots lists them",
		       run(f, "passwd carol", &said));
	assert_refused(f, EINVAL, "key slot 1 is no passphrase", run(f, "passwd 1 carol", &said));
	assert_refused(f, ENOENT, "there is no key slot 9", run(f, "passwd 9 carol", &said));
	assert_ok(f, run(f, "passwd 3 carol", &said));
	assert_ok(f, unlock_text(f, "carol"));
	assert_ok(f, unlock_text(f, "alice"));
	assert_int_equal(unlock_text(f, "bob"), -EKEYREJECTED);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH(passphrase__opens_beside_the_key_file_and_no_other_does),
		WITH(passphrase__where_there_is_none_says_so),
		WITH(passphrase__empty_or_too_long_is_EINVAL),
		WITH(passphrase__can_be_the_first_slot_of_a_store),
		WITH(passphrase__a_weaker_or_costlier_derivation_is_refused),
		WITH(passphrase__every_part_of_its_parameters_matters),
		WITH(slots__in_great_number_are_refused_before_they_are_tried),
		WITH(slots__put_back_from_outside_are_noticed),
		WITH(recovery__text_reads_back_in_any_spelling),
		WITH(recovery__a_wrong_character_is_told_from_a_passphrase),
		WITH(recovery__opens_where_a_passphrase_is_asked_for),
		WITH(recovery__is_not_in_the_store_nor_in_the_audit_log),
		WITH(slots__are_listed_without_being_unlocked),
		WITH(slots__the_last_one_stays),
		WITH(slots__removed_no_longer_opens),
		WITH(slots__more_than_16_are_EBUSY),
		WITH(passwd__adds_the_first_and_changes_the_only_one),
		WITH(passwd__with_several_wants_to_know_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
