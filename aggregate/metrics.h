/*
 * metrics.h - the figures of a pass, for node_exporter's textfile collector
 *
 * One file, replaced at once at the end of a pass however it went.  What the
 * database cannot tell then (it is out of reach) is left out; when a pass last
 * succeeded is carried over from the file before.
 */
#ifndef AGGREGATE_METRICS_H
#define AGGREGATE_METRICS_H

#include "common/error.h"

struct run;

/* status: the exit status of the pass.  Failing to write is worth a warning,
 * never the pass. */
void metrics_write(const char *path, const struct run *run,
		   enum exit_status status);

#endif
