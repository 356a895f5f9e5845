#include "aggregate/excluded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/build.h"
#include "aggregate/quote.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"

/* --- reading without them ------------------------------------------------- */

bool excluded_any(const struct task *task)
{
	for (size_t i = 0; i < task->input_count; i++)
		if (task->input[i].excluded && !mutant("excluded-in-full"))
			return true;
	return false;
}

static char *without(const struct task_input *input)
{
	return mem_format("select * from %s where loaded_at <> "
			  "all('{%s}'::timestamptz[])",
			  input->table, input->excluded);
}

static const struct task_input *input_of(const struct task *task,
					 const char *relation)
{
	for (size_t i = 0; i < task->input_count; i++)
		if (!strcmp(task->input[i].relation, relation))
			return &task->input[i];
	return NULL;
}

char *excluded_rewrite(const struct task *task, const char *const *subquery)
{
	const struct model *model = task->model;
	size_t count = model->reference_count;
	char **plain = mem_zalloc(count + 1, sizeof *plain);
	char *query;

	for (size_t i = 0; excluded_any(task) && i < count; i++) {
		const struct task_input *input =
			input_of(task, model->reference[i].relation);

		if (input && input->excluded)
			plain[i] = without(input);
	}
	query = model_rewrite_all(model, subquery, (const char *const *)plain);
	for (size_t i = 0; i < count; i++)
		free(plain[i]);
	free(plain);
	return query;
}

void excluded_table(struct buf *out, const struct task_input *input)
{
	char *select;

	if (!input->excluded) {
		buf_add_text(out, input->table);
		return;
	}
	select = without(input);
	buf_format(out, "(%s)", select);
	free(select);
}

/* --- the commands --------------------------------------------------------- */

struct candidate {
	const char *relation, *loaded_at;
	char op;
	int64_t rows;
	bool is_consumed, is_built;
	struct arena arena;
};

static bool look(struct run *run, const struct task *task, int64_t load_id,
		 struct candidate *load, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql, "select l.relation, l.loaded_at, l.op, l.row_count, "
			 "l.load_id <= m.floor_load or exists (select from "
			 "millrace.model_load x where x.model = m.model and "
			 "x.load_id = l.load_id), m.model is not null "
			 "from millrace.load l left join millrace.model m on "
			 "m.model = ");
	quote_literal(&sql, task->name);
	buf_format(&sql, " where l.load_id = %" PRId64, load_id);
	ok = pg_fetch(run->pg, run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok && !PQntuples(res))
		ok = error_config(err,
				  "there is no load %" PRId64
				  ": millrace.load lists them",
				  load_id);
	if (ok) {
		load->relation =
			arena_strdup(&load->arena, PQgetvalue(res, 0, 0));
		load->loaded_at =
			arena_strdup(&load->arena, PQgetvalue(res, 0, 1));
		load->op = PQgetvalue(res, 0, 2)[0];
		load->rows = strtoll(PQgetvalue(res, 0, 3), NULL, 10);
		load->is_consumed = PQgetvalue(res, 0, 4)[0] == 't';
		load->is_built = PQgetvalue(res, 0, 5)[0] == 't';
	}
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* Read under its own name, not through a view that would show the rows. */
static bool is_read_directly(const struct task *task, const char *relation)
{
	const struct model *model = task->model;

	for (size_t i = 0; i < model->reference_count; i++)
		if (!strcmp(model->reference[i].relation, relation))
			return input_of(task, relation) != NULL;
	return false;
}

static bool check(const struct run *run, const struct task *task,
		  int64_t load_id, const struct candidate *load,
		  struct error *err)
{
	const struct relation *relation =
		project_find(run->tasks->project, load->relation);

	if (task->seed || task_is_view(task) || model_is_snapshot(task->model))
		return error_config(err,
				    "%s is a %s: a load is taken out of models "
				    "that are computed from it and stored",
				    task->name,
				    task->seed           ? "seed"
				    : task_is_view(task) ? "view"
							 : "snapshot");
	if (relation && !relation_is_raw(relation))
		return error_config(
			err,
			"load %" PRId64 " was made by %s itself: exclude the "
			"load of staging that the rows came with, from %s",
			load_id, load->relation, load->relation);
	if (!is_read_directly(task, load->relation))
		return error_config(err,
				    "load %" PRId64 " is of %s, which %s does "
				    "not read by that name: exclude it from "
				    "the model that does",
				    load_id, load->relation, task->name);
	if (load->op != 'i')
		return error_config(err,
				    "load %" PRId64 " changed or replaced rows "
				    "of %s, which cannot be undone: load the "
				    "right rows instead",
				    load_id, load->relation);
	return true;
}

/* What it has made of the load cannot go without a rebuild. */
static bool check_rebuild(struct run *run, struct task *task, struct error *err)
{
	struct refresh refresh = {
		.pg = run->pg, .timeout_ms = run->timeout_ms, .task = task};
	bool ok = build_is_possible(&refresh, err);

	arena_release(&refresh.arena);
	return ok;
}

/* No run of the model begins or is under way meanwhile. */
static void add_begin(struct buf *sql, const struct task *task)
{
	buf_format(sql,
		   "begin; set local role millrace_aggregate; "
		   "set local lock_timeout = '10min'; "
		   "select pg_advisory_xact_lock(%d, hashtext(",
		   LOCK_MODEL);
	quote_literal(sql, task->name);
	buf_add_text(sql, ")); ");
}

static void add_queue(struct buf *sql, const struct task *task, const char *why)
{
	buf_format(
		sql,
		"update millrace.model set queued = '%s' where model = ", why);
	quote_literal(sql, task->name);
	buf_add_text(sql, "; ");
}

static bool write(struct run *run, const struct task *task, int64_t load_id,
		  const struct candidate *load, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	add_begin(&sql, task);
	buf_add_text(&sql, "insert into millrace.excluded (model, load_id, "
			   "relation, loaded_at) values (");
	quote_literal(&sql, task->name);
	buf_format(&sql, ", %" PRId64 ", ", load_id);
	quote_literal(&sql, load->relation);
	buf_add_text(&sql, ", ");
	quote_literal(&sql, load->loaded_at);
	buf_add_text(&sql, ") on conflict do nothing; ");
	/* also where a run has taken it since we looked: once more is nothing
	 */
	if (load->is_built)
		add_queue(&sql, task, "excluded load");
	buf_add_text(&sql, "commit");
	ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

bool excluded_add(struct run *run, struct task *task, int64_t load_id,
		  struct error *err)
{
	struct candidate load = {0};
	bool ok = look(run, task, load_id, &load, err) &&
		  check(run, task, load_id, &load, err) &&
		  (!load.is_consumed || check_rebuild(run, task, err)) &&
		  write(run, task, load_id, &load, err);

	if (ok)
		log_line(LOG_INFO,
			 "%s: goes without load %" PRId64 " (%s, %" PRId64
			 " rows, %s); %s",
			 task->name, load_id, load.relation, load.rows,
			 load.loaded_at,
			 load.is_built ? "the next run rebuilds it"
				       : "it is not built yet");
	arena_release(&load.arena);
	return ok;
}

bool excluded_remove(struct run *run, struct task *task, int64_t load_id,
		     struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok = check_rebuild(run, task, err);

	add_begin(&sql, task);
	add_queue(&sql, task, "included load");
	buf_add_text(&sql, "delete from millrace.excluded where model = ");
	quote_literal(&sql, task->name);
	buf_format(&sql, " and load_id = %" PRId64 " returning load_id; ",
		   load_id);
	ok = ok && pg_fetch(run->pg, run->timeout_ms, err, &res, NULL,
			    buf_text(&sql));
	if (ok && !PQntuples(res)) {
		pg_rollback(run->pg);
		ok = error_config(err,
				  "load %" PRId64 " is not excluded from %s: "
				  "millrace.excluded lists those that are",
				  load_id, task->name);
	}
	ok = ok && pg_run(run->pg, run->timeout_ms, err, "commit");
	if (ok)
		log_line(LOG_INFO,
			 "%s: has load %" PRId64 " again; the next run "
			 "rebuilds it",
			 task->name, load_id);
	PQclear(res);
	buf_release(&sql);
	return ok;
}
