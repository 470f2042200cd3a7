/*
 * Why a file can't be made or written where somebody tries to, and what to do instead: the
 * sentences. What is allowed is decided in file.c and delivery.c.
 */
#include <errno.h>
#include <string.h>

#include "core/base/name.h"
#include "core/tree/unable_private.h"

static bool takes_anything(const struct cf_file *file)
{
	return (file->mode | file->draft_mode) & 0222;
}

/* The state of the certificate stands against it; what to do about that. */
static int fail_state(const struct cf_at *at, const struct cf_file *file, struct cf_err *err)
{
	const bool later = !(file->creatable & CF_IN_DRAFT) && !(file->draft_mode & 0222);

	if (at->dir->kind != CF_KIND_CERTIFICATE)
		return cf_fail(err, EACCES, "%s can't be written now", file->name);
	if (file->deliver)
		return cf_fail(err, EACCES,
			       "there is no request yet that it could be the answer to; write a "
			       "name into request.csr");
	if (later)
		return cf_fail(err, EACCES, "there is no certificate yet");
	if (at->cert.state == CF_STATE_PENDING)
		return cf_fail(err, EACCES,
			       "the request is made and stays as it is; make another one in a new "
			       "directory");
	return cf_fail(err, EACCES,
		       "the certificate is made and stays as it is; renew it, or make another one "
		       "in a new directory");
}

int cf_unable_write(const struct cf_at *at, const struct cf_file *file, struct cf_err *err)
{
	const char *name = file->name ? file->name : "this file";

	if (at->dir->deleted)
		return cf_fail(err, EACCES,
			       "what lies in _deleted can't be changed; mv brings it back");
	if (takes_anything(file))
		return fail_state(at, file, err);
	if (at->dir->deliver && file->name && cf_name_is_drop(file->name))
		return cf_fail(err, EACCES,
			       "certfs makes %s itself; copy what the CA sent, or what is to be "
			       "imported, under another name, such as answer%s",
			       name, strrchr(name, '.'));
	return cf_fail(err, EACCES, "%s can only be read", name);
}

/* The row that somebody meant who made a slip while typing its name; NULL. */
static const char *meant(const struct cf_at *at, const char *name)
{
	for (const struct cf_file *file = at->dir->files; file->row; file++)
		if (file->name && takes_anything(file) && cf_name_is_slip(name, file->name))
			return file->name;
	return NULL;
}

int cf_unable_drop(const struct cf_at *at, const char *name, struct cf_err *err)
{
	const char *what = at->dir->what;
	const char *slip = meant(at, name);

	if (slip)
		return cf_fail(err, EPERM, "'%s' can't be made in %s; is '%s' meant?", name, what,
			       slip);
	if (!at->dir->deliver)
		return cf_fail(err, EPERM, "'%s' can't be made in %s; no file can be put there",
			       name, what);
	if (at->dir->keeps)
		return cf_fail(err, EPERM,
			       "'%s' can't be made in %s; files that are dropped there end in .cer "
			       ".crt .der .pem .p7b .p7c or .crl",
			       name, what);
	if (cf_name_is_crl(name))
		return cf_fail(err, EPERM, "'%s' can't be made in %s; CRLs go into _trust", name,
			       what);
	return cf_fail(err, EPERM,
		       "'%s' can't be made in %s; files that are dropped end in .cer .crt .der "
		       ".pem .p7b .p7c .p12 or .pfx",
		       name, what);
}

int cf_unable_change(const struct cf_at *at, const struct cf_file *file, const char *name,
		     const char *how, struct cf_err *err)
{
	const char *instead = "";

	if (at->dir == &cf_dir_services)
		return cf_fail(err, EPERM,
			       "'%s' leads to the certificate that was assigned last and can't be "
			       "%s; echo %s >> CERTIFICATE/services hands the service over",
			       name, how, name);
	if (file && file->set && !at->dir->deleted)
		instead = file->write_only ? "; an empty line takes the password back"
					   : "; an empty line brings the default back";
	return cf_fail(err, EPERM, "'%s' belongs to certfs and can't be %s%s", name, how, instead);
}
