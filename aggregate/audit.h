/*
 * audit.h - whether marts hold what their queries say
 *
 * In one snapshot the query is computed anew over what the model has consumed,
 * and compared with the table, both ways: of a large table in parts chosen by
 * chance.  Nothing is locked and nobody waits; loads that are pending count for
 * neither side.
 */
#ifndef AGGREGATE_AUDIT_H
#define AGGREGATE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "aggregate/run.h"

struct audit_options {
	int64_t parts; /* how many of each large table */
	bool repair;   /* rebuild what differs, as a diff */
	FILE *out;
};

/* Audits the selected models.  Differences that stay are in run->status. */
bool audit_run(struct run *run, const struct audit_options *options,
	       struct error *err) MUST_CHECK;

#endif
