/*
 * refresh_settle.h - new versions in the place of old ones, in one message
 *
 * For strategies that can say in one select what the rows under the touched
 * keys will be, each beside the version it replaces.  A transaction then asks
 * once, and makes no more of a temporary table than its tests look at: each
 * costs more than a small load does.
 */
#ifndef AGGREGATE_REFRESH_SETTLE_H
#define AGGREGATE_REFRESH_SETTLE_H

#include "aggregate/refresh.h"

/* Whether the unique_key is short enough for refresh_settle_present. */
bool refresh_settle_fits(const struct refresh *refresh);

/* Appends a select of millrace_row (the ctid) and the columns of those rows of
 * the table that have the key of a row in `name`, NULLs equal.  What it costs
 * depends on those, not on what the table holds. */
void refresh_settle_present(struct buf *out, const struct refresh *refresh,
			    const char *name);

/* select: the columns, and millrace_row: the version that goes, or NULL; one
 * row for each key.  Those that are not `alive`, a condition on the columns,
 * are not put back.  Adds to inserted and deleted. */
bool refresh_settle(struct refresh *refresh, const char *select,
		    const char *alive, struct error *err) MUST_CHECK;

#endif
