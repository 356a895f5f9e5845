#include "aggregate/run_task.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/build.h"
#include "aggregate/export.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "aggregate/seed.h"
#include "aggregate/strategy.h"
#include "aggregate/test.h"
#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/pg.h"

enum { ATTEMPTS = 3 };

/* First keys of advisory locks: "mrun" and "mswp". */
enum { LOCK_MODEL = 0x6d72756e, LOCK_SWAP = 0x6d737770 };

enum action {
	ACTION_NONE,
	ACTION_VIEW,
	ACTION_BUILD,   /* there is no table */
	ACTION_REBUILD, /* the whole query, as a diff */
	ACTION_APPLY,   /* the strategy, on the pending loads */
};

/* One attempt at a task: lives from begin to commit or rollback. */
struct attempt {
	struct run *run;
	struct task *task;
	struct refresh refresh;
	struct test_report report;
	enum action action;
	bool is_new_code; /* the query may have other columns now */
	bool may_swap;    /* the exclusive swap lock is held */
	bool needs_swap;
	bool swapped;
	int64_t started_ms;
};

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

static bool unlock(struct run *run, struct error *err)
{
	return pg_run(run->pg, run->timeout_ms, err,
		      "select pg_advisory_unlock_all()");
}

/* Waits until no other model runs, and keeps new ones waiting. */
static bool lock_swap(struct run *run, struct error *err)
{
	return pg_runf(run->pg, run->timeout_ms, err,
		       "select pg_advisory_unlock_shared(%d, 0); "
		       "select pg_advisory_lock(%d, 0)",
		       LOCK_SWAP, LOCK_SWAP);
}

/* --- deciding ------------------------------------------------------------- */

/* A load that cannot be followed row by row: the relation was replaced, or its
 * gone rows were not kept. */
static bool forces_rebuild(const struct load *load)
{
	if (!load->input->is_marked)
		return true;
	if (load->op == 'i')
		return false;
	if (load->op != 'r' || !load->input->task)
		return true;
	return !load->input->task->state.has_old ||
	       load->id <= load->input->task->state.gone_from_load;
}

static void decide(struct attempt *attempt)
{
	const struct task *task = attempt->task;
	const struct task_state *state = &task->state;
	bool is_new = !state->is_known || !state->is_there;

	attempt->is_new_code =
		is_new || strcmp(state->code_hash, task->code_hash) != 0;
	if (task_is_view(task))
		attempt->action = ACTION_VIEW;
	else if (is_new)
		attempt->action =
			state->is_there ? ACTION_REBUILD : ACTION_BUILD;
	else if (attempt->is_new_code || attempt->run->full_refresh ||
		 (state->load_count && task->model->strategy == STRATEGY_FULL))
		attempt->action = ACTION_REBUILD;
	else if (state->load_count)
		attempt->action = ACTION_APPLY;
	for (size_t i = 0;
	     attempt->action == ACTION_APPLY && i < state->load_count; i++)
		if (forces_rebuild(&state->load[i]))
			attempt->action = ACTION_REBUILD;
	if (attempt->action == ACTION_VIEW && !attempt->is_new_code &&
	    !state->load_count && !attempt->run->full_refresh &&
	    !export_is_missing(task))
		attempt->action = ACTION_NONE;
}

static const char *action_name(const struct attempt *attempt)
{
	switch (attempt->action) {
	case ACTION_BUILD:
		return "build";
	case ACTION_REBUILD:
		return attempt->task->model->strategy == STRATEGY_FULL
			       ? task_strategy(attempt->task)
			       : "rebuild";
	default:
		return task_strategy(attempt->task);
	}
}

/* --- the transaction ------------------------------------------------------ */

const char *run_begin(void)
{
	return "begin isolation level repeatable read; "
	       "set local role millrace_aggregate; "
	       "set local search_path = pg_catalog, pg_temp; "
	       "set local timezone = 'UTC'; set local lock_timeout = '60s'; "
	       "set local jit = off; set local random_page_cost = 1.1;\n";
}

static bool begin(struct attempt *attempt, struct error *err)
{
	struct run *run = attempt->run;

	if (!ledger_look(run->pg, run->timeout_ms, run->tasks, attempt->task,
			 run_begin(), err))
		return false;
	fault_hit(FAULT_RUN_BEGUN);
	attempt->refresh = (struct refresh){
		.pg = run->pg,
		.timeout_ms = run->timeout_ms,
		.task = attempt->task,
	};
	decide(attempt);
	return true;
}

static bool consume(struct attempt *attempt, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok = true;

	if (attempt->is_new_code)
		ledger_consume_sql(&sql, attempt->task, attempt->run->run_id,
				   LEDGER_EVERYTHING);
	else if (attempt->task->state.load_count)
		ledger_consume_sql(&sql, attempt->task, attempt->run->run_id,
				   LEDGER_PENDING);
	if (sql.len)
		ok = refresh_run(&attempt->refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	if (ok)
		fault_hit(FAULT_RUN_CONSUMED);
	return ok;
}

static bool rebuild(struct attempt *attempt, struct error *err)
{
	struct refresh *refresh = &attempt->refresh;
	bool fits = true;

	if (attempt->is_new_code &&
	    (!build_shape(refresh, err) || !build_fits(refresh, &fits, err)))
		return false;
	if (fits)
		return refresh_columns(refresh, err) &&
		       build_old(refresh, err) && strategy_full(refresh, err) &&
		       (!attempt->is_new_code || build_indexes(refresh, err));
	if (!attempt->may_swap) {
		attempt->needs_swap = true;
		return true;
	}
	attempt->swapped = true;
	return build_swap(refresh, err);
}

static bool apply(struct attempt *attempt, struct error *err)
{
	struct refresh *refresh = &attempt->refresh;

	if (attempt->task->seed && !seed_load(attempt->task->seed, refresh->pg,
					      refresh->timeout_ms, err))
		return false;
	switch (attempt->action) {
	case ACTION_VIEW:
		return !attempt->is_new_code || build_view(refresh, err);
	case ACTION_BUILD:
		return build_shape(refresh, err) && build_table(refresh, err);
	case ACTION_REBUILD:
		return rebuild(attempt, err);
	case ACTION_APPLY:
		return refresh_columns(refresh, err) &&
		       build_old(refresh, err) && strategy_apply(refresh, err);
	case ACTION_NONE:
		break;
	}
	return true;
}

/* The tests of the task, and of views that show it. */
static bool test(struct attempt *attempt, struct error *err)
{
	const struct task *task = attempt->task;
	struct refresh *refresh = &attempt->refresh;
	bool changed = refresh->inserted || refresh->deleted;
	bool all = attempt->is_new_code || attempt->run->full_refresh;

	if ((all || changed || task_is_view(task)) &&
	    !test_run(&attempt->report, refresh->pg, refresh->timeout_ms, task,
		      all ? NULL : refresh->added, &refresh->arena, err))
		return false;
	for (size_t i = 0; changed && i < task->view_count; i++) {
		const struct task *view = task->view[i];

		if (view->state.is_there &&
		    !strcmp(view->state.code_hash, view->code_hash) &&
		    !test_run(&attempt->report, refresh->pg,
			      refresh->timeout_ms, view, NULL, &refresh->arena,
			      err))
			return false;
	}
	return true;
}

static struct ledger_change change_of(const struct attempt *attempt)
{
	const struct refresh *refresh = &attempt->refresh;
	struct ledger_change change = {.row_count = refresh->inserted};

	if (task_is_view(attempt->task))
		return change;
	if (attempt->action == ACTION_BUILD || attempt->swapped) {
		change.op = 't';
		change.loses_gone = true;
	} else if (refresh->deleted) {
		change.op = 'r';
		change.loses_gone = !task_is_consumed(attempt->task);
	} else if (refresh->inserted) {
		change.op = 'i';
	}
	return change;
}

/* The row of millrace.run_model. */
static void log_sql(struct buf *out, const struct attempt *attempt,
		    const char *status, const char *message)
{
	const struct task *task = attempt->task;
	int64_t ms = clock_ms() - attempt->started_ms;

	buf_add_text(out, "insert into millrace.run_model (run_id, model, "
			  "status, action, loads, inserted, deleted, "
			  "started_at, duration_ms, message) values (");
	buf_format(out, "%" PRId64 ", ", attempt->run->run_id);
	quote_literal(out, task->name);
	buf_format(out,
		   ", '%s', '%s', %zu, %" PRId64 ", %" PRId64
		   ", clock_timestamp() - interval '%" PRId64 " ms', %" PRId64
		   ", ",
		   status, action_name(attempt), task->state.load_count,
		   attempt->refresh.inserted, attempt->refresh.deleted, ms, ms);
	if (message)
		quote_literal(out, message);
	else
		buf_add_text(out, "null");
	buf_add_text(out, ")\non conflict (run_id, model) do update set "
			  "status = excluded.status, "
			  "message = excluded.message;\n");
}

static bool commit(struct attempt *attempt, struct error *err)
{
	struct ledger_change change = change_of(attempt);
	struct buf sql = BUF_INIT;
	char tag[64];
	bool ok;

	ledger_record_sql(&sql, attempt->task, attempt->run->run_id, &change);
	log_sql(&sql, attempt, "success", NULL);
	test_log_sql(&sql, &attempt->report, attempt->run->run_id);
	ok = refresh_run(&attempt->refresh, buf_text(&sql), NULL, err);
	buf_release(&sql);
	if (!ok)
		return false;
	fault_hit(FAULT_RUN_TESTED);
	if (!pg_fetch(attempt->run->pg, attempt->run->timeout_ms, err, NULL,
		      tag, "commit"))
		return false;
	if (strcmp(tag, "COMMIT") != 0)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "the transaction was rolled back");
	fault_hit(FAULT_RUN_COMMITTED);
	attempt->task->state.is_known = attempt->task->state.is_there = true;
	strcpy(attempt->task->state.code_hash, attempt->task->code_hash);
	if (change.op)
		task_touch_consumers(attempt->run->tasks, attempt->task);
	return true;
}

/* --- exports -------------------------------------------------------------- */

static void count_export(struct run *run, const struct task *task,
			 enum export_outcome outcome)
{
	if (outcome != EXPORT_WRITTEN)
		return;
	run->exported++;
	log_line(LOG_INFO, "%s: wrote %s", task->name,
		 task->model->export_path);
}

/* A table's CSV, after the commit: a later run catches up on a crash here. */
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
	if (!ok)
		pg_rollback(run->pg);
	else
		count_export(run, task, outcome);
	return ok;
}

/* --- one attempt, and its end --------------------------------------------- */

static void attempt_release(struct attempt *attempt)
{
	test_report_release(&attempt->report);
	arena_release(&attempt->refresh.arena);
}

/* From begin to commit.  With false, the transaction may be open. */
static bool work(struct attempt *attempt, struct error *err)
{
	enum export_outcome outcome = EXPORT_UNCHANGED;
	struct run *run = attempt->run;

	if (!begin(attempt, err))
		return false;
	if (attempt->action == ACTION_NONE)
		return pg_run(run->pg, run->timeout_ms, err, "rollback");
	if (!consume(attempt, err) || !apply(attempt, err))
		return false;
	if (attempt->needs_swap)
		return pg_run(run->pg, run->timeout_ms, err, "rollback");
	fault_hit(FAULT_RUN_APPLIED);
	if (!test(attempt, err))
		return false;
	if (attempt->report.failed) {
		error_set(err, ERROR_FATAL, STATUS_DATA, "%s",
			  test_first_failure(&attempt->report,
					     &attempt->refresh.arena));
		return false;
	}
	/* a view's file shows what this snapshot has consumed */
	if (task_is_view(attempt->task) && attempt->task->model->export_path &&
	    !export_write(run->pg, run->timeout_ms, attempt->task, &outcome,
			  err))
		return false;
	if (!commit(attempt, err))
		return false;
	count_export(run, attempt->task, outcome);
	return true;
}

/* A unique index may have spoken for a test. */
static void find_broken_test(struct attempt *attempt, struct error *err)
{
	const struct pg_failure *failure = pg_failure(attempt->run->pg);
	const char *said;

	if (strcmp(err->sqlstate, "23505") != 0 ||
	    !test_index_failed(&attempt->report, attempt->task,
			       failure->constraint, failure->detail,
			       &attempt->refresh.arena))
		return;
	said = test_first_failure(&attempt->report, &attempt->refresh.arena);
	error_set(err, ERROR_FATAL, STATUS_DATA, "%s", said);
}

/* The failure's own transaction, the lock still held. */
static bool log_failure(struct attempt *attempt, const char *message,
			struct error *err)
{
	struct run *run = attempt->run;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "rollback; ");
	buf_add_text(&sql, run_begin());
	log_sql(&sql, attempt, attempt->report.failed ? "fail" : "error",
		message);
	test_log_sql(&sql, &attempt->report, run->run_id);
	buf_add_text(&sql, "commit");
	ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

static void report_done(struct run *run, const struct attempt *attempt)
{
	const struct refresh *refresh = &attempt->refresh;

	for (size_t i = 0; i < attempt->report.count; i++)
		if (!strcmp(attempt->report.at[i].status, "warn"))
			log_line(LOG_WARNING, "%s: test %s: %" PRId64 " rows",
				 attempt->report.at[i].model,
				 attempt->report.at[i].test->name,
				 attempt->report.at[i].failures);
	run->done++;
	run->inserted += refresh->inserted;
	run->deleted += refresh->deleted;
	if (task_is_view(attempt->task) && !attempt->is_new_code)
		return;
	log_line(LOG_INFO,
		 "%s: %s, +%" PRId64 " -%" PRId64 " rows, %zu %s, "
		 "%" PRId64 " ms",
		 attempt->task->name, action_name(attempt), refresh->inserted,
		 refresh->deleted, attempt->task->state.load_count,
		 attempt->task->state.load_count == 1 ? "load" : "loads",
		 clock_ms() - attempt->started_ms);
}

static bool fail(struct attempt *attempt, struct error *failure,
		 struct error *err)
{
	struct run *run = attempt->run;

	if (failure->lost) {
		*err = *failure;
		return false;
	}
	find_broken_test(attempt, failure);
	attempt->task->status =
		attempt->report.failed ? TASK_TESTS : TASK_FAILED;
	run->failed++;
	if (run->status == STATUS_DONE)
		run->status = failure->status == STATUS_CONFIG ? STATUS_CONFIG
							       : STATUS_DATA;
	log_line(LOG_ERROR, "%s: %s", attempt->task->name, failure->text);
	task_skip_descendants(run->tasks, attempt->task);
	return log_failure(attempt, failure->text, err);
}

/* Tries until it is done, has failed for good, or needs the swap lock. */
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
		bool ok = work(&attempt, &failure);
		bool again = false;

		if (ok && attempt.needs_swap) {
			may_swap = again = true;
			ok = lock_swap(run, err);
		} else if (ok) {
			if (attempt.action != ACTION_NONE)
				report_done(run, &attempt);
			task->status = TASK_DONE;
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

/* A file that cannot be written fails the task, not the run. */
static bool try_export(struct run *run, struct task *task, struct error *err)
{
	struct error failure = ERROR_INIT;

	if (task->status != TASK_DONE || task_is_view(task) ||
	    export_table(run, task, &failure))
		return true;
	if (failure.lost) {
		*err = failure;
		return false;
	}
	task->status = TASK_FAILED;
	run->failed++;
	if (run->status == STATUS_DONE)
		run->status = failure.status == STATUS_CONFIG ? STATUS_CONFIG
							      : STATUS_DATA;
	log_line(LOG_ERROR, "%s: %s", task->name, failure.text);
	return true;
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
		return unlock(run, err);
	}
	ok = try_task(run, task, err) && try_export(run, task, err);
	if (!pg_is_usable(run->pg))
		return ok;
	return unlock(run, err) && ok;
}
