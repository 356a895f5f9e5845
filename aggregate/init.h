/*
 * init.h - a first project to change into one's own
 *
 * A stream, two models, a seed, a test, a job and ten events, small enough to
 * read in five minutes; it runs as its README says.  It is examples/shop, which
 * travels inside the program.
 */
#ifndef AGGREGATE_INIT_H
#define AGGREGATE_INIT_H

#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"

/* Makes the project in a folder that is empty or not there yet, and prints what
 * to type next. */
bool init_project(const char *folder, FILE *out, struct error *err) MUST_CHECK;

#endif
