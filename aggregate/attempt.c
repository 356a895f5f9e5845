#include "aggregate/attempt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/abreast.h"
#include "aggregate/build.h"
#include "aggregate/excluded.h"
#include "aggregate/export.h"
#include "aggregate/index.h"
#include "aggregate/joint.h"
#include "aggregate/ledger.h"
#include "aggregate/project_files.h"
#include "aggregate/quote.h"
#include "aggregate/relation.h"
#include "aggregate/replay_load.h"
#include "aggregate/run.h"
#include "aggregate/seed.h"
#include "aggregate/source.h"
#include "aggregate/source_test.h"
#include "aggregate/strategy.h"
#include "common/fault.h"
#include "common/pg.h"
#include "common/staging.h"

/* --- before -------------------------------------------------------------- */

/* What a new model reads: staging tables, which periodic may be the first to
 * need, and tables of others, which must tell of their loads. */
static bool ensure_inputs(const struct attempt *attempt, struct error *err)
{
	const struct project *project = attempt->run->tasks->project;
	const struct task *task = attempt->task;
	bool ok = true;

	for (size_t i = 0; ok && i < task->relation->input_count; i++) {
		const struct relation *input =
			&project->relation[task->relation->input[i].relation];
		char *sql = NULL;

		if (input->kind == RELATION_SOURCE)
			ok = source_check(attempt->pg, attempt->run->timeout_ms,
					  input->file, input->name, err);
		if (input->kind != RELATION_STREAM)
			continue;
		ok = project_files_read(input->file, &sql, err) &&
		     staging_ensure(attempt->pg, strchr(input->name, '.') + 1,
				    input->file, sql, err);
		free(sql);
	}
	return ok;
}

/* What must be there before the transaction, in transactions of its own. */
static bool prepare(const struct attempt *attempt, struct error *err)
{
	const struct task *task = attempt->task;

	if (!task->state.is_known && !ensure_inputs(attempt, err))
		return false;
	return task->state.is_there ||
	       relation_ensure_pack(attempt->pg, attempt->run->timeout_ms,
				    task->model->pack, err);
}

/* --- the transaction ------------------------------------------------------ */

static bool reads_rows(const struct attempt *attempt)
{
	return attempt->action == ACTION_BUILD ||
	       attempt->action == ACTION_REBUILD ||
	       attempt->action == ACTION_APPLY;
}

static bool begin(struct attempt *attempt, struct error *err)
{
	struct run *run = attempt->run;

	if (!ledger_look(attempt->pg, run->timeout_ms, run->tasks,
			 attempt->task, run_begin(run), err))
		return false;
	fault_hit(FAULT_RUN_BEGUN);
	attempt->refresh = (struct refresh){
		.pg = attempt->pg,
		.timeout_ms = run->timeout_ms,
		.task = attempt->task,
	};
	abreast_keep(attempt);
	source_test_keep(attempt);
	if (!replay_load_add(attempt, err))
		return false;
	attempt_decide(attempt);
	return attempt_can_follow(attempt, err) &&
	       (!reads_rows(attempt) ||
		excluded_check(run->tasks->project, attempt->task, err));
}

/* Helpers who hand over rows one by one cost more than they do, unless there
 * are very many. */
enum { WORTH_HELPERS = 1000000 };

static bool is_small(const struct attempt *attempt)
{
	const struct task_state *state = &attempt->task->state;
	int64_t rows = 0;

	for (size_t i = 0; i < state->load_count; i++)
		rows += state->load[i].rows;
	return attempt->action == ACTION_APPLY && rows < WORTH_HELPERS;
}

static bool consume(struct attempt *attempt, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok = true;

	if (is_small(attempt))
		buf_add_text(&sql, "set local max_parallel_workers_per_gather "
				   "= 0;\n");
	if (attempt->run->replay_load) {
		buf_format(&sql,
			   "delete from millrace.model_load where load_id = "
			   "%" PRId64 " and model = ",
			   attempt->run->replay_load);
		quote_literal(&sql, attempt->task->name);
		buf_add_text(&sql, ";\n");
	}
	if (attempt->is_new_code && attempt->action != ACTION_APPLY)
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

/* build_shape, unless the decision has asked already. */
static bool shape(struct attempt *attempt, struct error *err)
{
	return attempt->refresh.columns.count ||
	       build_shape(&attempt->refresh, err);
}

static bool refuses_columns(const struct attempt *attempt)
{
	return attempt->task->model->on_schema_change == ON_SCHEMA_FAIL &&
	       !attempt->run->full_refresh && attempt->task->state.is_known;
}

/* The file is another, or so are the columns of what it reads. */
static bool may_have_other_columns(const struct attempt *attempt)
{
	const struct task_state *state = &attempt->task->state;
	bool may = attempt->is_new_code || attempt->run->full_refresh;

	for (size_t i = 0; i < state->load_count && !may; i++)
		may = state->load[i].input->task && state->load[i].op == 't';
	return may;
}

static bool rebuild(struct attempt *attempt, struct error *err)
{
	struct refresh *refresh = &attempt->refresh;
	bool fits = true;

	if (attempt->task->state.is_known && !build_is_possible(refresh, err))
		return false;
	if (may_have_other_columns(attempt) &&
	    (!shape(attempt, err) || !build_fits(refresh, &fits, err)))
		return false;
	if (!fits && refuses_columns(attempt))
		return error_config(err,
				    "%s: the columns of the query are no "
				    "longer those of %s, and it says "
				    "on_schema_change: fail; --full-refresh "
				    "gives it the new ones",
				    attempt->task->model->file,
				    attempt->task->name);
	if (fits)
		return refresh_columns(refresh, attempt->task->table, err) &&
		       build_old(refresh, err) && index_drop(refresh, err) &&
		       strategy_full(refresh, err) &&
		       index_create(refresh, err);
	if (!attempt->may_swap) {
		attempt->needs_swap = true;
		return true;
	}
	attempt->swapped = true;
	return build_swap(refresh, err);
}

bool attempt_apply(struct attempt *attempt, struct error *err)
{
	struct refresh *refresh = &attempt->refresh;

	if (attempt->task->seed &&
	    (attempt->action == ACTION_BUILD ||
	     attempt->action == ACTION_REBUILD) &&
	    !seed_load(attempt->task->seed, refresh->pg, refresh->timeout_ms,
		       err))
		return false;
	if (attempt->action == ACTION_APPLY &&
	    may_have_other_columns(attempt) &&
	    (!shape(attempt, err) || !build_extend(refresh, err)))
		return false;
	switch (attempt->action) {
	case ACTION_VIEW:
		return (!attempt->is_new_code || build_view(refresh, err)) &&
		       build_comment(refresh, err);
	case ACTION_BUILD:
		return build_shape(refresh, err) && build_table(refresh, err);
	case ACTION_REBUILD:
		return rebuild(attempt, err);
	case ACTION_APPLY:
		return refresh_columns(refresh, attempt->task->table, err) &&
		       refresh_inputs(refresh, err) &&
		       build_old(refresh, err) && index_drop(refresh, err) &&
		       index_create(refresh, err) &&
		       (attempt->run->replay_load
				? replay_load_apply(refresh, err)
				: strategy_apply(refresh, err));
	case ACTION_INDEX:
		return refresh_columns(refresh, attempt->task->table, err) &&
		       build_old(refresh, err) && index_drop(refresh, err) &&
		       index_create(refresh, err);
	case ACTION_NONE:
		break;
	}
	return true;
}

/* As its file says: it shows what is there. */
static bool is_shown(const struct attempt *attempt, const struct task *view)
{
	bool shown;

	run_lock(attempt->run);
	shown = view->state.is_there &&
		!strcmp(view->state.code_hash, view->code_hash);
	run_unlock(attempt->run);
	return shown;
}

/* The tests of the task, of views that show it, and of those that look at
 * others too. */
static bool test(struct attempt *attempt, struct error *err)
{
	const struct task *task = attempt->task;
	struct refresh *refresh = &attempt->refresh;
	bool changed = refresh->inserted || refresh->deleted;
	bool all = attempt->is_new_code || attempt->run->full_refresh;
	struct joint_change change = {
		.is_new_code = all,
		.changed = changed,
		.deleted = refresh->deleted || attempt->swapped,
		.added = refresh->added,
	};

	if ((all || changed || task_is_view(task)) &&
	    !test_run(&attempt->report, refresh->pg, refresh->timeout_ms, task,
		      all ? NULL : refresh->added, false, &refresh->arena, err))
		return false;
	for (size_t i = 0; changed && i < task->view_count; i++) {
		const struct task *view = task->view[i];

		if (is_shown(attempt, view) &&
		    !test_run(&attempt->report, refresh->pg,
			      refresh->timeout_ms, view, NULL, false,
			      &refresh->arena, err))
			return false;
	}
	attempt->joint_ran = arena_zalloc(&refresh->arena,
					  attempt->run->tasks->joint_count + 1);
	return joint_run(&attempt->report, attempt->run, attempt->pg, task,
			 &change, attempt->joint_ran, &refresh->arena, err);
}

/* --- from begin to end ---------------------------------------------------- */

void attempt_release(struct attempt *attempt)
{
	test_report_release(&attempt->report);
	arena_release(&attempt->refresh.arena);
}

bool attempt_work(struct attempt *attempt, struct error *err)
{
	enum export_outcome outcome = EXPORT_UNCHANGED;
	struct run *run = attempt->run;

	if (!prepare(attempt, err) || !source_test_before(attempt, err) ||
	    !begin(attempt, err))
		return false;
	if (attempt->action == ACTION_NONE)
		return pg_run(attempt->pg, run->timeout_ms, err, "rollback");
	if (!source_test_all(attempt, err) ||
	    !attempt_decide_columns(attempt, err) || !consume(attempt, err) ||
	    !attempt_apply(attempt, err))
		return false;
	if (attempt->needs_swap)
		return pg_run(attempt->pg, run->timeout_ms, err, "rollback");
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
	    !export_write(attempt->pg, run->timeout_ms, attempt->task, &outcome,
			  err))
		return false;
	if (!attempt_commit(attempt, err))
		return false;
	attempt->exported = outcome == EXPORT_WRITTEN;
	return true;
}

void attempt_find_test(struct attempt *attempt, struct error *err)
{
	const struct pg_failure *failure = pg_failure(attempt->pg);
	const char *said;

	if (strcmp(err->sqlstate, "23505") != 0 ||
	    !test_index_failed(&attempt->report, attempt->task,
			       failure->constraint, failure->detail,
			       &attempt->refresh.arena))
		return;
	said = test_first_failure(&attempt->report, &attempt->refresh.arena);
	error_set(err, ERROR_FATAL, STATUS_DATA, "%s", said);
}
