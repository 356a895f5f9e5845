#include "aggregate/choose.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/last_run.h"
#include "aggregate/project.h"
#include "aggregate/select.h"
#include "common/mem.h"

bool choose_asks_database(const struct options *options)
{
	return select_asks(&options->select) || select_asks(&options->exclude);
}

/* Whether the command is about tasks of that kind. */
static bool is_meant(const struct options *options, const struct task *task)
{
	if (options->command == COMMAND_SEED)
		return task->seed;
	return options->command != COMMAND_SNAPSHOT ||
	       model_is_snapshot(task->model);
}

/* Whoever asks for snapshots by name, or for nothing else, is told. */
static bool check_full_refresh(const struct options *options,
			       const struct tasks *tasks, struct error *err)
{
	const struct task *snapshot = NULL;

	if (!options->full_refresh)
		return true;
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		if (!task->is_selected)
			continue;
		if (!model_is_snapshot(task->model))
			return true;
		snapshot = task;
	}
	return !snapshot ||
	       error_set(
		       err, ERROR_FATAL, STATUS_USAGE,
		       "--full-refresh: %s is a snapshot and is never rebuilt, "
		       "because what it reads no longer holds its history",
		       snapshot->name);
}

bool choose_tasks(const struct options *options, const struct run *run,
		  struct error *err)
{
	struct tasks *tasks = run->tasks;
	const struct project *project = tasks->project;
	bool *selected = mem_zalloc(project->relation_count + 1, 1);
	unsigned *facts = NULL;
	bool ok = true;

	if (choose_asks_database(options)) {
		facts = mem_zalloc(project->relation_count + 1, sizeof *facts);
		ok = last_run_read(run->pg, run->timeout_ms, tasks, facts, err);
	}
	ok = ok && select_relations(project, &options->select,
				    &options->exclude, facts, selected, err);
	if (!ok && err->status == STATUS_CONFIG)
		err->status = STATUS_USAGE;
	for (size_t i = 0; ok && i < project->relation_count; i++)
		if (tasks->at[i])
			tasks->at[i]->is_selected =
				selected[i] && is_meant(options, tasks->at[i]);
	if (ok && options->select.count) {
		tasks->chosen =
			arena_alloc(&tasks->arena, project->relation_count + 1);
		memcpy(tasks->chosen, selected, project->relation_count);
	}
	ok = ok && check_full_refresh(options, tasks, err);
	free(facts);
	free(selected);
	return ok;
}
