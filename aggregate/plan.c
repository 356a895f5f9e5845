#include "aggregate/plan.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/attempt.h"
#include "aggregate/ledger.h"
#include "aggregate/parts.h"
#include "aggregate/refresh.h"
#include "aggregate/run_task.h"
#include "aggregate/table.h"
#include "common/mem.h"
#include "common/pg.h"

/* One due task. */
struct step {
	const struct task *task;
	const char *reason;
	const char *action;
	int64_t rows;  /* of the pending loads */
	int64_t parts; /* that they touch; -1: does not matter, or unknown */
};

/* --- touched parts -------------------------------------------------------- */

static bool sum_parts(struct refresh *refresh, const struct parts *parts,
		      int64_t *count, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select 0");
	for (size_t i = 0; i < parts->count; i++)
		buf_format(&sql, " + (select count(*) from pg_temp.%s)",
			   parts->pattern[i].table);
	ok = pg_count(refresh->pg, refresh->timeout_ms, err, count,
		      buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* As a pass finds them, in a transaction that is rolled back.  Where that does
 * not work, the pass will say why: here they are unknown. */
static bool count_parts(struct run *run, struct task *task, int64_t *count,
			struct error *err)
{
	struct refresh refresh = {
		.pg = run->pg, .timeout_ms = run->timeout_ms, .task = task};
	struct error failure = ERROR_INIT;
	struct parts parts;
	bool ok;

	if (!pg_run(run->pg, run->timeout_ms, err, run_begin(run)))
		return false;
	ok = refresh_columns(&refresh, task->table, &failure) &&
	     refresh_inputs(&refresh, &failure) &&
	     parts_find(&parts, &refresh, &failure) &&
	     sum_parts(&refresh, &parts, count, &failure);
	arena_release(&refresh.arena);
	if (!ok && pg_is_over(&failure)) {
		*err = failure;
		return false;
	}
	return pg_run(run->pg, run->timeout_ms, err, "rollback");
}

/* --- steps ---------------------------------------------------------------- */

static bool foresee(struct run *run, struct task *task, const char *reason,
		    struct step *step, struct error *err)
{
	struct attempt attempt = {.run = run, .task = task};
	const struct task_state *state = &task->state;
	struct error refusal = ERROR_INIT;

	attempt_decide(&attempt);
	*step = (struct step){.task = task,
			      .reason = reason,
			      .action = attempt_action(&attempt),
			      .parts = -1};
	if (strcmp(reason, "export") == 0)
		step->action = "export";
	else if (!attempt_can_follow(&attempt, &refusal))
		step->action = "refused"; /* the pass says why */
	for (size_t i = 0; i < state->load_count; i++)
		step->rows += state->load[i].rows;
	if (attempt.action != ACTION_APPLY ||
	    task->model->strategy != STRATEGY_RECOMPUTE)
		return true;
	return count_parts(run, task, &step->parts, err);
}

static void print_json(const struct step *step, FILE *out)
{
	const struct task_state *state = &step->task->state;
	json_t *loads = json_array();
	json_t *object;

	for (size_t i = 0; i < state->load_count; i++)
		json_array_append_new(
			loads,
			json_pack("{s:I, s:s, s:s, s:I}", "load_id",
				  (json_int_t)state->load[i].id, "relation",
				  state->load[i].input->relation, "loaded_at",
				  state->load[i].loaded_at, "rows",
				  (json_int_t)state->load[i].rows));
	object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:s?}", "name",
			   step->task->name, "strategy",
			   task_strategy(step->task), "action", step->action,
			   "reason", step->reason, "rows",
			   (json_int_t)step->rows, "loads", loads, "export",
			   step->task->model->export_path);
	json_object_set_new(object, "parts",
			    step->parts < 0 ? json_null()
					    : json_integer(step->parts));
	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}

/* A number, or nothing. */
static void add_number(struct table *table, bool is_there, int64_t number)
{
	if (is_there)
		table_format(table, "%" PRId64, number);
	else
		table_add(table, "");
}

static void add_row(struct table *table, const struct step *step)
{
	size_t loads = step->task->state.load_count;

	table_add(table, step->task->name);
	table_add(table, step->action);
	table_add(table, step->reason);
	add_number(table, loads, (int64_t)loads);
	add_number(table, loads, step->rows);
	add_number(table, step->parts >= 0, step->parts);
	table_add(table, step->task->model->export_path);
}

static void add_heading(struct table *table)
{
	static const char *const heading[] = {
		"MODEL", "ACTION", "WHY", "LOADS", "ROWS", "PARTS", "EXPORT"};

	for (size_t i = 0; i < sizeof heading / sizeof *heading; i++)
		table_add(table, heading[i]);
}

bool plan_print(struct run *run, enum output output, FILE *out,
		struct error *err)
{
	struct table table = TABLE_INIT(7);
	struct tasks *tasks = run->tasks;
	bool ok = true;

	add_heading(&table);
	if (tasks->count)
		ok = ledger_look(run->pg, run->timeout_ms, tasks, NULL, "",
				 err);
	for (size_t i = 0; ok && i < tasks->count; i++) {
		struct task *task = tasks->order[i];
		const char *reason = run_reason(run, task);
		struct step step;

		if (!task->is_selected || !reason)
			continue;
		ok = foresee(run, task, reason, &step, err);
		if (!ok)
			break;
		if (output == OUTPUT_JSON)
			print_json(&step, out);
		else if (output == OUTPUT_NAME)
			fprintf(out, "%s\n", task->name);
		else
			add_row(&table, &step);
		if (strcmp(reason, "export") != 0)
			task_touch_consumers(tasks, task);
	}
	if (ok && table_rows(&table))
		table_print(&table, out);
	else if (ok && output == OUTPUT_TEXT)
		fputs("nothing to do\n", out);
	table_release(&table);
	return ok;
}
