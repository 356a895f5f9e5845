/* With nothing in flight: partitions are given up, claimed, and begun where
 * PostgreSQL says. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "ingest/kafka_claim.h"
#include "ingest/kafka_parts.h"

enum { DELETION_MS = 1000 };

/* --- one partition -------------------------------------------------------- */

/* Stores where a partition begins that has no position: -o when the whole topic
 * is new to us, for all its partitions at once; offset 0 for one that the topic
 * has got since, so that what was deleted from it meanwhile is a gap. */
static bool begin_partition(struct source_kafka *kafka, struct pg *pg,
			    const struct kafka_part *part, struct error *err)
{
	struct kafka_topic *topic = part->topic;
	const char *group = kafka->settings->group;
	int64_t *offset = NULL;
	size_t count;
	bool begun;
	bool ok;

	if (!kafka_claim_begun(pg, topic->source, &begun, err))
		return false;
	if (begun)
		return kafka_claim_create(pg, topic->source, group,
					  part->partition, &(int64_t){0}, 1,
					  err);
	if (!kafka_topic_look(kafka, topic, &count, err))
		return false;
	offset = mem_zalloc(count + 1, sizeof *offset);
	ok = true;
	for (size_t i = 0; ok && i < count; i++)
		ok = kafka_topic_start(kafka, topic, (int32_t)i, &offset[i],
				       err);
	ok = ok && kafka_claim_create(pg, topic->source, group, 0, offset,
				      count, err);
	free(offset);
	return ok;
}

#ifdef MILLRACE_MUTANTS
/* Goes on where Kafka's own offsets are, as most consumers do. */
static bool follow_kafka(struct source_kafka *kafka, struct pg *pg,
			 const struct kafka_part *part,
			 struct position *position, struct error *err)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(1);
	int64_t low = 0;
	int64_t high;
	bool ok;

	rd_kafka_topic_partition_list_add(list, part->topic->name,
					  part->partition);
	ok = rd_kafka_committed(kafka->rk, list, 5000) ==
		     RD_KAFKA_RESP_ERR_NO_ERROR &&
	     kafka_topic_marks(kafka, part->topic, part->partition, &low, &high,
			       err);
	position->next_offset =
		list->elems[0].offset >= 0 ? list->elems[0].offset : low;
	rd_kafka_topic_partition_list_destroy(list);
	return ok && pg_runf(pg, 5000, err,
			     "update millrace.position set next_offset = %lld, "
			     "anchor_offset = null where epoch = %lld and "
			     "part = %d and source like '%%/%s'",
			     (long long)position->next_offset,
			     (long long)position->epoch, position->part,
			     part->topic->name);
}
#endif

static bool claim(struct source_kafka *kafka, struct pg *pg, int index,
		  struct error *err)
{
	struct positions *positions = kafka->base.positions;
	struct kafka_part *part = &kafka->part[index];
	const char *group = kafka->settings->group;
	struct kafka_claim found;

	if (!kafka_claim_take(pg, positions, index, group, &found, err))
		return false;
	if (!found.known) {
		if (!begin_partition(kafka, pg, part, err) ||
		    !kafka_claim_take(pg, positions, index, group, &found, err))
			return false;
		if (!found.known)
			return error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
					 "the position of %s was deleted",
					 part->topic->source);
	}
#ifdef MILLRACE_MUTANTS
	if (mutant("positions-from-kafka")) {
		if (!follow_kafka(kafka, pg, part, &positions->item[index],
				  err))
			return false;
		found.anchored = false;
	}
#endif
	part->anchored = found.anchored;
	part->anchor = found.anchor;
	return true;
}

/* Records before `low` are gone and were never loaded. */
static bool meet_gap(struct source_kafka *kafka, struct pg *pg, int index,
		     int64_t low, struct error *err)
{
	const struct kafka_part *part = &kafka->part[index];
	struct positions *positions = kafka->base.positions;
	long long from = positions->item[index].next_offset;

	if (kafka->settings->on_gap == ON_GAP_HALT)
		return error_set(
			err, ERROR_FATAL, STATUS_FENCED,
			"offsets %lld to %lld of partition %d of topic %s were "
			"deleted before they could be loaded; --on-gap record "
			"puts that on record and goes on",
			from, (long long)low - 1, (int)part->partition,
			part->topic->name);
	if (!kafka_claim_skip(pg, positions, index, low,
			      "deleted from the topic before it was loaded",
			      err))
		return false;
	log_line(LOG_WARNING,
		 "offsets %lld to %lld of partition %d of topic %s are gone; "
		 "millrace.gap has them",
		 from, (long long)low - 1, (int)part->partition,
		 part->topic->name);
	kafka->part[index].anchored = false;
	return true;
}

/* Claims the partition and finds the offset to read from. */
static bool place(struct source_kafka *kafka, struct pg *pg, int index,
		  int64_t *from, struct error *err)
{
	struct kafka_part *part = &kafka->part[index];
	const struct position *position = &kafka->base.positions->item[index];
	int64_t low;
	int64_t high;

	if (!claim(kafka, pg, index, err) ||
	    !kafka_topic_marks(kafka, part->topic, part->partition, &low, &high,
			       err))
		return false;
	if (position->next_offset < low &&
	    !meet_gap(kafka, pg, index, low, err))
		return false;
	if (position->next_offset > high)
		return error_set(
			err, ERROR_FATAL, STATUS_FENCED,
			"partition %d of topic %s ends at offset %lld, but "
			"records up to %lld were loaded: it was deleted and "
			"created again, or truncated; to load it from its "
			"beginning, delete its rows from millrace.position "
			"(source %s)",
			(int)part->partition, part->topic->name,
			(long long)high, (long long)position->next_offset,
			part->topic->source);
	part->offset = position->next_offset;
	part->verify = part->anchored && part->anchor.offset >= low;
	*from = part->verify ? part->anchor.offset : part->offset;
	return true;
}

/* A group without a topic is assigned nothing of it, and would wait for ever.
 * Looks twice: brokers that start know everything only after a while. */
static bool check_topics(struct source_kafka *kafka, struct error *err)
{
	for (size_t i = 0; i < kafka->topic_count; i++) {
		struct kafka_topic *topic = &kafka->topic[i];
		size_t count;

		if (kafka_topic_look(kafka, topic, &count, err))
			continue;
		if (err->kind == ERROR_TRANSIENT)
			return false;
		clock_sleep_ms(DELETION_MS);
		if (!kafka_topic_look(kafka, topic, &count, err))
			return false;
		*err = ERROR_INIT;
	}
	return true;
}

/* --- the assignment ------------------------------------------------------- */

static bool assign(struct source_kafka *kafka, struct pg *pg, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = kafka->list;
	rd_kafka_resp_err_t code;

	kafka_disown(kafka);
	if (!check_topics(kafka, err))
		return false;
	rd_kafka_topic_partition_list_sort(list, NULL, NULL);
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_topic_partition_t *item = &list->elems[i];
		struct kafka_part *part =
			kafka_part_get(kafka, item->topic, item->partition);

		if (!part)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "the group assigned %s, which no -t "
					 "names; every member must name the "
					 "same topics",
					 item->topic);
		if (!place(kafka, pg, (int)(part - kafka->part), &item->offset,
			   err))
			return false;
	}
	code = rd_kafka_assign(kafka->rk, list);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_failed(kafka, code, err, "cannot assign");
	kafka_watch_set(kafka->watch, kafka->rk, list);
	for (int i = 0; i < list->cnt; i++) {
		struct kafka_part *part = kafka_part_find(
			kafka, list->elems[i].topic, list->elems[i].partition);

		part->owned = true;
		part->watched = i;
		kafka_reached(kafka, part, part->offset);
	}
	log_line(LOG_INFO, "%d partitions are ours", list->cnt);
	kafka->joined = true;
	return true;
}

/* An offset was not there: what we own is assigned anew, from where PostgreSQL
 * and the brokers say now. */
static bool look(struct source_kafka *kafka, struct pg *pg, struct error *err)
{
	if (kafka->base.lost) /* a deletion takes a moment to be complete */
		clock_sleep_ms(DELETION_MS);
	if (!kafka->list) {
		size_t count = kafka->base.positions->count;

		kafka->list = rd_kafka_topic_partition_list_new((int)count + 1);
		for (size_t i = 0; i < count; i++)
			if (kafka->part[i].owned)
				rd_kafka_topic_partition_list_add(
					kafka->list, kafka->part[i].topic->name,
					kafka->part[i].partition);
	}
	return assign(kafka, pg, err);
}

/* --- the end -------------------------------------------------------------- */

/* Whether the whole group is done.  What is ours and in the database behind
 * what we have read was lost there: it is read again. */
static bool finish(struct source_kafka *kafka, struct pg *pg, bool *back,
		   struct error *err)
{
	struct positions *positions = kafka->base.positions;
	bool named = kafka->settings->partition.count > 0;
	bool all = true;

	for (size_t i = 0; i < positions->count; i++) {
		if (!kafka->part[i].owned)
			continue;
		if (!position_read(pg, positions, (int)i, err))
			return false;
		if (!positions->item[i].mine ||
		    positions->item[i].next_offset != kafka->part[i].offset)
			*back = true;
	}
	for (size_t i = 0; !named && all && i < kafka->topic_count; i++) {
		const struct kafka_topic *topic = &kafka->topic[i];
		size_t reached;

		if (!kafka_claim_reached(pg, topic->source, topic->end,
					 topic->end_count, &reached, err))
			return false;
		all = reached == topic->end_count;
	}
	kafka->ended = all && !*back;
	return true;
}

bool kafka_settle(struct source *source, struct pg *pg, struct error *err)
{
	struct source_kafka *kafka = (struct source_kafka *)source;
	bool back = false;
	bool ok = true;

	switch (kafka->pending) {
	case KAFKA_NOTHING:
		return true;
	case KAFKA_ASSIGN:
		ok = assign(kafka, pg, err);
		break;
	case KAFKA_REVOKE:
		kafka_tell(kafka);
		kafka_disown(kafka);
		kafka_watch_set(kafka->watch, kafka->rk, NULL);
		rd_kafka_assign(kafka->rk, NULL);
		break;
	case KAFKA_LOOK:
		ok = look(kafka, pg, err);
		break;
	case KAFKA_FINISH:
		ok = finish(kafka, pg, &back, err);
		break;
	case KAFKA_REJOIN:
		back = true;
		break;
	}
	if (!ok)
		return false;
	if (kafka->list)
		rd_kafka_topic_partition_list_destroy(kafka->list);
	kafka->list = NULL;
	kafka->pending = KAFKA_NOTHING;
	source->lost = false;
	return !back || source->class->rejoin(source, err);
}
