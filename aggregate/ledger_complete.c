#include <inttypes.h>
#include <stdlib.h>

#include "aggregate/ledger.h"
#include "aggregate/ledger_parts.h"
#include "aggregate/quote.h"
#include "aggregate/source.h"
#include "common/buf.h"
#include "common/fault.h"
#include "common/mem.h"
#include "common/pg.h"

/* Times are microseconds since 1970 here. */
enum { NOT_KNOWN = 0 };

/* What one snapshot says about a task. */
struct completeness {
	bool is_built;
	bool has_changes_pending; /* of a model: nobody knows how old */
	bool has_unknown;         /* a source whose writers promise nothing */
	int64_t sources;          /* what its own sources allow; 0: none */
	int64_t complete;         /* NOT_KNOWN, or INT64_MAX: seeds alone */
};

/* A source is complete up to the sealed time less its writers' guard, and not
 * beyond what is pending. */
static void look_sql(struct buf *out, const struct tasks *tasks)
{
	const char *separator = "";

	buf_add_text(out, "begin; set local role millrace_aggregate;\n"
			  "with input (number, model, relation, is_model) as "
			  "(values ");
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		for (size_t k = 0; k < task->input_count; k++) {
			buf_format(out, "%s(%zu, ", separator, i);
			separator = ", ";
			quote_literal(out, task->name);
			buf_add_text(out, ", ");
			quote_literal(out, task->input[k].relation);
			buf_format(out, ", %s)",
				   task->input[k].task ? "true" : "false");
		}
	}
	buf_add_text(out, *separator ? ")" : "(null::int, null, null, false))");
	buf_add_text(out, ",\nbound as (select i.number, "
			  "m.model is not null as is_built, i.is_model, "
			  "p.oldest, s.sealed_at - case when "
			  "r.guard is null then case when i.relation like "
			  "'staging.%' then interval '1 second' end when ");
	/* a promise holds as long as somebody sees to it */
	source_watched_sql(out, "i.relation");
	buf_add_text(
		out,
		" then r.guard end as sealed"
		"\nfrom input i cross join millrace.seal s"
		" left join millrace.source r on r.relation = i.relation"
		" left join millrace.model m on m.model = i.model"
		" left join lateral (select min(l.loaded_at) as oldest"
		" from (select * from millrace.load a"
		" where a.relation = i.relation and a.load_id > m.floor_load"
		" offset 0) l where ");
	ledger_pending_sql(out, "m.model");
	buf_add_text(out,
		     ") p on true)"
		     "\nselect number, bool_and(is_built),"
		     " bool_or(is_model and oldest is not null),"
		     " bool_or(not is_model and sealed is null),"
		     " (extract(epoch from min(least(sealed, oldest -"
		     " interval '1 microsecond')) filter (where not is_model))"
		     " * 1000000)::bigint"
		     "\nfrom bound where number is not null group by number; "
		     "commit");
}

static void read_row(struct completeness *at, const PGresult *res, int row)
{
	at->is_built = PQgetvalue(res, row, 1)[0] == 't';
	at->has_changes_pending = PQgetvalue(res, row, 2)[0] == 't';
	at->has_unknown = PQgetvalue(res, row, 3)[0] == 't';
	at->sources = pg_number(res, row, 4);
}

static size_t number_of(const struct tasks *tasks, const struct task *task)
{
	size_t i = 0;

	while (tasks->order[i] != task)
		i++;
	return i;
}

/* As complete as the least complete thing it is made from. */
static void work_out(const struct tasks *tasks, struct completeness *at)
{
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		at[i].complete = INT64_MAX;
		if (task->seed)
			continue;
		if (!at[i].is_built || at[i].has_changes_pending ||
		    at[i].has_unknown) {
			at[i].complete = NOT_KNOWN;
			continue;
		}
		if (at[i].sources)
			at[i].complete = at[i].sources;
		for (size_t k = 0; k < task->input_count; k++) {
			const struct task *input = task->input[k].task;
			int64_t most =
				input ? at[number_of(tasks, input)].complete
				      : INT64_MAX;

			if (most < at[i].complete)
				at[i].complete = most;
		}
	}
}

/* What is complete once stays so: the time never goes back. */
static void record_sql(struct buf *out, const struct tasks *tasks,
		       const struct completeness *at)
{
	const char *separator = "";

	buf_add_text(out, "begin; set local role millrace_aggregate; "
			  "set local synchronous_commit = off;\n"
			  "update millrace.model k set complete_through = "
			  "n.complete from (select m.model, v.complete "
			  "from (select model, timestamptz 'epoch' "
			  "+ us * interval '1 microsecond' from (values ");
	for (size_t i = 0; i < tasks->count; i++) {
		if (at[i].complete == NOT_KNOWN || at[i].complete == INT64_MAX)
			continue;
		buf_format(out, "%s(", separator);
		separator = ", ";
		quote_literal(out, tasks->order[i]->name);
		buf_format(out, ", %" PRId64 ")", at[i].complete);
	}
	if (!*separator) {
		buf_reset(out);
		return;
	}
	buf_add_text(out, ") t (model, us)) v (model, complete)\n"
			  "join millrace.model m on m.model = v.model "
			  "where (m.complete_through is null or "
			  "m.complete_through < v.complete) and ");
	ledger_idle_sql(out);
	buf_add_text(out, ") n where k.model = n.model; commit");
}

bool ledger_complete(struct pg *pg, int64_t timeout_ms,
		     const struct tasks *tasks, struct error *err)
{
	struct completeness *at = mem_zalloc(tasks->count + 1, sizeof *at);
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	look_sql(&sql, tasks);
	ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
	for (int row = 0; ok && row < PQntuples(res); row++)
		read_row(&at[pg_number(res, row, 0)], res, row);
	if (ok) {
		work_out(tasks, at);
		buf_reset(&sql);
		record_sql(&sql, tasks, at);
		if (sql.len)
			ok = pg_run(pg, timeout_ms, err, buf_text(&sql));
	}
	PQclear(res);
	buf_release(&sql);
	free(at);
	return ok;
}
