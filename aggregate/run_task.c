#include "aggregate/run_task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/attempt.h"
#include "aggregate/failure.h"
#include "aggregate/fate.h"
#include "aggregate/quote.h"
#include "aggregate/run.h"
#include "aggregate/run_export.h"
#include "aggregate/worker.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

/* --- how it ended --------------------------------------------------------- */

static void report_done(struct run *run, const struct attempt *attempt)
{
	const struct refresh *refresh = &attempt->refresh;

	for (size_t i = 0; i < attempt->report.count; i++)
		if (!strcmp(attempt->report.at[i].status, "warn"))
			log_line(LOG_WARNING, "%s: test %s: %" PRId64 " rows",
				 attempt->report.at[i].model,
				 attempt->report.at[i].test->name,
				 attempt->report.at[i].failures);
	run_lock(run);
	run->done += attempt->task->state.next_load == 0;
	run->inserted += refresh->inserted;
	run->deleted += refresh->deleted;
	run_unlock(run);
	if (task_is_view(attempt->task) && !attempt->is_new_code)
		return;
	log_line(run->is_terse && attempt->action == ACTION_APPLY ? LOG_DEBUG
								  : LOG_INFO,
		 "%s: %s, +%" PRId64 " -%" PRId64 " rows, %zu %s, "
		 "%" PRId64 " ms",
		 attempt->task->name, attempt_action(attempt),
		 refresh->inserted, refresh->deleted,
		 attempt->task->state.load_count,
		 attempt->task->state.load_count == 1 ? "load" : "loads",
		 clock_ms() - attempt->started_ms);
}

static void succeed(const struct attempt *attempt)
{
	if (attempt->exported)
		run_export_report(attempt->run, attempt->task);
	if (attempt->action != ACTION_NONE)
		report_done(attempt->run, attempt);
	run_lock(attempt->run);
	attempt->task->status = TASK_DONE;
	for (size_t i = 0; i < attempt->task->input_count; i++)
		if (attempt->task->input[i].task)
			attempt->task->input[i].task->needs_prune = true;
	run_unlock(attempt->run);
}

static void count_failure(struct run *run, struct task *task,
			  enum task_status status, const struct error *failure)
{
	run_lock(run);
	task->status = status;
	run->failed++;
	if (run->status == STATUS_DONE)
		run->status = failure->status == STATUS_CONFIG ? STATUS_CONFIG
							       : STATUS_DATA;
	run_unlock(run);
	log_line(LOG_ERROR, "%s: %s", task->name, failure->text);
}

static void leave_descendants(struct run *run, const struct task *task,
			      enum task_status status)
{
	run_lock(run);
	task_leave_descendants(run->tasks, task, status);
	run_unlock(run);
}

static bool stopped(struct attempt *attempt, struct error *err)
{
	run_lock(attempt->run);
	attempt->task->status = TASK_STOPPED;
	run_unlock(attempt->run);
	log_line(LOG_INFO, "%s: stopped, rolled back", attempt->task->name);
	return attempt_log(attempt, "stopped", "asked to stop", err);
}

static bool fail(struct attempt *attempt, struct error *failure,
		 struct error *err)
{
	struct run *run = attempt->run;

	if (pg_was_stopped(failure))
		return stopped(attempt, err);
	attempt_find_test(attempt, failure);
	if (!attempt->report.failed)
		failure_explain(attempt, failure);
	count_failure(run, attempt->task,
		      attempt->report.failed ? TASK_TESTS : TASK_FAILED,
		      failure);
	if (log_is_terminal())
		test_print(stderr, &attempt->report, run->run_id);
	leave_descendants(run, attempt->task, TASK_SKIPPED);
	return attempt_log(attempt, attempt->report.failed ? "fail" : "error",
			   failure->text, err);
}

/* --- a connection that breaks --------------------------------------------- */

/* Nothing is written down of it: if it took place, it has said so itself. */
static void leave_in_doubt(struct attempt *attempt, struct error *failure)
{
	error_context(failure, "the connection was lost at the commit, and the "
			       "database does not tell whether it took place: "
			       "the next run goes on from what did");
	count_failure(attempt->run, attempt->task, TASK_FAILED, failure);
	leave_descendants(attempt->run, attempt->task, TASK_SKIPPED);
}

/* The task has failed, unless it was done; others go on by another connection.
 */
static bool lose(struct worker *worker, struct attempt *attempt,
		 struct error *failure, struct error *err)
{
	enum fate fate;

	if (stop_requested() || !worker_connect(worker, err)) {
		*err = *failure;
		if (*attempt->xid)
			error_context(err, "whether it was committed is not "
					   "known: the next run goes on from "
					   "what was");
		return error_context(err, "%s", attempt->task->name);
	}
	attempt->pg = worker->pg;
	if (!fate_find(attempt, &fate, err))
		return false;
	if (fate == FATE_UNKNOWN) {
		leave_in_doubt(attempt, failure);
		return true;
	}
	if (fate == FATE_COMMITTED) {
		attempt_settle(attempt);
		succeed(attempt);
		return true;
	}
	error_context(failure, "the connection was lost, and it was rolled "
			       "back");
	count_failure(attempt->run, attempt->task, TASK_FAILED, failure);
	leave_descendants(attempt->run, attempt->task, TASK_SKIPPED);
	return attempt_log(attempt, "error", failure->text, err);
}

/* --- attempts ------------------------------------------------------------- */

/* Tries until everything pending is done, step by step, or it has failed for
 * good, or needs the swap lock. */
static bool try_task(struct worker *worker, struct task *task,
		     struct error *err)
{
	struct verdicts verdicts = {0};
	int left = RUN_ATTEMPTS;
	bool ok;

	for (;;) {
		struct error failure = ERROR_INIT;
		struct attempt attempt = {.run = worker->run,
					  .pg = worker->pg,
					  .task = task,
					  .verdicts = &verdicts,
					  .may_swap = task->needs_swap,
					  .report = TEST_REPORT_INIT,
					  .started_ms = clock_ms()};
		bool again = false;

		pg_heed_stop(worker->pg, true);
		ok = (!attempt.may_swap ||
		      worker_lock_swap(worker, &failure)) &&
		     attempt_work(&attempt, &failure);
		pg_heed_stop(worker->pg, false);
		if (ok && attempt.needs_swap) {
			task->needs_swap = true;
		} else if (ok) {
			succeed(&attempt);
			again = task->state.next_load && !stop_requested();
		} else if (failure.lost) {
			ok = lose(worker, &attempt, &failure, err);
		} else if (run_may_try_again(&failure) && --left > 0) {
			again = true;
			ok = pg_run(worker->pg, worker->run->timeout_ms, err,
				    "rollback");
		} else {
			ok = fail(&attempt, &failure, err);
		}
		attempt_release(&attempt);
		if (!ok || !again)
			break;
	}
	free(verdicts.passed);
	return ok;
}

/* A file that cannot be written fails the task, not the run, nor those who read
 * the table. */
static bool try_export(struct worker *worker, struct task *task,
		       struct error *err)
{
	struct error failure = ERROR_INIT;
	struct attempt attempt = {.run = worker->run,
				  .pg = worker->pg,
				  .task = task,
				  .report = TEST_REPORT_INIT,
				  .started_ms = clock_ms()};
	bool ok;

	if (task->status != TASK_DONE || task_is_view(task))
		return true;
	pg_heed_stop(worker->pg, true);
	ok = run_export(worker, task, &failure);
	pg_heed_stop(worker->pg, false);
	if (ok)
		return true;
	if (failure.lost) {
		error_context(&failure, "%s", task->model->export_path);
		if (stop_requested() || !worker_connect(worker, err)) {
			*err = failure;
			return error_context(err, "%s", task->name);
		}
		attempt.pg = worker->pg;
	}
	/* the next run writes it */
	if (pg_was_stopped(&failure))
		return pg_run(worker->pg, worker->run->timeout_ms, err,
			      "rollback");
	count_failure(worker->run, task, TASK_FAILED, &failure);
	return attempt_log(&attempt, "error", failure.text, err);
}

static bool leave_to_other(const struct worker *worker, struct task *task,
			   struct error *err)
{
	struct run *run = worker->run;
	bool stopped = stop_requested(); /* then nobody else need have it */

	run_lock(run);
	task->status = stopped ? TASK_STOPPED : TASK_LOCKED;
	run->locked += !stopped;
	if (!task->state.is_there)
		task_leave_descendants(run->tasks, task, TASK_LOCKED);
	run_unlock(run);
	if (!stopped)
		log_line(LOG_INFO,
			 "%s: another periodic is working on it, or on what it "
			 "has a test in common with",
			 task->name);
	return pg_run(worker->pg, run->timeout_ms, err,
		      "select pg_advisory_unlock_all()");
}

static bool bring_up_to_date(struct worker *worker, struct task *task,
			     struct error *err)
{
	unsigned session = worker->sessions;
	bool had_swap = task->needs_swap;
	bool locked = false;
	bool ok;

	if (!worker_lock(worker, task, &locked, err))
		return false;
	if (!locked)
		return leave_to_other(worker, task, err);
	/* without the lock, which a connection takes with it, an older file
	 * might replace a newer one: the next run writes it */
	ok = try_task(worker, task, err) &&
	     (worker->sessions != session || try_export(worker, task, err));
	if (ok && task->needs_swap && !had_swap) {
		run_lock(worker->run);
		task->turn = TURN_WAITING;
		run_unlock(worker->run);
	}
	if (!worker->pg || worker->sessions != session ||
	    !pg_is_usable(worker->pg))
		return ok;
	return worker_unlock(worker, task, err) && ok;
}

/* --- what others have decided --------------------------------------------- */

static bool log_skipped(const struct worker *worker, const struct task *task,
			struct error *err)
{
	struct run *run = worker->run;
	struct buf sql = BUF_INIT;
	bool ok;

	run_lock(run);
	run->skipped++;
	run_unlock(run);
	log_line(LOG_WARNING, "%s: skipped, something it reads has failed",
		 task->name);
	buf_format(&sql,
		   "begin; set local role millrace_aggregate; "
		   "insert into millrace.run_model (run_id, model, status, "
		   "action, started_at, duration_ms) select %" PRId64 ", ",
		   run->run_id);
	quote_literal(&sql, task->name);
	buf_format(&sql,
		   ", 'skipped', '%s', now(), 0 "
		   "on conflict (run_id, model) do update "
		   "set status = excluded.status, message = null; commit",
		   task_strategy(task));
	ok = pg_run(worker->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

bool run_task(struct worker *worker, struct task *task, struct error *err)
{
	struct run *run = worker->run;

	if (task->status == TASK_SKIPPED)
		return log_skipped(worker, task, err);
	if (task->status == TASK_LOCKED) {
		run_lock(run);
		run->locked++;
		run_unlock(run);
		log_line(LOG_INFO,
			 "%s: another periodic is building what it reads",
			 task->name);
		return true;
	}
	if (log_is_terminal())
		log_progress("%s: %s", task->name, task_strategy(task));
	return bring_up_to_date(worker, task, err);
}
