/* Making a self-signed certificate: New-ExchangeCertificate. */
#pragma once

#include "core/procedures/request.h"

/*
 * Make the draft's key and certificate, as cf_request_make() makes a request. Two more lines are taken:
 * `services`, which are assigned in the same transaction, and `subject-key-identifier` in hex.
 * The key is exportable if the draft or a line says so, else by the server's setting
 * exportable-self-signed, whatever that for requests is. The certificate goes through a decoder like
 * any other. Slow.
 *
 * 0; cf_request_make()'s errors, cf_assign()'s for the services; the draft is as it was then.
 */
int cf_self_signed_make(struct cf_ctx *ctx, int64_t certificate, const struct cf_assignment *lines,
			size_t n_lines, struct cf_err *err);
