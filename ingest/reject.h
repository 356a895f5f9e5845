/*
 * reject.h - records that could not become rows, into millrace.reject
 *
 * They commit with the batch they came from.  Each keeps the reason, where it
 * stood, and its bytes (of an over-long record the first 64 KiB).
 */
#ifndef INGEST_REJECT_H
#define INGEST_REJECT_H

#include <stdbool.h>

#include "common/error.h"
#include "ingest/load.h"
#include "ingest/position.h"

struct pg;
struct sink_plan;

/* COPYs the rejects of the load, if it has any, inside its transaction. */
bool reject_copy(struct pg *pg, const struct sink_plan *plan,
		 const struct load *load, const struct positions *positions,
		 struct error *err) MUST_CHECK;

#endif
