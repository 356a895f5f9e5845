#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/conf.h"

static void names_and_values_lose_their_outer_white_space(void **state)
{
	struct error err = ERROR_INIT;
	struct conf conf = CONF_INIT;
	static const struct {
		const char *name, *value;
		int line;
	} expected[] = {
		{"a", "1", 2},        {"b-c", "two words", 3},
		{"d", "", 4},         {"e", "x=y", 5},
		{"f", "a#b", 6},      {"g", "before", 7},
		{"h", " kept # ", 8}, {"i", "it's", 9},
		{"j", "", 10},        {"k", "last", 13},
	};
	size_t i;

	(void)state;
	assert_true(conf_parse(&conf, "x.conf",
			       "\xef\xbb\xbf# a comment\n"
			       "a=1\n"
			       " \tb-c =  two words\t \r\n"
			       "d =\n"
			       "e = x=y\n"
			       "f = a#b\n"
			       "g = before # after\n"
			       "h = ' kept # ' # after\n"
			       "i = 'it''s'\n"
			       "j = # nothing\n"
			       "\n"
			       "   # indented\n"
			       "k = last",
			       &err));
	assert_int_equal(conf.count, sizeof expected / sizeof *expected);
	for (i = 0; i < conf.count; i++) {
		assert_string_equal(conf.entry[i].name, expected[i].name);
		assert_string_equal(conf.entry[i].value, expected[i].value);
		assert_int_equal(conf.entry[i].line, expected[i].line);
	}
	conf_release(&conf);
	assert_int_equal(conf.count, 0);
}

static void what_is_no_setting_is_named_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"a = 1\nnonsense\n", "x.conf:2: expected `name = value`"},
		{"[job]\n[]\n", "x.conf:2: expected `[section]`"},
		{"[job a\n", "x.conf:1: expected `[section]`"},
		{"[job a] b = 1\n", "x.conf:1: expected `[section]`"},
		{"= 1", "x.conf:1: expected `name = value`"},
		{"\n\na = 'open\n",
		 "x.conf:3: a: the quoted value does not end with the line "
		 "(two quotes '' mean one)"},
		{"a = 'closed' more",
		 "x.conf:1: a: the quoted value does not end with the line "
		 "(two quotes '' mean one)"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = ERROR_INIT;
		struct conf conf = CONF_INIT;

		assert_false(conf_parse(&conf, "x.conf", cases[i].text, &err));
		assert_string_equal(err.text, cases[i].error);
		assert_int_equal(err.status, STATUS_CONFIG);
		conf_release(&conf);
	}
}

static void a_file_tells_whether_others_can_read_it(void **state)
{
	char path[] = "/tmp/millrace-conf-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a = 1\n", 6), 6);
	for (int mode = 0600; mode <= 0644; mode += 044) {
		struct error err = ERROR_INIT;
		struct conf conf = CONF_INIT;

		assert_int_equal(fchmod(fd, (mode_t)mode), 0);
		assert_true(conf_read(&conf, path, &err));
		assert_string_equal(conf.entry[0].value, "1");
		assert_int_equal(conf.is_private, mode == 0600);
		conf_release(&conf);
	}
	close(fd);
	unlink(path);
}

static void a_file_with_zero_bytes_or_none_at_all_is_refused(void **state)
{
	char path[] = "/tmp/millrace-conf-XXXXXX";
	struct error err = ERROR_INIT;
	struct conf conf = CONF_INIT;
	int fd = mkstemp(path);
	char expected[100];

	(void)state;
	assert_int_equal(write(fd, "a = \0 1\n", 8), 8);
	assert_false(conf_read(&conf, path, &err));
	snprintf(expected, sizeof expected,
		 "%s holds a zero byte: it is not a text file", path);
	assert_string_equal(err.text, expected);
	close(fd);
	unlink(path);
	assert_false(conf_read(&conf, path, &err));
	snprintf(expected, sizeof expected,
		 "cannot read %s: No such file or directory", path);
	assert_string_equal(err.text, expected);
	conf_release(&conf);
}

static void sections_begin_where_they_are_named(void **state)
{
	static const char *const sections[] = {"", "", "job a", "job b",
					       "job a"};
	struct error err = ERROR_INIT;
	struct conf conf = CONF_INIT;

	(void)state;
	assert_true(conf_parse(&conf, "x.conf",
			       "x = 1\ny = 2\n [ job a ] # daily\nx = [3]\n"
			       "[job b]\nx = 4\n[job a]\nz = 5\n",
			       &err));
	assert_int_equal(conf.count, 5);
	for (size_t i = 0; i < conf.count; i++)
		assert_string_equal(conf.entry[i].section, sections[i]);
	assert_string_equal(conf.entry[2].value, "[3]");
	assert_int_equal(conf.section_count, 3);
	assert_string_equal(conf.section[1].name, "job b");
	assert_int_equal(conf.section[1].line, 5);
	conf_release(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_begin_where_they_are_named),
		cmocka_unit_test(names_and_values_lose_their_outer_white_space),
		cmocka_unit_test(
			what_is_no_setting_is_named_with_file_and_line),
		cmocka_unit_test(a_file_tells_whether_others_can_read_it),
		cmocka_unit_test(
			a_file_with_zero_bytes_or_none_at_all_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
