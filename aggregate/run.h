/*
 * run.h - one pass over what is new
 *
 * Every due model, inputs first, each in a transaction of its own under its
 * own lock: consumed loads, rows, test results and log commit together or not
 * at all.  What fails takes its descendants out of this pass and nobody else.
 * Models that do not wait for each other run at the same time, on connections
 * of their own (crew.h).  A pass that finds nothing to do has asked one
 * question.
 */
#ifndef AGGREGATE_RUN_H
#define AGGREGATE_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/task.h"
#include "common/database.h"
#include "common/error.h"

struct crew;
struct pg;
struct pg_once;

struct run {
	struct pg *pg;
	struct tasks *tasks;
	struct project *project;          /* of the tasks */
	struct database_options database; /* for further connections */
	bool is_bare;                     /* run_work prepares the database */
	bool is_idle;                     /* found so without a connection */
	struct crew *crew;                /* for run_pass */
	int64_t timeout_ms;   /* for an answer: a server that is gone */
	int64_t statement_ms; /* for one statement: the server sees to it */
	int64_t lock_ms;      /* for one lock, likewise */
	int64_t keep_runs_ms; /* of the log; 0: for ever */
	int64_t max_loads;    /* of one transaction; 0: any */
	int64_t started_ms;   /* clock_ms, for what is said at the end */
	bool full_refresh;
	int64_t replay_load; /* taken once more; 0: none */
	bool is_repair;      /* readers rebuild, whatever it changes */
	bool is_terse;       /* a model's every run is not worth a line */
	const char *command;
	char begin[800]; /* run_begin's */
	int64_t run_id;  /* 0: nothing has been worth a row in millrace.run */
	/* what came of it; while a pass works, guarded by the mutex, as are
	 * those parts of its tasks that say so */
	pthread_mutex_t mutex;
	enum exit_status status; /* of the worst that happened to a model */
	size_t done, failed, skipped, locked, exported;
	bool has_late; /* abreast.h: loads were left to the next turn */
	int64_t inserted, deleted;
};

/* Works through the selected tasks.  False: the connection is lost, or the
 * database refuses bookkeeping; models that fail are in run->status. */
bool run_pass(struct run *run, struct error *err) MUST_CHECK;

/* Whether a pass over the tasks would find nothing to do, if that can be learnt
 * without libpq. */
bool run_is_idle(struct run *run, struct pg_once *once) MUST_CHECK;

/* Asks what is due, of those that are not is_working; and what must be done
 * before that is worked on. */
bool run_look(struct run *run, struct error *err) MUST_CHECK;
bool run_prepare(struct run *run, struct error *err) MUST_CHECK;

/* The two halves of a pass, for whoever makes many: bringing models up to date,
 * and what may be done more rarely, and is left when we are asked to stop. */
bool run_work(struct run *run, struct error *err) MUST_CHECK;
bool run_tidy(struct run *run, struct error *err) MUST_CHECK;

/* Tests the selected relations as they are; failures are in run->status. */
bool run_tests(struct run *run, struct error *err) MUST_CHECK;

/* --- run_share.c ---------------------------------------------------------- */

/* The run's own connection is to be this one, or NULL; it heeds being asked to
 * stop (pg_heed_stop). */
void run_use(struct run *run, struct pg *pg);

/* A hold on what those who work share. */
void run_lock(struct run *run);
void run_unlock(struct run *run);

/* SQL that begins a transaction as every one of ours begins. */
const char *run_begin(struct run *run);

/* Why a task is due, as `plan` says it; NULL: it is not. */
const char *run_reason(const struct run *run, const struct task *task);

/* Makes the row of this run in millrace.run, if it is not there yet; ends it,
 * however it went: the first error stands. */
bool run_ensure(struct run *run, struct error *err) MUST_CHECK;
bool run_finish(struct run *run, bool ok, struct error *err) MUST_CHECK;

#endif
