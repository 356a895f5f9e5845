/*
 * job_run.h - one run of a job: attempts, deadline, and who is told
 *
 * Selected tasks run as in any pass; what failed, and what was skipped because
 * of it, runs again after the delay, as often as the job says.  All attempts
 * together end at the job's timeout.  Then millrace.job is written and the
 * job's command is run, with MILLRACE_JOB, MILLRACE_STATUS and MILLRACE_MESSAGE
 * in its environment: data never becomes part of a command line.
 */
#ifndef AGGREGATE_JOB_RUN_H
#define AGGREGATE_JOB_RUN_H

#include <stdbool.h>

#include "aggregate/job.h"
#include "aggregate/run.h"

/* What the caller lends. */
struct job_host {
	bool (*open)(void *arg, struct pg **pg, struct error *err);
	bool (*pass)(void *arg, struct run *run, struct error *err);
	void *arg;
};

/* run->tasks are chosen; run->pg may be NULL and is opened then.  One that is
 * running elsewhere is said so, and no error. */
bool job_run(const struct job *job, struct run *run,
	     const struct job_host *host, struct error *err) MUST_CHECK;

/* A job that cannot even begin, for what err says: a mistake in a model's file,
 * in its selection.  It is written down and told like any failure.  Always
 * returns false. */
bool job_refuse(const struct job *job, struct run *run,
		const struct job_host *host, struct error *err) MUST_CHECK;

#endif
