/* Verdicts kept true: judged anew when trust, issuers or dates change. */
#pragma once

#include "core/procedures/chain.h"
#include "core/procedures/pool.h"

/* Judge n leaves with a pool, now, in a decoder. ret: n verdicts, zeroed by the caller. */
int cf_judge(struct cf_ctx *ctx, const struct cf_pool *pool, const struct cf_span *leaves, size_t n,
	     struct cf_verdict *ret, struct cf_err *err);

/* Judge every certificate of a server again and store what changed. Slow. */
int cf_status_refresh_server(struct cf_ctx *ctx, int64_t server, struct cf_err *err);

/* The same, and count them. */
int cf_status_judge_server(struct cf_ctx *ctx, int64_t server, int64_t *judged, struct cf_err *err);

/*
 * The same for all servers, unless every verdict was made with the present _trust and system store.
 * One at a time: who comes while another is at it waits, or with `later` leaves it to that one (0).
 */
int cf_status_refresh_all(struct cf_ctx *ctx, bool later, struct cf_err *err);

/*
 * The same after a change that is already committed: what goes wrong now can't refuse it any more,
 * so all verdicts are marked as stale, and cf_tree_tick() makes them again.
 */
void cf_status_refresh_after(struct cf_ctx *ctx, int64_t server);

/* True when verdicts were made with another system store or _trust than is there now. */
int cf_status_is_stale(struct cf_ctx *ctx, bool *ret, struct cf_err *err);

/* Judge those whose next_change has come. *ret_next: the earliest one that is still to come. */
int cf_status_refresh_due(struct cf_ctx *ctx, cf_time *ret_next, struct cf_err *err);
