/*
 * kafka_message.h - a Kafka message as a record
 */
#ifndef INGEST_KAFKA_MESSAGE_H
#define INGEST_KAFKA_MESSAGE_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "common/buf.h"
#include "ingest/position.h"
#include "ingest/record.h"

/* The record of a message with a value; its bytes are the message's.  A value
 * longer than max_line is cut to its first 64 KiB.  headers: NULL, or where
 * the message's headers are written as JSON. */
void kafka_message_record(const rd_kafka_message_t *message, size_t max_line,
			  struct buf *headers, struct record *record);

/* What proves that this offset still holds the same message: a digest of its
 * timestamp, key and value (XXH3-128). */
void kafka_message_anchor(const rd_kafka_message_t *message,
			  struct anchor *anchor);

/* Headers as a JSON array of {"key", "value"}, in order: they may repeat.  A
 * value that is not text is {"key", "base64"} instead; null stays null.
 * Exposed for its test. */
void kafka_message_headers(const rd_kafka_headers_t *headers, struct buf *out);

#endif
