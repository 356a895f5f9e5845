/*
 * model_markers.h - which relations a query follows, and by what
 *
 * A marker is a hint comment, `incremental(e.did, e.event_at)`, followed by
 * `true`; `*` stands for a column that narrows nothing.
 */
#ifndef AGGREGATE_MODEL_MARKERS_H
#define AGGREGATE_MODEL_MARKERS_H

#include "aggregate/model.h"
#include "aggregate/query.h"

/* Sets model->reference and model->marker from the query.  branch[i], in the
 * model's arena, is the operand that what marker i marks is read in. */
bool model_markers_read(struct model *model, const struct query *query,
			const struct query_branch ***branch,
			struct error *err) MUST_CHECK;

#endif
