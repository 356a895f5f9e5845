/*
 * replay_load.h - one load, taken by a model once more
 *
 * For those whose mart or lookups were mended by hand.  merge, append with
 * unique_key and recompute come to the same rows however often they see a load;
 * delta computes the parts that the load touches anew.  What cannot be done
 * right is refused.
 */
#ifndef AGGREGATE_REPLAY_LOAD_H
#define AGGREGATE_REPLAY_LOAD_H

#include <stdbool.h>

#include "aggregate/attempt.h"

/* Whether the task's strategy allows it. */
bool replay_load_check(const struct task *task, struct error *err) MUST_CHECK;

/* Adds run->replay_load to what is pending in the attempt's snapshot. */
bool replay_load_add(struct attempt *attempt, struct error *err) MUST_CHECK;

/* The strategy over what is pending and the load again. */
bool replay_load_apply(struct refresh *refresh, struct error *err) MUST_CHECK;

#endif
