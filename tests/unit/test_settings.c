#include "settings_fixture.h"

static void without_arguments_every_setting_is_at_its_default(void **state)
{
	(void)state;
	assert_true(READ_NOTHING());
	assert_int_equal(settings.request, SETTINGS_RUN);
	assert_int_equal(values.rows, 50000);
	assert_int_equal(values.bytes, 16777216);
	assert_int_equal(values.linger, 500);
	assert_int_equal(values.order, 1);
	assert_false(values.quiet);
	assert_null(values.name);
	assert_int_equal(values.topics.count, 0);
	assert_int_equal(settings.operand_count, 0);
	assert_null(settings.operand[0]);
}

static void a_row_without_default_keeps_what_the_caller_stored(void **state)
{
	(void)state;
	assert_true(READ_NOTHING());
	assert_int_equal(values.cores, 7);
	assert_true(READ("--cores", "0"));
	assert_int_equal(values.cores, 0);
}

static void long_short_and_clustered_options_mean_the_same(void **state)
{
	(void)state;
	assert_true(READ("--batch-rows", "10", "--quiet", "--name=x=y"));
	assert_int_equal(values.rows, 10);
	assert_true(values.quiet);
	assert_string_equal(values.name, "x=y");
	assert_true(READ("-qr10", "-n", "x=y"));
	assert_int_equal(values.rows, 10);
	assert_true(values.quiet);
	assert_string_equal(values.name, "x=y");
	assert_true(READ("--quiet=off"));
	assert_false(values.quiet);
}

static void operands_keep_their_order_between_options(void **state)
{
	(void)state;
	assert_true(READ("replay", "-q", "a.json", "-", "--", "--quiet", "-x"));
	assert_int_equal(settings.operand_count, 5);
	assert_string_equal(settings.operand[0], "replay");
	assert_string_equal(settings.operand[1], "a.json");
	assert_string_equal(settings.operand[2], "-");
	assert_string_equal(settings.operand[3], "--quiet");
	assert_string_equal(settings.operand[4], "-x");
	assert_null(settings.operand[5]);
}

static void a_list_takes_every_occurrence_in_order(void **state)
{
	(void)state;
	assert_true(READ("-t", "b", "--topic", "a", "-tb"));
	assert_int_equal(values.topics.count, 3);
	assert_string_equal(values.topics.item[0], "b");
	assert_string_equal(values.topics.item[1], "a");
	assert_string_equal(values.topics.item[2], "b");
	assert_null(values.topics.item[3]);
}

static void the_command_line_beats_environment_beats_file(void **state)
{
	(void)state;
	write_config("batch-rows = 1\nlinger = 1s\nname = file\n"
		     "topic = f1\ntopic = f2\n",
		     0644);
	setenv("POUR_TEA_BATCH_ROWS", "2", 1);
	setenv("POUR_TEA_LINGER", "2s", 1);
	setenv("POUR_TEA_TOPIC", "e1 e2\n e3", 1);
	assert_true(READ("--batch-rows=3"));
	assert_int_equal(values.rows, 3);
	assert_int_equal(values.linger, 2000);
	assert_string_equal(values.name, "file");
	assert_int_equal(values.topics.count, 3);
	assert_string_equal(values.topics.item[2], "e3");
	unsetenv("POUR_TEA_TOPIC");
	assert_true(READ_NOTHING());
	assert_int_equal(values.rows, 2);
	assert_int_equal(values.topics.count, 2);
	assert_string_equal(values.topics.item[0], "f1");
	assert_true(READ("-t", "c"));
	assert_int_equal(values.topics.count, 1);
}

static void a_named_file_replaces_that_of_the_project(void **state)
{
	char path[96];

	(void)state;
	write_config("batch-rows = 1\n", 0644);
	assert_true(READ("-F", "/dev/null"));
	assert_int_equal(values.rows, 50000);
	setenv("POUR_TEA_CONFIG", "/dev/null", 1);
	assert_true(READ_NOTHING());
	assert_int_equal(values.rows, 50000);
	snprintf(path, sizeof path, "%s/config/pour-tea.conf", home);
	assert_true(READ("--config", path));
	assert_int_equal(values.rows, 1);
	assert_false(READ("-F", "/nonexistent/file"));
	assert_refused(STATUS_CONFIG, "cannot read /nonexistent/file: "
				      "No such file or directory");
}

static void wrong_options_are_named_with_the_nearest_right_one(void **state)
{
	(void)state;
	assert_false(READ("--btch-rows", "3"));
	assert_refused(STATUS_USAGE, "unknown option --btch-rows; did you mean "
				     "--batch-rows?");
	assert_false(READ("--btch-rows=3"));
	assert_refused(STATUS_USAGE, "unknown option --btch-rows; did you mean "
				     "--batch-rows?");
	assert_false(READ("--sugar"));
	assert_refused(STATUS_USAGE, "unknown option --sugar; pour-tea --help "
				     "lists them all");
	assert_false(READ("-qz"));
	assert_refused(STATUS_USAGE,
		       "unknown option -z; pour-tea --help lists them all");
}

static void a_missing_or_needless_value_is_a_usage_error(void **state)
{
	(void)state;
	assert_false(READ("--batch-rows"));
	assert_refused(STATUS_USAGE,
		       "--batch-rows needs a value: --batch-rows ROWS, for "
		       "example --batch-rows 50000");
	assert_false(READ("-qt"));
	assert_refused(STATUS_USAGE,
		       "--topic needs a value: --topic TOPIC, for "
		       "example --topic name");
	assert_false(READ("-F"));
	assert_refused(STATUS_USAGE, "-F needs a value: the file to read");
	assert_false(READ("--help=me"));
	assert_refused(STATUS_USAGE, "--help=me takes no value");
}

static void a_bad_value_says_what_is_expected_and_where_it_stood(void **state)
{
	(void)state;
	assert_false(READ("--batch-rows", "many"));
	assert_refused(STATUS_USAGE, "--batch-rows: \"many\" is not a whole "
				     "number; for example 50000");
	assert_false(READ("-r", "0"));
	assert_refused(STATUS_USAGE,
		       "--batch-rows: \"0\" is not a number from 1 to "
		       "1000000; for example 50000");
	assert_false(READ("--order", "tallest"));
	assert_refused(STATUS_USAGE, "--order: \"tallest\" is not one of "
				     "oldest, newest; for example newest");
	assert_false(READ("--quiet=maybe"));
	assert_refused(STATUS_USAGE, "--quiet: \"maybe\" is not on or off; for "
				     "example on");
	setenv("POUR_TEA_LINGER", "5", 1);
	assert_false(READ_NOTHING());
	assert_refused(STATUS_CONFIG,
		       "POUR_TEA_LINGER: \"5\" is not a duration: a whole "
		       "number with ms, s, m, h or d; for example 500ms");
}

static void a_fault_in_the_file_names_file_and_line(void **state)
{
	char expected[200];

	(void)state;
	write_config("# tea\n\nbatch-bytes = 16 apples\n", 0644);
	assert_false(READ_NOTHING());
	snprintf(expected, sizeof expected,
		 "%s/config/pour-tea.conf:3: batch-bytes: \"16 apples\" is not "
		 "a size: a whole number with kB, MB or GB; for example 16MB",
		 home);
	assert_refused(STATUS_CONFIG, expected);
	write_config("bach-bytes = 16MB\n", 0644);
	assert_false(READ_NOTHING());
	snprintf(expected, sizeof expected,
		 "%s/config/pour-tea.conf:1: unknown setting bach-bytes; did "
		 "you mean batch-bytes?",
		 home);
	assert_refused(STATUS_CONFIG, expected);
	write_config("force = on\n", 0644);
	assert_false(READ_NOTHING());
	snprintf(
		expected, sizeof expected,
		"%s/config/pour-tea.conf:1: force is for the command line only",
		home);
	assert_refused(STATUS_CONFIG, expected);
}

static void a_slip_in_a_variable_is_told_from_a_strangers(void **state)
{
	(void)state;
	setenv("POUR_TEA_PORT", "tcp://10.0.0.1:80", 1);
	setenv("POUR_TEA_FORCE", "on", 1);
	assert_true(READ_NOTHING());
	assert_false(values.force);
	setenv("POUR_TEA_BTCH_ROWS", "1", 1);
	assert_false(READ_NOTHING());
	assert_refused(STATUS_CONFIG,
		       "environment variable POUR_TEA_BTCH_ROWS names no "
		       "setting; did you mean POUR_TEA_BATCH_ROWS?");
}

static void numbers_carry_units(void **state)
{
	static const struct {
		const char *option, *value;
		int64_t expected; /* -1: refused */
	} cases[] = {
		{"--batch-bytes", "1024", 1024},
		{"--batch-bytes", "64kB", 65536},
		{"--batch-bytes", "64KiB", 65536},
		{"--batch-bytes", "2gb", 2147483648},
		{"--batch-bytes", "1023", -1},
		{"--batch-bytes", "9999999999999GB", -1},
		{"--batch-bytes", "99999999999999999999", -1},
		{"--batch-bytes", "16 MB", -1},
		{"--batch-bytes", "1.5MB", -1},
		{"--batch-bytes", "", -1},
		{"--batch-bytes", "-2MB", -1},
		{"--linger", "0", 0},
		{"--linger", "250ms", 250},
		{"--linger", "60s", 60000},
		{"--linger", "10m", 600000},
		{"--linger", "10min", 600000},
		{"--linger", "1h", 3600000},
		{"--linger", "1d", -1},
		{"--linger", "5", -1},
		{"--linger", "+5s", -1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool ok = READ(cases[i].option, cases[i].value);
		int64_t got = strcmp(cases[i].option, "--linger") == 0
				      ? values.linger
				      : values.bytes;

		assert_int_equal(ok ? got : -1, cases[i].expected);
	}
}

static char *printed(void (*print)(const struct settings_program *, FILE *))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(&program, out);
	fclose(out);
	return text;
}

/* Without a command: of all of them. */
static void print_help(const struct settings_program *of, FILE *out)
{
	settings_help(of, NULL, out);
}

static void the_help_follows_from_the_table(void **state)
{
	char *text = printed(print_help);

	(void)state;
	assert_true(READ("--batch-rows", "5", "--help"));
	assert_int_equal(settings.request, SETTINGS_ANSWER);
	assert_non_null(
		strstr(text, "pour-tea - pours tea\n\npour-tea [CUP...]\n\n"));
	assert_non_null(strstr(
		text, "\n  -r, --batch-rows ROWS       send a batch "
		      "once it holds this many rows\n"
		      "                              (default 50000)\n"));
	assert_non_null(strstr(text, "\n  -q, --quiet                 say "
				     "nothing\n"));
	assert_non_null(strstr(text,
			       "\n  -o, --order ORDER           which comes "
			       "first (oldest, newest; default\n"));
	assert_non_null(strstr(text, "\n      --sample-config         "));
	assert_non_null(strstr(text, "\nMilk first.\n"));
	free(text);
}

static void the_sample_read_back_uncommented_changes_nothing(void **state)
{
	char *text = printed(settings_sample);
	struct values before;
	char *line, *rest = text;
	FILE *out;
	char path[96];

	(void)state;
	assert_null(strstr(text, "force"));
	assert_true(READ_NOTHING());
	before = values;
	snprintf(path, sizeof path, "%s/config/pour-tea.conf", home);
	out = fopen(path, "we");
	assert_non_null(out);
	while ((line = strsep(&rest, "\n"))) {
		bool is_setting = line[0] == '#' && line[1] != ' ' && line[1];
		bool has_value =
			strlen(line) > 2 && line[strlen(line) - 1] != '=';

		fprintf(out, "%s\n", line + (is_setting && has_value));
	}
	fclose(out);
	assert_true(READ_NOTHING());
	assert_memory_equal(&values, &before, sizeof values);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_arguments_every_setting_is_at_its_default),
		TEST(a_row_without_default_keeps_what_the_caller_stored),
		TEST(long_short_and_clustered_options_mean_the_same),
		TEST(operands_keep_their_order_between_options),
		TEST(a_list_takes_every_occurrence_in_order),
		TEST(the_command_line_beats_environment_beats_file),
		TEST(a_named_file_replaces_that_of_the_project),
		TEST(wrong_options_are_named_with_the_nearest_right_one),
		TEST(a_missing_or_needless_value_is_a_usage_error),
		TEST(a_bad_value_says_what_is_expected_and_where_it_stood),
		TEST(a_fault_in_the_file_names_file_and_line),
		TEST(a_slip_in_a_variable_is_told_from_a_strangers),
		TEST(numbers_carry_units),
		TEST(the_help_follows_from_the_table),
		TEST(the_sample_read_back_uncommented_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
