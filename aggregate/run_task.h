/*
 * run_task.h - one model's turn in a pass
 */
#ifndef AGGREGATE_RUN_TASK_H
#define AGGREGATE_RUN_TASK_H

#include <pthread.h>
#include <stdbool.h>

#include "aggregate/run.h"

/* One of those who work through the pass. */
struct worker {
	struct run *run;
	struct pg *pg;     /* NULL: not connected yet */
	unsigned sessions; /* so far; locks are of the last */
	pthread_t thread;
};

/* Opens the worker's connection, and closes the one there was. */
bool worker_connect(struct worker *worker, struct error *err) MUST_CHECK;

/* Brings the task up to date, in a transaction under its lock, and exports it.
 * What became of it is in task->status and has been reported.  A connection
 * that is lost is the task's failure, if another can be opened.  False: none
 * can, or the database refuses bookkeeping. */
bool run_task(struct worker *worker, struct task *task,
	      struct error *err) MUST_CHECK;

#endif
