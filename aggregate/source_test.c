#include "aggregate/source_test.h"

#include <inttypes.h>
#include <stdlib.h>

#include "aggregate/abreast.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "aggregate/stream_file.h"
#include "aggregate/test_sql.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"

/* --- which ---------------------------------------------------------------- */

static const struct stream_file *tested(const struct run *run,
					const struct task_input *input)
{
	const struct relation *relation =
		input->task
			? NULL
			: project_find(run->tasks->project, input->relation);

	return relation && relation->stream &&
			       relation->stream->model.test_count
		       ? relation->stream
		       : NULL;
}

static bool reads_tested(const struct attempt *attempt)
{
	const struct task *task = attempt->task;

	for (size_t i = 0; i < task->input_count; i++)
		if (tested(attempt->run, &task->input[i]))
			return true;
	return false;
}

/* The loads of an input that are pending; of a task not built yet, or of no
 * task, all there are. */
static void add_loads(struct buf *sql, const struct task *task,
		      const struct task_input *input)
{
	const char *separator = "";

	buf_add_text(sql, "(select load_id, loaded_at from millrace.load "
			  "where relation = ");
	quote_literal(sql, input->relation);
	buf_add_text(sql, " and (row_count > 0 or op = 't')");
	if (task) {
		buf_add_text(sql, " and not exists (select from "
				  "millrace.excluded e where e.load_id = "
				  "load.load_id and e.model = ");
		quote_literal(sql, task->name);
		buf_add_byte(sql, ')');
	}
	if (task && task->state.is_known) {
		buf_add_text(sql, " and load_id = any('{");
		for (size_t i = 0; i < task->state.load_count; i++) {
			if (task->state.load[i].input != input)
				continue;
			buf_format(sql, "%s%" PRId64, separator,
				   task->state.load[i].id);
			separator = ",";
		}
		buf_add_text(sql, "}')");
	}
	buf_add_text(sql, " offset 0) l");
}

/* --- judging -------------------------------------------------------------- */

struct judgement {
	struct run *run;
	struct pg *pg;
	const struct task *task; /* that wants the loads; NULL: nobody */
	struct test_case *at;
	struct buf sql;
	size_t count, capacity;
	struct test_report *report;
	struct arena *arena;
	int64_t *held;
	size_t held_count, held_capacity;
};

static void add_test(struct judgement *j, const struct task_input *input,
		     const struct stream_file *stream,
		     const struct model_test *test)
{
	struct buf rows = BUF_INIT, failing = BUF_INIT;
	struct buf *sql = &j->sql;

	buf_format(&rows, "(select * from %s where loaded_at = l.loaded_at) ",
		   input->table);
	quote_identifier(&rows, stream->model.base);
	test_failing_sql(&failing, test, buf_text(&rows));
	buf_format(sql, "%sselect %zu, l.load_id, count(*), ",
		   j->count ? "\nunion all " : "", j->count);
	test_sample_sql(sql, "f");
	buf_add_text(sql, "::text from ");
	add_loads(sql, j->task, input);
	buf_format(sql,
		   " cross join lateral (select *, row_number() over () as "
		   "millrace_number from (\n%s\n) failing) f group by "
		   "l.load_id",
		   buf_text(&failing));
	MEM_GROW(j->at, j->count, j->capacity);
	j->at[j->count++] = (struct test_case){
		.test = test,
		.model = input->relation,
		.file = stream->model.file,
		.table = input->table,
	};
	buf_release(&rows);
	buf_release(&failing);
}

static bool is_held(const struct judgement *j, int64_t load)
{
	for (size_t i = 0; i < j->held_count; i++)
		if (j->held[i] == load)
			return true;
	return false;
}

static void add_held(struct judgement *j, int64_t load)
{
	if (is_held(j, load))
		return;
	MEM_GROW(j->held, j->held_count, j->held_capacity);
	j->held[j->held_count++] = load;
}

static void hold(struct judgement *j, const struct test_case *one, int64_t load,
		 int64_t failures)
{
	log_line(LOG_ERROR,
		 "%s: load %" PRId64 " waits, not taken into %s: test %s fails "
		 "for %" PRId64 " %s",
		 one->model, load, j->task->name, one->test->name, failures,
		 failures == 1 ? "row" : "rows");
	add_held(j, load);
}

/* One test of one load. */
static void judge(struct judgement *j, const PGresult *res, int row)
{
	const struct test_case *one =
		&j->at[strtoul(PQgetvalue(res, row, 0), NULL, 10)];
	int64_t failures = pg_number(res, row, 2);

	if (failures > one->test->warn_above)
		test_outcome_add(j->report, one, failures,
				 PQgetvalue(res, row, 3), j->arena);
	if (!j->task)
		return;
	if (failures > one->test->error_above)
		hold(j, one, pg_number(res, row, 1), failures);
	else if (failures > one->test->warn_above)
		log_line(LOG_WARNING, "%s: load %s: test %s: %" PRId64 " rows",
			 one->model, PQgetvalue(res, row, 1), one->test->name,
			 failures);
}

static void add_tests(struct judgement *j, const struct task_input *input,
		      const struct stream_file *stream)
{
	for (size_t i = 0; stream && i < stream->model.test_count; i++)
		add_test(j, input, stream, &stream->model.test[i]);
}

static void add_inputs(struct judgement *j)
{
	for (size_t i = 0; i < j->task->input_count; i++)
		add_tests(j, &j->task->input[i],
			  tested(j->run, &j->task->input[i]));
}

/* Runs what was added. */
static bool judge_all(struct judgement *j, struct error *err)
{
	PGresult *res = NULL;
	bool ok;

	if (!j->at)
		return true;
	ok = pg_fetch(j->pg, j->run->timeout_ms, err, &res, NULL,
		      buf_text(&j->sql));
	if (!ok)
		error_context(err, "%s: its tests cannot be run",
			      j->at[0].file);
	for (int row = 0; ok && row < PQntuples(res); row++)
		judge(j, res, row);
	PQclear(res);
	return ok;
}

static void release(struct judgement *j)
{
	buf_release(&j->sql);
	free(j->at);
	free(j->held);
}

/* --- around the transaction ----------------------------------------------- */

/* Rows that say themselves since when they hold may come in any order; all else
 * that a snapshot takes must not overtake. */
static bool has_order(const struct task *task)
{
	if (!model_is_snapshot(task->model))
		return false;
	for (size_t i = 0; i < task->state.load_count; i++)
		if (task->state.load[i].op != 'i')
			return true;
	return task->model->strategy != STRATEGY_TIMESTAMP;
}

static void add_ids(struct buf *sql, const struct judgement *j)
{
	buf_add_text(sql, "any('{0");
	for (size_t i = 0; i < j->held_count; i++)
		buf_format(sql, ",%" PRId64, j->held[i]);
	buf_add_text(sql, "}'::bigint[])");
}

/* With a load that waits, a snapshot leaves those that hold from later on. */
static bool hold_later(struct judgement *j, struct error *err)
{
	static const char since[] =
		"coalesce((%c.origin->>'effective')::timestamptz, "
		"%c.loaded_at), %c.load_id";
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	if (!j->held_count || !has_order(j->task))
		return true;
	buf_add_text(&sql, "select distinct l.load_id from millrace.load h "
			   "join millrace.load l on l.relation = h.relation "
			   "where h.load_id = ");
	add_ids(&sql, j);
	buf_add_text(&sql, " and (");
	buf_format(&sql, since, 'l', 'l', 'l');
	buf_add_text(&sql, ") > (");
	buf_format(&sql, since, 'h', 'h', 'h');
	buf_add_byte(&sql, ')');
	ok = pg_fetch(j->pg, j->run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	for (int row = 0; ok && row < PQntuples(res); row++)
		add_held(j, pg_number(res, row, 0));
	PQclear(res);
	buf_release(&sql);
	return ok;
}

static void remember(struct attempt *attempt, const struct judgement *j,
		     size_t failing)
{
	const struct task_state *state = &attempt->task->state;
	struct verdicts *verdicts = attempt->verdicts;
	struct run *run = attempt->run;

	verdicts->passed =
		mem_alloc((state->load_count + 1) * sizeof *verdicts->passed);
	verdicts->are_known = true;
	for (size_t i = 0; i < state->load_count; i++)
		if (!is_held(j, state->load[i].id))
			verdicts->passed[verdicts->passed_count++] =
				state->load[i].id;
	if (!failing)
		return;
	run_lock(run);
	run->failed += failing;
	run->status = STATUS_DATA;
	run_unlock(run);
}

bool source_test_before(struct attempt *attempt, struct error *err)
{
	struct run *run = attempt->run;
	struct test_report report = TEST_REPORT_INIT;
	struct arena arena = ARENA_INIT;
	struct judgement j = {.run = run,
			      .pg = attempt->pg,
			      .task = attempt->task,
			      .report = &report,
			      .arena = &arena};
	struct buf sql = BUF_INIT;
	size_t failing;
	bool ok;

	if (!j.task->state.is_known || attempt->verdicts->are_known ||
	    !reads_tested(attempt))
		return true;
	ok = ledger_look(j.pg, run->timeout_ms, run->tasks, attempt->task,
			 run_begin(run), err);
	if (ok)
		abreast_keep(attempt);
	if (ok && j.task->state.load_count) {
		add_inputs(&j);
		ok = judge_all(&j, err);
	}
	failing = j.held_count;
	ok = ok && hold_later(&j, err);
	if (ok) {
		remember(attempt, &j, failing);
		test_log_sql(&sql, &report, run->run_id);
		buf_add_text(&sql, "commit");
		ok = pg_run(j.pg, run->timeout_ms, err, buf_text(&sql));
		if (log_is_terminal())
			test_print(stderr, &report, 0);
	}
	buf_release(&sql);
	release(&j);
	test_report_release(&report);
	arena_release(&arena);
	return ok;
}

static bool has_passed(const struct attempt *attempt, const struct load *load)
{
	if (!tested(attempt->run, load->input))
		return true;
	for (size_t i = 0; i < attempt->verdicts->passed_count; i++)
		if (attempt->verdicts->passed[i] == load->id)
			return true;
	return false;
}

void source_test_keep(struct attempt *attempt)
{
	if (attempt->verdicts->are_known)
		attempt_leave(attempt, has_passed);
}

bool source_test_all(struct attempt *attempt, struct error *err)
{
	struct task *task = attempt->task;
	struct judgement j = {
		.run = attempt->run,
		.pg = attempt->pg,
		.task = attempt->task,
		.report = &attempt->report,
		.arena = &attempt->refresh.arena,
	};
	bool ok;

	if ((attempt->action != ACTION_BUILD &&
	     attempt->action != ACTION_REBUILD) ||
	    !reads_tested(attempt))
		return true;
	task->state.load_count = attempt->pending_count;
	attempt_leave_rest(attempt);
	add_inputs(&j);
	ok = judge_all(&j, err);
	if (ok && j.held_count)
		ok = error_set(err, ERROR_FATAL, STATUS_DATA,
			       "it reads all of a stream, of which a load "
			       "fails its tests: mend the load or exclude it, "
			       "or make the test a warning");
	release(&j);
	return ok;
}

bool source_test_relation(struct test_report *report, struct run *run,
			  const struct relation *relation, struct arena *arena,
			  struct error *err)
{
	struct buf table = BUF_INIT;
	struct task_input input = {.relation = relation->name};
	struct judgement j = {
		.run = run, .pg = run->pg, .report = report, .arena = arena};
	bool ok;

	quote_relation(&table, relation->name);
	input.table = arena_strdup(arena, buf_text(&table));
	add_tests(&j, &input, relation->stream);
	ok = judge_all(&j, err);
	release(&j);
	buf_release(&table);
	return ok;
}
