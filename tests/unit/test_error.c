#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/error.h"

static void setting_an_error_says_what_and_returns_false(void **state)
{
	struct error err = {.sqlstate = "23505", .lost = true};

	(void)state;
	assert_false(error_set(&err, ERROR_DATA, STATUS_DATA, "row %d", 7));
	assert_int_equal(err.kind, ERROR_DATA);
	assert_int_equal(err.status, STATUS_DATA);
	assert_string_equal(err.text, "row 7");
	assert_string_equal(err.sqlstate, "");
	assert_false(err.lost);
	assert_false(error_config(&err, "no %s", "file"));
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_int_equal(err.status, STATUS_CONFIG);
	assert_string_equal(err.text, "no file");
}

static void context_goes_before_and_changes_nothing_else(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_TRANSIENT, STATUS_DATABASE, "no answer");
	memcpy(err.sqlstate, "57014", 6);
	err.lost = true;
	assert_false(error_context(&err, "copying %s", "staging.a"));
	assert_false(error_context(&err, "batch of %d rows", 5));
	assert_string_equal(err.text,
			    "batch of 5 rows: copying staging.a: no answer");
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_int_equal(err.status, STATUS_DATABASE);
	assert_string_equal(err.sqlstate, "57014");
	assert_true(err.lost);
}

static void texts_of_any_length_are_cut_and_closed(void **state)
{
	struct error err = ERROR_INIT;
	char wide[3000];
	int i;

	(void)state;
	memset(wide, 'w', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	error_config(&err, "%s", wide);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	for (i = 0; i < 5; i++)
		error_context(&err, "context %d", i);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_memory_equal(err.text, "context 4: context 3: ", 22);
	error_context(&err, "%s", wide);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_an_error_says_what_and_returns_false),
		cmocka_unit_test(context_goes_before_and_changes_nothing_else),
		cmocka_unit_test(texts_of_any_length_are_cut_and_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
