/*
 * excluded.h - loads that a model is to do without
 *
 * An excluded load counts as consumed and its rows are nowhere: not in what
 * arrives, not in what is read again, not in the whole query.  So incremental
 * still equals full, where full is the query over what its sources hold without
 * those loads.  Loads that wait for their tests are read as little, until they
 * pass.
 */
#ifndef AGGREGATE_EXCLUDED_H
#define AGGREGATE_EXCLUDED_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/refresh.h"
#include "aggregate/run.h"

/* The view, among those that the task's query reads, that shows the relation;
 * NULL: none. */
const char *excluded_shown_by(const struct project *project,
			      const struct task *task, const char *relation);

/* Whether it can do without those that it is to do without: an error where a
 * view that it reads shows them. */
bool excluded_check(const struct project *project, const struct task *task,
		    struct error *err) MUST_CHECK;

/* The command: takes a load out of a model, or lets it in again.  The next run
 * rebuilds the model, if it matters. */
bool excluded_add(struct run *run, struct task *task, int64_t load_id,
		  struct error *err) MUST_CHECK;
bool excluded_remove(struct run *run, struct task *task, int64_t load_id,
		     struct error *err) MUST_CHECK;

/* --- excluded_rows.c ------------------------------------------------------ */

/* model_rewrite, and every other place where the query names a relation with
 * excluded loads reads it without them.  The caller frees it. */
char *excluded_rewrite(const struct task *task, const char *const *subquery);

/* Whether the query must be rewritten for that. */
bool excluded_any(const struct task *task);

/* The input as a table to select from, without excluded loads. */
void excluded_table(struct buf *out, const struct task_input *input);

#endif
