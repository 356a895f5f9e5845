/*
 * difference.h - two queries of the same columns, compared row for row
 */
#ifndef AGGREGATE_DIFFERENCE_H
#define AGGREGATE_DIFFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/arena.h"
#include "common/error.h"

struct columns;
struct pg;

struct difference {
	int64_t rows; /* that are present */
	int64_t missing, unexpected;
	const char *missing_sample, *unexpected_sample; /* JSON; NULL: none */
};

/* Compares these columns of both as multisets: what is wanted and not present
 * is missing, what is present and not wanted unexpected.  Values are compared,
 * not how many zeros a numeric ends in: a sum keeps those of what has left it.
 */
bool difference_find(struct difference *difference, struct pg *pg,
		     int64_t timeout_ms, const struct columns *columns,
		     const char *wanted, const char *present,
		     struct arena *arena, struct error *err) MUST_CHECK;

bool difference_any(const struct difference *difference);

/* Both sides with some rows, `missing, <words>: 2 rows`. */
void difference_print(FILE *out, const struct difference *difference,
		      const char *missing, const char *unexpected);

#endif
