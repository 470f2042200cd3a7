/* core/tree: the tables themselves, and the main path as the kernel would ask for it. */
#include "tests/unit/tree_fixture.h"

#include "core/tree/node_private.h"

/* A mode that grants what no handler does, or the reverse, is a lie to stat(2). */
static void tables__mode_bits_match_handlers(void **state)
{
	(void)state;
	for (const struct cf_dir *const *dir = cf_dirs; *dir; dir++) {
		for (const struct cf_file *file = (*dir)->files; file->row; file++) {
			mode_t mode = file->mode | file->draft_mode;
			int writers =
				!!file->set + !!file->append + !!file->compose + file->deliver;

			if (file->type != CF_FILE)
				continue;
			assert_true(!(mode & 0222) == !writers);
			assert_true(writers <= 1);
			assert_true(!writers == !file->limit);
			assert_true(!(mode & 0444) || file->read || file->read_part ||
				    file->render || file->write_only);
			assert_true(file->time || file->render || !file->name);
			assert_true(!file->render || (!file->time && !file->size && !writers));
			assert_true(!file->secret || (mode & 0777) == 0400);
			assert_true(!file->creatable || file->states);
			assert_true(!file->draft_mode || (file->draft_mode & 0444) == 0444);
		}
	}
}

/* Row numbers are in st_ino: a file keeps its number for ever. */
static void tables__row_numbers_are_golden(void **state)
{
	static const struct {
		enum cf_kind kind;
		unsigned row;
		const char *name;
	} golden[] = {
		{ CF_KIND_ROOT, 1, "README.txt" },
		{ CF_KIND_ROOT, 2, ".xdg-volume-info" },
		{ CF_KIND_ROOT, 3, "_trust" },
		{ CF_KIND_ROOT, 4, "_audit.log" },
		{ CF_KIND_ROOT, 5, "_errors" },
		{ CF_KIND_ROOT, 6, "_export.password" },
		{ CF_KIND_ROOT, 7, "_import.password" },
		{ CF_KIND_ROOT, 8, "_settings" },
		{ CF_KIND_ROOT, 20, "_deleted" },
		{ CF_KIND_ROOT, 30, "_expiring" },
		{ CF_KIND_ROOT, 31, "_by-thumbprint" },
		{ CF_KIND_ROOT, 32, "_by-domain" },
		{ CF_KIND_ROOT, 33, "_notifications" },
		{ CF_KIND_ROOT, 34, "_overview.html" },
		{ CF_KIND_SERVER, 1, "_services" },
		{ CF_KIND_SERVER, 2, "_export.password" },
		{ CF_KIND_SERVER, 3, "_import.password" },
		{ CF_KIND_SERVER, 4, "_settings" },
		{ CF_KIND_SERVER, 5, "_apply.ps1" },
		{ CF_KIND_CERTIFICATE, 1, "status" },
		{ CF_KIND_CERTIFICATE, 2, "info" },
		{ CF_KIND_CERTIFICATE, 3, "info.json" },
		{ CF_KIND_CERTIFICATE, 4, "why" },
		{ CF_KIND_CERTIFICATE, 5, "subject" },
		{ CF_KIND_CERTIFICATE, 6, "domains" },
		{ CF_KIND_CERTIFICATE, 7, "key-type" },
		{ CF_KIND_CERTIFICATE, 8, "exportable" },
		{ CF_KIND_CERTIFICATE, 9, "friendly-name" },
		{ CF_KIND_CERTIFICATE, 10, "request.csr" },
		{ CF_KIND_CERTIFICATE, 11, "request.der" },
		{ CF_KIND_CERTIFICATE, 12, "tlsa" },
		{ CF_KIND_CERTIFICATE, 13, "certificate.cer" },
		{ CF_KIND_CERTIFICATE, 14, "certificate.pem" },
		{ CF_KIND_CERTIFICATE, 15, "chain.pem" },
		{ CF_KIND_CERTIFICATE, 16, "fullchain.pem" },
		{ CF_KIND_CERTIFICATE, 17, "chain.p7b" },
		{ CF_KIND_CERTIFICATE, 18, "export.pfx" },
		{ CF_KIND_CERTIFICATE, 19, "services" },
		{ CF_KIND_CERTIFICATE, 20, "export.password" },
		{ CF_KIND_CERTIFICATE, 21, "thumbprint" },
		{ CF_KIND_CERTIFICATE, 22, "issuer" },
		{ CF_KIND_CERTIFICATE, 23, "serial" },
		{ CF_KIND_CERTIFICATE, 24, "not-before" },
		{ CF_KIND_CERTIFICATE, 25, "not-after" },
		{ CF_KIND_CERTIFICATE, 26, "self-signed" },
		{ CF_KIND_CERTIFICATE, 27, "renew" },
		{ CF_KIND_CERTIFICATE, 28, "private.pem" },
		{ CF_KIND_CERTIFICATE, 29, "combined.pem" },
		{ CF_KIND_TRUST, 1, NULL },
		{ CF_KIND_SERVICES, 1, "IMAP" },
		{ CF_KIND_SERVICES, 2, "POP" },
		{ CF_KIND_SERVICES, 3, "UM" },
		{ CF_KIND_SERVICES, 4, "IIS" },
		{ CF_KIND_SERVICES, 5, "SMTP" },
		{ CF_KIND_SERVICES, 6, "UMCallRouter" },
		{ CF_KIND_SERVICES, 7, "SMTP-default" },
		{ CF_KIND_ROOT_SETTINGS, 1, "accepted-domains" },
		{ CF_KIND_ROOT_SETTINGS, 2, "expiring-days" },
		{ CF_KIND_ROOT_SETTINGS, 3, "ready-keys" },
		{ CF_KIND_SERVER_SETTINGS, 1, "fqdn" },
		{ CF_KIND_SERVER_SETTINGS, 2, "version" },
		{ CF_KIND_SERVER_SETTINGS, 3, "um-startup-mode" },
		{ CF_KIND_SERVER_SETTINGS, 4, "umcallrouter-startup-mode" },
		{ CF_KIND_SERVER_SETTINGS, 5, "key-type" },
		{ CF_KIND_SERVER_SETTINGS, 6, "exportable-requests" },
		{ CF_KIND_SERVER_SETTINGS, 7, "exportable-self-signed" },
		{ CF_KIND_SERVER_SETTINGS, 8, "exportable-imports" },
		{ CF_KIND_SERVER_SETTINGS, 9, "pfx-encryption" },
		{ CF_KIND_SERVER_SETTINGS, 10, "pfx-iterations" },
		{ CF_KIND_BY_THUMBPRINT, 1, NULL },
		{ CF_KIND_THUMBPRINT, 1, NULL },
		{ CF_KIND_BY_DOMAIN, 1, NULL },
		{ CF_KIND_DOMAIN, 1, NULL },
		{ CF_KIND_EXPIRING, 1, NULL },
	};
	size_t n = 0;

	(void)state;
	for (const struct cf_dir *const *dir = cf_dirs; *dir; dir++)
		for (const struct cf_file *file = (*dir)->files; file->row; file++) {
			n += !(*dir)->deleted; /* those have the rows of what was deleted */
			assert_ptr_equal(cf_file_numbered(*dir, file->row), file);
		}
	assert_int_equal(n, CF_COUNT(golden));
	for (size_t i = 0; i < n; i++) {
		const struct cf_file *file = cf_file_of(cf_ino(golden[i].kind, golden[i].row, 1));

		assert_non_null(file);
		if (golden[i].name)
			assert_string_equal(file->name, golden[i].name);
	}
}

static void ino__root_is_1_and_parts_do_not_overlap(void **state)
{
	(void)state;
	assert_int_equal(cf_ino(CF_KIND_ROOT, 0, 0), 1);
	assert_int_equal(cf_ino(CF_KIND_CERTIFICATE, 3, 5),
			 UINT64_C(2) << 58 | UINT64_C(3) << 48 | 5);
}

static void path__request_answer_services_export(void **state)
{
	struct fixture *f = *state;
	char first[CF_SHA256_SIZE];
	struct made m;

	fx_trust(f);
	fx_request(f, "EX01", "mail");
	fx_assert_text(f, "EX01/mail/status", "PendingRequest\n");
	fx_assert_text(f, "EX01/mail/key-type", "p256\n");
	m = fx_answer(f, "EX01/mail", (struct spec){ 0 });
	fx_ok(f, fx_drop(f, "EX01/mail/answer.cer", &m));
	made_done(&m);
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	fx_ok(f, fx_append(f, "EX01/mail/services", "SMTP\n"));
	fx_assert_text(f, "EX01/mail/services", "SMTP\n");
	assert_false(fx_exists(f, "EX01/mail/export.pfx"));
	fx_ok(f, fx_write(f, "EX01/mail/export.password", "P@ssw0rd1\n"));
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	cf_sha256(cf_span_buf(&f->text), (uint8_t *)first, NULL);
	fx_close(f);
	memset(&f->ctx, 0, sizeof(f->ctx));
	fx_open(f);
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	{
		char second[CF_SHA256_SIZE];

		cf_sha256(cf_span_buf(&f->text), (uint8_t *)second, NULL);
		assert_memory_equal(first, second, sizeof(first));
	}
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_non_null(strstr(f->text.data, "\"operation\":\"read-key\""));
}

static void trust__status_follows_at_once(void **state)
{
	struct fixture *f = *state;

	fx_valid(f, "EX01", "mail");
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
	assert_int_equal(
		cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "_trust").ino, "root.cer", &f->err), 0);
	fx_assert_text(f, "EX01/mail/status", "Untrusted\n");
	fx_ok(f, fx_drop(f, "_trust/root.cer", &f->root));
	fx_assert_text(f, "EX01/mail/status", "Valid\n");
}

struct listing {
	struct fixture *f;
	const char *dir;
	size_t n;
	uint64_t stop_after; /* take one entry at a time when set */
	uint64_t cookie;
};

static bool count_entry(void *arg, const char *name, const struct cf_attr *attr, uint64_t cookie)
{
	struct listing *l = arg;
	char path[512];

	if (l->stop_after && l->n == l->stop_after)
		return false;
	l->n++;
	l->cookie = cookie;
	if (name[0] == '.')
		return true;
	fx_path(path, "%s/%s", l->dir, name);
	if (attr && S_ISREG(attr->mode) && attr->mode & 0444) {
		assert_int_equal(fx_read(l->f, path), 0);
		assert_int_equal(l->f->text.len, attr->size);
	}
	return true;
}

/* A file that cannot be read is not listed, and what is listed has the size that is read. */
static void listing__what_is_listed_can_be_read(void **state)
{
	struct fixture *f = *state;
	static const char *const dirs[] = { "",       "EX01",      "EX01/mail",     "EX01/draft",
					    "_trust", "_settings", "EX01/_settings" };

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_mkdir(f, "EX01/draft"));
	fx_ok(f, fx_write(f, "_export.password", "x\n"));
	for (size_t i = 0; i < CF_COUNT(dirs); i++) {
		struct listing whole = { .f = f, .dir = dirs[i] }, steps = whole;
		uint64_t ino = fx_stat(f, dirs[i]).ino;
		size_t before;

		assert_int_equal(
			cf_tree_list(f->tree, &f->ctx, ino, 0, count_entry, &whole, &f->err), 0);
		do {
			before = steps.n;
			steps.stop_after = before + 1;
			assert_int_equal(cf_tree_list(f->tree, &f->ctx, ino, steps.cookie,
						      count_entry, &steps, &f->err),
					 0);
		} while (steps.n != before);
		assert_int_equal(steps.n, whole.n);
	}
}

static void refusal__is_in_why_and_in_errors_with_its_path(void **state)
{
	struct fixture *f = *state;

	fx_valid(f, "EX01", "mail");
	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "Federation\n"), EINVAL,
			  "'Federation' is not a service");
	fx_assert_text(f, "EX01/mail/services", "");
	fx_ok(f, fx_read(f, "EX01/mail/why"));
	assert_non_null(strstr(f->text.data, "EINVAL EX01/mail/services: 'Federation'"));
	fx_ok(f, fx_read(f, "_errors"));
	assert_non_null(strstr(f->text.data, "EINVAL EX01/mail/services: 'Federation'"));
}

/* A link and the directory it stands in may have the same number, and are two things. */
static void views__links_are_as_long_as_their_targets(void **state)
{
	struct fixture *f = *state;

	for (char name = 'a'; name <= 'e'; name++) {
		char path[512], thumbprint[64];

		fx_valid(f, "EX01", (char[]){ name, 0 });
		fx_path(path, "EX01/%c/thumbprint", name);
		fx_ok(f, fx_read(f, path));
		snprintf(thumbprint, sizeof(thumbprint), "%.40s", cf_buf_text(&f->text));
		fx_path(path, "_by-thumbprint/%s/EX01", thumbprint);
		assert_int_equal(fx_stat(f, path).size, strlen("../../EX01/a"));
	}
	assert_int_equal(fx_stat(f, "_by-domain/mail.contoso.com/EX01").size,
			 strlen("../../EX01/a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables__mode_bits_match_handlers),
		cmocka_unit_test(tables__row_numbers_are_golden),
		cmocka_unit_test(ino__root_is_1_and_parts_do_not_overlap),
		cmocka_unit_test_setup_teardown(path__request_answer_services_export, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(trust__status_follows_at_once, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(listing__what_is_listed_can_be_read, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(views__links_are_as_long_as_their_targets, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(refusal__is_in_why_and_in_errors_with_its_path,
						fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
