/*
 * test_sql.h - tests as SQL
 */
#ifndef AGGREGATE_TEST_SQL_H
#define AGGREGATE_TEST_SQL_H

#include <stddef.h>

#include "aggregate/model.h"
#include "common/buf.h"

/* A select of the rows that fail a test.  rows: what stands behind FROM, alias
 * included. */
void test_failing_sql(struct buf *out, const struct model_test *test,
		      const char *rows);

/* The condition under which a row fails a test that judges rows one by one:
 * not_null, accepted_values, expression. */
void test_fails_sql(struct buf *out, const struct model_test *test);

/* A select of one row: number, how many rows of `failing` there are, and a
 * sample of them as JSON, of bounded size. */
void test_count_sql(struct buf *out, size_t number, const char *failing);

/* A JSON array of the first rows of x, long values cut short: an aggregate over
 * x, which has a column millrace_number that counts from 1. */
void test_sample_sql(struct buf *out, const char *x);

#endif
