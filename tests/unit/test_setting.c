/* core/procedures/setting and dir_settings: what may be set, and what follows from it. */
#include "tests/unit/tree_fixture.h"

#include "core/base/name.h"

static int set_up(void **state)
{
	fx_setup(state);
	fx_ok(*state, fx_mkdir(*state, "EX01"));
	return 0;
}

/* Refused, with words, and the file reads as before. */
static void assert_kept(struct fixture *f, const char *path, const char *text, const char *words)
{
	cf_auto(cf_buf_done) struct cf_buf before = { 0 };
	struct cf_attr attr;

	fx_ok(f, fx_read(f, path));
	fx_ok(f, cf_buf_puts(&before, cf_buf_text(&f->text), &f->err));
	attr = fx_stat(f, path);
	fx_assert_refused(f, fx_write(f, path, text), EINVAL, words);
	fx_assert_text(f, path, before.data);
	assert_int_equal(fx_stat(f, path).mtime, attr.mtime);
}

static void defaults__are_those_of_the_contract(void **state)
{
	struct fixture *f = *state;

	fx_assert_text(f, "_settings/accepted-domains", "");
	fx_assert_text(f, "EX01/_settings/fqdn", "EX01\n");
	fx_assert_text(f, "EX01/_settings/version", "2019\n");
	fx_assert_text(f, "EX01/_settings/um-startup-mode", "TCP\n");
	fx_assert_text(f, "EX01/_settings/umcallrouter-startup-mode", "TCP\n");
	fx_assert_text(f, "EX01/_settings/key-type", "rsa2048\n");
	fx_assert_text(f, "EX01/_settings/exportable-requests", "yes\n");
	fx_assert_text(f, "EX01/_settings/exportable-self-signed", "no\n");
	fx_assert_text(f, "EX01/_settings/exportable-imports", "no\n");
	fx_assert_text(f, "EX01/_settings/pfx-encryption", "aes256-sha256\n");
	fx_assert_text(f, "EX01/_settings/pfx-iterations", "10000\n");
}

static void set__is_checked_in_write_and_an_empty_line_is_the_default(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_write(f, "EX01/_settings/version", "se\n"));
	fx_assert_text(f, "EX01/_settings/version", "SE\n");
	assert_kept(f, "EX01/_settings/version", "2013\n", "'2013' is not one of 2016, 2019, SE");
	assert_kept(f, "EX01/_settings/version", "2016\n2019\n", "it is one line");
	fx_ok(f, fx_write(f, "EX01/_settings/version", "\n"));
	fx_assert_text(f, "EX01/_settings/version", "2019\n");
	fx_ok(f, fx_write(f, "EX01/_settings/um-startup-mode", "dual"));
	fx_assert_text(f, "EX01/_settings/um-startup-mode", "Dual\n");
	assert_kept(f, "EX01/_settings/um-startup-mode", "UDP\n", "TCP, TLS, Dual");
	assert_kept(f, "EX01/_settings/key-type", "rsa1024\n", "1024");
	assert_kept(f, "EX01/_settings/exportable-requests", "maybe\n", "yes, no");
	assert_kept(f, "EX01/_settings/pfx-encryption", "rc2\n", "aes256-sha256, 3des-sha1");
	assert_kept(f, "EX01/_settings/fqdn", "a_b.example\n", "a_b.example");
	assert_kept(f, "EX01/_settings/fqdn", "10.0.0.1\n", "not the name of a host");
	assert_kept(f, "EX01/_settings/fqdn", "*.contoso.com\n", "not the name of a host");
}

static void iterations__are_2000_to_200000(void **state)
{
	static const char *const bad[] = { "1999\n", "200001\n", "-5\n",
					   "2e4\n",  "x\n",      "99999999999999999999\n" };
	struct fixture *f = *state;

	fx_ok(f, fx_write(f, "EX01/_settings/pfx-iterations", "2000\n"));
	fx_ok(f, fx_write(f, "EX01/_settings/pfx-iterations", "200000\n"));
	for (size_t i = 0; i < CF_COUNT(bad); i++)
		assert_kept(f, "EX01/_settings/pfx-iterations", bad[i], "from 2000 to 200000");
	fx_assert_text(f, "EX01/_settings/pfx-iterations", "200000\n");
}

static void defaults__follow_version_and_encryption_with_their_times(void **state)
{
	struct fixture *f = *state;
	cf_time before = fx_stat(f, "EX01/_settings/pfx-encryption").mtime;
	cf_time key_type = fx_stat(f, "EX01/_settings/key-type").mtime;

	fx_ok(f, fx_write(f, "EX01/_settings/version", "2016\n"));
	fx_assert_text(f, "EX01/_settings/pfx-encryption", "3des-sha1\n");
	fx_assert_text(f, "EX01/_settings/pfx-iterations", "2000\n");
	assert_true(fx_stat(f, "EX01/_settings/pfx-encryption").mtime > before);
	assert_int_equal(fx_stat(f, "EX01/_settings/key-type").mtime, key_type);
	fx_ok(f, fx_write(f, "EX01/_settings/pfx-encryption", "aes256-sha256\n"));
	fx_assert_text(f, "EX01/_settings/pfx-iterations", "10000\n");
	before = fx_stat(f, "EX01/_settings/pfx-encryption").mtime;
	fx_ok(f, fx_write(f, "EX01/_settings/version", "2019\n"));
	fx_assert_text(f, "EX01/_settings/pfx-encryption", "aes256-sha256\n");
	assert_int_equal(fx_stat(f, "EX01/_settings/pfx-encryption").mtime, before);
}

static void set__the_same_again_changes_nothing(void **state)
{
	struct fixture *f = *state;
	size_t n;
	cf_time time;

	fx_ok(f, fx_write(f, "EX01/_settings/version", "2016\n"));
	time = fx_stat(f, "EX01/_settings/version").mtime;
	n = fx_stat(f, "_audit.log").size;
	fx_ok(f, fx_write(f, "EX01/_settings/version", "2016\n"));
	assert_int_equal(fx_stat(f, "EX01/_settings/version").mtime, time);
	assert_int_equal(fx_stat(f, "_audit.log").size, n);
	fx_ok(f, fx_read(f, "_audit.log"));
	assert_non_null(strstr(f->text.data, "\"detail\":\"version = 2016\""));
}

static void accepted__domains_expand_in_domains(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	fx_assert_refused(f, fx_write(f, "EX01/mail/domains", "@accepted\n"), EINVAL,
			  "no accepted domain is set");
	fx_assert_text(f, "EX01/mail/domains", "");
	fx_ok(f, fx_write(f, "_settings/accepted-domains", "contoso.com, fabrikam.com\n"));
	fx_ok(f, fx_append(f, "_settings/accepted-domains", "CONTOSO.com\nlitware.com\n"));
	fx_assert_text(f, "_settings/accepted-domains", "contoso.com\nfabrikam.com\nlitware.com\n");
	assert_kept(f, "_settings/accepted-domains", "*.contoso.com\n", "not the name of a host");
	assert_kept(f, "_settings/accepted-domains", "contoso.com 10.0.0.1\n", "10.0.0.1");
	fx_ok(f, fx_write(f, "EX01/_settings/fqdn", "ex01.contoso.com\n"));
	fx_ok(f, fx_write(f, "EX01/mail/domains", "@server @fqdn @accepted @autodiscover\n"));
	fx_assert_text(f, "EX01/mail/domains",
		       "EX01\nex01.contoso.com\ncontoso.com\nfabrikam.com\nlitware.com\n"
		       "autodiscover.contoso.com\nautodiscover.fabrikam.com\n"
		       "autodiscover.litware.com\n");
	fx_ok(f, fx_mkdir(f, "EX01/own"));
	fx_ok(f, fx_write(f, "EX01/own/request.csr", "key-type = p256\nCN=My Server\n"));
	fx_assert_text(f, "EX01/own/domains", "EX01\nex01.contoso.com\n");
}

/* RFC 1035: 255 bytes is the longest name, and autodiscover goes in front. */
static void accepted__domain_leaves_room_for_autodiscover(void **state)
{
	struct fixture *f = *state;
	char name[CF_DOMAIN_MAX + 2];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 32 == 31 ? '.' : 'a';
	name[242] = '\0';
	fx_ok(f, fx_write(f, "_settings/accepted-domains", name));
	name[242] = 'a';
	name[243] = '\0';
	assert_kept(f, "_settings/accepted-domains", name, "at most 242 bytes");
}

static void drafts__begin_with_the_settings_of_their_server(void **state)
{
	struct fixture *f = *state;

	fx_ok(f, fx_mkdir(f, "EX01/before"));
	fx_ok(f, fx_write(f, "EX01/_settings/key-type", "P384\n"));
	fx_ok(f, fx_write(f, "EX01/_settings/exportable-requests", "no\n"));
	fx_ok(f, fx_mkdir(f, "EX01/mail"));
	fx_assert_text(f, "EX01/mail/key-type", "p384\n");
	fx_assert_text(f, "EX01/mail/exportable", "no\n");
	fx_assert_text(f, "EX01/before/key-type", "rsa2048\n");
	fx_assert_text(f, "EX01/before/exportable", "yes\n");
	fx_ok(f,
	      cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "EX01/before").ino, "key-type", &f->err));
	fx_assert_text(f, "EX01/before/key-type", "p384\n");
	fx_ok(f, fx_mkdir(f, "EX02"));
	fx_ok(f, fx_mkdir(f, "EX02/mail"));
	fx_assert_text(f, "EX02/mail/key-type", "rsa2048\n");
}

static void fqdn__is_in_the_identity(void **state)
{
	struct fixture *f = *state;
	struct cf_attr before, after;

	fx_valid(f, "EX01", "mail");
	before = fx_stat(f, "EX01/mail/info");
	fx_ok(f, fx_write(f, "EX01/_settings/fqdn", "ex01.contoso.com\n"));
	fx_ok(f, fx_read(f, "EX01/mail/info"));
	assert_non_null(strstr(f->text.data, " : ex01.contoso.com\\"));
	after = fx_stat(f, "EX01/mail/info");
	assert_true(after.mtime > before.mtime);
}

static void fqdn__follows_the_name_until_it_is_set(void **state)
{
	struct fixture *f = *state;
	cf_time time = fx_stat(f, "EX01/_settings/fqdn").mtime;

	fx_ok(f, cf_tree_rename(f->tree, &f->ctx, CF_TREE_ROOT, "EX01", CF_TREE_ROOT, "EX02", 0,
				&f->err));
	fx_assert_text(f, "EX02/_settings/fqdn", "EX02\n");
	assert_true(fx_stat(f, "EX02/_settings/fqdn").mtime > time);
	fx_ok(f, fx_write(f, "EX02/_settings/fqdn", "ex.contoso.com\n"));
	time = fx_stat(f, "EX02/_settings/fqdn").mtime;
	fx_ok(f, cf_tree_rename(f->tree, &f->ctx, CF_TREE_ROOT, "EX02", CF_TREE_ROOT, "EX03", 0,
				&f->err));
	fx_assert_text(f, "EX03/_settings/fqdn", "ex.contoso.com\n");
	assert_int_equal(fx_stat(f, "EX03/_settings/fqdn").mtime, time);
}

static void um__is_a_service_of_2016_with_TLS(void **state)
{
	struct fixture *f = *state;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_write(f, "EX01/_settings/um-startup-mode", "TLS\n"));
	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "UM\n"), EOPNOTSUPP,
			  "not a service of Exchange 2019");
	fx_ok(f, fx_write(f, "EX01/_settings/version", "2016\n"));
	fx_ok(f, fx_append(f, "EX01/mail/services", "UM\n"));
	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "UMCallRouter\n"), EOPNOTSUPP,
			  "start-up mode of UMCallRouter is TCP");
	fx_assert_text(f, "EX01/mail/services", "UM\n");
	fx_ok(f, fx_write(f, "EX01/_settings/umcallrouter-startup-mode", "Dual\n"));
	fx_ok(f, fx_append(f, "EX01/mail/services", "UMCallRouter\n"));
	fx_assert_text(f, "EX01/mail/services", "UM\nUMCallRouter\n");
	fx_ok(f, fx_write(f, "EX01/_settings/version", "SE\n"));
	fx_assert_refused(f, fx_append(f, "EX01/mail/services", "UM\n"), EOPNOTSUPP, "2019");
	fx_assert_text(f, "EX01/mail/services", "UM\nUMCallRouter\n");
}

/* fx_read() compares the size that stat(2) told with what is read. */
static void pfx__encryption_and_iterations_apply_to_every_export(void **state)
{
	struct fixture *f = *state;
	uint8_t first[CF_SHA256_SIZE], second[CF_SHA256_SIZE];
	struct cf_attr before, after;

	fx_valid(f, "EX01", "mail");
	fx_valid(f, "EX02", "mail");
	fx_ok(f, fx_write(f, "_export.password", "P@ssw0rd1\n"));
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	cf_sha256(cf_span_buf(&f->text), first, NULL);
	before = fx_stat(f, "EX01/mail/export.pfx");
	after = fx_stat(f, "EX02/mail/export.pfx");
	fx_ok(f, fx_write(f, "EX01/_settings/version", "2016\n"));
	assert_int_equal(fx_stat(f, "EX02/mail/export.pfx").mtime, after.mtime);
	after = fx_stat(f, "EX01/mail/export.pfx");
	assert_true(after.mtime > before.mtime);
	assert_true(after.size != before.size);
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	fx_ok(f, fx_write(f, "EX01/_settings/pfx-encryption", "aes256-sha256\n"));
	fx_ok(f, fx_read(f, "EX01/mail/export.pfx"));
	cf_sha256(cf_span_buf(&f->text), second, NULL);
	assert_memory_equal(first, second, sizeof(first));
	before = fx_stat(f, "EX01/mail/export.pfx");
	fx_ok(f, fx_write(f, "EX01/_settings/fqdn", "ex01.contoso.com\n"));
	assert_int_equal(fx_stat(f, "EX01/mail/export.pfx").mtime, before.mtime);
}

static void pfx__of_a_certificate_that_moves_follows_its_new_server(void **state)
{
	struct fixture *f = *state;
	uint64_t size;

	fx_valid(f, "EX01", "mail");
	fx_ok(f, fx_mkdir(f, "EX02"));
	fx_ok(f, fx_write(f, "_export.password", "P@ssw0rd1\n"));
	fx_ok(f, fx_write(f, "EX02/_settings/pfx-encryption", "3des-sha1\n"));
	size = fx_stat(f, "EX01/mail/export.pfx").size;
	fx_ok(f, cf_tree_rename(f->tree, &f->ctx, fx_stat(f, "EX01").ino, "mail",
				fx_stat(f, "EX02").ino, "mail", 0, &f->err));
	assert_true(fx_stat(f, "EX02/mail/export.pfx").size != size);
	fx_ok(f, fx_read(f, "EX02/mail/export.pfx"));
}

static void settings__stay_and_nothing_else_can_be_made_there(void **state)
{
	struct fixture *f = *state;
	struct cf_open *open;

	fx_assert_refused(f, fx_open_file(f, "EX01/_settings/x", O_WRONLY | O_CREAT, &open), EPERM,
			  "can't be made in _settings");
	fx_assert_refused(f, fx_open_file(f, "EX01/_settings/x.cer", O_WRONLY | O_CREAT, &open),
			  EPERM, "can't be made in _settings");
	cf_err_reset(&f->err);
	fx_assert_refused(f,
			  cf_tree_unlink(f->tree, &f->ctx, fx_stat(f, "EX01/_settings").ino,
					 "version", &f->err),
			  EPERM, "can't be removed");
	fx_ok(f, fx_write(f, "EX01/_settings/version", "2016\n"));
	fx_close(f);
	memset(&f->ctx, 0, sizeof(f->ctx));
	fx_open(f);
	fx_assert_text(f, "EX01/_settings/version", "2016\n");
}

/* An editor writes beside the file and renames onto it. */
static void settings__take_what_is_renamed_onto_them(void **state)
{
	struct fixture *f = *state;
	uint64_t dir = fx_stat(f, "EX01/_settings").ino;

	fx_ok(f, fx_write(f, "EX01/_settings/.version.swp", "2016\n"));
	fx_ok(f, cf_tree_rename(f->tree, &f->ctx, dir, ".version.swp", dir, "version", 0, &f->err));
	fx_assert_text(f, "EX01/_settings/version", "2016\n");
	fx_ok(f, fx_write(f, "EX01/_settings/.version.swp", "2013\n"));
	assert_true(cf_tree_rename(f->tree, &f->ctx, dir, ".version.swp", dir, "version", 0,
				   &f->err) < 0);
	fx_assert_text(f, "EX01/_settings/version", "2016\n");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(defaults__are_those_of_the_contract),
		T(set__is_checked_in_write_and_an_empty_line_is_the_default),
		T(iterations__are_2000_to_200000),
		T(defaults__follow_version_and_encryption_with_their_times),
		T(set__the_same_again_changes_nothing),
		T(accepted__domains_expand_in_domains),
		T(accepted__domain_leaves_room_for_autodiscover),
		T(drafts__begin_with_the_settings_of_their_server),
		T(fqdn__is_in_the_identity),
		T(fqdn__follows_the_name_until_it_is_set),
		T(um__is_a_service_of_2016_with_TLS),
		T(pfx__encryption_and_iterations_apply_to_every_export),
		T(pfx__of_a_certificate_that_moves_follows_its_new_server),
		T(settings__stay_and_nothing_else_can_be_made_there),
		T(settings__take_what_is_renamed_onto_them),
	};

	return cmocka_run_group_tests_name("setting", tests, NULL, NULL);
}
