/*
 * run_tests.h - tests apart from the transactions that change what they test
 */
#ifndef AGGREGATE_RUN_TESTS_H
#define AGGREGATE_RUN_TESTS_H

#include <stdbool.h>

#include "aggregate/run.h"

/* At the end of a pass: those tests of several models that no transaction has
 * run after the last change.  Failures are in run->status. */
bool run_tests_left(struct run *run, struct error *err) MUST_CHECK;

#endif
