/*
 * unit.h - cases: given these rows, a model holds those
 *
 * Each runs the model's real strategy over its given rows, load by load, in a
 * scratch world that is rolled back, and compares what the model then holds
 * with what is expected, and with the model's whole query.
 */
#ifndef AGGREGATE_UNIT_H
#define AGGREGATE_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "aggregate/run.h"

/* Runs the cases of the selected models and prints a line for each.  *count:
 * how many there were.  Failures are in run->status. */
bool unit_run(struct run *run, FILE *out, size_t *count,
	      struct error *err) MUST_CHECK;

#endif
