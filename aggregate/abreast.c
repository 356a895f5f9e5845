#include "aggregate/abreast.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/excluded.h"
#include "aggregate/joint.h"
#include "common/fault.h"
#include "common/mem.h"

/* --- who ------------------------------------------------------------------ */

static bool sees_raw(const struct project *project, const struct task *view)
{
	for (size_t i = 0; i < view->relation->input_count; i++)
		if (relation_is_raw(&project->relation[view->relation->input[i]
							       .relation]))
			return true;
	return false;
}

/* The tests of a view run with each model that it shows. */
static bool is_seen_with_raw(const struct project *project,
			     const struct task *task)
{
	for (size_t i = 0; i < task->view_count; i++)
		if (task->view[i]->model->test_count &&
		    sees_raw(project, task->view[i]))
			return true;
	return false;
}

/* Whether it is loose, or something is that it looks at. */
static bool is_loose(const struct tasks *tasks, const struct joint *joint,
		     const bool *reached)
{
	bool loose = joint->sees_raw;

	for (size_t i = 0; i < tasks->project->relation_count && !loose; i++)
		loose = reached[i] && tasks->at[i] && tasks->at[i]->is_loose;
	return loose;
}

/* Then all of them are.  True: that is news. */
static bool spread(const struct tasks *tasks, const struct joint *joint)
{
	size_t count = tasks->project->relation_count;
	bool *reached = mem_zalloc(count + 1, sizeof *reached);
	bool news = false;

	joint_reach(tasks, joint, reached);
	for (size_t i = 0; is_loose(tasks, joint, reached) && i < count; i++)
		if (reached[i] && tasks->at[i] && !tasks->at[i]->is_loose)
			news = tasks->at[i]->is_loose = true;
	free(reached);
	return news;
}

static void find_loose(struct tasks *tasks)
{
	bool news = !tasks->knows_loose;

	for (size_t i = 0; news && i < tasks->count; i++)
		tasks->order[i]->is_loose =
			is_seen_with_raw(tasks->project, tasks->order[i]);
	while (news) {
		news = false;
		for (size_t i = 0; i < tasks->joint_count; i++)
			news |= spread(tasks, &tasks->joint[i]);
	}
	tasks->knows_loose = true;
}

/* --- with what ------------------------------------------------------------ */

static void note(struct task *task)
{
	const struct task_state *state = &task->state;

	task->is_abreast = task->is_selected && state->is_known &&
			   !task->is_loose && !task_is_view(task) &&
			   !model_is_snapshot(task->model);
	task->seen_count = 0;
	for (size_t i = 0; task->is_abreast && i < state->load_count; i++) {
		if (state->load[i].input->task)
			continue;
		MEM_GROW(task->seen, task->seen_count, task->seen_capacity);
		task->seen[task->seen_count++] = state->load[i].id;
	}
}

void abreast_begin(struct tasks *tasks)
{
	find_loose(tasks);
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->order[i]->is_grouped)
			note(tasks->order[i]);
}

/* --- in an attempt -------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool is_in_time(const struct attempt *attempt, const struct load *load)
{
	const struct task *task = attempt->task;

	return load->input->task ||
	       (task->seen_count &&
		bsearch(&load->id, task->seen, task->seen_count,
			sizeof load->id, by_id));
}

/* Whether it follows what is pending, and nothing else. */
static bool only_follows(const struct attempt *attempt)
{
	const struct task_state *state = &attempt->task->state;

	return state->is_known && state->is_there && !state->is_queued &&
	       !strcmp(state->code_hash, attempt->task->code_hash) &&
	       !attempt->run->full_refresh && !attempt->run->replay_load;
}

/* Whether there are late ones, and their rows can be left unread. */
static bool can_leave(const struct attempt *attempt)
{
	const struct task *task = attempt->task;
	bool any = false;

	for (size_t i = 0; i < task->state.load_count; i++) {
		const struct load *load = &task->state.load[i];

		if (is_in_time(attempt, load))
			continue;
		any = true;
		if (load->op != 'i' ||
		    excluded_shown_by(attempt->run->tasks->project, task,
				      load->input->relation))
			return false;
	}
	return any;
}

void abreast_keep(struct attempt *attempt)
{
	struct task *task = attempt->task;

	attempt->look_count = task->state.load_count;
	if (task->is_abreast && only_follows(attempt) && can_leave(attempt) &&
	    !mutant("late-too")) {
		attempt_leave(attempt, is_in_time);
		run_lock(attempt->run);
		attempt->run->has_late = true;
		run_unlock(attempt->run);
	}
	attempt->pending_count = task->state.load_count;
}
