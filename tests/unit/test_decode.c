#include "decode_fixture.h"

#include <jansson.h>

#define BLUESKY   "sql/bluesky/streams/bluesky_events.sql"
#define PAGEVIEWS "sql/pageviews/streams/pageviews.sql"

static void open_shipped(struct fixture *fixture)
{
	fixture_add_file(fixture, "bluesky_events", BLUESKY);
	fixture_add_file(fixture, "pageviews", PAGEVIEWS);
	fixture_open(fixture);
}

/* The words that a reason of each class must hold. */
static const struct {
	const char *class, *words, *or_words;
} classes[] = {
	{"empty", "the record is empty", NULL},
	{"not_object", "a stream takes objects", "begins with"},
	{"utf8", "invalid UTF-8 at byte", NULL},
	{"control", "control character", NULL},
	{"nul", "cannot store the NUL character", NULL},
	{"surrogate", "half of a surrogate pair", NULL},
	{"depth", "nested more than 200 deep", NULL},
	{"syntax", "but found `", "a malformed number at byte"},
	{"cut", "it was cut", NULL},
	{"unknown_stream", "unknown_stream: no stream takes this", NULL},
	{"column", ": ", NULL},
};

static void check_reject(const struct fixture *fixture, const char *class,
			 const char *column)
{
	const struct batch_reject *reject = &fixture->batch.reject[0];
	bool known = false;

	assert_int_equal(fixture->batch.reject_count, 1);
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		if (strcmp(class, classes[i].class) != 0)
			continue;
		known = true;
		if (!strstr(reject->reason, classes[i].words) &&
		    !(classes[i].or_words &&
		      strstr(reject->reason, classes[i].or_words)))
			fail_msg("%s: %s", class, reject->reason);
	}
	assert_true(known);
	assert_string_equal(reject->column_name ? reject->column_name : "-",
			    column);
}

static void check_text(const char *field, size_t len, const json_t *wanted)
{
	const char *head, *tail;

	if (json_is_string(wanted)) {
		assert_int_equal(len, json_string_length(wanted));
		assert_memory_equal(field, json_string_value(wanted), len);
		return;
	}
	/* [bytes, first characters, last characters] */
	head = json_string_value(json_array_get(wanted, 1));
	tail = json_string_value(json_array_get(wanted, 2));
	assert_int_equal(len, json_integer_value(json_array_get(wanted, 0)));
	assert_memory_equal(field, head, strlen(head));
	assert_memory_equal(field + len - strlen(tail), tail, strlen(tail));
}

static int64_t big_endian(const char *bytes, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | (unsigned char)bytes[i];
	return (int64_t)value;
}

/* One dimension from 1, elements of type text (25). */
static void check_array(const char *field, size_t len, const json_t *wanted)
{
	const char *at = field + 20, *end = field + len;

	assert_int_equal(big_endian(field + 8, 4), 25);
	if (json_array_size(wanted) == 0) {
		assert_int_equal(len, 12);
		return;
	}
	assert_int_equal(big_endian(field, 4), 1);
	assert_int_equal(big_endian(field + 12, 4), json_array_size(wanted));
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		const json_t *element = json_array_get(wanted, i);
		int64_t size = big_endian(at, 4);

		at += 4;
		if (json_is_null(element)) {
			assert_int_equal(size, UINT32_MAX);
			continue;
		}
		check_text(at, (size_t)size, element);
		at += size;
	}
	assert_ptr_equal(at, end);
}

static void check_row(const struct fixture *fixture, size_t stream_index,
		      const json_t *wanted)
{
	const struct stream *stream = fixture->stream[stream_index];

	assert_int_equal(json_array_size(wanted), stream->column_count);
	for (size_t i = 0; i < stream->column_count; i++) {
		const json_t *value = json_array_get(wanted, i);
		size_t len;
		const char *field =
			fixture_field(fixture, stream_index, i, &len);

		assert_int_equal(field == NULL, json_is_null(value));
		if (json_is_null(value))
			continue;
		if (json_is_integer(value)) {
			assert_int_equal(len, 8);
			assert_int_equal(big_endian(field, 8),
					 json_integer_value(value));
		} else if (stream->column[i].type == COLUMN_TEXT_ARRAY) {
			check_array(field, len, value);
		} else {
			check_text(field, len, value);
		}
	}
}

/* One line of nasty.ndjson against its row of nasty_expected.tsv. */
static void check_line(struct fixture *fixture, const struct record *record,
		       char *expected)
{
	const char *number = strsep(&expected, "\t");
	const char *name = strsep(&expected, "\t");
	const char *verdict = strsep(&expected, "\t");
	bool is_row = fixture_decode_record(fixture, record);
	json_t *wanted;

	assert_non_null(expected);
	expected[strcspn(expected, "\n")] = '\0';
	if (is_row != (strncmp(verdict, "reject", 6) != 0))
		fail_msg("line %s, %s: wanted %s, got %s", number, name,
			 verdict, fixture_reason(fixture));
	if (!is_row) {
		check_reject(fixture, verdict + 7, expected);
		return;
	}
	wanted = json_loads(expected, 0, NULL);
	assert_non_null(wanted);
	check_row(fixture, strcmp(verdict, "pageviews") == 0, wanted);
	json_decref(wanted);
}

static void every_nasty_line_becomes_what_the_oracle_says(void **state)
{
	FILE *lines = fopen("tests/vectors/nasty.ndjson", "r");
	FILE *oracle = fopen("tests/vectors/nasty_expected.tsv", "r");
	struct fixture fixture = FIXTURE_INIT;
	char *line = NULL, *expected = NULL;
	size_t line_size = 0, expected_size = 0;
	ssize_t len;
	int count = 0;

	(void)state;
	assert_non_null(lines);
	assert_non_null(oracle);
	open_shipped(&fixture);
	while ((len = getline(&line, &line_size, lines)) > 0) {
		struct record record = fixture_record(line, (size_t)len - 1);

		assert_true(getline(&expected, &expected_size, oracle) > 0);
		check_line(&fixture, &record, expected);
		count++;
	}
	assert_int_equal(count, 204);
	free(line);
	free(expected);
	fclose(lines);
	fclose(oracle);
	fixture_close(&fixture);
}

static size_t decode_file(struct fixture *fixture, const char *file)
{
	FILE *in = fopen(file, "r");
	char *line = NULL;
	size_t size = 0, count = 0;
	ssize_t len;

	assert_non_null(in);
	batch_reset(&fixture->batch);
	while ((len = getline(&line, &size, in)) > 0) {
		struct record record = fixture_record(line, (size_t)len - 1);

		record.position = fixture->batch.range_count
					  ? fixture->batch.range[0].to
					  : 0;
		record.next = record.position + len;
		decoder_decode(fixture->decoder, &record, &fixture->batch);
		count++;
	}
	free(line);
	fclose(in);
	return count;
}

static void the_captures_are_rows_to_the_last_line(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	const struct batch_table *table;

	(void)state;
	open_shipped(&fixture);
	table = &fixture.batch.table[0];
	assert_int_equal(
		decode_file(&fixture, "tests/vectors/bluesky_capture.jsonl"),
		423);
	assert_int_equal(table->row_count, 423);
	/* jq -r .timestamp | sort: 2025-03-16T13:26:53.075991 is the first */
	assert_true(table->has_events);
	assert_int_equal(table->event_min, INT64_C(795446813075991));
	assert_int_equal(
		decode_file(&fixture, "tests/vectors/replay_overlap.jsonl"),
		1150);
	assert_int_equal(table->row_count, 1150);
	assert_int_equal(fixture.batch.reject_count, 0);
	assert_int_equal(fixture.batch.record_count, 1150);
	fixture_close(&fixture);
}

static void the_first_alternative_of_a_fitting_kind_wins(void **state)
{
	static const struct {
		const char *line, *wanted;
	} cases[] = {
		{"{\"a\":\"1\",\"b\":\"2\"}", "1"},
		{"{\"b\":\"2\"}", "2"},
		{"{\"a\":null,\"b\":\"2\"}", "2"},
		{"{\"a\":{\"x\":1},\"b\":\"2\"}", "2"},
		{"{\"a\":7,\"b\":\"2\"}", "7"},
		{"{\"a\":false,\"b\":\"2\"}", "2"},
		{"{\"a\":\"\",\"b\":\"2\"}", ""},
		{"{\"a\":[],\"b\":3}", NULL},
		{"{\"c\":1}", NULL},
	};
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "",
		    "v text, -- from: a | a as number_text | b");
	fixture_open(&fixture);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *found;

		assert_true(fixture_decode(&fixture, cases[i].line));
		found = fixture_text(&fixture, 0, 0);
		assert_int_equal(!found, !cases[i].wanted);
		if (found)
			assert_string_equal(found, cases[i].wanted);
	}
	fixture_close(&fixture);
}

static void a_wrong_value_of_the_right_kind_never_falls_through(void **state)
{
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 0;
	fixture_add(
		&fixture, "s", "",
		"t timestamptz, -- from: a | b\nn smallint, -- from: n | m");
	fixture_open(&fixture);
	assert_false(fixture_decode(
		&fixture, "{\"a\":\"soon\",\"b\":\"2024-01-01T00:00:00Z\"}"));
	assert_string_equal(fixture_reason(&fixture),
			    "t: a: it does not begin with a date in the form "
			    "YYYY-MM-DD");
	assert_false(fixture_decode(&fixture, "{\"n\":40000,\"m\":1}"));
	assert_string_equal(fixture_reason(&fixture),
			    "n: n: the number is out of range for smallint");
	assert_ptr_equal(fixture.batch.reject[0].stream, fixture.stream[0]);
	assert_int_equal(fixture.batch.table[0].rows.len, 0);
	fixture_close(&fixture);
}

static void a_missing_value_says_what_each_alternative_found(void **state)
{
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "",
		    "v text not null, -- from: a | b.c | d | e after '/'");
	fixture_open(&fixture);
	assert_false(fixture_decode(
		&fixture, "{\"a\":5,\"d\":null,\"b\":\"c\",\"e\":\"x\"}"));
	assert_string_equal(
		fixture_reason(&fixture),
		"v: nothing fills the column, which must not be null: a is a "
		"number, not a string, b.c is absent, d is null, e is a "
		"string, not something after `/`");
	fixture_close(&fixture);
}

static void of_equal_keys_the_last_counts_at_every_level(void **state)
{
	static const struct {
		const char *line, *v, *j;
	} cases[] = {
		{"{\"a\":{\"b\":\"1\"},\"a\":{\"b\":\"2\"}}", "2",
		 "\1{\"b\":\"2\"}"},
		{"{\"a\":{\"b\":\"1\",\"b\":\"3\"}}", "3",
		 "\1{\"b\":\"1\",\"b\":\"3\"}"},
		{"{\"a\":{\"b\":\"1\"},\"a\":{\"c\":\"2\"}}", NULL,
		 "\1{\"c\":\"2\"}"},
		{"{\"a\":{\"b\":\"1\"},\"\\u0061\":4}", NULL,
		 "\1"
		 "4"},
		{"{\"a\":{\"b\":\"1\"},\"a\":null}", NULL, NULL},
		{"{\"a\":0,\"a\":{\"\\u0062\":\"1\"}}", "1",
		 "\1{\"\\u0062\":\"1\"}"},
	};
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "",
		    "v text, -- from: a.b\nj jsonb, -- from: a");
	fixture_open(&fixture);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *wanted[] = {cases[i].v, cases[i].j};

		assert_true(fixture_decode(&fixture, cases[i].line));
		for (size_t j = 0; j < 2; j++) {
			const char *found = fixture_text(&fixture, 0, j);

			assert_int_equal(!found, !wanted[j]);
			if (found)
				assert_string_equal(found, wanted[j]);
		}
	}
	fixture_close(&fixture);
}

static void the_rest_is_what_no_other_column_took(void **state)
{
	static const struct {
		const char *line, *rest;
	} cases[] = {
		{"{\"a\":\"1\",\"b\":{\"c\":\"2\",\"d\":3},\"e\":[1.50]}",
		 "\1{\"b\":{\"d\":3},\"e\":[1.50]}"},
		{"{\"a\":\"1\",\"b\":{\"c\":\"2\"}}", "\1{}"},
		/* the path that lost is still there, so is the wrong kind */
		{"{\"a\":\"1\",\"z\":\"lost\",\"b\":{\"c\":9}}",
		 "\1{\"z\":\"lost\",\"b\":{\"c\":9}}"},
		{"{\"z\":\"won\",\"b\":{}}", "\1{\"b\":{}}"},
		{"{ \"x\\n\" : { \"y\" : [ ] } , \"a\" : \"1\" }",
		 "\1{\"x\\n\":{ \"y\" : [ ] }}"},
		{"{\"b\":{\"x\":1,\"c\":\"2\"},\"b\":{\"c\":\"3\",\"y\":2}}",
		 "\1{\"b\":{\"y\":2}}"},
		{"{\"\\u0061\":\"1\",\"q\":0}", "\1{\"q\":0}"},
		{"{}", "\1{}"},
	};
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "",
		    "r jsonb, -- from: *\nv text, -- from: a | z\n"
		    "w text, -- from: b.c");
	fixture_open(&fixture);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(fixture_decode(&fixture, cases[i].line));
		assert_string_equal(fixture_text(&fixture, 0, 0),
				    cases[i].rest);
	}
	fixture_close(&fixture);
}

static void metadata_are_sources_too(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	struct record record = fixture_record("{}", 2);
	size_t len;

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "",
		    "a text, -- from: @topic | @file\n"
		    "b integer, -- from: @partition\n"
		    "c bigint, -- from: @offset\n"
		    "d timestamptz, -- from: @timestamp\n"
		    "e text, -- from: @key after ':'\n"
		    "f jsonb, -- from: @headers\n"
		    "g integer, -- from: @line");
	fixture_open(&fixture);
	record.file = "in.jsonl";
	record.line = 12;
	record.position = 345;
	assert_true(fixture_decode_record(&fixture, &record));
	assert_string_equal(fixture_text(&fixture, 0, 0), "in.jsonl");
	assert_null(fixture_text(&fixture, 0, 1));
	assert_int_equal(big_endian(fixture_field(&fixture, 0, 2, &len), 8),
			 345);
	assert_null(fixture_text(&fixture, 0, 3));
	assert_null(fixture_text(&fixture, 0, 4));
	assert_null(fixture_text(&fixture, 0, 5));
	assert_int_equal(big_endian(fixture_field(&fixture, 0, 6, &len), 4),
			 12);
	record.topic = "events";
	record.partition = 3;
	record.timestamp_ms = 946684800123;
	record.key = "user:42";
	record.key_len = 7;
	record.headers = "{\"trace\": \"x\"}";
	assert_true(fixture_decode_record(&fixture, &record));
	assert_string_equal(fixture_text(&fixture, 0, 0), "events");
	assert_int_equal(big_endian(fixture_field(&fixture, 0, 1, &len), 4), 3);
	assert_int_equal(big_endian(fixture_field(&fixture, 0, 3, &len), 8),
			 123000);
	assert_string_equal(fixture_text(&fixture, 0, 4), "42");
	assert_string_equal(fixture_text(&fixture, 0, 5),
			    "\1{\"trace\": \"x\"}");
	record.key = "\xff:";
	record.key_len = 2;
	assert_false(fixture_decode_record(&fixture, &record));
	assert_string_equal(fixture_reason(&fixture),
			    "e: @key is not UTF-8 text");
	fixture_close(&fixture);
}

static void a_record_goes_to_the_one_stream_that_it_matches(void **state)
{
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture_add(&fixture, "one", "-- match: a + b.c | d",
		    "v text, -- from: v");
	fixture_add(&fixture, "two", "-- match: e", "v text, -- from: v");
	fixture_add(&fixture, "three", "", "v text, -- from: v");
	fixture_open(&fixture);
	assert_true(fixture_decode(&fixture, "{\"a\":1,\"b\":{\"c\":null}}"));
	assert_int_equal(fixture.batch.table[0].row_count, 1);
	assert_true(fixture_decode(&fixture, "{\"e\":1,\"a\":1}"));
	assert_int_equal(fixture.batch.table[1].row_count, 1);
	assert_false(fixture_decode(&fixture, "{\"a\":1,\"b\":1}"));
	assert_string_equal(
		fixture_reason(&fixture),
		"unknown_stream: no stream takes this record: one needs a + "
		"b.c or d; two needs e; three needs --stream, having no "
		"match:");
	assert_null(fixture.batch.reject[0].stream);
	assert_false(fixture_decode(&fixture, "{\"d\":1,\"e\":1}"));
	assert_string_equal(
		fixture_reason(&fixture),
		"ambiguous_stream: both one and two take this record: name "
		"one with --stream, or make their match: lines ask for more");
	fixture_close(&fixture);
}

static void a_forced_stream_takes_everything_that_is_json(void **state)
{
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 1;
	fixture_add(&fixture, "one", "-- match: a", "v text, -- from: v");
	fixture_add(&fixture, "two", "-- match: e", "v text, -- from: v");
	fixture_open(&fixture);
	assert_true(fixture_decode(&fixture, "{\"a\":1,\"v\":\"x\"}"));
	assert_int_equal(fixture.batch.table[1].row_count, 1);
	assert_false(fixture_decode(&fixture, "{\"a\":1"));
	assert_ptr_equal(fixture.batch.reject[0].stream, fixture.stream[1]);
	fixture_close(&fixture);
}

static void a_cut_or_unterminated_record_says_so(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	struct record record = fixture_record("{\"a\":\"x", 7);

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "", "v text, -- from: v");
	fixture_open(&fixture);
	record.unterminated = "the file ends without a line end";
	assert_false(fixture_decode_record(&fixture, &record));
	assert_string_equal(fixture_reason(&fixture),
			    "the record ends inside a string after 7 bytes: it "
			    "was cut (the file ends without a line end)");
	record.full_len = 9000000;
	assert_false(fixture_decode_record(&fixture, &record));
	assert_string_equal(fixture_reason(&fixture),
			    "the record has 9000000 bytes, more than a line "
			    "may have; its first 7 are kept");
	assert_int_equal(fixture.batch.reject[0].origin.raw_full_len, 9000000);
	fixture_close(&fixture);
}

static void event_times_reach_the_batch_where_there_is_one(void **state)
{
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "-- event_time: t",
		    "t timestamptz, -- from: t");
	fixture_open(&fixture);
	assert_true(fixture_decode(&fixture, "{\"t\":null}"));
	assert_false(fixture.batch.table[0].has_events);
	assert_true(
		fixture_decode(&fixture, "{\"t\":\"2000-01-01T00:00:01Z\"}"));
	assert_true(fixture.batch.table[0].has_events);
	assert_int_equal(fixture.batch.table[0].event_min, 1000000);
	fixture_close(&fixture);
}

static void a_decoder_goes_on_after_any_record(void **state)
{
	static const char *const bad[] = {
		"",   "{", "[1]", "{\"v\":\"\\ud800\"}", "{\"v\":1e999999}",
		"nul"};
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture.forced = 0;
	fixture_add(&fixture, "s", "", "v numeric, -- from: v");
	fixture_open(&fixture);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(fixture_decode(&fixture, bad[i]));
		assert_true(fixture_decode(&fixture, "{\"v\":1}"));
	}
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_nasty_line_becomes_what_the_oracle_says),
		cmocka_unit_test(the_captures_are_rows_to_the_last_line),
		cmocka_unit_test(the_first_alternative_of_a_fitting_kind_wins),
		cmocka_unit_test(
			a_wrong_value_of_the_right_kind_never_falls_through),
		cmocka_unit_test(
			a_missing_value_says_what_each_alternative_found),
		cmocka_unit_test(of_equal_keys_the_last_counts_at_every_level),
		cmocka_unit_test(the_rest_is_what_no_other_column_took),
		cmocka_unit_test(metadata_are_sources_too),
		cmocka_unit_test(
			a_record_goes_to_the_one_stream_that_it_matches),
		cmocka_unit_test(a_forced_stream_takes_everything_that_is_json),
		cmocka_unit_test(a_cut_or_unterminated_record_says_so),
		cmocka_unit_test(
			event_times_reach_the_batch_where_there_is_one),
		cmocka_unit_test(a_decoder_goes_on_after_any_record),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
