#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/pg.h"

/* SQLSTATEs by PostgreSQL's own list, appendix A of its manual. */
static void what_a_row_can_cause_is_data(void **state)
{
	static const char *const states[] = {
		"22003", /* numeric value out of range */
		"23505", /* unique violation */
		"44000", /* with check option violation */
		"P0001", /* a trigger's raise exception */
	};

	(void)state;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		assert_int_equal(pg_kind(states[i]), ERROR_DATA);
}

static void what_passes_is_transient(void **state)
{
	static const char *const states[] = {
		"08006", /* connection failure */
		"08P01", /* protocol violation: a pooler */
		"25006", /* read only transaction */
		"40P01", /* deadlock */
		"53100", /* disk full */
		"53300", /* too many connections */
		"55P03", /* lock not available */
		"57014", /* query canceled */
		"57P03", /* cannot connect now */
		"58030", /* I/O error */
		"MR001", /* a position has moved */
	};

	(void)state;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		assert_int_equal(pg_kind(states[i]), ERROR_TRANSIENT);
}

static void the_rest_is_fatal(void **state)
{
	static const char *const states[] = {
		"25001", /* active SQL transaction */
		"28P01", /* invalid password */
		"3D000", /* unknown database */
		"42501", /* insufficient privilege */
		"55000", /* object not in prerequisite state */
		"58P01", /* undefined file */
		"XX000", /* internal error */
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		assert_int_equal(pg_kind(states[i]), ERROR_FATAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_row_can_cause_is_data),
		cmocka_unit_test(what_passes_is_transient),
		cmocka_unit_test(the_rest_is_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
