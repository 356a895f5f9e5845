#include "aggregate/failure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/build.h"
#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/pg.h"

enum { QUICK_MS = 10000 };

/* --- locks ---------------------------------------------------------------- */

static void add_relations(struct buf *sql, const struct attempt *attempt)
{
	const struct task *task = attempt->task;
	const struct project *project = attempt->run->tasks->project;

	quote_literal(sql, task->name);
	for (size_t i = 0; i < task->relation->input_count; i++) {
		buf_add_text(sql, ", ");
		quote_literal(
			sql,
			project->relation[task->relation->input[i].relation]
				.name);
	}
}

/* Whoever keeps others out of what the model reads or writes, strongest lock
 * first.  By name, not by pg_blocking_pids: the wait is over. */
static void find_holder_sql(struct buf *sql, const struct attempt *attempt)
{
	buf_add_text(sql,
		     "select n.nspname || '.' || c.relname, l.pid, "
		     "coalesce(nullif(a.application_name, ''), "
		     "'no application_name'), l.mode, "
		     "coalesce(floor(extract(epoch from "
		     "clock_timestamp() - a.xact_start))::bigint, 0) "
		     "from pg_locks l join pg_class c on c.oid = l.relation "
		     "join pg_namespace n on n.oid = c.relnamespace "
		     "left join pg_stat_activity a on a.pid = l.pid "
		     "where l.granted and l.pid <> pg_backend_pid() "
		     "and l.database = (select oid from pg_database "
		     "where datname = current_database()) "
		     "and l.mode <> 'AccessShareLock' "
		     "and n.nspname || '.' || c.relname in (");
	add_relations(sql, attempt);
	buf_add_text(sql,
		     ") order by array_position(array['AccessExclusiveLock', "
		     "'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock'], "
		     "l.mode), a.xact_start limit 1");
}

static void explain_lock(const struct attempt *attempt, struct error *failure)
{
	struct error ignored = ERROR_INIT;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;

	find_holder_sql(&sql, attempt);
	if (pg_fetch(attempt->pg, QUICK_MS, &ignored, &res, NULL,
		     buf_text(&sql)) &&
	    PQntuples(res))
		error_set(failure, ERROR_TRANSIENT, STATUS_DATA,
			  "waited %" PRId64 " ms (lock-timeout) for a lock: "
			  "pid %s (%s) has held %s on %s for %s s",
			  attempt->run->lock_ms, PQgetvalue(res, 0, 1),
			  PQgetvalue(res, 0, 2), PQgetvalue(res, 0, 3),
			  PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 4));
	else
		error_set(failure, ERROR_TRANSIENT, STATUS_DATA,
			  "waited %" PRId64 " ms (lock-timeout) for a lock "
			  "that somebody else held and holds no more",
			  attempt->run->lock_ms);
	PQclear(res);
	buf_release(&sql);
}

/* --- cancelled ------------------------------------------------------------ */

static void explain_cancel(const struct attempt *attempt, struct error *failure)
{
	const struct run *run = attempt->run;

	if (clock_ms() - attempt->started_ms >= run->statement_ms)
		error_set(failure, ERROR_TRANSIENT, STATUS_DATA,
			  "a statement was cancelled after %" PRId64
			  " s: it ran into statement-timeout",
			  run->statement_ms / 1000);
	else
		error_set(failure, ERROR_TRANSIENT, STATUS_DATA,
			  "somebody cancelled its statement "
			  "(pg_cancel_backend); it was rolled back");
}

/* --- too long ------------------------------------------------------------- */

/* One record can keep a model from going on, and PostgreSQL names no column. */
static void explain_limit(const struct attempt *attempt, struct error *failure)
{
	const struct task *task = attempt->task;
	char said[sizeof failure->text];

	if (!strstr(failure->text, "8191") && !strstr(failure->text, "btree"))
		return;
	memcpy(said, failure->text, sizeof said);
	error_set(failure, ERROR_FATAL, STATUS_DATA,
		  "%s: a value is too long for an index of %s: cut it in the "
		  "query, as in left(x, 500), or leave its load out with "
		  "`periodic exclude %s LOAD`",
		  said, task->name, task->name);
}

/* --- file and line -------------------------------------------------------- */

/* The query as the file has it shows the same error, if the file is to blame,
 * and PostgreSQL then counts characters of the file. */
static void find_line(const struct attempt *attempt, struct error *failure)
{
	static const char explain[] = "explain ";
	const struct model *model = attempt->task->model;
	struct error again = ERROR_INIT;
	struct buf sql = BUF_INIT;
	long position;

	if (!pg_run(attempt->pg, QUICK_MS, &again, run_begin(attempt->run)))
		return;
	buf_format(&sql, "%s%s", explain, model->sql);
	if (!pg_run(attempt->pg, QUICK_MS, &again, buf_text(&sql)) &&
	    !strcmp(again.sqlstate, failure->sqlstate)) {
		position = pg_failure(attempt->pg)->position -
			   (long)(sizeof explain - 1);
		error_context(failure, "%s:%d", model->file,
			      build_line(model, position));
	} else {
		error_context(failure, "%s", model->file);
	}
	buf_release(&sql);
	pg_rollback(attempt->pg);
}

/* Whether the model's text may be at fault, and no file is named yet. */
static bool wants_file(const struct attempt *attempt,
		       const struct error *failure)
{
	static const char *const classes[] = {"21", "22", "42"};

	if (attempt->task->seed || strstr(failure->text, ".sql") ||
	    !strcmp(failure->sqlstate, "42501"))
		return false;
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (!strncmp(failure->sqlstate, classes[i], 2))
			return true;
	return false;
}

void failure_explain(const struct attempt *attempt, struct error *failure)
{
	bool has_position = pg_failure(attempt->pg)->position > 0;

	pg_rollback(attempt->pg);
	if (!pg_is_usable(attempt->pg))
		return;
	if (!strcmp(failure->sqlstate, "55P03"))
		explain_lock(attempt, failure);
	else if (!strcmp(failure->sqlstate, "57014"))
		explain_cancel(attempt, failure);
	else if (!strcmp(failure->sqlstate, "54000"))
		explain_limit(attempt, failure);
	else if (!wants_file(attempt, failure))
		return;
	else if (has_position)
		find_line(attempt, failure);
	else
		error_context(failure, "%s", attempt->task->model->file);
}
