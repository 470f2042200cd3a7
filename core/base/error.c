/* Errors as errno and sentence; see error.h. */
#include "core/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* Write the words into err->text, escaped; what does not fit is replaced by an ellipsis. */
__attribute__((format(printf, 2, 0))) static void put(struct cf_err *err, const char *fmt,
						      va_list ap)
{
	char raw[CF_ERR_MAX * 2];
	size_t len = 0;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	for (const char *p = raw; *p;) {
		char piece[CF_TEXT_PIECE_MAX];
		size_t n = cf_text_show_char(&p, piece);

		if (len + n + sizeof(ELLIPSIS) > sizeof(err->text)) {
			memcpy(err->text + len, ELLIPSIS, sizeof(ELLIPSIS) - 1);
			len += sizeof(ELLIPSIS) - 1;
			break;
		}
		memcpy(err->text + len, piece, n);
		len += n;
	}
	err->text[len] = '\0';
}

int cf_fail(struct cf_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code)
		return -code;
	err->code = code;
	va_start(ap, fmt);
	put(err, fmt, ap);
	va_end(ap);
	return -code;
}

int cf_fail_memory(struct cf_err *err)
{
	return cf_fail(err, ENOMEM, "out of memory");
}

int cf_note(struct cf_err *err, int r, const char *fmt, ...)
{
	char words[CF_ERR_MAX];
	char context[CF_ERR_MAX / 2];
	va_list ap;

	if (!err || r >= 0 || !err->code)
		return r;
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	memcpy(words, err->text, sizeof(words));
	err->code = 0;
	cf_fail(err, -r, "%s: %s", context, words);
	return r;
}

void cf_err_reset(struct cf_err *err)
{
	if (!err)
		return;
	err->code = 0;
	err->text[0] = '\0';
}

const char *cf_errno_name(int code)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
		{ E2BIG, "E2BIG" },
		{ EACCES, "EACCES" },
		{ EAGAIN, "EAGAIN" },
		{ EBADF, "EBADF" },
		{ EBADMSG, "EBADMSG" },
		{ EBUSY, "EBUSY" },
		{ EEXIST, "EEXIST" },
		{ EFBIG, "EFBIG" },
		{ EINVAL, "EINVAL" },
		{ EIO, "EIO" },
		{ EISDIR, "EISDIR" },
		{ EKEYEXPIRED, "EKEYEXPIRED" },
		{ EKEYREJECTED, "EKEYREJECTED" },
		{ EKEYREVOKED, "EKEYREVOKED" },
		{ ENAMETOOLONG, "ENAMETOOLONG" },
		{ ENODATA, "ENODATA" },
		{ ENOENT, "ENOENT" },
		{ ENOKEY, "ENOKEY" },
		{ ENOMEM, "ENOMEM" },
		{ ENOSPC, "ENOSPC" },
		{ ENOSYS, "ENOSYS" },
		{ ENOTDIR, "ENOTDIR" },
		{ ENOTEMPTY, "ENOTEMPTY" },
		{ ENOTTY, "ENOTTY" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ EPERM, "EPERM" },
		{ EROFS, "EROFS" },
		{ ESTALE, "ESTALE" },
		{ ETIMEDOUT, "ETIMEDOUT" },
	};

	for (size_t i = 0; i < CF_COUNT(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "errno";
}
