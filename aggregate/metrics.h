/*
 * metrics.h - the figures of a pass, for node_exporter's textfile collector
 *
 * One file, replaced at once at the end of a pass however it went.  What the
 * database cannot tell then (it is out of reach) is left out; when a pass last
 * succeeded is carried over from the file before.
 */
#ifndef AGGREGATE_METRICS_H
#define AGGREGATE_METRICS_H

#include <stdint.h>

#include "common/error.h"

struct run;

/* took_ms: the pass; status: its exit status.  Failing to write is worth a
 * warning, never the pass. */
void metrics_write(const char *path, struct run *run, int64_t took_ms,
		   enum exit_status status);

#endif
