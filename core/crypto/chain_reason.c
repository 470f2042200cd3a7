/* The sentence that says why a certificate isn't Valid; people read it in `why`. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "core/crypto/chain_private.h"
#include "core/crypto/dn.h"

cf_time cf_asn1_time(const ASN1_TIME *t)
{
	cf_time when;

	if (t && cf_x509_time(t, &when))
		return when;
	ERR_clear_error();
	return CF_NEVER;
}

/* A name for a sentence; a name that can't be shown is a question mark. */
static const char *show(const X509_NAME *name, struct cf_buf *out)
{
	cf_auto(cf_free) char *text = NULL;

	cf_buf_reset(out);
	if (cf_x509_name_text(name, cf_dn_show, &text, NULL) < 0 ||
	    cf_buf_puts(out, *text ? text : "(no name)", NULL) < 0)
		return "?";
	return cf_buf_text(out);
}

static X509 *at(const struct cf_hearing *h, int depth)
{
	size_t i = depth < 0 ? 0 : (size_t)depth;

	return h->path->certificates[i < h->path->n ? i : h->path->n - 1];
}

/* "it" for the leaf, "its issuer 'name'" for any other. */
static const char *who(const struct cf_hearing *h, int depth, struct cf_buf *out)
{
	cf_auto(cf_buf_done) struct cf_buf name = { 0 };
	X509 *x = at(h, depth);

	if (x == at(h, 0))
		return "it";
	cf_buf_reset(out);
	if (cf_buf_printf(out, NULL, "its issuer '%s'", show(X509_get_subject_name(x), &name)) < 0)
		return "its issuer";
	return cf_buf_text(out);
}

static void put_date(struct cf_err *say, const struct cf_hearing *h, struct cf_buf *name)
{
	const struct cf_complaint *c = &h->first[CF_COMPLAINT_DATE];
	X509 *x = at(h, c->depth);
	char time[CF_TIME_TEXT_MAX];

	if (c->error == X509_V_ERR_CERT_HAS_EXPIRED)
		cf_fail(say, EINVAL, "%s expired on %s", who(h, c->depth, name),
			cf_time_text(cf_asn1_time(X509_get0_notAfter(x)), time));
	else
		cf_fail(say, EINVAL, "%s isn't valid before %s", who(h, c->depth, name),
			cf_time_text(cf_asn1_time(X509_get0_notBefore(x)), time));
}

static void put_invalid(struct cf_err *say, const struct cf_hearing *h, struct cf_buf *name)
{
	const struct cf_complaint *c = &h->first[CF_COMPLAINT_INVALID];
	cf_auto(cf_buf_done) struct cf_buf issuer = { 0 };
	int top = (int)h->path->n - 1;

	show(X509_get_issuer_name(at(h, top)), &issuer);
	if (c->error == X509_V_ERR_INVALID_PURPOSE)
		cf_fail(say, EINVAL, "%s isn't meant for servers (key usage, enhanced key usage)",
			who(h, c->depth, name));
	else if (c->error == X509_V_ERR_INVALID_CA)
		cf_fail(say, EINVAL, "%s isn't a CA", who(h, c->depth, name));
	else if (c->error == X509_V_ERR_PERMITTED_VIOLATION ||
		 c->error == X509_V_ERR_EXCLUDED_VIOLATION)
		cf_fail(say, EINVAL, "%s has a name that the name constraints of an issuer forbid",
			who(h, c->depth, name));
	else if (c->error == X509_V_ERR_NO_EXPLICIT_POLICY)
		cf_fail(say, EINVAL,
			"it has no certificate policy that all its issuers allow, and one of them "
			"requires one");
	else if (c->error == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION)
		cf_fail(say, EINVAL, "%s has a critical extension that isn't understood",
			who(h, c->depth, name));
	else if (c->error)
		cf_fail(say, EINVAL, "%s: %s", who(h, c->depth, name),
			X509_verify_cert_error_string(c->error));
	else if (h->path->end == CF_PATH_BAD_SIGNATURE)
		cf_fail(say, EINVAL, "%s has a signature that isn't by '%s'", who(h, top, name),
			cf_buf_text(&issuer));
	else if (h->path->end == CF_PATH_MAY_NOT_SIGN)
		cf_fail(say, EINVAL, "its issuer '%s' may not sign certificates (key usage)",
			cf_buf_text(&issuer));
	else
		cf_fail(say, EINVAL, "its chain has more than %d certificates", CF_PATH_MAX);
}

static void put_untrusted(struct cf_err *say, const struct cf_hearing *h, struct cf_buf *name)
{
	const X509 *top = at(h, (int)h->path->n - 1);

	show(X509_get_issuer_name(top), name);
	if (h->path->end == CF_PATH_MISSING)
		cf_fail(say, EINVAL,
			"the certificate of the issuer '%s' is missing; drop it into the server, a "
			"root into _trust",
			cf_buf_text(name));
	else
		cf_fail(say, EINVAL,
			"the root '%s' is not trusted; it is neither in the system's store nor in "
			"_trust",
			cf_buf_text(name));
}

static void put_crl(struct cf_err *say, const struct cf_hearing *h, struct cf_buf *name)
{
	const struct cf_complaint *c = &h->first[CF_COMPLAINT_CRL];

	show(X509_get_issuer_name(at(h, c->depth)), name);
	if (c->error == X509_V_ERR_CRL_HAS_EXPIRED)
		cf_fail(say, EINVAL,
			"the CRL of '%s' in _trust is past its next update; a new one is "
			"needed",
			cf_buf_text(name));
	else if (c->error == X509_V_ERR_CRL_NOT_YET_VALID)
		cf_fail(say, EINVAL, "the CRL of '%s' in _trust is of a date that is to come",
			cf_buf_text(name));
	else if (c->error == X509_V_ERR_KEYUSAGE_NO_CRL_SIGN)
		cf_fail(say, EINVAL,
			"the CRL of '%s' in _trust can't be used: its signer may not sign CRLs "
			"(key usage)",
			cf_buf_text(name));
	else if (c->error == X509_V_ERR_CRL_PATH_VALIDATION_ERROR)
		cf_fail(say, EINVAL,
			"the CRL of '%s' in _trust can't be used: the certificate of its signer "
			"isn't valid",
			cf_buf_text(name));
	else
		cf_fail(say, EINVAL, "the CRL of '%s' in _trust can't be used: %s",
			cf_buf_text(name), X509_verify_cert_error_string(c->error));
}

int cf_path_reason(const struct cf_hearing *h, enum cf_verdict_status status, char text[CF_ERR_MAX],
		   struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf name = { 0 };
	struct cf_err say = { 0 };

	/* So that a name always has something to be shown from. */
	if (cf_buf_puts(&name, "", err) < 0)
		return -ENOMEM;
	switch (status) {
	case CF_VERDICT_REVOKED:
		cf_fail(&say, EINVAL, "%s was revoked, says the CRL in _trust",
			who(h, h->first[CF_COMPLAINT_REVOKED].depth, &name));
		break;
	case CF_VERDICT_DATE_INVALID:
		put_date(&say, h, &name);
		break;
	case CF_VERDICT_INVALID:
		put_invalid(&say, h, &name);
		break;
	case CF_VERDICT_UNTRUSTED:
		put_untrusted(&say, h, &name);
		break;
	case CF_VERDICT_REVOCATION_CHECK_FAILURE:
		put_crl(&say, h, &name);
		break;
	case CF_VERDICT_UNKNOWN:
		cf_fail(&say, EINVAL, "it can't be judged: %s",
			X509_verify_cert_error_string(h->first[CF_COMPLAINT_UNKNOWN].error));
		break;
	case CF_VERDICT_VALID:
		break;
	}
	memcpy(text, say.text, sizeof(say.text));
	return 0;
}
