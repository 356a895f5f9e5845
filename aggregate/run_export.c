#include "aggregate/run_export.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/export.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "aggregate/run.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"

bool run_may_try_again(const struct error *failure)
{
	return !failure->lost && !strncmp(failure->sqlstate, "40", 2);
}

void run_export_report(struct run *run, const struct task *task)
{
	run_lock(run);
	run->exported++;
	run_unlock(run);
	log_line(run->is_terse ? LOG_DEBUG : LOG_INFO, "%s: wrote %s",
		 task->name, task->model->export_path);
}

/* A table's CSV, after the commit: a later run catches up on a crash here.
 * With false, the transaction may be open. */
static bool export_table(const struct worker *worker, struct task *task,
			 struct error *err)
{
	enum export_outcome outcome = EXPORT_UNCHANGED;
	struct run *run = worker->run;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!task->model->export_path)
		return true;
	ok = ledger_look(worker->pg, run->timeout_ms, run->tasks, task,
			 run_begin(run), err);
	if (ok && task->state.exported_load >= task->state.changed_load &&
	    !export_is_missing(task))
		return pg_run(worker->pg, run->timeout_ms, err, "commit");
	buf_format(&sql,
		   "update millrace.model set exported_load = %" PRId64
		   " where model = ",
		   task->state.changed_load);
	quote_literal(&sql, task->name);
	buf_add_text(&sql, "; commit");
	ok = ok &&
	     export_write(worker->pg, run->timeout_ms, task, &outcome, err) &&
	     pg_run(worker->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	if (ok && outcome == EXPORT_WRITTEN)
		run_export_report(run, task);
	return ok;
}

/* What another periodic notes of the model in the meantime is no failure. */
bool run_export(const struct worker *worker, struct task *task,
		struct error *failure)
{
	for (int left = RUN_ATTEMPTS; !export_table(worker, task, failure);) {
		if (!run_may_try_again(failure) || --left == 0)
			return false;
		pg_rollback(worker->pg);
		*failure = ERROR_INIT;
	}
	return true;
}
