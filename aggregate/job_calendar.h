/*
 * job_calendar.h - when a calendar expression comes round, as systemd says
 */
#ifndef AGGREGATE_JOB_CALENDAR_H
#define AGGREGATE_JOB_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/settings.h"

enum { CALENDAR_TIME_BYTES = 32 };

/* The first time after after_s (seconds since 1970) that one of the expressions
 * names; text (may be NULL) gets it as people read it, UTC: "" if there is none
 * or systemd-analyze is not installed, "invalid" for what it refuses. */
bool calendar_next(const struct setting_list *expressions, int64_t after_s,
		   int64_t *next_s, char text[CALENDAR_TIME_BYTES]);

#endif
