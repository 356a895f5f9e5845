#include "aggregate/pace.h"

#include <stdlib.h>

#include "aggregate/joint.h"
#include "common/clock.h"
#include "common/mem.h"

enum { FIRST_RETRY_MS = 1000, MOST_RETRY_MS = 60000 };

struct pacer {
	bool is_wanted;
	bool is_held;    /* waits for one that has failed */
	bool has_failed; /* or somebody else had it, the last time */
	int64_t lag_ms;
	int64_t retry_ms; /* doubles with every failure; 0: it has not failed */
	int64_t from_ms;  /* not before */
};

struct pace {
	struct tasks *tasks;
	struct pacer *at; /* by place in tasks->order */
};

struct pace *pace_open(struct tasks *tasks, int64_t lag_ms)
{
	struct pace *pace = mem_zalloc(1, sizeof *pace);

	pace->tasks = tasks;
	pace->at = mem_zalloc(tasks->count + 1, sizeof *pace->at);
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		pace->at[i] = (struct pacer){
			.is_wanted = task->is_selected,
			.lag_ms = task->model->lag_us
					  ? task->model->lag_us / 1000
					  : lag_ms,
		};
	}
	return pace;
}

void pace_close(struct pace *pace)
{
	if (!pace)
		return;
	free(pace->at);
	free(pace);
}

/* Whether it reads, directly or not, one that has failed and waits. */
static bool reads_failed(const struct pace *pace, size_t place)
{
	const struct tasks *tasks = pace->tasks;
	const struct task *task = tasks->order[place];
	const struct project *project = tasks->project;
	const struct graph_node *node =
		&project->graph->node[task->relation - project->relation];

	for (size_t i = 0; i < place; i++) {
		const struct pacer *input = &pace->at[i];
		size_t number =
			(size_t)(tasks->order[i]->relation - project->relation);

		if (!input->is_held &&
		    (!input->retry_ms || tasks->order[i]->is_selected))
			continue;
		for (size_t k = 0; k < node->input_count; k++)
			if (node->input[k] == number)
				return true;
	}
	return false;
}

static struct pacer *pacer_of(const struct pace *pace, const struct task *task)
{
	size_t i = 0;

	while (pace->tasks->order[i] != task)
		i++;
	return &pace->at[i];
}

static bool waits_for_try(const struct pace *pace, const struct task *task)
{
	const struct pacer *pacer = pacer_of(pace, task);

	return pacer->is_wanted && !task->is_selected &&
	       (pacer->is_held || pacer->has_failed);
}

/* Holds them all if one of them waits.  True: that is news. */
static bool hold_together(struct pace *pace, const struct joint *joint)
{
	bool waits = false, news = false;

	for (size_t i = 0; i < joint->named_count && !waits; i++)
		waits = waits_for_try(pace, joint->named[i]);
	for (size_t i = 0; i < joint->named_count && waits; i++) {
		struct task *task = joint->named[i];

		if (!task->is_selected || task->is_working)
			continue;
		news = true;
		task->is_selected = false;
		pacer_of(pace, task)->is_held = true;
	}
	return news;
}

static void hold_joints(struct pace *pace)
{
	bool news = true;

	while (news) {
		news = false;
		for (size_t i = 0; i < pace->tasks->joint_count; i++)
			news |= hold_together(pace, &pace->tasks->joint[i]);
	}
}

void pace_select(struct pace *pace, int64_t now_ms)
{
	for (size_t i = 0; i < pace->tasks->count; i++) {
		struct pacer *pacer = &pace->at[i];

		if (pace->tasks->order[i]->is_working)
			continue;
		pacer->is_held = reads_failed(pace, i);
		pace->tasks->order[i]->is_awaited = pacer->is_wanted;
		pace->tasks->order[i]->is_selected = pacer->is_wanted &&
						     !pacer->is_held &&
						     now_ms >= pacer->from_ms;
	}
	hold_joints(pace);
}

static void note_failure(struct pacer *pacer)
{
	pacer->retry_ms =
		pacer->retry_ms ? 2 * pacer->retry_ms : FIRST_RETRY_MS;
	if (pacer->retry_ms > MOST_RETRY_MS)
		pacer->retry_ms = MOST_RETRY_MS;
	pacer->from_ms = clock_ms() + pacer->retry_ms;
}

void pace_note_one(struct pace *pace, size_t place, int64_t began_ms)
{
	const struct task *task = pace->tasks->order[place];
	struct pacer *pacer = &pace->at[place];

	if (!task->is_selected)
		return;
	if (task->status != TASK_IDLE)
		pacer->has_failed = task->status != TASK_DONE;
	if (task->status == TASK_FAILED || task->status == TASK_TESTS) {
		note_failure(pacer);
	} else if (task->status == TASK_LOCKED) {
		pacer->from_ms = clock_ms() + FIRST_RETRY_MS;
	} else if (task->status == TASK_DONE) {
		pacer->retry_ms = 0;
		pacer->from_ms = began_ms + pacer->lag_ms;
	}
}

void pace_note(struct pace *pace, int64_t began_ms)
{
	for (size_t i = 0; i < pace->tasks->count; i++)
		pace_note_one(pace, i, began_ms);
}

int64_t pace_next(const struct pace *pace)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < pace->tasks->count; i++) {
		const struct task *task = pace->tasks->order[i];
		const struct pacer *pacer = &pace->at[i];

		if (!pacer->is_wanted || pacer->is_held || task->is_working ||
		    (task->is_selected && task->status != TASK_FAILED &&
		     task->status != TASK_TESTS && task->status != TASK_LOCKED))
			continue;
		/* what was not looked into has its loads pending, or is new */
		if ((task->state.load_count || task->is_touched ||
		     pacer->retry_ms || !task->state.is_known) &&
		    pacer->from_ms < next)
			next = pacer->from_ms;
	}
	return next;
}
