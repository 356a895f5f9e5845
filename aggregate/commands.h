/*
 * commands.h - what periodic can be told to do
 *
 * Each command reads the project first, so that a wrong file is told before a
 * database is asked.  Data goes to stdout, everything else to stderr.
 */
#ifndef AGGREGATE_COMMANDS_H
#define AGGREGATE_COMMANDS_H

#include <stdbool.h>

#include "aggregate/options.h"
#include "common/error.h"

/* Runs the command.  *status: of models and tests that failed, which have been
 * reported.  False: the command itself could not be done. */
bool commands_run(const struct options *options, enum exit_status *status,
		  struct error *err) MUST_CHECK;

#endif
