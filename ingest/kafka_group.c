/* Being a member of a consumer group: handles, rebalances, leaving. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "ingest/kafka_parts.h"

enum { COMPLAIN_MS = 10000 };
enum { CLOSE_MS = 5000, CLOSE_STEP_MS = 50, DESTROY_MS = 2000 };

/* --- what librdkafka calls ------------------------------------------------ */

static void on_log(const rd_kafka_t *rk, int level, const char *facility,
		   const char *text)
{
	(void)rk;
	(void)facility;
	if (level <= 2) /* LOG_CRIT and worse; errors come through on_error */
		log_line(LOG_ERROR, "librdkafka: %s", text);
	else
		log_line(LOG_DEBUG, "librdkafka: %s", text);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct source_kafka *kafka = opaque;

	(void)rk;
	kafka_trouble_note(&kafka->trouble, code, reason);
	if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
	    code == RD_KAFKA_RESP_ERR__SSL ||
	    clock_ms() - kafka->complained_ms >= COMPLAIN_MS) {
		kafka->complained_ms = clock_ms();
		log_line(LOG_WARNING, "Kafka: %s", reason);
	}
}

/* Only notes what is wanted: the reader returns SOURCE_SETTLE, and librdkafka
 * waits for the (un)assignment meanwhile. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
			 rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct source_kafka *kafka = opaque;

	if (kafka->closing) {
		rd_kafka_assign(rk, NULL);
		return;
	}
	if (kafka->list)
		rd_kafka_topic_partition_list_destroy(kafka->list);
	kafka->list = NULL;
	kafka->base.lost = false;
	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		kafka->pending = KAFKA_ASSIGN;
		kafka->list = rd_kafka_topic_partition_list_copy(list);
	} else { /* revoked, or something went wrong on the way */
		kafka->pending = KAFKA_REVOKE;
		kafka->base.lost = rd_kafka_assignment_lost(rk) != 0;
	}
	kafka->base.counts.rebalances++;
	rd_kafka_yield(rk);
}

/* --- errors --------------------------------------------------------------- */

bool kafka_failed(struct source_kafka *kafka, rd_kafka_resp_err_t code,
		  struct error *err, const char *what)
{
	struct kafka_trouble *trouble = &kafka->trouble;

	pthread_mutex_lock(&trouble->lock);
	error_set(err, ERROR_TRANSIENT, STATUS_SOURCE, "%s: %s%s%s%s", what,
		  rd_kafka_err2str(code), trouble->text.len ? " (" : "",
		  buf_text(&trouble->text), trouble->text.len ? ")" : "");
	pthread_mutex_unlock(&trouble->lock);
	return false;
}

/* --- joining -------------------------------------------------------------- */

static rd_kafka_t *open_handle(struct source_kafka *kafka, struct error *err)
{
	rd_kafka_conf_t *conf;

	if (!kafka_conf_build(&conf, kafka->settings, err))
		return NULL;
	rd_kafka_conf_set_opaque(conf, kafka);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	return kafka_access_open(conf, err);
}

static bool add_named(struct source_kafka *kafka,
		      const struct kafka_topic *topic, const char *text,
		      struct error *err)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end || number < 0 || number > INT32_MAX)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "-p takes the number of a partition, not %s",
				 text);
	if ((size_t)number >= topic->end_count)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "partition %ld of topic %s does not exist: it "
				 "has %zu, from 0 on",
				 number, topic->name, topic->end_count);
	rd_kafka_topic_partition_list_add(kafka->list, topic->name,
					  (int32_t)number);
	return true;
}

/* -p: these partitions of every topic, without asking the group. */
static bool list_named(struct source_kafka *kafka, struct error *err)
{
	const struct setting_list *named = &kafka->settings->partition;

	kafka->list = rd_kafka_topic_partition_list_new(1);
	for (size_t i = 0; i < kafka->topic_count; i++)
		for (size_t n = 0; n < named->count; n++)
			if (!add_named(kafka, &kafka->topic[i], named->item[n],
				       err))
				return false;
	kafka->pending = KAFKA_ASSIGN;
	return true;
}

static bool subscribe(struct source_kafka *kafka, struct error *err)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new((int)kafka->topic_count);
	rd_kafka_resp_err_t code;

	for (size_t i = 0; i < kafka->topic_count; i++)
		rd_kafka_topic_partition_list_add(list, kafka->topic[i].name,
						  RD_KAFKA_PARTITION_UA);
	code = rd_kafka_subscribe(kafka->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       kafka_failed(kafka, code, err, "cannot subscribe");
}

bool kafka_join(struct source_kafka *kafka, struct error *err)
{
	kafka->joined = false;
	if (!kafka->rk)
		kafka->rk = open_handle(kafka, err);
	if (!kafka->rk)
		return false;
	if (kafka->settings->partition.count)
		return list_named(kafka, err);
	return subscribe(kafka, err);
}

bool kafka_reach(struct source_kafka *kafka, struct error *err)
{
	kafka->rk = open_handle(kafka, err);
	return kafka->rk &&
	       kafka_access_reach(kafka->rk, &kafka->trouble, kafka->settings,
				  kafka->plan.connect_ms, &kafka->cluster, err);
}

/* --- leaving -------------------------------------------------------------- */

void kafka_disown(struct source_kafka *kafka)
{
	struct positions *positions = kafka->base.positions;

	for (size_t i = 0; i < positions->count; i++) {
		struct kafka_part *part = &kafka->part[i];

		part->owned = false;
		part->verify = false;
		part->offset = positions->item[i].next_offset;
		positions->item[i].mine = false;
	}
}

static void *destroy(void *rk)
{
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	return NULL;
}

/* librdkafka has been seen to wait for ever for its own threads, 2.0.2 after a
 * topic was deleted: then the handle is left to them. */
static void destroy_handle(rd_kafka_t *rk)
{
	const struct timespec until = clock_after(DESTROY_MS);
	pthread_t thread;

	if (pthread_create(&thread, NULL, destroy, rk) != 0)
		abort(); /* no memory for a thread */
	if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0)
		return;
	pthread_detach(thread);
	log_line(LOG_WARNING, "librdkafka does not end; going on without");
}

/* Says goodbye to the group, for a while; librdkafka's own close waits for
 * ever. */
static void close_handle(struct source_kafka *kafka)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(kafka->rk);
	int64_t deadline = clock_ms() + CLOSE_MS;
	rd_kafka_message_t *message;

	kafka->closing = true;
	/* A rebalance may be waiting for this answer, and goodbye for it. */
	rd_kafka_assign(kafka->rk, NULL);
	rd_kafka_error_destroy(rd_kafka_consumer_close_queue(kafka->rk, queue));
	while (!rd_kafka_consumer_closed(kafka->rk) && clock_ms() < deadline) {
		message = rd_kafka_consumer_poll(kafka->rk, CLOSE_STEP_MS);
		if (message)
			rd_kafka_message_destroy(message);
	}
	rd_kafka_queue_destroy(queue);
	destroy_handle(kafka->rk);
	kafka->closing = false;
	kafka->rk = NULL;
}

void kafka_leave(struct source_kafka *kafka)
{
	if (kafka->message)
		rd_kafka_message_destroy(kafka->message);
	kafka->message = NULL;
	if (kafka->list)
		rd_kafka_topic_partition_list_destroy(kafka->list);
	kafka->list = NULL;
	kafka->pending = KAFKA_NOTHING;
	if (kafka->rk) {
		kafka_tell(kafka);
		kafka_watch_set(kafka->watch, NULL, NULL);
		close_handle(kafka);
	}
	kafka_disown(kafka);
}

void kafka_tell(struct source_kafka *kafka)
{
	const struct positions *positions = kafka->base.positions;
	rd_kafka_topic_partition_list_t *list;

	if (!kafka->rk)
		return;
	list = rd_kafka_topic_partition_list_new((int)positions->count);
	for (size_t i = 0; i < positions->count; i++) {
		struct kafka_part *part = &kafka->part[i];
		int64_t next = positions->item[i].next_offset;

		if (!part->owned || part->acknowledged == next)
			continue;
		part->acknowledged = next;
		rd_kafka_topic_partition_list_add(list, part->topic->name,
						  part->partition)
			->offset = next;
	}
	if (list->cnt)
		rd_kafka_commit(kafka->rk, list, 1 /* do not wait */);
	rd_kafka_topic_partition_list_destroy(list);
	kafka->told_ms = clock_ms();
}
