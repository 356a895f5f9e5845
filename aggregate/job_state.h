/*
 * job_state.h - what became of jobs, in millrace.job
 *
 * One row a job.  While it runs its name is locked in a session of its own, so
 * that a second start finds it busy, and one that was killed leaves a row that
 * says running and no lock.
 */
#ifndef AGGREGATE_JOB_STATE_H
#define AGGREGATE_JOB_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct pg;

/* Takes the lock; *mine is false when somebody else has it. */
bool job_state_lock(struct pg *pg, const char *job, bool *mine,
		    struct error *err) MUST_CHECK;

bool job_state_unlock(struct pg *pg, const char *job,
		      struct error *err) MUST_CHECK;

bool job_state_begin(struct pg *pg, const char *job,
		     struct error *err) MUST_CHECK;

struct job_outcome {
	const char *status;  /* success, error, timeout, stopped */
	const char *message; /* "" if there is nothing to say */
	int64_t duration_ms;
	int attempts;
	int64_t run_id; /* of the last attempt; 0: there was nothing to do */
};

bool job_state_end(struct pg *pg, const char *job,
		   const struct job_outcome *outcome,
		   struct error *err) MUST_CHECK;

#endif
