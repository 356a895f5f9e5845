/*
 * changes.h - what a set of loads did to a relation, as SQL
 *
 * For the pending loads L of a task, new(L) are the rows that the loads wrote,
 * wherever they are now: in the relation, or among its old versions; gone(L)
 * are the versions that they retired.  A relation that only grows has no gone
 * rows and no old versions; a staging table has them once a range of it has
 * been replaced.
 */
#ifndef AGGREGATE_CHANGES_H
#define AGGREGATE_CHANGES_H

#include <stdbool.h>

#include "aggregate/task.h"
#include "common/buf.h"

/* Whether the task has pending loads of the input; whether one of them may
 * have retired rows. */
bool changes_any(const struct task *task, const struct task_input *input);
bool changes_any_gone(const struct task *task, const struct task_input *input);

/* A select of the rows.  Without loads it has the columns and no rows. */
void changes_new(struct buf *out, const struct task *task,
		 const struct task_input *input);
void changes_gone(struct buf *out, const struct task *task,
		  const struct task_input *input);

#endif
