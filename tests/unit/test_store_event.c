/* core/store: the audit log, its chain and what is noticed when it is changed from outside. */
#include "tests/unit/store_fixture.h"

/* -- helpers --------------------------------------------------------------------------------- */

static void add_line(struct fixture *f, const char *line)
{
	begin(f);
	assert_ok(f, cf_store_event_add(f->db, line, &f->err));
	commit(f);
}

/* Ten lines, "line 1\n" to "line 10\n". */
static int setup_log(void **state)
{
	char line[32];

	setup_store(state);
	for (int i = 1; i <= 10; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		add_line(*state, line);
	}
	return 0;
}

static void assert_part(struct fixture *f, int64_t offset, size_t n, const char *expected)
{
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	start_reading(f);
	assert_ok(f, cf_store_event_read(f->db, offset, n, &out, &f->err));
	done(f);
	assert_string_equal(cf_buf_text(&out), expected);
	assert_int_equal(out.len, strlen(expected));
}

static void assert_size(struct fixture *f, int64_t expected)
{
	int64_t size;
	cf_time t;

	start_reading(f);
	assert_ok(f, cf_store_event_size(f->db, &size, &t, &f->err));
	done(f);
	assert_int_equal(size, expected);
	assert_true(!t == !expected);
}

static int64_t next_seq(struct fixture *f)
{
	int64_t seq;

	start_reading(f);
	assert_ok(f, cf_store_event_next_seq(f->db, &seq, &f->err));
	done(f);
	return seq;
}

static void tamper_log(struct fixture *f, const char *sql)
{
	close_store(f);
	tamper(f, sql);
	assert_ok(f, reopen(f));
}

static void assert_log_findings(struct fixture *f, const char *lines)
{
	struct report report = { "" };

	start_reading(f);
	assert_ok(f, cf_store_event_check(f->db, collect, &report, &f->err));
	done(f);
	assert_string_equal(report.text, lines);
}

/* -- writing and reading --------------------------------------------------------------------- */

static void add__takes_one_line_at_a_time(void **state)
{
	static const char *const refused[] = { "", "no newline", "two\nlines\n", "\n\n" };
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(refused); i++) {
		begin(f);
		assert_refused(f, EINVAL, "an event is one line",
			       cf_store_event_add(f->db, refused[i], &f->err));
		assert_ok(f, cf_store_event_add(f->db, "one line\n", &f->err));
		done(f);
	}
	assert_size(f, 0);
	assert_int_equal(next_seq(f), 1);
	add_line(f, "one line\n");
	assert_size(f, 9);
	assert_int_equal(next_seq(f), 2);
	assert_int_equal(f->changes.n, 1);
	assert_int_equal(f->changes.items[0].object, CF_OBJECT_AUDIT);
}

static void add__numbers_the_lines_of_a_transaction(void **state)
{
	struct fixture *f = *state;
	int64_t seq;

	begin(f);
	for (int i = 1; i <= 3; i++) {
		assert_ok(f, cf_store_event_next_seq(f->db, &seq, &f->err));
		assert_int_equal(seq, i);
		assert_ok(f, cf_store_event_add(f->db, "x\n", &f->err));
	}
	commit(f);
	assert_ok(f, reopen(f));
	assert_int_equal(next_seq(f), 4);
	assert_int_equal(f->damaged, 0);
	assert_log_findings(f, "");
}

static void read__gives_any_part(void **state)
{
	struct fixture *f = *state;
	const char *whole = "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\n"
			    "line 9\nline 10\n";
	const size_t len = strlen(whole);

	assert_size(f, (int64_t)len);
	assert_part(f, 0, len + 100, whole);
	assert_part(f, (int64_t)len, 10, "");
	assert_part(f, (int64_t)len + 5, 10, "");
	assert_part(f, 0, 0, "");
	for (size_t from = 0; from < len; from++)
		for (size_t n = 1; n <= len - from; n += 5) {
			char part[128];

			snprintf(part, sizeof(part), "%.*s", (int)n, whole + from);
			assert_part(f, (int64_t)from, n, part);
		}
}

static void read__appends_to_what_is_there(void **state)
{
	struct fixture *f = *state;
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_ok(f, cf_buf_puts(&out, "before ", &f->err));
	start_reading(f);
	assert_ok(f, cf_store_event_read(f->db, 5, 4, &out, &f->err));
	assert_string_equal(cf_buf_text(&out), "before 1\nli");
}

static void size__tells_the_time_of_the_last_event(void **state)
{
	struct fixture *f = *state;
	cf_time now, t;
	int64_t size;

	begin(f);
	now = cf_db_now(f->db);
	assert_ok(f, cf_store_event_add(f->db, "x\n", &f->err));
	commit(f);
	add_server(f, "EX01"); /* a later commit without an event */
	start_reading(f);
	assert_ok(f, cf_store_event_size(f->db, &size, &t, &f->err));
	assert_int_equal(t, now);
	assert_int_equal(size, 2);
}

/* -- the chain ------------------------------------------------------------------------------- */

static void head__is_the_last_event(void **state)
{
	struct fixture *f = *state;
	uint8_t head[CF_SUM_SIZE], mac[CF_SUM_SIZE];
	int64_t seq;

	start_reading(f);
	assert_ok(f, cf_store_event_head(f->db, &seq, head, &f->err));
	assert_int_equal(seq, 10);
	assert_ok(f, cf_store_event_mac(f->db, 10, mac, &f->err));
	assert_memory_equal(head, mac, sizeof(mac));
	assert_ok(f, cf_store_event_mac(f->db, 9, mac, &f->err));
	assert_memory_not_equal(head, mac, sizeof(mac));
	assert_refused(f, ENOENT, "the audit log has no line 11",
		       cf_store_event_mac(f->db, 11, mac, &f->err));
	assert_refused(f, ENOENT, "the audit log has no line 0",
		       cf_store_event_mac(f->db, 0, mac, &f->err));
}

static void chain__an_edited_line_is_found(void **state)
{
	static const char *const edits[] = {
		"UPDATE event SET line = 'line X' || char(10) WHERE seq = 4",
		"UPDATE event SET time = time + 1 WHERE seq = 4",
		"UPDATE event SET mac = randomblob(32) WHERE seq = 4",
	};
	static const char *const findings[] = {
		"the audit log: line 4 isn't what certfs wrote\n",
		"the audit log: line 4 isn't what certfs wrote\n",
		("the audit log: line 4 isn't what certfs wrote\n"
		 "the audit log: line 5 isn't what certfs wrote\n"),
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(edits); i++) {
		assert_log_findings(f, "");
		tamper_log(f, edits[i]);
		assert_log_findings(f, findings[i]);
		assert_int_equal(f->damaged, 0); /* its end is what the root's tally seals */
		teardown(state);
		setup_log(state);
		f = *state;
	}
}

static void chain__every_bit_of_a_line_and_its_mac_is_found(void **state)
{
	struct fixture *f = *state;
	char sql[256];

	for (int bit = 0; bit < 8 * 6; bit++) {
		/* a character of the line, one bit changed; certfs may not write such text */
		snprintf(sql, sizeof(sql),
			 "UPDATE event SET line = CAST(substr(CAST(line AS BLOB), 1, %d) ||"
			 " char((unicode(substr(line, %d, 1)) | %d) - (unicode(substr(line, %d, 1))"
			 " & %d)) || substr(CAST(line AS BLOB), %d) AS TEXT) WHERE seq = 4",
			 bit / 8, bit / 8 + 1, 1 << bit % 7, bit / 8 + 1, 1 << bit % 7,
			 bit / 8 + 2);
		tamper(f, sql);
		start_reading(f);
		done(f);
		if (look_up(f, "SELECT line = 'line 4' || char(10) FROM event WHERE seq = 4"))
			fail_msg("bit %d was not changed", bit);
		{
			struct report report = { "" };

			start_reading(f);
			assert_true(cf_store_event_check(f->db, collect, &report, &f->err) > 0);
			done(f);
		}
		tamper(f, "UPDATE event SET line = 'line 4' || char(10) WHERE seq = 4");
		assert_log_findings(f, "");
	}
}

static void chain__a_missing_line_is_found(void **state)
{
	struct fixture *f = *state;

	tamper_log(f, "DELETE FROM event WHERE seq BETWEEN 4 AND 6");
	assert_log_findings(f, "the audit log: lines 4 to 6 are missing\n");
	assert_part(f, 14, 14, "line 3\nline 7\n");
}

static void chain__closing_the_gap_is_found(void **state)
{
	struct fixture *f = *state;

	tamper_log(f, "DELETE FROM event WHERE seq = 4;"
		      "UPDATE event SET seq = seq - 1, start = start - 7 WHERE seq > 4");
	assert_log_findings(f, "the audit log: line 4 isn't what certfs wrote\n"
			       "the audit log: line 5 isn't what certfs wrote\n"
			       "the audit log: line 6 isn't what certfs wrote\n"
			       "the audit log: line 7 isn't what certfs wrote\n"
			       "the audit log: line 8 isn't what certfs wrote\n"
			       "the audit log: line 9 isn't what certfs wrote\n"
			       "the audit log ends at line 9, not as certfs left it\n");
}

static void chain__reordered_lines_are_found(void **state)
{
	struct fixture *f = *state;

	tamper_log(f, "UPDATE event SET seq = 99 WHERE seq = 4;"
		      "UPDATE event SET seq = 4, start = 21 WHERE seq = 5;"
		      "UPDATE event SET seq = 5, start = 28 WHERE seq = 99");
	assert_log_findings(f, "the audit log: line 4 isn't what certfs wrote\n"
			       "the audit log: line 5 isn't what certfs wrote\n"
			       "the audit log: line 6 isn't what certfs wrote\n");
}

static void chain__a_cut_off_end_is_found_and_stays_found(void **state)
{
	struct fixture *f = *state;

	tamper_log(f, "DELETE FROM event WHERE seq > 8");
	assert_int_equal(f->damaged, 1);
	assert_true(cf_store_damaged(f->store, 0));
	assert_log_findings(f, "the audit log ends at line 8, not as certfs left it\n");
	/* The next line is numbered as if nothing had happened. */
	assert_int_equal(next_seq(f), 11);
	add_line(f, "line 11\n");
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_log_findings(f, "the audit log: lines 9 to 10 are missing\n");
	assert_findings(f, "the audit log: lines 9 to 10 are missing\n");
}

static void chain__an_emptied_log_is_found(void **state)
{
	struct fixture *f = *state;

	tamper_log(f, "DELETE FROM event; DELETE FROM sqlite_sequence WHERE name = 'event'");
	assert_int_equal(f->damaged, 1);
	assert_log_findings(f, "the audit log ends at line 0, not as certfs left it\n");
	assert_size(f, 0);
}

static void chain__a_forged_line_at_the_end_is_found(void **state)
{
	struct fixture *f = *state;

	tamper_log(f, "INSERT INTO event SELECT 11, time, 71, line, mac FROM event WHERE seq = 10");
	assert_int_equal(f->damaged, 1);
	assert_log_findings(f, "the audit log: line 11 isn't what certfs wrote\n"
			       "the audit log ends at line 11, not as certfs left it\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define EMPTY(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
#define TEN(test) cmocka_unit_test_setup_teardown(test, setup_log, teardown)
		EMPTY(add__takes_one_line_at_a_time),
		EMPTY(add__numbers_the_lines_of_a_transaction),
		TEN(read__gives_any_part),
		TEN(read__appends_to_what_is_there),
		EMPTY(size__tells_the_time_of_the_last_event),
		TEN(head__is_the_last_event),
		TEN(chain__an_edited_line_is_found),
		TEN(chain__every_bit_of_a_line_and_its_mac_is_found),
		TEN(chain__a_missing_line_is_found),
		TEN(chain__closing_the_gap_is_found),
		TEN(chain__reordered_lines_are_found),
		TEN(chain__a_cut_off_end_is_found_and_stays_found),
		TEN(chain__an_emptied_log_is_found),
		TEN(chain__a_forged_line_at_the_end_is_found),
	};

	return cmocka_run_group_tests_name("store_event", tests, NULL, NULL);
}
