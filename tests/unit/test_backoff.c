#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/stop.h"

static void waits_stay_below_a_ceiling_that_doubles_to_its_cap(void **state)
{
	static const int64_t ceilings[] = {100, 200, 400, 800, 1000, 1000};
	int64_t most[6] = {0}, least[6];
	struct backoff backoff = BACKOFF_INIT(100, 1000, 0);
	int round, i;

	(void)state;
	for (i = 0; i < 6; i++)
		least[i] = INT64_MAX;
	for (round = 0; round < 2000; round++) {
		backoff_reset(&backoff);
		for (i = 0; i < 6; i++) {
			int64_t wait = backoff_next(&backoff, 0);

			most[i] = wait > most[i] ? wait : most[i];
			least[i] = wait < least[i] ? wait : least[i];
		}
	}
	/* 2,000 draws miss the outer tenth with probability 10^-91 */
	for (i = 0; i < 6; i++) {
		assert_in_range(most[i], ceilings[i] * 9 / 10, ceilings[i]);
		assert_in_range(least[i], 0, ceilings[i] / 10);
	}
}

static void the_deadline_counts_from_the_first_failure(void **state)
{
	struct backoff backoff = BACKOFF_INIT(1000, 1000, 300);
	int64_t now;

	(void)state;
	assert_in_range(backoff_next(&backoff, 5000), 0, 300);
	for (now = 5000; now < 5300; now += 10)
		assert_in_range(backoff_next(&backoff, now), 0, 5300 - now);
	assert_int_equal(backoff_next(&backoff, 5300), -1);
	assert_int_equal(backoff_next(&backoff, 9999), -1);
	backoff_reset(&backoff);
	assert_in_range(backoff_next(&backoff, 9999), 0, 300);
}

static void being_asked_to_stop_ends_the_wait(void **state)
{
	struct backoff backoff = BACKOFF_INIT(1, 1, 0);
	int64_t begun;

	(void)state;
	stop_install();
	assert_true(backoff_wait(&backoff));
	stop_request();
	backoff = BACKOFF_INIT(INT32_MAX, INT32_MAX, 0);
	begun = clock_ms();
	assert_false(backoff_wait(&backoff));
	assert_in_range(clock_ms() - begun, 0, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			waits_stay_below_a_ceiling_that_doubles_to_its_cap),
		cmocka_unit_test(the_deadline_counts_from_the_first_failure),
		cmocka_unit_test(being_asked_to_stop_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
