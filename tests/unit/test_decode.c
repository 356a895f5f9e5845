#include "decode_fixture.h"

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
