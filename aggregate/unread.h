/*
 * unread.h - columns of a model that no reader of its changes looks at
 *
 * What changes in them alone is no change to anybody: such a row can be updated
 * where it is.  Told from the words of the readers' queries, and when in doubt
 * a column is read.
 */
#ifndef AGGREGATE_UNREAD_H
#define AGGREGATE_UNREAD_H

#include <stdbool.h>

#include "aggregate/task.h"

/* Whether none of the task's consumers can know what the column says. */
bool unread_column(const struct task *task, const char *column);

/* The same of one consumer. */
bool unread_by(const struct task *reader, const struct task *task,
	       const char *column);

#endif
