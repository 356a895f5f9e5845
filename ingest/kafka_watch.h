/*
 * kafka_watch.h - asks the brokers, aside, where our partitions end
 *
 * A thread asks for the last offset of each of our partitions every second,
 * and notices one that is gone or ends before what was read from it: the topic
 * was deleted, created again or truncated while we ran.
 *
 * The questions do something else besides.  A fetching thread of librdkafka
 * before 2.2 that found its queue full looks again after a second, however
 * soon the queue is empty, unless anything else asks its broker something.
 * Hence kafka_watch_read: every few MB that are read are worth a question,
 * without which a topic is read at the size of the queue per second.
 *
 * set and stop run while nobody reads; the others belong to the reader.
 */
#ifndef INGEST_KAFKA_WATCH_H
#define INGEST_KAFKA_WATCH_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kafka_watch;

struct kafka_watch *kafka_watch_start(void);

/* NULL is allowed. */
void kafka_watch_stop(struct kafka_watch *watch);

/* Watches these partitions, none with NULL, through a handle that outlives the
 * next call.  Forgets what it knew. */
void kafka_watch_set(struct kafka_watch *watch, rd_kafka_t *rk,
		     const rd_kafka_topic_partition_list_t *list);

/* `bytes` more were read. */
void kafka_watch_read(struct kafka_watch *watch, size_t bytes);

/* The item with that index in the list was read up to `offset`. */
void kafka_watch_reached(struct kafka_watch *watch, int item, int64_t offset);

/* Whether a partition is gone or ends too early; once for each time it was
 * found so. */
bool kafka_watch_alarmed(struct kafka_watch *watch);

#endif
