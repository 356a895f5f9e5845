/*
 * choose.h - which tasks a command is about
 */
#ifndef AGGREGATE_CHOOSE_H
#define AGGREGATE_CHOOSE_H

#include <stdbool.h>

#include "aggregate/options.h"
#include "aggregate/run.h"

/* Whether the selectors ask what the database knows: run->pg must be open. */
bool choose_asks_database(const struct options *options);

/* Sets is_selected of run->tasks, and tasks->chosen. */
bool choose_tasks(const struct options *options, const struct run *run,
		  struct error *err) MUST_CHECK;

#endif
