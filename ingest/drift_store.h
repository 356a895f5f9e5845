/*
 * drift_store.h - sampled drift into millrace.drift
 *
 * One transaction of its own, rows in the order of the key, so that two
 * processes never wait for each other in a circle.  Losing a flush loses a
 * sample, nothing else.
 */
#ifndef INGEST_DRIFT_STORE_H
#define INGEST_DRIFT_STORE_H

#include <stdbool.h>

#include "common/error.h"

struct drift;
struct pg;

/* Adds to what is there: counts up, moves last_seen, keeps the first sample. */
bool drift_store_write(struct pg *pg, struct drift *drift,
		       struct error *err) MUST_CHECK;

#endif
