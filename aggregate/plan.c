#include "aggregate/plan.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/ledger.h"

static const char *materialization(const struct task *task)
{
	if (task->seed)
		return "seed";
	switch (task->model->materialized) {
	case MATERIALIZED_VIEW:
		return "view";
	case MATERIALIZED_TABLE:
		return "table";
	case MATERIALIZED_INCREMENTAL:
		break;
	}
	return "incremental";
}

static void print_task(const struct run *run, const struct task *task,
		       const char *reason, FILE *out)
{
	const struct task_state *state = &task->state;
	int64_t rows = 0;

	fprintf(out, "%-40s %-10s %s", task->name, task_strategy(task), reason);
	for (size_t i = 0; i < state->load_count; i++)
		rows += state->load[i].rows;
	if (state->load_count && !run->full_refresh)
		fprintf(out, ": %zu %s, %" PRId64 " %s", state->load_count,
			state->load_count == 1 ? "load" : "loads", rows,
			rows == 1 ? "row" : "rows");
	if (task->model->export_path)
		fprintf(out, " -> %s", task->model->export_path);
	fputc('\n', out);
}

bool plan_print(struct run *run, FILE *out, struct error *err)
{
	struct tasks *tasks = run->tasks;
	size_t due = 0;

	if (!tasks->count)
		return true;
	if (!ledger_look(run->pg, run->timeout_ms, tasks, NULL, "", err))
		return false;
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = tasks->order[i];
		const char *reason = run_reason(run, task);

		if (!task->is_selected || !reason)
			continue;
		print_task(run, task, reason, out);
		due++;
		if (strcmp(reason, "export") != 0)
			task_touch_consumers(tasks, task);
	}
	if (!due)
		fputs("nothing to do\n", out);
	return true;
}

void plan_list(const struct tasks *tasks, FILE *out)
{
	for (size_t i = 0; i < tasks->count; i++) {
		const struct task *task = tasks->order[i];

		if (!task->is_selected)
			continue;
		fprintf(out, "%-40s %-12s %-10s", task->name,
			materialization(task), task_strategy(task));
		for (size_t t = 0; t < task->model->tag_count; t++)
			fprintf(out, "%s%s", t ? "," : " ",
				task->model->tag[t]);
		fputc('\n', out);
	}
}
