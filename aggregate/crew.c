#include "aggregate/crew.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "aggregate/abreast.h"
#include "aggregate/crew_choose.h"
#include "aggregate/run_task.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"

struct crew {
	struct run *run;       /* that is worked on */
	struct worker *worker; /* the caller, and those who help */
	size_t size;
	bool is_told;         /* that a helper cannot connect */
	pthread_cond_t moved; /* a task is over, or all is */
	int over_fd;          /* an eventfd: the same, rolling */
	bool is_rolling;
	/* guarded by the run's mutex */
	bool is_held;    /* nobody takes anything */
	bool is_leaving; /* all go home */
	size_t busy;
	size_t started; /* with the caller */
	size_t absent;  /* of them: could not connect */
	size_t idle;    /* of them: wait for something to do */
	bool has_failed;
	struct error failure; /* the first */
};

struct crew *crew_open(size_t size)
{
	struct crew *crew = mem_zalloc(1, sizeof *crew);

	crew->size = size;
	/* the caller and, rolling, as many others */
	crew->worker = mem_zalloc(size + 1, sizeof *crew->worker);
	pthread_cond_init(&crew->moved, NULL);
	crew->over_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return crew;
}

size_t crew_size(const struct crew *crew)
{
	return crew->size;
}

void crew_rest(struct crew *crew)
{
	for (size_t i = 1; i <= crew->size; i++) {
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
	if (crew->over_fd >= 0)
		close(crew->over_fd);
	free(crew->worker);
	free(crew);
}

/* --- who does what -------------------------------------------------------- */

/* Tasks that need no worker are over at once. */
static bool needs_work(struct run *run, const struct task *task)
{
	return task->is_selected &&
	       (task->status != TASK_IDLE || run_reason(run, task));
}

/* Rolling, the caller hears of it. */
static void tell(const struct crew *crew)
{
	const uint64_t one = 1;

	if (crew->is_rolling &&
	    write(crew->over_fd, &one, sizeof one) != sizeof one)
		return; /* it is full: readable already */
}

/* Those that it passes over are over. */
static struct task *find_work(const struct crew *crew, bool *left,
			      int64_t *wake_ms)
{
	struct crew_state state = {.is_rolling = crew->is_rolling,
				   .size = crew->size,
				   .busy = crew->busy,
				   .now_ms = clock_ms()};
	struct task *task;
	bool passed = false;

	while ((task = crew_choose(crew->run->tasks, &state, left)) &&
	       !task->needs_swap && !needs_work(crew->run, task)) {
		task->turn = TURN_OVER;
		passed = true;
	}
	if (passed)
		tell(crew);
	*wake_ms = state.wake_ms;
	return task;
}

/* One more, where there is something to do for one. */
static void call_helper(struct crew *crew);

static bool may_take(const struct crew *crew)
{
	return !crew->has_failed && !crew->is_leaving && !stop_requested();
}

/* Until somebody has moved, or one that rests may begin. */
static void sleep_until(struct crew *crew, int64_t wake_ms)
{
	const struct timespec at = clock_at(wake_ms);

	if (wake_ms == INT64_MAX)
		pthread_cond_wait(&crew->moved, &crew->run->mutex);
	else
		pthread_cond_clockwait(&crew->moved, &crew->run->mutex,
				       CLOCK_MONOTONIC, &at);
}

/* The next task for a worker; NULL: go home. */
static struct task *take(struct crew *crew)
{
	struct run *run = crew->run;
	struct task *task = NULL;
	bool left = true;
	int64_t wake_ms = INT64_MAX;

	run_lock(run);
	while (may_take(crew)) {
		if (!crew->is_held)
			task = find_work(crew, &left, &wake_ms);
		if (task || (!left && !crew->is_rolling))
			break;
		crew->idle++;
		sleep_until(crew, wake_ms);
		crew->idle--;
	}
	if (task) {
		task->turn = TURN_TAKEN;
		task->is_due = true;
		task->is_touched = false;
		crew->busy++;
		call_helper(crew);
	}
	pthread_cond_broadcast(&crew->moved);
	run_unlock(run);
	return task;
}

static bool is_connected(const struct worker *worker)
{
	return worker->pg && pg_is_alive(worker->pg);
}

static void put_back(struct crew *crew, struct task *task, int64_t took_ms,
		     bool ok, const struct error *err)
{
	run_lock(crew->run);
	crew->busy--;
	task->used_ms = took_ms < task->took_ms ? took_ms : task->took_ms;
	task->took_ms = took_ms;
	task->over_ms = clock_ms();
	if (task->turn == TURN_TAKEN)
		task->turn = TURN_OVER;
	if (!ok && !crew->has_failed) {
		crew->has_failed = true;
		crew->failure = *err;
	}
	pthread_cond_broadcast(&crew->moved);
	tell(crew);
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
	crew->absent++;
	tell(crew);
	run_unlock(crew->run);
	return NULL;
}

static void call_helper(struct crew *crew)
{
	size_t most = crew->is_rolling ? crew->size + 1 : crew->size;
	struct worker *worker = &crew->worker[crew->started];
	int64_t wake_ms;
	bool left;

	if (crew->is_rolling && crew->idle)
		return; /* they have been called */
	if (crew->started < most && find_work(crew, &left, &wake_ms) &&
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

static void begin(struct crew *crew, struct run *run, bool is_rolling)
{
	crew->run = run;
	crew->is_rolling = is_rolling;
	crew->has_failed = crew->is_held = crew->is_leaving = false;
	crew->started = 1;
	crew->busy = crew->absent = crew->idle = 0;
	for (size_t i = 0; i <= crew->size; i++)
		crew->worker[i].run = run;
	run->tasks->mutex = &run->mutex;
}

/* Waits for those who help. */
static void join(struct crew *crew)
{
	for (size_t i = 1; i < count_started(crew); i++)
		pthread_join(crew->worker[i].thread, NULL);
}

bool crew_work(struct run *run, struct error *err)
{
	struct crew *crew = run->crew;

	begin(crew, run, false);
	crew->worker[0].pg = run->pg;
	for (size_t i = 0; i < run->tasks->count; i++) {
		struct task *task = run->tasks->order[i];

		task->turn = TURN_WAITING;
		task->status = TASK_IDLE;
		task->needs_swap = task->is_touched = false;
		task->is_due = run_reason(run, task) != NULL;
	}
	abreast_begin(run->tasks);
	work(&crew->worker[0]);
	join(crew);
	run_use(run, crew->worker[0].pg);
	if (crew->has_failed)
		*err = crew->failure;
	return !crew->has_failed;
}

/* --- rolling -------------------------------------------------------------- */

void crew_start(struct run *run)
{
	begin(run->crew, run, true);
	crew_drain(run->crew);
}

int crew_fd(const struct crew *crew)
{
	return crew->over_fd;
}

void crew_drain(struct crew *crew)
{
	uint64_t count;

	while (read(crew->over_fd, &count, sizeof count) == sizeof count)
		continue;
}

void crew_call(struct crew *crew)
{
	pthread_cond_broadcast(&crew->moved);
	call_helper(crew);
}

size_t crew_busy(const struct crew *crew)
{
	return crew->busy;
}

static bool is_deserted(const struct crew *crew)
{
	return crew->absent && crew->absent + 1 == crew->started;
}

bool crew_is_broken(const struct crew *crew)
{
	return crew->has_failed || is_deserted(crew);
}

void crew_hold(struct crew *crew, bool hold)
{
	run_lock(crew->run);
	crew->is_held = hold;
	pthread_cond_broadcast(&crew->moved);
	run_unlock(crew->run);
}

bool crew_stop(struct crew *crew, bool *deserted, struct error *err)
{
	run_lock(crew->run);
	crew->is_leaving = true;
	pthread_cond_broadcast(&crew->moved);
	run_unlock(crew->run);
	join(crew);
	*deserted = is_deserted(crew);
	for (size_t i = 0; i < crew->run->tasks->count; i++)
		crew->run->tasks->order[i]->turn = TURN_OVER;
	if (crew->has_failed)
		*err = crew->failure;
	return !crew->has_failed;
}
