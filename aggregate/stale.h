/*
 * stale.h - ends loads that nobody is loading any more
 *
 * A handle-streams that lost its machine in the middle of a COPY may leave a
 * transaction behind that no timeout of PostgreSQL 15 ends.  It holds its
 * position, and no load after it can be sealed.
 */
#ifndef AGGREGATE_STALE_H
#define AGGREGATE_STALE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct pg;

/* A select, for a message that asks something else too, of whether stale_end
 * has something to do. */
extern const char stale_question[];

/* Ends the sessions of handle-streams that have been in one transaction for
 * more than ten minutes, and logs each.  One that this user may not end is
 * logged too; one whose times it may not see is left alone. */
bool stale_end(struct pg *pg, int64_t timeout_ms, struct error *err) MUST_CHECK;

#endif
