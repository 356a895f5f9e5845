/*
 * model_test_args.h - what a test is about: columns, values, bounds
 */
#ifndef AGGREGATE_MODEL_TEST_ARGS_H
#define AGGREGATE_MODEL_TEST_ARGS_H

#include "aggregate/model_value.h"

/* The kinds that a header may name, in the order of enum test_kind. */
enum { MODEL_TEST_KINDS = TEST_QUERY };
extern const char *const model_test_kinds[MODEL_TEST_KINDS];

/* What stands behind `kind:` in the header, options taken off; test->kind is
 * set. */
bool model_test_args(const struct model_at *at, const char *text,
		     struct model_test *test) MUST_CHECK;

/* `(NL, DE)`, `(pageviews.users.id)` behind the kind in a comment of the query;
 * *text moves behind it. */
bool model_test_parentheses(const struct model_at *at, const char **text,
			    struct model_test *test) MUST_CHECK;

#endif
