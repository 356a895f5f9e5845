#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fault.h"

/* In a child, with that MILLRACE_FAULT: passes FAULT_MID_COPY `passes` times
 * and another point always, then exits with 7; 8 if the value is refused. */
static int outcome(const char *value, int passes)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (value)
			setenv("MILLRACE_FAULT", value, 1);
		if (!fault_init())
			_exit(8);
		for (int i = 0; i < passes; i++) {
			fault_hit(FAULT_BEFORE_COPY);
			fault_hit(FAULT_MID_COPY);
		}
		_exit(7);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void without_the_variable_nothing_happens(void **state)
{
	(void)state;
	assert_int_equal(outcome(NULL, 100), 7);
	assert_int_equal(outcome("", 100), 7);
}

static void the_nth_pass_is_the_last(void **state)
{
	(void)state;
	assert_int_equal(outcome("mid-copy", 1), -SIGKILL);
	assert_int_equal(outcome("mid-copy:3", 2), 7);
	assert_int_equal(outcome("mid-copy:3", 3), -SIGKILL);
	assert_int_equal(outcome("after-commit", 100), 7);
}

static void a_name_that_is_no_fault_point_is_refused(void **state)
{
	(void)state;
	assert_int_equal(outcome("mid", 1), 8);
	assert_int_equal(outcome("mid-copy-", 1), 8);
	assert_int_equal(outcome(":1", 1), 8);
}

static void every_point_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < FAULT_COUNT; i++) {
		assert_non_null(fault_name((enum fault)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(fault_name((enum fault)i),
						fault_name((enum fault)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_variable_nothing_happens),
		cmocka_unit_test(the_nth_pass_is_the_last),
		cmocka_unit_test(a_name_that_is_no_fault_point_is_refused),
		cmocka_unit_test(every_point_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
