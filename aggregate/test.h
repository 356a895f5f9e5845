/*
 * test.h - whether a relation is what its model promises
 *
 * Tests run inside the transaction that changes the relation, so a mart that
 * breaks one is never seen.  Those that judge rows one by one look at the rows
 * added: the others have passed before.  A unique test at level error is a
 * unique index, and holds while the rows come in.
 */
#ifndef AGGREGATE_TEST_H
#define AGGREGATE_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "aggregate/task.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/error.h"

struct pg;

/* A test and what it is about. */
struct test_case {
	const struct model_test *test;
	const char *model; /* under whose name it is logged */
	const char *file;  /* that declares it */
	const char *table; /* all its rows, with an alias; NULL: a query */
	const char *rows;  /* those to look at; NULL: all */
};

/* Whether a test of the model looks at the rows added alone. */
bool test_wants_added(const struct model *model);

struct test_outcome {
	const struct model_test *test;
	const char *model;
	const char *file;
	const char *status; /* pass, warn, fail */
	int64_t failures;
	const char *sample; /* JSON: some failing rows; NULL: none */
	const char *query;  /* of all failing rows, on what is there */
};

struct test_report {
	struct test_outcome *at;
	size_t count;
	size_t capacity;
	size_t failed; /* at level error */
	size_t warned;
};

#define TEST_REPORT_INIT ((struct test_report){0})

/* Runs tests, all in one statement, and adds their outcomes.  Strings live in
 * the arena.  False: a test could not be run. */
bool test_cases_run(struct test_report *report, struct pg *pg,
		    int64_t timeout_ms, const struct test_case *cases,
		    size_t count, struct arena *arena,
		    struct error *err) MUST_CHECK;

/* Runs the tests of a task.  added: a temporary table with the new rows; NULL:
 * all rows of the relation.  Tests that involve other models (joint.h) are left
 * to them unless with_joint is set. */
bool test_run(struct test_report *report, struct pg *pg, int64_t timeout_ms,
	      const struct task *task, const char *added, bool with_joint,
	      struct arena *arena, struct error *err) MUST_CHECK;

/* The case of a task's own test. */
struct test_case test_case_of(const struct task *task,
			      const struct model_test *test, const char *added,
			      struct arena *arena);

/* Whether another model than the test's own can break it. */
bool test_is_joint(const struct model_test *test);

/* Adds to the outcome of a case, or makes it. */
void test_outcome_add(struct test_report *report,
		      const struct test_case *test_case, int64_t failures,
		      const char *sample, struct arena *arena);

/* Adds the outcome of a unique test whose index has refused a row (constraint
 * names it); false if it is not one of the task's. */
bool test_index_failed(struct test_report *report, const struct task *task,
		       const char *constraint, const char *detail,
		       struct arena *arena);

/* SQL that logs the outcomes. */
void test_log_sql(struct buf *out, const struct test_report *report,
		  int64_t run_id);

/* Prints what failed or warned: where, how often, some rows, and how to see
 * all.  run_id: of the run that logged it, where the rows are rolled back; 0:
 * they can be looked at. */
void test_print(FILE *out, const struct test_report *report, int64_t run_id);

/* `unique(time): 3 rows`, of the first failure; NULL: none failed. */
const char *test_first_failure(const struct test_report *report,
			       struct arena *arena);

void test_report_release(struct test_report *report);

#endif
