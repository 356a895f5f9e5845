#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ingest/kafka_conf.h"
#include "ingest/kafka_message.h"

/* --- -o ------------------------------------------------------------------- */

static void assert_start(const char *text, int kind, int64_t value)
{
	struct error err = ERROR_INIT;
	struct kafka_start start;

	assert_true(kafka_start_parse(&start, text, &err));
	assert_int_equal(start.kind, kind);
	assert_int_equal(start.value, value);
}

static void a_start_is_a_word_an_offset_a_tail_or_a_time(void **state)
{
	(void)state;
	assert_start("beginning", START_BEGINNING, 0);
	assert_start("end", START_END, 0);
	assert_start("0", START_OFFSET, 0);
	assert_start("9223372036854775807", START_OFFSET, INT64_MAX);
	assert_start("-1000", START_TAIL, 1000);
	assert_start("s@1742131614000", START_TIME, 1742131614000);
}

static void anything_else_is_refused_with_what_is_taken(void **state)
{
	static const char *const bad[] = {
		"",     "stored", "5x", "s@",
		"s@-1", "s@1x",   "-",  "9223372036854775808",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error err = ERROR_INIT;
		struct kafka_start start;

		assert_false(kafka_start_parse(&start, bad[i], &err));
		assert_int_equal(err.status, STATUS_USAGE);
		assert_non_null(strstr(err.text, "-o takes beginning, end"));
	}
}

/* --- -X ------------------------------------------------------------------- */

/* The error of one -X; "" if it is taken. */
static struct error property(const char *text)
{
	const char *item[] = {text};
	const struct kafka_settings settings = {
		.brokers = "localhost:1",
		.group = "g",
		.property = {.item = item, .count = 1},
	};
	struct error err = ERROR_INIT;
	rd_kafka_conf_t *conf;

	if (kafka_conf_build(&conf, &settings, &err))
		rd_kafka_conf_destroy(conf);
	return err;
}

static void properties_pass_through(void **state)
{
	(void)state;
	assert_string_equal(property("fetch.min.bytes=10").text, "");
	assert_string_equal(property("sasl.username=a=b").text, "");
	assert_string_equal(property("isolation.level=read_committed").text,
			    "");
}

static void properties_that_void_the_promise_are_refused(void **state)
{
	static const char *const bad[] = {
		"enable.auto.commit=true",
		"enable.auto.offset.store=true",
		"auto.offset.reset=latest",
		"isolation.level=read_uncommitted",
		"group.id=x",
		"bootstrap.servers=x",
		"check.crcs=false",
		"enable.partition.eof=false",
		"allow.auto.create.topics=true",
		"partition.assignment.strategy=cooperative-sticky",
		"plugin.library.paths=x.so",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error err = property(bad[i]);

		assert_int_equal(err.status, STATUS_CONFIG);
		assert_non_null(strstr(err.text, "is refused: "));
	}
}

static void secrets_are_never_values_and_never_repeated(void **state)
{
	static const char *const bad[] = {
		"sasl.password=hunter2",
		"ssl.key.password=hunter2",
		"ssl.keystore.password=hunter2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error err = property(bad[i]);

		assert_int_equal(err.status, STATUS_CONFIG);
		assert_null(strstr(err.text, "hunter2"));
	}
}

static void a_property_has_a_name_and_a_value(void **state)
{
	(void)state;
	assert_non_null(strstr(property("noequals").text, "NAME=VALUE"));
	assert_non_null(strstr(property("=value").text, "NAME=VALUE"));
	assert_non_null(strstr(property("no.such=1").text, "no.such"));
}

/* --- headers -------------------------------------------------------------- */

static void headers_keep_their_order_and_what_is_not_text(void **state)
{
	static const unsigned char binary[] = {0xff, 0x00, 0x10, 0x41};
	rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
	struct buf out = BUF_INIT;

	(void)state;
	rd_kafka_header_add(headers, "a", -1, "1", 1);
	rd_kafka_header_add(headers, "a", -1, "q\"\\\n", 4);
	rd_kafka_header_add(headers, "n", -1, NULL, 0);
	rd_kafka_header_add(headers, "e", -1, "", 0);
	rd_kafka_header_add(headers, "b", -1, binary, sizeof binary);
	rd_kafka_header_add(headers, "z", -1, "a\0b", 3);
	kafka_message_headers(headers, &out);
	/* base64 by coreutils */
	assert_string_equal(buf_text(&out),
			    "[{\"key\":\"a\",\"value\":\"1\"},"
			    "{\"key\":\"a\",\"value\":\"q\\\"\\\\\\n\"},"
			    "{\"key\":\"n\",\"value\":null},"
			    "{\"key\":\"e\",\"value\":\"\"},"
			    "{\"key\":\"b\",\"base64\":\"/wAQQQ==\"},"
			    "{\"key\":\"z\",\"base64\":\"YQBi\"}]");
	buf_release(&out);
	rd_kafka_headers_destroy(headers);
}

/* --- anchors -------------------------------------------------------------- */

static void an_anchor_tells_records_apart(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} pair[] = {
		{NULL, NULL},  {NULL, ""},    {"", NULL},
		{"", ""},      {"a", "bc"},   {"ab", "c"},
		{NULL, "abc"}, {"abc", NULL}, {"abc", ""},
	};
	enum { COUNT = sizeof pair / sizeof *pair };
	struct anchor anchor[COUNT];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		char key[4] = "";
		char value[4] = "";
		rd_kafka_message_t message = {
			.err = RD_KAFKA_RESP_ERR__PARTITION_EOF, .offset = 5};

		if (pair[i].key) {
			memcpy(key, pair[i].key, strlen(pair[i].key) + 1);
			message.key = key;
			message.key_len = strlen(key);
		}
		if (pair[i].value) {
			memcpy(value, pair[i].value, strlen(pair[i].value) + 1);
			message.payload = value;
			message.len = strlen(value);
		}
		kafka_message_anchor(&message, &anchor[i]);
		assert_int_equal(anchor[i].offset, 5);
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(anchor[i].hash, anchor[j].hash,
						ANCHOR_BYTES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_is_a_word_an_offset_a_tail_or_a_time),
		cmocka_unit_test(anything_else_is_refused_with_what_is_taken),
		cmocka_unit_test(properties_pass_through),
		cmocka_unit_test(properties_that_void_the_promise_are_refused),
		cmocka_unit_test(secrets_are_never_values_and_never_repeated),
		cmocka_unit_test(a_property_has_a_name_and_a_value),
		cmocka_unit_test(headers_keep_their_order_and_what_is_not_text),
		cmocka_unit_test(an_anchor_tells_records_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
