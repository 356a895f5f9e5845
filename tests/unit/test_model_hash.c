#include "model_fixture.h"

#include <string.h>

/* Whether the two texts are the same code. */
static bool same_code(const char *a, const char *b)
{
	struct model *x = parse(a), *y = parse(b);
	bool same = memcmp(x->code_hash, y->code_hash, 16) == 0;

	model_close(x);
	model_close(y);
	return same;
}

#define CODE                                                                   \
	"-- config:\n--   strategy: merge\n--   unique_key: id\n"              \
	"--   order_by: at\n"
#define QUERY                                                                  \
	"select o.id, o.at, 'A b' as x from shop.orders o where "              \
	"/*+ incremental(o.id) */ true"

static void comments_and_blanks_do_not_change_the_code(void **state)
{
	(void)state;
	assert_true(same_code(CODE QUERY, CODE QUERY));
	assert_true(same_code(
		CODE QUERY,
		"-- description: new\n-- config:\n--   owner: me\n"
		"--   order_by:   at # first\n--   strategy: merge\n"
		"--   tags: [a]\n--   unique_key: [ID]\n"
		"--   export: a.csv\n-- tests:\n--   - unique: id\n"
		"SELECT o.id -- not_null\n , O.at,\t'A b' AS x /* y */\n"
		"FROM shop.orders o WHERE /*+incremental( o.id )*/TRUE ; -- "
		"z"));
}

static void what_changes_rows_changes_the_code(void **state)
{
	static const char *const other[] = {
		CODE "select o.id, o.at, 'a b' as x from shop.orders o where "
		     "/*+ incremental(o.id) */ true",
		CODE "select o.id, o.at, 'A  b' as x from shop.orders o where "
		     "/*+ incremental(o.id) */ true",
		CODE "select o.id, o.at, 'A b' as y from shop.orders o where "
		     "/*+ incremental(o.id) */ true",
		CODE "select o.id, o.at, 'A b' as x from shop.orders o where "
		     "/*+ incremental(o.at) */ true",
		CODE "select o.id, o.at, 'A b' as x from shop.\"Orders\" o "
		     "where /*+ incremental(o.id) */ true",
		CODE "--   index: (at)\n" QUERY,
		"-- config:\n--   strategy: merge\n--   unique_key: id\n"
		"--   order_by: at desc\n" QUERY,
		"-- config:\n--   strategy: merge\n--   unique_key: [id, at]\n"
		"--   order_by: at\n" QUERY,
		"-- config:\n--   strategy: append\n--   unique_key: "
		"id\n" QUERY,
		"-- config:\n--   strategy: recompute\n--   by: id\n" QUERY,
		"-- config:\n--   strategy: recompute\n--   by: at day\n" QUERY,
	};
	size_t count = sizeof other / sizeof *other;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_false(same_code(CODE QUERY, other[i]));
		for (size_t j = 0; j < i; j++)
			assert_false(same_code(other[i], other[j]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_and_blanks_do_not_change_the_code),
		cmocka_unit_test(what_changes_rows_changes_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
