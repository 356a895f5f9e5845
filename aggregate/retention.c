#include "aggregate/retention.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/quote.h"
#include "aggregate/stream_file.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"

/* After a refusal: trying costs loaders a wait. */
enum { AGAIN_MS = 5 * 60 * 1000 };

/* What keeps a reader from doing without rows of the stream, of that number,
 * that it has consumed; NULL: nothing. */
static const char *obstacle(const struct task *task, size_t stream)
{
	const struct relation *relation = task->relation;
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
	for (size_t i = 0; i < relation->input_count; i++)
		if (relation->input[i].relation == stream &&
		    (!relation->input[i].is_marked ||
		     relation->input[i].is_looked_up))
			return "looks rows up in it";
	return NULL;
}

/* An array of names, as a literal. */
static void add_array(struct buf *out, const struct buf *body)
{
	struct buf text = BUF_INIT;

	buf_format(&text, "{%s}", buf_text(body));
	quote_literal(out, buf_text(&text));
	buf_release(&text);
}

void retention_note(struct tasks *tasks, struct task *task)
{
	const struct relation *relation = task->relation;
	struct buf reads = BUF_INIT, keeps = BUF_INIT, both = BUF_INIT;

	for (size_t i = 0; i < relation->input_count; i++) {
		size_t number = relation->input[i].relation;
		const struct relation *input =
			&tasks->project->relation[number];

		if (input->kind != RELATION_STREAM)
			continue;
		buf_add_text(&reads, reads.len ? "," : "");
		quote_identifier(&reads, input->name);
		if (!obstacle(task, number))
			continue;
		buf_add_text(&keeps, keeps.len ? "," : "");
		quote_identifier(&keeps, input->name);
	}
	add_array(&both, &reads);
	buf_add_text(&both, "::text[], ");
	add_array(&both, &keeps);
	buf_add_text(&both, "::text[]");
	task->reads = arena_strdup(&tasks->arena, buf_text(&both));
	buf_release(&reads);
	buf_release(&keeps);
	buf_release(&both);
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
		const char *why = task ? obstacle(task, number) : NULL;

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

/* The database asks every model, of other projects too; those of ours that an
 * older program built say here what they read. */
static void retire_sql(struct buf *sql, const struct tasks *tasks,
		       const struct relation *stream)
{
	buf_add_text(sql, "begin; set local role millrace_aggregate; "
			  "update millrace.model m set reads = v.reads, "
			  "keeps = v.keeps from (values ('', '', "
			  "null::text[], null::text[])");
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		buf_add_text(sql, ", (");
		quote_literal(sql, task->name);
		buf_format(sql, ", '%s', %s)", task->code_hash, task->reads);
	}
	buf_add_text(sql, ") v (model, hash, reads, keeps) where m.model = "
			  "v.model and encode(m.code_hash, 'hex') = v.hash "
			  "and m.model in (select k.model from "
			  "millrace.model k where k.reads is null "
			  "for no key update skip locked); "
			  "select millrace.retire_partitions(");
	quote_literal(sql, stream->name);
	buf_format(sql,
		   ", now() - interval '%" PRId64 " microseconds'); commit",
		   stream->stream->retention_us);
}

/* False: the table was in use, or something stands in the way, which is told;
 * or the connection is lost (*err). */
static bool retire(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		   const struct relation *stream, struct error *err)
{
	struct error failure = ERROR_INIT;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool done = false;

	retire_sql(&sql, tasks, stream);
	if (pg_fetch(pg, timeout_ms, &failure, &res, NULL, buf_text(&sql))) {
		int64_t count = pg_number(res, 0, 0);

		done = !PQgetisnull(res, 0, 0);
		if (count)
			log_line(LOG_INFO,
				 "%s: %" PRId64 " %s retired: every reader has "
				 "used what was in it",
				 stream->name, count,
				 count == 1 ? "partition" : "partitions");
	} else if (pg_is_over(&failure) || !pg_is_usable(pg)) {
		*err = failure;
	} else {
		pg_rollback(pg);
		log_line(LOG_WARNING, "%s: old partitions stay: %s",
			 stream->name, failure.text);
	}
	PQclear(res);
	buf_release(&sql);
	return done;
}

bool retention_apply(struct pg *pg, int64_t timeout_ms, struct tasks *tasks,
		     struct error *err)
{
	const struct project *project = tasks->project;
	bool done = true;

	if (clock_ms() < tasks->retention_ms)
		return true;
	for (size_t i = 0; i < project->relation_count; i++) {
		if (!has_retention(&project->relation[i]) ||
		    !project->graph->node[i].consumer_count)
			continue;
		done &= retire(pg, timeout_ms, tasks, &project->relation[i],
			       err);
		if (err->kind != ERROR_NONE)
			return false;
	}
	if (!done)
		tasks->retention_ms = clock_ms() + AGAIN_MS;
	return true;
}
