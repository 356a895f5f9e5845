/*
 * bluesky_burst.h - likes in a hurry, on both sides of every edge
 *
 * "Fast" is 50 likes of which the last comes less than 60 seconds after the
 * first.  Each burst is one user's and has one plan of a table that is gone
 * through in order: one like too few, one microsecond too many, a delivery
 * that was repeated, a like that was taken back.
 */
#ifndef SUPPORT_BLUESKY_BURST_H
#define SUPPORT_BLUESKY_BURST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/bluesky_op.h"

struct burst {
	const struct burst_plan *plan; /* NULL: over */
	uint64_t user;
	int64_t start_us;
	int next; /* the operation that comes next */
};

/* The number-th burst, ending a while before now_us. */
void burst_begin(struct burst *burst, uint64_t number, uint64_t user,
		 int64_t now_us);

/* Hands out its next operation; false: it is over. */
bool burst_next(struct burst *burst, struct op *op);

#endif
