/*
 * kafka_reader.h - looking at a topic without joining a group
 *
 * For the commands that inspect: nothing is claimed, committed or moved.
 */
#ifndef INGEST_KAFKA_READER_H
#define INGEST_KAFKA_READER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "ingest/kafka_conf.h"

struct pg;
struct kafka_reader;

/* Connects and waits until a broker answers. */
bool kafka_reader_open(struct kafka_reader **out,
		       const struct kafka_settings *settings,
		       int64_t connect_ms, struct error *err) MUST_CHECK;

/* NULL is allowed. */
void kafka_reader_close(struct kafka_reader *reader);

/* The record at TOPIC:PARTITION:OFFSET, which the caller destroys. */
bool kafka_reader_fetch(struct kafka_reader *reader, const char *place,
			rd_kafka_message_t **out, struct error *err) MUST_CHECK;

/* Says which library this is and how it is used, and whether the topics and the
 * group may be read.  Adds to *faults what is not as it should be. */
void kafka_reader_check(struct kafka_reader *reader,
			const struct kafka_settings *settings, FILE *out,
			size_t *faults);

/* Compares the positions of this cluster's topics with what the brokers hold:
 * a line each with position, low and high mark, lag, and headroom, which is
 * how far retention is behind.  Adds to *faults the partitions whose position
 * lies outside. */
bool kafka_reader_verify(struct kafka_reader *reader, struct pg *pg, FILE *out,
			 size_t *faults, struct error *err) MUST_CHECK;

#endif
