/*
 * ls.h - what the project holds
 */
#ifndef AGGREGATE_LS_H
#define AGGREGATE_LS_H

#include <jansson.h>
#include <stdio.h>

#include "aggregate/output.h"
#include "aggregate/task.h"

/* Prints the selected tasks, inputs first. */
void ls_print(const struct tasks *tasks, enum output output, FILE *out);

/* What it is, in dbt's word: incremental, table, view, seed. */
const char *ls_materialized(const struct task *task);

/* An array of texts. */
json_t *ls_strings(const char *const *text, size_t count);

#endif
