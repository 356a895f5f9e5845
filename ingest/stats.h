/*
 * stats.h - what a run has done so far, for people and their tools
 *
 * Whoever owns it serialises access; the pipeline changes it under its lock.
 */
#ifndef INGEST_STATS_H
#define INGEST_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/batch.h"

struct stats {
	int64_t started_ms;
	uint64_t rows;     /* committed */
	uint64_t rejects;  /* committed */
	uint64_t bytes;    /* of the input, committed */
	uint64_t loads;    /* batches committed */
	uint64_t retries;  /* recoveries after a failure */
	uint64_t in_doubt; /* COMMITs whose answer was lost */
	uint64_t moved;    /* positions that had to be read again */
	uint64_t ties;     /* transactions begun again for their timestamp */
	uint64_t isolated; /* rows that PostgreSQL refused */
	uint64_t unsure;   /* records the fast decoder left to jansson */
	/* for the time left of this input */
	int64_t begun_ms, begun_at;
	/* for the rate shown */
	int64_t shown_ms;
	uint64_t shown_rows;
};

void stats_start(struct stats *stats);

/* An input is begun, `done` bytes of which were loaded by earlier runs. */
void stats_begin(struct stats *stats, int64_t done);

/* The batch has been committed. */
void stats_commit(struct stats *stats, const struct batch *batch);

/* Shows progress: rows, rate, rejects, bytes, and with a size known (bytes;
 * -1: not) how far it is and how long it will take.  done: bytes of it. */
void stats_show(struct stats *stats, const char *name, int64_t done,
		int64_t size);

/* The last line of a run.  finished: it came to the end of its input. */
void stats_summary(const struct stats *stats, bool finished);

#endif
