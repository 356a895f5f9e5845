/*
 * model_check.h - whether the parts of a model suit each other
 *
 * The rules that keep incremental equal to full, as far as one file shows them:
 * which keys a strategy needs and takes, where markers may stand, what a query
 * may not call.
 */
#ifndef AGGREGATE_MODEL_CHECK_H
#define AGGREGATE_MODEL_CHECK_H

#include "aggregate/model_config.h"
#include "aggregate/query.h"

/* The model's arena serves as scratch. */
bool model_check(struct model *model, const struct model_config *config,
		 const struct query *query, struct error *err) MUST_CHECK;

/* Whether every relation that an incremental model reads is either marked or a
 * lookup.  A question of its own, since a misspelt relation is better told
 * first that it does not exist. */
bool model_check_reads(const struct model *model, struct error *err) MUST_CHECK;

#endif
