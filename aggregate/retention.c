#include "aggregate/retention.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/ledger_parts.h"
#include "aggregate/quote.h"
#include "aggregate/stream_file.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"

/* What keeps a reader from doing without rows it has consumed; NULL: nothing.
 */
static const char *obstacle(const struct task *task)
{
	const struct model *model = task->model;

	if (task_is_view(task))
		return "is a view and shows all of it";
	if (model_is_snapshot(model))
		return "is a snapshot";
	if (model->strategy != STRATEGY_APPEND &&
	    model->strategy != STRATEGY_MERGE &&
	    model->strategy != STRATEGY_DELTA)
		return "is computed from all of it: only append, merge and "
		       "delta can do without";
	for (size_t i = 0; i < task->input_count; i++)
		if (!task->input[i].is_marked)
			return "is rebuilt when something it looks up changes";
	return NULL;
}

static bool check_stream(const struct tasks *tasks, size_t number,
			 struct error *err)
{
	const struct project *project = tasks->project;
	const struct relation *stream = &project->relation[number];
	const struct graph_node *node = &project->graph->node[number];
	int line = stream->stream->retention_line;

	if (stream->stream->is_full)
		return error_config(err,
				    "%s:%d: retention keeps extracts of a "
				    "load: full stream from nobody: leave it "
				    "out",
				    stream->file, line);
	for (size_t i = 0; i < node->consumer_count; i++) {
		const struct task *task = tasks->at[node->consumer[i]];
		const char *why = task ? obstacle(task) : NULL;

		if (why)
			return error_config(err,
					    "%s:%d: retention would take rows "
					    "that %s needs: it %s",
					    stream->file, line, task->name,
					    why);
	}
	return true;
}

static bool has_retention(const struct relation *relation)
{
	return relation->kind == RELATION_STREAM && relation->stream &&
	       relation->stream->retention_us > 0;
}

bool retention_check(const struct tasks *tasks, struct error *err)
{
	const struct project *project = tasks->project;

	for (size_t i = 0; i < project->relation_count; i++)
		if (has_retention(&project->relation[i]) &&
		    !check_stream(tasks, i, err))
			return false;
	return true;
}

/* As old as the stream says, behind every reader's complete_through, and,
 * should somebody have forged a time, behind what they have still to consume.
 */
static void retire_sql(struct buf *sql, const struct tasks *tasks,
		       size_t number)
{
	const struct relation *stream = &tasks->project->relation[number];
	const struct graph_node *node = &tasks->project->graph->node[number];

	buf_add_text(sql, "begin; set local role millrace_aggregate; "
			  "select millrace.retire_partitions(");
	quote_literal(sql, stream->name);
	buf_format(sql,
		   ", (select least(now() - interval '%" PRId64
		   " microseconds', min(least(coalesce("
		   "m.complete_through, '-infinity'), p.oldest))) from (values "
		   "(''",
		   stream->stream->retention_us);
	for (size_t i = 0; i < node->consumer_count; i++) {
		buf_add_text(sql, "), (");
		quote_literal(sql, tasks->at[node->consumer[i]]->name);
	}
	buf_add_text(sql, ")) reader (model) left join millrace.model m "
			  "on m.model = reader.model left join lateral "
			  "(select min(l.loaded_at) as oldest from (select * "
			  "from millrace.load a where a.relation = ");
	quote_literal(sql, stream->name);
	buf_add_text(sql, " and a.load_id > m.floor_load offset 0) l where ");
	ledger_pending_sql(sql, "m.model");
	buf_add_text(sql, ") p on true where reader.model <> '')); commit");
}

bool retention_apply(struct pg *pg, int64_t timeout_ms,
		     const struct tasks *tasks, struct error *err)
{
	const struct project *project = tasks->project;
	bool ok = true;

	for (size_t i = 0; ok && i < project->relation_count; i++) {
		struct buf sql = BUF_INIT;
		PGresult *res = NULL;
		int64_t count = 0;

		if (!has_retention(&project->relation[i]) ||
		    !project->graph->node[i].consumer_count)
			continue;
		retire_sql(&sql, tasks, i);
		ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
		if (ok)
			count = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
		if (count)
			log_line(LOG_INFO,
				 "%s: %" PRId64 " %s retired: every reader has "
				 "used what was in it",
				 project->relation[i].name, count,
				 count == 1 ? "partition" : "partitions");
		PQclear(res);
		buf_release(&sql);
	}
	return ok;
}
