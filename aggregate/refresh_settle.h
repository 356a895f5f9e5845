/*
 * refresh_settle.h - new versions in the place of old ones, in one message
 *
 * For strategies that can say in one select what the rows under the touched
 * keys will be, each beside the version it replaces.  A transaction then asks
 * once, and makes no more of a temporary table than its tests look at: each
 * costs more than a small load does.  Where nobody who reads the changes of
 * the table looks at what has changed in a row, it is updated where it is: its
 * indexes need not know (a heap-only tuple), and nothing has to be kept.
 */
#ifndef AGGREGATE_REFRESH_SETTLE_H
#define AGGREGATE_REFRESH_SETTLE_H

#include "aggregate/refresh.h"

/* Whether the unique_key is short enough for refresh_settle_beside. */
bool refresh_settle_fits(const struct refresh *refresh);

/* Whether a column may change in place: no reader of the changes looks at it,
 * and no unique index holds it, where two rows could be equal for a moment. */
bool refresh_settles_column(const struct refresh *refresh, const char *name);

/* Whether there is any such column. */
bool refresh_settles_in_place(const struct refresh *refresh);

/* Appends a select of the list, in which n is a row of `name` and t the row of
 * the table with the same key, NULLs equal, if there is one; and millrace_row,
 * the ctid of t.  What it costs depends on `name`, not on what the table holds.
 */
void refresh_settle_beside(struct buf *out, const struct refresh *refresh,
			   const char *name, const char *list);

/* select: the columns, millrace_row: the version that goes, or NULL, and
 * with refresh_settles_in_place millrace_stays: whether nothing but such
 * columns differs from it; one row for each key.  Those that are not `alive`, a
 * condition on the columns, are not put back.  Adds to inserted and deleted. */
bool refresh_settle(struct refresh *refresh, const char *select,
		    const char *alive, struct error *err) MUST_CHECK;

#endif
