#include "aggregate/freshness.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/quote.h"
#include "aggregate/run_task.h"
#include "aggregate/stream_file.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"

/* --- keeping -------------------------------------------------------------- */

static void add_age(struct buf *sql, int64_t age_us)
{
	if (age_us)
		buf_format(sql, "interval '%" PRId64 " microseconds'", age_us);
	else
		buf_add_text(sql, "null::interval");
}

static void add_row(struct buf *sql, const struct relation *relation)
{
	const struct freshness *freshness = &relation->stream->freshness;

	buf_add_byte(sql, '(');
	quote_literal(sql, relation->name);
	buf_format(sql, ", %s, ", freshness->by_event ? "true" : "false");
	add_age(sql, freshness->warn_us);
	buf_add_text(sql, ", ");
	add_age(sql, freshness->error_us);
	buf_add_byte(sql, ')');
}

static bool says_something(const struct relation *relation)
{
	return relation->stream && relation->stream->freshness.line;
}

/* Both lists of streams: those that say how fresh they should be, as rows; all
 * of them, as names.  False: there are none. */
static bool add_lists(const struct project *project, struct buf *rows,
		      struct buf *names)
{
	for (size_t i = 0; i < project->relation_count; i++) {
		const struct relation *relation = &project->relation[i];

		if (!relation->stream)
			continue;
		buf_add_text(names, names->len ? ", " : "");
		quote_literal(names, relation->name);
		if (!says_something(relation))
			continue;
		buf_add_text(rows, rows->len ? ", " : "");
		add_row(rows, relation);
	}
	return names->len > 0;
}

bool freshness_keep(struct run *run, struct error *err)
{
	struct buf rows = BUF_INIT, names = BUF_INIT, sql = BUF_INIT;
	bool ok = true;

	if (!add_lists(run->tasks->project, &rows, &names))
		goto out;
	buf_format(&sql,
		   "begin; set local role millrace_aggregate; "
		   "with wanted (relation, by_event, warn_after, error_after) "
		   "as (values %s), silent as (delete from millrace.freshness "
		   "where relation in (%s) and relation not in "
		   "(select relation from wanted where relation is not null)) "
		   "insert into millrace.freshness as f "
		   "select * from wanted where relation is not null "
		   "on conflict (relation) do update set "
		   "by_event = excluded.by_event, "
		   "warn_after = excluded.warn_after, "
		   "error_after = excluded.error_after "
		   "where (f.*) is distinct from (excluded.*); commit",
		   rows.len ? buf_text(&rows)
			    : "(null::text, null::bool, null::interval, "
			      "null::interval)",
		   buf_text(&names));
	ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
out:
	buf_release(&rows);
	buf_release(&names);
	buf_release(&sql);
	return ok;
}

/* --- showing -------------------------------------------------------------- */

enum { COL_NAME, COL_NEWEST, COL_AGE, COL_STATUS, COL_LIMITS };

static void print_row(struct run *run, const PGresult *res, int row,
		      const char *column, FILE *out)
{
	const char *status = PQgetvalue(res, row, COL_STATUS);

	fprintf(out, "%-32s %-12s %-20s %-18s %-6s %s\n",
		PQgetvalue(res, row, COL_NAME), column,
		PQgetvalue(res, row, COL_NEWEST), PQgetvalue(res, row, COL_AGE),
		status, PQgetvalue(res, row, COL_LIMITS));
	if (strcmp(status, "error") != 0)
		return;
	run->failed++;
	run->status = STATUS_DATA;
}

bool freshness_print(struct run *run, const bool *chosen, FILE *out,
		     struct error *err)
{
	const struct project *project = run->tasks->project;
	PGresult *res = NULL;
	int printed = 0;

	if (!freshness_keep(run, err) ||
	    !pg_fetch(run->pg, run->timeout_ms, err, &res, NULL,
		      "begin; set local role millrace_aggregate; "
		      "set local intervalstyle = postgres; "
		      "select s.name, to_char(n.newest at time zone 'UTC', "
		      "'YYYY-MM-DD HH24:MI:SS'), coalesce(date_trunc("
		      "'second', now() - n.newest)::text, 'never'), "
		      "s.freshness, concat_ws(', ', 'warn ' || f.warn_after, "
		      "'error ' || f.error_after) "
		      "from millrace.status s join millrace.freshness f "
		      "on f.relation = s.name "
		      "cross join lateral (select case when f.by_event then "
		      "s.newest_event else s.loaded_through end as newest) n "
		      "where s.kind = 'stream' order by 1; commit"))
		return false;
	for (int row = 0; row < PQntuples(res); row++) {
		const struct relation *relation =
			project_find(project, PQgetvalue(res, row, COL_NAME));

		if (!relation || !says_something(relation) ||
		    (chosen && !chosen[relation - project->relation]))
			continue;
		if (!printed++)
			fprintf(out, "%-32s %-12s %-20s %-18s %-6s %s\n",
				"stream", "on", "newest (UTC)", "age", "status",
				"limits");
		print_row(run, res, row, relation->stream->freshness.column,
			  out);
	}
	if (!printed)
		log_line(LOG_INFO, "no stream says how fresh it should be: "
				   "-- freshness: warn 12h error 24h");
	PQclear(res);
	return true;
}
