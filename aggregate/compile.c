#include "aggregate/compile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/attempt.h"
#include "aggregate/build.h"
#include "aggregate/ledger.h"
#include "aggregate/refresh.h"
#include "aggregate/replace_file.h"
#include "aggregate/run_task.h"
#include "aggregate/strategy.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"

/* --- which load ----------------------------------------------------------- */

static void take_load(struct task *task, const struct task_input *input,
		      const PGresult *res)
{
	struct task_state *state = &task->state;

	char op = PQntuples(res) ? PQgetvalue(res, 0, 3)[0] : '\0';

	if (!op || (op == 'r' && !(input->task && input->task->state.has_old)))
		return;
	state->load = arena_zalloc(&state->arena, sizeof *state->load);
	state->load_count = 1;
	*state->load = (struct load){
		.id = pg_number(res, 0, 0),
		.input = input,
		.loaded_at = arena_strdup(&state->arena, PQgetvalue(res, 0, 1)),
		.op = op,
		.rows = pg_number(res, 0, 2),
	};
}

static bool newest_load(struct run *run, struct task *task,
			const struct task_input *input, struct error *err)
{
	const char *const relation[] = {input->relation};
	PGresult *res = NULL;

	if (!pg_fetch_params(run->pg, run->timeout_ms, err, &res,
			     "select load_id, loaded_at, row_count, op "
			     "from millrace.load where relation = $1 "
			     "and row_count > 0 and op in ('i', 'r') "
			     "order by load_id desc limit 1",
			     1, relation))
		return false;
	take_load(task, input, res);
	PQclear(res);
	return true;
}

/* The first pending load alone; without one, the newest of a marked input. */
static bool choose_load(struct run *run, struct task *task, struct error *err)
{
	struct task_state *state = &task->state;
	bool ok = true;

	for (size_t i = 0; i < state->load_count; i++)
		if (state->load[i].input->is_marked) {
			state->load[0] = state->load[i];
			state->load_count = 1;
			return true;
		}
	state->load_count = 0;
	for (size_t i = 0; ok && !state->load_count && i < task->input_count;
	     i++)
		if (task->input[i].is_marked)
			ok = newest_load(run, task, &task->input[i], err);
	return ok;
}

/* --- one model ------------------------------------------------------------ */

static bool first_build(struct refresh *refresh, struct buf *out,
			struct error *err)
{
	refresh->record = NULL; /* PostgreSQL is to name the columns */
	if (!build_shape(refresh, err))
		return false;
	buf_format(out, "create table %s as\n", refresh->task->table);
	refresh_query(out, refresh);
	buf_add_text(out, ";\n\n");
	return true;
}

static bool statements(struct run *run, struct task *task, struct buf *out,
		       struct error *err)
{
	struct refresh refresh = {.pg = run->pg,
				  .timeout_ms = run->timeout_ms,
				  .task = task,
				  .record = out};
	bool built = task->state.is_known && task->state.is_there;
	bool ok;

	refresh.is_dry = task->model->strategy == STRATEGY_FULL;
	if (task_is_view(task)) {
		buf_format(out, "create or replace view %s as\n%s;\n\n",
			   task->table, task->model->sql);
		return true;
	}
	if (!built)
		ok = first_build(&refresh, out, err);
	else
		ok = refresh_columns(&refresh, task->table, err) &&
		     refresh_inputs(&refresh, err) &&
		     strategy_apply(&refresh, err);
	arena_release(&refresh.arena);
	return ok;
}

static void headline(struct buf *out, const struct task *task)
{
	const struct task_state *state = &task->state;

	buf_format(out, "-- %s: %s (%s)\n", task->name, task_strategy(task),
		   task->model->file);
	if (task_is_view(task))
		buf_add_text(out, "-- computed at reading\n");
	else if (!state->is_known || !state->is_there)
		buf_add_text(out, "-- not built yet: this builds it\n");
	else if (state->load_count)
		buf_format(out,
			   "-- as for load %" PRId64 " of %s, %" PRId64
			   " rows\n",
			   state->load[0].id, state->load[0].input->relation,
			   state->load[0].rows);
}

static bool compile(struct run *run, struct task *task, struct buf *out,
		    struct error *err)
{
	struct error failure = ERROR_INIT;
	bool ok;

	if (!choose_load(run, task, err))
		return false;
	headline(out, task);
	buf_add_text(out, run_begin(run));
	buf_add_byte(out, '\n');
	ok = pg_run(run->pg, run->timeout_ms, err, run_begin(run));
	if (!ok)
		return false;
	if (!statements(run, task, out, &failure)) {
		if (pg_is_over(&failure)) {
			*err = failure;
			return false;
		}
		run->failed++;
		run->status = STATUS_DATA;
		log_line(LOG_ERROR, "%s: %s", task->name, failure.text);
	}
	buf_add_text(out, "rollback;\n");
	return pg_run(run->pg, run->timeout_ms, err, "rollback");
}

/* --- all of them ---------------------------------------------------------- */

static bool deliver(const struct task *task, const char *folder,
		    const struct buf *text, FILE *out, struct error *err)
{
	char *path;
	bool ok;

	if (!folder) {
		fprintf(out, "%s\n", buf_text(text));
		return true;
	}
	path = mem_format("%s/%s/%s.sql", folder, task->model->pack,
			  task->model->base);
	ok = replace_file(path, buf_text(text), text->len, err);
	free(path);
	return ok;
}

bool compile_models(struct run *run, const char *folder, FILE *out,
		    struct error *err)
{
	struct tasks *tasks = run->tasks;
	size_t written = 0;
	bool ok = true;

	if (tasks->count)
		ok = ledger_look(run->pg, run->timeout_ms, tasks, NULL, "",
				 err);
	for (size_t i = 0; ok && i < tasks->count; i++) {
		struct task *task = tasks->order[i];
		struct buf text = BUF_INIT;

		if (!task->is_selected || task->seed)
			continue;
		ok = compile(run, task, &text, err) &&
		     deliver(task, folder, &text, out, err);
		written += ok;
		buf_release(&text);
	}
	if (ok && folder)
		log_line(LOG_INFO, "%zu files in %s", written, folder);
	return ok;
}
