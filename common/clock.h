/*
 * clock.h - the only place that asks what time it is
 *
 * clock_ms is monotonic and measures durations and deadlines; it means nothing
 * outside this process.  clock_unix_us is the wall clock and is shown to
 * people, never compared with the database's.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic milliseconds since some fixed point. */
int64_t clock_ms(void);

/* The same clock (CLOCK_MONOTONIC) `ms` from now, and when clock_ms says
 * `at_ms`: for waits that end then. */
struct timespec clock_after(int64_t ms);
struct timespec clock_at(int64_t at_ms);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_unix_us(void);

/* Sleeps, at most `ms`; returns early when a signal arrives. */
void clock_sleep_ms(int64_t ms);

#endif
