/*
 * job_units.h - systemd units that start the jobs
 *
 * For each job with a calendar a service `periodic-<job>.service`, which runs
 * `periodic --job` to its end, and a timer.  Nothing is enabled here.
 */
#ifndef AGGREGATE_JOB_UNITS_H
#define AGGREGATE_JOB_UNITS_H

#include <stdio.h>

#include "aggregate/job.h"

struct units {
	const char *home;   /* the project */
	const char *folder; /* where the files go; NULL: all of it to out */
	bool for_user;      /* systemctl --user */
};

/* What is left to type goes to the log. */
bool job_units_write(const struct jobs *jobs, const struct units *units,
		     FILE *out, struct error *err) MUST_CHECK;

#endif
