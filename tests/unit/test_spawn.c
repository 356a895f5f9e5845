#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/spawn.h"

static bool shell(const char *text, const char *const *variable,
		  int64_t timeout_ms, struct buf *out, int *status,
		  struct error *err)
{
	const char *const argv[] = {"/bin/sh", "-c", text, NULL};
	const struct spawn spawn = {.argv = argv,
				    .variable = variable,
				    .timeout_ms = timeout_ms,
				    .out = out};

	return spawn_run(&spawn, status, err);
}

static const char *const nothing[] = {NULL};

static void status_and_output_come_back(void **state)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	int status;

	(void)state;
	assert_true(shell("cat; echo one; echo two; exit 3", nothing, 60000,
			  &out, &status, &err));
	assert_string_equal(buf_text(&out), "one\ntwo\n");
	assert_int_equal(status, 3);
	assert_true(
		shell("kill -TERM $$", nothing, 60000, &out, &status, &err));
	assert_int_equal(status, 128 + 15);
	buf_release(&out);
}

static void secrets_stay_here_and_data_is_no_code(void **state)
{
	static const char *const message[] = {"MESSAGE=$(echo no) `id` ;'\"",
					      NULL};
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	int status;

	(void)state;
	setenv("PGPASSWORD", "geheim", 1);
	setenv("PERIODIC_DSN", "password=geheim", 1);
	assert_true(shell("env | grep -c geheim; printf %s \"$MESSAGE\"",
			  message, 60000, &out, &status, &err));
	assert_string_equal(buf_text(&out), "0\n$(echo no) `id` ;'\"");
	buf_release(&out);
}

static void one_that_does_not_end_is_killed_with_its_children(void **state)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	int64_t since = clock_ms();
	int status;

	(void)state;
	assert_false(shell("sleep 60 & sleep 60", nothing, 200, &out, &status,
			   &err));
	assert_string_equal(err.text,
			    "/bin/sh did not end within 0 s and was killed");
	assert_true(clock_ms() - since < 50000);
	/* one left behind with our pipe is not waited for */
	err = ERROR_INIT;
	since = clock_ms();
	assert_true(shell("sleep 60 & exit 0", nothing, 60000, &out, &status,
			  &err));
	assert_true(clock_ms() - since < 50000);
	buf_release(&out);
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
	const char *const argv[] = {"no-such-program-anywhere", NULL};
	struct error err = ERROR_INIT;
	int status;

	(void)state;
	assert_false(spawn_run(&(struct spawn){.argv = argv,
					       .variable = nothing,
					       .timeout_ms = 60000},
			       &status, &err));
	assert_string_equal(err.text, "cannot run no-such-program-anywhere: "
				      "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_and_output_come_back),
		cmocka_unit_test(secrets_stay_here_and_data_is_no_code),
		cmocka_unit_test(
			one_that_does_not_end_is_killed_with_its_children),
		cmocka_unit_test(a_program_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
