/*
 * select.h - which relations the operator means, in dbt's words
 *
 *   bluesky.events   events   bluesky.like*     by name
 *   tag:daily   pack:bluesky   path:sql/bluesky/models   source:staging.x
 *   +a   a+   2+a+                     with what it reads, what reads it
 *   "a b"   (or several arguments)     union
 *   a,b                                intersection
 */
#ifndef AGGREGATE_SELECT_H
#define AGGREGATE_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/project.h"
#include "common/error.h"

/* Sets selected[i] for each relation i of the project: those that `select`
 * names (with none: every model and seed) less those that `exclude` names.
 * Streams are among them only where a selector reaches them.  A selector that
 * names nothing is an error with the nearest name. */
bool select_relations(const struct project *project, const char *const *select,
		      size_t select_count, const char *const *exclude,
		      size_t exclude_count, bool *selected,
		      struct error *err) MUST_CHECK;

#endif
