/*
 * test_glance.h - whether tests pass, in one reading
 *
 * Tests that judge rows one by one mostly pass.  One look at each row, for all
 * of them together, says so; only where it does not is each of them run, to
 * count what fails and to show some of it.
 */
#ifndef AGGREGATE_TEST_GLANCE_H
#define AGGREGATE_TEST_GLANCE_H

#include "aggregate/test.h"

/* passes[i], cleared by the caller: no row fails the case; false: not known. */
bool test_glance(struct pg *pg, int64_t timeout_ms,
		 const struct test_case *cases, size_t count, bool *passes,
		 struct error *err) MUST_CHECK;

#endif
