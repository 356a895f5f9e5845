#include "aggregate/test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/index.h"
#include "aggregate/quote.h"
#include "aggregate/test_glance.h"
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

bool test_wants_added(const struct model *model)
{
	for (size_t i = 0; i < model->test_count; i++)
		if (looks_at_added(&model->test[i]))
			return true;
	return false;
}

/* --- running -------------------------------------------------------------- */

/* The worst of those that it is asked of decides: each load by itself. */
static void raise_status(struct test_report *report,
			 struct test_outcome *outcome, int64_t failures)
{
	if (!strcmp(outcome->status, "fail"))
		return;
	if (failures > outcome->test->error_above) {
		report->warned -= !strcmp(outcome->status, "warn");
		outcome->status = "fail";
		report->failed++;
	} else if (failures > outcome->test->warn_above &&
		   !strcmp(outcome->status, "pass")) {
		outcome->status = "warn";
		report->warned++;
	}
}

static struct test_outcome *add_outcome(struct test_report *report,
					const struct test_case *test_case,
					int64_t failures)
{
	struct test_outcome *outcome;

	MEM_GROW(report->at, report->count, report->capacity);
	outcome = &report->at[report->count++];
	*outcome = (struct test_outcome){
		.test = test_case->test,
		.model = test_case->model,
		.file = test_case->file,
		.status = "pass",
		.failures = failures,
	};
	raise_status(report, outcome, failures);
	return outcome;
}

void test_outcome_add(struct test_report *report,
		      const struct test_case *test_case, int64_t failures,
		      const char *sample, struct arena *arena)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->at[i].test == test_case->test) {
			report->at[i].failures += failures;
			raise_status(report, &report->at[i], failures);
			return;
		}
	add_outcome(report, test_case, failures)->sample =
		arena_strdup(arena, sample);
}

static void read_outcome(struct test_report *report,
			 const struct test_case *test_case, const PGresult *res,
			 int row, struct arena *arena)
{
	struct test_outcome *outcome =
		add_outcome(report, test_case, pg_number(res, row, 1));
	struct buf query = BUF_INIT;

	if (!outcome->failures)
		return;
	if (!PQgetisnull(res, row, 2))
		outcome->sample = arena_strdup(arena, PQgetvalue(res, row, 2));
	test_failing_sql(&query, test_case->test, test_case->table);
	outcome->query = arena_strdup(arena, buf_text(&query));
	buf_release(&query);
}

/* One select for each case that is not known to pass. */
static void add_cases(struct buf *sql, const struct test_case *cases,
		      size_t count, const bool *passes)
{
	struct buf failing = BUF_INIT;

	for (size_t i = 0; i < count; i++) {
		if (passes[i])
			continue;
		buf_reset(&failing);
		test_failing_sql(&failing, cases[i].test,
				 cases[i].rows ? cases[i].rows
					       : cases[i].table);
		buf_add_text(sql, sql->len ? "union all\n" : "");
		test_count_sql(sql, i, buf_text(&failing));
	}
	buf_release(&failing);
}

bool test_cases_run(struct test_report *report, struct pg *pg,
		    int64_t timeout_ms, const struct test_case *cases,
		    size_t count, struct arena *arena, struct error *err)
{
	bool *passes = arena_zalloc(arena, (count + 1) * sizeof *passes);
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok = test_glance(pg, timeout_ms, cases, count, passes, err);

	add_cases(&sql, cases, count, passes);
	if (ok && sql.len)
		ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
	if (!ok)
		error_context(err, "%s: its tests cannot be run",
			      cases[0].file);
	for (size_t i = 0; ok && i < count; i++)
		if (passes[i])
			add_outcome(report, &cases[i], 0);
	for (int row = 0; ok && res && row < PQntuples(res); row++)
		read_outcome(report,
			     &cases[strtoul(PQgetvalue(res, row, 0), NULL, 10)],
			     res, row, arena);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

bool test_is_joint(const struct model_test *test)
{
	return test->kind == TEST_RELATIONSHIPS &&
	       strncmp(test->to, "staging.", strlen("staging.")) != 0;
}

struct test_case test_case_of(const struct task *task,
			      const struct model_test *test, const char *added,
			      struct arena *arena)
{
	const struct model *model = task->model;
	struct buf rows = BUF_INIT;
	struct test_case test_case = {
		.test = test, .model = task->name, .file = model->file};

	buf_format(&rows, "%s ", task->table);
	quote_identifier(&rows, model->base);
	test_case.table = arena_strdup(arena, buf_text(&rows));
	if (added && looks_at_added(test)) {
		buf_reset(&rows);
		buf_format(&rows, "pg_temp.%s ", added);
		quote_identifier(&rows, model->base);
		test_case.rows = arena_strdup(arena, buf_text(&rows));
	}
	buf_release(&rows);
	return test_case;
}

bool test_run(struct test_report *report, struct pg *pg, int64_t timeout_ms,
	      const struct task *task, const char *added, bool with_joint,
	      struct arena *arena, struct error *err)
{
	const struct model *model = task->model;
	struct test_case *cases =
		arena_alloc(arena, (model->test_count + 1) * sizeof *cases);
	size_t count = 0;

	for (size_t i = 0; i < model->test_count; i++) {
		const struct model_test *test = &model->test[i];
		struct test_case one;

		if (!with_joint && test_is_joint(test))
			continue;
		one = test_case_of(task, test, added, arena);
		if (is_indexed(task, test))
			add_outcome(report, &one, 0);
		else
			cases[count++] = one;
	}
	return test_cases_run(report, pg, timeout_ms, cases, count, arena, err);
}

bool test_index_failed(struct test_report *report, const struct task *task,
		       const char *constraint, const char *detail,
		       struct arena *arena)
{
	const struct model *model = task->model;

	for (size_t i = 0; i < model->test_count; i++) {
		const struct model_test *test = &model->test[i];
		struct test_case one;

		if (!is_indexed(task, test) ||
		    strcmp(constraint, index_of_test(task, i, arena)) != 0)
			continue;
		one = test_case_of(task, test, NULL, arena);
		add_outcome(report, &one, 1)->sample =
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
