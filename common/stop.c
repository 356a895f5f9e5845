#include "common/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int requested;
static int pipe_fds[2] = {-1, -1};

static void on_signal(int number)
{
	int saved = errno;

	if (atomic_fetch_add(&requested, 1) > 0)
		_exit(128 + number);
	if (write(pipe_fds[1], "", 1) < 0) {
		/* the flag alone will do */
	}
	errno = saved;
}

void stop_install(void)
{
	struct sigaction stop = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (pipe_fds[0] < 0 && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
		abort();
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
}

bool stop_requested(void)
{
	return atomic_load(&requested) > 0;
}

int stop_fd(void)
{
	return pipe_fds[0];
}

void stop_request(void)
{
	if (atomic_exchange(&requested, 1) == 0 && pipe_fds[1] >= 0 &&
	    write(pipe_fds[1], "", 1) < 0) {
		/* the flag alone will do */
	}
}
