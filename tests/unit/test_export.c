#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/export.h"

static bool check(const char *path, struct error *err)
{
	const struct model model = {.file = "m.sql", .export_path = path};
	const struct task task = {.model = &model};

	return export_check(&task, err);
}

static void paths_below_the_working_directory_are_fine(void **state)
{
	static const char *const paths[] = {"a.csv", "metrics/a.csv", ".a/b..c",
					    "a/...", "x/y/z/w"};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		assert_true(check(paths[i], &err));
}

static void paths_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const paths[] = {
		"",       "/",    "/tmp/a.csv", "..",  "../a", "a/..",
		"a/../b", "a//b", "a/./b",      "./a", "a/",   "."};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct error err = ERROR_INIT;

		assert_false(check(paths[i], &err));
		assert_int_equal(err.status, STATUS_CONFIG);
		assert_non_null(strstr(err.text, "m.sql: export"));
	}
}

static void a_missing_file_is_noticed(void **state)
{
	const struct model there = {.export_path = "Makefile"};
	const struct model in_the_way = {.export_path = "/dev/null"};
	const struct model missing = {.export_path = "/dev/null-and-void"};
	const struct model none = {.export_path = NULL};

	(void)state;
	assert_false(export_is_missing(&(struct task){.model = &there}));
	assert_true(export_is_missing(&(struct task){.model = &missing}));
	assert_true(export_is_missing(&(struct task){.model = &in_the_way}));
	assert_false(export_is_missing(&(struct task){.model = &none}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_below_the_working_directory_are_fine),
		cmocka_unit_test(paths_that_lead_elsewhere_are_refused),
		cmocka_unit_test(a_missing_file_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
