#include "aggregate/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate/crew.h"
#include "aggregate/export.h"
#include "aggregate/freshness.h"
#include "aggregate/joint.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "aggregate/retention.h"
#include "aggregate/run_tests.h"
#include "aggregate/stale.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"
#include "common/version.h"

const char *run_reason(const struct run *run, const struct task *task)
{
	const struct task_state *state = &task->state;

	if (!state->is_known)
		return "new";
	if (!state->is_there)
		return task_is_view(task) ? "missing view" : "missing table";
	if (strcmp(state->code_hash, task->code_hash) != 0)
		return task->seed ? "changed file" : "changed code";
	if (run->full_refresh && !model_is_snapshot(task->model))
		return "full refresh";
	if (run->replay_load)
		return "replay";
	if (state->is_queued)
		return "excluded loads";
	if (state->load_count)
		return "new loads";
	if (task->is_touched)
		return "changed input";
	if (!state->has_indexes)
		return task_is_view(task) ? "changed description"
					  : "changed readers or description";
	if (export_is_missing(task) ||
	    (task->model->export_path && !task_is_view(task) &&
	     state->exported_load < state->changed_load))
		return "export";
	return NULL;
}

/* --- being asked to stop -------------------------------------------------- */

void run_use(struct run *run, struct pg *pg)
{
	run->pg = pg;
	if (pg)
		pg_heed_stop(pg, true);
}

/* --- the row of the run --------------------------------------------------- */

const char *run_begin(struct run *run)
{
	if (!*run->begin)
		snprintf(run->begin, sizeof run->begin,
			 "begin isolation level repeatable read; "
			 "set local role millrace_aggregate; "
			 "set local search_path = pg_catalog, pg_temp; "
			 "set local timezone = 'UTC'; "
			 "set local lock_timeout = %" PRId64 "; "
			 "set local statement_timeout = %" PRId64 "; "
			 /* a crash undoes the last commits together with what
			  * they have consumed: they are made again */
			 "set local synchronous_commit = off; "
			 "set local jit = off; set local random_page_cost = "
			 "1.1; set local client_connection_check_interval = "
			 "'5s';\n"
			 /* a load is sorted in memory */
			 "select set_config('work_mem', greatest(32 * 1024, "
			 "pg_size_bytes(current_setting('work_mem')) / 1024) "
			 "|| 'kB', true);\n",
			 run->lock_ms, run->statement_ms);
	return run->begin;
}

bool run_ensure(struct run *run, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	char host[256] = "";
	bool ok;

	if (run->run_id)
		return true;
	gethostname(host, sizeof host - 1);
	buf_add_text(&sql, "begin; set local role millrace_aggregate; "
			   "insert into millrace.run (command, program, host) "
			   "values (");
	quote_literal(&sql, run->command);
	buf_add_text(&sql, ", ");
	quote_literal(&sql, version_string());
	buf_add_text(&sql, ", ");
	quote_literal(&sql, host);
	buf_add_text(&sql, ") returning run_id; commit");
	ok = pg_fetch(run->pg, run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok)
		run->run_id = pg_number(res, 0, 0);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

bool run_finish(struct run *run, bool ok, struct error *err)
{
	struct error second = ERROR_INIT;
	bool told;

	if (!ok)
		pg_excuse(err);
	if (!run->run_id || !run->pg || !pg_is_usable(run->pg))
		return ok;
	pg_heed_stop(run->pg, false);
	if (!ok)
		pg_rollback(run->pg);
	told = pg_runf(run->pg, run->timeout_ms, ok ? err : &second,
		       "begin; set local role millrace_aggregate; "
		       "update millrace.run set finished_at = now(), "
		       "status = '%s' where run_id = %" PRId64 "; commit",
		       (!ok && err->kind != ERROR_STOPPED) || run->failed
			       ? "error"
		       : stop_requested() ? "stopped"
					  : "success",
		       run->run_id);
	pg_heed_stop(run->pg, true);
	return ok && told;
}

/* --- what a pass needs before --------------------------------------------- */

/* BRIN is blind to its unsummarised tail, which is where pending loads are. */
static bool summarize(struct run *run, struct error *err)
{
	struct buf sql = BUF_INIT;
	const char *separator = "";
	bool ok = true;

	for (size_t t = 0; t < run->tasks->count; t++) {
		const struct task *task = run->tasks->order[t];

		if (!task->is_selected || task->is_working)
			continue;
		for (size_t i = 0; i < task->state.load_count; i++) {
			const struct load *load = &task->state.load[i];

			if (!load->input->is_staging)
				continue;
			buf_format(&sql, "%s(", separator);
			separator = ", ";
			quote_literal(&sql, load->input->relation);
			buf_format(&sql, ", '%s'::timestamptz)",
				   load->loaded_at);
		}
	}
	if (sql.len)
		ok = pg_runf(run->pg, run->timeout_ms, err,
			     "begin; set local role millrace_aggregate; "
			     "select millrace.summarize(relation, min(since)) "
			     "from (values %s) pending (relation, since) "
			     "group by relation; commit",
			     buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* --- the pass ------------------------------------------------------------- */

static bool anything_is_due(const struct run *run)
{
	for (size_t i = 0; i < run->tasks->count; i++) {
		const struct task *task = run->tasks->order[i];

		if (task->is_selected && run_reason(run, task))
			return true;
	}
	return false;
}

/* --full-refresh is for others. */
static void spare_snapshots(const struct run *run)
{
	for (size_t i = 0; run->full_refresh && i < run->tasks->count; i++) {
		const struct task *task = run->tasks->order[i];

		if (task->is_selected && task->state.is_known &&
		    model_is_snapshot(task->model))
			log_line(
				LOG_WARNING,
				"%s: a snapshot is not refreshed in full: what "
				"it reads no longer holds its history",
				task->name);
	}
}

/* A pass needs to know what is selected, what that reads, the views that show
 * it, and what has a test in common with it. */
static void narrow(struct tasks *tasks)
{
	bool any = false;

	for (size_t i = 0; i < tasks->count; i++)
		any |= tasks->order[i]->is_asked = tasks->order[i]->is_awaited;
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = tasks->order[i];

		if (!task->is_selected)
			continue;
		any = task->is_asked = true;
		for (size_t k = 0; k < task->input_count; k++)
			if (task->input[k].task)
				task->input[k].task->is_asked = true;
		for (size_t k = 0; k < task->view_count; k++)
			task->view[k]->is_asked = true;
	}
	joints_ask(tasks);
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->order[i]->is_working) {
			tasks->order[i]->is_asked = false;
			any = true;
		}
	tasks->is_narrow = any;
}

static bool look_closely(struct run *run, struct error *err)
{
	return ledger_look(run->pg, run->timeout_ms, run->tasks, NULL, "", err);
}

/* Looks at it.  The first time mostly nothing is new, and a glance shows it;
 * but the schema may be another than ours, or missing: then the glance fails,
 * or tells that too. */
static bool look(struct run *run, struct error *err)
{
	struct tasks *tasks = run->tasks;
	struct error first = ERROR_INIT;
	bool is_clear = false;

	narrow(tasks);
	if (!run->is_bare)
		return look_closely(run, err);
	run->is_bare = false;
	if (!tasks->count)
		return database_prepare(run->pg, err);
	if (!ledger_glance(run->pg, run->timeout_ms, tasks, &is_clear,
			   &first) &&
	    (first.lost || first.kind == ERROR_TRANSIENT)) {
		*err = first;
		return false;
	}
	if (!tasks->fits_schema)
		return database_prepare(run->pg, err) && look_closely(run, err);
	return (is_clear && !anything_is_due(run)) || look_closely(run, err);
}

/* Once, in a process that stays. */
static void warn_unwatched(struct tasks *tasks)
{
	if (*tasks->unwatched && strcmp(tasks->unwatched, tasks->warned) != 0)
		log_line(LOG_WARNING,
			 "nobody tells any more of what is loaded into %s, or "
			 "into a partition: what reads it stays as it is; run "
			 "`periodic install-source` for it",
			 tasks->unwatched);
	memcpy(tasks->warned, tasks->unwatched, sizeof tasks->warned);
}

bool run_look(struct run *run, struct error *err)
{
	run_begin(run); /* before there are threads */
	if (!look(run, err))
		return false;
	if (run->tasks->has_stale && !stale_end(run->pg, run->timeout_ms, err))
		return false;
	if (stop_requested())
		return true;
	spare_snapshots(run);
	warn_unwatched(run->tasks);
	return joints_recall(run->tasks, run->pg, run->timeout_ms, err);
}

bool run_prepare(struct run *run, struct error *err)
{
	return run_ensure(run, err) && summarize(run, err);
}

bool run_work(struct run *run, struct error *err)
{
	if (!run->tasks->count && !run->is_bare)
		return true;
	if (!run_look(run, err))
		return false;
	if (stop_requested())
		return true;
	if (!anything_is_due(run))
		return run_tests_left(run, err);
	return run_prepare(run, err) && crew_work(run, err) &&
	       run_tests_left(run, err);
}

bool run_tidy(struct run *run, struct error *err)
{
	if (ledger_tidy(run->pg, run->timeout_ms, run->tasks, run->keep_runs_ms,
			err) &&
	    retention_apply(run->pg, run->timeout_ms, run->tasks, err) &&
	    freshness_keep(run, err))
		return true;
	if (!pg_was_stopped(err))
		return false;
	pg_rollback(run->pg);
	*err = ERROR_INIT;
	return true;
}

bool run_pass(struct run *run, struct error *err)
{
	bool ok = run_work(run, err);

	if (ok && run->done && !stop_requested())
		ok = run_tidy(run, err);
	else if (ok && run->tasks->is_tick_due && !stop_requested())
		ok = ledger_tick(run->pg, run->timeout_ms, run->tasks, err);
	return run_finish(run, ok, err);
}
