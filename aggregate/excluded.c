#include "aggregate/excluded.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/build.h"
#include "aggregate/quote.h"
#include "common/log.h"
#include "common/pg.h"

struct candidate {
	const char *relation, *loaded_at;
	char op;
	int64_t rows;
	bool is_consumed, is_built, is_excluded;
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
			 "x.load_id = l.load_id), m.model is not null, "
			 "e.load_id is not null "
			 "from millrace.load l left join millrace.model m on "
			 "m.model = ");
	quote_literal(&sql, task->name);
	buf_add_text(&sql, " left join millrace.excluded e on "
			   "e.load_id = l.load_id and e.model = ");
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
		load->rows = pg_number(res, 0, 3);
		load->is_consumed = PQgetvalue(res, 0, 4)[0] == 't';
		load->is_built = PQgetvalue(res, 0, 5)[0] == 't';
		load->is_excluded = PQgetvalue(res, 0, 6)[0] == 't';
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
			return task_input_of(task, relation) != NULL;
	return false;
}

const char *excluded_shown_by(const struct project *project,
			      const struct task *task, const char *relation)
{
	const struct model *model = task->model;

	for (size_t i = 0; i < model->reference_count; i++) {
		const struct relation *view =
			project_find(project, model->reference[i].relation);

		for (size_t k = 0;
		     view && relation_is_view(view) && k < view->input_count;
		     k++)
			if (!strcmp(project->relation[view->input[k].relation]
					    .name,
				    relation))
				return view->name;
	}
	return NULL;
}

bool excluded_check(const struct project *project, const struct task *task,
		    struct error *err)
{
	for (size_t i = 0; i < task->input_count; i++) {
		const struct task_input *input = &task->input[i];
		const char *view = input->unread
					   ? excluded_shown_by(project, task,
							       input->relation)
					   : NULL;

		if (view)
			return error_set(
				err, ERROR_FATAL,
				input->excluded ? STATUS_CONFIG : STATUS_DATA,
				"it goes without a load of %s that %s, and "
				"the view %s shows it every load: read %s "
				"directly, or %s",
				input->relation,
				input->excluded ? "is excluded"
						: "fails its tests",
				view, input->relation,
				input->excluded
					? "include the load again"
					: "mend the load or exclude it");
	}
	return true;
}

static bool check_snapshot(const struct task *task, int64_t load_id,
			   const struct candidate *load, struct error *err)
{
	return !load->is_built || !load->is_consumed ||
	       error_config(err,
			    "%s is a snapshot and has taken load %" PRId64
			    ": history is not rewritten",
			    task->name, load_id);
}

static bool check(const struct run *run, const struct task *task,
		  int64_t load_id, const struct candidate *load,
		  struct error *err)
{
	const struct project *project = run->tasks->project;
	const struct relation *relation = project_find(project, load->relation);
	const char *view;

	if (task->seed || task_is_view(task))
		return error_config(err,
				    "%s is a %s: a load is taken out of models "
				    "that are computed from it and stored",
				    task->name, task->seed ? "seed" : "view");
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
	view = excluded_shown_by(project, task, load->relation);
	if (view)
		return error_config(err,
				    "%s reads %s through the view %s too, "
				    "which shows every load: read it directly, "
				    "or mend the load",
				    task->name, load->relation, view);
	if (model_is_snapshot(task->model))
		return check_snapshot(task, load_id, load, err);
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

static void add_queue(struct buf *sql, const struct task *task, const char *why)
{
	buf_format(
		sql,
		"update millrace.model set queued = '%s' where model = ", why);
	quote_literal(sql, task->name);
	buf_add_text(sql, "; ");
}

/* Whether rows of the load may be in the mart.  Those of a load that is still
 * pending are, where its relation is read as a whole too. */
static bool may_hold(const struct task *task, const struct candidate *load)
{
	const struct model *model = task->model;
	size_t marked = 0, read = 0;

	if (!load->is_built || load->is_excluded ||
	    model_is_snapshot(task->model))
		return false;
	for (size_t i = 0; i < model->reference_count; i++)
		read += !strcmp(model->reference[i].relation, load->relation);
	for (size_t i = 0; i < model->marker_count; i++)
		marked += !strcmp(model->marker[i].relation, load->relation);
	return load->is_consumed || model->strategy == STRATEGY_RECOMPUTE ||
	       read != 1 || marked != 1;
}

/* No run of the model begins or is under way meanwhile. */
static bool begin(struct run *run, const struct task *task, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql,
		   "begin; set local role millrace_aggregate; "
		   "set local lock_timeout = '10min'; "
		   "select pg_advisory_xact_lock(%d, hashtext(",
		   LOCK_MODEL);
	quote_literal(&sql, task->name);
	buf_add_text(&sql, "))");
	ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

static bool write_added(struct run *run, const struct task *task,
			int64_t load_id, const struct candidate *load,
			struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "insert into millrace.excluded (model, load_id, "
			   "relation, loaded_at) values (");
	quote_literal(&sql, task->name);
	buf_format(&sql, ", %" PRId64 ", ", load_id);
	quote_literal(&sql, load->relation);
	buf_add_text(&sql, ", ");
	quote_literal(&sql, load->loaded_at);
	buf_add_text(&sql, ") on conflict do nothing; ");
	if (may_hold(task, load))
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
	bool ok = begin(run, task, err) &&
		  look(run, task, load_id, &load, err) &&
		  check(run, task, load_id, &load, err) &&
		  (!may_hold(task, &load) || check_rebuild(run, task, err)) &&
		  write_added(run, task, load_id, &load, err);

	if (ok)
		log_line(LOG_INFO,
			 "%s: goes without load %" PRId64 " (%s, %" PRId64
			 " rows, %s); %s",
			 task->name, load_id, load.relation, load.rows,
			 load.loaded_at,
			 load.is_excluded        ? "as before"
			 : may_hold(task, &load) ? "the next run rebuilds it"
						 : "it has nothing of it");
	else
		pg_rollback(run->pg);
	arena_release(&load.arena);
	return ok;
}

static bool write_removed(struct run *run, const struct task *task,
			  int64_t load_id, bool rebuilds, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "delete from millrace.excluded where model = ");
	quote_literal(&sql, task->name);
	buf_format(&sql, " and load_id = %" PRId64 "; ", load_id);
	if (rebuilds)
		add_queue(&sql, task, "included load");
	buf_add_text(&sql, "commit");
	ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* A load that the model would take by itself needs no rebuild. */
bool excluded_remove(struct run *run, struct task *task, int64_t load_id,
		     struct error *err)
{
	struct candidate load = {0};
	bool ok = begin(run, task, err) && look(run, task, load_id, &load, err);
	bool rebuilds = load.is_built && load.is_consumed;

	if (ok && !load.is_excluded)
		ok = error_config(err,
				  "load %" PRId64 " is not excluded from %s: "
				  "millrace.excluded lists those that are",
				  load_id, task->name);
	ok = ok &&
	     (!rebuilds || (!task->seed && model_is_snapshot(task->model)
				    ? check_snapshot(task, load_id, &load, err)
				    : check_rebuild(run, task, err))) &&
	     write_removed(run, task, load_id, rebuilds, err);
	if (ok)
		log_line(LOG_INFO, "%s: has load %" PRId64 " again; %s",
			 task->name, load_id,
			 rebuilds ? "the next run rebuilds it"
				  : "the next run takes it");
	else
		pg_rollback(run->pg);
	arena_release(&load.arena);
	return ok;
}
