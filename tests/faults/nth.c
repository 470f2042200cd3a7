/*
 * What if it fails just there: each procedure is tried again and again through the tree, and the n-th
 * allocation (ours, SQLite's), or the n-th call to the disk, fails; n grows until nothing
 * fails any more. Each time the errno is the documented one, the store holds what it held before and is
 * sound, and where the build has sanitizers nothing is leaked. Usually only some n are tried;
 * CERTFS_TEST_MORE=1 tries every one.
 */
#include "tests/unit/tree_fixture.h"

#include <openssl/pem.h>
#include <pthread.h>

#include "core/store/store_private.h"
#include "tests/faults/fingerprint.h"
#include "tests/faults/vfs.h"

/* About how many n are tried of each procedure. */
#ifdef __SANITIZE_ADDRESS__
#define SAMPLE 6
#define LAST 6
#else
#define SAMPLE 25
#define LAST 20
#endif

enum fault {
	FAULT_NONE,
	FAULT_MEMORY,
	FAULT_ANY_IO,
	FAULT_WRITE, /* the disk is full */
	FAULT_SYNC,
};

/* What fails, and when. The allocators have no argument that could carry it. */
static struct {
	_Atomic int fault;
	_Atomic long seen; /* since it was armed */
	long n;            /* the one that fails; 0: none, they are only counted */
	int n_wrong;
	enum test_call call; /* of the disk: which it was */
} plan;

static bool fails(enum fault fault)
{
	return atomic_load(&plan.fault) == (int)fault &&
	       atomic_fetch_add(&plan.seen, 1) + 1 == plan.n;
}

static void arm(enum fault fault, long n)
{
	plan.n = n;
	atomic_store(&plan.seen, 0);
	atomic_store(&plan.fault, fault);
}

static void disarm(void)
{
	atomic_store(&plan.fault, FAULT_NONE);
}

/* -- memory ---------------------------------------------------------------------------------- */

/* The linker sends the calls of our own code here (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static bool no_memory(void)
{
	if (!fails(FAULT_MEMORY))
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return no_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return no_memory() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return no_memory() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return no_memory() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return no_memory() ? NULL : __real_strndup(s, n);
}

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int size)
{
	return no_memory() ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size)
{
	return no_memory() ? NULL : sqlite_memory.xRealloc(p, size);
}

/* Before anything is allocated there. */
static void take_memory(void)
{
	sqlite3_mem_methods ours;

	assert(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory) == SQLITE_OK);
	ours = sqlite_memory;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	assert(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK);
	/* A decoder has limits of its own, and tests of its own. */
	assert(pthread_atfork(NULL, NULL, disarm) == 0);
}

/* -- the disk -------------------------------------------------------------------------------- */

static int ask(void *arg, const struct test_io *io)
{
	static const int codes[] = {
		[TEST_CALL_CREATE] = SQLITE_CANTOPEN,
		[TEST_CALL_READ] = SQLITE_IOERR_READ,
		[TEST_CALL_WRITE] = SQLITE_IOERR_WRITE,
		[TEST_CALL_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
		[TEST_CALL_SYNC] = SQLITE_IOERR_FSYNC,
		[TEST_CALL_DELETE] = SQLITE_IOERR_DELETE,
		[TEST_CALL_LOCK] = SQLITE_IOERR_LOCK,
		[TEST_CALL_SHM] = SQLITE_IOERR_SHMMAP,
	};

	(void)arg;
	if (fails(FAULT_ANY_IO)) {
		plan.call = io->call;
		return codes[io->call];
	}
	if (io->call == TEST_CALL_WRITE && fails(FAULT_WRITE))
		return SQLITE_FULL;
	if (io->call == TEST_CALL_SYNC && fails(FAULT_SYNC))
		return SQLITE_IOERR_FSYNC;
	return SQLITE_OK;
}

/* -- the procedures -------------------------------------------------------------------------- */

/* i is another number each time, so that names are new. */
struct procedure {
	const char *name;
	void (*prepare)(struct fixture *f, int i); /* may be NULL */
	int (*run)(struct fixture *f, int i);
	bool records; /* even what fails may leave a line in the audit log */
	/* Where each success would make the next attempt longer: take it back. May be NULL. */
	void (*undo)(struct fixture *f, int i);
};

static struct made answer; /* what prepare made for run */

/* In one of a few buffers, so that two can be in use. */
__attribute__((format(printf, 1, 2))) static const char *path_of(const char *form, ...)
{
	static char paths[4][128];
	static int next;
	char *path = paths[next++ % 4];
	va_list ap;

	va_start(ap, form);
	vsnprintf(path, sizeof(paths[0]), form, ap);
	va_end(ap);
	return path;
}

static void have_request(struct fixture *f, int i)
{
	char name[32];

	snprintf(name, sizeof(name), "c-%d", i);
	fx_request(f, "EX01", name);
}

static void have_draft(struct fixture *f, int i)
{
	fx_ok(f, fx_mkdir(f, path_of("EX01/c-%d", i)));
}

static void have_answer(struct fixture *f, int i)
{
	have_request(f, i);
	made_done(&answer);
	answer = fx_answer(f, path_of("EX01/c-%d", i), (struct spec){ 0 });
}

static void have_certificate(struct fixture *f, int i)
{
	have_answer(f, i);
	fx_ok(f, fx_drop(f, path_of("EX01/c-%d/a.cer", i), &answer));
}

static void have_file(struct fixture *f, int i)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	(void)f;
	(void)i;
	made_done(&answer);
	answer = make((struct spec){ .cn = "import.contoso.com", .issuer = &f->intermediate });
	PEM_write_bio_PKCS8PrivateKey(bio, answer.key, NULL, NULL, 0, NULL, NULL);
	PEM_write_bio_X509(bio, answer.x);
	len = BIO_get_mem_data(bio, &text);
	cf_buf_done(&answer.der);
	assert_int_equal(cf_buf_append(&answer.der, text, (size_t)len, NULL), 0);
	BIO_free(bio);
}

static int create(struct fixture *f, int i)
{
	return fx_mkdir(f, path_of("EX01/c-%d", i));
}

static int request(struct fixture *f, int i)
{
	return fx_write(f, path_of("EX01/c-%d/request.csr", i),
			"key-type = p256\ndomains = a.b.example\nCN=mail.contoso.com\n");
}

static int self_sign(struct fixture *f, int i)
{
	return fx_write(f, path_of("EX01/c-%d/self-signed", i),
			"key-type = p256\nCN=a.b.example\n");
}

static int complete(struct fixture *f, int i)
{
	return fx_drop(f, path_of("EX01/c-%d/answer.cer", i), &answer);
}

static int import(struct fixture *f, int i)
{
	return fx_drop(f, path_of("EX01/c-%d.pem", i), &answer);
}

static int assign(struct fixture *f, int i)
{
	return fx_append(f, path_of("EX01/c-%d/services", i), "SMTP, IIS\n");
}

static int renew(struct fixture *f, int i)
{
	return fx_write(f, path_of("EX01/c-%d/renew", i), path_of("new-%d\n", i));
}

static int rename_it(struct fixture *f, int i)
{
	uint64_t parent = CF_TREE_ROOT;
	struct cf_attr attr;
	int r = fx_lookup(f, path_of("EX01/c-%d", i), &parent, &attr);
	char old[32];

	if (r < 0)
		return r;
	snprintf(old, sizeof(old), "c-%d", i);
	return cf_tree_rename(f->tree, &f->ctx, parent, old, parent, path_of("r-%d", i), 0,
			      &f->err);
}

static int delete (struct fixture *f, int i)
{
	uint64_t parent = CF_TREE_ROOT;
	struct cf_attr attr;
	int r = fx_lookup(f, path_of("EX01/c-%d", i), &parent, &attr);

	return r < 0 ? r : cf_tree_rmdir(f->tree, &f->ctx, parent, path_of("c-%d", i), &f->err);
}

static int set(struct fixture *f, int i)
{
	return fx_write(f, "EX01/_settings/fqdn", path_of("host-%d.contoso.com\n", i));
}

static int password(struct fixture *f, int i)
{
	return fx_write(f, "EX01/_export.password", path_of("secret %d\n", i));
}

static int export(struct fixture *f, int i)
{
	(void)i;
	return fx_read(f, "EX01/valid/export.pfx");
}

static int trust(struct fixture *f, int i)
{
	return fx_drop(f, path_of("_trust/root-%d.cer", i), &f->root);
}

static void distrust(struct fixture *f, int i)
{
	uint64_t parent = CF_TREE_ROOT;
	struct cf_attr attr;

	assert_int_equal(fx_lookup(f, path_of("_trust/root-%d.cer", i), &parent, &attr), 0);
	fx_ok(f, cf_tree_unlink(f->tree, &f->ctx, parent, path_of("root-%d.cer", i), &f->err));
}

static const struct procedure procedures[] = {
	{ "create", NULL, create },
	{ "request", have_draft, request },
	{ "self-sign", have_draft, self_sign },
	{ "complete", have_answer, complete },
	{ "import", have_file, import },
	{ "assign", have_certificate, assign },
	{ "renew", have_certificate, renew },
	{ "rename", have_certificate, rename_it },
	{ "delete", have_certificate, delete },
	{ "settings", NULL, set },
	{ "password", NULL, password },
	{ "export", NULL, export, .records = true },
	{ "trust", NULL, trust, .undo = distrust },
};

/* -- trying ---------------------------------------------------------------------------------- */

static void ignore(void *arg, const char *sentence)
{
	(void)arg;
	print_message("# %s\n", sentence);
}

static bool every_one(void)
{
	const char *more = getenv("CERTFS_TEST_MORE");

	return more && *more && strcmp(more, "0") != 0;
}

/* All of them are shown. */
__attribute__((format(printf, 1, 2))) static void wrong(const char *form, ...)
{
	va_list ap;
	char text[1024];

	va_start(ap, form);
	vsnprintf(text, sizeof(text), form, ap);
	va_end(ap);
	print_message("# WRONG: %s\n", text);
	plan.n_wrong++;
}

/* In steps, but for the last few, which come after the commit. */
static long next(long n, long step, long total)
{
	if (n + step <= total - LAST)
		return n + step;
	return n < total - LAST ? total - LAST : n + 1;
}

/* One procedure, until nothing fails. Returns how often it failed. */
static int until_it_works(struct fixture *f, const struct procedure *p, enum fault fault, int code,
			  int *i)
{
	sqlite3 *sq = f->core.store->writer->sq;
	long total, step, n;
	int failed = 0, r;

	/* How many there are. */
	if (p->prepare)
		p->prepare(f, ++*i);
	arm(fault, 0);
	fx_ok(f, p->run(f, p->prepare ? *i : ++*i));
	disarm();
	if (p->undo)
		p->undo(f, *i);
	total = atomic_load(&plan.seen);
	step = every_one() || total <= SAMPLE ? 1 : total / SAMPLE;
	++*i;
	if (p->prepare)
		p->prepare(f, *i);
	for (n = 1;; n = next(n, step, total)) {
		uint64_t before = fingerprint(sq);
		bool hit;

		cf_err_reset(&f->err);
		arm(fault, n);
		r = p->run(f, *i);
		disarm();
		hit = atomic_load(&plan.seen) >= n;
		if (!hit)
			fx_ok(f, r);
		/* What an attempt leaves can make the next one longer, on and on. */
		if (!hit || n > 2 * total)
			return failed;
		if (r == 0) { /* it could do without; the next attempt is another's */
			if (p->undo)
				p->undo(f, *i);
			++*i;
			if (p->prepare)
				p->prepare(f, *i);
			continue;
		}
		failed++;
		/* No record, no key: that is EIO whatever the cause. */
		if ((r != -code && !(p->records && r == -EIO)) || f->err.code != -r ||
		    !*f->err.text)
			wrong("%s, %ld of %ld: %s, not %s: %s", p->name, n, total,
			      cf_errno_name(-r), cf_errno_name(code), f->err.text);
		if (p->records || fingerprint(sq) == before)
			continue;
		wrong("%s, %ld of %ld (call %d): the store was changed: %s", p->name, n, total,
		      plan.call, f->err.text);
		++*i;
		if (p->prepare)
			p->prepare(f, *i);
	}
}

/* Each on a store of its own: what the attempts leave makes later ones slow. */
static void try_one(const struct procedure *p, enum fault fault, int code)
{
	struct fixture *f;
	void *state;
	int i = 0, failed;

	fx_setup_on(&state, "nth");
	f = state;
	fx_valid(f, "EX01", "valid");
	fx_ok(f, fx_write(f, "_export.password", "everywhere\n"));
	failed = until_it_works(f, p, fault, code, &i);
	print_message("# %s: failed %d times\n", p->name, failed);
	if (cf_store_check(f->core.store, ignore, NULL, &f->err) != 0)
		fail_msg("%s: %s", p->name, f->err.text);
	made_done(&answer);
	answer = (struct made){ 0 };
	fx_teardown(&state);
}

static void try_all(enum fault fault, int code)
{
	for (size_t p = 0; p < CF_COUNT(procedures); p++)
		try_one(&procedures[p], fault, code);
	assert_int_equal(plan.n_wrong, 0);
}

static void memory__that_is_short_is_ENOMEM_and_changes_nothing(void **state)
{
	(void)state;
	try_all(FAULT_MEMORY, ENOMEM);
}

static void disk__that_fails_is_EIO_and_changes_nothing(void **state)
{
	(void)state;
	try_all(FAULT_ANY_IO, EIO);
}

static void disk__that_is_full_is_ENOSPC_and_changes_nothing(void **state)
{
	(void)state;
	try_all(FAULT_WRITE, ENOSPC);
}

static void sync__that_fails_is_EIO_and_changes_nothing(void **state)
{
	(void)state;
	try_all(FAULT_SYNC, EIO);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(test_vfs_register("nth", 0, ask, NULL), SQLITE_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	disarm();
	plan.n_wrong = 0;
	test_vfs_unregister("nth");
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* A pattern of names runs only these: test_nth 'disk*'. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(memory__that_is_short_is_ENOMEM_and_changes_nothing),
		T(disk__that_fails_is_EIO_and_changes_nothing),
		T(disk__that_is_full_is_ENOSPC_and_changes_nothing),
		T(sync__that_fails_is_EIO_and_changes_nothing),
	};

	take_memory();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("nth", tests, NULL, NULL);
}
