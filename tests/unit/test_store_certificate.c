/* core/store: servers, certificates, blobs, issuers, secrets, _trust and the root row. */
#include "tests/unit/store_fixture.h"

#include "core/store/deleted.h"

/* -- helpers --------------------------------------------------------------------------------- */

/* "object:id@parent/what" and "-name" for one that is gone, in the order told. */
static void assert_changes(struct fixture *f, const char *expected)
{
	char text[1024] = "";

	for (size_t i = 0; i < f->changes.n; i++) {
		const struct cf_change *c = &f->changes.items[i];
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%d:%lld@%lld/%x%s%s", i ? " " : "",
			 (int)c->object, (long long)c->id, (long long)c->parent, c->what,
			 c->gone ? "-" : "", c->gone ? c->name : "");
	}
	assert_string_equal(text, expected);
}

static void assert_name(struct fixture *f, int64_t id, const char *name)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);

	assert_string_equal(row.name, name);
	assert_false(row.damaged);
}

static int find(struct fixture *f, int64_t server, const char *name, bool folded, int64_t *ret_id)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	int r;

	start_reading(f);
	r = (folded ? cf_store_certificate_find_folded
		    : cf_store_certificate_find)(f->db, server, name, &row, &f->err);
	done(f);
	*ret_id = row.id;
	return r;
}

/* Change a certificate through a function, in a transaction. */
static int change(struct fixture *f, int64_t id, void (*how)(struct cf_certificate *row),
		  unsigned what)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };
	int r;

	begin(f);
	assert_ok(f, cf_store_certificate_get_any(f->db, id, &row, &f->err));
	how(&row);
	r = cf_store_certificate_update(f->db, &row, what, &f->err);
	if (r < 0)
		done(f);
	else
		commit(f);
	return r;
}

/* -- round trips ----------------------------------------------------------------------------- */

/* Bytes that no two fields share. */
static void scribble(void *p, size_t n, unsigned seed)
{
	unsigned char *bytes = p;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)(seed = seed * 1103515245 + 12345) >> 1 | 1;
}

#define N_TEXTS 12

/* Where the texts of a row are. */
static void texts_of(struct cf_certificate *row, char **slots[N_TEXTS])
{
	char **all[N_TEXTS] = { &row->subject,
				&row->domains,
				&row->friendly_name,
				&row->issuer,
				&row->serial,
				&row->key_algorithm,
				&row->signature_algorithm,
				&row->enhanced_key_usage,
				&row->key_usage,
				&row->subject_key_id,
				&row->services,
				&row->reason };

	memcpy(slots, all, sizeof(all));
}

/* A row in which every byte of every column is something. */
static struct cf_certificate full_certificate(int64_t server)
{
	struct cf_certificate row;
	char **slots[N_TEXTS];

	scribble(&row, sizeof(row), 7);
	row.id = 0;
	row.server = server;
	row.deleted = 0;
	memset(row.deleted_name, 0, sizeof(row.deleted_name));
	memset(row.uuid, 0, sizeof(row.uuid));
	memset(row.name, 0, sizeof(row.name));
	strcpy(row.name, "m\xc3\xa4il");
	texts_of(&row, slots);
	for (size_t i = 0; i < N_TEXTS; i++) {
		char text[32];

		*slots[i] = NULL;
		snprintf(text, sizeof(text), "text %zu\n", i);
		assert_int_equal(cf_set_text(slots[i], text, NULL), 0);
	}
	return row;
}

/* Every column but the texts. */
static const struct {
	size_t offset, size;
} parts[] = {
#define PART(member)                                                                               \
	{                                                                                          \
		offsetof(struct cf_certificate, member),                                           \
			sizeof(((struct cf_certificate *)0)->member)                               \
	}
	PART(version),
	PART(mac),
	PART(server),
	PART(name),
	PART(deleted),
	PART(deleted_name),
	PART(with_server),
	PART(uid),
	PART(gid),
	PART(mode),
	PART(created),
	PART(mtime),
	PART(ctime),
	PART(state),
	PART(key_type),
	PART(exportable),
	PART(exportable_given),
	PART(t_access),
	PART(t_subject),
	PART(t_domains),
	PART(t_key_type),
	PART(t_exportable),
	PART(t_friendly),
	PART(t_access),
	PART(spki_sum),
	PART(key_len),
	PART(request_sha1),
	PART(request_len),
	PART(t_request),
	PART(sha1),
	PART(key_bits),
	PART(x509_version),
	PART(self_signed),
	PART(not_before),
	PART(not_after),
	PART(leaf_len),
	PART(t_complete),
	PART(n_issuers),
	PART(chain_pem_len),
	PART(p7b_len),
	PART(t_chain),
	PART(pfx_encryption),
	PART(pfx_iterations),
	PART(pfx_len),
	PART(t_pfx),
	PART(t_password),
	PART(has_password),
	PART(t_services),
	PART(status),
	PART(root_ca),
	PART(verdict_since),
	PART(next_change),
	PART(request_sum),
	PART(leaf_sum),
	PART(chain_sum),
};

/* Compare every byte of the structs but those between columns. */
static void certificate__every_column_comes_back(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	struct cf_certificate row = full_certificate(server), back;
	char **slots[N_TEXTS], **slots_back[N_TEXTS];
	size_t covered = N_TEXTS * sizeof(char *) + sizeof(row.id) + sizeof(row.uuid) +
			 offsetof(struct cf_certificate, server) -
			 offsetof(struct cf_certificate, damaged);

	begin(f);
	assert_ok(f, cf_store_certificate_insert(f->db, &row, &f->err));
	assert_int_equal(row.version, 1);
	commit(f);
	back = get_certificate(f, row.id);
	assert_false(back.damaged);
	for (size_t i = 0; i < CF_COUNT(parts); i++) {
		covered += parts[i].size;
		if (memcmp((char *)&row + parts[i].offset, (char *)&back + parts[i].offset,
			   parts[i].size) != 0)
			fail_msg("part %zu differs", i);
	}
	/* A member that is added is compared here, too; sha1 and request_sha1 are padded by 4. */
	assert_in_range(sizeof(row) - covered, 0, 8);
	assert_memory_equal(row.uuid, back.uuid, sizeof(row.uuid));
	texts_of(&row, slots);
	texts_of(&back, slots_back);
	for (size_t i = 0; i < N_TEXTS; i++)
		assert_string_equal(*slots[i], *slots_back[i]);
	cf_certificate_done(&row);
	cf_certificate_done(&back);
}

static void certificate__null_texts_come_back_empty(void **state)
{
	struct fixture *f = *state;
	int64_t id = add_certificate(f, add_server(f, "EX01"), "mail");
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);
	char **slots[N_TEXTS];

	texts_of(&row, slots);
	for (size_t i = 0; i < N_TEXTS; i++)
		assert_string_equal(*slots[i], "");
}

static void server__every_column_comes_back(void **state)
{
	struct fixture *f = *state;
	struct cf_server row, back;

	scribble(&row, sizeof(row), 3);
	memset(row.uuid, 0, sizeof(row.uuid));
	memset(row.name, 0, sizeof(row.name));
	strcpy(row.name, "EX01");
	memset(row.deleted_name, 0, sizeof(row.deleted_name));
	strcpy(row.deleted_name, "EX01-2");
	row.deleted = 0;
	row.has_export_password = true;
	row.has_import_password = false;
	begin(f);
	assert_ok(f, cf_store_server_insert(f->db, &row, &f->err));
	commit(f);
	start_reading(f);
	assert_ok(f, cf_store_server_get(f->db, row.id, &back, &f->err));
	done(f);
	assert_false(back.damaged);
	assert_string_equal(back.name, "EX01");
	assert_int_equal(back.version, row.version);
	assert_memory_equal(&back.uid, &row.uid,
			    offsetof(struct cf_server, has_export_password) -
				    offsetof(struct cf_server, uid));
	assert_true(back.has_export_password);
	assert_false(back.has_import_password);
	assert_int_equal(back.t_export_password, row.t_export_password);
	assert_int_equal(back.t_import_password, row.t_import_password);
}

static void root__every_column_comes_back_and_versions_are_checked(void **state)
{
	struct fixture *f = *state;
	struct cf_root row, back, old;

	begin(f);
	assert_ok(f, cf_store_root_get(f->db, &row, &f->err));
	assert_false(row.damaged);
	old = row;
	row.mtime = 1;
	row.ctime = 2;
	row.t_export_password = 3;
	row.t_import_password = 4;
	row.has_import_password = true;
	row.trust_epoch = 5;
	row.t_trust = 6;
	memset(row.system_sum, 7, sizeof(row.system_sum));
	assert_ok(f, cf_store_root_update(f->db, &row, CF_WHAT_PASSWORD, &f->err));
	assert_int_equal(row.version, old.version + 1);
	commit(f);
	assert_changes(f, "1:0@0/40");
	start_reading(f);
	assert_ok(f, cf_store_root_get(f->db, &back, &f->err));
	done(f);
	assert_false(back.damaged);
	assert_int_equal(back.mtime, 1);
	assert_int_equal(back.ctime, 2);
	assert_int_equal(back.t_export_password, 3);
	assert_int_equal(back.t_import_password, 4);
	assert_false(back.has_export_password);
	assert_true(back.has_import_password);
	assert_int_equal(back.trust_epoch, 5);
	assert_int_equal(back.t_trust, 6);
	assert_memory_equal(back.system_sum, row.system_sum, sizeof(row.system_sum));
	begin(f);
	assert_refused(f, EAGAIN, "it was changed by somebody else in the meantime",
		       cf_store_root_update(f->db, &old, 0, &f->err));
}

/* -- servers --------------------------------------------------------------------------------- */

static void server__names_are_found_exactly_or_folded(void **state)
{
	struct fixture *f = *state;
	struct cf_server row;
	int64_t id = add_server(f, "EX01");

	assert_changes(f, "2:1@0/4 1:0@0/200");
	start_reading(f);
	assert_ok(f, cf_store_server_find(f->db, "EX01", &row, &f->err));
	assert_int_equal(row.id, id);
	assert_refused(f, ENOENT, "no server 'ex01'",
		       cf_store_server_find(f->db, "ex01", &row, &f->err));
	assert_ok(f, cf_store_server_find_folded(f->db, "ex01", &row, &f->err));
	assert_int_equal(row.id, id);
	assert_refused(f, ENOENT, "no server 'EX02'",
		       cf_store_server_find_folded(f->db, "EX02", &row, &f->err));
	assert_refused(f, ENOENT, "the server is gone",
		       cf_store_server_get(f->db, 99, &row, &f->err));
}

static void server__a_folded_name_is_taken_once(void **state)
{
	struct fixture *f = *state;
	struct cf_server row = { .name = "ex01" };

	add_server(f, "EX01");
	begin(f);
	assert_refused(f, EEXIST, "there is already a server 'ex01'",
		       cf_store_server_insert(f->db, &row, &f->err));
	assert_int_equal(row.id, 0);
	assert_int_equal(row.version, 0);
	/* The transaction goes on. */
	strcpy(row.name, "EX02");
	assert_ok(f, cf_store_server_insert(f->db, &row, &f->err));
	commit(f);
	/* Renaming: to another's name, and to another case of one's own. */
	begin(f);
	strcpy(row.name, "eX01");
	assert_refused(f, EEXIST, "there is already a server 'eX01'",
		       cf_store_server_update(f->db, &row, CF_WHAT_NAME, &f->err));
	strcpy(row.name, "ex02");
	assert_ok(f, cf_store_server_update(f->db, &row, CF_WHAT_NAME, &f->err));
	commit(f);
	assert_changes(f, "8:5@0/200 2:2@0/80 2:2@0/80-EX02 1:0@0/200");
	assert_findings(f, "");
}

static void server__deleting_frees_the_name(void **state)
{
	struct fixture *f = *state;
	struct cf_server row, found;
	int64_t id = add_server(f, "EX01");

	begin(f);
	assert_ok(f, cf_store_server_get(f->db, id, &row, &f->err));
	row.deleted = 5;
	assert_ok(f, cf_store_server_update(f->db, &row, CF_WHAT_STATE, &f->err));
	commit(f);
	assert_changes(f, "8:5@0/200 2:1@0/4 2:1@0/80-EX01 1:0@0/200");
	start_reading(f);
	assert_refused(f, ENOENT, "the server is gone",
		       cf_store_server_get(f->db, id, &found, &f->err));
	assert_int_equal(cf_store_server_next(f->db, 0, &found, &f->err), 0);
	assert_int_equal(cf_store_server_next_deleted(f->db, 0, &found, &f->err), 1);
	assert_int_equal(found.id, id);
	assert_ok(f, cf_store_server_get_any(f->db, id, &found, &f->err));
	done(f);
	assert_int_equal(add_server(f, "ex01"), 2);
	/* Back under its name: taken now. */
	begin(f);
	row.deleted = 0;
	assert_refused(f, EEXIST, "there is already a server 'EX01'",
		       cf_store_server_update(f->db, &row, CF_WHAT_STATE, &f->err));
	strcpy(row.name, "EX02");
	assert_ok(f, cf_store_server_update(f->db, &row, CF_WHAT_STATE, &f->err));
	commit(f);
	assert_changes(f, "8:5@0/200 2:1@0/4 1:0@0/200");
}

static void server__purging_wants_it_empty_and_ids_are_not_given_again(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01"), id = add_certificate(f, server, "mail");
	cf_auto(cf_certificate_done) struct cf_certificate certificate = get_certificate(f, id);
	const struct cf_owner owner = { CF_OBJECT_SERVER, server, server, NULL };
	struct cf_server row;
	bool is_new;

	put_key(f, id, server, "the key");
	begin(f);
	assert_ok(f, cf_vault_put(f->vault, f->db, &owner, CF_SECRET_EXPORT_PASSWORD,
				  cf_span_text("word"), &f->err));
	assert_ok(f, cf_store_server_get(f->db, server, &row, &f->err));
	assert_ok(f, cf_store_issuer_add(f->db, server, cf_span("DER", 3), &is_new, &f->err));
	commit(f);
	begin(f);
	assert_refused(f, ENOTEMPTY, "server 'EX01' isn't empty",
		       cf_store_server_purge(f->db, &row, &f->err));
	done(f);
	begin(f);
	assert_ok(f, cf_store_certificate_purge(f->db, &certificate, &f->err));
	commit(f);
	assert_changes(f, "8:5@0/200 3:1@1/80-mail 2:1@0/200");
	begin(f);
	assert_ok(f, cf_store_server_purge(f->db, &row, &f->err));
	commit(f);
	assert_int_equal(look_up(f, "SELECT count(*) FROM tally WHERE server <> 0"), 0);
	assert_int_equal(look_up(f, "SELECT count(*) FROM secret"), 0);
	assert_findings(f, "");
	assert_int_equal(add_server(f, "EX01"), 2);
	assert_int_equal(add_certificate(f, 2, "mail"), 2);
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
}

/* -- certificates ---------------------------------------------------------------------------- */

static void certificate__names_are_found_exactly_or_folded_in_their_server(void **state)
{
	struct fixture *f = *state;
	int64_t a = add_server(f, "EX01"), b = add_server(f, "EX02"),
		id = add_certificate(f, a, "mail");
	int64_t other = add_certificate(f, b, "MAIL"), found;

	assert_changes(f, "8:5@0/200 3:2@2/4 2:2@0/200");
	assert_ok(f, find(f, a, "mail", false, &found));
	assert_int_equal(found, id);
	assert_refused(f, ENOENT, "no certificate 'MAIL'", find(f, a, "MAIL", false, &found));
	assert_ok(f, find(f, a, "MAIL", true, &found));
	assert_int_equal(found, id);
	assert_ok(f, find(f, b, "mail", true, &found));
	assert_int_equal(found, other);
	assert_refused(f, ENOENT, "no certificate 'web'", find(f, a, "web", true, &found));
	assert_int_equal(found, 0);
}

static void certificate__a_folded_name_is_taken_once_per_server(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	struct cf_certificate row = new_certificate(server, "MAIL");

	add_certificate(f, server, "mail");
	begin(f);
	assert_refused(f, EEXIST, "there is already a certificate 'MAIL'",
		       cf_store_certificate_insert(f->db, &row, &f->err));
	assert_int_equal(row.id, 0);
	row.server = 99;
	assert_refused(f, ENOENT, "the server is gone",
		       cf_store_certificate_insert(f->db, &row, &f->err));
}

static void update__with_an_old_version_is_EAGAIN_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t id = add_certificate(f, add_server(f, "EX01"), "mail");
	cf_auto(cf_certificate_done) struct cf_certificate a = get_certificate(f, id);
	cf_auto(cf_certificate_done) struct cf_certificate b = get_certificate(f, id);

	begin(f);
	a.mtime = 1;
	assert_ok(f, cf_store_certificate_update(f->db, &a, CF_WHAT_FRIENDLY, &f->err));
	assert_int_equal(a.version, 2);
	/* Several changes of one row in a transaction. */
	a.mtime = 2;
	assert_ok(f, cf_store_certificate_update(f->db, &a, CF_WHAT_ACCESS, &f->err));
	commit(f);
	assert_changes(f, "3:1@1/102");
	begin(f);
	b.mtime = 3;
	assert_refused(f, EAGAIN, "it was changed by somebody else in the meantime",
		       cf_store_certificate_update(f->db, &b, CF_WHAT_FRIENDLY, &f->err));
	assert_int_equal(b.version, 1);
	commit(f);
	assert_changes(f, "");
	assert_int_equal(look_up(f, "SELECT mtime FROM certificate"), 2);
	assert_findings(f, "");
}

static void rename_to_web(struct cf_certificate *row)
{
	strcpy(row->name, "web");
}

static void move_to_2(struct cf_certificate *row)
{
	row->server = 2;
}

static void delete_now(struct cf_certificate *row)
{
	row->deleted = 77;
	strcpy(row->deleted_name, "gone");
}

static void undelete(struct cf_certificate *row)
{
	row->deleted = 0;
}

static void nothing(struct cf_certificate *row)
{
	(void)row;
}

static void update__tells_names_that_went_and_listings(void **state)
{
	struct fixture *f = *state;
	int64_t a = add_server(f, "EX01"), id = add_certificate(f, a, "mail"), found;

	add_server(f, "EX02");
	assert_ok(f, change(f, id, rename_to_web, CF_WHAT_NAME));
	assert_changes(f, "8:5@0/200 3:1@1/80 3:1@1/80-mail 2:1@0/200");
	assert_name(f, id, "web");
	assert_refused(f, ENOENT, "no certificate 'mail'", find(f, a, "mail", false, &found));
	assert_ok(f, change(f, id, move_to_2, CF_WHAT_NAME));
	assert_changes(f, "8:5@0/200 3:1@2/80 3:1@1/80-web 2:2@0/200 2:1@0/200");
	assert_ok(f, find(f, 2, "web", false, &found));
	assert_ok(f, change(f, id, delete_now, CF_WHAT_STATE));
	assert_changes(f, "8:5@0/200 3:1@2/4 3:1@2/80-web 2:2@0/200");
	assert_refused(f, ENOENT, "no certificate 'web'", find(f, 2, "web", false, &found));
	assert_ok(f, change(f, id, nothing, CF_WHAT_STATE));
	assert_changes(f, "3:1@2/4");
	/* Of what was deleted the name in _deleted goes. */
	assert_ok(f, change(f, id, undelete, CF_WHAT_STATE));
	assert_changes(f, "8:5@0/200 3:1@2/4 7:1@2/80-gone 2:2@0/200");
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
}

static void update__undeleting_onto_a_taken_name_is_EEXIST(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01"), id = add_certificate(f, server, "mail");

	assert_ok(f, change(f, id, delete_now, CF_WHAT_STATE));
	add_certificate(f, server, "Mail");
	assert_refused(f, EEXIST, "there is already a certificate 'mail'",
		       change(f, id, undelete, CF_WHAT_STATE));
	assert_findings(f, "");
}

static void next__walks_by_id_and_skips_what_is_deleted(void **state)
{
	struct fixture *f = *state;
	int64_t a = add_server(f, "EX01"), b = add_server(f, "EX02"), after = 0, n = 0, count;
	struct cf_certificate row;
	char name[16];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		add_certificate(f, i % 2 ? a : b, name);
	}
	assert_ok(f, change(f, 4, delete_now, CF_WHAT_STATE)); /* of a */
	start_reading(f);
	while (cf_store_certificate_next(f->db, a, after, &row, &f->err) > 0) {
		assert_true(row.id > after);
		assert_int_equal(row.server, a);
		after = row.id;
		n++;
		cf_certificate_done(&row);
	}
	assert_int_equal(n, 9);
	assert_ok(f, cf_store_certificate_count(f->db, a, &count, &f->err));
	assert_int_equal(count, 9);
	for (after = n = 0; cf_store_certificate_next_any(f->db, after, &row, &f->err) > 0; n++) {
		after = row.id;
		cf_certificate_done(&row);
	}
	assert_int_equal(n, 19);
	assert_int_equal(cf_store_deleted_next(f->db, a, 0, &row, &f->err), 1);
	assert_int_equal(row.id, 4);
	cf_certificate_done(&row);
	assert_int_equal(cf_store_deleted_next(f->db, a, 4, &row, &f->err), 0);
	assert_int_equal(cf_store_deleted_next(f->db, b, 0, &row, &f->err), 0);
}

static void set_sums(struct cf_certificate *row)
{
	memset(row->spki_sum, 1, sizeof(row->spki_sum));
	memset(row->sha1, 2, sizeof(row->sha1));
}

static void next__with_key_or_thumbprint(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	uint8_t key[CF_SUM_SIZE], sha1[20];
	struct cf_certificate row;

	add_certificate(f, server, "a");
	add_certificate(f, server, "b");
	add_certificate(f, server, "c");
	assert_ok(f, change(f, 1, set_sums, CF_WHAT_STATE));
	assert_ok(f, change(f, 3, set_sums, CF_WHAT_STATE));
	memset(key, 1, sizeof(key));
	memset(sha1, 2, sizeof(sha1));
	start_reading(f);
	assert_int_equal(cf_store_certificate_next_with_key(f->db, key, 1, &row, &f->err), 1);
	assert_int_equal(row.id, 3);
	cf_certificate_done(&row);
	assert_int_equal(cf_store_certificate_next_with_key(f->db, key, 3, &row, &f->err), 0);
	assert_int_equal(cf_store_certificate_next_with_thumbprint(f->db, sha1, 0, &row, &f->err),
			 1);
	assert_int_equal(row.id, 1);
	assert_false(row.damaged);
	cf_certificate_done(&row);
	sha1[0]++;
	assert_int_equal(cf_store_certificate_next_with_thumbprint(f->db, sha1, 0, &row, &f->err),
			 0);
}

static void due_at_10(struct cf_certificate *row)
{
	row->next_change = 10;
}

static void due_at_20(struct cf_certificate *row)
{
	row->next_change = 20;
}

static void next__due(void **state)
{
	struct fixture *f = *state;
	int64_t server = add_server(f, "EX01");
	struct cf_certificate row;
	cf_time t;

	start_reading(f);
	assert_ok(f, cf_store_certificate_earliest(f->db, &t, &f->err));
	assert_int_equal(t, CF_NEVER);
	done(f);
	add_certificate(f, server, "a");
	add_certificate(f, server, "b");
	add_certificate(f, server, "c");
	assert_ok(f, change(f, 1, due_at_20, CF_WHAT_VERDICT));
	assert_ok(f, change(f, 3, due_at_10, CF_WHAT_VERDICT));
	start_reading(f);
	assert_ok(f, cf_store_certificate_earliest(f->db, &t, &f->err));
	assert_int_equal(t, 10);
	assert_int_equal(cf_store_certificate_next_due(f->db, 9, 0, &row, &f->err), 0);
	assert_int_equal(cf_store_certificate_next_due(f->db, 20, 0, &row, &f->err), 1);
	assert_int_equal(row.id, 1);
	cf_certificate_done(&row);
	assert_int_equal(cf_store_certificate_next_due(f->db, 20, 1, &row, &f->err), 1);
	assert_int_equal(row.id, 3);
	cf_certificate_done(&row);
	assert_int_equal(cf_store_certificate_next_due(f->db, 20, 3, &row, &f->err), 0);
}

/* -- blobs and issuers ----------------------------------------------------------------------- */

static int put_blob(struct fixture *f, int64_t id, enum cf_blob kind, const char *text)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = { 0 };

	begin(f);
	assert_ok(f, cf_store_certificate_get(f->db, id, &row, &f->err));
	assert_ok(f, cf_store_blob_put(f->db, &row, kind, cf_span_text(text), &f->err));
	assert_ok(f, cf_store_certificate_update(f->db, &row, CF_WHAT_STATE, &f->err));
	commit(f);
	return 0;
}

static int get_blob(struct fixture *f, int64_t id, enum cf_blob kind, struct cf_buf *out)
{
	cf_auto(cf_certificate_done) struct cf_certificate row = get_certificate(f, id);
	int r;

	start_reading(f);
	r = cf_store_blob_get(f->db, &row, kind, out, &f->err);
	done(f);
	return r;
}

static void blob__is_put_replaced_and_taken_away(void **state)
{
	struct fixture *f = *state;
	int64_t id = add_certificate(f, add_server(f, "EX01"), "mail");
	cf_auto(cf_buf_done) struct cf_buf out = { 0 };

	assert_refused(f, ENOENT, "it has none", get_blob(f, id, CF_BLOB_LEAF, &out));
	put_blob(f, id, CF_BLOB_LEAF, "first");
	put_blob(f, id, CF_BLOB_LEAF, "second");
	put_blob(f, id, CF_BLOB_CHAIN, "chain");
	assert_ok(f, cf_buf_puts(&out, "appended: ", &f->err));
	assert_ok(f, get_blob(f, id, CF_BLOB_LEAF, &out));
	assert_string_equal(cf_buf_text(&out), "appended: second");
	assert_findings(f, "");
	put_blob(f, id, CF_BLOB_CHAIN, "");
	assert_refused(f, ENOENT, "it has none", get_blob(f, id, CF_BLOB_CHAIN, &out));
	assert_int_equal(look_up(f, "SELECT count(*) FROM blob"), 1);
	assert_string_equal(cf_buf_text(&out), "appended: second");
}

static void issuer__is_kept_once_per_server(void **state)
{
	struct fixture *f = *state;
	int64_t a = add_server(f, "EX01"), b = add_server(f, "EX02"), id = 0;
	cf_auto(cf_buf_done) struct cf_buf der = { 0 };
	bool is_new;

	begin(f);
	assert_ok(f, cf_store_issuer_add(f->db, a, cf_span("one", 3), &is_new, &f->err));
	assert_true(is_new);
	assert_ok(f, cf_store_issuer_add(f->db, a, cf_span("one", 3), &is_new, &f->err));
	assert_false(is_new);
	assert_ok(f, cf_store_issuer_add(f->db, b, cf_span("one", 3), &is_new, &f->err));
	assert_true(is_new);
	assert_ok(f, cf_store_issuer_add(f->db, a, cf_span("two", 3), &is_new, &f->err));
	commit(f);
	start_reading(f);
	assert_int_equal(cf_store_issuer_next(f->db, a, id, &id, &der, &f->err), 1);
	assert_string_equal(cf_buf_text(&der), "one");
	assert_int_equal(cf_store_issuer_next(f->db, a, id, &id, &der, &f->err), 1);
	assert_string_equal(cf_buf_text(&der), "two");
	assert_int_equal(cf_store_issuer_next(f->db, a, id, &id, &der, &f->err), 0);
	assert_string_equal(cf_buf_text(&der), "two");
	done(f);
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
}

/* -- secrets --------------------------------------------------------------------------------- */

static void secret__moves_with_its_certificate(void **state)
{
	struct fixture *f = *state;
	int64_t a = add_server(f, "EX01"), b = add_server(f, "EX02"),
		id = add_certificate(f, a, "mail");
	const struct cf_owner owner = { CF_OBJECT_CERTIFICATE, id, a, NULL };
	struct cf_certificate row;

	put_key(f, id, a, "the key");
	begin(f);
	assert_ok(f, cf_vault_put(f->vault, f->db, &owner, CF_SECRET_EXPORT_PASSWORD,
				  cf_span_text("word"), &f->err));
	commit(f);
	begin(f);
	assert_ok(f, cf_store_certificate_get(f->db, id, &row, &f->err));
	row.server = b;
	assert_ok(f, cf_store_certificate_update(f->db, &row, CF_WHAT_NAME, &f->err));
	assert_ok(f, cf_store_secret_move(f->db, CF_OBJECT_CERTIFICATE, id, b, &f->err));
	commit(f);
	cf_certificate_done(&row);
	assert_key(f, id, "the key");
	assert_int_equal(look_up(f, "SELECT count(*) FROM secret WHERE server = 2"), 2);
	assert_findings(f, "");
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
	assert_key(f, id, "the key");
}

static void secret__is_inserted_once_and_updated_by_version(void **state)
{
	struct fixture *f = *state;
	struct cf_secret row = { .object = CF_OBJECT_ROOT, .kind = CF_SECRET_IMPORT_PASSWORD };
	struct cf_secret again = row, old;

	begin(f);
	assert_ok(f, cf_store_secret_put(f->db, &row, &f->err));
	assert_int_equal(row.version, 1);
	assert_refused(f, EEXIST, "there is such a secret already",
		       cf_store_secret_put(f->db, &again, &f->err));
	old = row;
	assert_ok(f, cf_store_secret_put(f->db, &row, &f->err));
	assert_int_equal(row.version, 2);
	assert_refused(f, EAGAIN, "it was changed by somebody else in the meantime",
		       cf_store_secret_put(f->db, &old, &f->err));
	assert_refused(f, EAGAIN, "it was changed by somebody else in the meantime",
		       cf_store_secret_delete(f->db, &old, &f->err));
	assert_ok(f, cf_store_secret_delete(f->db, &row, &f->err));
	assert_refused(f, ENOENT, "no such secret",
		       cf_store_secret_get(f->db, CF_OBJECT_ROOT, 0, CF_SECRET_IMPORT_PASSWORD,
					   &again, &f->err));
	commit(f);
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
}

/* -- _trust ---------------------------------------------------------------------------------- */

static void trust__is_added_renamed_and_removed(void **state)
{
	struct fixture *f = *state;
	cf_auto(cf_trust_done) struct cf_trust row = { .name = "Root.cer",
						       .mode = 0644,
						       .mtime = 5 };
	cf_auto(cf_trust_done) struct cf_trust other = { .name = "ROOT.CER" }, found = { 0 };

	begin(f);
	assert_ok(f, cf_buf_puts(&row.data, "DER", &f->err));
	assert_ok(f, cf_buf_puts(&row.items, "items", &f->err));
	assert_ok(f, cf_store_trust_insert(f->db, &row, &f->err));
	assert_refused(f, EEXIST, "there is already a file 'ROOT.CER' in _trust",
		       cf_store_trust_insert(f->db, &other, &f->err));
	commit(f);
	assert_changes(f, "4:1@0/204");
	start_reading(f);
	assert_refused(f, ENOENT, "no file 'root.cer' in _trust",
		       cf_store_trust_find(f->db, "root.cer", &found, &f->err));
	assert_ok(f, cf_store_trust_find_folded(f->db, "root.cer", &found, &f->err));
	assert_string_equal(cf_buf_text(&found.data), "DER");
	assert_string_equal(cf_buf_text(&found.items), "items");
	assert_int_equal(found.mode, 0644);
	assert_int_equal(found.mtime, 5);
	assert_false(found.damaged);
	cf_trust_done(&found);
	assert_int_equal(cf_store_trust_next(f->db, 0, &found, &f->err), 1);
	cf_trust_done(&found);
	assert_int_equal(cf_store_trust_next(f->db, 1, &found, &f->err), 0);
	done(f);
	begin(f);
	strcpy(row.name, "other.cer");
	assert_ok(f, cf_store_trust_update(f->db, &row, &f->err));
	commit(f);
	assert_changes(f, "4:1@0/80-Root.cer 4:1@0/284");
	begin(f);
	assert_ok(f, cf_store_trust_delete(f->db, &row, &f->err));
	assert_refused(f, ENOENT, "the file is gone from _trust",
		       cf_store_trust_delete(f->db, &row, &f->err));
	commit(f);
	assert_changes(f, "4:1@0/80-other.cer");
	assert_ok(f, reopen(f));
	assert_int_equal(f->damaged, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
		WITH(certificate__every_column_comes_back),
		WITH(certificate__null_texts_come_back_empty),
		WITH(server__every_column_comes_back),
		WITH(root__every_column_comes_back_and_versions_are_checked),
		WITH(server__names_are_found_exactly_or_folded),
		WITH(server__a_folded_name_is_taken_once),
		WITH(server__deleting_frees_the_name),
		WITH(server__purging_wants_it_empty_and_ids_are_not_given_again),
		WITH(certificate__names_are_found_exactly_or_folded_in_their_server),
		WITH(certificate__a_folded_name_is_taken_once_per_server),
		WITH(update__with_an_old_version_is_EAGAIN_and_changes_nothing),
		WITH(update__tells_names_that_went_and_listings),
		WITH(update__undeleting_onto_a_taken_name_is_EEXIST),
		WITH(next__walks_by_id_and_skips_what_is_deleted),
		WITH(next__with_key_or_thumbprint),
		WITH(next__due),
		WITH(blob__is_put_replaced_and_taken_away),
		WITH(issuer__is_kept_once_per_server),
		WITH(secret__moves_with_its_certificate),
		WITH(secret__is_inserted_once_and_updated_by_version),
		WITH(trust__is_added_renamed_and_removed),
	};

	return cmocka_run_group_tests_name("store_certificate", tests, NULL, NULL);
}
