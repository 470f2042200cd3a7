/* Decoders: the same results as without one, and nothing that one can do hurts its client. */
#include "tests/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto/ossl.h"
#include "core/crypto/pem.h"
#include "core/decoder/sandbox_private.h"
#include "core/decoder/wire_private.h"
#include "tests/unit/ca.h"

/* What a false decoder does instead of its work. */
typedef void body_fn(int fd);

struct fixture {
	struct cf_decoder decoder;
	struct cf_buf in;
	struct cf_decoded out;
	struct cf_err err;
	pid_t child; /* a false decoder, to be reaped */
	body_fn *body;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->decoder.start = cf_decoder_fork;
	*state = f;
	return 0;
}

static void reap(struct fixture *f)
{
	if (f->child > 0) {
		kill(f->child, SIGKILL);
		waitpid(f->child, NULL, 0);
	}
	f->child = 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	reap(f);
	cf_buf_done(&f->in);
	cf_decoded_done(&f->out);
	free(f);
	return 0;
}

static int start_false(void *arg, int *ret_fd, struct cf_err *err)
{
	struct fixture *f = arg;
	int fds[2];

	reap(f);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return cf_fail(err, EIO, "socketpair");
	f->child = fork();
	if (f->child == 0) {
		close(fds[0]);
		f->body(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return 0;
}

static void use_false(struct fixture *f, body_fn *body)
{
	f->body = body;
	f->decoder = (struct cf_decoder){ .start = start_false, .arg = f };
}

static int decode(struct fixture *f, const char *bytes, size_t n)
{
	cf_err_reset(&f->err);
	cf_decoded_done(&f->out);
	return cf_decoder_decode(&f->decoder, cf_span(bytes, n), NULL, &f->out, &f->err);
}

static void assert_refused(struct fixture *f, int r, const char *sentence)
{
	assert_int_equal(decode(f, "x", 1), r);
	assert_string_equal(f->err.text, sentence);
	assert_null(f->out.items);
}

static const char *folder(void)
{
	const char *path = getenv("CF_VECTORS");

	return path ? path : "tests/vectors";
}

static void load(struct fixture *f, const char *name)
{
	char path[512];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	file = fopen(path, "rb");
	assert_non_null(file);
	cf_buf_reset(&f->in);
	while ((c = getc(file)) != EOF) {
		char byte = (char)c;

		assert_int_equal(cf_buf_append(&f->in, &byte, 1, NULL), 0);
	}
	fclose(file);
}

/*
 * The first test, in a process that parsed nothing yet: whatever OpenSSL or the C library load
 * late, files among it, has to be there before the decoder is locked up.
 */
static void cold__every_vector_gets_an_answer(void **state)
{
	struct fixture *f = *state;
	struct dirent *entry;
	DIR *dir = opendir(folder());

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "ok-", 3) && strncmp(entry->d_name, "refused-", 8))
			continue;
		load(f, entry->d_name);
		if (decode(f, f->in.data, f->in.len) < 0 && strstr(f->err.text, "its decoder"))
			fail_msg("%s: %s", entry->d_name, f->err.text);
	}
	closedir(dir);
}

static void cold__every_kind_of_verdict_is_reached(void **state)
{
	static const struct {
		const char *now;
		size_t n_issuers, n_anchors, n_crls;
		enum cf_verdict_status status;
	} cases[] = {
		{ "2051-01-01T00:00:00Z", 1, 1, 0, CF_VERDICT_DATE_INVALID },
		{ "2019-01-01T00:00:00Z", 1, 1, 1, CF_VERDICT_DATE_INVALID },
		{ "2040-01-01T00:00:00Z", 1, 1, 0, CF_VERDICT_VALID },
		{ "2040-01-01T00:00:00Z", 1, 1, 1, CF_VERDICT_VALID },
		{ "2040-01-01T00:00:00Z", 0, 1, 1, CF_VERDICT_UNTRUSTED },
		{ "2040-01-01T00:00:00Z", 1, 0, 0, CF_VERDICT_UNTRUSTED },
		{ "2046-01-01T00:00:00Z", 1, 1, 2, CF_VERDICT_REVOCATION_CHECK_FAILURE },
	};
	struct fixture *f = *state;
	struct cf_span spans[5];

	load(f, "ok-4-pkcs7-with-crl.p7b");
	assert_int_equal(decode(f, f->in.data, f->in.len), 0);
	for (size_t i = 0; i < 4; i++)
		spans[i] = cf_span_buf(&f->out.items[i].der);
	spans[4] = spans[3];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cf_verify job = { .leaves = spans,
					 .n_leaves = 1,
					 .issuers = spans + 1,
					 .n_issuers = cases[i].n_issuers,
					 .anchors = spans + 2,
					 .n_anchors = cases[i].n_anchors,
					 .crls = spans + 3,
					 .n_crls = cases[i].n_crls };
		struct cf_verdict got = { 0 };

		assert_true(cf_time_parse(cases[i].now, &job.now));
		if (cf_decoder_verify(&f->decoder, &job, &got, &f->err) < 0)
			fail_msg("%s", f->err.text);
		if (got.status != cases[i].status)
			fail_msg("%zu: %d: %s", i, (int)got.status, got.reason);
		cf_verdict_done(&got);
	}
}

static void assert_same_item(const struct cf_item *a, const struct cf_item *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->der.len, b->der.len);
	assert_memory_equal(a->der.data, b->der.data, a->der.len);
	assert_memory_equal(a->info.spki_sum, b->info.spki_sum, CF_SHA256_SIZE);
	if (a->kind != CF_ITEM_CERTIFICATE)
		return;
	assert_true(!a->friendly_name == !b->friendly_name);
	if (a->friendly_name)
		assert_string_equal(a->friendly_name, b->friendly_name);
	assert_string_equal(a->info.subject, b->info.subject);
	assert_string_equal(a->info.issuer, b->info.issuer);
	assert_string_equal(a->info.common_name, b->info.common_name);
	assert_string_equal(a->info.domains, b->info.domains);
	assert_string_equal(a->info.serial, b->info.serial);
	assert_string_equal(a->info.key_algorithm, b->info.key_algorithm);
	assert_string_equal(a->info.signature_algorithm, b->info.signature_algorithm);
	assert_string_equal(a->info.enhanced_key_usage, b->info.enhanced_key_usage);
	assert_string_equal(a->info.key_usage, b->info.key_usage);
	assert_string_equal(a->info.subject_key_id, b->info.subject_key_id);
	assert_memory_equal(a->info.sha1, b->info.sha1, CF_SHA1_SIZE);
	assert_memory_equal(a->info.sha256, b->info.sha256, CF_SHA256_SIZE);
	assert_true(a->info.not_before == b->info.not_before);
	assert_true(a->info.not_after == b->info.not_after);
	assert_int_equal(a->info.version, b->info.version);
	assert_int_equal(a->info.key_bits, b->info.key_bits);
	assert_int_equal(a->info.is_ca, b->info.is_ca);
	assert_int_equal(a->info.self_issued, b->info.self_issued);
	assert_int_equal(a->info.self_signed, b->info.self_signed);
}

/* Every vector goes through a real, locked up decoder: seccomp must not be in the way of any. */
static void decode__every_vector_gives_the_same_as_in_process(void **state)
{
	struct fixture *f = *state;
	struct dirent *entry;
	DIR *dir = opendir(folder());

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		struct cf_decoded direct = { 0 };
		struct cf_err err = { 0 };
		int r;

		if (strncmp(entry->d_name, "ok-", 3) && strncmp(entry->d_name, "refused-", 8))
			continue;
		load(f, entry->d_name);
		r = cf_decode(cf_span_buf(&f->in), NULL, &direct, &err);
		if (decode(f, f->in.data, f->in.len) != r)
			fail_msg("%s: %s", entry->d_name, f->err.text);
		assert_string_equal(f->err.text, err.text);
		assert_int_equal(f->out.n, direct.n);
		for (size_t i = 0; i < direct.n; i++)
			assert_same_item(&f->out.items[i], &direct.items[i]);
		cf_decoded_done(&direct);
	}
	closedir(dir);
}

/* So do those that are encrypted: the legacy algorithms were loaded before the fork. */
static void decode__passwords_travel_and_keys_come_back(void **state)
{
	static const char *const names[] = { "pfx/ok-4-openssl1-rc2-40.pfx", "pfx/ok-2-rc4.pfx",
					     "pfx/ok-2-3des.pfx",
					     "pfx/ok-2-encrypted-key-scrypt.pem",
					     "pfx/ok-2-encrypted-old-key-des3.pem" };
	static const struct cf_span words[] = { { "not this one", 12 }, { "P@ssw0rd1", 9 } };
	static const struct cf_passwords passwords = { .items = words, .n = 2 };
	struct fixture *f = *state;

	for (size_t i = 0; i < CF_COUNT(names); i++) {
		struct cf_decoded direct = { 0 };

		load(f, names[i]);
		cf_err_reset(&f->err);
		cf_decoded_done(&f->out);
		assert_int_equal(cf_decoder_decode(&f->decoder, cf_span_buf(&f->in), &passwords,
						   &f->out, &f->err),
				 0);
		assert_int_equal(cf_decode(cf_span_buf(&f->in), &passwords, &direct, &f->err), 0);
		assert_int_equal(f->out.n, direct.n);
		for (size_t k = 0; k < direct.n; k++)
			assert_same_item(&f->out.items[k], &direct.items[k]);
		cf_decoded_done(&direct);
		assert_int_equal(decode(f, f->in.data, f->in.len), -ENOKEY);
	}
}

static void decode__large_files_go_through(void **state)
{
	struct fixture *f = *state;
	struct made m = make((struct spec){ .cn = "a" });
	size_t n;
	char *room;

	assert_int_equal(cf_pem_write("CERTIFICATE", cf_span_buf(&m.der), &f->in, NULL), 0);
	n = CF_DROP_MAX - f->in.len;
	room = cf_buf_room(&f->in, n + 1, NULL);
	assert_non_null(room);
	memset(room, '\n', n + 1);
	cf_buf_seal(&f->in, n);
	assert_int_equal(decode(f, f->in.data, f->in.len), 0);
	assert_int_equal(f->out.n, 1);
	cf_buf_seal(&f->in, 1);
	assert_int_equal(decode(f, f->in.data, f->in.len), -EFBIG);
	made_done(&m);
}

/* A subject of half a mebibyte of what takes most room when it is shown. */
static void decode__the_worst_name_fits_in_an_answer(void **state)
{
	struct fixture *f = *state;
	struct made m = { 0 };
	size_t n = 500000;
	unsigned char *text;
	X509_NAME_ENTRY *entry;

	if (!cf_sandbox_filters())
		leave_out(); /* valgrind takes longer over it than the watchdog allows */
	m = (struct made){ .x = X509_new(), .key = make_key() };
	text = malloc(n);
	memset(text, 0x80, n);
	entry = X509_NAME_ENTRY_create_by_NID(NULL, NID_commonName, V_ASN1_T61STRING, text, (int)n);
	X509_NAME_add_entry(X509_get_subject_name(m.x), entry, -1, 0);
	X509_NAME_add_entry(X509_get_issuer_name(m.x), entry, -1, 0);
	X509_NAME_ENTRY_free(entry);
	ASN1_TIME_set_string_X509(X509_getm_notBefore(m.x), "20200101000000Z");
	ASN1_TIME_set_string_X509(X509_getm_notAfter(m.x), "20400101000000Z");
	X509_set_pubkey(m.x, m.key);
	made_sign(&m, m.key, false);
	if (decode(f, m.der.data, m.der.len) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(f->out.n, 1);
	free(text);
	made_done(&m);
}

static void die(int fd)
{
	(void)fd;
	raise(SIGKILL);
}

static void read_and_die(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0 && byte != 'x')
		;
	raise(SIGKILL);
}

static void decode__a_decoder_that_dies_is_EBADMSG(void **state)
{
	static const char sentence[] = "its decoder died of it: it is damaged, made to do harm, or "
				       "too large for the memory that one may have";
	struct fixture *f = *state;

	use_false(f, die);
	assert_refused(f, -EBADMSG, sentence);
	use_false(f, read_and_die);
	assert_refused(f, -EBADMSG, sentence);
}

static void sleep_on(int fd)
{
	(void)fd;
	for (;;)
		pause();
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void decode__a_decoder_that_hangs_is_given_up(void **state)
{
	struct fixture *f = *state;
	int64_t start = now_ms();

	use_false(f, sleep_on);
	assert_refused(f, -EBADMSG, "its decoder took longer than 5 s and was stopped");
	assert_true(now_ms() - start >= CF_DECODER_SECONDS * CF_DECODER_PATIENCE * 1000);
}

static void forever(int fd)
{
	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 1, 0);
	for (volatile unsigned int i = 0;; i++)
		;
}

static int wait_signal(struct fixture *f)
{
	int status;

	assert_int_equal(waitpid(f->child, &status, 0), f->child);
	f->child = 0;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int run(struct fixture *f, body_fn *body)
{
	int fd;

	use_false(f, body);
	assert_int_equal(start_false(f, &fd, NULL), 0);
	close(fd);
	return wait_signal(f);
}

static void sandbox__watchdog_ends_what_never_ends(void **state)
{
	int sig = run(*state, forever);

	if (sig != SIGALRM && sig != SIGXCPU && sig != SIGKILL)
		fail_msg("ended by signal %d", sig);
}

static void open_file(int fd)
{
	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 5, 1 << 26);
	open("/etc/passwd", O_RDONLY);
}

static void make_process(int fd)
{
	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 5, 1 << 26);
	fork();
}

static void make_socket(int fd)
{
	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 5, 1 << 26);
	socket(AF_INET, SOCK_STREAM, 0);
}

static void read_other(int fd)
{
	char byte;

	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 5, 1 << 26);
	if (read(fd + 1, &byte, 1) < 0)
		_exit(1);
}

static void make_code(int fd)
{
	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 5, 1 << 26);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	    MAP_FAILED)
		_exit(1);
}

static void nothing(int fd)
{
	char byte;

	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 5, 1 << 26);
	if (read(fd, &byte, 1) < 0)
		_exit(1);
	free(malloc(1 << 20));
}

static void sandbox__only_the_socket_and_memory_are_left(void **state)
{
	struct fixture *f = *state;

	if (!cf_sandbox_filters())
		leave_out();
	assert_int_equal(run(f, nothing), 0);
	assert_int_equal(run(f, open_file), SIGSYS);
	assert_int_equal(run(f, make_process), SIGSYS);
	assert_int_equal(run(f, make_socket), SIGSYS);
	assert_int_equal(run(f, read_other), SIGSYS);
	assert_int_equal(run(f, make_code), SIGSYS);
}

static void take_memory(int fd)
{
	void *volatile small, *volatile large;

	cf_sandbox_close(fd);
	cf_sandbox_lock(fd, 5, 1 << 26);
	small = malloc(1 << 24);
	large = malloc(1 << 27);
	if (!small || large)
		_exit(1);
	raise(SIGKILL); /* which the filter forbids: SIGSYS tells that all went well */
}

static void sandbox__memory_is_limited(void **state)
{
	if (!cf_sandbox_limits_memory())
		leave_out();
	assert_int_equal(run(*state, take_memory), SIGSYS);
}

static int other_fd; /* an open descriptor that a decoder must not keep */

static void look_for_fds(int fd)
{
	cf_sandbox_close(fd);
	if (fcntl(other_fd, F_GETFD) >= 0 || fcntl(0, F_GETFD) >= 0 || fcntl(fd, F_GETFD) < 0)
		raise(SIGKILL);
}

static void sandbox__other_descriptors_are_closed(void **state)
{
	other_fd = open("/dev/null", O_RDONLY);
	assert_true(other_fd >= 0);
	assert_int_equal(run(*state, look_for_fds), 0);
	close(other_fd);
}

/* What a decoder that was taken over may answer. */
static const struct cf_buf *lie;

static void tell_lie(int fd)
{
	char byte;

	/* The whole job first: what is left unread would reset the connection. */
	while (read(fd, &byte, 1) > 0 && byte != 'x')
		;
	if (send(fd, lie->data, lie->len, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* An answer as it would be: body with its length in front. */
static void assert_nonsense(struct fixture *f, const struct cf_buf *body)
{
	struct cf_buf whole = { 0 };

	assert_int_equal(cf_pack_bytes(&whole, cf_span_buf(body), NULL), 0);
	lie = &whole;
	use_false(f, tell_lie);
	assert_refused(f, -EBADMSG, "its decoder answered nonsense");
	cf_buf_done(&whole);
}

/* Status 0, no sentence, and one item of a real certificate. */
static void honest(struct cf_buf *body, struct made *m, struct cf_item *item)
{
	struct cf_decoded decoded = { .items = item, .n = 1 };

	*m = make((struct spec){ .cn = "mail.contoso.com" });
	item->kind = CF_ITEM_CERTIFICATE;
	assert_int_equal(cf_cert_parse(cf_span_buf(&m->der), &item->info, &item->der, NULL), 0);
	assert_int_equal(cf_pack_int(body, 0, NULL), 0);
	assert_int_equal(cf_pack_bytes(body, cf_span_text(""), NULL), 0);
	assert_int_equal(cf_wire_put_decoded(&decoded, body, NULL), 0);
}

static void answer__cut_off_or_too_long_is_nonsense(void **state)
{
	struct fixture *f = *state;
	struct cf_buf body = { 0 }, whole = { 0 };
	struct cf_item item = { 0 };
	struct made m;
	size_t len;

	honest(&body, &m, &item);
	assert_int_equal(cf_pack_bytes(&whole, cf_span_buf(&body), NULL), 0);
	lie = &whole;
	use_false(f, tell_lie);
	if (decode(f, "x", 1) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(f->out.n, 1);
	len = body.len;
	for (size_t n = 1; n < len; n += 23) {
		body.len = n;
		assert_nonsense(f, &body);
	}
	body.len = len;
	assert_int_equal(cf_buf_append(&body, "x", 1, NULL), 0);
	assert_nonsense(f, &body);
	cf_buf_done(&body);
	cf_buf_done(&whole);
	cf_buf_done(&item.der);
	cf_cert_info_done(&item.info);
	made_done(&m);
}

/* Swap a text of an honest answer for another of the same length. */
static void swap_text(struct fixture *f, const char *from, const char *to)
{
	struct cf_buf body = { 0 };
	struct cf_item item = { 0 };
	struct made m;
	char *at;

	honest(&body, &m, &item);
	at = memmem(body.data + 500, body.len - 500, from, strlen(from));
	assert_non_null(at);
	memcpy(at, to, strlen(from));
	assert_nonsense(f, &body);
	cf_buf_done(&body);
	cf_buf_done(&item.der);
	cf_cert_info_done(&item.info);
	made_done(&m);
}

static void answer__texts_that_are_not_safe_are_nonsense(void **state)
{
	struct fixture *f = *state;

	swap_text(f, "mail.contoso.com", "mail\ncontoso.com");
	swap_text(f, "mail.contoso.com",
		  "mail\x1b"
		  "contoso.com");
	swap_text(f, "mail.contoso.com",
		  "mail\xff"
		  "contoso.com");
	swap_text(f, "mail.contoso.com", "mail\xe2\x80\xaetoso.com");
	swap_text(f, "sha256ECDSA", "sha256\nCDSA");
}

static void answer__errors_that_nobody_gives_are_nonsense(void **state)
{
	static const int codes[] = { -EPERM, -ENOENT, 1, -100000 };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct cf_buf body = { 0 };

		assert_int_equal(cf_pack_int(&body, codes[i], NULL), 0);
		assert_int_equal(cf_pack_bytes(&body, cf_span_text("why"), NULL), 0);
		assert_nonsense(f, &body);
		cf_buf_done(&body);
	}
}

static void answer__counts_and_lengths_are_bounded(void **state)
{
	static const int64_t counts[] = { 0, -1, CF_DROP_ITEMS_MAX + 1, INT64_MAX };
	static const int64_t lengths[] = { 0, -1, CF_WIRE_DECODED_MAX + 1, INT64_MAX };
	struct fixture *f = *state;
	struct cf_buf raw = { 0 };

	for (size_t i = 0; i < 4; i++) {
		struct cf_buf body = { 0 };

		assert_int_equal(cf_pack_int(&body, 0, NULL), 0);
		assert_int_equal(cf_pack_bytes(&body, cf_span_text(""), NULL), 0);
		assert_int_equal(cf_pack_int(&body, counts[i], NULL), 0);
		assert_nonsense(f, &body);
		cf_buf_done(&body);
	}
	for (size_t i = 0; i < 4; i++) {
		cf_buf_reset(&raw);
		assert_int_equal(cf_pack_int(&raw, lengths[i], NULL), 0);
		lie = &raw;
		use_false(f, tell_lie);
		assert_refused(f, -EBADMSG, "its decoder answered nonsense");
	}
	cf_buf_done(&raw);
}

static int start_fails(void *arg, int *ret_fd, struct cf_err *err)
{
	(void)arg;
	(void)ret_fd;
	return cf_fail(err, EMFILE, "no descriptor left");
}

static void decode__without_a_decoder_is_EIO(void **state)
{
	struct fixture *f = *state;

	f->decoder.start = start_fails;
	assert_refused(f, -EIO, "starting a decoder: no descriptor left");
}

static void decode__leaves_no_child_behind(void **state)
{
	struct fixture *f = *state;

	load(f, "ok-1-pem.pem");
	for (int i = 0; i < 20; i++)
		assert_int_equal(decode(f, f->in.data, f->in.len), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void decode__works_while_SIGCHLD_is_ignored(void **state)
{
	struct fixture *f = *state;

	load(f, "ok-1-pem.pem");
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(decode(f, f->in.data, f->in.len), 0);
	signal(SIGCHLD, SIG_DFL);
}

/* A chain with everything in it, once here and once in a decoder. */
static void verify__gives_the_same_as_in_process(void **state)
{
	struct fixture *f = *state;
	struct made root = make((struct spec){ .cn = "Root", .ca = true });
	struct made ca = make((struct spec){ .cn = "CA", .ca = true, .issuer = &root });
	struct made leaves[3] = {
		make((struct spec){ .cn = "a", .issuer = &ca }),
		make((struct spec){ .cn = "b", .issuer = &ca, .serial = 4711 }),
		make((struct spec){ .cn = "c", .to = "20210101000000Z" }),
	};
	/* qsort(3) makes a system call for more than 128 entries. */
	struct cf_buf crl = make_long_crl(&ca, 4711, 4000, "20250101000000Z", "20300101000000Z");
	const struct cf_span spans[] = {
		cf_span_buf(&leaves[0].der), cf_span_buf(&leaves[1].der),
		cf_span_buf(&leaves[2].der), cf_span_buf(&ca.der),
		cf_span_buf(&root.der),      cf_span_buf(&crl),
	};
	struct cf_verify job = { .leaves = spans,
				 .n_leaves = 3,
				 .issuers = spans + 3,
				 .n_issuers = 1,
				 .anchors = spans + 4,
				 .n_anchors = 1,
				 .crls = spans + 5,
				 .n_crls = 1 };
	struct cf_verdict direct[3] = { 0 }, got[3] = { 0 };

	assert_true(cf_time_parse("2026-01-01T00:00:00Z", &job.now));
	/* First in the decoder, which must not profit from what this process asked for before. */
	if (cf_decoder_verify(&f->decoder, &job, got, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(cf_chain_verify(NULL, &job, direct, NULL), 0);
	assert_int_equal(got[0].status, CF_VERDICT_VALID);
	assert_int_equal(got[1].status, CF_VERDICT_REVOKED);
	assert_int_equal(got[2].status, CF_VERDICT_DATE_INVALID);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(got[i].status, direct[i].status);
		assert_int_equal(got[i].root_ca, direct[i].root_ca);
		assert_string_equal(got[i].reason, direct[i].reason);
		assert_true(got[i].next_change == direct[i].next_change);
		assert_int_equal(got[i].issuers.len, direct[i].issuers.len);
		if (got[i].issuers.len)
			assert_memory_equal(got[i].issuers.data, direct[i].issuers.data,
					    got[i].issuers.len);
		cf_verdict_done(&direct[i]);
		cf_verdict_done(&got[i]);
		made_done(&leaves[i]);
	}
	cf_buf_done(&crl);
	made_done(&ca);
	made_done(&root);
}

static void verify__a_broken_leaf_is_EBADMSG(void **state)
{
	struct fixture *f = *state;
	const struct cf_span junk = cf_span("junk", 4);
	struct cf_verify job = { .leaves = &junk, .n_leaves = 1 };
	struct cf_verdict got = { 0 };

	assert_int_equal(cf_decoder_verify(&f->decoder, &job, &got, &f->err), -EBADMSG);
	assert_null(got.reason);
}

static void verify__too_many_leaves_are_EFBIG(void **state)
{
	struct fixture *f = *state;
	struct cf_span *leaves = calloc(CF_DECODER_LEAVES_MAX + 1, sizeof(*leaves));
	struct cf_verify job = { .leaves = leaves, .n_leaves = CF_DECODER_LEAVES_MAX + 1 };

	assert_int_equal(cf_decoder_verify(&f->decoder, &job, NULL, &f->err), -EFBIG);
	free(leaves);
}

/* Counts, and gives one that died of it when the count is right. */
struct several {
	int started, bad;
};

static int start_several(void *arg, int *ret_fd, struct cf_err *err)
{
	struct several *several = arg;
	int fds[2];

	if (++several->started != several->bad)
		return cf_decoder_fork(NULL, ret_fd, err);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[1]);
	*ret_fd = fds[0];
	return 0;
}

static void verify__several_decoders_say_what_one_says(void **state)
{
	struct fixture *f = *state;
	const size_t n = 150;
	struct several several = { 0 };
	struct made root = make((struct spec){ .cn = "Root", .ca = true });
	struct made a = make((struct spec){ .cn = "a", .issuer = &root });
	struct made b = make((struct spec){ .cn = "b", .to = "20210101000000Z" });
	struct cf_verdict *got = calloc(n, sizeof(*got));
	struct cf_span *leaves = calloc(n, sizeof(*leaves));
	const struct cf_span anchor = cf_span_buf(&root.der);
	struct cf_verify job = {
		.leaves = leaves, .n_leaves = n, .anchors = &anchor, .n_anchors = 1
	};

	assert_true(cf_time_parse("2026-01-01T00:00:00Z", &job.now));
	for (size_t i = 0; i < n; i++)
		leaves[i] = cf_span_buf(i % 7 ? &a.der : &b.der);
	f->decoder = (struct cf_decoder){ .start = start_several, .arg = &several };
	for (size_t at_once = 0; at_once < 6; at_once++) {
		const int wanted = at_once < 2 ? 1 : at_once < 4 ? (int)at_once : 4;

		several = (struct several){ 0 };
		f->decoder.at_once = at_once;
		if (cf_decoder_verify(&f->decoder, &job, got, &f->err) < 0)
			fail_msg("%s", f->err.text);
		assert_int_equal(several.started, wanted);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(got[i].status,
					 i % 7 ? CF_VERDICT_VALID : CF_VERDICT_DATE_INVALID);
			cf_verdict_done(&got[i]);
		}
		/* Each of them may die; then nothing is said of any. */
		for (int bad = 1; bad <= wanted; bad++) {
			several = (struct several){ .bad = bad };
			assert_int_equal(cf_decoder_verify(&f->decoder, &job, got, &f->err),
					 -EBADMSG);
			for (size_t i = 0; i < n; i++)
				assert_null(got[i].reason);
		}
	}
	/* Few aren't worth a second one. */
	several = (struct several){ 0 };
	job.n_leaves = 40;
	assert_int_equal(cf_decoder_verify(&f->decoder, &job, got, &f->err), 0);
	assert_int_equal(several.started, 1);
	for (size_t i = 0; i < 40; i++)
		cf_verdict_done(&got[i]);
	free(got);
	free(leaves);
	made_done(&a);
	made_done(&b);
	made_done(&root);
}

/* A verdict that names an issuer the job has not. */
static void verify__issuers_of_nobodys_are_nonsense(void **state)
{
	static const int64_t fields[] = { CF_VERDICT_VALID, CF_ROOT_ENTERPRISE };
	struct fixture *f = *state;
	const struct cf_span leaf = cf_span("x", 1);
	struct cf_verify job = { .leaves = &leaf, .n_leaves = 1 };
	struct cf_verdict got = { 0 };
	struct cf_buf body = { 0 }, whole = { 0 }, index = { 0 };

	assert_int_equal(cf_pack_int(&body, 0, NULL), 0);
	assert_int_equal(cf_pack_bytes(&body, cf_span_text(""), NULL), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(cf_pack_int(&body, fields[i], NULL), 0);
	assert_int_equal(cf_pack_bytes(&body, cf_span_text(""), NULL), 0);
	assert_int_equal(cf_pack_int(&body, CF_NEVER, NULL), 0);
	assert_int_equal(cf_pack_int(&index, 0, NULL), 0);
	assert_int_equal(cf_pack_bytes(&body, cf_span_buf(&index), NULL), 0);
	assert_int_equal(cf_pack_bytes(&whole, cf_span_buf(&body), NULL), 0);
	lie = &whole;
	use_false(f, tell_lie);
	assert_int_equal(cf_decoder_verify(&f->decoder, &job, &got, &f->err), -EBADMSG);
	assert_string_equal(f->err.text, "its decoder answered nonsense");
	assert_null(got.reason);
	cf_buf_done(&body);
	cf_buf_done(&whole);
	cf_buf_done(&index);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(cold__every_vector_gets_an_answer),
		CASE(cold__every_kind_of_verdict_is_reached),
		CASE(decode__every_vector_gives_the_same_as_in_process),
		CASE(decode__passwords_travel_and_keys_come_back),
		CASE(decode__large_files_go_through),
		CASE(decode__the_worst_name_fits_in_an_answer),
		CASE(decode__a_decoder_that_dies_is_EBADMSG),
		CASE(decode__a_decoder_that_hangs_is_given_up),
		CASE(decode__without_a_decoder_is_EIO),
		CASE(decode__leaves_no_child_behind),
		CASE(decode__works_while_SIGCHLD_is_ignored),
		CASE(sandbox__watchdog_ends_what_never_ends),
		CASE(sandbox__only_the_socket_and_memory_are_left),
		CASE(sandbox__memory_is_limited),
		CASE(sandbox__other_descriptors_are_closed),
		CASE(answer__cut_off_or_too_long_is_nonsense),
		CASE(answer__texts_that_are_not_safe_are_nonsense),
		CASE(answer__errors_that_nobody_gives_are_nonsense),
		CASE(answer__counts_and_lengths_are_bounded),
		CASE(verify__gives_the_same_as_in_process),
		CASE(verify__a_broken_leaf_is_EBADMSG),
		CASE(verify__too_many_leaves_are_EFBIG),
		CASE(verify__several_decoders_say_what_one_says),
		CASE(verify__issuers_of_nobodys_are_nonsense),
	};

	if (cf_ossl_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
