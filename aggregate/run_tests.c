#include "aggregate/run_tests.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/joint.h"
#include "aggregate/ledger.h"
#include "aggregate/run_export.h"
#include "aggregate/source_test.h"
#include "aggregate/stream_file.h"
#include "aggregate/test.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

static void report(struct run *run, const struct test_report *report, FILE *out)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct test_outcome *outcome = &report->at[i];
		enum log_level level = LOG_INFO;

		if (!strcmp(outcome->status, "fail"))
			level = LOG_ERROR;
		else if (!strcmp(outcome->status, "warn"))
			level = LOG_WARNING;
		log_line(level, "%s: %s: %s, %" PRId64 " failing",
			 outcome->model, outcome->test->name, outcome->status,
			 outcome->failures);
	}
	if (out)
		test_print(out, report, 0);
	run_lock(run);
	run->failed += report->failed;
	if (report->failed)
		run->status = STATUS_DATA;
	run_unlock(run);
}

/* What is tested in one transaction. */
struct lot {
	const char *name;
	const struct task *task;       /* its own tests */
	const struct relation *stream; /* or those of its loads */
	const struct test_case *test;  /* or this one */
	const struct joint *joint;     /* which that is */
	bool is_left;                  /* nobody has asked for it */
	bool is_overtaken;             /* not run, somebody else will */
	FILE *out;                     /* for failing rows; NULL: nobody */
	struct arena arena;
	struct test_report report;
};

/* What this pass had no reason to run may have loads by now, that another is
 * taking: then the test is for whoever takes them. */
static bool look_around(struct run *run, struct lot *lot, struct error *err)
{
	const struct joint *joint = lot->joint;
	bool ok = true;

	for (size_t i = 0; ok && !lot->is_overtaken && i < joint->named_count;
	     i++)
		ok = task_is_view(joint->named[i]) ||
		     joint->named[i]->status != TASK_IDLE ||
		     ledger_is_pending(run->pg, run->timeout_ms,
				       &joint->named[i], 1, &lot->is_overtaken,
				       err);
	return ok;
}

static bool run_lot(struct run *run, struct lot *lot, struct error *err)
{
	if (lot->is_left && !look_around(run, lot, err))
		return false;
	if (lot->is_overtaken)
		return true;
	if (lot->stream)
		return source_test_relation(&lot->report, run, lot->stream,
					    &lot->arena, err);
	return lot->task
		       ? test_run(&lot->report, run->pg, run->timeout_ms,
				  lot->task, NULL, false, &lot->arena, err)
		       : test_cases_run(&lot->report, run->pg, run->timeout_ms,
					lot->test, 1, &lot->arena, err);
}

/* Tests and logs. */
static bool test_once(struct run *run, struct lot *lot, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok = pg_run(run->pg, run->timeout_ms, err, run_begin(run)) &&
		  run_lot(run, lot, err);

	if (ok) {
		test_log_sql(&sql, &lot->report, run->run_id);
		if (lot->joint && lot->joint->is_due && !lot->is_overtaken)
			joint_forget_sql(&sql, lot->joint);
		buf_add_text(&sql, "commit");
		ok = pg_run(run->pg, run->timeout_ms, err, buf_text(&sql));
	}
	buf_release(&sql);
	return ok;
}

/* Another program may have run it meanwhile.  One that cannot be run is a
 * failure of that one. */
static bool test_lot(struct run *run, struct lot *lot, struct error *err)
{
	struct error failure = ERROR_INIT;
	int left = RUN_ATTEMPTS;
	bool ok;

	if (!run_ensure(run, err))
		return false;
	ok = test_once(run, lot, &failure);
	while (!ok && run_may_try_again(&failure) && --left > 0) {
		if (!pg_run(run->pg, run->timeout_ms, err, "rollback"))
			return false;
		test_report_release(&lot->report);
		failure = ERROR_INIT;
		ok = test_once(run, lot, &failure);
	}
	if (ok) {
		report(run, &lot->report, lot->out);
		return true;
	}
	if (pg_is_over(&failure)) {
		*err = failure;
		return false;
	}
	log_line(LOG_ERROR, "%s: %s", lot->name, failure.text);
	run_lock(run);
	run->failed++;
	run->status = STATUS_DATA;
	run_unlock(run);
	return pg_run(run->pg, run->timeout_ms, err, "rollback");
}

static void release(struct lot *lot)
{
	test_report_release(&lot->report);
	arena_release(&lot->arena);
}

static bool test_task(struct run *run, const struct task *task,
		      struct error *err)
{
	struct lot lot = {.name = task->name, .task = task, .out = stdout};
	bool ok = test_lot(run, &lot, err);

	run->done += lot.report.count;
	release(&lot);
	return ok;
}

static bool test_stream(struct run *run, const struct relation *stream,
			struct error *err)
{
	struct lot lot = {
		.name = stream->name, .stream = stream, .out = stdout};
	bool ok = test_lot(run, &lot, err);

	run->done += stream->stream->model.test_count;
	release(&lot);
	return ok;
}

static bool is_loaded(struct run *run, const struct relation *stream,
		      bool *loaded, struct error *err)
{
	const char *const values[] = {stream->name};
	PGresult *res = NULL;

	if (!pg_fetch_params(run->pg, run->timeout_ms, err, &res,
			     "select exists (select from millrace.load "
			     "where relation = $1) and to_regclass($1) "
			     "is not null",
			     1, values))
		return false;
	*loaded = PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	return true;
}

static bool test_streams(struct run *run, struct error *err)
{
	const struct project *project = run->tasks->project;
	bool ok = true;

	for (size_t i = 0; ok && i < project->relation_count; i++) {
		const struct relation *relation = &project->relation[i];
		bool loaded;

		if (!relation->stream || !relation->stream->model.test_count ||
		    (run->tasks->chosen && !run->tasks->chosen[i]))
			continue;
		ok = is_loaded(run, relation, &loaded, err) &&
		     (!loaded || test_stream(run, relation, err));
	}
	return ok;
}

static bool test_joint(struct run *run, struct joint *joint, bool is_left,
		       FILE *out, size_t *done, struct error *err)
{
	struct lot lot = {
		.name = joint->test->name, .is_left = is_left, .out = out};
	struct test_case one = joint_case(joint, &lot.arena);
	bool ok;

	lot.test = &one;
	lot.joint = joint;
	ok = test_lot(run, &lot, err);
	*done += lot.report.count;
	joint->is_due = lot.is_overtaken;
	release(&lot);
	return ok;
}

bool run_tests_left(struct run *run, struct error *err)
{
	struct tasks *tasks = run->tasks;
	size_t done = 0;
	bool ok = true;

	for (size_t i = 0; ok && i < tasks->joint_count; i++) {
		struct joint *joint = &tasks->joint[i];

		if (!joint_is_left(joint))
			continue;
		ok = test_joint(run, joint, true,
				log_is_terminal() ? stderr : NULL, &done, err);
	}
	return ok;
}

bool run_tests(struct run *run, struct error *err)
{
	struct tasks *tasks = run->tasks;
	bool ok;

	if (!tasks->count)
		return true;
	ok = ledger_look(run->pg, run->timeout_ms, tasks, NULL, "", err) &&
	     run_ensure(run, err);
	for (size_t i = 0; ok && i < tasks->count && !stop_requested(); i++) {
		const struct task *task = tasks->order[i];

		if (!task->is_selected || !task->model->test_count)
			continue;
		if (task->state.is_there)
			ok = test_task(run, task, err);
		else
			log_line(LOG_WARNING,
				 "%s: not built yet, its tests wait",
				 task->name);
	}
	ok = ok && test_streams(run, err);
	for (size_t i = 0; ok && i < tasks->joint_count; i++)
		if (joint_is_selected(&tasks->joint[i]))
			ok = test_joint(run, &tasks->joint[i], false, stdout,
					&run->done, err);
	return run_finish(run, ok, err);
}
