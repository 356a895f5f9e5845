#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"

static char said[8192];
static int saved_stderr = -1, file = -1;

/* stderr is a file until heard(), which reads it back. */
static void listen(void)
{
	char path[] = "/tmp/millrace-log-XXXXXX";

	file = mkstemp(path);
	assert_true(file >= 0);
	unlink(path);
	saved_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
}

static const char *heard(void)
{
	ssize_t len;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	len = pread(file, said, sizeof said - 1, 0);
	close(file);
	said[len < 0 ? 0 : len] = '\0';
	return said;
}

static void an_event_is_one_line_with_the_programs_name(void **state)
{
	(void)state;
	log_init("pour-tea", LOG_INFO);
	listen();
	log_line(LOG_INFO, "%d cups", 3);
	log_line(LOG_WARNING, "hot");
	log_line(LOG_ERROR, "spilt");
	assert_string_equal(heard(), "pour-tea: 3 cups\n"
				     "pour-tea: warning: hot\n"
				     "pour-tea: error: spilt\n");
}

static void what_was_held_back_is_told_at_the_end(void **state)
{
	(void)state;
	log_init("pour-tea", LOG_INFO);
	log_end();
	listen();
	for (int i = 0; i < 3; i++)
		log_line(LOG_WARNING, "the pot is empty");
	/* more than are remembered, and none of them is lost either */
	for (int i = 0; i < 40; i++)
		log_line(LOG_WARNING, "cup %d is cracked", i);
	log_line(LOG_WARNING, "the pot is empty");
	heard();
	listen();
	log_end();
	log_end();
	assert_string_equal(heard(), "pour-tea: warning: the pot is empty "
				     "(and 3 times more)\n");
}

static void what_is_below_the_level_is_not_written(void **state)
{
	(void)state;
	log_init("pour-tea", LOG_WARNING);
	listen();
	log_line(LOG_DEBUG, "a");
	log_line(LOG_INFO, "b");
	log_progress("c=1");
	log_line(LOG_WARNING, "d");
	assert_string_equal(heard(), "pour-tea: warning: d\n");
	log_init("pour-tea", LOG_DEBUG);
	listen();
	log_line(LOG_DEBUG, "e");
	assert_string_equal(heard(), "pour-tea: e\n");
}

static void control_characters_cannot_forge_lines_or_colours(void **state)
{
	(void)state;
	log_init("pour-tea", LOG_INFO);
	listen();
	log_line(LOG_INFO, "a\nb\rc\033[31md\177e\tf \xc3\xa9");
	log_progress("g\nh");
	assert_string_equal(heard(), "pour-tea: a\\nb\\x0dc\\x1b[31md\\x7fe"
				     "\\x09f \xc3\xa9\n"
				     "pour-tea: g\\nh\n");
}

static void progress_off_a_terminal_is_a_line_each_time(void **state)
{
	(void)state;
	log_init("pour-tea", LOG_INFO);
	listen();
	log_progress("rows=%d", 1);
	log_progress("rows=%d", 2);
	assert_false(log_is_terminal());
	assert_string_equal(heard(), "pour-tea: rows=1\npour-tea: rows=2\n");
}

static void a_sentence_of_any_length_is_cut_and_ends_its_line(void **state)
{
	char wide[5000];
	size_t len;

	(void)state;
	memset(wide, 'w', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	log_init("pour-tea", LOG_INFO);
	listen();
	log_line(LOG_INFO, "%s", wide);
	len = strlen(heard());
	assert_in_range(len, 2000, 2100);
	assert_int_equal(said[len - 1], '\n');
	assert_ptr_equal(strchr(said, '\n'), &said[len - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_one_line_with_the_programs_name),
		cmocka_unit_test(what_was_held_back_is_told_at_the_end),
		cmocka_unit_test(what_is_below_the_level_is_not_written),
		cmocka_unit_test(
			control_characters_cannot_forge_lines_or_colours),
		cmocka_unit_test(progress_off_a_terminal_is_a_line_each_time),
		cmocka_unit_test(
			a_sentence_of_any_length_is_cut_and_ends_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
