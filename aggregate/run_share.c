/* What all who work on a run share: its connection, its mutex, how a
 * transaction of it begins, when a task is due, and its row in millrace.run. */
#include "aggregate/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aggregate/export.h"
#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/pg.h"
#include "common/stop.h"
#include "common/version.h"

void run_use(struct run *run, struct pg *pg)
{
	run->pg = pg;
	if (pg)
		pg_heed_stop(pg, true);
}

void run_lock(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
}

void run_unlock(struct run *run)
{
	pthread_mutex_unlock(&run->mutex);
}

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

/* --- its row -------------------------------------------------------------- */

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
