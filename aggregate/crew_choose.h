/*
 * crew_choose.h - who is next
 *
 * In a pass, tasks whose inputs are over; of several the one that was quickest
 * the last time, so that in pass after pass what is quick never waits for what
 * is slow.
 *
 * Rolling, a model may run on whatever its inputs have committed: what it has
 * consumed is its own, so that any order is right, and inputs first is economy.
 * A task waits for those inputs whose turn came before or with its own, not for
 * those that are due once more: so it never waits for ever.  Of several it is
 * the one with the highest response ratio, (waited + took) / took: what is
 * quick goes first, and what is slow gains by waiting.  What reads a stream or
 * source, and is read itself, feeds the others: it goes before them, as long as
 * one who works stays for those.  All else rests between its turns, four times
 * as long as it took, five seconds at most: it finds more at once then, which
 * is cheaper, and leaves the machine to others; and one who works always stays
 * free of what of it is slow.  A table that must be replaced lets nobody begin
 * before it, and waits until all are done.
 *
 * The caller holds the run's mutex.
 */
#ifndef AGGREGATE_CREW_CHOOSE_H
#define AGGREGATE_CREW_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/task.h"

struct crew_state {
	bool is_rolling;
	size_t size; /* who could work */
	size_t busy; /* who does */
	int64_t now_ms;
	int64_t wake_ms; /* when one that rests may begin */
};

/* A task that can be worked on now, NULL: none; then *left says whether any
 * will be, and state->wake_ms when one that rests may, INT64_MAX: none rests.
 */
struct task *crew_choose(const struct tasks *tasks, struct crew_state *state,
			 bool *left);

#endif
