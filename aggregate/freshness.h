/*
 * freshness.h - how old the news of each stream is, and may be
 *
 * The stream files say what is too old; the database keeps a copy, so that a
 * monitor needs to read nothing but millrace.status.
 */
#ifndef AGGREGATE_FRESHNESS_H
#define AGGREGATE_FRESHNESS_H

#include <stdbool.h>
#include <stdio.h>

#include "aggregate/run.h"

/* Brings the copy up to date: one statement, which writes nothing if it is. */
bool freshness_keep(struct run *run, struct error *err) MUST_CHECK;

/* Prints a line for each stream that says something and is chosen (by its
 * number; NULL: all).  One that is too old is in run->status. */
bool freshness_print(struct run *run, const bool *chosen, FILE *out,
		     struct error *err) MUST_CHECK;

#endif
