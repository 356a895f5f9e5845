/*
 * abreast.h - models that have a test in common take the same loads
 *
 * Each has a transaction of its own, one after the other.  A load that is
 * committed in between would be in the later ones alone, and a test that
 * compares them would fail although nothing is wrong.  So all of a group
 * (is_grouped) take of streams and sources what the look before their turns has
 * seen; what is there besides by then is late, and left to their next turns.
 * What models load is never late: those that the group reads are of the group.
 *
 * Some are left out of it:
 *   - a model whose tests see a stream or source too, or a view of one, is
 *     compared with all that is there, so it takes all that is there; and so
 *     does what has a test in common with it;
 *   - what must read everything anew (a first build, changed code, a full
 *     refresh); and snapshots, which take extracts in their own order;
 *   - late loads that changed or replaced rows, and those that the model sees
 *     through a view: their rows cannot be left unread.
 */
#ifndef AGGREGATE_ABREAST_H
#define AGGREGATE_ABREAST_H

#include "aggregate/attempt.h"
#include "aggregate/task.h"

/* Between a look and the turns of a group: this is what they take. */
void abreast_begin(struct tasks *tasks);

/* After a look in the attempt: leaves late loads behind, and says so in
 * run->has_late. */
void abreast_keep(struct attempt *attempt);

#endif
