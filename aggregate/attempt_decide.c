#include <inttypes.h>
#include <string.h>

#include "aggregate/attempt.h"
#include "aggregate/build.h"
#include "aggregate/export.h"
#include "common/fault.h"

/* --- deciding ------------------------------------------------------------- */

/* Whether the strategy works out what gone rows had contributed. */
static bool subtracts(const struct model *model)
{
	return model->strategy == STRATEGY_RECOMPUTE ||
	       (model->strategy == STRATEGY_DELTA && model->rows);
}

/* A load that cannot be followed row by row: the relation was replaced, or its
 * gone rows were not kept.  Even what only grows loses rows when its code
 * changes, and its readers have no other answer. */
static bool forces_rebuild(const struct task *task, const struct load *load)
{
	if (!load->input->is_marked)
		return true;
	if (load->op == 'i')
		return false;
	if (!subtracts(task->model))
		return true;
	if (!load->input->task)
		return !load->has_gone;
	if (load->op != 'r')
		return true;
	if (mutant("away"))
		return false;
	return !load->input->has_old || load->id <= load->input->gone_from_load;
}

/* History is only ever added to. */
static enum action decide_snapshot(const struct attempt *attempt)
{
	const struct task_state *state = &attempt->task->state;

	if (!state->is_known || !state->is_there)
		return ACTION_BUILD;
	if (attempt->is_new_code || state->load_count)
		return ACTION_APPLY;
	return state->has_indexes ? ACTION_NONE : ACTION_INDEX;
}

/* The oldest loads of a backlog; the rest waits for the next transaction. */
static void take_step(struct task *task, int64_t max_loads)
{
	struct task_state *state = &task->state;

	if (max_loads == 0 || state->load_count <= (size_t)max_loads)
		return;
	state->next_load = state->load[max_loads].id;
	state->load_count = (size_t)max_loads;
}

void attempt_decide(struct attempt *attempt)
{
	const struct task *task = attempt->task;
	const struct task_state *state = &task->state;
	bool is_new = !state->is_known || !state->is_there;

	attempt->is_new_code =
		is_new || strcmp(state->code_hash, task->code_hash) != 0;
	if (task_is_view(task))
		attempt->action = ACTION_VIEW;
	else if (model_is_snapshot(task->model))
		attempt->action = decide_snapshot(attempt);
	else if (is_new)
		attempt->action =
			state->is_there ? ACTION_REBUILD : ACTION_BUILD;
	else if (attempt->is_new_code || attempt->run->full_refresh ||
		 state->is_queued ||
		 (state->load_count && task->model->strategy == STRATEGY_FULL))
		attempt->action = ACTION_REBUILD;
	else if (state->load_count)
		attempt->action = ACTION_APPLY;
	else if (!state->has_indexes)
		attempt->action = ACTION_INDEX;
	for (size_t i = 0;
	     attempt->action == ACTION_APPLY && i < state->load_count; i++)
		if (!model_is_snapshot(task->model) &&
		    forces_rebuild(task, &state->load[i]))
			attempt->action = ACTION_REBUILD;
	/* a snapshot takes its extracts in their own order */
	if (attempt->action == ACTION_APPLY &&
	    !model_is_snapshot(task->model) && !attempt->run->replay_load)
		take_step(attempt->task, attempt->run->max_loads);
	if (attempt->action == ACTION_VIEW && !attempt->is_new_code &&
	    !state->load_count && !attempt->run->full_refresh &&
	    state->has_indexes && !export_is_missing(task))
		attempt->action = ACTION_NONE;
}

/* A staging table only grows, until somebody replaces a range of it; what
 * append and merge have made of the rows that went cannot be told any more. */
bool attempt_can_follow(const struct attempt *attempt, struct error *err)
{
	const struct task *task = attempt->task;
	enum strategy strategy = task->model->strategy;

	if (attempt->is_new_code || attempt->run->full_refresh ||
	    task->state.is_queued ||
	    (strategy != STRATEGY_APPEND && strategy != STRATEGY_MERGE))
		return true;
	for (size_t i = 0; i < task->state.load_count; i++) {
		const struct load *load = &task->state.load[i];

		if (load->op == 'd' && load->input->is_marked &&
		    !load->input->task)
			return error_config(
				err,
				"%s only takes rows that stay, and load "
				"%" PRId64 " replaced some of %s: use strategy "
				"delta or recompute, or rebuild once with "
				"`periodic --full-refresh -s %s`",
				model_strategies[strategy], load->id,
				load->input->relation, task->name);
	}
	return true;
}

bool attempt_decide_columns(struct attempt *attempt, struct error *err)
{
	const struct task *task = attempt->task;
	struct refresh *refresh = &attempt->refresh;
	bool grows = false;

	if (attempt->action != ACTION_REBUILD || !attempt->is_new_code ||
	    attempt->run->full_refresh || !task->state.is_known ||
	    task->model->on_schema_change != ON_SCHEMA_APPEND)
		return true;
	if (!build_shape(refresh, err) || !build_grows(refresh, &grows, err))
		return false;
	for (size_t i = 0; grows && i < task->state.load_count; i++)
		grows = !forces_rebuild(task, &task->state.load[i]);
	if (grows)
		attempt->action = ACTION_APPLY;
	return true;
}
