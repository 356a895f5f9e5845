/*
 * audit_query.h - a model's whole query, over what the model has consumed
 *
 * Loads that are pending are taken out again: a stream without their rows, a
 * model with the versions that they retired in place of those that they wrote.
 * So the answer is what the mart must hold now, however fast loading goes on.
 */
#ifndef AGGREGATE_AUDIT_QUERY_H
#define AGGREGATE_AUDIT_QUERY_H

#include <stdbool.h>

#include "aggregate/project.h"
#include "aggregate/refresh.h"

/* Writes the query, the strategy's deduplication included.  The task's state
 * and the columns of the model have been read.  *why stays NULL, or says why
 * the past cannot be seen any more: then there is no query. */
bool audit_query(struct buf *out, struct refresh *refresh,
		 const struct project *project, const char **why,
		 struct error *err) MUST_CHECK;

#endif
