/* Passwords, and export.pfx: Export-ExchangeCertificate. */
#pragma once

#include "core/procedures/common.h"

#define CF_PASSWORD_MAX 2048       /* bytes */
#define CF_PASSWORD_FILE_MAX 65536 /* bytes that a handle takes before they are looked at */

/* What a password belongs to, and which of the two. */
struct cf_password_of {
	enum cf_object object; /* CF_OBJECT_ROOT, _SERVER or _CERTIFICATE */
	int64_t id;
};

/*
 * Set an export password. Its first line counts; an empty line removes it, so that the next
 * wider one (server, root) applies again. -EINVAL: several lines, not UTF-8; -EFBIG: over
 * CF_PASSWORD_MAX. The text never appears in a sentence.
 */
int cf_export_password_set(struct cf_ctx *ctx, const struct cf_password_of *of, const char *text,
			   struct cf_err *err);

/* The same for the password that is tried on what is dropped: of the root or a server. */
int cf_import_password_set(struct cf_ctx *ctx, const struct cf_password_of *of, const char *text,
			   struct cf_err *err);

/* Who has the password that applies: "certificate", "server", "root", or NULL. */
const char *cf_export_password_from(const struct cf_root *root, const struct cf_server *server,
				    const struct cf_certificate *cert);

/*
 * Why this certificate has no export.pfx now, in one sentence that says what to do; NULL when it
 * has one. Costs nothing.
 */
const char *cf_export_blocked(const struct cf_root *root, const struct cf_server *server,
			      const struct cf_certificate *cert, cf_time now);

/*
 * The same for the key as it is, in private.pem and combined.pem, which need no password. Whether
 * the mount has these files at all is not asked.
 */
const char *cf_export_key_blocked(const struct cf_certificate *cert, cf_time now);

/* When the bytes of export.pfx last changed. */
cf_time cf_export_time(const struct cf_root *root, const struct cf_server *server,
		       const struct cf_certificate *cert);

/* Work out row->pfx_len anew, after its friendly name, issuers or key changed. 0 for what isn't complete. */
int cf_export_resize(struct cf_db *db, struct cf_certificate *row, struct cf_err *err);

/* Append the bytes. Slow: derives keys. -ENOENT when there is none now; -EIO when key or row was changed. */
int cf_export_build(struct cf_ctx *ctx, int64_t certificate, struct cf_buf *out,
		    struct cf_err *err);

/*
 * Append the key in PEM, PKCS#8 and not encrypted (RFC 7468 section 10); where whole is set, the
 * certificate and its issuers behind it. -ENOENT when it can't be had now; -EIO when key or row
 * was changed.
 */
int cf_export_key(struct cf_ctx *ctx, int64_t certificate, bool whole, struct cf_buf *out,
		  struct cf_err *err);
uint64_t cf_export_key_size(const struct cf_certificate *cert, bool whole); /* of that, exactly */

/* Record that a key leaves: before the first byte is read. No record, no key. */
int cf_export_record(struct cf_ctx *ctx, int64_t certificate, const char *file, struct cf_err *err);
