/*
 * backoff.h - how long to wait before trying again
 *
 * Full jitter: every wait is random between nothing and a ceiling that doubles
 * from first_ms to most_ms, so that programs which failed together do not come
 * back together.  Source: https://aws.amazon.com/blogs/architecture/
 * exponential-backoff-and-jitter/
 */
#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	int64_t first_ms;
	int64_t most_ms;
	int64_t within_ms; /* give up this long after the first failure; 0:
			    * never */
	/* private */
	int64_t ceiling_ms;  /* of the next wait; 0: nothing has failed yet */
	int64_t deadline_ms; /* clock_ms */
};

/* Nothing has failed yet: as after backoff_reset. */
#define BACKOFF_INIT(first, most, within)                                      \
	((struct backoff){.first_ms = (first),                                 \
			  .most_ms = (most),                                   \
			  .within_ms = (within)})

/* It has worked: the next failure is a first one again. */
void backoff_reset(struct backoff *backoff);

/* After a failure: how long to wait, in ms; -1: give up.  now_ms: clock_ms. */
int64_t backoff_next(struct backoff *backoff, int64_t now_ms);

/* After a failure: waits.  False: give up, or the program was asked to stop
 * (which ends the wait at once). */
bool backoff_wait(struct backoff *backoff);

#endif
