/*
 * run_task.h - one model's turn in a pass
 */
#ifndef AGGREGATE_RUN_TASK_H
#define AGGREGATE_RUN_TASK_H

#include <stdbool.h>

#include "aggregate/run.h"

/* Brings the task up to date, in a transaction under its lock, and exports it.
 * What became of it is in task->status and has been reported.  False: the
 * connection is lost. */
bool run_task(struct run *run, struct task *task, struct error *err) MUST_CHECK;

/* SQL that begins a transaction as every one of ours begins. */
const char *run_begin(void);

/* Makes the row of this run in millrace.run, if it is not there yet. */
bool run_ensure(struct run *run, struct error *err) MUST_CHECK;

/* Writes down how it ended, if it has a row.  The first error stands. */
bool run_finish(struct run *run, bool ok, struct error *err) MUST_CHECK;

#endif
