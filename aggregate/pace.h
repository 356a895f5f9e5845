/*
 * pace.h - which models a watch lets run, and when the others may
 *
 * A model that may be stale for a while (`lag:`, --target-lag) runs at most
 * that often; one that has failed is tried again after a second, then two, up
 * to a minute, and what reads it waits for it, or has a test in common with it:
 * each alone would fail that.  Everybody else runs whenever there is something
 * new.
 */
#ifndef AGGREGATE_PACE_H
#define AGGREGATE_PACE_H

#include <stdint.h>

#include "aggregate/task.h"

struct pace;

/* Takes the tasks as they are selected: who is not, never runs. */
struct pace *pace_open(struct tasks *tasks, int64_t lag_ms);
void pace_close(struct pace *pace);

/* Selects those that may run at now_ms (clock_ms). */
void pace_select(struct pace *pace, int64_t now_ms);

/* After a pass that began at began_ms: what became of them. */
void pace_note(struct pace *pace, int64_t began_ms);

/* The same of one, by its place in tasks->order. */
void pace_note_one(struct pace *pace, size_t place, int64_t began_ms);

/* When the first that had to wait may run (clock_ms); INT64_MAX: nobody has
 * anything to do. */
int64_t pace_next(const struct pace *pace);

#endif
