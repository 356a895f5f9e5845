/*
 * run_export.h - the file of a table, after its commit
 *
 * In a transaction of its own, under the task's lock; a crash in between is
 * caught up with by a later run.
 */
#ifndef AGGREGATE_RUN_EXPORT_H
#define AGGREGATE_RUN_EXPORT_H

#include <stdbool.h>

#include "aggregate/worker.h"

/* What a later snapshot may do better is tried so often. */
enum { RUN_ATTEMPTS = 3 };

/* Serialization failures and deadlocks. */
bool run_may_try_again(const struct error *failure);

/* Writes it, if it is not there or not as the table is.  With false, the
 * transaction may be open. */
bool run_export(const struct worker *worker, struct task *task,
		struct error *failure) MUST_CHECK;

/* Counts a file that was written, and says so. */
void run_export_report(struct run *run, const struct task *task);

#endif
