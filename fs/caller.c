/* Who is asking, as far as /proc knows more than the kernel's request says. */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_MAX (1024 * 1024) /* bytes; 65,536 groups are the most that Linux allows */

static int open_proc(const struct cf_caller *caller, const char *name)
{
	char path[64];

	if (caller->pid <= 0) /* a process of another pid namespace */
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)caller->pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void cf_fs_caller_name(struct cf_caller *caller)
{
	ssize_t n = -1;
	int fd = open_proc(caller, "comm");

	if (fd >= 0) {
		n = read(fd, caller->comm, sizeof(caller->comm) - 1);
		close(fd);
	}
	caller->comm[n > 0 ? n : 0] = '\0';
	caller->comm[strcspn(caller->comm, "\n")] = '\0';
}

static bool read_all(int fd, struct cf_buf *out)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if (out->len > STATUS_MAX || cf_buf_append(out, piece, (size_t)n, NULL) < 0)
			return false;
	return n == 0;
}

/* The numbers in a line. libfuse's fuse_req_getgroups() reads past its buffer when the line is long. */
static gid_t *parse(const char *line, size_t *ret_n)
{
	const char *end = line + strcspn(line, "\n");
	gid_t *groups = calloc((size_t)(end - line) / 2 + 1, sizeof(*groups));
	size_t n = 0;

	for (char *next; groups && line < end; line = next) {
		unsigned long gid = strtoul(line, &next, 10);

		if (next == line || next > end)
			break;
		groups[n++] = (gid_t)gid;
	}
	*ret_n = groups ? n : 0;
	return groups;
}

gid_t *cf_fs_caller_groups(struct cf_caller *caller)
{
	static const char head[] = "\nGroups:";
	cf_auto(cf_buf_done) struct cf_buf status = { 0 };
	const char *line = NULL;
	gid_t *groups;
	int fd = caller->uid ? open_proc(caller, "status") : -1;

	if (fd < 0)
		return NULL;
	if (read_all(fd, &status))
		line = strstr(cf_buf_text(&status), head);
	close(fd);
	groups = line ? parse(line + strlen(head), &caller->n_groups) : NULL;
	caller->groups = groups;
	return groups;
}
