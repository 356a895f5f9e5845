/*
 * rolling.h - a watch without passes
 *
 * Whenever there is news, it looks at those that are not being worked on, and
 * hands out turns; what has become due meanwhile of one that is, is found as
 * soon as it is over.  So models that are quick have fresh rows while slow ones
 * take their time, and those then find more loads at once, which is cheaper.
 *
 * Tasks of a group (is_grouped) have their turns together, as in a pass: the
 * next begins when all are over.
 *
 * Somebody whose input has just changed has his turn without a look.
 */
#ifndef AGGREGATE_ROLLING_H
#define AGGREGATE_ROLLING_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/pace.h"
#include "aggregate/run.h"

struct rolling {
	struct run *run;
	struct pace *pace;
	bool is_on;
	bool is_group_out;
	/* for the caller, who takes it back */
	bool has_news;          /* somebody may have missed something */
	bool has_worked;        /* a model has run */
	int64_t took_ms;        /* the longest from due to over */
	int64_t rests_until_ms; /* there were no connections to be had */
};

/* Worth it with several to work; not while a pass has to be made. */
bool rolling_is_possible(const struct rolling *rolling);

/* Nothing is being worked on: the pace and the run's tasks may be replaced
 * before, and after rolling_stop. */
void rolling_start(struct rolling *rolling);

/* Takes in what is over, looks (if asked to) and hands out what is due.  False:
 * a connection is lost. */
bool rolling_turn(struct rolling *rolling, bool look,
		  struct error *err) MUST_CHECK;

/* Whether nobody works, or will. */
bool rolling_is_idle(const struct rolling *rolling);

/* Waits until everything that is being worked on is over.  False: a worker's
 * connection is lost for good. */
bool rolling_stop(struct rolling *rolling, struct error *err) MUST_CHECK;

#endif
