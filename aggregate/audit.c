#include "aggregate/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/audit_parts.h"
#include "aggregate/audit_query.h"
#include "aggregate/build.h"
#include "aggregate/difference.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "aggregate/run_task.h"
#include "aggregate/seed.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

struct audit {
	struct run *run;
	struct task *task;
	const struct audit_options *options;
	struct refresh refresh;
	struct audit_parts parts;
	const char *why; /* it was not compared */
	int64_t started_ms;
	struct difference found;
};

/* --- what stands in the way ----------------------------------------------- */

static const char *obstacle(const struct task *task, struct arena *arena)
{
	const struct model *model = task->model;

	if (!task->state.is_known || !task->state.is_there)
		return "not built yet";
	if (strcmp(task->state.code_hash, task->code_hash) != 0)
		return "its code has changed: run periodic first";
	if (model_is_snapshot(model))
		return "a snapshot holds what no query can say again";
	for (size_t i = 0; i < model->lookup_count; i++)
		if (model->lookup[i].on_change == ON_CHANGE_IGNORE)
			return arena_format(arena,
					    "it looks up %s with "
					    "on_change=ignore, so no query "
					    "says what it holds",
					    model->lookup[i].relation);
	return NULL;
}

/* --- comparing ------------------------------------------------------------ */

static bool compare(struct audit *audit, const char *query, struct error *err)
{
	struct refresh *refresh = &audit->refresh;
	struct buf wanted = BUF_INIT, present = BUF_INIT;
	bool ok;

	buf_format(&wanted, "select %s from (\n%s\n) x where %s", refresh->list,
		   query, audit->parts.condition);
	buf_format(&present, "select %s from %s x where %s", refresh->list,
		   refresh->task->table, audit->parts.condition);
	ok = difference_find(&audit->found, refresh->pg, refresh->timeout_ms,
			     &refresh->columns, buf_text(&wanted),
			     buf_text(&present), &refresh->arena, err);
	buf_release(&wanted);
	buf_release(&present);
	return ok;
}

/* What has been retired from staging cannot be computed again. */
static bool is_possible(struct audit *audit, struct error *err)
{
	struct error gone = ERROR_INIT;

	if (build_is_possible(&audit->refresh, &gone))
		return true;
	if (gone.status != STATUS_CONFIG) {
		*err = gone;
		return false;
	}
	audit->why = "staging no longer holds all that it has consumed";
	return true;
}

/* In the snapshot. */
static bool look(struct audit *audit, struct error *err)
{
	struct refresh *refresh = &audit->refresh;
	struct task *task = audit->task;
	struct buf query = BUF_INIT;
	bool ok;

	audit->why = obstacle(task, &refresh->arena);
	if (audit->why)
		return true;
	ok = refresh_columns(refresh, task->table, err) &&
	     refresh_inputs(refresh, err) && is_possible(audit, err);
	if (!ok || audit->why)
		return ok;
	ok = (!task->seed || seed_load(task->seed, audit->run->pg,
				       audit->run->timeout_ms, err)) &&
	     audit_query(&query, refresh, audit->run->tasks->project,
			 &audit->why, err);
	if (ok && !audit->why)
		ok = audit_parts_choose(&audit->parts, refresh,
					audit->options->parts, err) &&
		     compare(audit, buf_text(&query), err);
	buf_release(&query);
	return ok;
}

/* Nobody puts another table in the place of one that an older snapshot sees. */
static bool look_in_snapshot(struct audit *audit, struct error *err)
{
	struct run *run = audit->run;
	bool ok;

	ok = pg_runf(run->pg, run->timeout_ms, err,
		     "select pg_advisory_lock_shared(%d, 0)", LOCK_SWAP) &&
	     ledger_look(run->pg, run->timeout_ms, run->tasks, audit->task,
			 run_begin(run), err) &&
	     look(audit, err);
	if (!pg_is_usable(run->pg))
		return false;
	if (!ok)
		pg_rollback(run->pg);
	return pg_runf(run->pg, run->timeout_ms, err,
		       "%sselect pg_advisory_unlock_shared(%d, 0)",
		       ok ? "rollback; " : "", LOCK_SWAP) &&
	       ok;
}

/* --- telling -------------------------------------------------------------- */

static void print(const struct audit *audit)
{
	FILE *out = audit->options->out;

	fprintf(out, "%-32s ", audit->task->name);
	if (audit->why) {
		fprintf(out, "not now: %s\n", audit->why);
		return;
	}
	fprintf(out, "%-20s %10" PRId64 " rows  %-8s %6" PRId64 " ms\n",
		audit->parts.description, audit->found.rows,
		difference_any(&audit->found) ? "DIFFERS" : "equal",
		clock_ms() - audit->started_ms);
	difference_print(out, &audit->found, ", the query has them",
			 ", the query has not");
}

static void add_json(struct buf *sql, const char *key, const char *sample)
{
	buf_format(sql, "'%s', ", key);
	if (sample)
		quote_literal(sql, sample);
	else
		buf_add_text(sql, "'[]'");
	buf_add_text(sql, "::jsonb");
}

static bool log_result(const struct audit *audit, struct error *err)
{
	struct run *run = audit->run;
	struct buf sql = BUF_INIT;
	bool ok;

	if (audit->why)
		return true;
	if (!run_ensure(run, err))
		return false;
	buf_add_text(&sql, "begin; set local role millrace_aggregate; "
			   "insert into millrace.run_model (run_id, model, "
			   "status, action, started_at, duration_ms, message) "
			   "values (");
	buf_format(&sql, "%" PRId64 ", ", run->run_id);
	quote_literal(&sql, audit->task->name);
	buf_format(&sql,
		   ", '%s', 'audit', now(), %" PRId64 ", 'audit of %s') "
		   "on conflict (run_id, model) do update set "
		   "status = excluded.status, action = excluded.action, "
		   "message = excluded.message; "
		   "insert into millrace.test_result (run_id, model, test, "
		   "severity, status, failures, sample) values (%" PRId64 ", ",
		   difference_any(&audit->found) ? "fail" : "success",
		   clock_ms() - audit->started_ms, audit->parts.description,
		   run->run_id);
	quote_literal(&sql, audit->task->name);
	buf_format(&sql,
		   ", 'audit', 'error', '%s', %" PRId64 ", jsonb_build_object(",
		   difference_any(&audit->found) ? "fail" : "pass",
		   audit->found.missing + audit->found.unexpected);
	add_json(&sql, "missing", audit->found.missing_sample);
	buf_add_text(&sql, ", ");
	add_json(&sql, "unexpected", audit->found.unexpected_sample);
	buf_add_text(&sql, ")); commit");
	ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* --- mending -------------------------------------------------------------- */

static bool turn(struct run *run, struct task *task, struct error *err)
{
	struct worker worker = {.run = run, .pg = run->pg};
	bool ok = run_task(&worker, task, err);

	run_use(run, worker.pg);
	return ok;
}

/* What was changed by other hands has left no change sets behind: so readers
 * are told to rebuild, not what is new. */
static bool repair(struct audit *audit, struct error *err)
{
	struct run *run = audit->run;
	bool ok;

	run->full_refresh = run->is_repair = true;
	ok = turn(run, audit->task, err);
	run->full_refresh = run->is_repair = false;
	if (ok && audit->task->status == TASK_DONE) {
		run->failed--;
		fprintf(audit->options->out,
			"  repaired; what reads it follows\n");
	} else if (ok) {
		run->status = STATUS_DATA;
	}
	return ok;
}

/* After a repair upstream. */
static bool catch_up(struct run *run, struct task *task, struct error *err)
{
	if (!task->is_touched)
		return true;
	task->is_touched = false;
	return turn(run, task, err);
}

static bool audit_task(struct run *run, struct task *task,
		       const struct audit_options *options, struct error *err)
{
	struct error failure = ERROR_INIT;
	struct audit audit = {
		.run = run,
		.task = task,
		.options = options,
		.started_ms = clock_ms(),
		.refresh = {.pg = run->pg,
			    .timeout_ms = run->timeout_ms,
			    .task = task},
	};
	bool ok;

	if (options->repair && !catch_up(run, task, err))
		return false;
	ok = look_in_snapshot(&audit, &failure);
	if (!ok && pg_is_over(&failure)) {
		*err = failure;
	} else if (!ok) {
		log_line(LOG_ERROR, "%s: %s", task->name, failure.text);
		run->failed++;
		run->status = STATUS_DATA;
		ok = true;
	} else {
		print(&audit);
		run->done += !audit.why;
		ok = log_result(&audit, err);
		if (ok && difference_any(&audit.found)) {
			run->failed++;
			if (options->repair)
				ok = repair(&audit, err);
			else
				run->status = STATUS_DATA;
		}
	}
	arena_release(&audit.refresh.arena);
	return ok;
}

bool audit_run(struct run *run, const struct audit_options *options,
	       struct error *err)
{
	struct tasks *tasks = run->tasks;
	bool ok = !tasks->count ||
		  ledger_look(run->pg, run->timeout_ms, tasks, NULL, "", err);

	for (size_t i = 0; ok && i < tasks->count && !stop_requested(); i++) {
		struct task *task = tasks->order[i];

		if (task_is_view(task))
			continue;
		if (task->is_selected)
			ok = audit_task(run, task, options, err);
		else if (options->repair)
			ok = catch_up(run, task, err);
	}
	return run_finish(run, ok, err);
}
