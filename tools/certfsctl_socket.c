/* certfsctl(1) on a store that is mounted: the process that mounted it does the command. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/certfsctl.h"

int reach(const char *store, int *ret, struct cf_err *err)
{
	struct sockaddr_un address;
	int folder, fd, code = 0;
	int r = cf_admin_address(store, &address, &folder, err);

	*ret = -1;
	if (r == -ENAMETOOLONG) {
		cf_err_reset(err); /* the mount has no socket there either */
		return 0;
	}
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		code = errno;
	if (folder >= 0)
		close(folder);
	if (code == 0) {
		*ret = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (code == ENOENT || code == ECONNREFUSED)
		return 0;
	return cf_fail(err, code, "%s.control can't be used: %s", store, strerror(code));
}

static int add_word(struct cf_buf *out, const char *word)
{
	if (strlen(word) + 1 > CF_ADMIN_MAX - out->len)
		return -E2BIG;
	return cf_buf_append(out, word, strlen(word) + 1, NULL);
}

static enum status send_words(const struct request *request, int fd)
{
	const bool secret = request->command && request->command->secret;
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	int r = request->n + secret > CF_ADMIN_WORDS ? -E2BIG : 0;

	for (int i = 0; i < request->n && r == 0; i++)
		r = add_word(&text, request->words[i]);
	if (r == 0 && secret)
		r = add_word(&text, cf_buf_text(&request->secret));
	if (r < 0)
		return complain("the command is too long", USAGE);
	if (send(fd, text.data, text.len, MSG_NOSIGNAL) < 0)
		return complain("the mount of this store went away", FAILED);
	return DONE;
}

enum status ask(struct request *request, int fd)
{
	char text[CF_ADMIN_MAX + 2];
	enum status status = send_words(request, fd);
	ssize_t n;

	if (status != DONE)
		return status;
	while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		text[n] = '\0';
		if (text[0] == CF_ADMIN_STATUS) {
			screen_clear(&request->screen);
			return (unsigned char)text[1];
		}
		if (text[0] == CF_ADMIN_OUT)
			print_line(&request->screen, text + 1);
		else if (text[0] == CF_ADMIN_PROGRESS)
			screen_text(&request->screen, text + 1);
		else
			complain_after(&request->screen, text + 1);
		explicit_bzero(text, sizeof(text)); /* it may have been a recovery key */
	}
	return complain_after(&request->screen,
			      "the mount of this store went away before it was done");
}
