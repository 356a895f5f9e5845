/*
 * plan.h - what a pass would do, told and not done
 */
#ifndef AGGREGATE_PLAN_H
#define AGGREGATE_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "aggregate/run.h"

/* One line for each selected task that is due, or would be after those before
 * it: name, what would be done, why, loads and rows. */
bool plan_print(struct run *run, FILE *out, struct error *err) MUST_CHECK;

/* One line for each selected task: name, materialization, strategy, tags. */
void plan_list(const struct tasks *tasks, FILE *out);

#endif
