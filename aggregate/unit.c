#include "aggregate/unit.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/difference.h"
#include "aggregate/project_check.h"
#include "aggregate/refresh.h"
#include "aggregate/unit_file.h"
#include "aggregate/unit_world.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

/* What came of a case. */
struct verdict {
	int line;             /* of the block that failed; 0: none */
	bool incremental_off; /* the whole query says something else */
	struct difference difference;
};

/* --- reading -------------------------------------------------------------- */

static bool read_cases(const struct run *run, struct arena *arena,
		       struct unit_case **cases, size_t *count,
		       struct error *err)
{
	struct pack_file *file;
	size_t files = 0;
	bool ok = pack_files_read(run->tasks->project, "unit", arena, &file,
				  &files, err);

	*cases = NULL;
	*count = 0;
	for (size_t i = 0; ok && i < files; i++)
		ok = unit_file_read(&file[i], arena, cases, count, err);
	return ok;
}

static bool find_task(const struct run *run, const struct unit_case *one,
		      struct task **task, struct error *err)
{
	const struct project *project = run->tasks->project;
	const struct relation *relation = project_find(project, one->model);
	const struct reference wanted = {.relation = one->model,
					 .line = one->line};
	const struct model place = {.file = one->file};

	if (!relation)
		return project_refuse_unknown(project, &place, &wanted, err);
	*task = run->tasks->at[relation - project->relation];
	if (!*task || (*task)->seed)
		return error_config(err, "%s:%d: %s is no model", one->file,
				    one->line, one->model);
	return true;
}

/* --- running -------------------------------------------------------------- */

/* What the model holds, against a query of the same columns. */
static bool compare(struct unit_world *world, const struct unit_rows *rows,
		    const char *wanted, struct difference *difference,
		    struct error *err)
{
	struct run *run = world->run;
	struct buf left = BUF_INIT, right = BUF_INIT;
	bool ok;

	buf_format(&left, "select %s from (%s\n) wanted", rows->casts, wanted);
	buf_format(&right, "select %s from %s", rows->names,
		   world->task->table);
	ok = difference_find(difference, run->pg, run->timeout_ms,
			     &rows->columns, buf_text(&left), buf_text(&right),
			     &world->arena, err);
	buf_release(&left);
	buf_release(&right);
	return ok;
}

/* Incremental equals full, also here. */
static bool compare_full(struct unit_world *world, struct verdict *verdict,
			 struct error *err)
{
	struct task *task = world->task;
	struct refresh refresh = {.pg = world->run->pg,
				  .timeout_ms = world->run->timeout_ms,
				  .task = task};
	struct buf query = BUF_INIT;
	bool ok = true;

	if (!task_is_view(task) && !model_is_snapshot(task->model)) {
		ok = refresh_columns(&refresh, task->table, err);
		if (ok) {
			refresh_query(&query, &refresh);
			ok = compare(
				world,
				&(struct unit_rows){refresh.list, refresh.list,
						    refresh.columns},
				buf_text(&query), &verdict->difference, err);
		}
		verdict->incremental_off =
			ok && difference_any(&verdict->difference);
	}
	buf_release(&query);
	arena_release(&refresh.arena);
	return ok;
}

static bool expect(struct unit_world *world, const struct unit_block *block,
		   struct verdict *verdict, struct error *err)
{
	struct unit_rows rows;

	if (!unit_world_pass(world, err) ||
	    !unit_world_rows(world, world->task->table, world->task->name,
			     block->rows, &rows, err) ||
	    !compare(world, &rows, "select * from pg_temp.unit_rows",
		     &verdict->difference, err))
		return false;
	return difference_any(&verdict->difference) ||
	       compare_full(world, verdict, err);
}

static bool run_block(struct unit_world *world, const struct unit_block *block,
		      struct verdict *verdict, struct error *err)
{
	switch (block->word) {
	case UNIT_GIVEN:
		return unit_world_given(world, block->relation, block->rows,
					err);
	case UNIT_GONE:
		return unit_world_gone(world, block->relation, block->rows,
				       err);
	case UNIT_CASE:
	case UNIT_EXPECT:
		break;
	}
	return expect(world, block, verdict, err);
}

/* Until the first block that fails; with false, *err says where it stands. */
static bool run_case(struct run *run, const struct unit_case *one,
		     struct task *task, struct unit_world *world,
		     struct verdict *verdict, struct error *err)
{
	if (!unit_world_open(world, run, task, err))
		return error_context(err, "%s:%d", one->file, one->line);
	for (size_t i = 0; i < one->block_count && !verdict->line; i++) {
		const struct unit_block *block = &one->block[i];

		if (!run_block(world, block, verdict, err))
			return error_context(err, "%s:%d", one->file,
					     block->line);
		if (difference_any(&verdict->difference))
			verdict->line = block->line;
	}
	return true;
}

/* --- telling -------------------------------------------------------------- */

static void print(FILE *out, const struct unit_case *one,
		  const struct verdict *verdict, const struct error *failure)
{
	bool failed = verdict->line || failure->kind != ERROR_NONE;

	fprintf(out, "%-4s  %s  %s:%d%s%s\n", failed ? "FAIL" : "ok",
		one->model, one->file, one->line, *one->description ? "  " : "",
		one->description);
	if (failure->kind != ERROR_NONE) {
		fprintf(out, "  %s\n", failure->text);
	} else if (verdict->incremental_off) {
		fprintf(out, "  %s:%d: the whole query says something else\n",
			one->file, verdict->line);
		difference_print(out, &verdict->difference,
				 ", the query has them", ", the query has not");
	} else if (verdict->line) {
		fprintf(out, "  %s:%d: not what is expected\n", one->file,
			verdict->line);
		difference_print(out, &verdict->difference, "", "");
	}
}

static bool turn(struct run *run, const struct unit_case *one,
		 struct task *task, FILE *out, struct error *err)
{
	struct error failure = ERROR_INIT;
	struct verdict verdict = {.line = 0};
	struct unit_world world;
	bool ok = run_case(run, one, task, &world, &verdict, &failure);
	bool broken = !ok && pg_is_over(&failure);

	if (broken)
		*err = failure;
	else
		print(out, one, &verdict, &failure);
	if (!broken && (!ok || verdict.line)) {
		run->failed++;
		run->status = STATUS_DATA;
	}
	unit_world_close(&world);
	return !broken;
}

bool unit_run(struct run *run, FILE *out, size_t *count, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct unit_case *cases;
	struct task *task = NULL;
	size_t all;
	bool ok = read_cases(run, &arena, &cases, &all, err);

	*count = 0;
	for (size_t i = 0; ok && i < all; i++)
		ok = find_task(run, &cases[i], &task, err);
	for (size_t i = 0; ok && i < all && !stop_requested(); i++) {
		ok = find_task(run, &cases[i], &task, err);
		if (!ok || !task || !task->is_selected)
			continue;
		++*count;
		ok = turn(run, &cases[i], task, out, err);
	}
	arena_release(&arena);
	return ok;
}
