/*
 * doctor.h - what stands in the way of good runs, and what to do about it
 *
 * One line a check on out, `ok`, `warn` or `error`; below it, for each thing
 * found, a sentence that says what to type.  Nothing is changed.
 */
#ifndef AGGREGATE_DOCTOR_H
#define AGGREGATE_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "aggregate/task.h"
#include "common/error.h"
#include "common/libpq.h"

struct pg;

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_ERROR };

struct doctor {
	struct pg *pg;
	struct pg *second; /* to the same place, for what one cannot see */
	int64_t timeout_ms;
	const struct tasks *tasks;
	FILE *out;
	size_t warnings, errors;
};

/* Runs every check.  False: a check could not be made. */
bool doctor_examine(struct doctor *doctor, struct error *err) MUST_CHECK;

/* For checks: the line of one, its sentences being rows of a result (NULL: the
 * one sentence, if it is not NULL). */
void doctor_report(struct doctor *doctor, const char *title,
		   enum verdict verdict, const PGresult *res,
		   const char *sentence);

/* The checks that look into project files: columns of streams, orphans. */
bool doctor_project(struct doctor *doctor, struct error *err) MUST_CHECK;

#endif
