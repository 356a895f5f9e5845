#include "aggregate/crew.h"

#include <stdlib.h>

#include "aggregate/joint.h"
#include "aggregate/run_task.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"

struct crew {
	struct run *run; /* of the pass at work */
	struct worker *worker;
	size_t size;
	bool is_told;         /* that a helper cannot connect */
	pthread_cond_t moved; /* a task is over, or all is */
	/* guarded by the run's mutex */
	size_t busy;
	size_t started; /* in this pass, with the caller */
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

void crew_rest(struct crew *crew)
{
	for (size_t i = 1; i < crew->size; i++) {
		pg_close(crew->worker[i].pg);
		crew->worker[i].pg = NULL;
	}
}

void crew_close(struct crew *crew)
{
	if (!crew)
		return;
	crew_rest(crew);
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

/* Those that it passes over are over. */
static struct task *find_work(const struct crew *crew, bool *left)
{
	struct task *task;

	while ((task = choose(crew, left)) && !task->needs_swap &&
	       !needs_work(crew->run, task))
		task->turn = TURN_OVER;
	return task;
}

/* One more, where there is something to do for one. */
static void call_helper(struct crew *crew);

/* The next task for a worker; NULL: go home. */
static struct task *take(struct crew *crew)
{
	struct run *run = crew->run;
	struct task *task = NULL;
	bool left = true;

	run_lock(run);
	while (!crew->has_failed && !stop_requested()) {
		task = find_work(crew, &left);
		if (task || !left)
			break;
		pthread_cond_wait(&crew->moved, &run->mutex);
	}
	if (task) {
		task->turn = TURN_TAKEN;
		crew->busy++;
		call_helper(crew);
	}
	pthread_cond_broadcast(&crew->moved);
	run_unlock(run);
	return task;
}

static bool is_connected(const struct worker *worker)
{
	return worker->pg && pg_is_usable(worker->pg);
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

static void work(struct worker *worker)
{
	struct crew *crew = worker->run->crew;
	struct task *task;

	while ((task = take(crew))) {
		struct error err = ERROR_INIT;
		int64_t began_ms = clock_ms();
		bool ok = is_connected(worker) || worker_connect(worker, &err);

		ok = ok && run_task(worker, task, &err);
		put_back(crew, task, clock_ms() - began_ms, ok, &err);
	}
}

/* The others do without a helper that cannot connect. */
static void *help(void *arg)
{
	struct worker *worker = arg;
	struct crew *crew = worker->run->crew;
	struct error err = ERROR_INIT;

	if (is_connected(worker) || worker_join(worker, &err)) {
		work(worker);
		return NULL;
	}
	run_lock(crew->run);
	if (!crew->is_told && !stop_requested())
		log_line(LOG_WARNING, "going on with fewer connections: %s",
			 err.text);
	crew->is_told = true;
	run_unlock(crew->run);
	return NULL;
}

static void call_helper(struct crew *crew)
{
	struct worker *worker = &crew->worker[crew->started];
	bool left;

	if (crew->started < crew->size && find_work(crew, &left) &&
	    pthread_create(&worker->thread, NULL, help, worker) == 0)
		crew->started++;
}

/* Those of this pass, with the caller. */
static size_t count_started(struct crew *crew)
{
	size_t started;

	run_lock(crew->run);
	started = crew->started;
	run_unlock(crew->run);
	return started;
}

bool crew_work(struct run *run, struct error *err)
{
	struct crew *crew = run->crew;

	crew->run = run;
	crew->has_failed = false;
	crew->started = 1;
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
	work(&crew->worker[0]);
	for (size_t i = 1; i < count_started(crew); i++)
		pthread_join(crew->worker[i].thread, NULL);
	run->pg = crew->worker[0].pg;
	if (crew->has_failed)
		*err = crew->failure;
	return !crew->has_failed;
}
