/*
 * model_tests.h - the tests that a model's file declares
 *
 * In the header, `- kind: arguments   severity=warn warn_if=>10 error_if=>20`,
 * or behind a column of the outer SELECT: `-- not_null accepted_values(A, B)`.
 */
#ifndef AGGREGATE_MODEL_TESTS_H
#define AGGREGATE_MODEL_TESTS_H

#include "aggregate/model_value.h"
#include "aggregate/query.h"

/* One entry of the header's list, `- ` included. */
bool model_tests_entry(const struct model_at *at, const char *text) MUST_CHECK;

/* Takes `severity=warn warn_if=>10 where=(...)` off the end of text; *test gets
 * what they say. */
bool model_test_options(const struct model_at *at, char *text,
			struct model_test *test) MUST_CHECK;

/* The comments of the query. */
bool model_tests_inline(struct model *model, const struct query *query,
			struct error *err) MUST_CHECK;

#endif
