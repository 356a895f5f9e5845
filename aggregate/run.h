/*
 * run.h - one pass over what is new
 *
 * Every due model, inputs first, each in a transaction of its own under its
 * own lock: consumed loads, rows, test results and log commit together or not
 * at all.  What fails takes its descendants out of this pass and nobody else.
 * A pass that finds nothing to do has asked two questions.
 */
#ifndef AGGREGATE_RUN_H
#define AGGREGATE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/task.h"
#include "common/error.h"

struct pg;

struct run {
	struct pg *pg;
	struct tasks *tasks;
	int64_t timeout_ms;   /* for one statement */
	int64_t keep_runs_ms; /* of the log; 0: for ever */
	int64_t max_loads;    /* of one transaction; 0: any */
	bool full_refresh;
	const char *command;
	int64_t started_ms; /* by clock_ms */
	int64_t run_id; /* 0: nothing has been worth a row in millrace.run */
	enum exit_status status; /* of the worst that happened to a model */
	size_t done, failed, skipped, locked, exported;
	int64_t inserted, deleted;
};

/* Why a task is due, as `plan` says it; NULL: it is not. */
const char *run_reason(const struct run *run, const struct task *task);

/* Works through the selected tasks.  False: the connection is lost, or the
 * database refuses bookkeeping; models that fail are in run->status. */
bool run_pass(struct run *run, struct error *err) MUST_CHECK;

/* Tests the selected relations as they are; failures are in run->status. */
bool run_tests(struct run *run, struct error *err) MUST_CHECK;

#endif
