/*
 * attempt.h - one attempt at bringing a task up to date
 *
 * From begin to commit: what is pending in this snapshot, what must be done
 * about it, the strategy, the tests, the task's own ledger row, state and log.
 * All of it commits, or nothing does.  The caller holds the task's lock.
 */
#ifndef AGGREGATE_ATTEMPT_H
#define AGGREGATE_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/refresh.h"
#include "aggregate/run.h"
#include "aggregate/test.h"

enum action {
	ACTION_NONE,
	ACTION_VIEW,
	ACTION_BUILD,   /* there is no table */
	ACTION_REBUILD, /* the whole query, as a diff */
	ACTION_APPLY,   /* the strategy, on the pending loads */
	ACTION_INDEX,   /* readers have come or gone: other indexes */
};

/* Which pending loads have passed the tests of their stream: asked once, for
 * all steps and repetitions. */
struct verdicts {
	bool are_known; /* a stream that it reads has tests; they were asked */
	int64_t *passed;
	size_t passed_count;
};

struct attempt {
	struct run *run;
	struct pg *pg;
	struct task *task;
	int64_t started_ms;
	bool may_swap; /* the exclusive swap lock is held */
	/* what became of it */
	enum action action;
	bool needs_swap; /* nothing was done: the swap lock is needed */
	bool exported;   /* the file of a view was written */
	bool is_new_code;
	bool swapped;
	bool *joint_ran; /* of tasks->joint */
	struct verdicts *verdicts;
	size_t pending_count; /* with those that wait for their tests, which
				 stand behind */
	size_t look_count;    /* with those that are late, behind these */
	bool is_changed;      /* it wrote a ledger row */
	char xid[24]; /* once nothing is left to do but commit; else "" */
	struct refresh refresh;
	struct test_report report;
};

/* --- attempt_leave.c ----------------------------------------------------- */

/* Puts the loads that it does not take behind the others: they stay pending,
 * and their rows are not read. */
void attempt_leave(struct attempt *attempt,
		   bool (*takes)(const struct attempt *attempt,
				 const struct load *load));

/* The same of those that stand behind, after a change of their number. */
void attempt_leave_rest(struct attempt *attempt);

/* --- attempt_decide.c ---------------------------------------------------- */

/* What is to be done in the state that the task was seen in: sets action. */
void attempt_decide(struct attempt *attempt);

/* Whether the strategy can follow what is pending; an error otherwise. */
bool attempt_can_follow(const struct attempt *attempt,
			struct error *err) MUST_CHECK;

/* New columns may be all that has changed, and all that is wanted: then the
 * action becomes that of pending loads. */
bool attempt_decide_columns(struct attempt *attempt,
			    struct error *err) MUST_CHECK;

/* --- attempt.c ----------------------------------------------------------- */

/* Does what was decided, inside a transaction. */
bool attempt_apply(struct attempt *attempt, struct error *err) MUST_CHECK;

/* With false, the transaction may be open; attempt_log ends it. */
bool attempt_work(struct attempt *attempt, struct error *err) MUST_CHECK;
void attempt_release(struct attempt *attempt);

/* A unique index may have spoken for a test: then *err says which. */
void attempt_find_test(struct attempt *attempt, struct error *err);

/* --- attempt_record.c ---------------------------------------------------- */

/* Writes down what was done, and commits. */
bool attempt_commit(struct attempt *attempt, struct error *err) MUST_CHECK;

/* After the commit: what the task and its readers know now. */
void attempt_settle(struct attempt *attempt);

/* Rolls back and writes down how it ended (`error`, `fail`, `stopped`), in a
 * transaction of its own. */
bool attempt_log(struct attempt *attempt, const char *status,
		 const char *message, struct error *err) MUST_CHECK;

/* What was done, in the log's word: build, merge, view. */
const char *attempt_action(const struct attempt *attempt);

#endif
