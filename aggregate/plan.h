/*
 * plan.h - what would run, and why
 *
 * Looks as a pass looks, and changes nothing.  What an upstream model is about
 * to write cannot be counted yet: its readers say "changed input".
 */
#ifndef AGGREGATE_PLAN_H
#define AGGREGATE_PLAN_H

#include <stdio.h>

#include "aggregate/output.h"
#include "aggregate/run.h"

/* Prints the due tasks among the selected ones, in the order of a pass. */
bool plan_print(struct run *run, enum output output, FILE *out,
		struct error *err) MUST_CHECK;

#endif
