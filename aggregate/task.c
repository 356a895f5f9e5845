#include "aggregate/task.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void tasks_lock(const struct tasks *tasks)
{
	if (tasks->mutex)
		pthread_mutex_lock(tasks->mutex);
}

void tasks_unlock(const struct tasks *tasks)
{
	if (tasks->mutex)
		pthread_mutex_unlock(tasks->mutex);
}

struct task_input *task_input_of(const struct task *task, const char *relation)
{
	for (size_t i = 0; i < task->input_count; i++)
		if (!strcmp(task->input[i].relation, relation))
			return &task->input[i];
	return NULL;
}

bool task_is_view(const struct task *task)
{
	return task->model->materialized == MATERIALIZED_VIEW;
}

bool task_is_consumed(const struct task *task)
{
	return task->consumer_count > 0;
}

const char *task_strategy(const struct task *task)
{
	if (task->seed)
		return "seed";
	return model_is_snapshot(task->model)
		       ? "snapshot"
		       : model_strategies[task->model->strategy];
}

/* --- spreading ------------------------------------------------------------ */

static size_t number_of(const struct tasks *tasks, const struct task *task)
{
	return (size_t)(task->relation - tasks->project->relation);
}

void task_leave_descendants(const struct tasks *tasks, const struct task *task,
			    enum task_status status)
{
	const struct graph *graph = tasks->project->graph;
	bool *reached = mem_zalloc(graph->count + 1, sizeof *reached);

	graph_reach(graph, number_of(tasks, task), GRAPH_DOWNSTREAM, SIZE_MAX,
		    reached);
	for (size_t i = 0; i < graph->count; i++)
		if (reached[i] && tasks->at[i] && tasks->at[i] != task &&
		    tasks->at[i]->status == TASK_IDLE &&
		    tasks->at[i]->turn != TURN_TAKEN)
			tasks->at[i]->status = status;
	free(reached);
}

void task_touch_consumers(const struct tasks *tasks, const struct task *task)
{
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *other = tasks->order[i];

		for (size_t k = 0; k < other->input_count; k++)
			if (other->input[k].task == task)
				other->is_touched = true;
	}
}
