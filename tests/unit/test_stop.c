#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/stop.h"

static bool is_readable(int fd)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};

	return poll(&waiting, 1, 0) == 1;
}

/* What a child does and how it ends: its exit status, or minus the signal. */
static int child_outcome(void (*live)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		stop_install();
		live();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void signal_once(void)
{
	if (stop_requested() || is_readable(stop_fd()))
		_exit(1);
	raise(SIGTERM);
	if (!stop_requested() || !is_readable(stop_fd()))
		_exit(2);
	clock_sleep_ms(1);
	if (!is_readable(stop_fd()))
		_exit(3);
}

static void signal_twice(void)
{
	raise(SIGINT);
	raise(SIGTERM);
}

static void ask_then_signal(void)
{
	stop_request();
	if (!stop_requested() || !is_readable(stop_fd()))
		_exit(1);
	raise(SIGINT);
}

static void write_to_nobody(void)
{
	int fds[2];

	if (pipe(fds) != 0)
		_exit(1);
	close(fds[0]);
	if (write(fds[1], "x", 1) >= 0)
		_exit(2);
}

static void the_first_signal_asks_and_wakes_whoever_polls(void **state)
{
	(void)state;
	assert_int_equal(child_outcome(signal_once), 0);
}

static void the_second_signal_ends_the_process_at_once(void **state)
{
	(void)state;
	assert_int_equal(child_outcome(signal_twice), 128 + SIGTERM);
}

static void a_request_of_our_own_counts_like_a_signal(void **state)
{
	(void)state;
	assert_int_equal(child_outcome(ask_then_signal), 128 + SIGINT);
}

static void a_closed_pipe_is_an_error_and_no_death(void **state)
{
	(void)state;
	assert_int_equal(child_outcome(write_to_nobody), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_signal_asks_and_wakes_whoever_polls),
		cmocka_unit_test(the_second_signal_ends_the_process_at_once),
		cmocka_unit_test(a_request_of_our_own_counts_like_a_signal),
		cmocka_unit_test(a_closed_pipe_is_an_error_and_no_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
