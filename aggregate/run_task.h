/*
 * run_task.h - one model's turn in a pass
 */
#ifndef AGGREGATE_RUN_TASK_H
#define AGGREGATE_RUN_TASK_H

#include <stdbool.h>

#include "aggregate/worker.h"

/* Brings the task up to date, in a transaction under its lock, and exports it.
 * What became of it is in task->status and has been reported.  A connection
 * that is lost is the task's failure, if another can be opened.  False: none
 * can, or the database refuses bookkeeping. */
bool run_task(struct worker *worker, struct task *task,
	      struct error *err) MUST_CHECK;

#endif
