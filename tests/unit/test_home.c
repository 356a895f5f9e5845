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

#include "common/buf.h"
#include "common/home.h"

/* home_find from that folder, which has the sub-folder or file sql or not. */
static void find_in(const char *folder, struct buf *found)
{
	char before[4096];

	assert_non_null(getcwd(before, sizeof before));
	assert_int_equal(chdir(folder), 0);
	buf_reset(found);
	home_find(found, "NO_SUCH_VARIABLE");
	assert_int_equal(chdir(before), 0);
}

static void a_folder_with_sql_in_it_is_the_project(void **state)
{
	char folder[] = "/tmp/millrace-home-XXXXXX", path[64];
	struct buf found = BUF_INIT;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/sql", folder);
	out = fopen(path, "we"); /* a file of that name is none */
	assert_non_null(out);
	fclose(out);
	find_in(folder, &found);
	assert_string_not_equal(buf_text(&found), ".");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	find_in(folder, &found);
	assert_string_equal(buf_text(&found), ".");
	rmdir(path);
	rmdir(folder);
	buf_release(&found);
}

/* This test is built inside the checkout, in build/. */
static void elsewhere_it_is_the_checkout_of_the_program(void **state)
{
	char program[4096], sql[4200];
	struct buf found = BUF_INIT;
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	struct stat status;

	(void)state;
	assert_true(len > 0);
	program[len] = '\0';
	find_in("/", &found);
	assert_memory_equal(program, buf_text(&found), found.len);
	assert_memory_equal(program + found.len, "/build/", 7);
	snprintf(sql, sizeof sql, "%s/sql/schema", buf_text(&found));
	assert_int_equal(stat(sql, &status), 0);
	buf_release(&found);
}

static void the_environment_has_the_first_word(void **state)
{
	struct buf found = BUF_INIT;

	(void)state;
	setenv("MILLRACE_TEST_PROJECT", "/somewhere/else", 1);
	home_find(&found, "MILLRACE_TEST_PROJECT");
	assert_string_equal(buf_text(&found), "/somewhere/else");
	buf_reset(&found);
	setenv("MILLRACE_TEST_PROJECT", "", 1);
	home_find(&found, "MILLRACE_TEST_PROJECT");
	assert_string_not_equal(buf_text(&found), "");
	buf_release(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_with_sql_in_it_is_the_project),
		cmocka_unit_test(the_environment_has_the_first_word),
		cmocka_unit_test(elsewhere_it_is_the_checkout_of_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
