/*
 * strategy.h - from pending loads to rows of the model
 *
 * Each works inside the transaction of a refresh, on the loads pending in its
 * task's state, and leaves the model as a full refresh over everything consumed
 * would.
 */
#ifndef AGGREGATE_STRATEGY_H
#define AGGREGATE_STRATEGY_H

#include <stdbool.h>

#include "aggregate/refresh.h"

/* By the model's own strategy. */
bool strategy_apply(struct refresh *refresh, struct error *err) MUST_CHECK;

/* The whole query, applied as a diff: full, seeds, and every rebuild. */
bool strategy_full(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Inserts the rows of new loads; those whose unique_key is there are left. */
bool strategy_append(struct refresh *refresh, struct error *err) MUST_CHECK;

/* One row per unique_key: the first by order_by, whatever came first. */
bool strategy_merge(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Adds the query over new rows, subtracts the query over gone rows. */
bool strategy_delta(struct refresh *refresh, struct error *err) MUST_CHECK;

/* Rebuilds the parts that new and gone rows touch. */
bool strategy_recompute(struct refresh *refresh, struct error *err) MUST_CHECK;

/* The query with the marked relation's new or gone rows in its place, for
 * models with one marker, or one in each branch of a UNION ALL. */
enum strategy_side { STRATEGY_NEW, STRATEGY_GONE };
char *strategy_query(const struct refresh *refresh, enum strategy_side side);

/* The query with a select in place of each marked relation, which add_rows
 * writes; the context is passed on to it. */
char *strategy_rewrite(const struct refresh *refresh,
		       void (*add_rows)(struct buf *out,
					const struct refresh *refresh,
					const struct marker *marker,
					const void *context),
		       const void *context);

#endif
