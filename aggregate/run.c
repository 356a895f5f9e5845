#include "aggregate/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate/export.h"
#include "aggregate/freshness.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "aggregate/run_task.h"
#include "aggregate/run_tests.h"
#include "aggregate/stale.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"
#include "common/version.h"

const char *run_reason(const struct run *run, const struct task *task)
{
	const struct task_state *state = &task->state;

	if (!state->is_known || !state->is_there)
		return "new";
	if (strcmp(state->code_hash, task->code_hash) != 0)
		return "changed code";
	if (run->full_refresh)
		return "full refresh";
	if (state->load_count)
		return "new loads";
	if (task->is_touched)
		return "changed input";
	if (!state->has_indexes && !task_is_view(task))
		return "changed readers";
	if (export_is_missing(task) ||
	    (task->model->export_path && !task_is_view(task) &&
	     state->exported_load < state->changed_load))
		return "export";
	return NULL;
}

/* --- the row of the run --------------------------------------------------- */

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
		run->run_id = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

bool run_finish(struct run *run, bool ok, struct error *err)
{
	struct error second = ERROR_INIT;

	if (!run->run_id || !pg_is_usable(run->pg))
		return ok;
	if (!ok)
		pg_rollback(run->pg);
	return pg_runf(run->pg, run->timeout_ms, ok ? err : &second,
		       "begin; set local role millrace_aggregate; "
		       "update millrace.run set finished_at = now(), "
		       "status = '%s' where run_id = %" PRId64 "; commit",
		       !ok || run->failed ? "error"
		       : stop_requested() ? "stopped"
					  : "success",
		       run->run_id) &&
	       ok;
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

		for (size_t i = 0; i < task->state.load_count; i++) {
			const struct load *load = &task->state.load[i];

			if (load->input->task || !task->is_selected)
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

static bool log_skipped(struct run *run, const struct task *task,
			struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	run->skipped++;
	log_line(LOG_WARNING, "%s: skipped, something it reads has failed",
		 task->name);
	buf_format(&sql,
		   "begin; set local role millrace_aggregate; "
		   "insert into millrace.run_model (run_id, model, status, "
		   "action, started_at, duration_ms) select %" PRId64 ", ",
		   run->run_id);
	quote_literal(&sql, task->name);
	buf_format(&sql, ", 'skipped', '%s', now(), 0; commit",
		   task_strategy(task));
	ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

static bool turn(struct run *run, struct task *task, struct error *err)
{
	const char *reason;

	if (!task->is_selected)
		return true;
	if (task->status == TASK_SKIPPED)
		return log_skipped(run, task, err);
	if (task->status == TASK_LOCKED) {
		run->locked++;
		log_line(LOG_INFO,
			 "%s: another periodic is building what it reads",
			 task->name);
		return true;
	}
	reason = run_reason(run, task);
	if (!reason)
		return true;
	if (log_is_terminal())
		log_progress("%s: %s", task->name, reason);
	return run_task(run, task, err);
}

bool run_pass(struct run *run, struct error *err)
{
	struct tasks *tasks = run->tasks;
	bool ok;

	if (!tasks->count)
		return true;
	ok = stale_end(run->pg, run->timeout_ms, err) &&
	     ledger_look(run->pg, run->timeout_ms, tasks, NULL, "", err) &&
	     summarize(run, err);
	for (size_t i = 0; ok && i < tasks->count && !stop_requested(); i++)
		ok = turn(run, tasks->order[i], err);
	ok = ok && run_tests_left(run, err);
	if (ok && run->done)
		ok = ledger_tidy(run->pg, run->timeout_ms, tasks,
				 run->keep_runs_ms, err) &&
		     freshness_keep(run, err);
	else if (ok && tasks->is_tick_due)
		ok = ledger_tick(run->pg, run->timeout_ms, tasks, err);
	return run_finish(run, ok, err);
}
