#include "aggregate/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/crew.h"
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

bool run_is_idle(struct run *run, struct pg_once *once)
{
	narrow(run->tasks);
	return run->tasks->count &&
	       ledger_glance_once(once, run->database.timeout_ms, run->tasks) &&
	       !anything_is_due(run);
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
