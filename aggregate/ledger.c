#include "aggregate/ledger.h"
#include "aggregate/ledger_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/quote.h"
#include "aggregate/unread.h"
#include "common/buf.h"
#include "common/fault.h"
#include "common/mem.h"
#include "common/pg.h"

/* --- looking -------------------------------------------------------------- */

enum {
	COL_NUMBER,
	COL_KNOWN,
	COL_KIND,
	COL_OLD,
	COL_HASH,
	COL_GONE_FROM,
	COL_CHANGED,
	COL_EXPORTED,
	COL_INDEXES,
	COL_INPUT,
	COL_LOAD,
	COL_LOADED_AT,
	COL_OP,
	COL_ROWS,
	COL_TICK,
	COL_HAS_GONE,
	COL_EXCLUDED,
	COL_QUEUED,
	COL_STALE,
	COL_IS_RETIRED,                /* of a load */
	COL_DUE_TEST = COL_IS_RETIRED, /* of a task */
	COL_UNWATCHED,
	COL_SETTLED,
	COL_SETTLED_COLUMNS,
};

/* Lines of relation, tab, time: what belongs to one input, for an array. */
static void read_excluded(struct task *task, const char *lines)
{
	for (size_t i = 0; i < task->input_count; i++) {
		struct task_input *input = &task->input[i];
		size_t len = strlen(input->relation);
		struct buf body = BUF_INIT;

		for (const char *at = lines; *at; at = strchr(at, '\n') + 1)
			if (!strncmp(at, input->relation, len) &&
			    at[len] == '\t')
				buf_format(&body, "%s\"%.*s\"",
					   body.len ? "," : "",
					   (int)strcspn(at + len + 1, "\n"),
					   at + len + 1);
		input->excluded = body.len ? arena_strdup(&task->state.arena,
							  buf_text(&body))
					   : NULL;
		input->unread = input->excluded;
		buf_release(&body);
	}
}

static void read_state(struct task *task, const PGresult *res, int row,
		       size_t loads)
{
	struct task_state *state = &task->state;
	const char *hash = PQgetvalue(res, row, COL_HASH);
	char kind = PQgetvalue(res, row, COL_KIND)[0];

	state->is_known = PQgetvalue(res, row, COL_KNOWN)[0] == 't';
	state->is_there = kind && (kind == 'v') == task_is_view(task);
	state->is_other = kind && !state->is_there;
	state->has_old = PQgetvalue(res, row, COL_OLD)[0] == 't';
	strncpy(state->code_hash, hash, sizeof state->code_hash - 1);
	state->gone_from_load = pg_number(res, row, COL_GONE_FROM);
	state->changed_load = pg_number(res, row, COL_CHANGED);
	state->exported_load = pg_number(res, row, COL_EXPORTED);
	state->has_indexes =
		!strcmp(PQgetvalue(res, row, COL_INDEXES), task->indexes);
	arena_reset(&state->arena);
	for (size_t i = 0; i < task->input_count; i++)
		task->input[i].is_retiring = false;
	state->load_count = 0;
	state->next_load = state->held_load = 0;
	state->load =
		arena_zalloc(&state->arena, (loads + 1) * sizeof *state->load);
	state->is_queued = !PQgetisnull(res, row, COL_QUEUED);
	read_excluded(task, PQgetvalue(res, row, COL_EXCLUDED));
}

/* Whether the reader looks at one of the columns, each on a line. */
static bool looks_at(const struct task *reader, const struct task *task,
		     const char *columns)
{
	bool looks = false;

	while (*columns && !looks) {
		size_t len = strcspn(columns, "\n");
		char *column = mem_strndup(columns, len);

		looks = !unread_by(reader, task, column);
		free(column);
		columns += len + (columns[len] == '\n');
	}
	return looks;
}

/* What the reader of a task has to know of it, in the reader's own place:
 * several readers may be looking at once. */
static void read_input(struct task *reader, const struct task *task,
		       const PGresult *res, int row)
{
	const char *columns = PQgetvalue(res, row, COL_SETTLED_COLUMNS);
	int64_t settled = pg_number(res, row, COL_SETTLED);
	int64_t gone = pg_number(res, row, COL_GONE_FROM);

	if (settled > gone && looks_at(reader, task, columns))
		gone = settled;
	for (size_t i = 0; i < reader->input_count; i++) {
		struct task_input *input = &reader->input[i];

		if (input->task != task)
			continue;
		input->has_old = PQgetvalue(res, row, COL_OLD)[0] == 't';
		input->gone_from_load = gone;
	}
}

static void read_load(struct task *task, const PGresult *res, int row)
{
	struct task_state *state = &task->state;
	struct task_input *input = &task->input[pg_number(res, row, COL_INPUT)];
	struct load *load = &state->load[state->load_count++];

	load->id = pg_number(res, row, COL_LOAD);
	load->input = input;
	load->loaded_at = arena_strdup(&state->arena,
				       PQgetvalue(res, row, COL_LOADED_AT));
	load->op = PQgetvalue(res, row, COL_OP)[0];
	load->rows = pg_number(res, row, COL_ROWS);
	load->has_gone = PQgetvalue(res, row, COL_HAS_GONE)[0] == 't';
	input->is_retiring = input->is_retiring ||
			     (input->task ? load->op != 'i' : load->has_gone);
}

static void read_besides(struct tasks *tasks, const PGresult *res, int row)
{
	tasks->is_tick_due = PQgetvalue(res, row, COL_TICK)[0] == 't';
	tasks->has_stale = PQgetvalue(res, row, COL_STALE)[0] == 't';
	tasks->has_due_test = PQgetvalue(res, row, COL_DUE_TEST)[0] == 't';
	snprintf(tasks->unwatched, sizeof tasks->unwatched, "%s",
		 PQgetvalue(res, row, COL_UNWATCHED));
}

/* Its rows would count as none. */
static bool refuse_retired(const struct task *task, const PGresult *res,
			   int row, struct error *err)
{
	return error_config(
		err,
		"%s: load %s of %s is older than all that %s "
		"still holds, and the model has not consumed it: "
		"go on without it by `periodic exclude %s %s`",
		task->model->file, PQgetvalue(res, row, COL_LOAD),
		task->input[pg_number(res, row, COL_INPUT)].relation,
		task->input[pg_number(res, row, COL_INPUT)].relation,
		task->name, PQgetvalue(res, row, COL_LOAD));
}

bool ledger_look(struct pg *pg, int64_t timeout_ms, struct tasks *tasks,
		 struct task *only, const char *before, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	int row = 0;
	bool ok;

	buf_add_text(&sql, before);
	ledger_look_sql(&sql, tasks, only);
	ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
	tasks_lock(tasks);
	for (size_t i = 0; ok && i < tasks->count; i++) {
		struct task *task = tasks->order[i];
		int first = row;

		if (!ledger_concerns(tasks, task, only))
			continue;
		while (row + 1 < PQntuples(res) &&
		       !PQgetisnull(res, row + 1, COL_LOAD))
			row++;
		if (!only)
			read_besides(tasks, res, first);
		if (!only || task == only)
			read_state(task, res, first, (size_t)(row - first));
		for (size_t k = 0; !only && k < task->consumer_count; k++)
			if (task->consumer[k]->turn != TURN_TAKEN)
				read_input(task->consumer[k], task, res, first);
		if (only && task != only)
			read_input(only, task, res, first);
		for (int load = first + 1; ok && load <= row; load++) {
			read_load(task, res, load);
			if (only &&
			    PQgetvalue(res, load, COL_IS_RETIRED)[0] == 't')
				ok = refuse_retired(task, res, load, err);
		}
		row++;
	}
	tasks_unlock(tasks);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* --- consuming, recording ------------------------------------------------- */

static void add_relations(struct buf *out, const struct task *task)
{
	buf_add_text(out, "(''");
	for (size_t i = 0; i < task->input_count; i++) {
		buf_add_text(out, ", ");
		quote_literal(out, task->input[i].relation);
	}
	buf_add_byte(out, ')');
}

static void add_load_ids(struct buf *out, const struct task *task)
{
	buf_add_text(out, "any('{");
	for (size_t i = 0; i < task->state.load_count; i++)
		buf_format(out, "%s%lld", i ? "," : "",
			   (long long)task->state.load[i].id);
	buf_add_text(out, "}'::bigint[])");
}

void ledger_consume_sql(struct buf *out, const struct task *task,
			int64_t run_id, enum ledger_take take)
{
	if (mutant("no-model-load"))
		return;
	buf_add_text(out, "insert into millrace.model_load (model, load_id, "
			  "run_id)\nselect ");
	quote_literal(out, task->name);
	buf_format(out, ", load_id, %lld from millrace.load where ",
		   (long long)run_id);
	if (take == LEDGER_PENDING) {
		buf_add_text(out, "load_id = ");
		add_load_ids(out, task);
		buf_add_text(out, ";\n");
		return;
	}
	buf_add_text(out, "relation in ");
	add_relations(out, task);
	buf_add_text(out, " and load_id > (select sealed_load from "
			  "millrace.seal)\non conflict do nothing;\n");
}

/* Up to where everything is sealed and consumed. */
static void add_floor(struct buf *out, const struct task *task)
{
	int64_t next = task->state.next_load;

	if (!next || (task->state.held_load && task->state.held_load < next))
		next = task->state.held_load;
	if (next && !mutant("floor-over-backlog"))
		buf_format(out, "least(sealed_load, %lld)",
			   (long long)next - 1);
	else
		buf_add_text(out, "sealed_load");
}

/* The model's row: what it has seen, what it last did. */
static void add_model_row(struct buf *out, const struct task *task,
			  int64_t run_id, const char *changed_load)
{
	buf_add_text(out, "insert into millrace.model as m (model, "
			  "materialized, strategy, code_hash, loaded_through, "
			  "floor_load, changed_load, last_run, reads, "
			  "keeps, indexes)"
			  "\nselect ");
	quote_literal(out, task->name);
	buf_format(out, ", '%s', '%s', '\\x%s'::bytea, ",
		   task_is_view(task)               ? "view"
		   : task->seed                     ? "seed"
		   : model_is_snapshot(task->model) ? "snapshot"
						    : "table",
		   task_strategy(task), task->code_hash);
	buf_add_text(out, "(select max(loaded_at) from millrace.load where "
			  "relation in ");
	add_relations(out, task);
	if (task->state.load_count && task->state.is_known) {
		buf_add_text(out, " and load_id = ");
		add_load_ids(out, task);
	}
	buf_add_text(out, "), ");
	add_floor(out, task);
	buf_format(out, ", %s, %lld, %s, ", changed_load, (long long)run_id,
		   task->reads);
	quote_literal(out, task->indexes);
	buf_add_text(out,
		     " from millrace.seal\non conflict (model) do update set "
		     "materialized = excluded.materialized, "
		     "strategy = excluded.strategy, "
		     "built_at = case when m.code_hash = excluded.code_hash "
		     "then m.built_at else now() end, "
		     "code_hash = excluded.code_hash, loaded_through = "
		     "greatest(m.loaded_through, excluded.loaded_through), "
		     "floor_load = excluded.floor_load, changed_load = "
		     "coalesce(excluded.changed_load, m.changed_load), "
		     "last_run = excluded.last_run, "
		     "reads = excluded.reads, keeps = excluded.keeps, "
		     "indexes = excluded.indexes");
	/* what is in the queue has been looked at in this snapshot */
	if (task->state.is_queued)
		buf_add_text(out, ", queued = null");
	buf_add_text(out, ";\n");
}

void ledger_record_sql(struct buf *out, const struct task *task, int64_t run_id,
		       const struct ledger_change *change)
{
	if (change->op) {
		buf_add_text(out, "with written as (insert into millrace.load "
				  "(relation, loaded_at, op, row_count) "
				  "values (");
		quote_literal(out, task->name);
		buf_format(out, ", now(), '%c', %lld) returning load_id)\n",
			   change->op, (long long)change->row_count);
	}
	add_model_row(out, task, run_id,
		      change->op ? "(select load_id from written)" : "null");
	if (change->loses_gone) {
		buf_add_text(out, "update millrace.model set gone_from_load = "
				  "changed_load where model = ");
		quote_literal(out, task->name);
		buf_add_text(out, ";\n");
	}
	if (change->settled) {
		buf_format(out,
			   "update millrace.model set settled_load = "
			   "changed_load, settled_columns = array(select "
			   "unnest(settled_columns) union select unnest(%s)) "
			   "where model = ",
			   change->settled);
		quote_literal(out, task->name);
		buf_add_text(out, ";\n");
	}
	buf_add_text(out, "delete from millrace.model_load where model = ");
	quote_literal(out, task->name);
	buf_add_text(out, " and load_id <= (select ");
	add_floor(out, task);
	buf_add_text(out, " from millrace.seal);\n");
}

void ledger_effective_sql(struct buf *out, const struct task *task,
			  const char *effective)
{
	buf_format(out,
		   "update millrace.model set effective_through = "
		   "greatest(effective_through, '%s'::timestamp) "
		   "where model = ",
		   effective);
	quote_literal(out, task->name);
	buf_add_text(out, ";\n");
}
