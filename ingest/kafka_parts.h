/*
 * kafka_parts.h - what the files of the Kafka source share
 *
 * Private to source_kafka.c and kafka_*.c.  The reading thread and whoever
 * settles never run at the same time; the senders only tell Kafka how far they
 * are, one at a time.  So nothing here is locked but what librdkafka's own
 * threads write.
 */
#ifndef INGEST_KAFKA_PARTS_H
#define INGEST_KAFKA_PARTS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "ingest/kafka_access.h"
#include "ingest/kafka_watch.h"
#include "ingest/source_kafka.h"

struct kafka_topic {
	const char *name;
	char *source; /* kafka:<cluster id>/<topic> */
	int stream;   /* every record belongs to this one, plus 1; 0: match */
	int64_t *end; /* by partition, as the topic was at the start */
	size_t end_count;
	int *index; /* by partition: of the part, plus 1; 0: none yet */
	size_t index_count;
};

/* A partition that we have or had; its index is that of its position. */
struct kafka_part {
	struct kafka_topic *topic;
	int32_t partition;
	bool owned;
	bool verify;          /* the anchor record has still to be seen */
	bool anchored;        /* anchor is known */
	struct anchor anchor; /* of the last record before offset */
	int64_t offset;       /* after all that was handed out or passed over */
	int64_t acknowledged; /* told to Kafka */
	int watched;          /* index in what is watched */
};

/* Why source_settle is wanted. */
enum kafka_pending {
	KAFKA_NOTHING,
	KAFKA_ASSIGN, /* list is ours now */
	KAFKA_REVOKE, /* nothing is ours any more */
	KAFKA_LOOK,   /* an offset is not there: look where we stand */
	KAFKA_REJOIN, /* the group has thrown us out */
	KAFKA_FINISH, /* is everything loaded that was there at the start? */
};

struct source_kafka {
	struct source base;
	struct source_kafka_plan plan;
	const struct kafka_settings *settings;
	struct kafka_start start;
	char *name;
	char *cluster;
	rd_kafka_t *rk; /* NULL: left */
	struct kafka_watch *watch;
	struct kafka_topic *topic;
	size_t topic_count;
	struct kafka_part *part;
	size_t part_capacity;
	rd_kafka_message_t *message; /* the record handed out last */
	struct buf headers;
	enum kafka_pending pending;
	rd_kafka_topic_partition_list_t *list; /* of KAFKA_ASSIGN */
	bool closing;
	bool joined; /* an assignment has come, maybe of nothing */
	bool ended;
	unsigned calls;
	int64_t handed_out;
	int64_t finish_ms;     /* clock_ms of the next look at the end */
	int64_t complained_ms; /* clock_ms of the last warning */
	struct kafka_trouble trouble;
	int64_t told_ms; /* clock_ms of the last offsets told to Kafka */
	uint64_t stale, tombstones, rejoins;
};

/* --- kafka_group.c: being a member ---------------------------------------- */

/* A new handle, subscribed.  False: the configuration is wrong. */
bool kafka_join(struct source_kafka *kafka, struct error *err) MUST_CHECK;

/* Leaves the group; everything of ours is given up. */
void kafka_leave(struct source_kafka *kafka);

/* Waits until a broker answers and learns the cluster's id. */
bool kafka_reach(struct source_kafka *kafka, struct error *err) MUST_CHECK;

/* No partition is ours any more. */
void kafka_disown(struct source_kafka *kafka);

/* Everything before `offset` was handed out or passed over. */
void kafka_reached(struct source_kafka *kafka, struct kafka_part *part,
		   int64_t offset);

/* Tells Kafka how far we are, for lag monitors. */
void kafka_tell(struct source_kafka *kafka);

/* ERROR_TRANSIENT with STATUS_SOURCE; adds what the brokers said last. */
bool kafka_failed(struct source_kafka *kafka, rd_kafka_resp_err_t code,
		  struct error *err, const char *what);

/* --- kafka_topic.c: topics and their partitions
 * --------------------------------- */

/* Takes -t and --map. */
bool kafka_topic_take(struct source_kafka *kafka, struct error *err) MUST_CHECK;

/* How many partitions a topic has. */
bool kafka_topic_look(struct source_kafka *kafka, struct kafka_topic *topic,
		      size_t *count, struct error *err) MUST_CHECK;

/* Learns where every topic ends now. */
bool kafka_topic_ends(struct source_kafka *kafka, struct error *err) MUST_CHECK;

/* Where -o says that a partition begins. */
bool kafka_topic_start(struct source_kafka *kafka,
		       const struct kafka_topic *topic, int32_t partition,
		       int64_t *offset, struct error *err) MUST_CHECK;

bool kafka_topic_marks(struct source_kafka *kafka,
		       const struct kafka_topic *topic, int32_t partition,
		       int64_t *low, int64_t *high,
		       struct error *err) MUST_CHECK;

/* The part of a partition, made if it is new; NULL: not a topic of ours. */
struct kafka_part *kafka_part_find(struct source_kafka *kafka, const char *name,
				   int32_t partition);
struct kafka_part *kafka_part_get(struct source_kafka *kafka, const char *name,
				  int32_t partition);

/* --- kafka_settle.c ------------------------------------------------------- */

bool kafka_settle(struct source *source, struct pg *pg, struct error *err);

#endif
