/*
 * kafka-admin: the few things the tests ask of a broker that kcat cannot do
 *
 *   kafka-admin BROKERS create TOPIC PARTITIONS [NAME=VALUE...]
 *   kafka-admin BROKERS delete TOPIC
 *   kafka-admin BROKERS grow TOPIC PARTITIONS
 *   kafka-admin BROKERS trim TOPIC PARTITION OFFSET      deletes what is before
 *   kafka-admin BROKERS marks TOPIC                      partition low high
 *   kafka-admin BROKERS allow topic|group NAME USER Read|Describe
 *   kafka-admin BROKERS produce TOPIC [NAME=VALUE...]    stdin, a line each:
 *       PARTITION KEY VALUE, separated by tabs; waits for all acknowledgements
 *       and prints PARTITION OFFSET for each, in order.  With transactional.id
 *       it is one transaction; abort=1 aborts it.
 *
 * What it has done is so for whoever asks the broker next.
 */
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 20000, STEP_MS = 20, PARTITIONS_MAX = 64 };

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "kafka-admin: %s: %s\n", what, why);
	exit(1);
}

static void check(rd_kafka_resp_err_t code, const char *what)
{
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		fail(what, rd_kafka_err2str(code));
}

static void check_error(rd_kafka_error_t *error, const char *what)
{
	if (error)
		fail(what, rd_kafka_error_string(error));
}

static long long number(const char *text)
{
	char *end;
	long long value = strtoll(text, &end, 10);

	if (end == text || *end)
		fail(text, "a number is expected");
	return value;
}

/* Splits NAME=VALUE in place and returns VALUE. */
static char *split(char *option)
{
	char *equals = strchr(option, '=');

	if (!equals)
		fail(option, "NAME=VALUE is expected");
	*equals = '\0';
	return equals + 1;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[512];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) !=
	    RD_KAFKA_CONF_OK)
		fail(name, why);
}

static rd_kafka_t *connect_to(const char *brokers, rd_kafka_conf_t *conf)
{
	char why[512];
	rd_kafka_t *rk;

	set(conf, "bootstrap.servers", brokers);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (!rk)
		fail("connecting", why);
	return rk;
}

static void check_acl(const rd_kafka_error_t *error, const char *what)
{
	if (error)
		fail(what, rd_kafka_error_string(error));
}

/* Waits for the answer to an admin request and fails with its topic's error. */
static void finish(rd_kafka_queue_t *queue, const char *what)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
	const rd_kafka_topic_result_t **topics = NULL;
	size_t count = 0;

	if (!event)
		fail(what, "no answer");
	check(rd_kafka_event_error(event), what);
	if (rd_kafka_event_CreateTopics_result(event))
		topics = rd_kafka_CreateTopics_result_topics(
			rd_kafka_event_CreateTopics_result(event), &count);
	else if (rd_kafka_event_DeleteTopics_result(event))
		topics = rd_kafka_DeleteTopics_result_topics(
			rd_kafka_event_DeleteTopics_result(event), &count);
	else if (rd_kafka_event_CreatePartitions_result(event))
		topics = rd_kafka_CreatePartitions_result_topics(
			rd_kafka_event_CreatePartitions_result(event), &count);
	for (size_t i = 0; i < count; i++)
		check(rd_kafka_topic_result_error(topics[i]), what);
	if (rd_kafka_event_CreateAcls_result(event)) {
		const rd_kafka_acl_result_t **acls =
			rd_kafka_CreateAcls_result_acls(
				rd_kafka_event_CreateAcls_result(event),
				&count);

		for (size_t i = 0; i < count; i++)
			check_acl(rd_kafka_acl_result_error(acls[i]), what);
	}
	if (rd_kafka_event_DeleteRecords_result(event)) {
		const rd_kafka_topic_partition_list_t *list =
			rd_kafka_DeleteRecords_result_offsets(
				rd_kafka_event_DeleteRecords_result(event));

		for (int i = 0; i < list->cnt; i++)
			check(list->elems[i].err, what);
	}
	rd_kafka_event_destroy(event);
}

static int led_partitions(const struct rd_kafka_metadata_topic *topic)
{
	int count = 0;

	for (int i = 0; !topic->err && i < topic->partition_cnt; i++)
		count += topic->partitions[i].leader >= 0;
	return count;
}

static bool is_led(const struct rd_kafka_metadata_topic *topic, int partitions)
{
	return led_partitions(topic) >= partitions;
}

static bool is_gone(const struct rd_kafka_metadata_topic *topic, int partitions)
{
	(void)partitions;
	return topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

static void pause_until(int *waited_ms, const char *name, const char *what)
{
	if (*waited_ms > TIMEOUT_MS)
		fail(name, what);
	usleep(STEP_MS * 1000);
	*waited_ms += STEP_MS;
}

/* The controller answers before the broker knows what it has decided. */
static void wait_for_topic(rd_kafka_t *rk, const char *name,
			   bool (*is_so)(const struct rd_kafka_metadata_topic *,
					 int),
			   int partitions, const char *otherwise)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	const struct rd_kafka_metadata *meta;
	int waited_ms = 0;
	bool so;

	for (;;) {
		check(rd_kafka_metadata(rk, 0, topic, &meta, TIMEOUT_MS), name);
		so = is_so(&meta->topics[0], partitions);
		rd_kafka_metadata_destroy(meta);
		if (so)
			break;
		pause_until(&waited_ms, name, otherwise);
	}
	rd_kafka_topic_destroy(topic);
}

static void wait_for_leaders(rd_kafka_t *rk, const char *name, int partitions)
{
	wait_for_topic(rk, name, is_led, partitions,
		       "not every partition has got a leader");
}

static void create(rd_kafka_t *rk, rd_kafka_queue_t *queue, int count,
		   char **word)
{
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
		word[0], (int)number(word[1]), 1, NULL, 0);

	for (int i = 2; i < count; i++) {
		const char *value = split(word[i]);

		check(rd_kafka_NewTopic_set_config(topic, word[i], value),
		      word[i]);
	}
	rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
	finish(queue, "create");
	wait_for_leaders(rk, word[0], (int)number(word[1]));
	rd_kafka_NewTopic_destroy(topic);
}

static void delete (rd_kafka_t *rk, rd_kafka_queue_t *queue, char **word)
{
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(word[0]);

	rd_kafka_DeleteTopics(rk, &topic, 1, NULL, queue);
	finish(queue, "delete");
	wait_for_topic(rk, word[0], is_gone, 0, "it is still there");
	rd_kafka_DeleteTopic_destroy(topic);
}

static void grow(rd_kafka_t *rk, rd_kafka_queue_t *queue, char **word)
{
	char why[512];
	rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new(
		word[0], (size_t)number(word[1]), why, sizeof why);

	if (!more)
		fail("grow", why);
	rd_kafka_CreatePartitions(rk, &more, 1, NULL, queue);
	finish(queue, "grow");
	wait_for_leaders(rk, word[0], (int)number(word[1]));
	rd_kafka_NewPartitions_destroy(more);
}

static void trim(rd_kafka_t *rk, rd_kafka_queue_t *queue, char **word)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(1);
	rd_kafka_DeleteRecords_t *records;

	rd_kafka_topic_partition_list_add(list, word[0], (int)number(word[1]))
		->offset = number(word[2]);
	records = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(rk, &records, 1, NULL, queue);
	finish(queue, "trim");
	rd_kafka_DeleteRecords_destroy(records);
	rd_kafka_topic_partition_list_destroy(list);
}

static size_t count_acls(rd_kafka_t *rk, rd_kafka_queue_t *queue,
			 rd_kafka_AclBindingFilter_t *filter)
{
	rd_kafka_event_t *event;
	size_t count = 0;

	rd_kafka_DescribeAcls(rk, filter, NULL, queue);
	event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
	if (!event)
		fail("allow", "no answer");
	check(rd_kafka_event_error(event), "allow");
	rd_kafka_DescribeAcls_result_acls(
		rd_kafka_event_DescribeAcls_result(event), &count);
	rd_kafka_event_destroy(event);
	return count;
}

static void allow(rd_kafka_t *rk, rd_kafka_queue_t *queue, char **word)
{
	rd_kafka_ResourceType_t type = strcmp(word[0], "topic") != 0
					       ? RD_KAFKA_RESOURCE_GROUP
					       : RD_KAFKA_RESOURCE_TOPIC;
	rd_kafka_AclOperation_t operation =
		strcmp(word[3], "Read") != 0 ? RD_KAFKA_ACL_OPERATION_DESCRIBE
					     : RD_KAFKA_ACL_OPERATION_READ;
	char principal[256];
	char why[512];
	rd_kafka_AclBindingFilter_t *filter;
	rd_kafka_AclBinding_t *acl;
	int waited_ms = 0;

	snprintf(principal, sizeof principal, "User:%s", word[2]);
	acl = rd_kafka_AclBinding_new(
		type, word[1], RD_KAFKA_RESOURCE_PATTERN_LITERAL, principal,
		"*", operation, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why,
		sizeof why);
	filter = rd_kafka_AclBindingFilter_new(
		type, word[1], RD_KAFKA_RESOURCE_PATTERN_LITERAL, principal,
		"*", operation, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why,
		sizeof why);
	if (!acl || !filter)
		fail("allow", why);
	rd_kafka_CreateAcls(rk, &acl, 1, NULL, queue);
	finish(queue, "allow");
	while (count_acls(rk, queue, filter) == 0)
		pause_until(&waited_ms, word[1], "the right is not there");
	rd_kafka_AclBinding_destroy(filter);
	rd_kafka_AclBinding_destroy(acl);
}

static void marks(rd_kafka_t *rk, const char *name)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	const struct rd_kafka_metadata *meta;

	check(rd_kafka_metadata(rk, 0, topic, &meta, TIMEOUT_MS), name);
	check(meta->topics[0].err, name);
	for (int i = 0; i < meta->topics[0].partition_cnt; i++) {
		int64_t low = 0;
		int64_t high = 0;

		check(rd_kafka_query_watermark_offsets(rk, name, i, &low, &high,
						       TIMEOUT_MS),
		      name);
		printf("%d %lld %lld\n", i, (long long)low, (long long)high);
	}
	rd_kafka_metadata_destroy(meta);
	rd_kafka_topic_destroy(topic);
}

/* --- producing ------------------------------------------------------------ */

/* Where a transaction's records end, by partition. */
struct ends {
	int64_t offset[PARTITIONS_MAX];
};

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message,
		      void *opaque)
{
	struct ends *ends = opaque;

	(void)rk;
	check(message->err, "produce");
	if (message->partition < PARTITIONS_MAX)
		ends->offset[message->partition] = message->offset + 1;
	printf("%d %lld\n", message->partition, (long long)message->offset);
}

static void produce_line(rd_kafka_t *rk, const char *topic, char *line)
{
	char *key = strchr(line, '\t');
	char *value = key ? strchr(key + 1, '\t') : NULL;

	if (!value)
		fail(line, "PARTITION, KEY and VALUE are expected");
	*key++ = '\0';
	*value++ = '\0';
	for (;;) {
		rd_kafka_resp_err_t code = rd_kafka_producev(
			rk, RD_KAFKA_V_TOPIC(topic),
			RD_KAFKA_V_PARTITION((int)number(line)),
			RD_KAFKA_V_KEY(key, strlen(key)),
			RD_KAFKA_V_VALUE(value, strlen(value)),
			RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_END);

		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			check(code, topic);
			break;
		}
		rd_kafka_poll(rk, 100);
	}
	rd_kafka_poll(rk, 0);
}

/* The coordinator answers before the partitions have its mark. */
static void wait_for_marks(rd_kafka_t *rk, const char *topic,
			   const struct ends *ends)
{
	int waited_ms = 0;

	for (int i = 0; i < PARTITIONS_MAX; i++) {
		int64_t low;
		int64_t high;

		while (ends->offset[i]) {
			check(rd_kafka_query_watermark_offsets(
				      rk, topic, i, &low, &high, TIMEOUT_MS),
			      topic);
			if (high > ends->offset[i])
				break;
			pause_until(&waited_ms, topic,
				    "the transaction does not end");
		}
	}
}

static void end_transaction(rd_kafka_t *rk, const char *topic, bool give_up,
			    const struct ends *ends)
{
	check_error(give_up ? rd_kafka_abort_transaction(rk, TIMEOUT_MS)
			    : rd_kafka_commit_transaction(rk, TIMEOUT_MS),
		    "ending the transaction");
	wait_for_marks(rk, topic, ends);
}

static void produce(const char *brokers, int count, char **word)
{
	struct ends ends = {{0}};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bool transaction = false;
	bool give_up = false;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	rd_kafka_t *rk;

	rd_kafka_conf_set_opaque(conf, &ends);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	set(conf, "enable.idempotence", "true");
	/* With more, librdkafka 2.0.2 loses the first batch, and reports it
	 * delivered, where a new topic has no leader yet and the second finds
	 * one. */
	set(conf, "max.in.flight", "1");
	set(conf, "linger.ms", "5");
	for (int i = 1; i < count; i++) {
		const char *value = split(word[i]);

		transaction =
			transaction || !strcmp(word[i], "transactional.id");
		if (!strcmp(word[i], "abort"))
			give_up = true;
		else
			set(conf, word[i], value);
	}
	rk = connect_to(brokers, conf);
	if (transaction) {
		check_error(rd_kafka_init_transactions(rk, TIMEOUT_MS), "init");
		check_error(rd_kafka_begin_transaction(rk), "begin");
	}
	while ((len = getline(&line, &capacity, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		produce_line(rk, word[0], line);
	}
	check(rd_kafka_flush(rk, TIMEOUT_MS), "flush");
	if (transaction)
		end_transaction(rk, word[0], give_up, &ends);
	free(line);
	rd_kafka_destroy(rk);
}

int main(int argc, char **argv)
{
	const char *command = argc > 3 ? argv[2] : "";
	char **word = argv + 3;
	int count = argc - 3;
	rd_kafka_queue_t *queue;
	rd_kafka_t *rk;

	if (!strcmp(command, "produce")) {
		produce(argv[1], count, word);
		return 0;
	}
	if (argc < 4)
		fail("usage", "BROKERS COMMAND TOPIC ...");
	rk = connect_to(argv[1], rd_kafka_conf_new());
	queue = rd_kafka_queue_new(rk);
	if (!strcmp(command, "create") && count >= 2)
		create(rk, queue, count, word);
	else if (!strcmp(command, "delete"))
		delete (rk, queue, word);
	else if (!strcmp(command, "grow") && count == 2)
		grow(rk, queue, word);
	else if (!strcmp(command, "trim") && count == 3)
		trim(rk, queue, word);
	else if (!strcmp(command, "allow") && count == 4)
		allow(rk, queue, word);
	else if (!strcmp(command, "marks"))
		marks(rk, word[0]);
	else
		fail(command, "unknown command, or too few words");
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
	return 0;
}
