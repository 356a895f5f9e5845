/*
 * ledger.h - which loads there are, and which of them a model has consumed
 *
 * A load counts as consumed when model_load has it or when it lies at or below
 * the model's floor.  The floor only reaches loads that are sealed: no load
 * with a smaller number can still become visible.  So nothing here depends on
 * clocks or on the order of commits, and looking costs what is new.
 */
#ifndef AGGREGATE_LEDGER_H
#define AGGREGATE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/task.h"
#include "common/error.h"

struct pg;
struct pg_once;

/* Of a load, row l of the ledger: without rows, and no change either, it says
 * nothing to readers. */
#define LEDGER_SAYS_SOMETHING "(l.row_count > 0 or l.op in ('t', 'd', 'r'))"

/* Reads the state of all tasks, or of `only` and what it must know of its
 * inputs (NULL: all), in one query, sent behind the statements of `before` in
 * the same message. */
bool ledger_look(struct pg *pg, int64_t timeout_ms, struct tasks *tasks,
		 struct task *only, const char *before,
		 struct error *err) MUST_CHECK;

/* As little of it as tells whether anything is to be done, for a session that
 * has asked nothing yet: it costs half of a look.  is_clear: of the selected
 * tasks, all that run_reason looks at is known, and no load is pending;
 * besides, only the tick may be due.  If not, a look must follow.  Notes
 * whether the schema fits; it fails if there is none. */
bool ledger_glance(struct pg *pg, int64_t timeout_ms, struct tasks *tasks,
		   bool *is_clear, struct error *err) MUST_CHECK;

/* The same question without libpq: true if it was answered, the schema fits,
 * all is clear, and not even the tick is due. */
bool ledger_glance_once(struct pg_once *once, int64_t timeout_ms,
			struct tasks *tasks) MUST_CHECK;

/* Whether one of these tasks has loads pending in the snapshot of the open
 * transaction. */
bool ledger_is_pending(struct pg *pg, int64_t timeout_ms,
		       struct task *const *task, size_t count, bool *pending,
		       struct error *err) MUST_CHECK;

/* SQL that marks the pending loads of a task consumed by run_id; with
 * everything, every load visible instead of those listed: after a build. */
enum ledger_take { LEDGER_PENDING, LEDGER_EVERYTHING };
void ledger_consume_sql(struct buf *out, const struct task *task,
			int64_t run_id, enum ledger_take take);

/* What a run did to a relation, as downstream sees it. */
struct ledger_change {
	char op;             /* i, r or t; 0: nothing changed */
	int64_t row_count;   /* rows inserted */
	bool loses_gone;     /* rows went and were not kept as old versions */
	const char *settled; /* as of refresh.h */
};

/* SQL that writes the relation's own ledger row, if it changed, and the
 * model's state. */
void ledger_record_sql(struct buf *out, const struct task *task, int64_t run_id,
		       const struct ledger_change *change);

/* SQL that notes since when the newest extract holds that a snapshot has taken,
 * timestamp in UTC. */
void ledger_effective_sql(struct buf *out, const struct task *task,
			  const char *effective);

/* Moves the seal, and complete_through of every model behind it. */
bool ledger_tick(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		 struct error *err) MUST_CHECK;

/* A tick; forgets runs older than keep_runs_ms (0: none), then drops
 * old versions that every reader has passed. */
bool ledger_tidy(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		 int64_t keep_runs_ms, struct error *err) MUST_CHECK;

/* Drops old versions of the task that every reader has passed, unless nobody
 * has read since, or it is being worked on: then it is_kept. */
bool ledger_prune(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		  struct task *task, struct error *err) MUST_CHECK;

#endif
