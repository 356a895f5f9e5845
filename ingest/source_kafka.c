#include "ingest/source_kafka.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "ingest/kafka_message.h"
#include "ingest/kafka_parts.h"
#include "ingest/stream.h"

enum { LOOK_EVERY = 64, FINISH_MS = 300, COMPLAIN_MS = 10000 };

/* --- reading -------------------------------------------------------------- */

/* Everything of ours has been read up to where its topic ended at the start;
 * only the database knows of the other members. */
static bool wants_finish(struct source_kafka *kafka)
{
	const struct positions *positions = kafka->base.positions;

	if (!kafka->settings->exit_at_end || !kafka->joined ||
	    clock_ms() < kafka->finish_ms)
		return false;
	for (size_t i = 0; i < positions->count; i++) {
		const struct kafka_part *part = &kafka->part[i];
		size_t number = (size_t)part->partition;

		if (part->owned && number < part->topic->end_count &&
		    (part->verify || part->offset < part->topic->end[number]))
			return false;
	}
	kafka->finish_ms = clock_ms() + FINISH_MS;
	return true;
}

void kafka_reached(struct source_kafka *kafka, struct kafka_part *part,
		   int64_t offset)
{
	part->offset = offset;
	kafka_watch_reached(kafka->watch, part->watched, offset);
}

/* The end of a partition, for now. */
static void pass_over(struct source_kafka *kafka, struct kafka_part *part,
		      int64_t offset)
{
	if (part->verify && offset > part->anchor.offset)
		part->verify = false; /* compacted away: nothing to compare */
	if (!part->verify && offset > part->offset)
		kafka_reached(kafka, part, offset);
}

static bool is_fatal(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR__FATAL:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL:
	case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
	case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
		return true;
	default:
		return false;
	}
}

/* librdkafka goes on behind records that it cannot read. */
static bool skips_records(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__BAD_MSG ||
	       code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
	       code == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED;
}

static bool refuse_skip(const rd_kafka_message_t *message, const char *topic,
			struct error *err)
{
	return error_set(err, ERROR_FATAL, STATUS_SOURCE,
			 "topic %s, partition %d, from offset %lld: librdkafka "
			 "%s cannot read the records and would leave them out "
			 "(%s); read them with a newer one, or have the broker "
			 "delete them and load with --on-gap record",
			 topic, (int)message->partition,
			 (long long)message->offset, rd_kafka_version_str(),
			 rd_kafka_message_errstr(message));
}

/* What came instead of a record.  False: *err. */
static bool take_event(struct source_kafka *kafka,
		       const rd_kafka_message_t *message, struct error *err)
{
	const char *topic =
		message->rkt ? rd_kafka_topic_name(message->rkt) : "";
	struct kafka_part *part =
		message->rkt ? kafka_part_find(kafka, topic, message->partition)
			     : NULL;

	switch (message->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (part && part->owned)
			pass_over(kafka, part, message->offset);
		return true;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (part && part->owned)
			kafka->pending = KAFKA_LOOK;
		return true;
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
		kafka->pending = KAFKA_REJOIN;
		kafka->base.lost = true;
		return true;
	default:
		break;
	}
	if (kafka_access_denied(kafka->settings, message->err,
				*topic ? topic : NULL, err))
		return false;
	if (skips_records(message->err))
		return refuse_skip(message, topic, err);
	if (is_fatal(message->err)) {
		kafka_failed(kafka, message->err, err,
			     *topic ? topic : "Kafka");
		err->kind = ERROR_FATAL;
		return false;
	}
	if (clock_ms() - kafka->complained_ms >= COMPLAIN_MS) {
		kafka->complained_ms = clock_ms();
		log_line(LOG_WARNING, "Kafka: %s%s%s",
			 rd_kafka_message_errstr(message), *topic ? ", " : "",
			 topic);
	}
	return true;
}

/* The record before our position: still the one that was loaded? */
static bool check_anchor(struct kafka_part *part,
			 const rd_kafka_message_t *message, struct error *err)
{
	struct anchor found;

	part->verify = false;
	if (message->offset != part->anchor.offset)
		return true; /* compacted away: nothing to compare */
	kafka_message_anchor(message, &found);
	if (!memcmp(found.hash, part->anchor.hash, ANCHOR_BYTES))
		return true;
	return error_set(
		err, ERROR_FATAL, STATUS_FENCED,
		"topic %s was deleted and created again, or rewritten: offset "
		"%lld of partition %d is not the record that was loaded; to "
		"load the new one from its beginning, delete its rows from "
		"millrace.position (source %s)",
		part->topic->name, (long long)part->anchor.offset,
		(int)part->partition, part->topic->source);
}

/* A record for us?  Its part, or NULL.  *err is set if reading must end. */
static struct kafka_part *take_record(struct source_kafka *kafka,
				      const rd_kafka_message_t *message,
				      struct error *err)
{
	struct kafka_part *part = kafka_part_find(
		kafka, rd_kafka_topic_name(message->rkt), message->partition);

	/* librdkafka has been seen to deliver messages of partitions that were
	 * revoked (its issues 1359, 3340). */
	if (!part || !part->owned) {
		kafka->stale++;
		return NULL;
	}
	if (part->verify && message->offset >= part->anchor.offset &&
	    !check_anchor(part, message, err))
		return NULL;
	if (message->offset < part->offset) {
		kafka->stale += message->offset != part->anchor.offset;
		return NULL;
	}
	kafka_reached(kafka, part, message->offset + 1);
	kafka_watch_read(kafka->watch, message->len);
	kafka_message_anchor(message, &part->anchor);
	part->anchored = true;
	if (message->payload)
		return part;
	kafka->tombstones++;
	return NULL;
}

static enum source_result take_message(struct source_kafka *kafka,
				       rd_kafka_message_t *message,
				       struct record *record, struct error *err)
{
	struct source_counts *counts = &kafka->base.counts;
	enum source_result result = SOURCE_WAIT;
	struct kafka_part *part;

	counts->read += !message->err;
	if (message->err) {
		if (!take_event(kafka, message, err))
			result = SOURCE_FAILED;
	} else if ((part = take_record(kafka, message, err)) != NULL) {
		kafka_message_record(message, kafka->plan.max_line,
				     &kafka->headers, record);
		record->part = (int)(part - kafka->part);
		record->stream = part->topic->stream;
		kafka->message = message;
		kafka->handed_out++;
		return SOURCE_RECORD;
	} else {
		(*(message->payload ? &counts->skipped
				    : &counts->tombstones))++;
		if (err->kind != ERROR_NONE)
			result = SOURCE_FAILED;
	}
	rd_kafka_message_destroy(message);
	return result;
}

/* What is to be done before the next message. */
static bool is_due(struct source_kafka *kafka, enum source_result *result)
{
	if (kafka->pending == KAFKA_NOTHING &&
	    kafka_watch_alarmed(kafka->watch)) {
		kafka->pending = KAFKA_LOOK;
		kafka->base.lost = true; /* may be of another topic already */
	}
	if (kafka->pending == KAFKA_NOTHING && wants_finish(kafka))
		kafka->pending = KAFKA_FINISH;
	if (kafka->ended) {
		*result = SOURCE_ENDED;
		return true;
	}
	if (kafka->pending == KAFKA_NOTHING)
		return false;
	kafka->base.needs_database = kafka->pending != KAFKA_REVOKE;
	kafka->base.patient = kafka->pending == KAFKA_FINISH;
	*result = SOURCE_SETTLE;
	return true;
}

static enum source_result kafka_next(struct source *source, int64_t deadline_ms,
				     struct record *record, struct error *err)
{
	struct source_kafka *kafka = (struct source_kafka *)source;
	enum source_result result;

	if (kafka->message)
		rd_kafka_message_destroy(kafka->message);
	kafka->message = NULL;
	if (kafka->settings->count &&
	    kafka->handed_out >= kafka->settings->count)
		return SOURCE_ENDED;
	for (;;) {
		rd_kafka_message_t *message;

		/* Asking the clock for every record costs; now and then is
		 * enough while they come. */
		if (kafka->pending != KAFKA_NOTHING ||
		    kafka->calls++ % LOOK_EVERY == 0) {
			if (is_due(kafka, &result))
				return result;
			if (clock_ms() >= deadline_ms)
				return SOURCE_WAIT;
		}
		message = rd_kafka_consumer_poll(kafka->rk, 0);
		if (!message) {
			int64_t left = deadline_ms - clock_ms();

			if (is_due(kafka, &result))
				return result;
			if (left <= 0)
				return SOURCE_WAIT;
			message = rd_kafka_consumer_poll(kafka->rk, (int)left);
		}
		if (!message)
			continue;
		result = take_message(kafka, message, record, err);
		if (result != SOURCE_WAIT)
			return result;
	}
}

/* --- what else a source is ------------------------------------------------ */

static int64_t kafka_offset(const struct source *source, int part)
{
	const struct source_kafka *kafka = (const struct source_kafka *)source;

	return kafka->part[part].offset;
}

static bool kafka_anchor(struct source *source, int part, struct anchor *anchor)
{
	const struct source_kafka *kafka = (const struct source_kafka *)source;

	*anchor = kafka->part[part].anchor;
	return kafka->part[part].anchored;
}

static void kafka_give_up(struct source *source)
{
	kafka_leave((struct source_kafka *)source);
}

static bool kafka_return(struct source *source, struct error *err)
{
	struct source_kafka *kafka = (struct source_kafka *)source;

	kafka_leave(kafka);
	kafka->ended = false;
	kafka->rejoins++;
	log_line(LOG_INFO, "joining group %s again", kafka->settings->group);
	return kafka_join(kafka, err);
}

static void kafka_committed(struct source *source)
{
	struct source_kafka *kafka = (struct source_kafka *)source;

	if (clock_ms() - kafka->told_ms >= 1000)
		kafka_tell(kafka);
}

static void kafka_close(struct source *source)
{
	struct source_kafka *kafka = (struct source_kafka *)source;

	kafka_leave(kafka);
	kafka_watch_stop(kafka->watch);
	log_line(LOG_INFO,
		 "left group %s: rebalances=%llu rejoins=%llu tombstones=%llu "
		 "stale=%llu",
		 kafka->settings->group,
		 (unsigned long long)kafka->base.counts.rebalances,
		 (unsigned long long)kafka->rejoins,
		 (unsigned long long)kafka->tombstones,
		 (unsigned long long)kafka->stale);
	for (size_t i = 0; i < kafka->topic_count; i++) {
		free(kafka->topic[i].source);
		free(kafka->topic[i].end);
		free(kafka->topic[i].index);
	}
	free(kafka->topic);
	free(kafka->part);
	if (kafka->cluster)
		rd_kafka_mem_free(NULL, kafka->cluster);
	buf_release(&kafka->headers);
	kafka_trouble_release(&kafka->trouble);
	free(kafka->name);
	free(kafka);
}

/* What librdkafka has heard last: nobody is asked, nothing waits. */
static bool kafka_marks(const struct source *source, int part,
			struct source_marks *marks)
{
	const struct source_kafka *kafka = (const struct source_kafka *)source;
	const struct kafka_part *at = &kafka->part[part];
	int64_t low = -1;
	int64_t high = -1;

	if (!at->owned || !kafka->rk)
		return false;
	rd_kafka_get_watermark_offsets(kafka->rk, at->topic->name,
				       at->partition, &low, &high);
	*marks = (struct source_marks){
		.topic = at->topic->name,
		.partition = at->partition,
		.low = low < 0 ? -1 : low,
		.high = high < 0 ? -1 : high,
	};
	return true;
}

static const struct source_class kafka_class = {
	.next = kafka_next,
	.offset = kafka_offset,
	.anchor = kafka_anchor,
	.close = kafka_close,
	.settle = kafka_settle,
	.leave = kafka_give_up,
	.rejoin = kafka_return,
	.committed = kafka_committed,
	.marks = kafka_marks,
};

/* --- opening -------------------------------------------------------------- */

static bool enter(struct source_kafka *kafka, struct error *err)
{
	if (!kafka_start_parse(&kafka->start, kafka->settings->offset, err) ||
	    !kafka_topic_take(kafka, err) || !kafka_reach(kafka, err))
		return false;
	for (size_t i = 0; i < kafka->topic_count; i++)
		kafka->topic[i].source = mem_format(
			"kafka:%s/%s", kafka->cluster, kafka->topic[i].name);
	return kafka_topic_ends(kafka, err) && kafka_join(kafka, err);
}

bool source_kafka_open(struct source **out,
		       const struct source_kafka_plan *plan,
		       struct positions *positions, struct error *err)
{
	struct source_kafka *kafka = mem_zalloc(1, sizeof *kafka);

	kafka->plan = *plan;
	kafka->settings = plan->settings;
	kafka->name = mem_format("group %s", plan->settings->group);
	kafka->watch = kafka_watch_start();
	kafka_trouble_init(&kafka->trouble);
	kafka->base = (struct source){
		.class = &kafka_class,
		.name = kafka->name,
		.positions = positions,
		.replayable = true,
		.size = -1,
		.grouped = plan->settings->partition.count == 0,
	};
	log_line(LOG_INFO, "librdkafka %s: range assignor, no pausing",
		 rd_kafka_version_str());
	if (enter(kafka, err)) {
		*out = &kafka->base;
		return true;
	}
	kafka_close(&kafka->base);
	return false;
}
