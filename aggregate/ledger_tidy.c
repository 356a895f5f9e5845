#include "aggregate/ledger.h"
#include "aggregate/ledger_parts.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/fault.h"
#include "common/pg.h"

/* The transaction draws its xid here, after the clock was read and after the
 * snapshot that the newest number comes from: whoever holds a smaller number
 * has taken an older xid.  The snapshot's own xmax will not do: it lies behind
 * the newest transaction that has ended, and some beyond it may run. */
static void seal_sql(struct buf *out)
{
	buf_format(out,
		   "begin; set local role millrace_aggregate; "
		   "set local synchronous_commit = off;\n"
		   "with now as (select pg_current_snapshot() as snapshot,"
		   " (select coalesce(max(load_id), 0) from millrace.load)"
		   " as newest)\n"
		   "update millrace.seal set sealed_load ="
		   " case when candidate_xid <= pg_snapshot_xmin(now.snapshot)"
		   " then greatest(sealed_load, candidate_load)"
		   " else sealed_load end,"
		   /* a clock that was set back proves nothing */
		   " sealed_at = case when candidate_xid <="
		   " pg_snapshot_xmin(now.snapshot) and candidate_at <="
		   " statement_timestamp() then greatest(sealed_at,"
		   " candidate_at) else sealed_at end,"
		   " candidate_at = statement_timestamp(),"
		   " candidate_load = newest, candidate_xid = %s\n"
		   "from now"
		   " where candidate_xid <= pg_snapshot_xmin(now.snapshot)"
		   " or candidate_xid > pg_snapshot_xmax(now.snapshot); commit",
		   mutant("xmax") ? "pg_snapshot_xmax(now.snapshot)"
				  : "pg_current_xact_id()");
}

void ledger_idle_sql(struct buf *out)
{
	buf_format(out,
		   "not exists (select from pg_locks k "
		   "where k.locktype = 'advisory' and k.classid = %d "
		   "and k.objid = hashtext(m.model)::oid and k.granted "
		   "and k.pid <> pg_backend_pid() and k.database = "
		   "(select oid from pg_database "
		   "where datname = current_database())) "
		   "for no key update of m skip locked",
		   LOCK_MODEL);
}

/* Models that have long had nothing to do follow the seal from afar, so that
 * looking for their loads stays short. */
enum { FLOOR_BEHIND = 50 };

static void floor_sql(struct buf *out, const struct tasks *tasks)
{
	buf_add_text(out, "begin; set local role millrace_aggregate;\n"
			  "with input (relation, model) as ");
	ledger_reads_sql(out, tasks->order, tasks->count);
	buf_format(out,
		   "\nupdate millrace.model k set floor_load = n.sealed_load "
		   "from (select m.model, s.sealed_load "
		   "from millrace.model m cross join millrace.seal s\n"
		   "where m.floor_load < s.sealed_load - %d "
		   "and m.model in (select model from input) "
		   "and not exists (select from input i "
		   "join millrace.load l on l.relation = i.relation "
		   "and l.load_id > m.floor_load "
		   "and l.load_id <= s.sealed_load "
		   "where i.model = m.model "
		   "and ",
		   FLOOR_BEHIND);
	ledger_pending_sql(out, "m.model");
	buf_add_text(out, ") and ");
	ledger_idle_sql(out);
	buf_add_text(out, ") n where k.model = n.model; commit");
}

static void add_consumers(struct buf *out, const struct task *task)
{
	buf_add_text(out, "(''");
	for (size_t i = 0; i < task->consumer_count; i++) {
		buf_add_text(out, ", ");
		quote_literal(out, task->consumer[i]->name);
	}
	buf_add_byte(out, ')');
}

/* Drops old versions whose both loads every reader has consumed (one that was
 * never built reads none), and says from which load on they are complete: a
 * reader that has been away has to rebuild.  Nobody waits: when the model is
 * being run, the next pass will do. */
static void prune_sql(struct buf *out, const struct task *task)
{
	buf_format(out,
		   "begin; set local role millrace_aggregate;\n"
		   "with free as materialized (select "
		   "pg_try_advisory_xact_lock(%d, hashtext(",
		   LOCK_MODEL);
	quote_literal(out, task->name);
	buf_add_text(out, ")) as mine),\npending as (select l.load_id, "
			  "l.loaded_at from millrace.model m "
			  "cross join lateral (select * from millrace.load a "
			  "where a.load_id > m.floor_load and a.relation = ");
	quote_literal(out, task->name);
	buf_add_text(out, " offset 0) l where m.model in ");
	add_consumers(out, task);
	buf_format(out,
		   " and not exists (select from millrace.model_load x "
		   "where x.model = m.model and x.load_id = l.load_id)),\n"
		   "gone as (delete from %s o where (select mine from free) "
		   "and not exists (select from pending p "
		   "where p.loaded_at = o.loaded_at) "
		   "and not exists (select from pending p "
		   "where p.loaded_at = o.retired_at) returning 1)\n"
		   "update millrace.model set gone_from_load = greatest("
		   "gone_from_load, coalesce((select min(load_id) - 1 "
		   "from pending), changed_load))\n"
		   "where exists (select from gone) and model = ",
		   task->old);
	quote_literal(out, task->name);
	buf_add_text(out, "; commit");
}

/* Those of a stream, which nobody runs: replaced rows that every reader has
 * both added and subtracted. */
static void prune_stream_sql(struct buf *out, const struct tasks *tasks,
			     const struct task_input *input)
{
	buf_add_text(out, "begin; set local role millrace_aggregate;\n"
			  "with pending as (select l.load_id, l.loaded_at "
			  "from millrace.model m "
			  "cross join lateral (select * from millrace.load a "
			  "where a.load_id > m.floor_load and a.relation = ");
	quote_literal(out, input->relation);
	buf_add_text(out, " offset 0) l where m.model in (''");
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		for (size_t k = 0; k < task->input_count; k++) {
			if (strcmp(task->input[k].relation, input->relation))
				continue;
			buf_add_text(out, ", ");
			quote_literal(out, task->name);
		}
	}
	buf_add_text(out, ") and ");
	ledger_pending_sql(out, "m.model");
	buf_format(out,
		   "),\ngone as (delete from %s o where "
		   "%s(select from pending p "
		   "where p.loaded_at = o.loaded_at) "
		   "and not exists (select from pending p "
		   "where p.loaded_at = o.retired_at) returning 1)\n"
		   "insert into millrace.source as s (relation, gone_from_load)"
		   "\nselect relation, gone_from from (values (",
		   input->old,
		   mutant("drop-replaced") ? "true or not exists "
					   : "not exists ");
	quote_literal(out, input->relation);
	buf_add_text(out, ", coalesce((select min(load_id) - 1 from pending), "
			  "(select max(load_id) from millrace.load "
			  "where relation = ");
	quote_literal(out, input->relation);
	buf_add_text(out, ")))) v (relation, gone_from) "
			  "where exists (select from gone)\n"
			  "on conflict (relation) do update set gone_from_load "
			  "= greatest(s.gone_from_load, "
			  "excluded.gone_from_load); commit");
}

/* A stream whose replaced rows are in the table of that name, NULL: none. */
static const struct task_input *find_stream(const struct tasks *tasks,
					    const char *old)
{
	for (size_t i = 0; i < tasks->count; i++)
		for (size_t k = 0; k < tasks->order[i]->input_count; k++) {
			const struct task_input *input =
				&tasks->order[i]->input[k];

			if (!input->task && !strcmp(input->old, old))
				return input;
		}
	return NULL;
}

static bool prune_streams(struct pg *pg, int64_t timeout_ms,
			  const struct tasks *tasks, struct error *err)
{
	PGresult *res = NULL;
	bool ok = pg_fetch(pg, timeout_ms, err, &res, NULL,
			   "select format('\"millrace_old\".\"%s\"', relname) "
			   "from pg_class where relnamespace = "
			   "to_regnamespace('millrace_old') "
			   "and relname like 'staging\\_\\_%' "
			   "and relkind = 'r'");

	for (int row = 0; ok && row < PQntuples(res); row++) {
		const struct task_input *input =
			find_stream(tasks, PQgetvalue(res, row, 0));
		struct buf sql = BUF_INIT;

		if (!input)
			continue;
		prune_stream_sql(&sql, tasks, input);
		ok = pg_run(pg, timeout_ms, err, buf_text(&sql));
		buf_release(&sql);
	}
	PQclear(res);
	return ok;
}

/* The log of runs, but for what models last did. */
static bool forget_runs(struct pg *pg, int64_t timeout_ms, int64_t keep_ms,
			struct error *err)
{
	if (keep_ms == 0)
		return true;
	return pg_runf(pg, timeout_ms, err,
		       "begin; set local role millrace_aggregate; "
		       "delete from millrace.run r "
		       "where r.started_at < now() - "
		       "interval '1 millisecond' * %" PRId64
		       " and not exists (select from millrace.model m "
		       "where m.last_run = r.run_id); commit",
		       keep_ms);
}

/* Twice, since where nobody else writes the second seals what the first has
 * seen. */
bool ledger_tick(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		 struct error *err)
{
	struct buf seal = BUF_INIT;
	bool ok = true;

	seal_sql(&seal);
	for (int pass = 0; ok && pass < 2; pass++)
		ok = pg_run(pg, timeout_ms, err, buf_text(&seal));
	ok = ok && ledger_complete(pg, timeout_ms, tasks, err);
	buf_release(&seal);
	return ok;
}

/* Whether its old versions are to be pruned now; with who works on it they stay
 * until it is over. */
static bool take_prune(const struct tasks *tasks, struct task *task)
{
	bool mine;

	tasks_lock(tasks);
	mine = task->needs_prune && task->state.has_old;
	if (mine && task->turn == TURN_TAKEN) {
		task->is_kept = true;
		mine = false;
	}
	if (mine)
		task->needs_prune = task->is_kept = false;
	tasks_unlock(tasks);
	return mine;
}

bool ledger_prune(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		  struct task *task, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok = true;

	if (take_prune(tasks, task)) {
		prune_sql(&sql, task);
		ok = pg_run(pg, timeout_ms, err, buf_text(&sql));
	}
	buf_release(&sql);
	return ok;
}

bool ledger_tidy(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		 int64_t keep_runs_ms, struct error *err)
{
	struct buf floor = BUF_INIT;
	bool ok;

	floor_sql(&floor, tasks);
	ok = ledger_tick(pg, timeout_ms, tasks, err) &&
	     pg_run(pg, timeout_ms, err, buf_text(&floor)) &&
	     forget_runs(pg, timeout_ms, keep_runs_ms, err);
	buf_release(&floor);
	ok = ok && prune_streams(pg, timeout_ms, tasks, err);
	for (size_t i = 0; ok && i < tasks->count; i++)
		ok = ledger_prune(pg, timeout_ms, tasks, tasks->order[i], err);
	return ok;
}
