#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/table.h"

static void assert_printed(struct table *table, const char *expected)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	table_print(table, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	table_release(table);
}

static void columns_line_up_and_numbers_stand_right(void **state)
{
	struct table table = TABLE_INIT(3);

	(void)state;
	table_add(&table, "NAME");
	table_add(&table, "ROWS");
	table_add(&table, "WHERE");
	table_add(&table, "a");
	table_format(&table, "%d", 12345);
	table_add(&table, "here");
	table_add(&table, "a.longer_name");
	table_add(&table, NULL);
	table_add(&table, NULL);
	assert_int_equal(table_rows(&table), 2);
	assert_printed(&table, "NAME            ROWS  WHERE\n"
			       "a              12345  here\n"
			       "a.longer_name\n");
}

static void widths_count_characters(void **state)
{
	struct table table = TABLE_INIT(2);

	(void)state;
	table_add(&table, "A");
	table_add(&table, "B");
	table_add(&table, "\xc3\xa4\xc3\xb6\xe2\x82\xac");
	table_add(&table, "x\ty\nz");
	table_add(&table, "abcd");
	table_add(&table, "y");
	assert_printed(&table, "A     B\n"
			       "\xc3\xa4\xc3\xb6\xe2\x82\xac   x y z\n"
			       "abcd  y\n");
}

static void a_heading_alone_has_no_rows(void **state)
{
	struct table table = TABLE_INIT(2);

	(void)state;
	table_add(&table, "A");
	table_add(&table, "B");
	assert_int_equal(table_rows(&table), 0);
	assert_printed(&table, "A  B\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_line_up_and_numbers_stand_right),
		cmocka_unit_test(widths_count_characters),
		cmocka_unit_test(a_heading_alone_has_no_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
