#include "decode_fixture.h"

/* What explain writes about one record. */
static char *explain(struct fixture *fixture, const char *line, bool *is_row)
{
	struct record record = fixture_record(line, strlen(line));
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	*is_row = decoder_explain(fixture->decoder, &record, out);
	fclose(out);
	return text;
}

static void each_column_shows_its_way_from_path_to_stored_value(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	bool is_row;
	char *text;

	(void)state;
	fixture_add(&fixture, "s", "-- match: a",
		    "a timestamptz, -- from: b | a as epoch_ms\n"
		    "d date, -- from: d\n"
		    "n numeric(8,3), -- from: n\n"
		    "m numeric, -- from: m\n"
		    "f double precision, -- from: f\n"
		    "i integer, -- from: i\n"
		    "s smallint, -- from: i\n"
		    "o boolean, -- from: o\n"
		    "u uuid, -- from: u\n"
		    "j jsonb, -- from: j\n"
		    "l text[], -- from: l\n"
		    "c text, -- from: c before '/'\n"
		    "x text, -- from: x");
	fixture_open(&fixture);
	text = explain(&fixture,
		       "{\"a\":946684800123,\"d\":\"2024-02-29\","
		       "\"n\":-1234.5678,\"m\":0.00012,\"f\":0.1,\"i\":-7,"
		       "\"o\":true,\"u\":\"A0EEBC999C0B4EF8BB6D6BB9BD380A11\","
		       "\"j\":{\"k\": 1},\"l\":[\"p\",null],\"c\":\"e/\\nf\","
		       "\"x\":3}",
		       &is_row);
	assert_true(is_row);
	assert_string_equal(
		text,
		"stream s, a row of staging.s\n"
		"  a                a = 946684800123  ->  epoch_ms  ->  "
		"2000-01-01 00:00:00.123000+00\n"
		"  d                d = 2024-02-29  ->  iso_date  ->  "
		"2024-02-29\n"
		"  n                n = -1234.5678  ->  numeric  ->  "
		"-1234.568\n"
		"  m                m = 0.00012  ->  numeric  ->  0.00012\n"
		"  f                f = 0.1  ->  double  ->  0.1\n"
		"  i                i = -7  ->  integer  ->  -7\n"
		"  s                i = -7  ->  integer  ->  -7\n"
		"  o                o = true  ->  boolean  ->  true\n"
		"  u                u = A0EEBC999C0B4EF8BB6D6BB9BD380A11  ->  "
		"uuid  ->  a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n"
		"  j                j = {\"k\": 1}  ->  jsonb  ->  {\"k\": "
		"1}\n"
		"  l                l = an array of 2  ->  text[]  ->  "
		"{p,NULL}\n"
		"  c                c before '/' = e  ->  text  ->  e\n"
		"  x                null  (x is a number, not a string)\n");
	free(text);
	fixture_close(&fixture);
}

static void a_rejected_record_shows_why(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	bool is_row;
	char *text;

	(void)state;
	fixture_add(&fixture, "s", "-- match: a", "a bigint, -- from: a");
	fixture_open(&fixture);
	text = explain(&fixture, "{\"a\":1.5}", &is_row);
	assert_false(is_row);
	assert_string_equal(text, "rejected, stream s: a: a: the number has a "
				  "fraction, bigint holds whole numbers\n");
	free(text);
	text = explain(&fixture, "{\"b\":1}", &is_row);
	assert_false(is_row);
	assert_string_equal(text, "rejected: unknown_stream: no stream takes "
				  "this record: s needs a\n");
	free(text);
	fixture_close(&fixture);
}

static void numbers_are_shown_as_postgresql_shows_them(void **state)
{
	/* select '...'::numeric */
	static const char *const numbers[] = {
		"0",
		"0.00",
		"1",
		"-1.50",
		"10000",
		"100000000",
		"9999.0001",
		"0.00001",
		"123456789.000012345",
		"40000000000000000000.5",
	};
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture_add(&fixture, "s", "-- match: n", "n numeric, -- from: n");
	fixture_open(&fixture);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char line[64], wanted[64];
		bool is_row;
		char *text;

		snprintf(line, sizeof line, "{\"n\":%s}", numbers[i]);
		snprintf(wanted, sizeof wanted, "->  %s\n", numbers[i]);
		text = explain(&fixture, line, &is_row);
		assert_true(is_row);
		if (!strstr(text, wanted))
			fail_msg("%s is shown as %s", numbers[i], text);
		free(text);
	}
	fixture_close(&fixture);
}

static void long_values_are_cut_and_control_characters_escaped(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	struct buf line = BUF_INIT;
	bool is_row;
	char *text;

	(void)state;
	fixture_add(&fixture, "s", "-- match: a", "a text, -- from: a");
	fixture_open(&fixture);
	buf_add_text(&line, "{\"a\":\"\\u001b[31m");
	for (int i = 0; i < 100; i++)
		buf_add_text(&line, "\xc3\xa9");
	buf_add_text(&line, "\"}");
	text = explain(&fixture, buf_text(&line), &is_row);
	assert_true(is_row);
	assert_non_null(strstr(text, "\\x1b[31m"));
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "\xc3\xa9... (205 bytes)"));
	free(text);
	buf_release(&line);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_column_shows_its_way_from_path_to_stored_value),
		cmocka_unit_test(a_rejected_record_shows_why),
		cmocka_unit_test(numbers_are_shown_as_postgresql_shows_them),
		cmocka_unit_test(
			long_values_are_cut_and_control_characters_escaped),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
