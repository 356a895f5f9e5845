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

/* Sets model->reference and model->marker from the query; the indexes of
 * references are the same in both. */
bool model_markers_read(struct model *model, const struct query *query,
			struct error *err) MUST_CHECK;

#endif
