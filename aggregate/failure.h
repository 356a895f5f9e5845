/*
 * failure.h - why a model has failed, in a sentence that helps
 *
 * PostgreSQL's words are short where its session knows little: which lock, who
 * holds it, which line of which file.  All of that is looked up here, after
 * the fact.
 */
#ifndef AGGREGATE_FAILURE_H
#define AGGREGATE_FAILURE_H

#include <stdbool.h>

#include "aggregate/attempt.h"
#include "common/error.h"

/* Rolls the attempt back and rewrites *failure.  A connection that breaks
 * meanwhile is noticed by whoever uses it next. */
void failure_explain(const struct attempt *attempt, struct error *failure);

#endif
