/*
 * model_delta.h - what the query of a delta must be
 *
 * A delta adds the query's result for new rows and subtracts that for gone
 * ones.  That is right only if the outer SELECT does nothing but group by the
 * unique key and every other column is a count or a sum, as it is: the sum of
 * two maxima is no maximum, and a rounded sum is not the sum of rounded ones.
 */
#ifndef AGGREGATE_MODEL_DELTA_H
#define AGGREGATE_MODEL_DELTA_H

#include "aggregate/model_config.h"
#include "aggregate/query.h"

bool model_delta_check(struct model *model, const struct model_config *config,
		       const struct query *query, struct error *err) MUST_CHECK;

#endif
