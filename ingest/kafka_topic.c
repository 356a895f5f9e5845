/* The topics that were named, what the brokers know of them, and the parts we
 * make of it. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/nearest.h"
#include "ingest/kafka_parts.h"
#include "ingest/stream.h"

enum { ASK_MS = 10000 };

/* --- naming ----------------------------------------------------------------
 */

static bool find_stream(const struct source_kafka_plan *plan, const char *name,
			int *stream, struct error *err)
{
	const char **names = mem_zalloc(plan->stream_count + 1, sizeof *names);
	const char *meant;

	for (size_t i = 0; i < plan->stream_count; i++) {
		names[i] = plan->stream[i]->name;
		if (!strcmp(names[i], name))
			*stream = (int)i + 1;
	}
	if (*stream == 0) {
		meant = nearest(name, names, plan->stream_count);
		error_config(err, "--map: there is no stream %s%s%s%s", name,
			     meant ? "; did you mean " : "", meant ? meant : "",
			     meant ? "?" : "");
	}
	free(names);
	if (*stream != 0 && plan->stream[*stream - 1]->load == LOAD_FULL)
		return error_config(err,
				    "--map: stream %s is `load: full`: it "
				    "takes complete extracts, and a topic "
				    "never is one",
				    name);
	return *stream != 0;
}

/* --map TOPIC=STREAM */
static bool map_topics(struct source_kafka *kafka, struct error *err)
{
	const struct setting_list *map = &kafka->settings->map;

	for (size_t i = 0; i < map->count; i++) {
		const char *equals = strchr(map->item[i], '=');
		size_t len = equals ? (size_t)(equals - map->item[i]) : 0;
		bool used = false;

		if (!equals)
			return error_set(err, ERROR_FATAL, STATUS_USAGE,
					 "--map takes TOPIC=STREAM, not %s",
					 map->item[i]);
		for (size_t t = 0; t < kafka->topic_count; t++) {
			struct kafka_topic *topic = &kafka->topic[t];

			if (strlen(topic->name) != len ||
			    memcmp(topic->name, map->item[i], len) != 0)
				continue;
			used = true;
			if (!find_stream(&kafka->plan, equals + 1,
					 &topic->stream, err))
				return false;
		}
		if (!used)
			return error_set(err, ERROR_FATAL, STATUS_USAGE,
					 "--map %s: no -t names that topic",
					 map->item[i]);
	}
	return true;
}

bool kafka_topic_take(struct source_kafka *kafka, struct error *err)
{
	const struct setting_list *named = &kafka->settings->topic;

	if (named->count == 0)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "-b needs a topic: -t TOPIC");
	kafka->topic = mem_zalloc(named->count, sizeof *kafka->topic);
	for (size_t i = 0; i < named->count; i++) {
		const char *name = named->item[i];

		if (*name == '^')
			return error_set(err, ERROR_FATAL, STATUS_USAGE,
					 "-t %s: name each topic; patterns are "
					 "not taken",
					 name);
		for (size_t t = 0; t < kafka->topic_count; t++)
			if (!strcmp(kafka->topic[t].name, name))
				return error_set(err, ERROR_FATAL, STATUS_USAGE,
						 "-t %s is given twice", name);
		kafka->topic[kafka->topic_count++].name = name;
	}
	return map_topics(kafka, err);
}

/* --- asking --------------------------------------------------------------- */

bool kafka_topic_look(struct source_kafka *kafka, struct kafka_topic *topic,
		      size_t *count, struct error *err)
{
	rd_kafka_topic_t *handle =
		rd_kafka_topic_new(kafka->rk, topic->name, NULL);
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t code =
		rd_kafka_metadata(kafka->rk, 0, handle, &metadata, ASK_MS);
	bool ok = false;

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = metadata->topic_cnt == 1
			       ? metadata->topics[0].err
			       : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
		*count = (size_t)metadata->topics[0].partition_cnt;
		ok = true;
	} else if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
		error_set(err, ERROR_FATAL, STATUS_SOURCE,
			  "topic %s does not exist at %s; `kcat -b %s -L` "
			  "lists those that do",
			  topic->name, kafka->settings->brokers,
			  kafka->settings->brokers);
	} else if (!kafka_access_denied(kafka->settings, code, topic->name,
					err)) {
		kafka_failed(kafka, code, err, topic->name);
	}
	if (metadata)
		rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(handle);
	return ok;
}

bool kafka_topic_marks(struct source_kafka *kafka,
		       const struct kafka_topic *topic, int32_t partition,
		       int64_t *low, int64_t *high, struct error *err)
{
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
		kafka->rk, topic->name, partition, low, high, ASK_MS);

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return true;
	if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
	    code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "partition %d of topic %s does not exist",
				 (int)partition, topic->name);
	return !kafka_access_denied(kafka->settings, code, topic->name, err) &&
	       kafka_failed(kafka, code, err, topic->name);
}

bool kafka_topic_ends(struct source_kafka *kafka, struct error *err)
{
	for (size_t i = 0; i < kafka->topic_count; i++) {
		struct kafka_topic *topic = &kafka->topic[i];
		int64_t low;

		if (!kafka_topic_look(kafka, topic, &topic->end_count, err))
			return false;
		topic->end = mem_zalloc(topic->end_count + 1, sizeof(int64_t));
		for (size_t p = 0; p < topic->end_count; p++) {
			if (!kafka_topic_marks(kafka, topic, (int32_t)p, &low,
					       &topic->end[p], err))
				return false;
			if (topic->end[p] == low)
				topic->end[p] = 0; /* nothing to wait for */
		}
	}
	return true;
}

/* The first offset at or after a time; the end if there is none. */
static bool find_time(struct source_kafka *kafka,
		      const struct kafka_topic *topic, int32_t partition,
		      int64_t *offset, struct error *err)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t code;

	rd_kafka_topic_partition_list_add(list, topic->name, partition)
		->offset = kafka->start.value;
	code = rd_kafka_offsets_for_times(kafka->rk, list, ASK_MS);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = list->elems[0].err;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[0].offset >= 0)
		*offset = list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       kafka_failed(kafka, code, err, topic->name);
}

bool kafka_topic_start(struct source_kafka *kafka,
		       const struct kafka_topic *topic, int32_t partition,
		       int64_t *offset, struct error *err)
{
	const struct kafka_start *start = &kafka->start;
	int64_t low;
	int64_t high;

	if (!kafka_topic_marks(kafka, topic, partition, &low, &high, err))
		return false;
	switch (start->kind) {
	case START_BEGINNING:
		*offset = low;
		return true;
	case START_END:
		*offset = high;
		return true;
	case START_TAIL:
		*offset = high - start->value > low ? high - start->value : low;
		return true;
	case START_TIME:
		*offset = high;
		return find_time(kafka, topic, partition, offset, err);
	case START_OFFSET:
		break;
	}
	*offset = start->value;
	if (*offset >= low && *offset <= high)
		return true;
	return error_set(err, ERROR_FATAL, STATUS_SOURCE,
			 "-o %lld: partition %d of %s holds offsets %lld to "
			 "%lld",
			 (long long)start->value, (int)partition, topic->name,
			 (long long)low, (long long)high);
}

/* --- parts ---------------------------------------------------------------- */

struct kafka_part *kafka_part_find(struct source_kafka *kafka, const char *name,
				   int32_t partition)
{
	struct kafka_topic *topic = kafka->topic;

	if (kafka->topic_count > 1)
		while (strcmp(topic->name, name) != 0)
			if (++topic == kafka->topic + kafka->topic_count)
				return NULL;
	if (partition < 0 || (size_t)partition >= topic->index_count ||
	    topic->index[partition] == 0)
		return NULL;
	return &kafka->part[topic->index[partition] - 1];
}

static void add_part(struct source_kafka *kafka, struct kafka_topic *topic,
		     int32_t partition)
{
	struct positions *positions = kafka->base.positions;
	size_t count = topic->index_count;
	size_t wanted = (size_t)partition + 1;

	if (wanted > count) {
		topic->index = mem_realloc(topic->index, wanted * sizeof(int));
		memset(topic->index + count, 0, (wanted - count) * sizeof(int));
		topic->index_count = wanted;
	}
	MEM_GROW(kafka->part, positions->count, kafka->part_capacity);
	kafka->part[positions->count] = (struct kafka_part){
		.topic = topic,
		.partition = partition,
		.acknowledged = -1,
	};
	topic->index[partition] =
		positions_add(positions, topic->source, partition) + 1;
}

struct kafka_part *kafka_part_get(struct source_kafka *kafka, const char *name,
				  int32_t partition)
{
	struct kafka_part *part = kafka_part_find(kafka, name, partition);

	if (part)
		return part;
	for (size_t i = 0; i < kafka->topic_count; i++)
		if (!strcmp(kafka->topic[i].name, name))
			add_part(kafka, &kafka->topic[i], partition);
	return kafka_part_find(kafka, name, partition);
}
