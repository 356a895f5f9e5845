/*
 * job_list.h - which jobs there are, how they fare, and when they run next
 *
 * When a calendar expression comes round is systemd's to say: where
 * systemd-analyze is not installed, that column is empty.
 */
#ifndef AGGREGATE_JOB_LIST_H
#define AGGREGATE_JOB_LIST_H

#include <stdio.h>

#include "aggregate/job.h"
#include "aggregate/output.h"

struct pg;

/* Prints the jobs.  A job is late when its newest success is older than its
 * calendar and its sla together allow. */
bool job_list_print(const struct jobs *jobs, struct pg *pg, enum output output,
		    FILE *out, struct error *err) MUST_CHECK;

#endif
