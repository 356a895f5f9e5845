#include "common/clock.h"

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct timespec clock_at(int64_t at_ms)
{
	return (struct timespec){.tv_sec = at_ms / 1000,
				 .tv_nsec = at_ms % 1000 * 1000000};
}

struct timespec clock_after(int64_t ms)
{
	return clock_at(clock_ms() + ms);
}

int64_t clock_unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_sleep_ms(int64_t ms)
{
	const struct timespec span = {.tv_sec = ms / 1000,
				      .tv_nsec = ms % 1000 * 1000000};

	if (ms > 0)
		nanosleep(&span, NULL);
}
