#include "decode_fixture.h"

#include "ingest/convert.h"
#include "ingest/convert_number.h"

/* One row of tests/vectors/convert_pg15.tsv. */
struct vector {
	char *type, *conversion, *value, *verdict;
};

static void split_vector(char *line, struct vector *vector)
{
	line[strcspn(line, "\n")] = '\0';
	vector->type = strsep(&line, "\t");
	vector->conversion = strsep(&line, "\t");
	vector->value = strsep(&line, "\t");
	vector->verdict = strsep(&line, "\t");
	assert_non_null(vector->verdict);
}

static void to_hex(const char *bytes, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++)
		buf_format(out, "%02x", (unsigned char)bytes[i]);
}

static void check_vector(const struct vector *vector)
{
	struct fixture fixture = FIXTURE_INIT;
	struct buf text = BUF_INIT, found = BUF_INIT;
	bool named = strcmp(vector->conversion, "-") != 0;
	const char *field;
	size_t len;

	buf_format(&text, "v %s, -- from: v%s%s", vector->type,
		   named ? " as " : "", named ? vector->conversion : "");
	fixture_add(&fixture, "s", "-- match: v", buf_text(&text));
	fixture_open(&fixture);
	buf_reset(&text);
	buf_format(&text, "{\"v\": %s}", vector->value);
	if (fixture_decode(&fixture, buf_text(&text))) {
		field = fixture_field(&fixture, 0, 0, &len);
		buf_add_text(&found, field ? "= " : "null");
		if (field)
			to_hex(field, len, &found);
	} else {
		buf_format(&found, "! %s", fixture_reason(&fixture));
		assert_string_equal(fixture.batch.reject[0].column_name, "v");
	}
	if (*vector->verdict == '!'
		    ? !strstr(buf_text(&found), vector->verdict + 2) ||
			      *found.data != '!'
		    : strcmp(buf_text(&found), vector->verdict) != 0)
		fail_msg("%s as %s of %s\ngot    %s\nwanted %s", vector->type,
			 vector->conversion, vector->value, buf_text(&found),
			 vector->verdict);
	buf_release(&text);
	buf_release(&found);
	fixture_close(&fixture);
}

static void every_value_becomes_the_bytes_that_postgresql_sends(void **state)
{
	FILE *file = fopen("tests/vectors/convert_pg15.tsv", "r");
	char *line = NULL;
	size_t size = 0;
	int count = 0;

	(void)state;
	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		struct vector vector;

		split_vector(line, &vector);
		check_vector(&vector);
		count++;
	}
	free(line);
	fclose(file);
	assert_true(count > 150);
}

/* The table of JSON kinds and column types, written out a second time. */
static void kinds_and_types_fit_as_documented(void **state)
{
	static const char *const fits[COLUMN_TYPE_COUNT] = {
		[COLUMN_TEXT] = "s",        [COLUMN_VARCHAR] = "s",
		[COLUMN_SMALLINT] = "ns",   [COLUMN_INTEGER] = "ns",
		[COLUMN_BIGINT] = "ns",     [COLUMN_DOUBLE] = "ns",
		[COLUMN_NUMERIC] = "ns",    [COLUMN_BOOLEAN] = "b",
		[COLUMN_TIMESTAMPTZ] = "s", [COLUMN_TIMESTAMP] = "s",
		[COLUMN_DATE] = "s",        [COLUMN_UUID] = "s",
		[COLUMN_JSONB] = "bnsao",   [COLUMN_TEXT_ARRAY] = "sa",
	};
	static const char letters[VALUE_KIND_COUNT] = {
		[VALUE_NULL] = '-',   [VALUE_BOOLEAN] = 'b',
		[VALUE_NUMBER] = 'n', [VALUE_STRING] = 's',
		[VALUE_ARRAY] = 'a',  [VALUE_OBJECT] = 'o',
	};

	(void)state;
	for (int type = 0; type < COLUMN_TYPE_COUNT; type++)
		for (int kind = 0; kind < VALUE_KIND_COUNT; kind++)
			assert_int_equal(
				convert_takes(-1, (enum column_type)type,
					      (enum value_kind)kind),
				strchr(fits[type], letters[kind]) != NULL);
}

static void every_listed_conversion_exists_and_gives_some_type(void **state)
{
	char *list = strdup(convert_list());
	char *rest = list;
	int count = 0;

	(void)state;
	for (char *name; (name = strsep(&rest, ",")); count++) {
		int conversion;
		bool gives = false;

		name += strspn(name, " ");
		conversion = convert_find(name);
		assert_true(conversion >= 0);
		assert_string_equal(convert_name(conversion, COLUMN_TEXT),
				    name);
		for (int type = 0; type < COLUMN_TYPE_COUNT; type++)
			gives = gives || convert_gives(conversion,
						       (enum column_type)type);
		assert_true(gives);
	}
	assert_int_equal(count, 9);
	assert_int_equal(convert_find("epoch"), -1);
	assert_string_equal(convert_nearest("epoch_sec"), "epoch_s");
	free(list);
}

static void before_and_after_cut_at_the_first_separator(void **state)
{
	static const struct {
		const char *text, *before, *after;
	} cases[] = {
		{"\"a/b\"", "a", "b"},     {"\"a/b/c\"", "a", "b/c"},
		{"\"/b\"", "", "b"},       {"\"a/\"", "a", ""},
		{"\"ab\"", "ab", NULL},    {"\"\"", "", NULL},
		{"\"\\u002f\"", "", ""},   {"12", NULL, NULL},
		{"[\"a/b\"]", NULL, NULL}, {"null", NULL, NULL},
	};
	struct fixture fixture = FIXTURE_INIT;

	(void)state;
	fixture_add(&fixture, "s", "-- match: v",
		    "b text, -- from: v before '/'\n"
		    "a text, -- from: v after '/'");
	fixture_open(&fixture);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *wanted[] = {cases[i].before, cases[i].after};
		char line[64];

		snprintf(line, sizeof line, "{\"v\":%s}", cases[i].text);
		assert_true(fixture_decode(&fixture, line));
		for (size_t j = 0; j < 2; j++) {
			const char *found = fixture_text(&fixture, 0, j);

			assert_int_equal(!found, !wanted[j]);
			if (found)
				assert_string_equal(found, wanted[j]);
		}
	}
	fixture_close(&fixture);
}

static void only_json_numbers_are_numbers(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{"0", 1},   {"-0", 2},    {"10", 2},     {"1.5", 3},
		{"1e5", 3}, {"1E+05", 5}, {"1.0e-1", 6}, {"1,2", 1},
		{"", 0},    {"-", 0},     {"+1", 0},     {"01", 0},
		{"-01", 0}, {".5", 0},    {"1.", 0},     {"1.e5", 0},
		{"1e", 0},  {"1e+", 0},   {"NaN", 0},    {"0x10", 1},
		{" 1", 0},  {"1 ", 1},    {"e5", 0},     {"00", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(convert_number_length(cases[i].text,
						       strlen(cases[i].text)),
				 cases[i].len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_value_becomes_the_bytes_that_postgresql_sends),
		cmocka_unit_test(kinds_and_types_fit_as_documented),
		cmocka_unit_test(
			every_listed_conversion_exists_and_gives_some_type),
		cmocka_unit_test(before_and_after_cut_at_the_first_separator),
		cmocka_unit_test(only_json_numbers_are_numbers),
	};

	return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
