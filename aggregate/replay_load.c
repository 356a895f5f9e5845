#include "aggregate/replay_load.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/build.h"
#include "aggregate/quote.h"
#include "aggregate/strategy.h"
#include "common/pg.h"

/* --- whether -------------------------------------------------------------- */

/* Every group of a delta lies in one part, and the marker says where in the
 * source the parts are. */
static bool has_parts(const struct model *model)
{
	if (!model->by_count || model->marker_count != 1 ||
	    model->marker[0].column_count != model->by_count)
		return false;
	for (size_t i = 0; i < model->by_count; i++)
		if (!model_has_key(model, model->by[i].name))
			return false;
	return true;
}

bool replay_load_check(const struct task *task, struct error *err)
{
	const struct model *model = task->model;

	if (!task->seed && model_is_snapshot(model))
		return error_config(err,
				    "%s: a snapshot takes every load once: its "
				    "past is not computed again",
				    task->name);
	switch (task->seed ? STRATEGY_FULL : model->strategy) {
	case STRATEGY_MERGE:
	case STRATEGY_RECOMPUTE:
		return true;
	case STRATEGY_APPEND:
		return model->unique_key_count > 0 ||
		       error_config(err,
				    "%s: append without unique_key would add "
				    "the rows a second time: rebuild it with "
				    "`periodic --full-refresh -s %s`",
				    task->name, task->name);
	case STRATEGY_DELTA:
		return has_parts(model) ||
		       error_config(
			       err,
			       "%s: delta would count the load twice; give it "
			       "`by`, columns of unique_key whose parts can be "
			       "computed anew, or rebuild it with `periodic "
			       "--full-refresh -s %s`",
			       task->name, task->name);
	default:
		return error_config(err,
				    "%s is computed as a whole: `periodic "
				    "--full-refresh -s %s`",
				    task->name, task->name);
	}
}

/* --- the load ------------------------------------------------------------- */

static bool find_load(const struct attempt *attempt, PGresult **res,
		      struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql, "select l.relation, l.loaded_at, l.op, l.row_count, "
			 "e.load_id is not null from millrace.load l left join "
			 "millrace.excluded e on e.load_id = l.load_id and "
			 "e.model = ");
	quote_literal(&sql, attempt->task->name);
	buf_format(&sql, " where l.load_id = %" PRId64,
		   attempt->run->replay_load);
	ok = pg_fetch(attempt->pg, attempt->run->timeout_ms, err, res, NULL,
		      buf_text(&sql));
	buf_release(&sql);
	if (ok && !PQntuples(*res))
		ok = error_config(err,
				  "there is no load %" PRId64
				  ": millrace.load lists them",
				  attempt->run->replay_load);
	return ok;
}

static struct task_input *find_input(struct task *task, const char *relation)
{
	for (size_t i = 0; i < task->input_count; i++)
		if (task->input[i].is_marked &&
		    !strcmp(task->input[i].relation, relation))
			return &task->input[i];
	return NULL;
}

/* Rows that retention has dropped cannot be taken again. */
static bool check_rows(const struct attempt *attempt, const struct load *load,
		       struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	if (load->input->task || load->op != 'i')
		return true;
	buf_format(&sql,
		   "select 1 from %s where loaded_at = '%s' union all "
		   "(select 1 from millrace.load where load_id = %" PRId64
		   " and row_count = 0) limit 1",
		   load->input->table, load->loaded_at, load->id);
	ok = pg_fetch(attempt->pg, attempt->run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok && !PQntuples(res))
		ok = error_config(err,
				  "the rows of load %" PRId64
				  " are not in %s any more",
				  load->id, load->input->relation);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

static bool read_load(struct attempt *attempt, const PGresult *res,
		      struct load *load, struct error *err)
{
	struct task *task = attempt->task;

	*load = (struct load){
		.id = attempt->run->replay_load,
		.input = find_input(task, PQgetvalue(res, 0, 0)),
		.loaded_at =
			arena_strdup(&task->state.arena, PQgetvalue(res, 0, 1)),
		.op = PQgetvalue(res, 0, 2)[0],
		.rows = pg_number(res, 0, 3),
	};
	if (!load->input) {
		error_config(err,
			     "load %" PRId64 " is of %s, which %s does not "
			     "follow behind a marker",
			     load->id, PQgetvalue(res, 0, 0), task->name);
		return false;
	}
	if (PQgetvalue(res, 0, 4)[0] == 't')
		return error_config(err,
				    "load %" PRId64 " is excluded from %s: "
				    "`periodic include %s %" PRId64 "` lets "
				    "it in again",
				    load->id, task->name, task->name, load->id);
	return true;
}

/* Before those that wait, if it is none of what is pending. */
bool replay_load_add(struct attempt *attempt, struct error *err)
{
	struct task_state *state = &attempt->task->state;
	struct load *place = &state->load[state->load_count];
	struct load load;
	PGresult *res = NULL;
	bool ok = true;

	if (!attempt->run->replay_load)
		return true;
	for (size_t i = 0; i < attempt->pending_count; i++) {
		if (state->load[i].id != attempt->run->replay_load)
			continue;
		return i < state->load_count || /* nobody has taken it yet */
		       error_config(err,
				    "load %" PRId64 " waits, since it has not "
				    "passed the tests of %s: mend it first",
				    state->load[i].id,
				    state->load[i].input->relation);
	}
	ok = find_load(attempt, &res, err) &&
	     read_load(attempt, res, &load, err) &&
	     check_rows(attempt, &load, err);
	if (ok) {
		memmove(place + 1, place,
			(attempt->pending_count - state->load_count) *
				sizeof *place);
		*place = load;
		state->load_count++;
		attempt->pending_count++;
		attempt->look_count++;
	}
	PQclear(res);
	return ok;
}

bool replay_load_apply(struct refresh *refresh, struct error *err)
{
	enum strategy strategy = refresh->task->model->strategy;

	if (strategy == STRATEGY_DELTA || strategy == STRATEGY_RECOMPUTE)
		return build_is_possible(refresh, err) &&
		       strategy_recompute(refresh, err);
	return strategy_apply(refresh, err);
}
