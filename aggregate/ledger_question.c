#include "aggregate/ledger.h"
#include "aggregate/ledger_parts.h"

#include "aggregate/joint.h"
#include "aggregate/quote.h"
#include "aggregate/source.h"
#include "aggregate/stale.h"
#include "common/fault.h"
#include "common/pg.h"

bool ledger_concerns(const struct tasks *tasks, const struct task *task,
		     const struct task *only)
{
	if (!only)
		return !tasks->is_narrow || task->is_asked;
	if (task == only)
		return true;
	for (size_t i = 0; i < only->input_count; i++)
		if (only->input[i].task == task)
			return true;
	return false;
}

static void add_task(struct buf *sql, const struct task *task, size_t number)
{
	buf_format(sql, "%s(%zu, ", number ? ", " : "", number);
	quote_literal(sql, task->name);
	buf_add_text(sql, ", ");
	quote_literal(sql, task->old);
	buf_add_byte(sql, ')');
}

static size_t add_inputs(struct buf *sql, const struct task *task,
			 size_t number, size_t before)
{
	for (size_t i = 0; i < task->input_count; i++) {
		buf_format(sql, "%s(%zu, %zu, ", before + i ? ", " : "", number,
			   i);
		quote_literal(sql, task->input[i].relation);
		buf_add_text(sql, ", ");
		quote_literal(sql, task->input[i].old);
		buf_add_byte(sql, ')');
	}
	return before + task->input_count;
}

void ledger_pending_sql(struct buf *out, const char *model)
{
	buf_format(out,
		   LEDGER_SAYS_SOMETHING
		   " and not exists (select from millrace.model_load x"
		   " where x.model = %s and x.load_id = l.load_id)"
		   " and not exists (select from millrace.excluded e"
		   " where e.model = %s and e.load_id = l.load_id)",
		   model, model);
}

/* Tables of others, read by what is built, that tell of no loads any more. */
static void add_unwatched(struct buf *sql, const struct tasks *tasks)
{
	const char *separator = "(select string_agg(distinct i.relation, ', ')"
				" from input i join task u on"
				" u.number = i.number join millrace.model k on"
				" k.model = u.model where i.relation in (";

	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		for (size_t k = 0; k < task->input_count; k++) {
			if (task->input[k].task || task->input[k].is_staging)
				continue;
			buf_add_text(sql, separator);
			separator = ", ";
			quote_literal(sql, task->input[k].relation);
		}
	}
	if (*separator == '(') {
		buf_add_text(sql, "null");
		return;
	}
	buf_add_text(sql, ") and not ");
	source_watched_sql(sql, "i.relation");
	buf_add_byte(sql, ')');
}

const char ledger_tick_question[] =
	"select candidate_at < now() - interval '30 seconds' "
	"from millrace.seal";

/* By name: to_regclass would stumble over a schema that is somebody else's, and
 * stop every other pack. */
void ledger_kind_sql(struct buf *out, const char *model)
{
	buf_format(out,
		   "(select c.relkind from pg_class c"
		   " join pg_namespace n on n.oid = c.relnamespace"
		   " where n.nspname = split_part(%s, '.', 1)"
		   " and c.relname = split_part(%s, '.', 2))",
		   model, model);
}

/* One row for each task: its state. */
static void add_models(struct buf *sql, const struct tasks *tasks,
		       const struct task *only)
{
	struct buf unwatched = BUF_INIT;

	if (!only)
		add_unwatched(&unwatched, tasks);
	else
		buf_add_text(&unwatched, "null");
	buf_add_text(sql, "\nselect t.number, m.model is not null, ");
	ledger_kind_sql(sql, "t.model");
	buf_format(
		sql,
		", to_regclass(t.old) is not null,"
		" encode(m.code_hash, 'hex'), m.gone_from_load,"
		" m.changed_load, m.exported_load, m.indexes, null::int,"
		" null::bigint as load_id, null, null, null,"
		" (%s), null::bool,"
		" (select string_agg(e.relation || E'\\t' || e.loaded_at ||"
		" E'\\n', '' order by e.load_id) from millrace.excluded e"
		" where e.model = t.model), m.queued, (%s),"
		" (%s), %s,"
		" m.settled_load, array_to_string(m.settled_columns, E'\\n')"
		"\nfrom task t left join millrace.model m on m.model = t.model",
		ledger_tick_question, only ? "null::bool" : stale_question,
		only ? "null::bool" : joint_question, buf_text(&unwatched));
	buf_release(&unwatched);
}

/* Of a load of staging that is about to be taken: whether all that is kept is
 * newer. */
static const char retired_question[] =
	"case when l.op = 'i' and i.relation like 'staging.%' "
	"and l.row_count > 0 and l.loaded_at < now() - interval '1 day' then "
	"l.loaded_at < (select case when bool_and(b.since is not null) "
	"then min(b.since) end "
	"from pg_inherits h join pg_class x on x.oid = h.inhrelid "
	"cross join lateral (select (regexp_match("
	"pg_get_expr(x.relpartbound, x.oid), $r$FROM \\('([^']+)'\\)$r$))[1]"
	"::timestamptz as since) b "
	"where h.inhparent = to_regclass(i.relation)) end";

/* Behind it, one for each load that is pending. */
static void add_loads(struct buf *sql, const struct task *only)
{
	buf_format(
		sql,
		"\nunion all"
		"\nselect t.number, null, null, null, null, null, null, null,"
		" null, i.place, l.load_id, l.loaded_at, l.op, l.row_count,"
		" null, l.op = 'd' and to_regclass(i.old) is not null and"
		" l.load_id > coalesce((select gone_from_load from"
		" millrace.source s where s.relation = i.relation), 0),"
		" null, null, null, %s, null, null, null"
		"\nfrom input i join task t on t.number = i.number"
		" join millrace.model m on m.model = t.model"
		/* offset 0: by index from the floor on, whatever the planner
		 * thinks of a ledger that has just grown */
		" cross join lateral (select * from millrace.load a"
		" where a.relation = i.relation and %s offset 0) l"
		"\nwhere ",
		only ? retired_question : "null",
		mutant("watermark") ? "a.loaded_at > coalesce(m.loaded_through,"
				      " '-infinity')"
				    : "a.load_id > m.floor_load");
	if (mutant("watermark"))
		buf_add_text(sql, "l.row_count > 0");
	else
		ledger_pending_sql(sql, "t.model");
	buf_add_text(sql, "\norder by 1, load_id nulls first");
}

void ledger_look_sql(struct buf *sql, const struct tasks *tasks,
		     const struct task *only)
{
	size_t number = 0;
	size_t inputs = 0;

	buf_add_text(sql, "with task (number, model, old) as "
			  "(values ");
	for (size_t i = 0; i < tasks->count; i++)
		if (ledger_concerns(tasks, tasks->order[i], only))
			add_task(sql, tasks->order[i], number++);
	buf_add_text(sql, "), input (number, place, relation, old) as "
			  "(values ");
	number = 0;
	for (size_t i = 0; i < tasks->count; i++) {
		if (!ledger_concerns(tasks, tasks->order[i], only))
			continue;
		if (!only || tasks->order[i] == only)
			inputs = add_inputs(sql, tasks->order[i], number,
					    inputs);
		number++;
	}
	buf_add_text(sql, inputs ? ")" : "(null::int, null::int, null, null))");
	add_models(sql, tasks, only);
	add_loads(sql, only);
}

void ledger_reads_sql(struct buf *out, struct task *const *task, size_t count)
{
	buf_add_text(out, "(values (null, null)");
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < task[i]->input_count; k++) {
			buf_add_text(out, ", (");
			quote_literal(out, task[i]->input[k].relation);
			buf_add_text(out, ", ");
			quote_literal(out, task[i]->name);
			buf_add_byte(out, ')');
		}
	buf_add_byte(out, ')');
}

bool ledger_is_pending(struct pg *pg, int64_t timeout_ms,
		       struct task *const *task, size_t count, bool *pending,
		       struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select exists (select from ");
	ledger_reads_sql(&sql, task, count);
	buf_add_text(&sql, " i (relation, model) join millrace.model m "
			   "on m.model = i.model cross join lateral "
			   "(select * from millrace.load a where "
			   "a.relation = i.relation and "
			   "a.load_id > m.floor_load offset 0) l where ");
	ledger_pending_sql(&sql, "m.model");
	buf_add_byte(&sql, ')');
	ok = pg_ask(pg, timeout_ms, err, pending, buf_text(&sql));
	buf_release(&sql);
	return ok;
}
