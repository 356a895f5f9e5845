#include "aggregate/unit_world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/attempt.h"
#include "aggregate/ledger.h"
#include "aggregate/project_files.h"
#include "aggregate/quote.h"
#include "aggregate/stream_file.h"
#include "common/mem.h"
#include "common/nearest.h"
#include "common/pg.h"

static bool say(struct unit_world *world, const char *sql, struct error *err)
{
	return pg_run(world->run->pg, world->run->timeout_ms, err, sql);
}

/* --- making --------------------------------------------------------------- */

/* The ledger, and those schemas that belong to the bookkeeping. */
static const char own_schemas[] =
	"set local client_min_messages = warning; "
	"set local role millrace_owner; "
	"alter schema millrace rename to millrace_unit_real; "
	"alter schema staging rename to millrace_unit_staging; "
	"alter schema millrace_old rename to millrace_unit_old; "
	"set local role millrace_aggregate; "
	"create schema millrace; create schema staging; "
	"create schema millrace_old; "
	"create table millrace.load "
	"(like millrace_unit_real.load including all); "
	"create table millrace.model "
	"(like millrace_unit_real.model including all); "
	"create table millrace.model_load "
	"(like millrace_unit_real.model_load including all); "
	"create table millrace.source "
	"(like millrace_unit_real.source including all); "
	"create table millrace.excluded "
	"(like millrace_unit_real.excluded including all); "
	"create table millrace.seal "
	"(like millrace_unit_real.seal including all); "
	"insert into millrace.seal select * from millrace_unit_real.seal; "
	"update millrace.seal set sealed_load = 0, candidate_load = 0;\n";

static void set_aside(struct buf *sql, const char *pack, int number)
{
	buf_add_text(sql, "do $do$ begin if to_regnamespace(");
	quote_literal(sql, pack);
	buf_format(sql, ") is not null then alter schema ");
	quote_identifier(sql, pack);
	buf_format(sql,
		   " rename to millrace_unit_%d; end if; end $do$; "
		   "create schema ",
		   number);
	quote_identifier(sql, pack);
	buf_add_text(sql, ";\n");
}

/* Every pack that the model is made from. */
static bool make_schemas(struct unit_world *world, const bool *reached,
			 struct error *err)
{
	const struct project *project = world->run->tasks->project;
	struct buf sql = BUF_INIT;
	int number = 0;
	bool ok;

	buf_add_text(&sql, run_begin(world->run));
	buf_add_text(&sql, own_schemas);
	for (size_t i = 0; i < project->relation_count; i++) {
		const struct relation *relation = &project->relation[i];
		bool is_first = world->run->tasks->at[i] != NULL && reached[i];

		for (size_t k = 0; k < i && is_first; k++)
			is_first = !(reached[k] && world->run->tasks->at[k] &&
				     !strcmp(project->relation[k].pack,
					     relation->pack));
		if (is_first)
			set_aside(&sql, relation->pack, number++);
	}
	ok = say(world, buf_text(&sql), err);
	buf_release(&sql);
	return ok;
}

/* The newest extract, as millrace.show_current has it. */
static void add_current(struct buf *sql, const struct relation *relation)
{
	char *view = mem_format("%s_current", relation->name);

	buf_add_text(sql, "; create view ");
	quote_relation(sql, view);
	buf_add_text(sql, " as select * from ");
	quote_relation(sql, relation->name);
	buf_add_text(sql, " where loaded_at = (select loaded_at from "
			  "millrace.load where relation = ");
	quote_literal(sql, relation->name);
	buf_add_text(sql, " order by load_id desc limit 1)");
	free(view);
}

static bool make_stream(struct unit_world *world,
			const struct relation *relation, struct error *err)
{
	struct buf sql = BUF_INIT;
	char *text;
	bool ok;

	if (relation->kind == RELATION_SOURCE)
		return error_config(err,
				    "%s belongs to somebody else, so a case "
				    "cannot make it: test a model that reads "
				    "models",
				    relation->name);
	if (!project_files_read(relation->file, &text, err))
		return false;
	buf_format(&sql,
		   "%s\n; do $do$ begin if (select relkind = 'p' from pg_class "
		   "where oid = ",
		   text);
	quote_literal(&sql, relation->name);
	buf_add_text(&sql,
		     "::regclass) then create table staging.millrace_unit_");
	buf_format(&sql, "%zu partition of ",
		   (size_t)(relation - world->run->tasks->project->relation));
	quote_relation(&sql, relation->name);
	buf_add_text(&sql, " default; end if; end $do$");
	if (relation->stream->is_full)
		add_current(&sql, relation);
	ok = say(world, buf_text(&sql), err);
	buf_release(&sql);
	free(text);
	return ok || error_context(err, "%s", relation->file);
}

/* One attempt at a task, as it is decided; without the ledger's row of its own,
 * which nobody would read. */
static bool attempt_task(struct unit_world *world, struct task *task,
			 struct error *err)
{
	struct run *run = world->run;
	struct attempt attempt = {.run = run, .pg = run->pg, .task = task};
	struct ledger_change none = {.op = 0};
	struct buf sql = BUF_INIT;
	bool ok;

	ok = ledger_look(run->pg, run->timeout_ms, run->tasks, task, "", err);
	if (ok) {
		attempt.refresh =
			(struct refresh){.pg = run->pg,
					 .timeout_ms = run->timeout_ms,
					 .task = task};
		attempt_decide(&attempt);
		if (task->state.is_known && task->state.load_count)
			ledger_consume_sql(&sql, task, 0, LEDGER_PENDING);
		ok = attempt_can_follow(&attempt, err) &&
		     (!sql.len || say(world, buf_text(&sql), err)) &&
		     attempt_apply(&attempt, err);
	}
	buf_reset(&sql);
	ledger_record_sql(&sql, task, 0, &none);
	buf_add_text(&sql, "; discard temp");
	ok = ok && say(world, buf_text(&sql), err);
	buf_release(&sql);
	attempt_release(&attempt);
	return ok;
}

bool unit_world_open(struct unit_world *world, struct run *run,
		     struct task *task, struct error *err)
{
	const struct project *project = run->tasks->project;
	bool *reached = mem_zalloc(project->relation_count + 1, 1);
	bool ok;

	*world = (struct unit_world){.run = run, .task = task};
	graph_reach(project->graph,
		    (size_t)(task->relation - project->relation),
		    GRAPH_UPSTREAM, SIZE_MAX, reached);
	ok = make_schemas(world, reached, err);
	for (size_t i = 0; ok && i < project->relation_count; i++) {
		size_t node = project->graph->order[i];

		if (!reached[node])
			continue;
		ok = run->tasks->at[node]
			     ? attempt_task(world, run->tasks->at[node], err)
			     : make_stream(world, &project->relation[node],
					   err);
	}
	free(reached);
	return ok;
}

void unit_world_close(struct unit_world *world)
{
	if (pg_is_usable(world->run->pg))
		pg_rollback(world->run->pg);
	arena_release(&world->arena);
}

/* --- rows ----------------------------------------------------------------- */

static bool refuse_column(const struct columns *there, const char *name,
			  const char *relation, struct error *err)
{
	const char **known = mem_alloc((there->count + 1) * sizeof *known);
	const char *meant;

	for (size_t i = 0; i < there->count; i++)
		known[i] = there->at[i].name;
	meant = nearest(name, known, there->count);
	error_config(err, "%s has no column \"%s\"%s%s%s", relation, name,
		     meant ? ": did you mean \"" : "", meant ? meant : "",
		     meant ? "\"?" : "");
	free(known);
	return false;
}

static bool name_columns(struct unit_world *world, const struct columns *there,
			 const char *relation, struct unit_rows *rows,
			 struct error *err)
{
	struct buf cast = BUF_INIT, name = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; ok && i < rows->columns.count; i++) {
		struct column *given = &rows->columns.at[i];
		const struct column *column = columns_find(there, given->name);

		if (!column) {
			ok = refuse_column(there, given->name, relation, err);
			break;
		}
		*given = *column;
		buf_format(&name, "%s%s", i ? ", " : "", column->quoted);
		buf_format(&cast, "%s%s::%s as %s", i ? ", " : "",
			   column->quoted, column->type, column->quoted);
	}
	rows->casts = arena_strdup(&world->arena, buf_text(&cast));
	rows->names = arena_strdup(&world->arena, buf_text(&name));
	buf_release(&cast);
	buf_release(&name);
	return ok;
}

bool unit_world_rows(struct unit_world *world, const char *table,
		     const char *relation, const char *query,
		     struct unit_rows *rows, struct error *err)
{
	struct run *run = world->run;
	struct columns there;
	struct buf sql = BUF_INIT;
	bool ok;

	/* with parameters, though none: so that a second statement, which might
	 * commit, is refused */
	buf_format(&sql, "create temp table unit_rows on commit drop as\n%s",
		   query);
	ok = say(world, "drop table if exists pg_temp.unit_rows", err) &&
	     pg_fetch_params(run->pg, run->timeout_ms, err, NULL,
			     buf_text(&sql), 0, NULL) &&
	     relation_columns(run->pg, run->timeout_ms, "pg_temp.unit_rows",
			      &world->arena, &rows->columns, err) &&
	     relation_columns(run->pg, run->timeout_ms, table, &world->arena,
			      &there, err) &&
	     name_columns(world, &there, relation, rows, err);
	buf_release(&sql);
	return ok;
}

/* --- loads ---------------------------------------------------------------- */

static const struct relation *input_of(const struct unit_world *world,
				       const char *name)
{
	const struct project *project = world->run->tasks->project;
	const struct relation *reader = world->task->relation;

	for (size_t i = 0; i < reader->input_count; i++) {
		const struct relation *input =
			&project->relation[reader->input[i].relation];

		if (!strcmp(input->name, name))
			return input;
	}
	return NULL;
}

static bool refuse_input(const struct unit_world *world, const char *name,
			 struct error *err)
{
	const struct project *project = world->run->tasks->project;
	const struct relation *reader = world->task->relation;
	struct buf list = BUF_INIT;

	for (size_t i = 0; i < reader->input_count; i++)
		buf_format(&list, "%s%s", i ? ", " : "",
			   project->relation[reader->input[i].relation].name);
	error_config(err, "%s is made from %s, not from %s", world->task->name,
		     buf_text(&list), name);
	buf_release(&list);
	return false;
}

/* A load a second; what it did becomes a row of the ledger. */
static void add_load(struct buf *sql, struct unit_world *world,
		     const char *relation, char op)
{
	buf_add_text(sql, "insert into millrace.load (relation, loaded_at, op, "
			  "row_count) select ");
	quote_literal(sql, relation);
	buf_format(sql,
		   ", timestamptz '2000-01-01 00:00:00Z' + interval '%d s', "
		   "'%c', count(*) from pg_temp.unit_rows; "
		   "drop table pg_temp.unit_rows",
		   world->loads, op);
}

bool unit_world_given(struct unit_world *world, const char *relation,
		      const char *query, struct error *err)
{
	const struct relation *input = input_of(world, relation);
	struct buf table = BUF_INIT, sql = BUF_INIT;
	struct unit_rows rows;
	bool ok;

	if (!input)
		return refuse_input(world, relation, err);
	quote_relation(&table, relation);
	ok = unit_world_rows(world, buf_text(&table), relation, query, &rows,
			     err);
	if (ok) {
		world->loads++;
		if (input->kind == RELATION_SEED)
			buf_format(&sql, "delete from %s;\n", buf_text(&table));
		buf_format(&sql,
			   "insert into %s (%s, loaded_at) select %s, "
			   "timestamptz '2000-01-01 00:00:00Z' + "
			   "interval '%d s' from pg_temp.unit_rows;\n",
			   buf_text(&table), rows.names, rows.casts,
			   world->loads);
		add_load(&sql, world, relation,
			 input->kind == RELATION_SEED ||
					 (input->stream &&
					  input->stream->is_full)
				 ? 't'
				 : 'i');
		ok = say(world, buf_text(&sql), err);
	}
	buf_release(&table);
	buf_release(&sql);
	return ok;
}

static bool check_gone(const struct unit_world *world,
		       const struct relation *input, const char *name,
		       struct error *err)
{
	const struct tasks *tasks = world->run->tasks;
	const struct task *task;

	if (!input)
		return refuse_input(world, name, err);
	task = tasks->at[input - tasks->project->relation];
	if (!task || !task_is_consumed(task))
		return error_config(err,
				    "nothing goes from %s: only a model that "
				    "others follow loses rows",
				    name);
	return true;
}

bool unit_world_gone(struct unit_world *world, const char *relation,
		     const char *query, struct error *err)
{
	const struct tasks *tasks = world->run->tasks;
	const struct relation *input = input_of(world, relation);
	const struct task *task;
	struct buf sql = BUF_INIT, list = BUF_INIT;
	struct unit_rows rows;
	struct columns columns;
	bool ok;

	if (!check_gone(world, input, relation, err))
		return false;
	task = tasks->at[input - tasks->project->relation];
	ok = unit_world_rows(world, task->table, relation, query, &rows, err) &&
	     relation_columns(world->run->pg, world->run->timeout_ms,
			      task->table, &world->arena, &columns, err);
	if (ok) {
		world->loads++;
		columns_list(&list, &columns, "");
		buf_format(&sql,
			   "with went as (delete from %s t where exists "
			   "(select from (select %s from pg_temp.unit_rows) u "
			   "where to_jsonb(t) @> to_jsonb(u)) returning *) "
			   "insert into %s (%s, loaded_at, retired_at) select "
			   "%s, loaded_at, timestamptz '2000-01-01 00:00:00Z' "
			   "+ interval '%d s' from went;\n",
			   task->table, rows.casts, task->old, buf_text(&list),
			   buf_text(&list), world->loads);
		add_load(&sql, world, relation, 'r');
		ok = say(world, buf_text(&sql), err);
	}
	buf_release(&sql);
	buf_release(&list);
	return ok;
}

bool unit_world_pass(struct unit_world *world, struct error *err)
{
	return attempt_task(world, world->task, err);
}
