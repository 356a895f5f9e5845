/*
 * last_run.h - what the last run left behind, for the selectors that ask
 *
 * The last run is the newest one in millrace.run; a pass that found nothing to
 * do has left none.
 */
#ifndef AGGREGATE_LAST_RUN_H
#define AGGREGATE_LAST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/task.h"
#include "common/error.h"

struct pg;

/* Sets facts[i] (enum select_fact) of each relation i of the project. */
bool last_run_read(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		   unsigned *facts, struct error *err) MUST_CHECK;

#endif
