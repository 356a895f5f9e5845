/*
 * ledger_parts.h - what the files of the ledger share
 */
#ifndef AGGREGATE_LEDGER_PARTS_H
#define AGGREGATE_LEDGER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/task.h"
#include "common/buf.h"
#include "common/error.h"

struct pg;

/* A condition: row l of millrace.load, above the model's floor, has something
 * that `model` (an expression) has not consumed. */
void ledger_pending_sql(struct buf *out, const char *model);

/* A table of relation and model: who reads what. */
void ledger_reads_sql(struct buf *out, struct task *const *task, size_t count);

/* The last condition of a select of millrace.model m, and what follows it:
 * nobody is running the model, and nobody else has its row.  What is noted of
 * one that runs would undo its transaction in the end, and two who note many
 * would wait for each other in a circle: the next tidying comes to those. */
void ledger_idle_sql(struct buf *out);

/* Works out complete_through of every task, as of one snapshot. */
bool ledger_complete(struct pg *pg, int64_t timeout_ms,
		     const struct tasks *tasks, struct error *err) MUST_CHECK;

/* Whether a look asks for the state of a task: the one in question, or an input
 * of it; NULL: all, or those that tasks->is_narrow leaves. */
bool ledger_concerns(const struct tasks *tasks, const struct task *task,
		     const struct task *only);

/* An expression: what pg_class says of the kind of `model` (an expression);
 * null: it is not there. */
void ledger_kind_sql(struct buf *out, const char *model);

/* A select: whether a tick is due. */
extern const char ledger_tick_question[];

/* The one question of a look: a row for each task, and behind it one for each
 * of its pending loads; its columns are those of ledger.c. */
void ledger_look_sql(struct buf *sql, const struct tasks *tasks,
		     const struct task *only);

#endif
