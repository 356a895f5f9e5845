#include "aggregate/test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/index.h"
#include "aggregate/quote.h"
#include "aggregate/test_sql.h"
#include "common/mem.h"
#include "common/pg.h"

static bool is_indexed(const struct task *task, const struct model_test *test)
{
	return !task_is_view(task) && index_backs_test(test);
}

/* Whether the new rows decide: each row for itself, and no number of failures
 * that is still all right. */
static bool looks_at_added(const struct model_test *test)
{
	return test->kind != TEST_UNIQUE && test->kind != TEST_ROW_COUNT &&
	       test->warn_above == 0 &&
	       (test->error_above == 0 || test->error_above == INT64_MAX);
}

/* --- running -------------------------------------------------------------- */

static struct test_outcome *add_outcome(struct test_report *report,
					const struct task *task,
					const struct model_test *test,
					int64_t failures)
{
	struct test_outcome *outcome;

	MEM_GROW(report->at, report->count, report->capacity);
	outcome = &report->at[report->count++];
	*outcome = (struct test_outcome){
		.test = test,
		.model = task->name,
		.status = "pass",
		.failures = failures,
	};
	if (failures > test->error_above) {
		outcome->status = "fail";
		report->failed++;
	} else if (failures > test->warn_above) {
		outcome->status = "warn";
		report->warned++;
	}
	return outcome;
}

static void read_outcomes(struct test_report *report, const struct task *task,
			  const PGresult *res, struct arena *arena)
{
	for (int row = 0; row < PQntuples(res); row++) {
		size_t number = strtoul(PQgetvalue(res, row, 0), NULL, 10);
		struct test_outcome *outcome =
			add_outcome(report, task, &task->model->test[number],
				    strtoll(PQgetvalue(res, row, 1), NULL, 10));

		if (!PQgetisnull(res, row, 2))
			outcome->sample =
				arena_strdup(arena, PQgetvalue(res, row, 2));
	}
}

bool test_run(struct test_report *report, struct pg *pg, int64_t timeout_ms,
	      const struct task *task, const char *added, struct arena *arena,
	      struct error *err)
{
	const struct model *model = task->model;
	struct buf sql = BUF_INIT;
	struct buf rows = BUF_INIT;
	struct buf failing = BUF_INIT;
	PGresult *res = NULL;
	bool ok = true;

	for (size_t i = 0; i < model->test_count; i++) {
		const struct model_test *test = &model->test[i];

		if (is_indexed(task, test)) {
			add_outcome(report, task, test, 0);
			continue;
		}
		buf_reset(&rows);
		if (added && looks_at_added(test))
			buf_format(&rows, "pg_temp.%s ", added);
		else
			buf_format(&rows, "%s ", task->table);
		quote_identifier(&rows, model->base);
		buf_add_text(&sql, sql.len ? "union all\n" : "");
		buf_reset(&failing);
		test_failing_sql(&failing, test, buf_text(&rows));
		test_count_sql(&sql, i, buf_text(&failing));
	}
	if (sql.len)
		ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
	if (ok && res)
		read_outcomes(report, task, res, arena);
	else if (!ok)
		error_context(err, "%s: its tests cannot be run", model->file);
	PQclear(res);
	buf_release(&sql);
	buf_release(&rows);
	buf_release(&failing);
	return ok;
}

bool test_index_failed(struct test_report *report, const struct task *task,
		       const char *constraint, const char *detail,
		       struct arena *arena)
{
	const struct model *model = task->model;

	for (size_t i = 0; i < model->test_count; i++) {
		const struct model_test *test = &model->test[i];

		if (!is_indexed(task, test) ||
		    strcmp(constraint, index_of_test(task, i, arena)) != 0)
			continue;
		add_outcome(report, task, test, 1)->sample =
			arena_strdup(arena, detail);
		return true;
	}
	return false;
}

/* --- reporting ------------------------------------------------------------ */

/* A sample is JSON, or the words of a unique index. */
static void add_sample(struct buf *out, const char *sample)
{
	if (!sample) {
		buf_add_text(out, "null");
		return;
	}
	if (*sample != '[')
		buf_add_text(out, "to_jsonb(");
	quote_literal(out, sample);
	buf_add_text(out, *sample == '[' ? "::jsonb" : "::text)");
}

void test_log_sql(struct buf *out, const struct test_report *report,
		  int64_t run_id)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct test_outcome *outcome = &report->at[i];

		buf_add_text(out,
			     i ? ", "
			       : "insert into millrace.test_result (run_id, "
				 "model, test, severity, status, failures, "
				 "sample) values ");
		buf_format(out, "(%" PRId64 ", ", run_id);
		quote_literal(out, outcome->model);
		buf_add_text(out, ", ");
		quote_literal(out, outcome->test->name);
		buf_format(out, ", '%s', '%s', %" PRId64 ", ",
			   outcome->test->severity == SEVERITY_WARN ? "warn"
								    : "error",
			   outcome->status, outcome->failures);
		add_sample(out, outcome->sample);
		buf_add_byte(out, ')');
	}
	if (report->count)
		buf_add_text(out, "\non conflict (run_id, model, test) do "
				  "update set status = excluded.status, "
				  "failures = excluded.failures, "
				  "sample = excluded.sample;\n");
}

const char *test_first_failure(const struct test_report *report,
			       struct arena *arena)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct test_outcome *outcome = &report->at[i];

		if (!strcmp(outcome->status, "fail"))
			return arena_format(
				arena, "test %s of %s fails for %" PRId64 " %s",
				outcome->test->name, outcome->model,
				outcome->failures,
				outcome->failures == 1 ? "row" : "rows");
	}
	return NULL;
}

void test_report_release(struct test_report *report)
{
	free(report->at);
	*report = TEST_REPORT_INIT;
}
