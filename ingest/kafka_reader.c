#include "ingest/kafka_reader.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "ingest/kafka_access.h"

enum { ASK_MS = 10000, STEP_MS = 100, GROUP_MS = 500, ANSWER_MS = 60000 };

struct kafka_reader {
	rd_kafka_t *rk;
	struct kafka_trouble trouble;
	char *cluster;
};

static void on_log(const rd_kafka_t *rk, int level, const char *facility,
		   const char *text)
{
	(void)rk;
	(void)level;
	(void)facility;
	log_line(LOG_DEBUG, "librdkafka: %s", text);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct kafka_reader *reader = opaque;

	(void)rk;
	kafka_trouble_note(&reader->trouble, code, reason);
}

bool kafka_reader_open(struct kafka_reader **out,
		       const struct kafka_settings *settings,
		       int64_t connect_ms, struct error *err)
{
	struct kafka_reader *reader = mem_zalloc(1, sizeof *reader);
	rd_kafka_conf_t *conf;

	kafka_trouble_init(&reader->trouble);
	if (!kafka_conf_build(&conf, settings, err))
		goto fail;
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_opaque(conf, reader);
	reader->rk = kafka_access_open(conf, err);
	if (reader->rk &&
	    kafka_access_reach(reader->rk, &reader->trouble, settings,
			       connect_ms, &reader->cluster, err)) {
		*out = reader;
		return true;
	}
fail:
	kafka_reader_close(reader);
	return false;
}

void kafka_reader_close(struct kafka_reader *reader)
{
	if (!reader)
		return;
	if (reader->cluster)
		rd_kafka_mem_free(reader->rk, reader->cluster);
	if (reader->rk)
		rd_kafka_destroy(reader->rk);
	kafka_trouble_release(&reader->trouble);
	free(reader);
}

/* --- one record ----------------------------------------------------------- */

/* Splits TOPIC:PARTITION:OFFSET from the end: topics have no colon, people
 * mistype. */
static bool read_place(const char *place, char **topic, int32_t *partition,
		       int64_t *offset, struct error *err)
{
	const char *last = strrchr(place, ':');
	const char *middle =
		last ? memrchr(place, ':', (size_t)(last - place)) : NULL;
	char *end_of_partition;
	char *end_of_offset;
	long number;

	if (middle && middle != place) {
		number = strtol(middle + 1, &end_of_partition, 10);
		*offset = strtoll(last + 1, &end_of_offset, 10);
		if (end_of_partition == last && last > middle + 1 &&
		    end_of_offset > last + 1 && !*end_of_offset &&
		    number >= 0 && number <= INT32_MAX && *offset >= 0) {
			*partition = (int32_t)number;
			*topic = mem_strndup(place, (size_t)(middle - place));
			return true;
		}
	}
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "explain -b takes the place of a record as -o "
			 "TOPIC:PARTITION:OFFSET, not %s",
			 place);
}

/* Waits for what comes first at or after the offset. */
static bool wait_for(struct kafka_reader *reader, const char *place,
		     int64_t offset, rd_kafka_message_t **out,
		     struct error *err)
{
	int64_t deadline = clock_ms() + ASK_MS;

	while (clock_ms() < deadline) {
		rd_kafka_message_t *message =
			rd_kafka_consumer_poll(reader->rk, STEP_MS);
		rd_kafka_resp_err_t code;
		int64_t found;

		if (!message)
			continue;
		code = message->err;
		found = message->offset;
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR && found == offset) {
			*out = message;
			return true;
		}
		rd_kafka_message_destroy(message);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "there is no record at %s; the next "
					 "is at offset %lld",
					 place, (long long)found);
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "there is no record at %s: %s", place,
				 rd_kafka_err2str(code));
	}
	return error_set(err, ERROR_FATAL, STATUS_SOURCE,
			 "no broker gave the record at %s", place);
}

bool kafka_reader_fetch(struct kafka_reader *reader, const char *place,
			rd_kafka_message_t **out, struct error *err)
{
	rd_kafka_topic_partition_list_t *list;
	int32_t partition = 0;
	int64_t offset = 0;
	char *topic = NULL;
	bool ok;

	if (!read_place(place, &topic, &partition, &offset, err))
		return false;
	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset =
		offset;
	rd_kafka_assign(reader->rk, list);
	ok = wait_for(reader, place, offset, out, err);
	rd_kafka_assign(reader->rk, NULL);
	rd_kafka_topic_partition_list_destroy(list);
	free(topic);
	return ok;
}

/* --- topics and rights -----------------------------------------------------
 */

/* Whether a record may be fetched: describing a topic is a lesser right. */
static rd_kafka_resp_err_t try_fetch(struct kafka_reader *reader,
				     const char *name, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(1);
	rd_kafka_message_t *message;
	rd_kafka_resp_err_t code;

	rd_kafka_topic_partition_list_add(list, name, 0)->offset = offset;
	rd_kafka_assign(reader->rk, list);
	message = rd_kafka_consumer_poll(reader->rk, ASK_MS);
	code = message ? message->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
	if (message)
		rd_kafka_message_destroy(message);
	rd_kafka_assign(reader->rk, NULL);
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR__PARTITION_EOF
		       ? RD_KAFKA_RESP_ERR_NO_ERROR
		       : code;
}

/* Whether the topic is there and may be read. */
static rd_kafka_resp_err_t look_at(struct kafka_reader *reader,
				   const char *name)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(reader->rk, name, NULL);
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t code =
		rd_kafka_metadata(reader->rk, 0, topic, &metadata, ASK_MS);
	int64_t low;
	int64_t high;

	if (metadata) {
		code = metadata->topics[0].err;
		rd_kafka_metadata_destroy(metadata);
	}
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = rd_kafka_query_watermark_offsets(reader->rk, name, 0,
							&low, &high, ASK_MS);
	rd_kafka_topic_destroy(topic);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR
		       ? try_fetch(reader, name, high)
		       : code;
}

/* Whether offsets may be committed for the group, which needs the right that
 * joining it needs; asked for a partition that no topic has, so that nothing is
 * stored. */
static rd_kafka_resp_err_t try_commit(struct kafka_reader *reader,
				      const char *topic)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(1);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(reader->rk);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
	rd_kafka_event_t *answer;

	rd_kafka_topic_partition_list_add(list, topic, INT32_MAX)->offset = 0;
	rd_kafka_commit_queue(reader->rk, list, queue, NULL, NULL);
	answer = rd_kafka_queue_poll(queue, ASK_MS);
	if (answer)
		code = rd_kafka_event_error(answer);
	rd_kafka_event_destroy(answer);
	rd_kafka_queue_destroy(queue);
	rd_kafka_topic_partition_list_destroy(list);
	/* the group is asked first */
	return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
			       code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
		       ? RD_KAFKA_RESP_ERR_NO_ERROR
		       : code;
}

/* Whether the group may be used: its offsets can be asked for, and written.
 * Who may not even know of it is told so aside, while the question waits. */
static rd_kafka_resp_err_t look_at_group(struct kafka_reader *reader,
					 const char *topic)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(1);
	int64_t deadline = clock_ms() + ASK_MS;
	rd_kafka_resp_err_t code;

	rd_kafka_topic_partition_list_add(list, topic, 0);
	do {
		rd_kafka_message_t *aside;

		code = rd_kafka_committed(reader->rk, list, GROUP_MS);
		if (code != RD_KAFKA_RESP_ERR__TIMED_OUT)
			break;
		aside = rd_kafka_consumer_poll(reader->rk, 0);
		if (aside && aside->err)
			code = aside->err;
		if (aside)
			rd_kafka_message_destroy(aside);
	} while (code != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED &&
		 clock_ms() < deadline);
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? try_commit(reader, topic)
						  : code;
}

static void tell(FILE *out, const struct kafka_settings *settings,
		 const char *what, const char *name, rd_kafka_resp_err_t code,
		 size_t *faults)
{
	bool ok = code == RD_KAFKA_RESP_ERR_NO_ERROR;
	struct error denied = ERROR_INIT;

	fprintf(out, "%s %s %s can be read%s%s\n", ok ? "ok   " : "FAULT", what,
		name, ok ? "" : ": ", ok ? "" : rd_kafka_err2str(code));
	if (kafka_access_denied(settings, code, name, &denied))
		fprintf(out, "      %s\n", denied.text);
	*faults += !ok;
}

void kafka_reader_check(struct kafka_reader *reader,
			const struct kafka_settings *settings, FILE *out,
			size_t *faults)
{
	fprintf(out,
		"ok    librdkafka %s, with what is safe in every version: "
		"range "
		"assignor, no pausing, anchor records\n",
		rd_kafka_version_str());
	for (size_t i = 0; i < settings->topic.count; i++) {
		const char *name = settings->topic.item[i];

		tell(out, settings, "topic", name, look_at(reader, name),
		     faults);
		if (i == 0)
			tell(out, settings, "group", settings->group,
			     look_at_group(reader, name), faults);
	}
}

/* --- positions against marks ---------------------------------------------- */

static void compare(struct kafka_reader *reader, const char *topic, int part,
		    long long position, FILE *out, size_t *faults)
{
	int64_t low;
	int64_t high;
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
		reader->rk, topic, part, &low, &high, ASK_MS);

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
		fprintf(out, "  %s part %d: position %lld, but: %s\n", topic,
			part, position, rd_kafka_err2str(code));
		++*faults;
		return;
	}
	fprintf(out,
		"  %s part %d: position=%lld low=%lld high=%lld lag=%lld "
		"headroom=%lld\n",
		topic, part, position, (long long)low, (long long)high,
		(long long)high - position, position - (long long)low);
	if (position < low) {
		fprintf(out,
			"    offsets %lld to %lld were deleted before they "
			"were loaded\n",
			position, (long long)low - 1);
		++*faults;
	} else if (position > high) {
		fprintf(out, "    the topic was truncated, or deleted and "
			     "created again\n");
		++*faults;
	}
}

bool kafka_reader_verify(struct kafka_reader *reader, struct pg *pg, FILE *out,
			 size_t *faults, struct error *err)
{
	struct buf prefix = BUF_INIT;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&prefix, "kafka:%s/", reader->cluster);
	buf_add_text(&sql, "select substr(source, length(");
	pg_literal(pg, &sql, buf_text(&prefix));
	buf_add_text(&sql, ") + 1), part, next_offset from millrace.position "
			   "where starts_with(source, ");
	pg_literal(pg, &sql, buf_text(&prefix));
	buf_add_text(&sql, ") order by source, part");
	ok = pg_fetch(pg, ANSWER_MS, err, &res, NULL, buf_text(&sql));
	if (ok) {
		fprintf(out,
			"positions lie within the topics of cluster %s: "
			"%d partitions\n",
			reader->cluster, PQntuples(res));
		for (int i = 0; i < PQntuples(res); i++)
			compare(reader, PQgetvalue(res, i, 0),
				(int)pg_number(res, i, 1), pg_number(res, i, 2),
				out, faults);
	}
	PQclear(res);
	buf_release(&sql);
	buf_release(&prefix);
	return ok;
}
