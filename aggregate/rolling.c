#include "aggregate/rolling.h"

#include "aggregate/abreast.h"
#include "aggregate/crew.h"
#include "aggregate/ledger.h"
#include "aggregate/run_tests.h"
#include "common/clock.h"
#include "common/stop.h"

enum { REST_MS = 60000 }; /* before connections are asked for again */

bool rolling_is_possible(const struct rolling *rolling)
{
	const struct run *run = rolling->run;

	return crew_size(run->crew) > 1 && !run->full_refresh &&
	       clock_ms() >= rolling->rests_until_ms;
}

void rolling_start(struct rolling *rolling)
{
	struct tasks *tasks = rolling->run->tasks;

	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = tasks->order[i];

		task->turn = TURN_OVER;
		task->status = TASK_IDLE;
		task->is_working = task->is_missed = task->is_touched = false;
	}
	rolling->is_on = rolling->has_news = true;
	rolling->is_group_out = false;
	crew_start(rolling->run);
}

/* --- what is over --------------------------------------------------------- */

static void take_in(struct rolling *rolling, size_t place)
{
	struct task *task = rolling->run->tasks->order[place];
	int64_t now = clock_ms();

	pace_note_one(rolling->pace, place, now - task->took_ms);
	if (task->status == TASK_DONE) {
		task->state.load_count = 0;
		rolling->has_worked = true;
	}
	if (task->status != TASK_IDLE &&
	    now - task->since_ms > rolling->took_ms)
		rolling->took_ms = now - task->since_ms;
	task->is_touched |= task->status == TASK_LOCKED;
	rolling->has_news |= task->is_missed;
	task->is_working = task->is_missed = false;
	/* a test that is left asks what became of the group */
	if (!task->is_grouped)
		task->status = TASK_IDLE;
}

static bool is_group_over(const struct rolling *rolling)
{
	const struct tasks *tasks = rolling->run->tasks;

	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->order[i]->is_grouped &&
		    tasks->order[i]->turn != TURN_OVER)
			return false;
	return true;
}

/* *ended: the group is over. */
static void take_in_all(struct rolling *rolling, bool *ended)
{
	struct run *run = rolling->run;

	run_lock(run);
	*ended = rolling->is_group_out && is_group_over(rolling);
	for (size_t i = 0; i < run->tasks->count; i++) {
		const struct task *task = run->tasks->order[i];

		if (task->is_working && task->turn == TURN_OVER &&
		    (!task->is_grouped || *ended))
			take_in(rolling, i);
	}
	if (*ended) {
		rolling->has_news |= run->has_late;
		rolling->is_group_out = run->has_late = false;
	}
	run_unlock(run);
}

/* Those that were being worked on at every tidying. */
static bool prune_kept(struct rolling *rolling, struct error *err)
{
	struct run *run = rolling->run;
	bool ok = true;

	for (size_t i = 0; ok && i < run->tasks->count; i++) {
		struct task *task = run->tasks->order[i];

		if (task->is_kept && !task->is_working)
			ok = ledger_prune(run->pg, run->timeout_ms, run->tasks,
					  task, err);
	}
	return ok;
}

/* --- what is due ---------------------------------------------------------- */

static void select_tasks(struct rolling *rolling)
{
	struct tasks *tasks = rolling->run->tasks;

	run_lock(rolling->run);
	pace_select(rolling->pace, clock_ms());
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = tasks->order[i];

		/* it is yet to be told that it is left out */
		if (!task->is_working && !task->is_grouped &&
		    task->status != TASK_IDLE)
			task->is_selected = task->is_awaited;
	}
	run_unlock(rolling->run);
}

/* Who is being worked on has it at the end of that. */
static bool look(struct rolling *rolling, struct error *err)
{
	struct tasks *tasks = rolling->run->tasks;
	bool any = false;

	for (size_t i = 0; i < tasks->count; i++) {
		tasks->order[i]->is_missed = tasks->order[i]->is_working;
		any |= !tasks->order[i]->is_working;
	}
	return !any || run_look(rolling->run, err);
}

/* Of a group a look has to tell. */
static bool is_due(const struct rolling *rolling, const struct task *task,
		   bool looked)
{
	if (task->is_working || !task->is_selected)
		return false;
	if (looked && run_reason(rolling->run, task))
		return true;
	return !task->is_grouped &&
	       (task->is_touched || task->status != TASK_IDLE);
}

struct due {
	bool any, group;
};

static struct due find_due(struct rolling *rolling, bool looked)
{
	struct run *run = rolling->run;
	struct due due = {false, false};

	run_lock(run);
	for (size_t i = 0; i < run->tasks->count; i++) {
		struct task *task = run->tasks->order[i];

		if (is_due(rolling, task, looked)) {
			due.any = true;
			due.group |= task->is_grouped;
		} else if (looked && !task->is_working && task->is_selected) {
			task->status = TASK_IDLE;
		}
	}
	run_unlock(run);
	return due;
}

static void hand_out(struct rolling *rolling, bool looked, struct due due)
{
	struct run *run = rolling->run;
	int64_t now = clock_ms();

	run_lock(run);
	if (due.group)
		abreast_begin(run->tasks);
	for (size_t i = 0; i < run->tasks->count; i++) {
		struct task *task = run->tasks->order[i];

		if (task->is_grouped ? !due.group
				     : !is_due(rolling, task, looked))
			continue;
		task->is_due = is_due(rolling, task, looked);
		if (task->is_grouped) {
			task->status = TASK_IDLE;
			task->is_touched = false;
		}
		task->turn = TURN_WAITING;
		task->needs_swap = task->is_missed = false;
		task->is_working = true;
		task->since_ms = now;
	}
	rolling->is_group_out |= due.group;
	crew_call(run->crew);
	run_unlock(run);
}

bool rolling_turn(struct rolling *rolling, bool must_look, struct error *err)
{
	struct run *run = rolling->run;
	bool broken, ended;
	struct due due;

	crew_drain(run->crew);
	run_lock(run);
	broken = crew_is_broken(run->crew);
	run_unlock(run);
	if (broken)
		return rolling_stop(rolling, err);
	take_in_all(rolling, &ended);
	if (!prune_kept(rolling, err))
		return false;
	select_tasks(rolling);
	if (must_look && !look(rolling, err))
		return false;
	if (stop_requested())
		return true;
	due = find_due(rolling, must_look);
	if ((ended || must_look) && !rolling->is_group_out && !due.group &&
	    !run_tests_left(run, err))
		return false;
	if (!due.any)
		return true;
	if (!run_prepare(run, err))
		return false;
	hand_out(rolling, must_look, due);
	return true;
}

/* --- the end -------------------------------------------------------------- */

bool rolling_is_idle(const struct rolling *rolling)
{
	const struct tasks *tasks = rolling->run->tasks;

	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->order[i]->is_working)
			return false;
	return true;
}

bool rolling_stop(struct rolling *rolling, struct error *err)
{
	bool deserted = false, ended, ok;

	if (!rolling->is_on)
		return true;
	ok = crew_stop(rolling->run->crew, &deserted, err);
	rolling->is_on = false;
	rolling->has_news = true; /* for those who had not begun */
	take_in_all(rolling, &ended);
	if (deserted)
		rolling->rests_until_ms = clock_ms() + REST_MS;
	return ok;
}
