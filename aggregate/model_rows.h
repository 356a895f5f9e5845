/*
 * model_rows.h - whether new rows in mean new rows out
 *
 * append, merge and delta run a model's query over new rows alone.  That is
 * right only if nothing on the way from what they follow to the result looks at
 * several rows at once: a group, a window, a limit, an EXCEPT.  recompute,
 * which runs the query over whole parts, has no such limits.
 */
#ifndef AGGREGATE_MODEL_ROWS_H
#define AGGREGATE_MODEL_ROWS_H

#include "aggregate/model_value.h"
#include "aggregate/query.h"

/* For append, merge and delta; the model's arena serves as scratch. */
bool model_rows_check(struct model *model, const struct query *query,
		      struct error *err) MUST_CHECK;

#endif
