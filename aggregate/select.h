/*
 * select.h - which relations the operator means, in dbt's words
 *
 *   bluesky.events   events   bluesky.like*     by name
 *   bluesky   bluesky.marts                     by pack, by folder of a pack
 *   tag:daily   pack:bluesky   path:sql/bluesky/models   source:staging.x
 *   result:error   state:modified               by what the database knows
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
#include "common/settings.h"

/* What result: and state: ask for: of the last run, and of the code. */
enum select_fact {
	FACT_SUCCESS = 1,
	FACT_ERROR = 2, /* its SQL failed */
	FACT_FAIL = 4,  /* its tests did */
	FACT_WARN = 8,
	FACT_SKIPPED = 16,
	FACT_NEW = 32,      /* never built */
	FACT_MODIFIED = 64, /* new, or built from other code */
};

/* The fact that a word of result: means; 0: none. */
unsigned select_result(const char *word);

/* Whether one of the selectors needs facts. */
bool select_asks(const struct setting_list *select);

/* Sets selected[i] for each relation i of the project: those that `select`
 * names (with none: every model and seed) less those that `exclude` names.
 * Streams are among them only where a selector reaches them.  A selector that
 * names nothing is an error with the nearest name, but for result: and state:,
 * which may find nothing.  facts[i] holds those of relation i; NULL where
 * select_asks is false. */
bool select_relations(const struct project *project,
		      const struct setting_list *select,
		      const struct setting_list *exclude, const unsigned *facts,
		      bool *selected, struct error *err) MUST_CHECK;

#endif
