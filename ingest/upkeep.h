/*
 * upkeep.h - what must be done now and then while loading goes on
 *
 * A thread of its own with connections of its own: every 30 s the drift
 * sampled so far is written, every hour the partitions of the coming days are
 * made.  Whatever goes wrong here is tried again later and never stalls or
 * fails a load.
 */
#ifndef INGEST_UPKEEP_H
#define INGEST_UPKEEP_H

struct observer;
struct sink_plan;
struct upkeep;

/* Starts the thread; both are borrowed. */
struct upkeep *upkeep_start(const struct sink_plan *plan,
			    struct observer *observer);

/* Writes what is left and ends the thread.  NULL is allowed. */
void upkeep_stop(struct upkeep *upkeep);

#endif
