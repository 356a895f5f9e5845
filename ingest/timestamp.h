/*
 * timestamp.h - dates and times, read strictly
 *
 * PostgreSQL accepts `now`, `01/02/2024` and zone-less text in whatever zone
 * the session has; none of that may depend on who loads.  Here a time is RFC
 * 3339, section 5.6: YYYY-MM-DDThh:mm:ss[.fraction] and Z or +hh:mm, nothing
 * else.  What the RFC leaves open:
 *
 *	T and Z may be lower case, -00:00 is UTC (the RFC says both);
 *	a fraction finer than a microsecond is rounded as PostgreSQL rounds it;
 *	second 60 is a leap second: only at 23:59:60 UTC, and it is stored as
 *	the first second of the next day, as PostgreSQL does;
 *	hour 24 is refused (the RFC has 00 to 23), so are zones of 16 hours and
 *	more, and what lies outside the years 1 to 9999 once in UTC.
 *
 * Results are microseconds or days since 2000-01-01 (UTC): the binary form of
 * timestamptz, timestamp and date.
 */
#ifndef INGEST_TIMESTAMP_H
#define INGEST_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* ZONE_OPTIONAL also takes a space in place of T; without a zone the time is
 * UTC. */
enum timestamp_zone { ZONE_REQUIRED, ZONE_OPTIONAL };

bool timestamp_parse(const char *text, size_t len, enum timestamp_zone zone,
		     int64_t *us, struct error *err) MUST_CHECK;

/* YYYY-MM-DD and nothing else. */
bool timestamp_parse_date(const char *text, size_t len, int32_t *days,
			  struct error *err) MUST_CHECK;

/* From microseconds since 1970-01-01 UTC.  False: outside the years 1 to
 * 9999, *us is untouched. */
bool timestamp_from_unix(int64_t unix_us, int64_t *us);

/* Writes `2025-03-16 13:26:53.075991` for people; size at least 32. */
void timestamp_format(int64_t us, char *text, size_t size);

/* The same for a date: `2025-03-16`. */
void timestamp_format_date(int32_t days, char *text, size_t size);

#endif
