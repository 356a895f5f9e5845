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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_nasty_line_becomes_what_the_oracle_says),
		cmocka_unit_test(the_captures_are_rows_to_the_last_line),
	};

	return cmocka_run_group_tests_name("decode vectors", tests, NULL, NULL);
}
