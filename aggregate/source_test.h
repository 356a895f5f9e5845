/*
 * source_test.h - loads of a stream that fails its tests wait
 *
 * The tests in a stream file judge every load by itself, before a model takes
 * it: unique is unique within the load, row_count counts it.  A load that fails
 * one at level error stays pending, for this reader and, since all ask alike,
 * for every other; later loads go on.  A model that reads all of the stream (a
 * first build, a rebuild, full) cannot leave a load out and waits as a whole.
 */
#ifndef AGGREGATE_SOURCE_TEST_H
#define AGGREGATE_SOURCE_TEST_H

#include <stdbool.h>

#include "aggregate/attempt.h"

/* Before the transaction of a task that has been built: judges the loads that
 * are pending, in a transaction of its own, and logs what fails.  What arrives
 * later waits for the next pass. */
bool source_test_before(struct attempt *attempt, struct error *err) MUST_CHECK;

/* In the transaction: leaves those pending loads out that have not passed. */
void source_test_keep(struct attempt *attempt);

/* In a transaction that reads everything: false if a load fails that the model
 * has not consumed before.  attempt->report says which test. */
bool source_test_all(struct attempt *attempt, struct error *err) MUST_CHECK;

/* Judges every load of a stream that has tests.  Adds what fails. */
bool source_test_relation(struct test_report *report, struct run *run,
			  const struct relation *relation, struct arena *arena,
			  struct error *err) MUST_CHECK;

#endif
