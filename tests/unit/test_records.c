/*
 * Each folder tests/records/<case> is a test: every line of input.jsonl must
 * become what the same line of expected.jsonl says, either
 *
 *	{"stream": "pageviews", "user_id": "7", ...}   columns left out are null
 *	{"reject": "a part of the reason"}
 *
 * through the streams that ship, or those of <case>/<name>.sql if it has any.
 */
#include "decode_fixture.h"

#include <glob.h>
#include <jansson.h>

#include "ingest/explain.h"

static void add_streams(struct fixture *fixture, const char *folder)
{
	char pattern[256];
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/*.sql", folder);
	if (glob(pattern, 0, NULL, &found) != 0)
		assert_int_equal(glob("sql/*/streams/*.sql", 0, NULL, &found),
				 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *name = strdup(strrchr(found.gl_pathv[i], '/') + 1);

		assert_true(fixture->count < 16);
		name[strlen(name) - 4] = '\0';
		fixture_add_file(fixture, name, found.gl_pathv[i]);
		free(name);
	}
	globfree(&found);
}

static void check_row(const struct fixture *fixture, json_t *expected,
		      const char *place)
{
	const char *name =
		json_string_value(json_object_get(expected, "stream"));
	size_t index = 0, present = 1;
	struct buf text = BUF_INIT;

	if (fixture->batch.reject_count > 0) {
		fail_msg("%s: rejected: %s", place, fixture_reason(fixture));
		return;
	}
	assert_non_null(name);
	while (index < fixture->count &&
	       strcmp(fixture->stream[index]->name, name) != 0)
		index++;
	assert_true(index < fixture->count);
	for (size_t i = 0; i < fixture->stream[index]->column_count; i++) {
		const struct column *column =
			&fixture->stream[index]->column[i];
		const char *wanted = json_string_value(
			json_object_get(expected, column->name));
		size_t len;
		const char *field = fixture_field(fixture, index, i, &len);

		buf_reset(&text);
		if (field)
			explain_field(column, field, len, &text);
		present += wanted != NULL;
		if (!field != !wanted ||
		    (wanted && strcmp(wanted, buf_text(&text)) != 0))
			fail_msg("%s: %s is %s, not %s", place, column->name,
				 field ? buf_text(&text) : "null",
				 wanted ? wanted : "null");
	}
	/* nothing else is expected than columns that exist */
	assert_int_equal(present, json_object_size(expected));
	buf_release(&text);
}

static void check_line(struct fixture *fixture, const char *line,
		       const char *expectation, const char *place)
{
	json_t *expected = json_loads(expectation, 0, NULL);
	const char *reason =
		json_string_value(json_object_get(expected, "reject"));

	assert_non_null(expected);
	fixture_decode(fixture, line);
	if (!reason)
		check_row(fixture, expected, place);
	else if (!strstr(fixture_reason(fixture), reason))
		fail_msg("%s: %s", place, fixture_reason(fixture));
	json_decref(expected);
}

static void run_case(const char *folder)
{
	struct fixture fixture = FIXTURE_INIT;
	char path[256], *line = NULL, *expected = NULL;
	size_t line_size = 0, expected_size = 0;
	FILE *input, *expectations;
	int count = 0;

	add_streams(&fixture, folder);
	fixture_open(&fixture);
	snprintf(path, sizeof path, "%s/expected.jsonl", folder);
	expectations = fopen(path, "r");
	snprintf(path, sizeof path, "%s/input.jsonl", folder);
	input = fopen(path, "r");
	assert_non_null(input);
	assert_non_null(expectations);
	while (getline(&line, &line_size, input) > 0) {
		char place[300];

		snprintf(place, sizeof place, "%s:%d", path, ++count);
		assert_true(getline(&expected, &expected_size, expectations) >
			    0);
		line[strcspn(line, "\n")] = '\0';
		check_line(&fixture, line, expected, place);
	}
	assert_int_equal(getline(&expected, &expected_size, expectations), -1);
	assert_true(count > 0);
	free(line);
	free(expected);
	fclose(input);
	fclose(expectations);
	fixture_close(&fixture);
}

static void every_case_of_tests_records_becomes_what_it_says(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/records/*", GLOB_ONLYDIR, NULL, &found),
			 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_case(found.gl_pathv[i]);
	assert_true(found.gl_pathc > 5);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_case_of_tests_records_becomes_what_it_says),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
