/*
 * model_filter.h - which rows of a marked relation can matter
 *
 * Where the WHERE of a marker goes on with plain comparisons of the marked
 * alias, rows that do not meet them change nothing in the model, and their
 * parts need not be touched.  When in doubt every row matters.
 */
#ifndef AGGREGATE_MODEL_FILTER_H
#define AGGREGATE_MODEL_FILTER_H

#include "aggregate/model.h"
#include "aggregate/query.h"

/* Reads `and alias.column = 'text'` ... behind the marker's `true` into
 * marker->filter. */
void model_filter_read(struct model *model, const struct query *query,
		       const struct query_hint *hint, struct marker *marker);

#endif
