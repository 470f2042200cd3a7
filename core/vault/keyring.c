/* A key in the kernel's keyrings; see vault.h. By system call: libkeyutils would be for two of them. */
#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/vault/vault.h"

static int fail(struct cf_err *err, int code, const char *name, const char *why)
{
	return cf_fail(err, code, "the key '%s' in the kernel's keyrings %s", name, why);
}

static int fail_errno(struct cf_err *err, const char *name)
{
	switch (errno) {
	case ENOKEY:
		return fail(err, ENOENT, name, "does not exist");
	case EKEYEXPIRED:
	case EKEYREVOKED:
		return fail(err, ENOENT, name, "has expired or was revoked");
	case EACCES:
		return fail(err, EACCES, name, "can't be read by this process");
	case EPERM:
	case ENOSYS:
		return fail(err, EOPNOTSUPP, name,
			    "can't be reached: the kernel or a container doesn't let us");
	default:
		return fail(err, EIO, name, strerror(errno));
	}
}

int cf_vault_keyring_read(const char *name, uint8_t key[CF_KEY_SIZE], struct cf_err *err)
{
	uint8_t raw[CF_KEY_SIZE + 1];
	long id, n;
	int r = 0;

	/* No callout: nothing is started that could make one. */
	id = syscall(SYS_request_key, "user", name, NULL, 0);
	if (id < 0)
		return fail_errno(err, name);
	n = syscall(SYS_keyctl, KEYCTL_READ, id, raw, sizeof(raw));
	if (n < 0)
		r = fail_errno(err, name);
	else if (n != CF_KEY_SIZE)
		r = fail(err, EINVAL, name, "must have exactly 32 bytes");
	else
		memcpy(key, raw, CF_KEY_SIZE);
	explicit_bzero(raw, sizeof(raw));
	return r;
}
