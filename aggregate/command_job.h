/*
 * command_job.h - `periodic --job NAME` and `periodic jobs`
 */
#ifndef AGGREGATE_COMMAND_JOB_H
#define AGGREGATE_COMMAND_JOB_H

#include <stdbool.h>
#include <stdio.h>

#include "aggregate/job.h"
#include "aggregate/options.h"

struct pg;

/* Finds the job that the options name and puts its selection into them, in the
 * place of the command line's, which must be empty. */
bool command_job_choose(struct options *options, struct jobs *jobs,
			const struct job **job, struct error *err) MUST_CHECK;

/* Prints the jobs, or their units: then pg is not needed. */
bool command_jobs(const struct options *options, struct pg *pg, FILE *out,
		  struct error *err) MUST_CHECK;

/* Whether they make sense together; `jobs` needs a database. */
bool command_jobs_check(const struct options *options, bool *needs_database,
			struct error *err) MUST_CHECK;

#endif
