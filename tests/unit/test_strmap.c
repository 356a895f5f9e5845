#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/strmap.h"

static void an_empty_map_has_nothing(void **state)
{
	struct strmap map = STRMAP_INIT;

	(void)state;
	assert_null(strmap_get(&map, "key"));
	assert_null(strmap_get(&map, ""));
	strmap_release(&map);
}

static void ten_thousand_keys_are_found_and_others_are_not(void **state)
{
	enum { COUNT = 10000 };
	static char key[COUNT][16];
	static int value[COUNT];
	struct strmap map = STRMAP_INIT;
	char other[16];
	int i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		snprintf(key[i], sizeof key[i], "key %d", i * 7919);
		assert_null(strmap_put(&map, key[i], &value[i]));
	}
	assert_int_equal(map.count, COUNT);
	for (i = 0; i < COUNT; i++) {
		assert_ptr_equal(strmap_get(&map, key[i]), &value[i]);
		assert_string_equal(map.entry[i].key, key[i]);
		snprintf(other, sizeof other, "key %d", i * 7919 + 1);
		assert_null(strmap_get(&map, other));
	}
	strmap_release(&map);
	assert_int_equal(map.count, 0);
}

static void a_second_put_replaces_and_hands_back_the_first(void **state)
{
	struct strmap map = STRMAP_INIT;
	char same[] = "same";
	int first, second;

	(void)state;
	assert_null(strmap_put(&map, "same", &first));
	assert_ptr_equal(strmap_put(&map, same, &second), &first);
	assert_ptr_equal(strmap_get(&map, "same"), &second);
	assert_int_equal(map.count, 1);
	assert_ptr_not_equal(map.entry[0].key, same);
	strmap_release(&map);
}

static void the_empty_key_and_prefixes_are_keys_of_their_own(void **state)
{
	struct strmap map = STRMAP_INIT;
	int a, b, c;

	(void)state;
	strmap_put(&map, "", &a);
	strmap_put(&map, "x", &b);
	strmap_put(&map, "xx", &c);
	assert_ptr_equal(strmap_get(&map, ""), &a);
	assert_ptr_equal(strmap_get(&map, "x"), &b);
	assert_ptr_equal(strmap_get(&map, "xx"), &c);
	assert_null(strmap_get(&map, "xxx"));
	strmap_release(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_nothing),
		cmocka_unit_test(
			ten_thousand_keys_are_found_and_others_are_not),
		cmocka_unit_test(
			a_second_put_replaces_and_hands_back_the_first),
		cmocka_unit_test(
			the_empty_key_and_prefixes_are_keys_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
