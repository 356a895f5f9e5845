#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/mem.h"

static void a_growing_array_keeps_its_elements(void **state)
{
	size_t count, capacity = 0;
	int *array = NULL;

	(void)state;
	for (count = 0; count < 10000; count++) {
		MEM_GROW(array, count, capacity);
		assert_true(capacity > count);
		array[count] = (int)count * 3;
	}
	assert_in_range(capacity, 10000, 20000);
	for (count = 0; count < 10000; count++)
		assert_int_equal(array[count], count * 3);
	free(array);
}

static void copies_are_their_own(void **state)
{
	char text[] = "text";
	char *whole = mem_strdup(text), *part = mem_strndup(text, 2);
	char *beyond = mem_strndup(text, 99);
	char *made = mem_format("%s-%03d", text, 7);

	(void)state;
	text[0] = '-';
	assert_string_equal(whole, "text");
	assert_string_equal(part, "te");
	assert_string_equal(beyond, "text");
	assert_string_equal(made, "text-007");
	free(whole);
	free(part);
	free(beyond);
	free(made);
}

static void nothing_at_all_is_still_a_place(void **state)
{
	void *p = mem_alloc(0), *q = mem_zalloc(0, 8);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	p = mem_realloc(p, 0);
	assert_non_null(p);
	free(p);
	free(q);
}

static void zeroed_memory_is_zero(void **state)
{
	unsigned char *bytes = mem_zalloc(100, 10);
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(bytes[i], 0);
	free(bytes);
}

static void memory_that_is_not_there_ends_the_process(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0) {
		volatile size_t too_much = SIZE_MAX / 2;

		if (freopen("/dev/null", "w", stderr))
			free(mem_alloc(too_much));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_growing_array_keeps_its_elements),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(nothing_at_all_is_still_a_place),
		cmocka_unit_test(zeroed_memory_is_zero),
		cmocka_unit_test(memory_that_is_not_there_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
