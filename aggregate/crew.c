#include "aggregate/crew.h"

#include <stdlib.h>

#include "aggregate/joint.h"
#include "aggregate/run_task.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"

struct crew {
	struct run *run; /* of the pass at work */
	struct worker *worker;
	size_t size;
	pthread_cond_t moved; /* a task is over, or all is */
	/* guarded by the run's mutex */
	size_t busy;
	bool has_failed;
	struct error failure; /* the first */
};

void run_lock(struct run *run)
{
	pthread_mutex_lock(&run->mutex);
}

void run_unlock(struct run *run)
{
	pthread_mutex_unlock(&run->mutex);
}

struct crew *crew_open(size_t size)
{
	struct crew *crew = mem_zalloc(1, sizeof *crew);

	crew->size = size;
	crew->worker = mem_zalloc(size, sizeof *crew->worker);
	pthread_cond_init(&crew->moved, NULL);
	return crew;
}

void crew_close(struct crew *crew)
{
	if (!crew)
		return;
	for (size_t i = 1; i < crew->size; i++)
		pg_close(crew->worker[i].pg);
	pthread_cond_destroy(&crew->moved);
	free(crew->worker);
	free(crew);
}

/* --- who does what -------------------------------------------------------- */

static bool is_ready(const struct tasks *tasks, const struct task *task)
{
	const struct project *project = tasks->project;
	const struct graph_node *node =
		&project->graph->node[task->relation - project->relation];

	for (size_t i = 0; i < node->input_count; i++) {
		const struct task *input = tasks->at[node->input[i]];

		if (input && input->turn != TURN_OVER)
			return false;
	}
	return true;
}

/* A task that can be worked on now; else *left says whether any will be.  Of
 * several the one that was quickest the last time: in pass after pass, what is
 * quick then never waits for what is slow. */
static struct task *choose(const struct crew *crew, bool *left)
{
	const struct tasks *tasks = crew->run->tasks;
	struct task *quick = NULL;
	struct task *swap = NULL;

	*left = false;
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = tasks->order[i];

		if (task->turn != TURN_OVER)
			*left = true;
		if (task->turn != TURN_WAITING || !is_ready(tasks, task) ||
		    joint_is_busy(tasks, task))
			continue;
		if (task->needs_swap)
			swap = swap ? swap : task;
		else if (!quick || task->took_ms < quick->took_ms)
			quick = task;
	}
	if (quick)
		return quick;
	return crew->busy ? NULL : swap;
}

/* Tasks that need no worker are over at once. */
static bool needs_work(struct run *run, const struct task *task)
{
	return task->is_selected &&
	       (task->status != TASK_IDLE || run_reason(run, task));
}

/* The next task for a worker; NULL: go home. */
static struct task *take(struct crew *crew)
{
	struct run *run = crew->run;
	struct task *task;
	bool left;

	run_lock(run);
	for (;;) {
		if (crew->has_failed || stop_requested()) {
			task = NULL;
			break;
		}
		task = choose(crew, &left);
		if (task && (task->needs_swap || needs_work(run, task))) {
			task->turn = TURN_TAKEN;
			crew->busy++;
			break;
		}
		if (task) {
			task->turn = TURN_OVER;
			continue;
		}
		if (!left)
			break;
		pthread_cond_wait(&crew->moved, &run->mutex);
	}
	pthread_cond_broadcast(&crew->moved);
	run_unlock(run);
	return task;
}

static void put_back(struct crew *crew, struct task *task, int64_t took_ms,
		     bool ok, const struct error *err)
{
	run_lock(crew->run);
	crew->busy--;
	task->took_ms = took_ms;
	if (task->turn == TURN_TAKEN)
		task->turn = TURN_OVER;
	if (!ok && !crew->has_failed) {
		crew->has_failed = true;
		crew->failure = *err;
	}
	pthread_cond_broadcast(&crew->moved);
	run_unlock(crew->run);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct crew *crew = worker->run->crew;
	struct task *task;

	while ((task = take(crew))) {
		struct error err = ERROR_INIT;
		int64_t began_ms = clock_ms();
		bool ok = (worker->pg && pg_is_usable(worker->pg)) ||
			  worker_connect(worker, &err);

		ok = ok && run_task(worker, task, &err);
		put_back(crew, task, clock_ms() - began_ms, ok, &err);
	}
	return NULL;
}

bool crew_work(struct run *run, struct error *err)
{
	struct crew *crew = run->crew;
	size_t started = 1;

	crew->run = run;
	crew->has_failed = false;
	for (size_t i = 0; i < crew->size; i++)
		crew->worker[i].run = run;
	crew->worker[0].pg = run->pg;
	for (size_t i = 0; i < run->tasks->count; i++) {
		struct task *task = run->tasks->order[i];

		task->turn = TURN_WAITING;
		task->status = TASK_IDLE;
		task->needs_swap = task->is_touched = false;
		task->is_due = run_reason(run, task) != NULL;
	}
	while (started < crew->size &&
	       pthread_create(&crew->worker[started].thread, NULL, work,
			      &crew->worker[started]) == 0)
		started++;
	work(&crew->worker[0]);
	for (size_t i = 1; i < started; i++)
		pthread_join(crew->worker[i].thread, NULL);
	run->pg = crew->worker[0].pg;
	if (crew->has_failed)
		*err = crew->failure;
	return !crew->has_failed;
}
