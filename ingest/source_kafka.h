/*
 * source_kafka.h - topics as a source
 *
 * One part per partition that the group has assigned so far; the group says
 * which are ours now.  Positions are read only from millrace.position, when a
 * partition is assigned.  The offsets also committed to Kafka are for lag
 * monitors and are never read.
 *
 * Whenever the assignment changes, source_next returns SOURCE_SETTLE: what is
 * in flight commits or is dropped, then source_settle gives partitions up,
 * claims the new ones and says where they go on.
 */
#ifndef INGEST_SOURCE_KAFKA_H
#define INGEST_SOURCE_KAFKA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "ingest/kafka_conf.h"
#include "ingest/position.h"
#include "ingest/source.h"

struct stream;

struct source_kafka_plan {
	const struct kafka_settings *settings; /* borrowed */
	size_t max_line;
	int64_t connect_ms;
	const struct stream *const *stream; /* what --map names */
	size_t stream_count;
};

/* Connects, looks at the topics and joins the group.  positions: empty; gets
 * one part per partition as they are assigned. */
bool source_kafka_open(struct source **out,
		       const struct source_kafka_plan *plan,
		       struct positions *positions,
		       struct error *err) MUST_CHECK;

#endif
