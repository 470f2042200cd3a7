/* Which names are allowed where; see name.h. */
#include "core/base/name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name that begins with '_' or '.', or README.txt, is certfs's own. */
static int not_reserved(const char *name, struct cf_err *err)
{
	if (name[0] == '_')
		return cf_fail(err, EPERM, "'%s': names that begin with _ belong to certfs", name);
	if (name[0] == '.')
		return cf_fail(err, EPERM, "'%s': a name can't begin with a dot", name);
	return 0;
}

int cf_name_server(const char *name, struct cf_err *err)
{
	size_t n = strlen(name);
	int r = not_reserved(name, err);

	if (r < 0)
		return r;
	if (!strcasecmp(name, "README.txt"))
		return cf_fail(err, EEXIST, "'%s' belongs to certfs", name);
	if (n > CF_SERVER_NAME_MAX)
		return cf_fail(err, ENAMETOOLONG, "a server's name has at most %d bytes",
			       CF_SERVER_NAME_MAX);
	if (!n || !is_alnum(name[0]))
		return cf_fail(err, EINVAL,
			       "'%s': a server's name starts with a letter (a to z) or a digit",
			       name);
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(name[i]) && !strchr("-_.", name[i]))
			return cf_fail(
				err, EINVAL,
				"'%s': a server's name has letters (a to z), digits, - _ and . only",
				name);
	return 0;
}

/* CON, NUL, COM1 and the like, with any extension (Windows opens the device). */
static bool is_device(const char *name)
{
	static const char *const devices[] = { "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$" };
	size_t n = strcspn(name, ".");

	while (n && name[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < CF_COUNT(devices); i++)
		if (n == strlen(devices[i]) && !strncasecmp(name, devices[i], n))
			return true;
	if (strncasecmp(name, "COM", 3) != 0 && strncasecmp(name, "LPT", 3) != 0)
		return false;
	if (n == 4)
		return name[3] >= '0' && name[3] <= '9';
	/* The superscript digits of Latin-1 count, too. */
	return n == 5 && (!strncmp(name + 3, "\xc2\xb9", 2) || !strncmp(name + 3, "\xc2\xb2", 2) ||
			  !strncmp(name + 3, "\xc2\xb3", 2));
}

static bool is_wildcard(const char *name)
{
	return name[0] == '_' && name[1] == '.' && name[2];
}

int cf_name_certificate(const char *name, struct cf_err *err)
{
	size_t n = strlen(name);
	/* _.contoso.com is how *.contoso.com is imported; certfs has no such names itself. */
	int r = is_wildcard(name) ? 0 : not_reserved(name, err);

	if (r < 0)
		return r;
	if (n > CF_CERTIFICATE_NAME_MAX)
		return cf_fail(err, ENAMETOOLONG, "a certificate's name has at most %d bytes",
			       CF_CERTIFICATE_NAME_MAX);
	if (!n || name[0] == '~')
		return cf_fail(err, EINVAL, "'%s': a certificate's name can't start with ~", name);
	if (name[n - 1] == ' ' || name[n - 1] == '.')
		return cf_fail(err, EINVAL,
			       "'%s': a certificate's name can't end in a blank or a dot", name);
	for (const char *p = name; *p;) {
		uint32_t code;
		size_t len = cf_text_utf8(p, strnlen(p, 4), &code);

		if (!len || cf_text_unsafe(code) || (code < 0x80 && strchr("/\\:*?\"<>|", *p)))
			return cf_fail(err, EINVAL,
				       "'%s': a certificate's name is printable UTF-8 without "
				       "/ \\ : * ? \" < > |",
				       name);
		p += len;
	}
	if (is_device(name))
		return cf_fail(err, EINVAL, "'%s' is the name of a device of Windows", name);
	return 0;
}

bool cf_name_make(const char *text, char ret[CF_CERTIFICATE_NAME_MAX + 1])
{
	bool wildcard = text[0] == '*' && text[1] == '.';
	size_t n = 0;

	if (!wildcard && !is_wildcard(text))
		text += strspn(text, " _.~");
	while (*text) {
		uint32_t code;
		size_t len = cf_text_utf8(text, strnlen(text, 4), &code);
		bool bad = !len || cf_text_unsafe(code) ||
			   (code < 0x80 && strchr("/\\:*?\"<>|", *text));

		if (n + (bad ? 1 : len) > CF_CERTIFICATE_NAME_MAX)
			break;
		memcpy(ret + n, bad ? "_" : text, bad ? 1 : len);
		n += bad ? 1 : len;
		text += len ? len : 1;
	}
	while (n && (ret[n - 1] == ' ' || ret[n - 1] == '.'))
		n--;
	ret[n] = '\0';
	return n && cf_name_certificate(ret, NULL) == 0;
}

bool cf_name_ip(const char *name, unsigned char ret[16], size_t *ret_len)
{
	*ret_len = 4;
	if (inet_pton(AF_INET, name, ret) == 1)
		return true;
	*ret_len = 16;
	return inet_pton(AF_INET6, name, ret) == 1;
}

int cf_name_domain(const char *name, struct cf_err *err)
{
	unsigned char ip[16];
	size_t ip_len, n = strlen(name);
	const char *rest = name[0] == '*' && name[1] == '.' ? name + 2 : name;

	if (cf_name_ip(name, ip, &ip_len))
		return 0;
	if (n > CF_DOMAIN_MAX)
		return cf_fail(err, EINVAL, "a domain name has at most %d bytes", CF_DOMAIN_MAX);
	if (strchr(rest, '*'))
		return cf_fail(err, EINVAL, "'%s': a wildcard is *. at the left, once", name);
	if (!*rest || *rest == '.' || *rest == '-' || strstr(rest, "..") || name[n - 1] == '.' ||
	    name[n - 1] == '-')
		return cf_fail(err, EINVAL, "'%s' is not a domain name", name);
	for (const char *p = rest; *p; p++)
		if (!is_alnum(*p) && *p != '-' && *p != '.')
			return cf_fail(err, EINVAL,
				       "'%s': a domain name has letters, digits, - and . only%s",
				       name,
				       *p & 0x80 ? "; one with others is written as xn--…" : "");
	return 0;
}

/* Two texts that differ in case at most. */
static bool is_alike(const char *a, const char *b)
{
	return !strcasecmp(a, b);
}

bool cf_name_is_slip(const char *name, const char *word)
{
	size_t n = strlen(name), len = strlen(word), same = 0;

	if (n + 1 < len || n > len + 1 || len < 4)
		return is_alike(name, word);
	while (name[same] && !strncasecmp(name, word, same + 1))
		same++;
	name += same;
	word += same;
	if (n > len)
		return is_alike(name + 1, word);
	if (n < len)
		return is_alike(name, word + 1);
	if (!*name || is_alike(name + 1, word + 1))
		return true;
	return name[1] && !strncasecmp(name, (const char[]){ word[1], word[0], '\0' }, 2) &&
	       is_alike(name + 2, word + 2);
}

static bool ends_in(const char *name, const char *const *suffixes, size_t n)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < n; i++) {
		size_t s = strlen(suffixes[i]);

		if (len > s && !strcasecmp(name + len - s, suffixes[i]))
			return true;
	}
	return false;
}

bool cf_name_is_drop(const char *name)
{
	static const char *const suffixes[] = { ".cer", ".crt", ".der", ".pem",
						".p7b", ".p7c", ".p12", ".pfx" };

	return name[0] != '.' && name[0] != '_' && ends_in(name, suffixes, CF_COUNT(suffixes));
}

bool cf_name_is_crl(const char *name)
{
	static const char *const suffixes[] = { ".crl" };

	return name[0] != '.' && name[0] != '_' && ends_in(name, suffixes, CF_COUNT(suffixes));
}

bool cf_name_is_staging(const char *name)
{
	static const char *const patterns[] = {
		".?*",
		"?*~",
		"#?*#",
		"?*.part",
		"?*.partial",
		"?*.tmp",
		"?*.crdownload",
		"?*.sw?",
		"4913",
		"sed??????",
		"XX??????", /* perl -i */
		/* busybox sed -i */
		"subject??????",
		"domains??????",
		"key-type??????",
		"exportable??????",
		"friendly-name??????",
		"accepted-domains??????",
	};

	/* sedna.cer is a drop; what sed -i makes has no such ending. */
	if (cf_name_is_drop(name) || cf_name_is_crl(name))
		return false;
	for (size_t i = 0; i < CF_COUNT(patterns); i++)
		if (!fnmatch(patterns[i], name, 0))
			return strcmp(name, "..") != 0;
	return false;
}
