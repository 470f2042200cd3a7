/* The worker's end of the socket to its supervisor, which starts decoders for it, and unmounts. */
#include "fs/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/decoder/system.h"

/*
 * Ask and wait. data gets exactly n bytes, *ret_fd (NULL: none is expected) a descriptor. The
 * supervisor does nothing that takes long, so the others who ask can wait.
 */
static int ask(struct cf_fs_decoders *d, enum cf_fs_message what, void *data, size_t n, int *ret_fd)
{
	char question = (char)what, kind = 0;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec parts[] = {
		{ .iov_base = &kind, .iov_len = 1 },
		{ .iov_base = data, .iov_len = n },
	};
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = CF_COUNT(parts),
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *rights;
	ssize_t got = -1;

	pthread_mutex_lock(&d->lock);
	if (send(d->fd, &question, 1, MSG_NOSIGNAL) == 1) {
		do
			got = recvmsg(d->fd, &message, MSG_CMSG_CLOEXEC);
		while (got < 0 && errno == EINTR);
	}
	pthread_mutex_unlock(&d->lock);
	if (got != (ssize_t)n + 1 || kind != CF_FS_DONE)
		return -EIO;
	rights = CMSG_FIRSTHDR(&message);
	if (!ret_fd)
		return 0;
	if (!rights || rights->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(ret_fd, CMSG_DATA(rights), sizeof(int));
	return 0;
}

int cf_fs_decoders_start(void *arg, int *ret_fd, struct cf_err *err)
{
	struct cf_fs_decoders *d = arg;

	cf_fs_testing_fault(d->fs, "judge");
	if (cf_fs_testing_fault(d->fs, "decoder-start") ||
	    ask(d, CF_FS_DECODER, NULL, 0, ret_fd) < 0)
		return cf_fail(err, EIO, "a decoder can't be started");
	return 0;
}

int cf_fs_decoders_system_id(void *arg, uint8_t ret[32], struct cf_err *err)
{
	uint8_t id[CF_SYSTEM_ID_SIZE];

	if (ask(arg, CF_FS_SYSTEM_ID, id, sizeof(id), NULL) < 0)
		return cf_fail(err, EIO, "the supervisor doesn't answer");
	memcpy(ret, id, sizeof(id));
	return 0;
}

void cf_fs_decoders_unmount(struct cf_fs_decoders *decoders)
{
	ask(decoders, CF_FS_UNMOUNT, NULL, 0, NULL);
}
