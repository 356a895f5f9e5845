#include "aggregate/test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/index.h"
#include "aggregate/quote.h"
#include "common/mem.h"
#include "common/pg.h"

enum { SAMPLE_ROWS = 5 };

/* --- SQL ------------------------------------------------------------------ */

static void add_columns(struct buf *out, const struct model_test *test,
			const char *before, const char *after,
			const char *separator)
{
	for (size_t i = 0; i < test->column_count; i++) {
		buf_format(out, "%s%s", i ? separator : "", before);
		quote_identifier(out, test->column[i]);
		buf_add_text(out, after);
	}
}

static void add_failing(struct buf *out, const struct model_test *test,
			const char *rows)
{
	switch (test->kind) {
	case TEST_UNIQUE:
		buf_add_text(out, "select ");
		add_columns(out, test, "", "", ", ");
		buf_format(out, ", count(*) as copies from %s where ", rows);
		add_columns(out, test, "", " is not null", " and ");
		buf_add_text(out, " group by ");
		add_columns(out, test, "", "", ", ");
		buf_add_text(out, " having count(*) > 1");
		return;
	case TEST_NOT_NULL:
		buf_format(out, "select * from %s where ", rows);
		add_columns(out, test, "", " is null", " or ");
		return;
	case TEST_ACCEPTED_VALUES:
		buf_format(out, "select * from %s where ", rows);
		for (size_t i = 0; i < test->column_count; i++) {
			buf_add_text(out, i ? " or " : "");
			quote_identifier(out, test->column[i]);
			buf_add_text(out, "::text not in (");
			for (size_t v = 0; v < test->value_count; v++) {
				buf_add_text(out, v ? ", " : "");
				quote_literal(out, test->value[v]);
			}
			buf_add_byte(out, ')');
		}
		return;
	case TEST_EXPRESSION:
		/* a line comment in it ends with the line */
		buf_format(out, "select * from %s where not (%s\n)", rows,
			   test->expression);
		return;
	}
}

/* One row: the number of the test, failing rows, a sample of them. */
static void add_test(struct buf *out, const struct model_test *test,
		     size_t number, const char *rows)
{
	buf_format(out,
		   "select %zu as number, count(*) as failures,\n"
		   "    jsonb_agg(to_jsonb(f) - 'millrace_number') "
		   "filter (where f.millrace_number <= %d) as sample\n"
		   "from (select *, row_number() over () as millrace_number "
		   "from (\n",
		   number, SAMPLE_ROWS);
	add_failing(out, test, rows);
	buf_add_text(out, "\n) failing) f\n");
}

static bool is_indexed(const struct task *task, const struct model_test *test)
{
	return !task_is_view(task) && index_backs_test(test);
}

/* Whether the new rows decide: each row for itself, and no number of failures
 * that is still all right. */
static bool looks_at_added(const struct model_test *test)
{
	return test->kind != TEST_UNIQUE && test->warn_above == 0 &&
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
		add_test(&sql, test, i, buf_text(&rows));
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
