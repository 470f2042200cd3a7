/* The command line: certfs's own options, those of mount(8), and what is left for libfuse. */
#include "fs/fs.h"

#include "core/procedures/unlock.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_STORE "/etc/ssl/certs/ca-certificates.crt"

/* -- values ------------------------------------------------------------------------------------ */

/* An absolute path without looking at the file: it may not exist, and a link must stay one. */
static int take_path(char **slot, const char *value, struct cf_err *err)
{
	char *path, *cwd;

	if (!*value)
		return cf_fail(err, EINVAL, "a file name is missing");
	if (*value == '/') {
		path = strdup(value);
	} else {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return cf_fail(err, errno, "the working directory is gone");
		path = malloc(strlen(cwd) + 1 + strlen(value) + 1);
		if (path)
			stpcpy(stpcpy(stpcpy(path, cwd), "/"), value);
		free(cwd);
	}
	if (!path)
		return cf_fail_memory(err);
	free(*slot);
	*slot = path;
	return 0;
}

static int take_number(const char *value, int base, unsigned long max, unsigned long *ret,
		       struct cf_err *err)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(value, &end, base);
	if (errno != 0 || end == value || *end || *value == '-' || number > max)
		return cf_fail(err, EINVAL, "'%s' is not %s", value,
			       base == 8 ? "an octal number up to 777" : "a number");
	*ret = number;
	return 0;
}

static int take_key_file(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	return take_path(&o->key_file, value, err);
}

static int take_keyring(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	if (!*value)
		return cf_fail(err, EINVAL, "a key's description is missing");
	free(o->keyring);
	o->keyring = strdup(value);
	return o->keyring ? 0 : cf_fail_memory(err);
}

static int take_passphrase_fd(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	unsigned long number = 0;
	int r = take_number(value, 10, INT_MAX, &number, err);

	o->has_passphrase_fd = r == 0;
	o->passphrase_fd = (int)number;
	return r;
}

static int take_ca_file(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	return take_path(&o->ca_file, value, err);
}

static int take_uid(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	unsigned long number = 0;
	int r = take_number(value, 10, UINT32_MAX - 1UL, &number, err);

	if (r < 0)
		return r;
	o->has_uid = true;
	o->uid = (uid_t)number;
	return 0;
}

static int take_gid(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	unsigned long number = 0;
	int r = take_number(value, 10, UINT32_MAX - 1UL, &number, err);

	if (r < 0)
		return r;
	o->has_gid = true;
	o->gid = (gid_t)number;
	return 0;
}

static int take_umask(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	unsigned long number = 0;
	int r = take_number(value, 8, 0777, &number, err);

	if (r < 0)
		return r;
	o->umask = (mode_t)number;
	return 0;
}

static int take_debug(struct cf_fs_options *o, const char *value, struct cf_err *err)
{
	(void)value;
	(void)err;
	o->debug = o->foreground = true;
	return 0;
}

/* -- the options after -o ---------------------------------------------------------------------- */

enum use {
	OWN,
	SET,
	PASS,
	DROP
};

/* One option; a name that ends in '=' has a value, one that ends in '*' is the start of many. */
static const struct row {
	const char *name;
	enum use use;
	int (*take)(struct cf_fs_options *o, const char *value, struct cf_err *err);
	size_t flag; /* of SET: where in struct cf_fs_options, and what */
	bool on;
} rows[] = {
	{ "key-file=", OWN, take_key_file },
	{ "keyring=", OWN, take_keyring },
	{ "passphrase-fd=", OWN, take_passphrase_fd },
	{ "ca-file=", OWN, take_ca_file },
	{ "uid=", OWN, take_uid },
	{ "gid=", OWN, take_gid },
	{ "umask=", OWN, take_umask },
	{ "keys", SET, NULL, offsetof(struct cf_fs_options, keys), true },
	{ "ro", SET, NULL, offsetof(struct cf_fs_options, read_only), true },
	{ "rw", SET, NULL, offsetof(struct cf_fs_options, read_only), false },
	{ "allow_other", SET, NULL, offsetof(struct cf_fs_options, others), true },
	{ "debug", OWN, take_debug },
	{ "exec", PASS, NULL },
	{ "noexec", PASS, NULL },
	{ "async", PASS, NULL },
	{ "sync", PASS, NULL },
	{ "dirsync", PASS, NULL },
	{ "atime", PASS, NULL },
	{ "noatime", PASS, NULL },
	{ "diratime", PASS, NULL },
	{ "nodiratime", PASS, NULL },
	{ "lazytime", PASS, NULL },
	{ "nolazytime", PASS, NULL },
	{ "relatime", PASS, NULL },
	{ "norelatime", PASS, NULL },
	{ "strictatime", PASS, NULL },
	{ "nostrictatime", PASS, NULL },
	{ "max_read=", PASS, NULL },
	{ "context=", PASS, NULL },
	{ "fscontext=", PASS, NULL },
	{ "defcontext=", PASS, NULL },
	{ "rootcontext=", PASS, NULL },
	/* What every mount has in any case, and what is meant for mount(8) and systemd. */
	{ "default_permissions", DROP, NULL },
	{ "suid", DROP, NULL },
	{ "nosuid", DROP, NULL },
	{ "dev", DROP, NULL },
	{ "nodev", DROP, NULL },
	{ "fsname=", DROP, NULL },
	{ "subtype=", DROP, NULL },
	{ "auto_unmount", DROP, NULL }, /* the supervisor does it */
	{ "auto", DROP, NULL },
	{ "noauto", DROP, NULL },
	{ "nofail", DROP, NULL },
	{ "defaults", DROP, NULL },
	{ "user", DROP, NULL },
	{ "user=", DROP, NULL },
	{ "nouser", DROP, NULL },
	{ "users", DROP, NULL },
	{ "owner", DROP, NULL },
	{ "group", DROP, NULL },
	{ "_netdev", DROP, NULL },
	{ "comment=", DROP, NULL },
	{ "x-*", DROP, NULL },
	{ "X-*", DROP, NULL },
};

/* Whether the row is about this option, with a value or without. */
static bool is_about(const struct row *row, const char *option)
{
	size_t n = strcspn(row->name, "=*");

	return !strncmp(row->name, option, n) && (row->name[n] == '*' || strcspn(option, "=") == n);
}

/* option: unescaped; raw: as it was written, for libfuse. */
static int take_option(struct cf_fs_options *o, const char *option, const char *raw,
		       struct cf_err *err)
{
	const int n = (int)strcspn(option, "=");
	bool known = false;

	for (size_t i = 0; i < CF_COUNT(rows); i++) {
		const struct row *row = &rows[i];

		if (!is_about(row, option))
			continue;
		known = true;
		if (!strchr(row->name, '*') && !strchr(row->name, '=') != !option[n])
			continue;
		if (row->use == PASS)
			return cf_buf_printf(&o->mount, err, ",%s", raw);
		if (row->use == SET)
			*(bool *)((char *)o + row->flag) = row->on;
		if (row->use != OWN)
			return 0;
		return cf_note(err, row->take(o, option + n + !!option[n], err), "option %.*s", n,
			       option);
	}
	if (known)
		return cf_fail(err, EINVAL, "option %.*s %s", n, option,
			       option[n] ? "takes no value" : "needs a value");
	/* The value may be a secret that somebody takes for an option's. */
	return cf_fail(err, EINVAL, "unknown option '%.*s'; certfs(1) lists those that there are",
		       n, option);
}

/* A list after -o: commas separate, a backslash takes the next character as it is. */
static int take_list(struct cf_fs_options *o, const char *list, struct cf_err *err)
{
	while (*list) {
		cf_auto(cf_buf_done) struct cf_buf option = { 0 }, raw = { 0 };
		int r = 0;

		for (; *list && *list != ',' && r == 0; list++) {
			if (*list == '\\' && list[1])
				r = cf_buf_append(&raw, list++, 1, err);
			if (r == 0)
				r = cf_buf_append(&raw, list, 1, err);
			if (r == 0)
				r = cf_buf_append(&option, list, 1, err);
		}
		if (r == 0 && option.len)
			r = take_option(o, cf_buf_text(&option), cf_buf_text(&raw), err);
		if (r < 0)
			return r;
		if (*list == ',')
			list++;
	}
	return 0;
}

/* STORE is the source that mount(8) and df(1) show. */
static int finish_mount(struct cf_fs_options *o, struct cf_err *err)
{
	int r = cf_buf_printf(&o->mount, err, "%s%s,fsname=", o->read_only ? ",ro" : "",
			      o->others ? ",allow_other" : "");

	for (const char *p = o->store; *p && r == 0; p++)
		r = cf_buf_printf(&o->mount, err, *p == ',' || *p == '\\' ? "\\%c" : "%c", *p);
	return r;
}

/* -- the command line -------------------------------------------------------------------------- */

/* The worker would wait for itself when it opens one of its own files there. */
static int check_outside(const struct cf_fs_options *o, const char *path, struct cf_err *err)
{
	size_t n = strlen(o->mountpoint);

	if (!path || strncmp(path, o->mountpoint, n) != 0 || path[n] != '/')
		return 0;
	return cf_fail(err, EINVAL, "%s lies below the mountpoint %s", path, o->mountpoint);
}

static int take_operands(struct cf_fs_options *o, char *const operands[2], size_t n,
			 struct cf_err *err)
{
	int r;

	if (n < 2)
		return cf_fail(err, EINVAL,
			       "%s is missing; the order is certfs [-o OPTION] STORE "
			       "MOUNTPOINT",
			       n == 0 ? "STORE" : "MOUNTPOINT");
	r = cf_unlock_path(operands[0], &o->store, err);
	if (r < 0)
		return r;
	o->mountpoint = realpath(operands[1], NULL);
	if (!o->mountpoint)
		return cf_fail(err, errno, "the mountpoint %s can't be used: %s", operands[1],
			       strerror(errno));
	if (!o->ca_file)
		r = take_path(&o->ca_file, SYSTEM_STORE, err);
	if (r == 0)
		r = check_outside(o, o->store, err);
	if (r == 0)
		r = check_outside(o, o->key_file, err);
	if (r == 0)
		r = check_outside(o, o->ca_file, err);
	return r < 0 ? r : finish_mount(o, err);
}

/* One option of getopt's. mount(8) gives its helpers a few of its own. */
static int take_letter(struct cf_fs_options *o, int letter, bool helper, char **argv,
		       struct cf_err *err)
{
	switch (letter) {
	case 'h':
		o->help = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	case 'f':
		o->foreground = !helper || o->foreground;
		return 0;
	case 'd':
		return take_debug(o, NULL, err);
	case 'o':
		return take_list(o, optarg, err);
	case ':':
		return cf_fail(err, EINVAL, "option -%c needs a value", optopt);
	default:
		if (helper && letter != '?')
			return 0;
		if (optopt)
			return cf_fail(err, EINVAL, "unknown option -%c", optopt);
		return cf_fail(err, EINVAL, "unknown option %s; most come after -o",
			       argv[optind - 1]);
	}
}

int cf_fs_options_parse(int argc, char **argv, struct cf_fs_options *ret, struct cf_err *err)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	cf_auto(cf_fs_options_done) struct cf_fs_options o = { 0 };
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	bool helper = argc && strncmp(slash ? slash + 1 : argv[0], "mount.", 6) == 0;
	char *operands[2] = { 0 };
	size_t n = 0;
	int letter, r;

	opterr = 0;
	r = cf_buf_puts(&o.mount, "default_permissions,nosuid,nodev,subtype=certfs", err);
	/* '-': operands in their order, wherever they stand, whatever POSIXLY_CORRECT says. */
	while (r == 0 && !o.help && !o.version) {
		letter = getopt_long(argc, argv, helper ? "-:hVfdo:nsvt:N:" : "-:hVfdo:", longs,
				     NULL);
		if (letter < 0 && optind < argc)
			optarg = argv[optind++], letter = 1; /* after "--" */
		if (letter < 0)
			break;
		if (letter != 1)
			r = take_letter(&o, letter, helper, argv, err);
		else if (n < CF_COUNT(operands))
			operands[n++] = optarg;
		else
			r = cf_fail(err, EINVAL, "'%s' is one operand too many", optarg);
	}
	if (r == 0 && !o.help && !o.version)
		r = take_operands(&o, operands, n, err);
	if (r < 0)
		return r;
	*ret = o;
	memset(&o, 0, sizeof(o));
	return 0;
}

void cf_fs_options_done(struct cf_fs_options *options)
{
	free(options->store);
	free(options->mountpoint);
	free(options->key_file);
	free(options->keyring);
	free(options->ca_file);
	cf_buf_done(&options->mount);
	memset(options, 0, sizeof(*options));
}
