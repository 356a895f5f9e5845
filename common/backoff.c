#include "common/backoff.h"

#include <poll.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/stop.h"

/* From 0 to most, both included. */
static int64_t random_up_to(int64_t most)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
		number = (uint64_t)clock_unix_us();
	return (int64_t)(number % ((uint64_t)most + 1));
}

void backoff_reset(struct backoff *backoff)
{
	backoff->ceiling_ms = 0;
}

int64_t backoff_next(struct backoff *backoff, int64_t now_ms)
{
	int64_t wait;

	if (backoff->ceiling_ms == 0) {
		backoff->ceiling_ms = backoff->first_ms;
		backoff->deadline_ms = now_ms + backoff->within_ms;
	}
	wait = random_up_to(backoff->ceiling_ms);
	backoff->ceiling_ms *= 2;
	if (backoff->ceiling_ms > backoff->most_ms)
		backoff->ceiling_ms = backoff->most_ms;
	if (backoff->within_ms == 0)
		return wait;
	if (now_ms >= backoff->deadline_ms)
		return -1;
	if (wait > backoff->deadline_ms - now_ms)
		wait = backoff->deadline_ms - now_ms;
	return wait;
}

bool backoff_wait(struct backoff *backoff)
{
	int64_t until = clock_ms();
	int64_t wait = backoff_next(backoff, until);

	if (wait < 0)
		return false;
	until += wait;
	while ((wait = until - clock_ms()) > 0 && !stop_requested()) {
		struct pollfd fd = {.fd = stop_fd(), .events = POLLIN};

		/* a descriptor of -1 is ignored */
		poll(&fd, 1, wait > 60000 ? 60000 : (int)wait);
	}
	return !stop_requested();
}
