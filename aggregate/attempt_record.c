#include <inttypes.h>
#include <string.h>

#include "aggregate/attempt.h"
#include "aggregate/joint.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "aggregate/run.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/pg.h"

const char *attempt_action(const struct attempt *attempt)
{
	switch (attempt->action) {
	case ACTION_BUILD:
		return "build";
	case ACTION_REBUILD:
		return attempt->task->model->strategy == STRATEGY_FULL
			       ? task_strategy(attempt->task)
			       : "rebuild";
	case ACTION_INDEX:
		return "index";
	default:
		return task_strategy(attempt->task);
	}
}

/* --- what is written down ------------------------------------------------- */

static struct ledger_change change_of(const struct attempt *attempt)
{
	const struct refresh *refresh = &attempt->refresh;
	struct ledger_change change = {.row_count = refresh->inserted,
				       .settled = refresh->settled};

	if (task_is_view(attempt->task))
		return change;
	if (attempt->action == ACTION_BUILD || attempt->swapped ||
	    (attempt->run->is_repair &&
	     (refresh->inserted || refresh->deleted))) {
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
		   status, attempt_action(attempt), task->state.load_count,
		   attempt->refresh.inserted, attempt->refresh.deleted, ms, ms);
	if (message)
		quote_literal(out, message);
	else
		buf_add_text(out, "null");
	buf_add_text(out, ")\non conflict (run_id, model) do update set "
			  "status = excluded.status, "
			  "message = excluded.message");
	if (!message)
		buf_add_text(out, ", loads = run_model.loads + excluded.loads, "
				  "inserted = run_model.inserted + "
				  "excluded.inserted, "
				  "deleted = run_model.deleted + "
				  "excluded.deleted, "
				  "duration_ms = run_model.duration_ms + "
				  "excluded.duration_ms");
	buf_add_text(out, ";\n");
}

/* All but the commit itself, and the transaction's number: whether it took
 * place can be asked with it when no answer comes. */
static bool record(struct attempt *attempt, struct error *err)
{
	struct ledger_change change = change_of(attempt);
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	ledger_record_sql(&sql, attempt->task, attempt->run->run_id, &change);
	if (attempt->refresh.effective)
		ledger_effective_sql(&sql, attempt->task,
				     attempt->refresh.effective);
	log_sql(&sql, attempt, "success", NULL);
	test_log_sql(&sql, &attempt->report, attempt->run->run_id);
	joint_due_sql(&sql, attempt->run->tasks, attempt->task, change.op != 0,
		      attempt->joint_ran);
	buf_add_text(&sql, "select pg_current_xact_id()");
	log_line(LOG_DEBUG, "%s", buf_text(&sql));
	ok = pg_fetch(attempt->pg, attempt->run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok)
		strncpy(attempt->xid, PQgetvalue(res, 0, 0),
			sizeof attempt->xid - 1);
	attempt->is_changed = change.op != 0;
	PQclear(res);
	buf_release(&sql);
	return ok;
}

void attempt_settle(struct attempt *attempt)
{
	struct task *task = attempt->task;

	run_lock(attempt->run);
	task->state.is_known = task->state.is_there = true;
	memcpy(task->state.code_hash, task->code_hash, sizeof task->code_hash);
	if (attempt->is_changed)
		task_touch_consumers(attempt->run->tasks, task);
	joint_committed(attempt->run->tasks, task, attempt->is_changed,
			attempt->joint_ran);
	run_unlock(attempt->run);
}

bool attempt_commit(struct attempt *attempt, struct error *err)
{
	char tag[64];

	if (!record(attempt, err))
		return false;
	fault_hit(FAULT_RUN_TESTED);
	if (!pg_fetch(attempt->pg, attempt->run->timeout_ms, err, NULL, tag,
		      "commit"))
		return false;
	if (strcmp(tag, "COMMIT") != 0)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "the transaction was rolled back");
	fault_hit(FAULT_RUN_COMMITTED);
	attempt_settle(attempt);
	return true;
}

bool attempt_log(struct attempt *attempt, const char *status,
		 const char *message, struct error *err)
{
	struct run *run = attempt->run;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "rollback; ");
	buf_add_text(&sql, run_begin(run));
	log_sql(&sql, attempt, status, message);
	test_log_sql(&sql, &attempt->report, run->run_id);
	buf_add_text(&sql, "commit");
	ok = pg_run(attempt->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}
