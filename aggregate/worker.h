/*
 * worker.h - one of those who work through a pass, and the locks it holds
 *
 * Locks are of the session: a task's own; those of the tests that look at other
 * models too, since two transactions do not see what the other does; and the
 * swap lock, which all who run a model share and whoever replaces a table has
 * alone.
 */
#ifndef AGGREGATE_WORKER_H
#define AGGREGATE_WORKER_H

#include <pthread.h>
#include <stdbool.h>

#include "aggregate/run.h"

struct worker {
	struct run *run;
	struct pg *pg;     /* NULL: not connected yet */
	unsigned sessions; /* so far; locks are of the last */
	pthread_t thread;
};

/* Opens the worker's connection, and closes the one there was. */
bool worker_connect(struct worker *worker, struct error *err) MUST_CHECK;

/* The same, once, for a worker whom others can do without: the schema is known
 * to fit. */
bool worker_join(struct worker *worker, struct error *err) MUST_CHECK;

/* Takes the task's own lock, those of the tests that it has in common with
 * others and the shared swap lock, or fails to: *locked.  Not the last for a
 * task that needs_swap.  With false, some may be held. */
bool worker_lock(const struct worker *worker, const struct task *task,
		 bool *locked, struct error *err) MUST_CHECK;
bool worker_unlock(const struct worker *worker, const struct task *task,
		   struct error *err) MUST_CHECK;

/* Waits until no other model runs, and keeps new ones waiting.  Of this program
 * none does: see crew.h. */
bool worker_lock_swap(const struct worker *worker,
		      struct error *err) MUST_CHECK;

#endif
