/* The system's trust anchors, from a bundle of PEM certificates; see chain.h. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/armor_private.h"
#include "core/crypto/chain_private.h"

#define BUNDLE_MAX (64 * 1024 * 1024)
#define STEP 65536

static int read_all(int fd, const char *path, struct cf_buf *out, struct cf_err *err)
{
	for (;;) {
		void *room = cf_buf_room(out, STEP, err);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = read(fd, room, STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cf_fail(err, EIO, "reading '%s': %s", path, strerror(errno));
		if (n == 0)
			return 0;
		cf_buf_seal(out, (size_t)n);
		if (out->len > BUNDLE_MAX)
			return cf_fail(err, EIO, "'%s' has more than %d bytes", path, BUNDLE_MAX);
	}
}

static int add(struct cf_system_store *store, struct cf_span der, struct cf_err *err)
{
	cf_auto(X509_free) X509 *x = cf_x509_parse(der, NULL);
	X509 **more;

	if (!x)
		return 0;
	/* Fill OpenSSL's cache of extensions now, for all the decoders to come. */
	X509_check_purpose(x, -1, 0);
	ERR_clear_error();
	more = reallocarray(store->certificates, store->n + 1, sizeof(X509 *));
	if (!more)
		return cf_fail_memory(err);
	store->certificates = more;
	more[store->n++] = cf_take(&x);
	return 0;
}

static int add_all(struct cf_system_store *store, struct cf_span text, struct cf_err *err)
{
	struct cf_armor block;
	int r = 0;

	while (r == 0 && cf_armor_next(&text, &block, NULL) > 0) {
		cf_auto(cf_buf_done) struct cf_buf der = { 0 };

		if (strcmp(block.label, "CERTIFICATE") != 0 &&
		    strcmp(block.label, "X509 CERTIFICATE") != 0)
			continue;
		r = cf_armor_decode(block.body, &der, NULL);
		if (r == 0)
			r = add(store, cf_span_buf(&der), err);
		/* One damaged certificate does not take the others with it. */
		if (r == -EBADMSG)
			r = 0;
	}
	return r < 0 ? cf_fail_memory(err) : 0;
}

int cf_system_store_load(const char *path, struct cf_system_store **ret, size_t *ret_n,
			 struct cf_err *err)
{
	cf_auto(cf_system_store_free) struct cf_system_store *store = calloc(1, sizeof(*store));
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	int r = 0;

	if (path && fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return cf_fail(err, EIO, "opening '%s': %s", path, strerror(errno));
	if (fd >= 0) {
		r = read_all(fd, path, &text, err);
		close(fd);
	}
	if (r < 0)
		return r;
	if (!store)
		return cf_fail_memory(err);
	r = add_all(store, cf_span_buf(&text), err);
	if (r < 0)
		return r;
	*ret_n = store->n;
	*ret = cf_take(&store);
	return 0;
}

void cf_system_store_free(struct cf_system_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->n; i++)
		X509_free(store->certificates[i]);
	free(store->certificates);
	free(store);
}
