#include "aggregate/run_task.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/attempt.h"
#include "aggregate/export.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

enum { ATTEMPTS = 3 };

const char *run_begin(void)
{
	return "begin isolation level repeatable read; "
	       "set local role millrace_aggregate; "
	       "set local search_path = pg_catalog, pg_temp; "
	       "set local timezone = 'UTC'; set local lock_timeout = '60s'; "
	       "set local jit = off; set local random_page_cost = 1.1; "
	       "set local client_connection_check_interval = '5s';\n";
}

/* --- locks ---------------------------------------------------------------- */

static bool lock(struct run *run, const struct task *task, bool *locked,
		 struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql, "select case when pg_try_advisory_lock(%d, hashtext(",
		   LOCK_MODEL);
	quote_literal(&sql, task->name);
	buf_format(&sql,
		   ")) then pg_try_advisory_lock_shared(%d, 0) "
		   "else false end",
		   LOCK_SWAP);
	ok = pg_fetch(run->pg, run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok)
		*locked = PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* A pooler that hands every transaction another session loses session locks;
 * model_load has kept everything exact all the same. */
static bool unlock(struct run *run, const struct task *task, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql, "select pg_advisory_unlock(%d, hashtext(", LOCK_MODEL);
	quote_literal(&sql, task->name);
	buf_add_text(&sql, ")), pg_advisory_unlock_all()");
	ok = pg_fetch(run->pg, run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok && PQgetvalue(res, 0, 0)[0] != 't')
		ok = error_set(err, ERROR_FATAL, STATUS_DATABASE,
			       "the session lock on %s is gone: the connection "
			       "seems to pass through a transaction pooler; "
			       "periodic needs a direct one",
			       task->name);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* Waits until no other model runs, and keeps new ones waiting. */
static bool lock_swap(struct run *run, struct error *err)
{
	return pg_runf(run->pg, run->timeout_ms, err,
		       "select pg_advisory_unlock_shared(%d, 0); "
		       "select pg_advisory_lock(%d, 0)",
		       LOCK_SWAP, LOCK_SWAP);
}

/* --- exports -------------------------------------------------------------- */

static void report_export(struct run *run, const struct task *task)
{
	run->exported++;
	log_line(LOG_INFO, "%s: wrote %s", task->name,
		 task->model->export_path);
}

/* A table's CSV, after the commit: a later run catches up on a crash here.
 * With false, the transaction may be open. */
static bool export_table(struct run *run, struct task *task, struct error *err)
{
	enum export_outcome outcome = EXPORT_UNCHANGED;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!task->model->export_path)
		return true;
	ok = ledger_look(run->pg, run->timeout_ms, run->tasks, task,
			 run_begin(), err);
	if (ok && task->state.exported_load >= task->state.changed_load &&
	    !export_is_missing(task))
		return pg_run(run->pg, run->timeout_ms, err, "commit");
	buf_format(&sql,
		   "update millrace.model set exported_load = %" PRId64
		   " where model = ",
		   task->state.changed_load);
	quote_literal(&sql, task->name);
	buf_add_text(&sql, "; commit");
	ok = ok &&
	     export_write(run->pg, run->timeout_ms, task, &outcome, err) &&
	     pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	if (ok && outcome == EXPORT_WRITTEN)
		report_export(run, task);
	return ok;
}

/* --- attempts ------------------------------------------------------------- */

static void report_done(struct run *run, const struct attempt *attempt)
{
	const struct refresh *refresh = &attempt->refresh;

	for (size_t i = 0; i < attempt->report.count; i++)
		if (!strcmp(attempt->report.at[i].status, "warn"))
			log_line(LOG_WARNING, "%s: test %s: %" PRId64 " rows",
				 attempt->report.at[i].model,
				 attempt->report.at[i].test->name,
				 attempt->report.at[i].failures);
	run->done += attempt->task->state.next_load == 0;
	run->inserted += refresh->inserted;
	run->deleted += refresh->deleted;
	if (task_is_view(attempt->task) && !attempt->is_new_code)
		return;
	log_line(LOG_INFO,
		 "%s: %s, +%" PRId64 " -%" PRId64 " rows, %zu %s, "
		 "%" PRId64 " ms",
		 attempt->task->name, attempt_action(attempt),
		 refresh->inserted, refresh->deleted,
		 attempt->task->state.load_count,
		 attempt->task->state.load_count == 1 ? "load" : "loads",
		 clock_ms() - attempt->started_ms);
}

static void count_failure(struct run *run, const struct task *task,
			  const struct error *failure)
{
	run->failed++;
	if (run->status == STATUS_DONE)
		run->status = failure->status == STATUS_CONFIG ? STATUS_CONFIG
							       : STATUS_DATA;
	log_line(LOG_ERROR, "%s: %s", task->name, failure->text);
}

static bool fail(struct attempt *attempt, struct error *failure,
		 struct error *err)
{
	struct run *run = attempt->run;

	if (failure->lost) {
		*err = *failure;
		return false;
	}
	attempt_find_test(attempt, failure);
	attempt->task->status =
		attempt->report.failed ? TASK_TESTS : TASK_FAILED;
	count_failure(run, attempt->task, failure);
	if (log_is_terminal())
		test_print(stderr, &attempt->report, run->run_id);
	task_leave_descendants(run->tasks, attempt->task, TASK_SKIPPED);
	return attempt_log_failure(attempt, failure->text, err);
}

/* Tries until everything pending is done, step by step, or it has failed for
 * good; takes the swap lock if that is needed. */
static bool try_task(struct run *run, struct task *task, struct error *err)
{
	bool may_swap = false;
	int left = ATTEMPTS;

	for (;;) {
		struct error failure = ERROR_INIT;
		struct attempt attempt = {.run = run,
					  .task = task,
					  .may_swap = may_swap,
					  .report = TEST_REPORT_INIT,
					  .started_ms = clock_ms()};
		bool ok = attempt_work(&attempt, &failure);
		bool again = false;

		if (ok && attempt.needs_swap) {
			may_swap = again = true;
			ok = lock_swap(run, err);
		} else if (ok) {
			if (attempt.exported)
				report_export(run, task);
			if (attempt.action != ACTION_NONE)
				report_done(run, &attempt);
			task->status = TASK_DONE;
			again = task->state.next_load && !stop_requested();
		} else if (failure.kind == ERROR_TRANSIENT && !failure.lost &&
			   --left > 0) {
			again = true;
			ok = pg_run(run->pg, run->timeout_ms, err, "rollback");
		} else {
			ok = fail(&attempt, &failure, err);
		}
		attempt_release(&attempt);
		if (!ok || !again)
			return ok;
	}
}

/* A file that cannot be written fails the task, not the run, nor those who read
 * the table. */
static bool try_export(struct run *run, struct task *task, struct error *err)
{
	struct error failure = ERROR_INIT;
	struct attempt attempt = {.run = run,
				  .task = task,
				  .report = TEST_REPORT_INIT,
				  .started_ms = clock_ms()};

	if (task->status != TASK_DONE || task_is_view(task) ||
	    export_table(run, task, &failure))
		return true;
	if (failure.lost) {
		*err = failure;
		return false;
	}
	task->status = TASK_FAILED;
	count_failure(run, task, &failure);
	return attempt_log_failure(&attempt, failure.text, err);
}

bool run_task(struct run *run, struct task *task, struct error *err)
{
	bool locked = false;
	bool ok;

	if (!run_ensure(run, err) || !lock(run, task, &locked, err))
		return false;
	if (!locked) {
		task->status = TASK_LOCKED;
		run->locked++;
		log_line(LOG_INFO, "%s: another periodic is working on it",
			 task->name);
		if (!task->state.is_there)
			task_leave_descendants(run->tasks, task, TASK_LOCKED);
		return pg_run(run->pg, run->timeout_ms, err,
			      "select pg_advisory_unlock_all()");
	}
	ok = try_task(run, task, err) && try_export(run, task, err);
	if (!pg_is_usable(run->pg))
		return ok;
	return unlock(run, task, err) && ok;
}
