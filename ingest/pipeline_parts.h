/*
 * pipeline_parts.h - what the threads of a pipeline share
 *
 * Private to pipeline*.c.  Everything from `lock` on is under it, but for the
 * content of a load, which belongs to whoever its state says, and the epochs
 * of the positions, which change only while no load is being sent.
 */
#ifndef INGEST_PIPELINE_PARTS_H
#define INGEST_PIPELINE_PARTS_H

#include <pthread.h>

#include "common/backoff.h"
#include "ingest/load.h"
#include "ingest/pipeline.h"
#include "ingest/source.h"

struct pipeline {
	struct pipeline_parts parts;
	struct positions *positions;
	struct load *load; /* all of them */
	size_t load_count;
	int64_t *expected; /* by part: end of the last record; the reader's */
	struct backoff backoff;   /* reset under the lock, by a commit */
	int64_t stop_deadline_ms; /* 0: not asked to stop */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct load *unacked; /* filled, not known to be committed; in order */
	uint64_t next_sequence;
	uint64_t turn; /* of the load that may commit */
	size_t sending;
	bool failed;          /* a load has failed; the others roll back */
	struct error failure; /* of the earliest that failed */
	uint64_t failure_sequence;
	bool quit;     /* threads leave */
	bool given_up; /* the time allowed after a stop was over */

	int64_t *sealed; /* by part: end of the last filled load */
	bool ended;      /* the source has ended, or failed */
	struct error read_error;
	bool hold; /* the reader drops what it is filling and waits */
	bool held;
	bool settling;              /* the reader waits for source_settle */
	int64_t settle_deadline_ms; /* for what is in flight then */
	int64_t outage_ms;    /* clock_ms of the first failure since a commit */
	long partitions_made; /* when last asked for; the caller's thread's */
	bool left;            /* the source's parts were given up meanwhile */
	int64_t moved_ms;     /* clock_ms: a load was filled, sent or treated */
	struct source_counts before; /* of the sources before this one */
};

/* The threads; context is the pipeline. */
void *pipeline_read(void *context);
void *pipeline_send(void *context);

/* After a failure, with no load being sent: finds out what is committed, and
 * gets everything else ready to go again.  False: give up. */
bool pipeline_recover(struct pipeline *pipeline, struct error *err) MUST_CHECK;

/* Does what the failure asks for before its batch can go again. */
bool pipeline_treat(struct pipeline *pipeline, struct error *err) MUST_CHECK;

/* pipeline_rejects.c: whether all rejects, with those of `more`, which is not
 * among `unacked` (NULL: nothing), are within bounds.  ended: there will be no
 * more, so that a share of few records counts too. */
bool pipeline_check_rejects(struct pipeline *pipeline, const struct batch *more,
			    bool ended, struct error *err) MUST_CHECK;

/* Waits before the next try, longer each time.  False: the time allowed is
 * over, and *err, which says what failed, says so too. */
bool pipeline_back_off(struct pipeline *pipeline, struct error *err) MUST_CHECK;

/* The caller's connection, opened again if it broke. */
bool pipeline_control(struct pipeline *pipeline, struct error *err) MUST_CHECK;

typedef bool pipeline_step(struct pipeline *pipeline, int argument,
			   struct error *err);

/* Repeats a step, which uses the control connection, until it is answered. */
bool pipeline_insist(struct pipeline *pipeline, pipeline_step *step,
		     int argument, struct error *err) MUST_CHECK;

/* pipeline_settle.c: when parts come and go.  All run in the caller's thread,
 * without the lock. */

/* What the source asked for, once nothing is in flight. */
bool pipeline_settle(struct pipeline *pipeline, struct error *err) MUST_CHECK;

/* Drops everything, leaves and comes back. */
bool pipeline_rejoin(struct pipeline *pipeline, struct error *err) MUST_CHECK;

/* The database has been away for so long that others should have the parts. */
void pipeline_leave(struct pipeline *pipeline);

/* Stops the reader, which drops what it is filling. */
void pipeline_hold(struct pipeline *pipeline);

/* Reads on from where the positions stand; drops all loads.  Undoes
 * pipeline_hold. */
void pipeline_read_on(struct pipeline *pipeline);

/* Drops all loads, and goes back to where the positions stand, with a source
 * that can.  The reader waits for pipeline_read_on. */
bool pipeline_rewind(struct pipeline *pipeline, struct error *err) MUST_CHECK;

/* Drops all loads, and the source counts as ended. */
void pipeline_forget(struct pipeline *pipeline);

/* Shows the monitor how it goes.  The caller's thread, without the lock. */
void pipeline_report(struct pipeline *pipeline);

/* Starts the time allowed for finishing once the program is asked to stop. */
void pipeline_note_stop(struct pipeline *pipeline);

/* Waits on `changed` at most ms; the lock is held before and after. */
void pipeline_wait(struct pipeline *pipeline, int64_t ms);

/* Takes a load off `unacked` and makes it free.  Under the lock. */
void pipeline_drop(struct pipeline *pipeline, struct load *load);

#endif
