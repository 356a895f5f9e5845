/* The line that an error of COPY names, in every language it may come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ingest/isolate.h"

static void the_line_is_read_from_the_context(void **state)
{
	(void)state;
	assert_int_equal(isolate_line("COPY items, line 7"), 7);
	assert_int_equal(isolate_line("COPY items, line 41, column n"), 41);
	assert_int_equal(
		isolate_line("COPY items, line 3, column n: \"12, line 9\""),
		3);
}

static void its_words_may_be_translated(void **state)
{
	(void)state;
	assert_int_equal(isolate_line("COPY items, Zeile 7, Spalte n"), 7);
	assert_int_equal(isolate_line("COPY items, ligne 12"), 12);
	assert_int_equal(isolate_line("COPY items, строка 5, столбец n"), 5);
}

static void a_function_may_stand_before_it(void **state)
{
	(void)state;
	assert_int_equal(
		isolate_line("PL/pgSQL function refuse() line 3 at RAISE\n"
			     "COPY items, line 8"),
		8);
}

static void without_copy_there_is_no_line(void **state)
{
	(void)state;
	assert_int_equal(isolate_line(""), 0);
	assert_int_equal(
		isolate_line("PL/pgSQL function refuse() line 3 at RAISE"), 0);
	assert_int_equal(isolate_line("COPY items"), 0);
	assert_int_equal(isolate_line("COPY items, \n7"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_read_from_the_context),
		cmocka_unit_test(its_words_may_be_translated),
		cmocka_unit_test(a_function_may_stand_before_it),
		cmocka_unit_test(without_copy_there_is_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
