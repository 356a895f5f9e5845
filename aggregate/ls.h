/*
 * ls.h - what the project holds
 */
#ifndef AGGREGATE_LS_H
#define AGGREGATE_LS_H

#include <stdio.h>

#include "aggregate/output.h"
#include "aggregate/task.h"

/* Prints the selected tasks, inputs first. */
void ls_print(const struct tasks *tasks, enum output output, FILE *out);

/* What it is, in dbt's word: incremental, table, view, seed. */
const char *ls_materialized(const struct task *task);

#endif
