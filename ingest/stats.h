/*
 * stats.h - what a run has done so far, for people and their tools
 *
 * Whoever owns it serialises access; the pipeline changes it under its lock.
 */
#ifndef INGEST_STATS_H
#define INGEST_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/batch.h"
#include "ingest/source.h"

enum { STATS_BUCKETS = 12, STATS_ERRORS = 16 };

/* Upper ends of the buckets of flush times, in ms. */
extern const int64_t stats_bucket_ms[STATS_BUCKETS];

struct stats_stream {
	uint64_t rows;
	uint64_t rejects;
	bool has_events;
	int64_t event_max; /* microseconds since 2000-01-01 UTC */
};

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
	/* Everything taken out of the sources; and of it, what was in batches
	 * that were let go and will be read again, here or elsewhere. */
	struct source_counts source;
	uint64_t dropped;
	struct stats_stream *stream; /* in the order of the set */
	size_t stream_count;
	int64_t committed_us; /* clock_unix_us of the newest commit; 0: none */
	/* from the first message of a batch to its COMMIT, by bucket */
	uint64_t flush_bucket[STATS_BUCKETS];
	uint64_t flush_count, flush_sum_ms;
	struct stats_errors {
		char class[3]; /* of SQLSTATE; "" where the connection broke */
		uint64_t count;
	} error[STATS_ERRORS]; /* those used have a count */
	/* for the time left of this input */
	int64_t begun_ms, begun_at;
	/* for the rate shown */
	int64_t shown_ms;
	uint64_t shown_rows;
};

void stats_start(struct stats *stats, size_t stream_count);
void stats_release(struct stats *stats);

/* Over another that was started, or is all zero. */
void stats_copy(struct stats *to, const struct stats *from);

/* An input is begun, `done` bytes of which were loaded by earlier runs. */
void stats_begin(struct stats *stats, int64_t done);

/* The batch has been committed. */
void stats_commit(struct stats *stats, const struct batch *batch);

/* Adds what another has counted of rows, rejects and bytes, as one commit. */
void stats_add(struct stats *stats, const struct stats *more);

/* A commit took this long. */
void stats_flush(struct stats *stats, int64_t ms);

/* PostgreSQL has refused, or could not be reached. */
void stats_error(struct stats *stats, const struct error *err);

/* Shows progress: rows, rate, rejects, bytes, and with a size known (bytes;
 * -1: not) how far it is and how long it will take.  done: bytes of it.
 * lag: records that wait; -1: not known. */
void stats_show(struct stats *stats, const char *name, int64_t done,
		int64_t size, int64_t lag);

/* The last line of a run.  finished: it came to the end of its input. */
void stats_summary(const struct stats *stats, bool finished);

#endif
