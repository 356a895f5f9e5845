#include "aggregate/crew_choose.h"

#include "aggregate/joint.h"

enum { SLOW_MS = 500, RESTS = 4, MOST_REST_MS = 5000 };

/* Whether the task should not begin before this input of it is over. */
static bool must_wait_for(const struct task *input, const struct task *task,
			  bool is_rolling)
{
	if (!input || input->turn == TURN_OVER)
		return false;
	return !is_rolling || input->since_ms <= task->since_ms;
}

static bool is_ready(const struct tasks *tasks, const struct task *task,
		     bool is_rolling)
{
	const struct project *project = tasks->project;
	const struct graph_node *node =
		&project->graph->node[task->relation - project->relation];

	for (size_t i = 0; i < node->input_count; i++)
		if (must_wait_for(tasks->at[node->input[i]], task, is_rolling))
			return false;
	/* through views, which may have nothing to do themselves */
	for (size_t i = 0; is_rolling && i < task->input_count; i++)
		if (must_wait_for(task->input[i].task, task, true))
			return false;
	return true;
}

/* Whether what is loaded reaches others through it. */
static bool feeds(const struct task *task)
{
	for (size_t i = 0; i < task->input_count; i++)
		if (!task->input[i].task)
			return task_is_consumed(task);
	return false;
}

/* Once is no habit: it was built, or had to wait for somebody. */
static bool is_slow(const struct task *task)
{
	return task->used_ms >= SLOW_MS && !feeds(task);
}

/* When it may begin once more. */
static int64_t rests_until(const struct task *task)
{
	int64_t rest_ms = RESTS * task->used_ms;

	if (feeds(task) || task->is_grouped || task->needs_swap)
		return 0;
	return task->over_ms +
	       (rest_ms < MOST_REST_MS ? rest_ms : MOST_REST_MS);
}

/* Of those who work: how many at something like it. */
static size_t count(const struct tasks *tasks,
		    bool (*is_like)(const struct task *task))
{
	size_t count = 0;

	for (size_t i = 0; i < tasks->count; i++)
		count += tasks->order[i]->turn == TURN_TAKEN &&
			 is_like(tasks->order[i]);
	return count;
}

static double ratio(const struct task *task, int64_t now_ms)
{
	double took = (double)task->took_ms + 1;

	return ((double)(now_ms - task->since_ms) + took) / took;
}

static bool is_better(const struct task *task, const struct task *best,
		      const struct crew_state *state, bool feeders_first)
{
	if (!best)
		return true;
	if (!state->is_rolling)
		return task->took_ms < best->took_ms;
	if (feeders_first && feeds(task) != feeds(best))
		return feeds(task);
	return ratio(task, state->now_ms) > ratio(best, state->now_ms);
}

struct task *crew_choose(const struct tasks *tasks, struct crew_state *state,
			 bool *left)
{
	bool may_be_slow = !state->is_rolling || state->size < 2 ||
			   count(tasks, is_slow) + 1 < state->size;
	bool feeders_first = count(tasks, feeds) + 1 < state->size;
	struct task *best = NULL;
	struct task *swap = NULL;

	*left = false;
	state->wake_ms = INT64_MAX;
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = tasks->order[i];

		if (task->turn != TURN_OVER)
			*left = true;
		if (task->turn != TURN_WAITING ||
		    !is_ready(tasks, task, state->is_rolling) ||
		    joint_is_busy(tasks, task))
			continue;
		if (state->is_rolling && rests_until(task) > state->now_ms) {
			if (rests_until(task) < state->wake_ms)
				state->wake_ms = rests_until(task);
			continue;
		}
		if (task->needs_swap)
			swap = swap ? swap : task;
		else if ((may_be_slow || !is_slow(task)) &&
			 is_better(task, best, state, feeders_first))
			best = task;
	}
	if (best && !(swap && state->is_rolling))
		return best;
	return state->busy ? NULL : swap;
}
