#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"

/* Blocks of many sizes, small and far beyond one block of the arena, each full
 * of its own byte: an overlap would overwrite one. */
static void allocations_are_aligned_and_do_not_overlap(void **state)
{
	enum { COUNT = 600 };
	struct arena arena = ARENA_INIT;
	unsigned char *piece[COUNT];
	size_t size[COUNT], i, j;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		size[i] = i % 50 == 0 ? 40000 + i : i * 7 % 301;
		piece[i] = arena_alloc(&arena, size[i]);
		assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
		memset(piece[i], (int)(i % 251), size[i]);
	}
	for (i = 0; i < COUNT; i++)
		for (j = 0; j < size[i]; j++)
			assert_int_equal(piece[i][j], i % 251);
	arena_release(&arena);
}

static void zeroed_memory_is_zero_after_a_reset_too(void **state)
{
	struct arena arena = ARENA_INIT;
	unsigned char *bytes;
	size_t i;

	(void)state;
	memset(arena_alloc(&arena, 3000), 0xff, 3000);
	arena_reset(&arena);
	bytes = arena_zalloc(&arena, 3000);
	for (i = 0; i < 3000; i++)
		assert_int_equal(bytes[i], 0);
	arena_release(&arena);
}

static void a_reset_arena_uses_its_memory_again(void **state)
{
	struct arena arena = ARENA_INIT;
	void *first = arena_alloc(&arena, 100);
	int round;

	(void)state;
	for (round = 0; round < 1000; round++) {
		arena_reset(&arena);
		assert_ptr_equal(arena_alloc(&arena, 100), first);
	}
	arena_release(&arena);
	arena_release(&arena);
	assert_null(arena.block);
}

static void texts_are_copied_whole_or_to_their_length(void **state)
{
	struct arena arena = ARENA_INIT;
	char original[] = "original";
	char *copy = arena_strdup(&arena, original);
	char *start = arena_strndup(&arena, original, 4);
	char *nothing = arena_strndup(&arena, original, 0);

	(void)state;
	memset(original, '-', sizeof original - 1);
	assert_string_equal(copy, "original");
	assert_string_equal(start, "orig");
	assert_string_equal(nothing, "");
	assert_string_equal(arena_format(&arena, "%s/%d", "x", 42), "x/42");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_aligned_and_do_not_overlap),
		cmocka_unit_test(zeroed_memory_is_zero_after_a_reset_too),
		cmocka_unit_test(a_reset_arena_uses_its_memory_again),
		cmocka_unit_test(texts_are_copied_whole_or_to_their_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
