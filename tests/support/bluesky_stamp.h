/*
 * bluesky_stamp.h - points in time as the producers write them
 */
#ifndef SUPPORT_BLUESKY_STAMP_H
#define SUPPORT_BLUESKY_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* As Python's datetime.isoformat() writes a naive time: six digits of
 * fraction, or none at all when it is zero.  Years 1 to 9999. */
char *stamp_put_python(char *to, int64_t unix_us);

/* To the second, without a zone: 2025-03-16T13:26:53. */
char *stamp_put_seconds(char *to, int64_t unix_us);

/* With three digits of fraction, without a zone. */
char *stamp_put_millis(char *to, int64_t unix_us);

/* Reads YYYY-MM-DDTHH:MM:SS[.ffffff][Z], UTC; false: it is something else. */
bool stamp_parse(const char *text, int64_t *unix_us);

#endif
